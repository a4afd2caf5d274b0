"""Readers of StyleGAN2 under other names than NVIDIA's: those of rosinality, of BasicSR, and of MMGeneration.

The arithmetic is NVIDIA's, to rounding, without clamping. (MMGeneration adds 1e-6 instead of 1e-8 to the mean of
the squares of z, which makes w smaller by some 5e-7 of itself.)
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from explorer.checkpoints.checkpoint import CheckpointHeader
from explorer.checkpoints.infer import infer_config
from explorer.checkpoints.numpy_tensor import tensor_of_array
from explorer.checkpoints.other_networks import other_network
from explorer.checkpoints.records import NumpyArray, TensorRecord, table_of
from explorer.checkpoints.renaming import renamed
from explorer.checkpoints.rosinality import nvidia_shape
from explorer.checkpoints.stylegan2_names import BASICSR, MMGENERATION, ROSINALITY
from explorer.checkpoints.stylegan2_parts import mean_of_w, resample_filter, with_channels_reversed
from explorer.checkpoints.unwrap import find_weights
from explorer.errors import UnsupportedModelError

if TYPE_CHECKING:
    from explorer.checkpoints.monitor import Monitor
    from explorer.checkpoints.reader import OpenFile
    from explorer.checkpoints.stylegan2_names import StyleGAN2Layout
    from explorer.checkpoints.unwrap import Found

__all__ = ["BasicSRReader", "MMGenerationReader", "RosinalityReader"]

_Records = dict[str, TensorRecord]
_KERNELS = (".blur.kernel", ".upsample.kernel")
_IN_TRAINING = {"g", "generator", "params"}  # names of a generator that is not averaged
_TRAINED = {"epoch", "iter", "optimizer", "optimizers", "message_hub", "param_schedulers"}


class _PortReader:
    """Reads one layout, alone or wrapped in anything."""

    layout: StyleGAN2Layout

    def matches(self, file: OpenFile) -> bool:
        return self._find(file) is not None and other_network(file.value) is None

    def _find(self, file: OpenFile) -> Found | None:
        return find_weights(file.value, self.layout.anchors, self.layout.parts)

    def read(self, file: OpenFile, monitor: Monitor) -> CheckpointHeader:
        found = self._find(file)
        assert found is not None
        source, layout = file.source, self.layout
        kernels = {key: record for key, record in found.tensors.items() if key.endswith(_KERNELS)}
        own = {layout.normal(key): record for key, record in found.tensors.items() if key not in kernels}
        noises = layout.noises(own)
        tensors = renamed(source, own, layout.names(own) | noises, optional=noises)
        tensors = {name: nvidia_shape(name, record) for name, record in tensors.items()}
        _, config, _ = infer_config(source.name, {name: record.shape for name, record in tensors.items()})
        _check_mapping(source.name, config)
        tensors, notes = self._adjusted(file, tensors)
        mean, said = mean_of_w(source, *_means(file.value, found.path))
        if mean is not None:
            tensors["mapping.w_avg"] = mean
        notes = (*_notes(found, layout), *notes, *said)
        return CheckpointHeader(
            family="stylegan2",
            config={**config, "conv_clamp": None, **resample_filter(source, kernels)},
            records=tensors,
            name=posixpath.splitext(source.name)[0],
            source_format=f"{file.container} of {layout.title}",
            origin=f"Weights of {layout.title}{f', in {found.path[:80]}' if found.path else ''}",
            notes=notes,
        )

    def _adjusted(self, file: OpenFile, tensors: _Records) -> tuple[_Records, tuple[str, ...]]:
        """Return the tensors as ours compute with them, and notes on what was changed."""
        return tensors, ()


class RosinalityReader(_PortReader):
    """rosinality's `.pt`, StyleGAN-NADA, JoJoGAN, and the decoder of e4e, pSp, ReStyle and HyperStyle."""

    layout = ROSINALITY


class BasicSRReader(_PortReader):
    """BasicSR's `.pth`."""

    layout = BASICSR


class MMGenerationReader(_PortReader):
    """MMGeneration's and MMagic's `.pth`.

    What was trained there puts out blue first, since its pictures were read so; networks that were converted from
    NVIDIA's red first. A file of a training tells that it is one.
    """

    layout = MMGENERATION

    def _adjusted(self, file: OpenFile, tensors: _Records) -> tuple[_Records, tuple[str, ...]]:
        if not _was_trained(file.value):
            return tensors, ("Its colours are taken as red, green, blue, as in networks converted from NVIDIA's.",)
        heads = {key: record for key, record in tensors.items() if ".torgb." in key and ".affine." not in key}
        if any(record.shape[:1] != (3,) for record in heads.values()):
            return tensors, ()
        note = (
            "Networks trained by MMGeneration put out blue, green, red: the order was reversed. If red and blue "
            "are exchanged in the picture, this one was converted from NVIDIA's before that training."
        )
        return {**tensors, **with_channels_reversed(file.source, heads)}, (note,)


def _was_trained(value: object) -> bool:
    """Return whether a file was saved by a training of MMGeneration or MMagic."""
    table = table_of(value) or {}
    return bool(_TRAINED & {key for part in (table, table_of(table.get("meta")) or {}) for key in part})


def _check_mapping(name: str, config: dict[str, object]) -> None:
    """Raise an error for a conditional network that lost its embedding of classes on the way."""
    z_dim, w_dim = config["z_dim"], config["w_dim"]
    assert isinstance(z_dim, int)
    assert isinstance(w_dim, int)
    if z_dim == 2 * w_dim:
        raise UnsupportedModelError(
            f"{name} is a conditional StyleGAN2 that was converted without its embedding of classes: its first "
            f"layer takes {z_dim} numbers, z and a class of {w_dim} each, so z cannot be mapped to w.",
            "Open the network that it was converted from (.pkl), which has the embedding.",
        )


def _means(value: object, path: str) -> tuple[TensorRecord, ...]:
    """Return what is called the mean of w beside a generator or around it, the nearest last."""
    found = []
    table = table_of(value)
    for part in (*path.split("."), ""):
        if table is None:
            break
        item = table.get("latent_avg")
        record = tensor_of_array(item) if isinstance(item, NumpyArray) else item
        if isinstance(record, TensorRecord):
            found.append(record)
        table = table_of(table.get(part))
    return tuple(found)


def _notes(found: Found, layout: StyleGAN2Layout) -> tuple[str, ...]:
    parts = found.path.split(".")
    notes = []
    if not found.is_average and _IN_TRAINING & set(parts):
        notes.append(f"The file has no averaged generator; the one in training ({found.path[:80]}) is shown.")
    notes.append(
        f"The file holds weights of {layout.title} without settings: sizes were inferred from their shapes, and "
        "what shapes do not tell is as in the original (no clamping, learning rate multiplier 0.01 of the mapping)."
    )
    if found.others:
        notes.append(f"Skipped {found.others:,} other tensors, which do not belong to the generator.")
    return tuple(notes)
