"""Checks a caller's seeds, layers, classes and edits, and converts them to state values."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from explorer.assets.picture import StoredMask, StoredPicture
from explorer.errors import LatentError, UsageError
from explorer.latents.groups import GROUPS, group_of
from explorer.latents.seeds import SEED_COUNT
from explorer.state import Classes, Edit, EditValue, Nudge, Offset

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.assets.latent import StoredLatent
    from explorer.generators.base import GeneratorInfo
    from explorer.render.results import ModelInfo

__all__ = [
    "ClassChoice",
    "EditLike",
    "LatentLike",
    "Layers",
    "MaskLike",
    "Mix",
    "SourceLike",
    "classes_of",
    "edited",
    "entries_of",
    "seed_of",
    "source_assets",
]

LatentLike: TypeAlias = "int | StoredLatent | NDArray[np.floating[Any]]"
"""A seed (0 .. 2**32 - 1), a latent from `Model.latent`, or an array: `[w_dim]` is w, `[num_ws, w_dim]` is ws."""

Layers: TypeAlias = "Literal['coarse', 'middle', 'fine'] | int | Iterable[int]"
"""Entries of `ws`: a group, a single index, or several."""

Mix: TypeAlias = "tuple[LatentLike, Layers] | tuple[LatentLike, Layers, float]"
"""The latent to take styles from, the entries of `ws` to replace, and the amount 0..1 (default 1)."""

EditLike: TypeAlias = "Edit | EditValue"
"""An `Edit`, or its value alone, such as a `Nudge` or an `Offset`, with the strength 1."""

ClassChoice: TypeAlias = "int | str | Mapping[int | str, float] | None"
"""A class by number or name, or a mixture as {class: weight}; None is the first class."""

SourceLike: TypeAlias = "StoredPicture | NDArray[np.uint8]"
"""A picture, or its pixels uint8 `[H, W, C]`: grey, RGB, or RGB and alpha."""

MaskLike: TypeAlias = "StoredMask | NDArray[np.uint8]"
"""A mask, or its values uint8 `[H, W]`; 255 is inside."""


def seed_of(seed: object) -> int:
    """Return a seed as a plain integer. Raises UsageError."""
    number = operator.index(seed) if hasattr(seed, "__index__") else -1
    if not 0 <= number < SEED_COUNT:
        raise UsageError(f"{seed!r} is not a seed.", f"Seeds are whole numbers from 0 to {SEED_COUNT - 1}.")
    return number


def entries_of(layers: Layers, info: GeneratorInfo) -> list[int]:
    """Return entries of `ws`. Raises UsageError for entries that the network does not have."""
    if isinstance(layers, str):
        if layers not in GROUPS:
            raise UsageError(f"There are no layers {layers!r}.", f"Choose one of: {', '.join(GROUPS)}, or numbers.")
        return [entry for entry in range(info.num_ws) if group_of(info, entry) == layers]
    found = [operator.index(entry) for entry in (layers if isinstance(layers, Iterable) else (layers,))]
    for entry in found:
        if not 0 <= entry < info.num_ws:
            raise UsageError(f"The model has no entry {entry} of ws.", f"Choose 0 to {info.num_ws - 1}.")
    return found


def classes_of(classes: ClassChoice, model_info: ModelInfo) -> Classes:
    """Return a mixture of a model's classes. Raises UsageError."""
    if classes is None:
        return Classes()
    mixture = classes if isinstance(classes, Mapping) else {classes: 1.0}
    count, names = model_info.info.c_dim, model_info.class_names
    weights = []
    for chosen, weight in mixture.items():
        index = names.index(chosen) if chosen in names else chosen
        if isinstance(index, str) or not 0 <= index < count:
            hint = f"It has classes 0 to {count - 1}." if count else "It has no classes."
            raise UsageError(f"{model_info.name} has no class {chosen!r}.", hint)
        weights.append((index, float(weight)))
    return Classes(tuple(weights))


def source_assets(
    source: SourceLike | None, masks: Iterable[MaskLike], model_info: ModelInfo
) -> tuple[StoredPicture | None, tuple[StoredMask, ...]]:
    """Return the source picture and masks of a model.

    Raises:
        AssetError: One is not valid.
        UsageError: The model takes none.
    """
    stored = tuple(mask if isinstance(mask, StoredMask) else StoredMask(np.asarray(mask)) for mask in masks)
    if source is None and not stored:
        return None, ()
    if not model_info.info.source_channels:
        raise UsageError(f"{model_info.name} takes no source picture.", "Only image-to-image networks do.")
    if source is not None and not isinstance(source, StoredPicture):
        source = StoredPicture(np.asarray(source))
    return source, stored


def edited(edits: Iterable[EditLike], info: GeneratorInfo) -> tuple[Edit, ...]:
    """Return the edits of a look.

    Raises:
        LatentError: An offset is for another network.
        UsageError: An edit starts at an entry that `ws` does not have.
    """
    return tuple(_edit(edit if isinstance(edit, Edit) else Edit(edit), info) for edit in edits)


def _edit(edit: Edit, info: GeneratorInfo) -> Edit:
    value = edit.value
    if isinstance(value, Nudge | Offset) and not 0 <= value.first < info.num_ws:
        raise UsageError(f"An edit begins at entry {value.first} of ws.", f"Choose 0 to {info.num_ws - 1}.")
    if not isinstance(value, Offset):
        return edit
    values = tuple(float(number) for number in value.values)
    if len(values) != info.w_dim:
        raise LatentError(f"An offset has {len(values)} values.", f"This network's w has {info.w_dim}.")
    return replace(edit, value=replace(value, values=values))
