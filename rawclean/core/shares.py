"""Which shares of the noise a user wants taken away: of brightness and of colour, for all photos or by their ISO."""

from dataclasses import dataclass

from rawclean.core.limits import MAX_ISO
from rawclean.core.log_scale import between


@dataclass(frozen=True, slots=True)
class ByIso:
    """A share that changes with the ISO, by its logarithm between the points and not beyond them."""

    points: tuple[tuple[float, float], ...]
    """ISO and share, by rising ISO."""

    def __post_init__(self) -> None:
        """Raise ValueError where the points are none."""
        isos = [iso for iso, _ in self.points]
        if not isos or sorted(set(isos)) != isos or not (isos[0] >= 1 and isos[-1] <= MAX_ISO):
            raise ValueError(f"each ISO is given once, the lowest first, between 1 and {MAX_ISO}")
        if not all(0 <= share <= 1 for _, share in self.points):
            raise ValueError("a share is from 0 to 1")

    def at(self, iso: float) -> float:
        """The share at an ISO."""
        return between(self.points, iso)

    def __str__(self) -> str:
        return ",".join(f"{iso:g}:{share:g}" for iso, share in self.points)


Share = float | ByIso
"""From 0 to 1."""


def share_at(share: Share, iso: float) -> float:
    """The share for a photo of an ISO."""
    return share.at(iso) if isinstance(share, ByIso) else share


GRAIN = {"none": 0.0, "light": 0.15, "medium": 0.3, "strong": 0.5}
"""Words for shares of the noise of brightness that are left."""


@dataclass(frozen=True, slots=True)
class Shares:
    """What is taken away of the noise of one photo, each from 0 to 1."""

    luminance: float = 1.0
    """Of the noise of brightness."""
    colour: float = 1.0
    """Of the noise of colour."""

    @property
    def overall(self) -> float:
        """Of both."""
        return (self.luminance + self.colour) / 2
