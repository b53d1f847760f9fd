"""The X-Trans mosaic of Fujifilm: 6x6 sites in four blocks of 3x3, packed into nine planes of one colour each.

Five sites of a block are green. Of the other four, the vertical pair is red and the horizontal one blue, or the other
way round, in turn like the squares of a chessboard (the parity of a block). Planes are G, G, G, G, G, R, R, B, B: what
moves with the parity is the place of red and blue inside the block, which a network must be told.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from rawclean.errors import UnsupportedSensorError

PERIOD, BLOCK = 6, 3
CANONICAL = ("GRGGBG", "BGBRGR", "GRGGBG", "GBGGRG", "RGRBGB", "GBGGRG")
"""Rows of the pattern from a block of parity 0."""
PLANE_COLOURS = (1, 1, 1, 1, 1, 0, 0, 2, 2)
"""Index into R, G, B of each plane."""
_GREENS, _VERTICAL, _HORIZONTAL = [0, 2, 4, 6, 8], [1, 7], [3, 5]
"""Sites of a block, row by row."""


@dataclass(frozen=True, slots=True)
class XTransPattern:
    """Where in the canonical pattern the top-left of a mosaic lies."""

    row: int
    column: int

    @classmethod
    def of_letters(cls, letters: str) -> "XTransPattern":
        """The pattern whose 36 sites are `letters`, row by row; raises UnsupportedSensorError where it is none."""
        for row in range(PERIOD):
            for column in range(PERIOD):
                pattern = cls(row, column)
                if pattern.letters == letters:
                    return pattern
        raise UnsupportedSensorError("a 6x6 colour pattern that is not X-Trans; this is not supported yet")

    @property
    def letters(self) -> str:
        """Colours of the top-left 6x6 sites."""
        return "".join(
            CANONICAL[(self.row + i) % PERIOD][(self.column + j) % PERIOD] for i in range(PERIOD) for j in range(PERIOD)
        )

    @property
    def name(self) -> str:
        """For people."""
        return "X-Trans"

    @property
    def samples_per_pixel(self) -> int:
        """One: a site sees one colour."""
        return 1

    def shifted(self, rows: int, columns: int) -> "XTransPattern":
        """The pattern of the same mosaic seen from a site further down and further right."""
        row, column = (self.row + rows) % PERIOD, (self.column + columns) % PERIOD
        return self.of_letters(XTransPattern(row, column).letters)

    def pack(self, samples: Tensor) -> Tensor:
        """Mosaic (H, W), both at least 12, to planes (9, 2h, 2w); missing sites repeat those one period inside."""
        rows = _whole_periods(samples.shape[0], self.row, samples.device)
        columns = _whole_periods(samples.shape[1], self.column, samples.device)
        return pack_xtrans(samples[rows][:, columns])

    def unpack(self, planes: Tensor, size: tuple[int, int]) -> Tensor:
        """Undo `pack` for a mosaic of `size` (H, W)."""
        mosaic = unpack_xtrans(planes)
        return mosaic[self.row : self.row + size[0], self.column : self.column + size[1]]


def block_parity(planes: Tensor) -> Tensor:
    """Which blocks of planes (..., H, W) have red in the horizontal pair, bool (H, W)."""
    rows, columns = (torch.arange(side, device=planes.device) for side in planes.shape[-2:])
    return (rows[:, None] + columns) % 2 == 1


def pack_xtrans(mosaic: Tensor) -> Tensor:
    """Mosaic (..., 6h, 6w) in the canonical phase to planes (..., 9, 2h, 2w)."""
    rows, columns = (side // BLOCK for side in mosaic.shape[-2:])
    sites = mosaic.reshape(*mosaic.shape[:-2], rows, BLOCK, columns, BLOCK)
    sites = sites.movedim((-3, -1), (-4, -3)).flatten(-4, -3)
    vertical, horizontal = sites[..., _VERTICAL, :, :], sites[..., _HORIZONTAL, :, :]
    odd = block_parity(sites)
    red, blue = torch.where(odd, horizontal, vertical), torch.where(odd, vertical, horizontal)
    return torch.cat([sites[..., _GREENS, :, :], red, blue], dim=-3)


def unpack_xtrans(planes: Tensor) -> Tensor:
    """Undo `pack_xtrans`: planes (9, 2h, 2w) to the mosaic (6h, 6w)."""
    red, blue = planes[5:7], planes[7:9]
    odd = block_parity(planes)
    sites = torch.empty_like(planes)
    sites[_GREENS] = planes[:5]
    sites[_VERTICAL], sites[_HORIZONTAL] = torch.where(odd, blue, red), torch.where(odd, red, blue)
    height, width = planes.shape[-2:]
    return sites.view(BLOCK, BLOCK, height, width).permute(2, 0, 3, 1).reshape(BLOCK * height, BLOCK * width)


def sample_xtrans(rgb: Tensor) -> Tensor:
    """Sample (B, 3, 6h, 6w) through the canonical mosaic: planes (B, 9, 2h, 2w)."""
    colours = torch.tensor([["RGB".index(letter) for letter in row] for row in CANONICAL], device=rgb.device)
    height, width = rgb.shape[-2:]
    index = colours.repeat(height // PERIOD, width // PERIOD).expand(len(rgb), 1, height, width)
    return pack_xtrans(rgb.gather(1, index)[:, 0])


def _whole_periods(length: int, before: int, device: torch.device) -> Tensor:
    """Indices of an axis of `length` sites, with `before` more in front and as many behind as fill up a period."""
    after = -(before + length) % PERIOD
    positions = torch.arange(-before, length + after, device=device)
    return positions + PERIOD * (positions < 0).long() - PERIOD * (positions >= length).long()
