"""Thousands of damaged files: `python tests/support/fuzz.py --files 5000 --seed 1` prints how they end.

Sound files are made in every layout; RAWCLEAN_SHARED, or the folder `shared` beside the checkout, adds real ones.
"""

import argparse
import json
import os
import random
import select
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from dng_matrix import CASES
from mutations import KINDS
from tag_mutations import TAG_KINDS

SECONDS = 20.0
"""After which a file counts as one that hangs."""
LONGEST_MESSAGE = 400
NETWORK_EACH = 16
"""Of so many files, one goes through the network too; the others are read and written."""
LARGEST_FILE = 4 << 20
"""Of the real ones, in bytes."""
GOOD = ("done", "refused")


@dataclass
class Outcome:
    """How files of one kind ended."""

    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    seconds: float = 0.0
    peak: tuple[int, int] = (0, 0)
    """Of memory in MiB, and the seed of the file that took it."""


class Worker:
    """The process that decodes; a new one after each crash or hang."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def ask(self, source: Path, output: Path, *, network: bool = True) -> tuple[str, float, int]:
        """Answer, seconds, and the process's peak of memory in MiB while it worked on this file."""
        if self._process is None:
            command = [sys.executable, Path(__file__).with_name("fuzz_worker.py")]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
            self._process = subprocess.Popen(command, text=True, **pipes)
        self._process.stdin.write(f"{source} {output}{'' if network else ' files'}\n")
        self._process.stdin.flush()
        answered, _, _ = select.select([self._process.stdout], [], [], 3 * SECONDS)
        line = self._process.stdout.readline() if answered else ""
        if line:
            return tuple(json.loads(line))
        self.stop()
        return ("crash: the interpreter ended" if answered else "hang: no answer"), 3 * SECONDS, 0

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def sound_files(folder: Path) -> list[tuple[str, str, bytes]]:
    """Name, suffix and content of a file in every layout."""
    return [(name, ".dng", case.write(folder / f"{name}.dng").read_bytes()) for name, case in CASES.items()]


def real_files(folder: Path) -> list[tuple[str, str, bytes]]:
    """The small ones among real files."""
    paths = sorted(path for path in folder.glob("*.*") if path.suffix != ".md" and path.stat().st_size < LARGEST_FILE)
    return [(path.name, path.suffix, path.read_bytes()) for path in paths]


def mutated(sound: bytes, suffix: str, seed: int) -> tuple[str, bytes]:
    """The kind of damage, and the damaged copy."""
    rng = random.Random(seed)
    kinds = [*KINDS, *TAG_KINDS * 3] if suffix in (".dng", ".nef") else KINDS
    damage = rng.choice(kinds)
    data = bytearray(sound)
    for _ in range(rng.choice((1, 1, 2))):
        try:
            data = damage(data, rng)
        except Exception:  # the second damage may find no structure left
            break
    return damage.__name__, bytes(data)


def judged(answer: str, seconds: float, left: list[str]) -> str:
    """One word for how a file ended: done, refused, or what is wrong."""
    word = answer.partition(":")[0]
    if seconds > SECONDS:
        return "hang"
    if "\n" in answer or len(answer) > LONGEST_MESSAGE:
        return "long message"
    return "leftovers" if left else word


def main() -> int:
    """Print a table; exit status 1 where something is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    shared = Path(os.environ.get("RAWCLEAN_SHARED", Path(__file__).parents[3] / "shared")) / "raw"
    outcomes: dict[str, Outcome] = defaultdict(Outcome)
    worker = Worker()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = [*sound_files(folder), *(real_files(shared) if shared.is_dir() else [])]
        for path in folder.iterdir():
            path.unlink()
        for seed in range(options.seed, options.seed + options.files):
            origin, suffix, sound = sources[seed % len(sources)]
            kind, data = mutated(sound, suffix, seed)
            source = folder / f"damaged{suffix}"
            source.write_bytes(data)
            answer, seconds, peak = worker.ask(source, folder / "out.dng", network=seed % NETWORK_EACH == 0)
            source.unlink()
            word = judged(answer, seconds, [path.name for path in folder.iterdir()])
            outcome = outcomes[kind]
            outcome.counts[word] += 1
            outcome.seconds, outcome.peak = max(outcome.seconds, seconds), max(outcome.peak, (peak, seed))
            if word not in GOOD:
                print(f"seed {seed}, {origin}, {kind}: {word} after {seconds:.1f} s: {answer[:300]}", flush=True)
    worker.stop()
    return report(outcomes)


def report(outcomes: dict[str, Outcome]) -> int:
    """Print a line for each kind of damage; 1 where one is bad."""
    bad = 0
    print(f"{'damage':14}{'done':>6}{'refused':>9}{'wrong':>7}{'slowest s':>11}{'peak MiB':>10}{'seed':>8}")
    for kind, outcome in sorted(outcomes.items()):
        wrong = sum(count for word, count in outcome.counts.items() if word not in GOOD)
        bad += wrong
        done, refused = (outcome.counts[word] for word in GOOD)
        print(f"{kind:14}{done:6}{refused:9}{wrong:7}{outcome.seconds:11.2f}{outcome.peak[0]:10}{outcome.peak[1]:8}")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
