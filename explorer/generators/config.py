"""Reading a flat configuration into a family's frozen dataclass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from explorer.errors import MismatchError

__all__ = ["config_from_mapping"]

T = TypeVar("T")


def config_from_mapping(cls: type[T], values: Mapping[str, Any], family: str) -> T:
    """`cls(**values)` with sequences turned into tuples.

    Args:
        cls: A frozen dataclass whose fields are the accepted names.
        values: Flat configuration, names as in `cls`.
        family: Named in error messages.

    Raises:
        MismatchError: For names that `cls` does not have, or required ones that are missing.
    """
    names = {f.name for f in fields(cls)}  # type: ignore[arg-type]  # typeshed wants a dataclass instance
    unknown = sorted(set(values) - names)
    if unknown:
        raise MismatchError(
            f"The {family} configuration has settings this program does not know: {', '.join(unknown)}.",
            "The file may come from a modified version of the training code.",
        )
    required = {f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING}  # type: ignore[arg-type]
    missing = sorted(required - set(values))
    if missing:
        raise MismatchError(f"The {family} configuration lacks {', '.join(missing)}.")
    return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})
