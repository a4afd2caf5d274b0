"""The edits of a request that change single layers: their styles, their features, and the network's input."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from explorer.edits.base import INPUT_LAYER
from explorer.generators.base import INPUT, NO_EDITS

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.generators.base import Activation, GeneratorInfo, LayerEdits, LayerInfo, SynthesisLayer
    from explorer.state.request import StyleRecipe

__all__ = ["INPUT_LAYER", "RecipeEdits", "layer_edits"]


def layer_edits(recipe: StyleRecipe, info: GeneratorInfo, layers: Sequence[SynthesisLayer] = ()) -> LayerEdits:
    """Return the edits of a recipe that change single layers of a network, or its input; see `RecipeEdits`."""
    if all(edit.stage in ("w", "ws") for edit in recipe.edits):
        return NO_EDITS
    return RecipeEdits(recipe, info, layers)


class RecipeEdits:
    """The `LayerEdits` of a recipe. Immutable.

    Args:
        recipe: Its edits of the stages `s`, `features` and `input` are used.
        info: Info of the network.
        layers: Its layers, which keep the features of edits in their band. Without them nothing is filtered.
    """

    def __init__(self, recipe: StyleRecipe, info: GeneratorInfo, layers: Sequence[SynthesisLayer] = ()) -> None:
        self._layers = layers
        self._infos: dict[int, LayerInfo | None] = {INPUT: None, **dict(enumerate(info.layers))}
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
        for edit in self._styles.get(i, ()):
            s = edit.apply(s, self._infos[i])
        return s

    def features(self, i: int, activation: Activation) -> Activation:
        """Return the output of layer i; `activation` itself if nothing is edited."""
        for edit in self._features.get(i, ()):
            edited: Activation = edit.apply(activation, self._infos[i])
            activation = edited if edit.keeps_band else self._in_band(i, activation, edited)
        return activation

    def _in_band(self, i: int, before: Activation, edited: Activation) -> Activation:
        if i == INPUT or not self._layers:
            return edited
        return edited.with_features(self._layers[i].keep_band(before.x, edited.x))
