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

_FORMS = "a number from 0 to 1, or some by ISO like 100:0.4,6400:1, the lowest first"


def share_of(told: object) -> Share:
    """A number, or a text like 0.7 or, by ISO, 100:0.4,6400:1, to a share; raises ValueError, which says so."""
    if isinstance(told, ByIso):
        return told
    try:
        points = [tuple(map(float, point.split(":"))) for point in str(told).split(",")]
        if len(points) == len(points[0]) == 1:
            points = [(1.0, *points[0])]  # the same at every ISO
        by_iso = ByIso(tuple((iso, share) for iso, share in points))
    except ValueError as error:
        raise ValueError(f"give {_FORMS}") from error
    return by_iso if len(by_iso.points) > 1 or ":" in str(told) else by_iso.points[0][1]


def grain_of(told: object) -> Share:
    """A word of GRAIN, or what `share_of` takes, to the share that is left; raises ValueError, which says so."""
    if isinstance(told, str) and told in GRAIN:
        return GRAIN[told]
    try:
        return share_of(told)
    except ValueError as error:
        raise ValueError(f"give {', '.join(GRAIN)}, {_FORMS}") from error


def rest_of(share: Share) -> Share:
    """What a share leaves."""
    return ByIso(tuple((iso, 1 - part) for iso, part in share.points)) if isinstance(share, ByIso) else 1 - share


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
