"""Names of StyleGAN2's tensors in rosinality's code, BasicSR and MMGeneration, which compute the same picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.checkpoints.renaming import count_of
from explorer.checkpoints.rosinality import conv_names, torgb_names

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["BASICSR", "MMGENERATION", "ROSINALITY", "StyleGAN2Layout"]

_LARGEST = 12  # blocks above 4 px, more than any model has


def _same(key: str) -> str:
    return key


@dataclass(frozen=True, slots=True)
class StyleGAN2Layout:
    """How one program names StyleGAN2's tensors: layers are counted on, two convolutions to each resolution.

    Args:
        title: Name of the program, for notes.
        anchors: Keys by which a generator is found; every whole one has all of them.
        mapping: Beginning of the keys of the mapping's layers, which are numbered from 1.
        const: Key of the constant.
        conv: Name of the convolution at 4 px; those above are numbered behind `convs`.
        convs: Name of the list of the convolutions above 4 px.
        conv_leaves: Function of a convolution's name and ours that returns our keys by theirs.
        rgb_leaves: The same for the layers of the picture, which are `to_rgb1` and `to_rgbs`.
        noise: Beginning of the keys of the constant noises, before their number.
        dense: Endings of a dense layer's weight and bias.
        normal: Function that brings a key of another version to the form of this one.
    """

    title: str
    anchors: tuple[str, ...]
    mapping: str
    const: str
    conv: str
    convs: str
    conv_leaves: Callable[[str, str], Mapping[str, str]]
    rgb_leaves: Callable[[str, str], Mapping[str, str]]
    noise: str
    dense: tuple[str, str] = ("weight", "bias")
    normal: Callable[[str], str] = _same

    @property
    def parts(self) -> tuple[str, ...]:
        """Beginnings of the keys of a generator."""
        own = (self.mapping, self.const.partition(".")[0], self.conv, self.convs, "to_rgb1", "to_rgbs")
        return (*(f"{part}." for part in own), self.noise)

    def names(self, keys: Iterable[str]) -> dict[str, str]:
        """Return our names of all tensors but the noises by theirs, for the layers that the keys have."""
        keys = list(keys)
        depth = max(count_of(keys, rf"{self.mapping}\.(\d+)\..*") - 1, 1)
        names = {
            f"{self.mapping}.{i + 1}.{theirs}": f"mapping.fc{i}.{ours}"
            for i in range(depth)
            for theirs, ours in zip(self.dense, ("weight", "bias"), strict=True)
        }
        names[self.const] = "synthesis.b4.const"
        names |= self.conv_leaves(self.conv, "synthesis.b4.conv1")
        names |= self.rgb_leaves("to_rgb1", "synthesis.b4.torgb")
        for block in range(self._blocks(keys)):
            ours = f"synthesis.b{8 << block}"
            for i in range(2):
                names |= self.conv_leaves(f"{self.convs}.{2 * block + i}", f"{ours}.conv{i}")
            names |= self.rgb_leaves(f"to_rgbs.{block}", f"{ours}.torgb")
        return names

    def noises(self, keys: Iterable[str]) -> dict[str, str]:
        """Return our names of the constant noises by theirs, which files of early trainings lack."""
        found = {f"{self.noise}0": "synthesis.b4.conv1.noise_const"}
        for i in range(2 * self._blocks(keys)):
            found[f"{self.noise}{i + 1}"] = f"synthesis.b{8 << i // 2}.conv{i % 2}.noise_const"
        return found

    def _blocks(self, keys: Iterable[str]) -> int:
        """Return the number of blocks above 4 px, one of whose layers may be missing."""
        keys = list(keys)
        pairs = (count_of(keys, rf"{self.convs}\.(\d+)\..*") + 1) // 2
        return min(max(pairs, count_of(keys, r"to_rgbs\.(\d+)\..*")), _LARGEST)


def _leaves(names: Mapping[str, str]) -> Callable[[str, str], Mapping[str, str]]:
    """Return the function of two layers' names that puts them before these endings."""
    return lambda theirs, ours: {f"{theirs}.{a}": f"{ours}.{b}" for a, b in names.items()}


def _without_linear(key: str) -> str:
    """MMGeneration's biases of dense layers lie beside the matrix or beside the layer that holds it."""
    return key.replace(".linear.bias", ".bias")


ROSINALITY = StyleGAN2Layout(
    title="rosinality's StyleGAN2",
    anchors=("style.1.weight", "convs.0.conv.weight"),
    mapping="style",
    const="input.input",
    conv="conv1",
    convs="convs",
    conv_leaves=conv_names,
    rgb_leaves=torgb_names,
    noise="noises.noise_",
)

_BASICSR = {
    "modulated_conv.weight": "weight",
    "modulated_conv.modulation.weight": "affine.weight",
    "modulated_conv.modulation.bias": "affine.bias",
}
BASICSR = StyleGAN2Layout(
    title="BasicSR's StyleGAN2",
    anchors=("style_conv1.modulated_conv.weight", "style_convs.0.modulated_conv.weight"),
    mapping="style_mlp",
    const="constant_input.weight",
    conv="style_conv1",
    convs="style_convs",
    conv_leaves=_leaves({**_BASICSR, "weight": "noise_strength", "activate.bias": "bias"}),
    rgb_leaves=_leaves({**_BASICSR, "bias": "bias"}),
    noise="noises.noise",
)

_MM = {
    "conv.weight_orig": "weight",
    "conv.style_modulation.linear.weight_orig": "affine.weight",
    "conv.style_modulation.bias": "affine.bias",
}
MMGENERATION = StyleGAN2Layout(
    title="MMGeneration's StyleGAN2",
    anchors=("conv1.conv.style_modulation.linear.weight_orig", "convs.0.conv.style_modulation.linear.weight_orig"),
    mapping="style_mapping",
    const="constant_input.input",
    conv="conv1",
    convs="convs",
    conv_leaves=_leaves({**_MM, "noise_injector.weight": "noise_strength", "activate.bias": "bias"}),
    rgb_leaves=_leaves({**_MM, "bias": "bias"}),
    noise="injected_noise_",
    dense=("linear.weight_orig", "bias"),
    normal=_without_linear,
)
