"""DNG files of any layout: a generator that shares no code with the product's writers but the TIFF structure."""

import math
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rawclean.core.bayer import BayerPattern
from rawclean.core.colour import Colour
from rawclean.core.frame import ActiveArea, Camera, Exposure, RawFrame
from rawclean.core.layout import Layout, PlainLayout
from rawclean.core.levels import Levels
from rawclean.io.dng.ljpeg import encode_tile
from rawclean.io.tiff import tags
from rawclean.io.tiff.canvas import TiffCanvas
from rawclean.io.tiff.metadata import read_metadata
from rawclean.io.tiff.structure import (
    ASCII,
    BYTE,
    DOUBLE,
    LONG,
    RATIONAL,
    SHORT,
    SRATIONAL,
    Directory,
    Entry,
    Tiff,
    empty_tiff,
)
from rawclean.synthesis.unprocess import XYZ_TO_CAMERA

SHOT, READ = 1e-3, 1e-6
WB_GAINS = (2.0, 1.0, 1.5)
FLOAT_PREDICTOR = {1: 34894, 3: 3}
"""Floating point predictor, for a mosaic with neighbours two columns apart."""


@dataclass(frozen=True)
class Storage:
    """How the raw image lies in the file."""

    bits: int = 16
    order: str = "<"
    tile: tuple[int, int] | None = None
    """Height and width; None is strips of `rows`."""
    rows: int = 1 << 16
    compression: int = 1
    floating: bool = False
    orientation: int = 1
    in_first: bool = False
    """Whether the raw image is IFD0 itself, without a preview."""


PLAIN = Storage()


def grey_ramp(height: int, width: int, black: float, white: float, gains: np.ndarray, seed: int = 0) -> np.ndarray:
    """A ramp with noise, integer ADU, some of it clipped at white; grey by the white balance `gains` of the sites."""
    normal = np.random.default_rng(seed).standard_normal((height, width), np.float32)
    ramp = np.linspace(0, 1.1, width, dtype=np.float32) / gains
    noisy = ramp + normal * np.sqrt(SHOT * ramp + READ)
    return (noisy * (white - black) + black).round().clip(0, white)


