"""MobileStyleGAN's PyTorch Lightning checkpoints: the student, and as another part of the file its teacher.

Only `state_dict` is read. The file states no settings: they follow from names and shapes. What belongs to the
training (the losses' networks, the Inception network) is left out; any other name is an error.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from explorer.checkpoints.checkpoint import CheckpointHeader
from explorer.checkpoints.infer import infer_config
from explorer.checkpoints.records import TensorRecord, table_of
from explorer.checkpoints.renaming import count_of, renamed
from explorer.checkpoints.rosinality import conv_names, mapping_names, nvidia_shape, torgb_names
from explorer.checkpoints.tensors import without_axes
from explorer.errors import MismatchError, UnsupportedModelError
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from explorer.checkpoints.monitor import Monitor
    from explorer.checkpoints.reader import OpenFile
    from explorer.checkpoints.source import Source

__all__ = ["TEACHER", "MobileStyleGANReader"]

TEACHER = "teacher"
"""The part of a file that is the network which the student was taught by."""

_Records = dict[str, TensorRecord]
_STUDENT, _TEACHER, _MAPPING = "student", "synthesis_net", "mapping_net.layers"
_OF_TRAINING = ("loss.", "inception.", "kid", "device_info", f"{_STUDENT}.device_info")
_HAAR = re.compile(r"(.+\.)?idwt\.g[01]_(col|row)")
_FILTER = re.compile(r"(.+\.)?(upsample|blur)\.kernel")
_HINT = "The file is damaged, or comes from modified code."


class MobileStyleGANReader:
    """Files of MobileStyleGAN's training, or state dicts with their names."""

    def matches(self, file: OpenFile) -> bool:
        return any(isinstance(key, str) and key.startswith(f"{_STUDENT}.") for key in _state(file.value))

    def read(self, file: OpenFile, monitor: Monitor) -> CheckpointHeader:
        source, records = file.source, _tensors(file.source, _state(file.value))
        parts = (TEACHER,) if f"{_TEACHER}.conv1.conv.weight" in records else ()
        if file.part == TEACHER and parts:
            return _teacher(source, records, file.container)
        return _student(source, records, file.container, parts)


def _state(value: object) -> Mapping[object, object]:
    """Return the table of tensors of a file; empty if it is of another kind."""
    table = table_of(value) or {}
    return table_of(table.get("state_dict")) or table


def _tensors(source: Source, state: Mapping[object, object]) -> _Records:
    """Return the tensors that belong to a generator, without filters, which are checked and made anew."""
    kept: _Records = {}
    for key, record in state.items():
        if not isinstance(key, str) or key.startswith(_OF_TRAINING):
            continue
        if not isinstance(record, TensorRecord):
            raise MismatchError(f"{source.name}: {visible(key, 80)} is not a tensor.", _HINT)
        if _HAAR.fullmatch(key):
            if sorted(record.shape) != [1, 1, 1, 2]:
                raise UnsupportedModelError(
                    f"{source.name} uses another wavelet than Haar's: {visible(key, 80)} has shape "
                    f"{list(record.shape)}.",
                    "Supported are MobileStyleGANs with the wavelet \u201cdb1\u201d.",
                )
        elif not (key.startswith(_TEACHER) and _FILTER.fullmatch(key)):
            kept[key] = record
    return kept


def _student(source: Source, records: _Records, container: str, parts: tuple[str, ...]) -> CheckpointHeader:
    own = {key: record for key, record in records.items() if not key.startswith(f"{_TEACHER}.")}
    count = count_of(own, rf"{_STUDENT}\.layers\.(\d+)\..*")
    mapping = _mapping_layers(own)
    names = mapping_names(_MAPPING, mapping) | _student_names(count)
    found = _renamed(source, own, names)

    def size(name: str, dimensions: int) -> int:
        shape = found[name].shape
        if len(shape) != dimensions:
            raise MismatchError(
                f"{source.name}: {name} has shape {list(shape)}, expected {dimensions} dimensions.", _HINT
            )
        return shape[0]

    convs = (f"synthesis.b{8 << i}.conv2.weight" for i in range(count))
    config: dict[str, object] = {
        "img_resolution": 8 << count,
        "channels": [size("synthesis.b4.const", 3), *(size(name, 4) for name in convs)],
        "w_dim": size("mapping.fc0.weight", 2),
        "img_channels": size("synthesis.b4.to_img.weight", 4) // 4,
        "mapping_layers": mapping,
    }
    note = "The file states no settings; they were inferred from the shapes of its weights."
    more = f"It also holds the teacher, a StyleGAN2: {source.name}#{TEACHER} opens it." if parts else ""
    return CheckpointHeader(
        family="mobilestylegan",
        config=config,
        records=found,
        name=posixpath.splitext(source.name)[0],
        source_format=f"{container} of MobileStyleGAN",
        origin="MobileStyleGAN's training (PyTorch Lightning)",
        notes=(note, more) if more else (note,),
        parts=parts,
    )


