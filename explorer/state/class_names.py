"""Names that the user has given to the classes of a model, such as the domains of an image-to-image network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LONGEST_NAME", "ClassNames", "named_classes", "with_class_names"]

LONGEST_NAME = 80
"""Characters of a name that are kept."""


@dataclass(frozen=True, slots=True)
class ClassNames:
    """Names of the classes of the model with that SHA-256, in order; an empty one stands for the model's own."""

    model: str
    names: tuple[str, ...] = ()


def named_classes(given: Sequence[ClassNames], model: str, own: Sequence[str], count: int) -> tuple[str, ...]:
    """Return the names of a model's classes: the user's, and where there is none the model's own.

    Args:
        given: The user's, of all models.
        model: SHA-256 of the model.
        own: Names in its file; may be empty.
        count: Number of its classes.

    Returns:
        One name for each class, or nothing if no class has a name.
    """
    known = next((item.names for item in given if item.model == model), ())
    names = [known[i] if i < len(known) and known[i] else own[i] if i < len(own) else "" for i in range(count)]
    return tuple(names) if any(names) else ()


def with_class_names(given: Sequence[ClassNames], model: str, names: Sequence[str]) -> tuple[ClassNames, ...]:
    """Return the user's names with those of one model's classes; none of them forgets the model."""
    others = tuple(item for item in given if item.model != model)
    return (*others, ClassNames(model, tuple(names))) if any(names) else others
