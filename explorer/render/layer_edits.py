"""The edits of a request that change single layers: their styles, their features, and the network's input."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, TypeVar

from explorer.edits.base import INPUT_LAYER
from explorer.generators.base import INPUT, NO_EDITS

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.edits.base import ResolvedEdit
    from explorer.generators.base import Activation, GeneratorInfo, LayerEdits, LayerInfo
    from explorer.state.request import StyleRecipe

__all__ = ["INPUT_LAYER", "RecipeEdits", "layer_edits"]

T = TypeVar("T")


def layer_edits(recipe: StyleRecipe, info: GeneratorInfo) -> LayerEdits:
    """Return the edits of a recipe that change single layers of a network, or its input."""
    if all(edit.stage in ("w", "ws") for edit in recipe.edits):
        return NO_EDITS
    return RecipeEdits(recipe, info)


class RecipeEdits:
    """The `LayerEdits` of a recipe. Immutable.

    Args:
        recipe: Its edits of the stages `s`, `features` and `input` are used.
        info: Info of the network.
    """

    def __init__(self, recipe: StyleRecipe, info: GeneratorInfo) -> None:
        self._layers: dict[int, LayerInfo | None] = {INPUT: None, **dict(enumerate(info.layers))}
        names = {INPUT: INPUT_LAYER, **{i: layer.name for i, layer in enumerate(info.layers)}}
        self._styles = {i: found for i, name in names.items() if (found := recipe.edits_at("s", name))}
        self._features = {i: found for i, name in names.items() if (found := recipe.edits_at("features", name))}
        if of_input := recipe.edits_at("input"):
            self._features[INPUT] = (*of_input, *self._features.get(INPUT, ()))

    def key(self, i: int) -> bytes:
        """Return 16 bytes that stand for every edit of layer i; empty if there is none."""
        styles, features = self._styles.get(i, ()), self._features.get(i, ())
        if not styles and not features:
            return b""
        parts = (b"".join(edit.digest for edit in edits) for edits in (styles, features))
        return blake2b(b"|".join(parts), digest_size=16).digest()

    def style(self, i: int, s: Tensor) -> Tensor:
        """Return the styles `[N, style_dim]` that layer i runs with; `s` itself if nothing is edited."""
        return self._applied(self._styles.get(i, ()), i, s)

    def features(self, i: int, activation: Activation) -> Activation:
        """Return the output of layer i; `activation` itself if nothing is edited."""
        return self._applied(self._features.get(i, ()), i, activation)

    def _applied(self, edits: tuple[ResolvedEdit, ...], i: int, target: T) -> T:
        for edit in edits:
            target = edit.apply(target, self._layers[i])
        return target
