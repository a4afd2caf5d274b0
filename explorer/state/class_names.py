"""Names that the user has given to the classes of a model, such as the domains of an image-to-image network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.state.explorer_state import ExplorerState

__all__ = ["LONGEST_NAME", "ClassNames", "named_classes", "with_class_names"]

LONGEST_NAME = 80
"""Characters of a name that are kept."""


@dataclass(frozen=True, slots=True)
class ClassNames:
    """Names of the classes of the model with that SHA-256, in order; an empty one stands for the model's own."""

    model: str
    names: tuple[str, ...] = ()


def named_classes(state: ExplorerState, model: str, own: Sequence[str], count: int) -> tuple[str, ...]:
    """Return the names of a model's classes: the user's, and where there is none the model's own.

    Args:
        state: Holds the user's.
        model: SHA-256 of the model.
        own: Names in its file; may be empty.
        count: Number of its classes.

    Returns:
        One name for each class, or nothing if no class has a name.
    """
    given = next((item.names for item in state.class_names if item.model == model), ())
    names = [given[i] if i < len(given) and given[i] else own[i] if i < len(own) else "" for i in range(count)]
    return tuple(names) if any(names) else ()


def with_class_names(state: ExplorerState, model: str, names: Sequence[str]) -> ExplorerState:
    """Return the state with the user's names of a model's classes; none of them forgets the model."""
    others = tuple(item for item in state.class_names if item.model != model)
    made = (ClassNames(model, tuple(names)),) if any(names) else ()
    return replace(state, class_names=(*others, *made))
