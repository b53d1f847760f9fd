"""The pictures of the README: pieces at 100 % as developed by the same program, of rawclean's results and of others'.

    python .readme/make_pictures.py ../shared/photos/dev ../shared/raw

needs darktable-cli and rawtherapee-cli. darktable develops the noisy photo, without and with `denoise (profiled)` at
its defaults, and rawclean's results; RawTherapee develops the noisy photo with its automatic noise reduction.
"""

import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from rawclean.io.tiff.metadata import read_metadata

HERE = Path(__file__).parent
LEVELS = {"ISO 8,000": "1.6e-3", "ISO 32,000": "6.4e-3", "ISO 60,000": "1.2e-2"}
"""Shot noise, and the ISO at which the typical camera of the DNG specification has it."""
JPEG: dict[str, Any] = {"quality": 90, "subsampling": 0}
"""Half a megabyte a picture; PNG takes three times that for noise."""
SIDE, LABEL = 200, 22
CUT_OFF = 4
"""Samples that RawTherapee leaves out on all sides."""
MODIFIED = """<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
 rdf:about="" xmlns:darktable="http://darktable.sf.net/" darktable:xmp_version="5" darktable:history_end="1"
 darktable:auto_presets_applied="0" darktable:iop_order_version="4"><darktable:history><rdf:Seq><rdf:li
 darktable:num="0" darktable:operation="denoiseprofile" darktable:enabled="{enabled}" darktable:modversion="11"
 darktable:params="{params}" darktable:multi_name="" darktable:multi_priority="0"/></rdf:Seq></darktable:history>
</rdf:Description></rdf:RDF></x:xmpmeta>
"""
NOISE_REDUCTION = """[Directional Pyramid Denoising]
Enabled=true
Method=Lab
LMethod=SLI
CMethod=AUT
C2Method=AUTO
Luma=50
Ldetail=50
[Exposure]
Auto=false
"""


Row = tuple[str, list[Image.Image]]
"""The name of a place, and a piece for each way."""


@dataclass(frozen=True, slots=True)
class Place:
    """A square of a developed photo, upright."""

    name: str
    top: int
    left: int
    gain: float
    """What lifts its shadows for the page."""


def denoiseprofile_defaults() -> str:
    """Parameters of darktable 4.2's `denoise (profiled)`, version 11, with the camera's own profile, in hexadecimal."""
    bands = [band / 6 for band in range(7)]
    amounts = struct.pack("<8f", 1, 7, 1, 1, 0, 0, 0.1, 1) + struct.pack("<6f", -1, -1, -1, 0, 0, 0)
    wavelets = struct.pack("<i42f42f", 1, *(6 * bands), *(42 * [0.5]))
    return (amounts + wavelets + struct.pack("<4i", 1, 1, 1, 1)).hex()


def by_darktable(photo: Path, folder: Path, *, denoise: bool = False) -> np.ndarray:
    """Develop with darktable: (H, W, 3), uint8."""
    recipe, picture = folder / "recipe.xmp", folder / "picture.png"
    recipe.write_text(MODIFIED.format(enabled=int(denoise), params=denoiseprofile_defaults()))
    picture.unlink(missing_ok=True)
    own = ["--core", "--configdir", str(folder / "config"), "--library", ":memory:"]
    run(["darktable-cli", str(photo), str(recipe), str(picture), *own])
    return imageio.imread(picture)


def by_rawtherapee(photo: Path, folder: Path) -> np.ndarray:
    """Develop with RawTherapee and its noise reduction: (H, W, 3), uint8, with the border that it cuts off in black."""
    recipe, picture = folder / "recipe.pp3", folder / "rawtherapee.png"
    recipe.write_text(NOISE_REDUCTION)
    run(["rawtherapee-cli", "-o", str(picture), "-p", str(recipe), "-n", "-b8", "-Y", "-c", str(photo)])
    developed = np.pad(imageio.imread(picture), ((CUT_OFF, CUT_OFF), (CUT_OFF, CUT_OFF), (0, 0)))
    mirrored = read_metadata(photo).orientation == 2  # which it does not know
    return developed[:, ::-1] if mirrored else developed


def by_rawclean(photo: Path, folder: Path, *options: str) -> np.ndarray:
    """Denoise with rawclean, then develop with darktable."""
    result = folder / "result.dng"
    command = [sys.executable, "-m", "rawclean", "denoise", str(photo), "-o", str(result), "--overwrite", "-q"]
    run([*command, *options])
    return by_darktable(result, folder)


