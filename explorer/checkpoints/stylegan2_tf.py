"""Reads StyleGAN2 and StyleGAN2-ADA from NVIDIA's TensorFlow pickles, without TensorFlow."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from explorer.checkpoints.numpy_tensor import tensor_of_number
from explorer.checkpoints.stylegan2_header import conv_place, stylegan2_header
from explorer.checkpoints.tensorflow import TensorFlowNetwork, find_network, read_network
from explorer.checkpoints.tensors import turned, without_axes
from explorer.checkpoints.unwrap import Found
from explorer.errors import CheckpointError, UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from explorer.checkpoints.checkpoint import CheckpointHeader
    from explorer.checkpoints.monitor import Monitor
    from explorer.checkpoints.reader import OpenFile
    from explorer.checkpoints.records import TensorRecord
    from explorer.checkpoints.source import Source

__all__ = ["StyleGAN2TensorFlowReader"]

_TITLE = "NVIDIA's StyleGAN2 in TensorFlow"
_LAYER = re.compile(r"synthesis/(\d{1,5})x(\d{1,5})/(Const|Conv|Conv0_up|Conv1|ToRGB|Skip)/(\w+)")
_PICTURE = re.compile(r"synthesis/ToRGB_lod(\d{1,2})/(\w+)")
_NOISE = re.compile(r"synthesis/noise(\d{1,2})")
_DENSE = re.compile(r"mapping/Dense(\d{1,2})/(weight|bias)")
_MODULES = {
    "Const": "",
    "Conv": "conv1.",
    "Conv0_up": "conv0.",
    "Conv1": "conv1.",
    "ToRGB": "torgb.",
    "Skip": "skip.",
}
_PARTS = {"mod_weight": "affine.weight", "mod_bias": "affine.bias"}
_ROTATED = ("Conv0_up", "Skip")  # kernels that TensorFlow's upsampling reads turned by half a turn
_WHOLE = {
    "dlatent_avg": "mapping.w_avg",
    "w_avg": "mapping.w_avg",
    "mapping/LabelEmbed/weight": "mapping.embed.weight",
    "mapping/LabelEmbed/bias": "mapping.embed.bias",
    "mapping/LabelConcat/weight": "mapping.label_weight",
}
# Arguments of the network, and the settings of ours with the same meaning.
_SETTINGS = {
    "conv_clamp": "conv_clamp",
    "nonlinearity": "activation",
    "mapping_nonlinearity": "mapping_activation",
    "mapping_lrmul": "mapping_lr_multiplier",
    "resample_kernel": "resample_filter",
}


class StyleGAN2TensorFlowReader:
    """NVIDIA's StyleGAN2 as TensorFlow networks: the tuple (G, D, Gs), or one network."""

    def matches(self, file: OpenFile) -> bool:
        network = find_network(file.value)
        if network is None:
            return False
        try:
            names = read_network(file.source, network).tensors
        except CheckpointError:
            return False  # StyleGAN's reader raises it again
        return any(name.endswith("/mod_weight") for name in names)

    def read(self, file: OpenFile, monitor: Monitor) -> CheckpointHeader:
        network = find_network(file.value)
        assert network is not None
        made = read_network(file.source, network)
        notes = []
        if made.name != "Gs":
            notes.append(f"The file has no averaged generator (Gs); {made.name or 'G'} is shown.")
        if unused := sum(_is_unused(name) for name in made.tensors):
            notes.append(f"Skipped {unused:,} tensors of resolutions whose pictures only training uses.")
        settings, tensors = _settings(file.source, made), dict(_renamed(file.source, made))
        return stylegan2_header(
            file.source, Found(made.name), tensors, settings, _TITLE, "NVIDIA TensorFlow pickle", tuple(notes)
        )


