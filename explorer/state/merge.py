"""Three-way merges of states: the changes that one value shows over another, carried over to a third."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeGuard, TypeVar, cast

from explorer.edits import Edit
from explorer.state.breeding import Breeding
from explorer.state.dragging import DragSetup
from explorer.state.explorer_state import ExplorerState
from explorer.state.lab import Lab
from explorer.state.latent_map import LatentMap, Pin
from explorer.state.look import Look
from explorer.state.timeline import Keyframe, Timeline, Track
from explorer.state.views import ViewState

__all__ = ["merged"]

T = TypeVar("T")

_BY_FIELD = (ExplorerState, Look, ViewState, Lab, LatentMap, Timeline, Breeding, DragSetup)
"""Values whose fields change independently; all others, such as a latent, are replaced as a whole."""

_ITEMS = (ViewState, Edit, Keyframe, Track, Pin)
"""Items of tuples that change independently of their neighbours."""


def merged(base: T, seen: T, new: T, *, prefer_base: bool = False) -> T:
    """Return `base` with the changes that lead from `seen` to `new`, down to aspects of looks and items of lists.

    Args:
        base: The value to change.
        seen: A variant of it.
        new: What was made of the variant.
        prefer_base: Whether what differs in all three stays as in `base`; by default it becomes as in `new`.
    """
    if new is seen or new == seen:
        return base
    if base is seen or base == seen:
        return new
    result: Any = base if prefer_base else new
    if isinstance(new, _BY_FIELD) and type(base) is type(seen) is type(new):
        result = _by_field(base, seen, new, prefer_base)
    elif _is_list(base) and _is_list(seen) and _is_list(new):
        result = _list(base, seen, new, prefer_base)
    return cast("T", result)


def _by_field(base: Any, seen: Any, new: Any, prefer_base: bool) -> Any:
    names = [field.name for field in fields(new)]
    values = [(getattr(base, name), getattr(seen, name), getattr(new, name)) for name in names]
    parts = {n: merged(*three, prefer_base=prefer_base) for n, three in zip(names, values, strict=True)}
    return replace(new, **parts)


def _is_list(value: object) -> TypeGuard[tuple[Any, ...]]:
    return isinstance(value, tuple) and all(isinstance(item, _ITEMS) for item in value)


def _list(base: tuple[Any, ...], seen: tuple[Any, ...], new: tuple[Any, ...], prefer_base: bool) -> tuple[Any, ...]:
    if len(base) == len(seen) == len(new):
        return tuple(merged(*three, prefer_base=prefer_base) for three in zip(base, seen, new, strict=True))
    start, end = _differing(seen, new)
    other_start, other_end = _differing(seen, base)
    changed = new[start : len(new) - (len(seen) - end)]
    if end <= other_start:
        return base[:start] + changed + base[end:]
    if other_end <= start:
        moved = len(base) - len(seen)
        return base[: start + moved] + changed + base[end + moved :]
    return base if prefer_base else new  # both changed the same items


def _differing(seen: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[int, int]:
    """Return the range of `seen` outside which `other` starts and ends alike."""
    shorter = min(len(seen), len(other))
    start = next((i for i in range(shorter) if seen[i] != other[i]), shorter)
    same = next((i for i in range(shorter - start) if seen[-1 - i] != other[-1 - i]), shorter - start)
    return start, len(seen) - same