WAYS: dict[str, Callable[[Path, Path], np.ndarray]] = {
    "as it was taken": by_darktable,
    "darktable": lambda photo, folder: by_darktable(photo, folder, denoise=True),
    "RawTherapee": by_rawtherapee,
    "rawclean": by_rawclean,
    "rawclean, best": lambda photo, folder: by_rawclean(photo, folder, "--quality", "best"),
}


def run(command: Sequence[str]) -> None:
    """Run a program; its own words where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr[-2000:]}")


def pieces(pictures: Sequence[np.ndarray], place: Place) -> list[Image.Image]:
    """The same square of all pictures at 100 %, each as bright on average as the first, lifted by the gain."""
    rows, columns = slice(place.top, place.top + SIDE), slice(place.left, place.left + SIDE)
    codes = [picture[rows, columns, :3].astype(np.float32) for picture in pictures]
    lit = [each * (place.gain * codes[0].mean() / each.mean()) for each in codes]
    return [Image.fromarray(each.clip(0, 255).astype(np.uint8)) for each in lit]


def sheet(rows: Sequence[Row], heads: Sequence[str]) -> Image.Image:
    """Rows of pieces with their names."""
    font = ImageFont.load_default(14)
    width = LABEL + len(heads) * (SIDE + 4)
    made = Image.new("RGB", (width, LABEL + len(rows) * (SIDE + 4)), "white")
    draw = ImageDraw.Draw(made)
    for column, head in enumerate(heads):
        draw.text((LABEL + column * (SIDE + 4) + SIDE / 2, LABEL / 2), head, "black", font, anchor="mm")
    for row, (name, pieces) in enumerate(rows):
        top = LABEL + row * (SIDE + 4)
        label = Image.new("RGB", (SIDE, LABEL), "white")
        ImageDraw.Draw(label).text((SIDE / 2, LABEL / 2), name, "black", font, anchor="mm")
        made.paste(label.rotate(90, expand=True), (0, top))
        for column, each in enumerate(pieces):
            made.paste(each, (LABEL + column * (SIDE + 4), top))
    return made


def compared(photo: Path, folder: Path, places: Sequence[Place]) -> list[Row]:
    """A row for each place of a photo, a piece for each way."""
    pictures = [way(photo, folder) for way in WAYS.values()]
    return [(place.name, pieces(pictures, place)) for place in places]


def simulated(photo: Path, shot: str, folder: Path, place: Place) -> list[Row]:
    """The same of a photo with simulated noise."""
    noisy = folder / "noisy.dng"
    command = [sys.executable, "-m", "rawclean", "simulate", str(photo), "-o", str(noisy), "--overwrite", "-q"]
    run([*command, "--shot", shot])
    return compared(noisy, folder, [place])


def main(dev: Path, raw: Path) -> None:
    """Make all pictures."""
    heads = list(WAYS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        real = {photo: compared(raw / photo, folder, places) for photo, places in REAL.items()}
        gopro, canon = real.values()
        sheet([*gopro[:3], *canon], heads).save(HERE / "real_photos.jpg", **JPEG)
        rows = [
            row
            for photo, place in SIMULATED.items()
            for level, shot in LEVELS.items()
            for row in simulated(dev / photo, shot, folder, replace(place, name=level))
        ]
        sheet(rows, heads).save(HERE / "three_levels.jpg", **JPEG)
        rows = [row for photo, place in WORSE.items() for row in simulated(dev / photo, "6.4e-3", folder, place)]
        sheet([*rows, *gopro[3:]], heads).save(HERE / "worse.jpg", **JPEG)


REAL = {
    "gopro_hero7_scene_iso252.dng": [
        Place("bark, shadow", 1940, 560, 3),
        Place("twigs, shadow", 1380, 560, 3),
        Place("wall painting", 1150, 2600, 1.5),
        Place("board, shadow", 2560, 1800, 2),
    ],
    "canon_550d_chart_14bit.dng": [Place("chart", 560, 640, 1.5)],
}
SIMULATED = {"g190.png": Place("dog", 170, 140, 1.2), "g192.png": Place("skin and hair", 130, 330, 1.0)}
WORSE = {"g208.png": Place("sand", 250, 200, 1.0), "g193.png": Place("grass", 200, 200, 1.2)}

if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
