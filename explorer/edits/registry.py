"""The kinds of edit that are known: those of the program and those of plug-ins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from explorer.edits.base import Assets, Edit, EditKind, EditValue, ResolvedEdit, UnknownEdit, digest_of, use_kinds
from explorer.edits.nudge import NudgeKind
from explorer.edits.offset import OffsetKind
from explorer.util import plugins
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo

__all__ = ["KINDS", "assets_of", "describe", "is_of_styles", "kind_of", "kinds", "resolve_edits"]

KINDS: tuple[EditKind[Any], ...] = (NudgeKind(), OffsetKind())
"""Those of the program."""


@cache
def kinds() -> Mapping[str, EditKind[Any]]:
    """Return every kind by name, those of plug-ins (entry points `latentwalk.edits`) after those of the program."""
    built_in = {kind.name: kind for kind in KINDS}
    return {**built_in, **plugins.load(plugins.EDITS, _accept, built_in)}


use_kinds(kinds)


def _accept(name: str, found: Any) -> EditKind[Any]:
    kind = found() if isinstance(found, type) else found
    if not isinstance(kind, EditKind):
        raise TypeError(f"{found!r} is not an EditKind")
    if kind.name != name or kind.value.kind != name:
        raise ValueError(
            f"the entry point is {name!r}, its kind {kind.name!r}, and that of its values {kind.value.kind!r}"
        )
    return kind


def kind_of(value: EditValue) -> EditKind[Any] | None:
    """Return the kind of a value, None if it is not known here."""
    return kinds().get(value.kind)


def describe(edit: Edit) -> str:
    """Return what people call an edit."""
    kind = kind_of(edit.value)
    if kind is not None:
        return kind.describe(edit.value)
    name = edit.value.name if isinstance(edit.value, UnknownEdit) else edit.value.kind
    return f"{visible(name, 40)} (unknown edit)"


def assets_of(edits: Iterable[Edit]) -> set[str]:
    """Return the ids of the arrays that edits name."""
    found: set[str] = set()
    for edit in edits:
        kind = kind_of(edit.value)
        found.update(kind.assets(edit.value) if kind is not None else ())
    return found


def is_of_styles(edit: Edit) -> bool:
    """Return whether an edit decides the final `ws`, as those of the stages `w` and `ws` do."""
    kind = kind_of(edit.value)
    return kind is not None and kind.stage in ("w", "ws")


def resolve_edits(
    edits: Iterable[Edit], info: GeneratorInfo, assets: Assets | None = None
) -> tuple[ResolvedEdit, ...]:
    """Return the edits that are on, known and fit a network, in order."""
    found = []
    for edit in edits:
        kind = kind_of(edit.value)
        if kind is None or not edit.is_on or edit.strength == 0.0:
            continue
        placed = kind.resolve(edit.value, info, assets)
        if placed is not None:
            digest = digest_of(kind.name, edit.strength, placed.layers, placed.digest)
            found.append(ResolvedEdit(kind.name, kind.stage, edit.strength, placed.layers, digest, placed.data))
    return tuple(found)
