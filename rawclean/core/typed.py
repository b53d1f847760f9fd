"""Plain values, as JSON and TOML files hold them, to dataclasses and back; what does not fit is named."""

from enum import Enum
from typing import Any, TypeVar

from cattrs import BaseValidationError, Converter, ForbiddenExtraKeysError, transform_error

T = TypeVar("T")


def structured(plain: object, kind: type[T]) -> T:
    """The `kind` that `plain` values describe; raises ValueError with the first place that does not fit."""
    try:
        return _CONVERTER.structure(plain, kind)
    except BaseValidationError as error:
        reason, _, place = transform_error(error, format_exception=_in_words)[0].rpartition(" @ $")
        raise ValueError(f"{place.removeprefix('.')}: {reason}" if place else reason) from error
    except AttributeError as error:
        raise ValueError(f"{plain!r:.40} is no table") from error


def plain(value: object) -> Any:
    """The values that `structured` makes a dataclass of: tables, lists, numbers, texts."""
    return _CONVERTER.unstructure(value)


def _in_words(error: BaseException, kind: type | None) -> str:
    """What is wrong at one place."""
    if isinstance(error, KeyError):
        return "missing"
    if isinstance(error, ForbiddenExtraKeysError):
        return f"{', '.join(sorted(error.extra_fields))} is unknown"
    if isinstance(error, ValueError) and isinstance(kind, type) and issubclass(kind, Enum):
        return f"{error.args[0]}; known: {', '.join(str(choice.value) for choice in kind)}"
    return str(error)


def _exactly(value: Any, kind: type) -> Any:
    """No text is a number here, and no number a text."""
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise TypeError(f"{value!r:.40} is no {kind.__name__}")
    return value


_CONVERTER = Converter(forbid_extra_keys=True, unstruct_collection_overrides={tuple: list})
for _kind in (bool, int, float, str):
    _CONVERTER.register_structure_hook(_kind, _exactly)