def site_gains(layout: Layout, size: tuple[int, int]) -> np.ndarray:
    """The gain of each site's colour."""
    if isinstance(layout, PlainLayout):
        return np.ones(size, np.float32)
    period = math.isqrt(len(layout.letters))
    gains = np.array([WB_GAINS["RGB".index(letter)] for letter in layout.letters], np.float32).reshape(period, period)
    return np.tile(gains, (size[0] // period + 1, size[1] // period + 1))[: size[0], : size[1]]


def make_frame(
    size: tuple[int, int] = (64, 96),
    layout: Layout = BayerPattern.RGGB,
    black: Iterable[float] = (512, 512, 512, 512),
    white: float = 16383,
    margins: tuple[int, int] = (0, 0),
) -> RawFrame:
    """A photo of `size` visible samples with `margins` (top, left) of masked ones around it."""
    blacks = np.array(list(black), np.float32)
    colours = layout.samples_per_pixel
    levels = Levels(blacks[:3, None, None] if colours == 3 else blacks.reshape(2, 2), white)
    top, left = margins
    planes = []
    for index in range(colours):
        gains = np.array(WB_GAINS[index], np.float32) if colours == 3 else site_gains(layout, size)
        plane = np.full((size[0] + top, size[1] + left), float(blacks[0]), np.float32)
        plane[top:, left:] = grey_ramp(*size, float(blacks.max()), white, gains, index)
        planes.append(plane)
    return RawFrame(
        raster=np.stack(planes) if colours == 3 else planes[0],
        active=ActiveArea(top, left, *size),
        layout=layout,
        levels=levels,
        colour=Colour(WB_GAINS, XYZ_TO_CAMERA[0].numpy()),
        camera=Camera("Maker", "Maker One"),
        exposure=Exposure(400, 0.01, 2.8, 50, None),
        orientation=1,
        noise_profile=None,
    )


def write_dng(
    path: Path,
    frame: RawFrame,
    changes: Iterable[Entry] = (),
    dropped: Iterable[int] = (),
    storage: Storage = PLAIN,
) -> Path:
    """Write `frame` as a DNG stored as `storage` says, with `changes` made to the tags of its raw directory."""
    canvas = TiffCanvas(empty_tiff(storage.order))
    raw = Directory(0).with_entries(_raw_entries(canvas, frame, storage)).with_entries(changes, dropped)
    camera = _camera_entries(canvas.tiff, frame, storage)
    if storage.in_first:
        first = raw.with_entries(camera)
    else:
        link = canvas.tiff.encode(tags.SUB_IFDS, LONG, [canvas.write_directory(raw)])
        first = Directory(0).with_entries([*camera, *_preview_entries(canvas), link])
    canvas.set_first(canvas.write_directory(first))
    path.write_bytes(canvas.finish())
    return path


def entry(tag: int, kind: int, values: Iterable[float], order: str = "<") -> Entry:
    """An entry for `write_dng`."""
    return empty_tiff(order).encode(tag, kind, list(values))


def places(path: Path) -> tuple[tuple[int, list[int]], tuple[int, list[int]]]:
    """Tag and values of the offsets of a DNG's raw image, and of the sizes."""
    metadata = read_metadata(path)
    pairs = ((tags.TILE_OFFSETS, tags.TILE_BYTE_COUNTS), (tags.STRIP_OFFSETS, tags.STRIP_BYTE_COUNTS))
    (pair,) = [pair for pair in pairs if pair[0] in metadata.raw.entries]
    return tuple((tag, list(metadata.tiff.integers(metadata.raw.entries[tag]))) for tag in pair)


def opcode(number: int, parameters: bytes) -> bytes:
    """One opcode of version 1.3."""
    return struct.pack(">4I", number, 0x01030000, 0, len(parameters)) + parameters


def opcode_list(*opcodes: bytes) -> bytes:
    """The value of an OpcodeList."""
    return struct.pack(">I", len(opcodes)) + b"".join(opcodes)


def _raw_entries(canvas: TiffCanvas, frame: RawFrame, storage: Storage) -> list[Entry]:
    tiff, area, count = canvas.tiff, frame.active, frame.layout.samples_per_pixel
    black = frame.levels.black
    samples = frame.raster.reshape(count, *frame.raster.shape[-2:]).transpose(1, 2, 0)
    numbers = {
        tags.NEW_SUBFILE_TYPE: (LONG, [0]),
        tags.IMAGE_WIDTH: (LONG, [samples.shape[1]]),
        tags.IMAGE_LENGTH: (LONG, [samples.shape[0]]),
        tags.BITS_PER_SAMPLE: (SHORT, [storage.bits] * count),
        tags.COMPRESSION: (SHORT, [storage.compression]),
        tags.PHOTOMETRIC: (SHORT, [34892 if isinstance(frame.layout, PlainLayout) else 32803]),
        tags.SAMPLES_PER_PIXEL: (SHORT, [count]),
        tags.PLANAR_CONFIGURATION: (SHORT, [1]),
        tags.BLACK_LEVEL_REPEAT_DIM: (SHORT, list(black.shape[-2:])),
        tags.BLACK_LEVEL: (RATIONAL, black.flatten().tolist()),
        tags.WHITE_LEVEL: (RATIONAL if storage.floating else LONG, [frame.levels.white] * count),
        tags.DEFAULT_SCALE: (RATIONAL, [1, 1]),
        tags.DEFAULT_CROP_ORIGIN: (LONG, [0, 0]),
        tags.DEFAULT_CROP_SIZE: (LONG, [area.width, area.height]),
        tags.ACTIVE_AREA: (LONG, [area.top, area.left, area.top + area.height, area.left + area.width]),
        tags.NOISE_PROFILE: (DOUBLE, [SHOT, READ]),
    }
    if not isinstance(frame.layout, PlainLayout):
        letters = frame.layout.letters
        numbers |= {
            tags.CFA_REPEAT_PATTERN_DIM: (SHORT, [2, 2] if len(letters) == 4 else [6, 6]),
            tags.CFA_PATTERN: (BYTE, ["RGB".index(letter) for letter in letters]),
            tags.CFA_PLANE_COLOR: (BYTE, [0, 1, 2]),
            tags.CFA_LAYOUT: (SHORT, [1]),
        }
    if storage.floating:
        numbers[tags.SAMPLE_FORMAT] = (SHORT, [3] * count)
        if storage.compression == 8:
            numbers[tags.PREDICTOR] = (SHORT, [FLOAT_PREDICTOR[count]])
    return [tiff.encode(tag, kind, values) for tag, (kind, values) in numbers.items()] + _place(
        canvas, samples, storage
    )


def _place(canvas: TiffCanvas, samples: np.ndarray, storage: Storage) -> list[Entry]:
    tiff = canvas.tiff
    rows, columns, _ = samples.shape
    height, width = storage.tile or (min(storage.rows, rows), columns)
    padded = np.pad(samples, ((0, -rows % height if storage.tile else 0), (0, -columns % width), (0, 0)), "edge")
    blocks = [
        _block(padded[top : top + height, left : left + width], storage)
        for top in range(0, rows, height)
        for left in range(0, columns, width)
    ]
    offsets, sizes = [canvas.place(block) for block in blocks], [len(block) for block in blocks]
    if storage.tile:
        return [
            tiff.encode(tags.TILE_WIDTH, LONG, [width]),
            tiff.encode(tags.TILE_LENGTH, LONG, [height]),
            tiff.encode(tags.TILE_OFFSETS, LONG, offsets),
            tiff.encode(tags.TILE_BYTE_COUNTS, LONG, sizes),
        ]
    return [
        tiff.encode(tags.STRIP_OFFSETS, LONG, offsets),
        tiff.encode(tags.ROWS_PER_STRIP, LONG, [height]),
        tiff.encode(tags.STRIP_BYTE_COUNTS, LONG, sizes),
    ]


def _block(samples: np.ndarray, storage: Storage) -> bytes:
    """One strip or tile."""
    if storage.floating:
        return _float_block(samples, storage)
    codes = samples.astype(np.uint16)
    if storage.compression == 7:
        return encode_tile(codes.reshape(len(codes), -1, 2) if codes.shape[2] == 1 else codes)
    flat = codes.reshape(len(codes), -1)
    if storage.compression == 8:
        return zlib.compress(flat.astype(storage.order + "u2").tobytes())
    if storage.bits == 16:
        return flat.astype(storage.order + "u2").tobytes()
    if storage.bits == 8:
        return flat.astype(np.uint8).tobytes()
    bits = (flat[..., None] >> np.arange(storage.bits - 1, -1, -1)) & 1  # rows packed, most significant bit first
    return np.packbits(bits.reshape(len(flat), -1).astype(np.uint8), axis=1).tobytes()


def _float_block(samples: np.ndarray, storage: Storage) -> bytes:
    values = samples.reshape(len(samples), -1).astype(f"f{storage.bits // 8}")
    if storage.compression == 1:
        return values.astype(values.dtype.newbyteorder(storage.order)).tobytes()
    size = values.dtype.itemsize
    step = 2 if samples.shape[2] == 1 else 3  # bytes that are subtracted from each other
    planes = values.astype(values.dtype.newbyteorder(">")).view(np.uint8).reshape(len(values), -1, size)
    line = planes.transpose(0, 2, 1).reshape(len(values), -1)
    line[:, step:] -= line[:, :-step].copy()
    return zlib.compress(line.tobytes())


def _camera_entries(tiff: Tiff, frame: RawFrame, storage: Storage) -> list[Entry]:
    model = str(frame.camera).encode() + b"\0"
    colours = 1 if frame.layout is PlainLayout.MONOCHROME else 3
    matrix = frame.colour.xyz_to_camera[:colours]
    return [
        Entry(tags.MAKE, ASCII, len(frame.camera.make) + 1, frame.camera.make.encode() + b"\0"),
        Entry(tags.MODEL, ASCII, len(frame.camera.model) + 1, frame.camera.model.encode() + b"\0"),
        Entry(tags.UNIQUE_CAMERA_MODEL, ASCII, len(model), model),
        tiff.encode(tags.ORIENTATION, SHORT, [storage.orientation]),
        tiff.encode(tags.DNG_VERSION, BYTE, [1, 4, 0, 0]),
        tiff.encode(tags.DNG_BACKWARD_VERSION, BYTE, [1, 4, 0, 0]),
        tiff.encode(tags.COLOR_MATRIX_1, SRATIONAL, matrix.flatten().tolist()),
        tiff.encode(tags.CALIBRATION_ILLUMINANT_1, SHORT, [21]),
        *(
            [tiff.encode(tags.AS_SHOT_NEUTRAL, RATIONAL, [1 / g for g in frame.colour.wb_gains])]
            if colours == 3
            else []
        ),
    ]


def _preview_entries(canvas: TiffCanvas) -> list[Entry]:
    """A grey preview of 16x12 pixels."""
    pixels = np.full((12, 16, 3), 99, dtype=np.uint8)
    numbers = {
        tags.NEW_SUBFILE_TYPE: (LONG, 1),
        tags.IMAGE_WIDTH: (LONG, 16),
        tags.IMAGE_LENGTH: (LONG, 12),
        tags.COMPRESSION: (SHORT, 1),
        tags.PHOTOMETRIC: (SHORT, 2),
        tags.SAMPLES_PER_PIXEL: (SHORT, 3),
        tags.PLANAR_CONFIGURATION: (SHORT, 1),
        tags.STRIP_OFFSETS: (LONG, canvas.place(pixels.tobytes())),
        tags.ROWS_PER_STRIP: (LONG, 12),
        tags.STRIP_BYTE_COUNTS: (LONG, pixels.nbytes),
    }
    entries = [canvas.tiff.encode(tag, kind, [value]) for tag, (kind, value) in numbers.items()]
    return [*entries, canvas.tiff.encode(tags.BITS_PER_SAMPLE, SHORT, [8, 8, 8])]
