"""A lab, run to its end in one process: every cell trained and measured, the table written anew after each.

A lab that was stopped goes on where it was: a cell that has its score is left alone, one that was in training goes on
from its checkpoint.
"""

import json
from collections.abc import Callable
from pathlib import Path

import torch

from rawclean.core.typed import plain, structured
from rawclean.errors import TrainingError
from rawclean.evaluation.lab_report import LabRow, lab_rows, write_report
from rawclean.evaluation.lab_score import Exam, LabScore, examine
from rawclean.evaluation.scenes import read_scenes
from rawclean.io.atomic import write_atomically
from rawclean.models.files import check_weights
from rawclean.training.batch import origin_of
from rawclean.training.dataset import PhotoCrops, photos_of
from rawclean.training.lab import Cell, LabConfig, cells
from rawclean.training.loop import train

RECIPE, SCORE = "recipe.json", "score.json"

LabProgress = Callable[[str, int, float], None]
"""Called with the cell, the step that its training has reached, and the loss."""


def run_lab(lab: LabConfig, out: Path, device: torch.device, progress: LabProgress) -> list[LabRow]:
    """Train on `device` and measure on the CPU all cells of a lab in the folder `out`; return the rows of its table.

    Raises TrainingError where a cell in the folder was trained by another recipe.
    """
    exam = Exam(lab.dev, lab.limit, lab.sensor_photos)
    folders = list(map(Path, lab.photos))
    photos = origin_of(photos_of(folders))
    _check(lab)
    crops: PhotoCrops | None = None
    scores: dict[tuple[str, str], list[LabScore]] = {}
    rows: list[LabRow] = []
    for cell in cells(lab):
        folder = out / cell.folder
        _claim(folder, cell, photos)
        score = _known_score(folder, exam)
        if score is None:
            crops = crops or PhotoCrops.from_folders(folders, cell.config.synthesis, device)
            score = _run_cell(cell, folder, crops, device, progress, exam)
        scores.setdefault((cell.network, cell.loss), []).append(score)
        rows = lab_rows(scores)
        write_report(out, rows, lab.recipe.steps)
    return rows


def _run_cell(
    cell: Cell, folder: Path, crops: PhotoCrops, device: torch.device, progress: LabProgress, exam: Exam
) -> LabScore:
    through = crops.through(cell.config.synthesis.mosaic)
    weights = train(cell.config, through, folder, device, lambda step, loss: progress(cell.name, step, loss))
    score = examine(weights, exam)
    _write(folder / SCORE, {"exam": plain(exam), "score": plain(score)})
    return score


def _check(lab: LabConfig) -> None:
    """What is needed last, before hours of training: raise where there are no photos to measure on, or no teacher."""
    next(read_scenes(Path(lab.dev), 1))
    if lab.recipe.teacher is not None:
        check_weights(Path(lab.recipe.teacher))


def _claim(folder: Path, cell: Cell, photos: str) -> None:
    """Write down recipe and photos of a cell before anything else; raise TrainingError where others are there."""
    recipe = json.loads(json.dumps(plain(cell.config))) | {"photos": photos}
    path = folder / RECIPE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _write(path, recipe)
    elif _read(path) != recipe:
        raise TrainingError(
            f"{folder}: was trained by another recipe or on other photos; name another folder with --out"
        )


def _known_score(folder: Path, exam: Exam) -> LabScore | None:
    """The score of a cell, if this was its exam."""
    path = folder / SCORE
    if not path.exists():
        return None
    content = _read(path)
    try:
        return structured(content["score"], LabScore) if content["exam"] == plain(exam) else None
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{path}: not a score ({error}); remove it, and it is measured again") from error


def _read(path: Path) -> dict[str, object]:
    try:
        content: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path}: cannot be read ({error}); remove it") from error
    return content


def _write(path: Path, content: object) -> None:
    write_atomically(path, [json.dumps(content, indent=1).encode()])