def _renamed(source: Source, network: TensorFlowNetwork) -> Iterator[tuple[str, TensorRecord]]:
    """Yield tensors under NVIDIA's later names and in their form; unknown ones under their own, to be named."""
    numbers = {
        name: tensor_of_number(value, source.name)
        for name, value in network.numbers.items()
        if name.endswith("/noise_strength")
    }
    blocks = _resolutions(network.tensors)
    has_noise = any(name.endswith("/noise_strength") for name in (*numbers, *network.tensors))
    for name, record in (*network.tensors.items(), *numbers.items()):
        if not _is_unused(name) and (has_noise or _NOISE.fullmatch(name) is None):
            yield _place(name, record, blocks)


def _is_unused(name: str) -> bool:
    """Return whether this belongs to a picture of a lower resolution, which only progressive training shows."""
    match = _PICTURE.fullmatch(name)
    return match is not None and int(match[1]) > 0


def _resolutions(names: Iterable[str]) -> dict[tuple[int, int], int]:
    """Return the resolution that names a block in ours by the size in its TensorFlow name.

    They are the same for square pictures. For others the smallest block is that of 4x4, and each doubles.
    """
    sizes = {(int(match[1]), int(match[2])) for name in names if (match := _LAYER.fullmatch(name)) is not None}
    if all(height == width >= 4 and height & (height - 1) == 0 for height, width in sizes):
        return {size: size[0] for size in sizes}
    return {size: 4 << i for i, size in enumerate(sorted(sizes, key=lambda size: (size[0] * size[1], size)))}


def _place(name: str, record: TensorRecord, blocks: Mapping[tuple[int, int], int]) -> tuple[str, TensorRecord]:
    """Return our name of a variable, and its record in our form."""
    if (match := _LAYER.fullmatch(name)) is not None:
        block = f"synthesis.b{blocks.get((int(match[1]), int(match[2])), 4)}"
        module, part = match[3], match[4]
        if module == "Const":
            return f"{block}.{part}", without_axes(record, 3)
        return _in_layer(f"{block}.{_MODULES[module]}", part, record, module in _ROTATED)
    if (match := _PICTURE.fullmatch(name)) is not None:
        return _in_layer(f"synthesis.b{max(blocks.values(), default=4)}.torgb.", match[2], record)
    if (match := _NOISE.fullmatch(name)) is not None:
        return f"{conv_place(int(match[1]))}.noise_const", without_axes(record, 2)
    if (match := _DENSE.fullmatch(name)) is not None:
        return f"mapping.fc{match[1]}.{match[2]}", turned(record)
    return _WHOLE.get(name, name), turned(record) if name == "mapping/LabelEmbed/weight" else record


def _in_layer(place: str, part: str, record: TensorRecord, is_rotated: bool = False) -> tuple[str, TensorRecord]:
    """Return our name and form of a variable of a layer. TensorFlow adds 1 to the bias of styles as it runs."""
    if part.endswith("weight"):
        record = replace(turned(record), is_rotated=is_rotated and part == "weight")
    return f"{place}{_PARTS.get(part, part)}", replace(record, added=1.0 if part == "mod_bias" else 0.0)


def _settings(source: Source, network: TensorFlowNetwork) -> dict[str, object]:
    """Return the settings that shapes do not tell.

    Raises:
        UnsupportedModelError: The network is another one, or its progressive training is not finished.
    """
    arguments = network.arguments
    if arguments.get("normalize_latents", True) is not True:
        raise UnsupportedModelError(
            f"{source.name} is a StyleGAN2 with the setting normalize_latents = False, which is not supported.",
            "Supported are networks of the original's configurations, of any resolution.",
        )
    lod = network.numbers.get("lod", network.numbers.get("synthesis/lod", 0.0))
    if lod != 0:
        raise UnsupportedModelError(
            f"{source.name} is a StyleGAN2 whose progressive training stopped at level of detail {lod:.3g} "
            "(`lod`), and only finished ones are supported.",
            "Open a later snapshot of the same training.",
        )
    settings: dict[str, object] = {"conv_clamp": None}
    settings |= {ours: arguments[name] for name, ours in _SETTINGS.items() if name in arguments}
    if settings.get("resample_filter", ()) is None:
        settings["resample_filter"] = [1, 1]  # TensorFlow's nearest pixel
    return settings