def _student_names(count: int) -> dict[str, str]:
    """Return our names of the student's tensors by the file's, for `count` blocks above 4 px."""
    names = {f"{_STUDENT}.input.input": "synthesis.b4.const"}
    names |= _layer_names(f"{_STUDENT}.conv1", "synthesis.b4.conv1", {"conv.weight": "weight"})
    names |= torgb_names(f"{_STUDENT}.to_img1", "synthesis.b4.to_img")
    separable = {"conv.weight_dw": "depthwise", "conv.weight_permute": "weight"}
    for i in range(count):
        theirs, ours = f"{_STUDENT}.layers.{i}", f"synthesis.b{8 << i}"
        for leaf in ("weight", "bias"):
            names[f"{theirs}.up.modulation.{leaf}"] = f"{ours}.up.affine.{leaf}"
        for layer in ("conv1", "conv2"):
            names |= _layer_names(f"{theirs}.{layer}", f"{ours}.{layer}", separable)
        names |= torgb_names(f"{theirs}.to_img", f"{ours}.to_img")
    return names


def _layer_names(theirs: str, ours: str, weights: Mapping[str, str]) -> dict[str, str]:
    names = {
        **weights,
        "conv.style_inv": "style_inv",
        "conv.modulation.weight": "affine.weight",
        "conv.modulation.bias": "affine.bias",
        "noise.weight": "noise_strength",
        "bias": "bias",
    }
    return {f"{theirs}.{a}": f"{ours}.{b}" for a, b in names.items()}


def _teacher(source: Source, records: _Records, container: str) -> CheckpointHeader:
    prefixes = (f"{_TEACHER}.", "mapping_net.", "style_mean")
    own = {key: record for key, record in records.items() if key.startswith(prefixes)}
    count = count_of(own, rf"{_TEACHER}\.layers\.(\d+)\..*")
    mapping = _mapping_layers(own)
    names = mapping_names(_MAPPING, mapping) | {f"{_TEACHER}.input.input": "synthesis.b4.const"}
    names |= conv_names(f"{_TEACHER}.conv1", "synthesis.b4.conv1")
    names |= torgb_names(f"{_TEACHER}.to_rgb1", "synthesis.b4.torgb")
    for i in range(count):
        theirs, ours = f"{_TEACHER}.layers.{i}", f"synthesis.b{8 << i}"
        names |= conv_names(f"{theirs}.conv1", f"{ours}.conv0") | conv_names(f"{theirs}.conv2", f"{ours}.conv1")
        names |= torgb_names(f"{theirs}.to_rgb", f"{ours}.torgb")
    found = _renamed(source, own, names)
    _, config, _ = infer_config(source.name, {key: record.shape for key, record in found.items()})
    return CheckpointHeader(
        family="stylegan2",
        config={**config, "conv_clamp": None},
        records=found,
        name=f"{posixpath.splitext(source.name)[0]} ({TEACHER})",
        source_format=f"{container} of MobileStyleGAN",
        origin="The teacher in MobileStyleGAN's training (PyTorch Lightning)",
        notes=("This is the teacher, a StyleGAN2; its sizes were inferred from the shapes of its weights.",),
        part=TEACHER,
    )


def _mapping_layers(records: Iterable[str]) -> int:
    """Return the number of layers of the mapping network, which are numbered from 1; at least one."""
    return max(count_of(records, r"mapping_net\.layers\.(\d+)\..*") - 1, 1)


def _renamed(source: Source, records: _Records, names: Mapping[str, str]) -> _Records:
    """Return the tensors under our names and without axes of length one that ours do not have, and the mean of w.

    Raises:
        MismatchError: A tensor is missing, or there is one that no network of the family has.
    """
    found = renamed(source, records, names, optional=("style_mean",))
    found = {name: _shaped(name, record) for name, record in found.items()}
    if "style_mean" in records:
        found["mapping.w_avg"] = _first_row(without_axes(records["style_mean"], 2))
    return found


def _shaped(name: str, record: TensorRecord) -> TensorRecord:
    leaf = name.rpartition(".")[2]
    if leaf in ("style_inv", "depthwise"):
        return without_axes(record, 1 if leaf == "style_inv" else 4)
    return nvidia_shape(name, record)


def _first_row(mean: TensorRecord) -> TensorRecord:
    """Return the mean of w, stored once for each entry of `ws`, as one: `[w_dim]`."""
    rows = mean.shape[0] if len(mean.shape) == 2 else 0
    return mean if not rows else TensorRecord(mean.storage, mean.offset, mean.shape[1:], mean.stride[1:])
