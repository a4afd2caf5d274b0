"""Files that ask for more memory or time than their size: refused before it is spent."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from explorer.checkpoints import Checkpoint, allocation_limit, build_generator, load, loading, save_native
from explorer.checkpoints.monitor import Monitor
from explorer.checkpoints.opening import read_contents
from explorer.checkpoints.source import FileSource
from explorer.errors import CancelledError, CheckpointError, MismatchError, UnreadableFileError
from explorer.generators import registry
from explorer.ops.filter_design import design_lowpass_filter
from explorer.testing.nvidia_writer import (
    Call,
    Keep,
    Name,
    PickleWriter,
    Raw,
    module_call,
    network_bytes,
    network_value,
    storage_stream,
)
from tests.checkpoints.conftest import CancelledAt, small_network


def test_a_network_larger_than_its_weights_is_not_built(tmp_path: Path) -> None:
    """Within all bounds, but of 8 GB: refused before that memory is taken."""
    config, tensors = small_network("stylegan2")
    large = {
        **config,
        "w_dim": 16384,
        "z_dim": 16384,
        "channel_max": 16384,
        "channel_base": 1 << 22,
        "mapping_layers": 8,
    }
    path = tmp_path / "large.pkl"
    path.write_bytes(network_bytes(network_value("stylegan2", large, tensors)))
    checkpoint = load(path)
    with pytest.raises(MismatchError, match="far larger"):
        build_generator(checkpoint)


def test_tensors_sharing_one_storage_are_not_a_bomb(tmp_path: Path) -> None:
    """A thousand buffers that all are the same stored megabyte would be a gigabyte."""
    config, tensors = small_network("stylegan2")
    value: dict[str, Any] = network_value("stylegan2", config, tensors)
    storage = Call(Name("torch.storage", "_load_from_bytes"), storage_stream(torch.zeros(250_000), "1"))
    tensor = Call(Name("torch._utils", "_rebuild_tensor_v2"), storage, 0, (250_000,), (1,), False, {})
    buffers = value["G_ema"].arguments[0]["state"]["_buffers"]
    buffers.update({f"extra{index}": Raw(b"j\xff\xff\x00\x00") for index in range(1000)})
    path = tmp_path / "shared.pkl"
    path.write_bytes(network_bytes({"first": Keep(tensor, 0xFFFF), **value}, protocol=3))
    with pytest.raises(UnreadableFileError, match="declare"):
        load(path)


def test_modules_sharing_children_are_walked_to_a_limit(tmp_path: Path) -> None:
    """Twelve levels of ten references each name a billion modules."""
    config, tensors = small_network("stylegan2")
    value: dict[str, Any] = network_value("stylegan2", config, tensors)
    layer: object = module_call("SynthesisLayer", {"_modules": {}})
    first: dict[str, object] = {}
    for level in range(12):
        first[f"level{level}"] = Keep(layer, 0xFFF0 + level)
        children = {f"c{index}": Raw(b"j" + struct.pack("<I", 0xFFF0 + level)) for index in range(10)}
        layer = module_call("SynthesisLayer", {"_modules": children})
    value["G_ema"].arguments[0]["state"]["_modules"]["synthesis"].arguments[0]["state"]["_modules"]["b4"] = layer
    path = tmp_path / "many.pkl"
    path.write_bytes(network_bytes({**first, **value}, protocol=3))
    with pytest.raises(UnreadableFileError, match="more than 5,000 modules"):
        load(path)


@pytest.mark.parametrize("table", ["_parameters", "_buffers", "_modules"])
def test_a_shared_table_of_nothing_is_walked_to_a_limit(tmp_path: Path, table: str) -> None:
    """A hundred modules share a table of 300 empty entries; thousands with thousands took minutes."""
    config, tensors = small_network("stylegan2")
    value: dict[str, Any] = network_value("stylegan2", config, tensors)
    nothing = Keep(dict.fromkeys((f"n{index}" for index in range(300)), None), 0xFFFF)
    layer = module_call("SynthesisLayer", {table: Raw(b"j\xff\xff\x00\x00")})
    synthesis = value["G_ema"].arguments[0]["state"]["_modules"]["synthesis"].arguments[0]["state"]
    synthesis["_modules"].update({f"more{index}": layer for index in range(100)})
    path = tmp_path / "nothing.pkl"
    path.write_bytes(network_bytes({"first": nothing, **value}, protocol=3))
    with pytest.raises(UnreadableFileError, match="more than 20,000 entries"):
        load(path)


def test_a_walk_through_many_modules_can_be_cancelled(tmp_path: Path) -> None:
    config, tensors = small_network("stylegan2")
    value: dict[str, Any] = network_value("stylegan2", config, tensors)
    synthesis = value["G_ema"].arguments[0]["state"]["_modules"]["synthesis"].arguments[0]["state"]
    layer = Keep(module_call("SynthesisLayer", {}), 0xFFFF)
    shared = {f"more{index}": Raw(b"j\xff\xff\x00\x00") for index in range(400)}
    synthesis["_modules"] = {"b4": synthesis["_modules"]["b4"], "more": layer, **shared}
    path = tmp_path / "many.pkl"
    path.write_bytes(network_bytes(value, protocol=3))
    control = CancelledAt(301)  # after the pickle, which is short
    with FileSource(path) as source, pytest.raises(CancelledError):
        read_contents(source, Monitor(None, control))


@pytest.mark.parametrize(
    "error",
    [MemoryError("Unable to allocate 8.00 GiB"), RuntimeError("DefaultCPUAllocator: can't allocate memory")],
)
@pytest.mark.parametrize("step", ["read_contents", "read_tensors", "registry"])
def test_a_lack_of_memory_is_explained(
    pickle_file: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: Exception
) -> None:
    def fail(*arguments: object) -> None:
        raise error

    if step == "registry":
        monkeypatch.setattr(registry, "build", fail)
    else:
        monkeypatch.setattr(loading, step, fail)
    with pytest.raises(CheckpointError, match=r"not enough free memory for tiny\.pkl") as caught:
        build_generator(load(pickle_file))
    assert caught.value.hint


def test_filters_count_against_the_allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocation_limit, "_SPARE", 1000)
    with allocation_limit.AllocationLimit("x", 0):
        assert design_lowpass_filter(20, 4, 4, 32, radial=True) is not None
        with pytest.raises(MismatchError, match="far larger"):
            design_lowpass_filter(40, 4, 4, 32, radial=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"first_stopband": 0.5, "filter_size": 64, "lrelu_upsampling": 4}, "filter_size 64 times"),
        ({"first_stopband": 1e-9}, "first_stopband is 1e-09"),
        ({"first_cutoff": 0}, "first_cutoff is 0"),
        ({"last_stopband_rel": -1.5}, "last_stopband_rel is -1.5"),
    ],
)
def test_filters_larger_than_any_model_has_are_not_made(
    tmp_path: Path, change: dict[str, float], words: str
) -> None:
    config = {"img_resolution": 256, "num_layers": 3, "channel_base": 64, "channel_max": 4, "z_dim": 4, "w_dim": 4}
    made = Checkpoint("stylegan3-r", {**config, **change}, {"a": torch.zeros(1)}, "bomb")
    save_native(tmp_path / "bomb.safetensors", made)
    with pytest.raises(MismatchError, match=words) as caught:
        build_generator(load(tmp_path / "bomb.safetensors"))
    assert caught.value.message.startswith("bomb.safetensors: ")
    assert "Correct" in caught.value.hint


def test_modules_that_contain_themselves(tmp_path: Path) -> None:
    config, tensors = small_network("stylegan2")
    value: dict[str, Any] = network_value("stylegan2", config, tensors)
    state = value["G_ema"].arguments[0]["state"]["_modules"]["synthesis"].arguments[0]["state"]
    # The table of modules is remembered, and later gets an entry that holds it.
    state["_modules"] = Keep(state["_modules"], 0xFFFF)
    loop = io.BytesIO()
    writer = PickleWriter(loop, 3)
    writer.put("b8")
    writer.put(module_call("SynthesisBlock", {"_modules": Raw(b"j\xff\xff\x00\x00")}))
    path = tmp_path / "loop.pkl"
    change = Raw(b"j\xff\xff\x00\x00" + loop.getvalue() + b"s")
    path.write_bytes(network_bytes({**value, "change": change}, protocol=3))
    with pytest.raises(UnreadableFileError, match="nested more than 16 deep"):
        load(path)


def test_an_archive_with_a_long_table_of_contents(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(21_000):
            archive.writestr(f"{index}.txt", b"")
    with pytest.raises(UnreadableFileError, match="21,000 members"):
        load(path)
