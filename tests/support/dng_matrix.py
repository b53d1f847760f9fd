"""The DNG layouts that every test of fidelity goes through: what cameras and converters have been seen to write."""

from dataclasses import dataclass, field
from pathlib import Path

from dng_factory import Storage, entry, make_frame, write_dng

from rawclean.core.bayer import BayerPattern
from rawclean.core.frame import RawFrame
from rawclean.core.layout import Layout, PlainLayout
from rawclean.core.xtrans import XTransPattern
from rawclean.io.tiff import tags
from rawclean.io.tiff.structure import BYTE, LONG, RATIONAL, SHORT, SRATIONAL

SIZE = (304, 448)
FUJI_X_T1 = "GGRGGBGGBGGRBRGRBGGGBGGRGGRGGBRBGBRG"
"""The X-Trans pattern of the X-T1 as LibRaw names it, from its top-left visible site."""
RGGB = BayerPattern.RGGB


@dataclass(frozen=True)
class Case:
    """One file to make."""

    layout: Layout = RGGB
    black: tuple[float, ...] = (512, 512, 512, 512)
    white: float = 16383
    margins: tuple[int, int] = (0, 0)
    size: tuple[int, int] = SIZE
    storage: Storage = field(default_factory=Storage)
    tags: tuple[tuple[int, int, tuple[float, ...]], ...] = ()
    """More tags of the raw directory: number, type, values."""

    def frame(self) -> RawFrame:
        return make_frame(self.size, self.layout, self.black, self.white, self.margins)

    def write(self, path: Path) -> Path:
        more = [entry(tag, kind, values, self.storage.order) for tag, kind, values in self.tags]
        return write_dng(path, self.frame(), more, storage=self.storage)


CASES: dict[str, Case] = {
    **{f"pattern_{p.name}": Case(p, black=(500, 520, 540, 560)) for p in BayerPattern},
    **{f"odd_area_{p.name}": Case(p, margins=(3, 5), black=(500, 520, 540, 560)) for p in BayerPattern},
    **{f"orientation_{n}": Case(storage=Storage(orientation=n)) for n in range(1, 9)},
    **{
        f"bits_{bits}": Case(black=(2**bits // 32,) * 4, white=2**bits - 1, storage=Storage(bits=bits))
        for bits in (8, 10, 12, 14, 16)
    },
    **{f"big_endian_{b}": Case(white=2**b - 1, storage=Storage(b, ">"), black=(64,) * 4) for b in (12, 16)},
    "strips": Case(storage=Storage(rows=50)),
    "tiles": Case(storage=Storage(tile=(64, 96))),
    "tiles_big_endian": Case(storage=Storage(order=">", tile=(80, 64))),
    "ljpeg_tiles": Case(storage=Storage(tile=(64, 64), compression=7)),
    "ljpeg_strip": Case(storage=Storage(compression=7)),
    "ljpeg_big_endian": Case(storage=Storage(order=">", tile=(96, 96), compression=7)),
    "ljpeg_two_tiles_wide": Case(storage=Storage(tile=(96, 224), compression=7)),
    "ljpeg_odd_area": Case(BayerPattern.GBRG, margins=(7, 9), storage=Storage(tile=(64, 64), compression=7)),
    "deflate": Case(storage=Storage(tile=(96, 128), compression=8)),
    "odd_size": Case(size=(303, 447)),
    "raw_in_first_ifd": Case(storage=Storage(in_first=True)),
    "black_0": Case(black=(0, 0, 0, 0)),
    "black_fractions": Case(black=(1023.25, 1024.5, 1022.75, 1024)),
    "black_one_value": Case(tags=((tags.BLACK_LEVEL_REPEAT_DIM, SHORT, (1, 1)), (tags.BLACK_LEVEL, SHORT, (512,)))),
    "black_signed": Case(tags=((tags.BLACK_LEVEL, SRATIONAL, (512, 512, 512, 512)),)),
    "black_per_row": Case(tags=((tags.BLACK_LEVEL_DELTA_V, SRATIONAL, tuple(i % 4 for i in range(SIZE[0]))),)),
    "black_per_column": Case(tags=((tags.BLACK_LEVEL_DELTA_H, SRATIONAL, tuple(i % 3 for i in range(SIZE[1]))),)),
    "white_15000": Case(white=15000),
    "crop": Case(
        margins=(8, 12),
        tags=((tags.DEFAULT_CROP_ORIGIN, LONG, (10, 6)), (tags.DEFAULT_CROP_SIZE, LONG, (420, 280))),
    ),
    "crop_fractions": Case(
        tags=((tags.DEFAULT_CROP_ORIGIN, RATIONAL, (4, 4)), (tags.DEFAULT_CROP_SIZE, RATIONAL, (440, 296)))
    ),
    "masked_areas": Case(margins=(0, 16), tags=((tags.MASKED_AREAS, LONG, (0, 0, SIZE[0], 16)),)),
    "user_crop": Case(tags=((tags.DEFAULT_USER_CROP, RATIONAL, (0.1, 0.1, 0.9, 0.9)),)),
    "green_split": Case(tags=((tags.BAYER_GREEN_SPLIT, LONG, (500,)),)),
    "plane_colour": Case(tags=((tags.CFA_PLANE_COLOR, BYTE, (0, 1, 2)),)),
    "float_32": Case(black=(0,) * 4, white=1.0, storage=Storage(32, floating=True, compression=8, tile=(64, 64))),
    "float_16": Case(black=(0,) * 4, white=1.0, storage=Storage(16, floating=True, compression=8, tile=(64, 64))),
    "float_plain": Case(black=(0,) * 4, white=1.0, storage=Storage(32, floating=True)),
    "monochrome": Case(PlainLayout.MONOCHROME),
    "monochrome_ljpeg": Case(PlainLayout.MONOCHROME, storage=Storage(tile=(64, 64), compression=7)),
    "monochrome_12": Case(PlainLayout.MONOCHROME, black=(256,) * 4, white=4095, storage=Storage(12)),
    "xtrans": Case(XTransPattern.of_letters(FUJI_X_T1)),
    "xtrans_odd_area": Case(XTransPattern.of_letters(FUJI_X_T1).shifted(1, 2), margins=(4, 7)),
    "xtrans_ljpeg": Case(XTransPattern(0, 0), storage=Storage(tile=(64, 64), compression=7)),
    "xtrans_14": Case(XTransPattern(2, 5), black=(1024,) * 4, storage=Storage(14)),
    "linear": Case(PlainLayout.LINEAR_RGB),
    "linear_blacks": Case(PlainLayout.LINEAR_RGB, black=(500, 520, 540)),
    "linear_ljpeg": Case(PlainLayout.LINEAR_RGB, black=(0,) * 3, storage=Storage(tile=(64, 64), compression=7)),
}
