"""Tensors of a generator under the names of other programs, for their files: NVIDIA's and rosinality's."""

from __future__ import annotations

import io
import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import torch

from explorer.checkpoints.infer import infer_config
from explorer.checkpoints.latentwalk_format import cannot_write, stored_tensor, write_safetensors
from explorer.checkpoints.rosinality import conv_names, mapping_names, torgb_names
from explorer.errors import UnsupportedModelError
from explorer.generators import registry
from explorer.ops.upfirdn2d import setup_filter
from explorer.util.atomic_write import atomic_write_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from explorer.checkpoints.checkpoint import Checkpoint

__all__ = ["rosinality_tensors", "save_nvidia", "save_rosinality"]

_log = logging.getLogger("explorer.checkpoints")

_NVIDIA = ("stylegan2", "stylegan3-t", "stylegan3-r")
_UNSTATED = {
    "conv_clamp", "activation", "mapping_activation", "mapping_lr_multiplier", "output_scale", "first_cutoff",
    "first_stopband", "last_stopband_rel", "margin_size", "num_critical", "lrelu_upsampling", "filter_size",
}  # fmt: skip
"""Settings that change the picture, and that neither names nor shapes of NVIDIA's tensors state for certain."""

_ROSINALITY = {
    "architecture": "skip", "c_dim": 0, "img_channels": 3, "activation": "lrelu", "mapping_activation": "lrelu",
    "mapping_lr_multiplier": 0.01, "resample_filter": (1, 3, 3, 1), "mapping_layer_features": None,
}  # fmt: skip
"""The settings that rosinality's network has fixed."""


def save_nvidia(path: Path, checkpoint: Checkpoint, dtype: str) -> None:
    """Write the tensors of a StyleGAN2 or 3 under NVIDIA's names, as safetensors or by `torch.save`.

    Settings that such a file cannot state, and that are unlike those of the published models, are logged.

    Args:
        path: A name that ends in `.safetensors`, or for `torch.save` in another way.
        checkpoint: The generator, complete.
        dtype: As in `save_native`.

    Raises:
        UnsupportedModelError: The family has no such names, or nobody could infer the sizes of its layers.
        CheckpointError: The file cannot be written.
    """
    if checkpoint.family not in _NVIDIA:
        raise _unsupported(path, checkpoint, "NVIDIA's names are those of StyleGAN2 and StyleGAN3")
    assumed = _inferred(path, checkpoint)
    unlike = [
        f"{key} {_plain(value)} (assumed {_plain(assumed.get(key))})"
        for key, value in _settings(checkpoint.family, checkpoint.config).items()
        if key in _UNSTATED and value != assumed.get(key)
    ]
    if unlike:
        _log.warning("%s: weights without settings; tell its reader: %s", path.name, ", ".join(unlike))
    tensors = {key: stored_tensor(path, key, tensor, dtype) for key, tensor in checkpoint.tensors.items()}
    if path.suffix.lower() == ".safetensors":
        write_safetensors(path, tensors, {"format": "pt"})
    else:
        _torch_save(path, OrderedDict(tensors))


