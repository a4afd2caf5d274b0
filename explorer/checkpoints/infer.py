"""Infers the configuration of a generator from its tensors' names and shapes, for files that do not state it."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import LatentwalkError, MismatchError, UnsupportedModelError
from explorer.generators.stylegan3_layers import StyleGAN3Config, layer_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explorer.generators.stylegan3_layers import LayerSpec

__all__ = [
    "ShapeReader",
    "Shapes",
    "infer_config",
    "infer_stylegan2",
    "largest_block",
    "start_size",
    "stylegan_xl",
    "width_rule",
]

Shapes = dict[str, tuple[int, ...]]
"""The shape of each tensor by name."""

_LARGEST = 1 << 22  # upper bound of a setting, as in `config.py`
_CRITICAL = (2, 1, 0, 3, 4, 5, 6)  # numbers of critically sampled layers to try, the published one first
_MARGINS = (10, *(n for n in range(65) if n != 10))  # margins around the picture to try
_LAYER = re.compile(r"synthesis\.L(\d{1,2})_(\d{1,5})_(\d{1,5})\.weight")
_BLOCK = re.compile(r"synthesis\.b(\d{1,5})\.conv1\.weight")


def infer_config(name: str, shapes: Shapes) -> tuple[str, dict[str, object], str]:
    """Return family, configuration, and a text listing the settings that were assumed as in the published models.

    Args:
        name: Name of the file, for errors.
        shapes: Shapes under NVIDIA's names, without a prefix.

    Raises:
        MismatchError: A tensor that determines a size is missing, or the sizes are inconsistent.
        UnsupportedModelError: The architecture is modified.
    """
    is_stylegan3 = any(key.startswith("synthesis.input.") for key in shapes)
    has_vectors = is_stylegan3 and "mapping.embed.weight" in shapes and "mapping.embed.bias" not in shapes
    if has_vectors or any(key.startswith("mapping.embed_proj.") for key in shapes):
        raise stylegan_xl(name)
    reader = ShapeReader(name, shapes)
    if is_stylegan3:
        return _stylegan3(reader)
    return (
        "stylegan2",
        infer_stylegan2(reader),
        "conv_clamp 256, lrelu, learning rate multiplier 0.01 of the mapping",
    )


def stylegan_xl(name: str) -> UnsupportedModelError:
    """Return the error for a StyleGAN-XL, which looks like a StyleGAN3 but is another network."""
    return UnsupportedModelError(
        f"{name} is a StyleGAN-XL, which is not supported: its mapping network contains class vectors of an image "
        "classifier, and its layers follow other rules than those of StyleGAN3.",
        "Supported are the generators of stylegan2-ada-pytorch and stylegan3, unmodified.",
    )


class ShapeReader:
    """Shapes by name, with errors for missing or unexpected ones."""

    def __init__(self, name: str, shapes: Shapes) -> None:
        self.name, self.shapes = name, shapes

    def shape(self, key: str, dimensions: int) -> tuple[int, ...]:
        """Return the shape of a required tensor."""
        shape = self.shapes.get(key)
        if shape is None:
            raise MismatchError(
                f"{self.name} lacks {key}, found {len(self.shapes)} tensors of a generator.",
                "The file is damaged or comes from modified code.",
            )
        if len(shape) != dimensions or not all(0 < n <= _LARGEST for n in shape):
            raise MismatchError(
                f"{self.name}: {key} has shape {list(shape)}, expected {dimensions} dimensions.",
                "The file is damaged or comes from modified code.",
            )
        return shape

    def contradiction(self, what: str) -> UnsupportedModelError:
        """Return the error for sizes that match no published architecture."""
        return UnsupportedModelError(
            f"{self.name} contains weights without settings, and {what}.",
            "Open the network as NVIDIA's .pkl, which includes its settings.",
        )


def _mapping(reader: ShapeReader) -> dict[str, object]:
    """Return the settings of the mapping network, and the sizes of z, c and w."""
    layers = 0
    while f"mapping.fc{layers}.weight" in reader.shapes:
        layers += 1
    features, inputs = reader.shape("mapping.fc0.weight", 2)
    w_dim = reader.shape(f"mapping.fc{max(layers - 1, 0)}.weight", 2)[0]
    config: dict[str, object] = {"z_dim": inputs, "c_dim": 0, "w_dim": w_dim, "mapping_layers": layers}
    if "mapping.embed.weight" in reader.shapes:
        embedded, classes = reader.shape("mapping.embed.weight", 2)
        config |= {"z_dim": inputs - embedded, "c_dim": classes}
        if embedded != w_dim:
            config["mapping_embed_features"] = embedded
    if "mapping.label_weight" in reader.shapes:
        classes, embedded = reader.shape("mapping.label_weight", 2)
        config |= {"z_dim": max(inputs - embedded, 1), "c_dim": classes, "mapping_joins_label": True}
        if embedded != w_dim:
            config["mapping_embed_features"] = embedded
    if layers > 1 and features != w_dim:
        config["mapping_layer_features"] = features
    return config


def infer_stylegan2(reader: ShapeReader) -> dict[str, object]:
    """Return the settings of a StyleGAN2 that its shapes tell; errors as in `infer_config`."""
    widths: dict[int, int] = {}
    for key in reader.shapes:
        if (match := _BLOCK.fullmatch(key)) is not None:
            widths[int(match[1])] = reader.shape(key, 4)[0]
    resolution = max(widths, default=4)
    for size in (4 << i for i in range(resolution.bit_length() - 2)):
        reader.shape(f"synthesis.b{size}.conv1.weight", 4)
    rule = width_rule(widths)
    channels: dict[str, object] = {"widths": [widths[size] for size in sorted(widths)]}  # as good a network
    if rule is not None:
        channels = {"channel_base": rule[0], "channel_max": rule[1]}
    architecture = "orig"
    if "synthesis.b4.torgb.weight" in reader.shapes:
        architecture = "skip"
    elif f"synthesis.b{resolution}.skip.weight" in reader.shapes:
        architecture = "resnet"
    return {
        **_mapping(reader),
        "img_resolution": resolution,
        "img_channels": reader.shape(f"synthesis.b{resolution}.torgb.weight", 4)[0],
        **channels,
        "architecture": architecture,
        "use_noise": "synthesis.b4.conv1.noise_strength" in reader.shapes,
        **start_size(reader.shapes),
    }


def largest_block(shapes: Shapes) -> int:
    """Return the number of doublings of a StyleGAN2 as `img_resolution` counts them, by the names of its blocks."""
    return max((int(match[1]) for key in shapes if (match := _BLOCK.fullmatch(key)) is not None), default=4)


def start_size(shapes: Shapes) -> dict[str, object]:
    """Return the setting `init_size` of a StyleGAN2 whose constant is not 4x4; empty for others."""
    const = shapes.get("synthesis.b4.const", (0, 4, 4))
    return {} if const[1:] == (4, 4) or len(const) != 3 else {"init_size": list(const[1:])}


def width_rule(widths: dict[int, int]) -> tuple[int, int] | None:
    """Return the roundest `channel_base` and the `channel_max` of these widths by resolution; None if none fit.

    A layer at r px has `channel_base // r` channels, at most `channel_max`.
    """
    widest = max(widths.values(), default=1)
    low = max((width * size for size, width in widths.items()), default=1)
    high = min((width * size + size - 1 for size, width in widths.items() if width < widest), default=None)
    return None if high is not None and high < low else (_roundest(low, high), widest)


def _stylegan3(reader: ShapeReader) -> tuple[str, dict[str, object], str]:
    layers: dict[int, tuple[int, int]] = {}
    for key in reader.shapes:
        if (match := _LAYER.fullmatch(key)) is not None:
            layers[int(match[1])] = (int(match[2]), int(match[3]))
    last = max(layers, default=0)
    if last < 1 or sorted(layers) != list(range(last + 1)):
        raise reader.contradiction("its layers are not numbered as those of a StyleGAN3")
    table = [layers[i] for i in range(last + 1)]
    first = f"synthesis.L0_{table[0][0]}_{table[0][1]}"
    kernel = reader.shape(f"{first}.weight", 4)[2]
    filters = [shape for key, shape in reader.shapes.items() if key.endswith(".down_filter")]
    is_radial = any(len(shape) == 2 for shape in filters) if filters else kernel == 1
    config: dict[str, object] = {
        **_mapping(reader),
        "img_resolution": table[-1][0],
        "img_channels": table[-1][1],
        "num_layers": last,
        "conv_kernel": kernel,
        "use_radial_filters": is_radial,
    }
    taps = reader.shapes.get(f"{first}.up_filter")
    if taps is not None and len(taps) == 1 and taps[0] % 2 == 0:
        config["filter_size"] = taps[0] // 2  # times lrelu_upsampling, which is 2 in every known file
    config |= _layer_settings(reader, config, table, max(width for _, width in table[:-1]))
    family = "stylegan3-r" if kernel == 1 and is_radial else "stylegan3-t"
    return family, config, "conv_clamp 256, output_scale 0.25, first_cutoff 2, last_stopband_rel 2^0.3"


def _layer_settings(
    reader: ShapeReader, known: dict[str, object], table: list[tuple[int, int]], widest: int
) -> dict[str, object]:
    """Return settings for which StyleGAN3's rules give the layers' sizes and widths.

    Margins and numbers of critical layers are tried, the published ones first; `channel_base` then follows from the
    layers that are narrower than the widest.
    """
    names = [f"L{i}_{size}_{width}" for i, (size, width) in enumerate(table)]
    try:
        base = StyleGAN3Config.from_mapping({**known, "channel_max": widest, "num_critical": 0})
    except LatentwalkError as error:
        raise reader.contradiction(f"it cannot be a StyleGAN3: {error.message}") from error
    sizes = [size for size, _ in table]
    for margin in _MARGINS:
        if not all(_is_power_of_two(size - 2 * margin) for size in sizes[:-2]):
            continue
        for critical in _CRITICAL:
            if critical >= base.num_layers:
                continue
            config = replace(base, margin_size=margin, num_critical=critical)
            for channel_base in _bases(config, table):
                config = replace(config, channel_base=channel_base)
                try:
                    specs = layer_table(config)[1]
                except LatentwalkError:
                    continue
                if [spec.name for spec in specs] == names and all(_filters_fit(reader, spec) for spec in specs):
                    return {
                        "margin_size": margin,
                        "num_critical": critical,
                        "channel_base": channel_base,
                        "channel_max": widest,
                    }
    raise reader.contradiction("the sizes and widths of its layers follow no published setting of StyleGAN3")


def _filters_fit(reader: ShapeReader, spec: LayerSpec) -> bool:
    """Return whether the stored filters of a layer, if any, have the lengths in `spec`."""
    wanted = {
        "up_filter": (spec.up_taps,) if spec.up_taps > 1 else None,
        "down_filter": (spec.down_taps,) * (2 if spec.down_radial else 1) if spec.down_taps > 1 else None,
    }
    stored = {kind: reader.shapes.get(f"synthesis.{spec.name}.{kind}") for kind in wanted}
    return all(shape is None or shape == wanted[kind] for kind, shape in stored.items())


def _is_power_of_two(n: int) -> bool:
    return n > 0 and n & (n - 1) == 0


def _bases(config: StyleGAN3Config, table: list[tuple[int, int]]) -> Iterator[int]:
    """Yield the roundest `channel_base` that gives the widths, if there is one."""
    exponents = np.minimum(np.arange(len(table)) / (config.num_layers - config.num_critical), 1)
    cutoffs = config.first_cutoff * (config.img_resolution / 2 / config.first_cutoff) ** exponents
    low, high = 1.0, float(_LARGEST)
    for cutoff, (_, width) in zip(cutoffs[:-1], table[:-1], strict=True):
        low = max(low, (width - 0.5) * 2 * float(cutoff))
        if width < config.channel_max:
            high = min(high, (width + 0.5) * 2 * float(cutoff))
    if math.ceil(low) <= math.floor(high):
        yield _roundest(math.ceil(low), math.floor(high) if high < _LARGEST else None)


def _roundest(low: int, high: int | None) -> int:
    """Return the number in `low..high` with the most factors of two; the next power of two if `high` is None."""
    if high is None:
        return 1 << (low - 1).bit_length()
    for step in (1 << k for k in range(high.bit_length(), -1, -1)):
        if (rounded := -(-low // step) * step) <= high:
            return rounded
    return low
