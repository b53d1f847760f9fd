"""Does every model answer what is stored: its files are checked, and it is run on an example as a photo would be."""

from collections.abc import Iterator
from pathlib import Path

from rawclean.doctor.finding import Finding, State
from rawclean.engines.answers import answer_of, tolerance_of
from rawclean.engines.choices import DeviceChoice, EngineChoice, Precision
from rawclean.engines.pick import pick_engine
from rawclean.errors import RawcleanError
from rawclean.instruments.answers import INSTRUMENTS, TOLERANCE
from rawclean.models.cards import ModelCard
from rawclean.models.files import check_weights
from rawclean.models.manifest import read_instruments


def try_model(card: ModelCard) -> Finding:
    """Check and run one model, on what `auto` takes."""
    name = f"model {card.name}"
    try:
        engine = pick_engine(card, EngineChoice.AUTO, DeviceChoice.AUTO, Precision.AUTO)
    except RawcleanError as error:
        return Finding(name, State.FAULT, str(error))
    answer = answer_of(engine, card.mosaic.planes)
    if card.answer is None:
        text = "runs, but no answer is stored to compare with (`rawclean models record` stores it)"
        return Finding(name, State.NOTE, f"{engine.name}: {text}")
    return _compared(name, f"{engine.name}: ", answer.distance(card.answer), tolerance_of(engine))


def try_instruments(folder: Path) -> Iterator[Finding]:
    """Check and run what looks at a photo before it is denoised, from a folder of weights."""
    cards = {card.path.name: card for card in read_instruments(folder)}
    for file, answer_of_file in INSTRUMENTS.items():
        name = f"instrument {file.partition('.')[0]}"
        if file not in cards:
            yield Finding(name, State.FAULT, "is not in the manifest; reinstall rawclean")
            continue
        card = cards[file]
        try:
            check_weights(card.path, card.sha256)
            answer = answer_of_file(card.path)
        except RawcleanError as error:
            yield Finding(name, State.FAULT, str(error))
        else:
            yield _compared(name, "", answer.distance(card.answer), TOLERANCE)


def _compared(name: str, how: str, distance: float, tolerance: float) -> Finding:
    """What the `Answer.distance` from what is stored means; one that is no number is too large."""
    figures = f"{how}{distance:.2%} from its stored answer, at most {tolerance:.1%} is expected"
    if distance <= tolerance:
        return Finding(name, State.GOOD, figures)
    return Finding(name, State.FAULT, f"{figures}; try --engine torch --precision fp32, and report it")