def _inferred(path: Path, checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the settings that the reader of NVIDIA's names infers from the tensors."""
    shapes = {key: tuple(tensor.shape) for key, tensor in checkpoint.tensors.items()}
    try:
        family, config, _ = infer_config(path.name, shapes)
    except UnsupportedModelError as error:
        raise _unsupported(path, checkpoint, "nothing could infer the sizes of its layers") from error
    return _settings(family, config)


def _settings(family: str, config: Mapping[str, object]) -> dict[str, Any]:
    typed = registry.read_config(family, config)
    return {key: getattr(typed, key) for key in type(typed).__dataclass_fields__}


def _plain(value: object) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def save_rosinality(path: Path, checkpoint: Checkpoint) -> None:
    """Write a StyleGAN2 as the `.pt` of rosinality's `stylegan2-pytorch`, with `g_ema` and `latent_avg`.

    Args:
        path: The file to write.
        checkpoint: The generator, complete.

    Raises:
        UnsupportedModelError: Its settings are not those of rosinality's network.
        CheckpointError: The file cannot be written.
    """
    if checkpoint.family != "stylegan2":
        raise _unsupported(path, checkpoint, "rosinality's network is a StyleGAN2")
    settings = _settings("stylegan2", checkpoint.config)
    unlike = [key for key, value in _ROSINALITY.items() if settings[key] != value]
    if settings["z_dim"] != settings["w_dim"]:
        unlike.append("z_dim and w_dim (which differ)")
    if unlike:
        raise _unsupported(path, checkpoint, f"rosinality's network has another {', '.join(unlike)}")
    if settings["conv_clamp"] is not None:
        _log.warning(
            "%s: features are not limited there, as they are here to \u00b1%s; published models stay below it.",
            path.name,
            _plain(settings["conv_clamp"]),
        )
    tensors = {k: stored_tensor(path, k, t, "float32") for k, t in checkpoint.tensors.items()}
    weights = rosinality_tensors(tensors, settings["img_resolution"], settings["mapping_layers"])
    _torch_save(path, {"g_ema": OrderedDict(weights), "latent_avg": tensors["mapping.w_avg"]})


def rosinality_tensors(tensors: Mapping[str, Tensor], size: int, mapping_layers: int) -> dict[str, Tensor]:
    """Return the tensors of rosinality's network by its names, in its shapes and order.

    Args:
        tensors: Those of a StyleGAN2 `skip` network, under NVIDIA's names; without noise, zeros stand for it.
        size: Of the picture, in pixels.
        mapping_layers: Number of layers of the mapping network.
    """
    layers = size.bit_length() - 3  # above 4 px
    names = mapping_names("style", mapping_layers) | {"input.input": "synthesis.b4.const"}
    names |= conv_names("conv1", "synthesis.b4.conv1") | torgb_names("to_rgb1", "synthesis.b4.torgb")
    noises = ["synthesis.b4.conv1"]
    for j in range(layers):
        for half in (0, 1):
            ours = f"synthesis.b{8 << j}.conv{half}"
            names |= conv_names(f"convs.{2 * j + half}", ours)
            noises.append(ours)
    for j in range(layers):
        names |= torgb_names(f"to_rgbs.{j}", f"synthesis.b{8 << j}.torgb")
    kernel = setup_filter([1, 3, 3, 1], gain=4)
    found: dict[str, Tensor] = {}
    for theirs, ours in names.items():
        found[theirs] = _their_shape(theirs, tensors.get(ours, torch.zeros([])))
    for j in range(layers):
        found[f"convs.{2 * j}.conv.blur.kernel"] = kernel.clone()
        found[f"to_rgbs.{j}.upsample.kernel"] = kernel.clone()
    for i, layer in enumerate(noises):
        side = 4 << ((i + 1) // 2)
        noise = tensors.get(f"{layer}.noise_const", torch.zeros(side, side))
        found[f"noises.noise_{i}"] = noise.reshape(1, 1, side, side)
    return found


def _their_shape(name: str, tensor: Tensor) -> Tensor:
    """Return a tensor by rosinality's name with the axes of length one that rosinality's has."""
    if name.endswith("noise.weight"):
        return tensor.reshape(1)
    if name == "input.input" or name.endswith(".conv.weight"):
        return tensor[None]
    return (
        tensor[None, :, None, None]
        if name.startswith("to_rgb") and name.endswith(".bias") and (".modulation." not in name)
        else tensor
    )


def _torch_save(path: Path, value: object) -> None:
    content = io.BytesIO()
    torch.save(value, content)
    try:
        atomic_write_bytes(path, content.getbuffer())
    except OSError as error:
        raise cannot_write(path, error) from error


def _unsupported(path: Path, checkpoint: Checkpoint, why: str) -> UnsupportedModelError:
    title = registry.family(checkpoint.family).title
    return UnsupportedModelError(
        f"{path} cannot be written from {checkpoint.file or checkpoint.name}, a {title}: {why}.",
        "Write it in Latentwalk's format (--to latentwalk), or as ONNX where that is supported.",
    )
