"""The kinds of edit: the built-in ones and those of plug-ins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, get_args

from explorer.edits.base import (
    Assets,
    Edit,
    EditKind,
    EditValue,
    Placed,
    ResolvedEdit,
    Stage,
    UnknownEdit,
    digest_of,
    use_kinds,
)
from explorer.edits.bend import BendKind
from explorer.edits.direction import DirectionKind
from explorer.edits.nudge import NudgeKind
from explorer.edits.offset import OffsetKind
from explorer.edits.style_channels import StyleChannelsKind
from explorer.edits.style_direction import StyleDirectionKind
from explorer.errors import LatentwalkError, RequestError
from explorer.util import plugins
from explorer.util.asset_ids import assets_of
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo

__all__ = ["KINDS", "describe", "is_of_model", "is_of_styles", "kind_of", "kinds", "resolve_edits"]

KINDS: tuple[EditKind[Any], ...] = (
    NudgeKind(),
    OffsetKind(),
    DirectionKind(),
    StyleChannelsKind(),
    StyleDirectionKind(),
    BendKind(),
)
"""The built-in kinds."""


_BUILT_IN: dict[str, EditKind[Any]] = {kind.name: kind for kind in KINDS}


def kinds() -> Mapping[str, EditKind[Any]]:
    """Return every kind by name; loads the plug-ins of `latentwalk.edits`."""
    return {**_BUILT_IN, **plugins.load(plugins.EDITS, _accept, _BUILT_IN)}


use_kinds(kinds)


def _accept(name: str, found: Any) -> EditKind[Any]:
    """Return a plug-in's kind, given as an `EditKind` or its class. Raises TypeError, ValueError."""
    kind = found() if isinstance(found, type) else found
    if not isinstance(kind, EditKind):
        raise TypeError(f"{found!r} is not an EditKind")
    value = getattr(kind, "value", None)
    if not (isinstance(value, type) and issubclass(value, EditValue) and is_dataclass(value)):
        raise TypeError(f"the value of {found!r} is not a dataclass that is an EditValue")
    if not (kind.name == value.kind == name):
        raise ValueError(
            f"the kind is named {kind.name!r} and its values {value.kind!r}; the entry point is {name!r}"
        )
    if kind.stage not in get_args(Stage) or not kind.title:
        raise ValueError(f"{found!r} has no title, or no stage of an edit")
    return kind


def kind_of(value: EditValue) -> EditKind[Any] | None:
    """Return the kind of a value, None if it is unknown."""
    return _BUILT_IN.get(value.kind) or kinds().get(value.kind)


def describe(edit: Edit) -> str:
    """Return the display name of an edit."""
    kind = kind_of(edit.value)
    if kind is not None:
        return kind.describe(edit.value) if kind.name in _BUILT_IN else _described(kind, edit.value)
    name = edit.value.name if isinstance(edit.value, UnknownEdit) else edit.value.kind
    return f"{visible(name, 40)} (unknown edit)"


def is_of_styles(edit: Edit) -> bool:
    """Return whether an edit is part of the final `ws`, as those of the stages `w` and `ws` are."""
    kind = kind_of(edit.value)
    return kind is not None and kind.stage in ("w", "ws")


def is_of_model(value: EditValue, assets: Assets | None, model_sha: str) -> bool:
    """Return whether an edit may change a model: it and its directions were found in this one, or in none.

    Both say so by `model_sha`.

    An unrelated model often has latents of the same size, in which the numbers of another's mean nothing.
    """
    if not model_sha:
        return True
    named = () if assets is None else (assets.get(key) for key in assets_of(value))
    found_in = (getattr(item, "model_sha", "") for item in (value, *named) if item is not None)
    return all(sha in ("", model_sha) for sha in found_in)


def resolve_edits(
    edits: Iterable[Edit], info: GeneratorInfo, assets: Assets | None = None, model_sha: str = ""
) -> tuple[ResolvedEdit, ...]:
    """Return the edits that are on, known and fit a network, in order.

    Args:
        edits: All edits of a look.
        info: Info of the network.
        assets: What the edits name.
        model_sha: sha256 of the model; empty: edits of any model are taken.
    """
    found = []
    for edit in edits:
        kind = kind_of(edit.value)
        if kind is None or not edit.is_on or edit.strength == 0.0 or not is_of_model(edit.value, assets, model_sha):
            continue
        placed = _resolved(kind, edit.value, info, assets)
        if placed is not None:
            digest = digest_of(kind.name, edit.strength, placed.layers, placed.digest)
            found.append(ResolvedEdit(kind.name, kind.stage, edit.strength, placed.layers, digest, placed.data))
    return tuple(found)


def _resolved(kind: EditKind[Any], value: EditValue, info: GeneratorInfo, assets: Assets | None) -> Placed | None:
    """Resolve a value by its kind; the failure of a plug-in is recorded, and explained to the user."""
    try:
        return kind.resolve(value, info, assets)
    except Exception as error:  # a plug-in may raise anything
        if kind.name in _BUILT_IN or isinstance(error, LatentwalkError):
            raise
        plugins.report(plugins.EDITS, kind.name, error)
        raise RequestError(
            f"The plug-in of the edit {visible(kind.title, 80)} does not work: "
            f"{type(error).__name__}: {visible(str(error))}.",
            "Switch the edit off, or update the package that provides it.",
        ) from error


def _described(kind: EditKind[Any], value: EditValue) -> str:
    """Return a plug-in's description of an edit, or the kind's title if that fails."""
    try:
        return visible(kind.describe(value), 80)
    except Exception as error:  # a plug-in may raise anything
        plugins.report(plugins.EDITS, kind.name, error)
        return visible(kind.title, 80)
