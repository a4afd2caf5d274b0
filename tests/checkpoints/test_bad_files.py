"""Everything a user may open by mistake gets an error of its own that names the file."""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save

from explorer.checkpoints import Checkpoint, allocation_limit, build_generator, inspect, load, loading, save_native
from explorer.checkpoints import source as source_module
from explorer.checkpoints.monitor import Monitor
from explorer.checkpoints.opening import read_contents
from explorer.checkpoints.source import FileSource
from explorer.errors import (
    CancelledError,
    CheckpointError,
    LatentwalkError,
    MismatchError,
    UnreadableFileError,
    UnsupportedModelError,
)
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
from tests.checkpoints.conftest import small_network, small_pickle
from tests.goldens import require


def _zip(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_DOT_", "."), data)
    return file.getvalue()


def _tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("x"))
    return file.getvalue()


def _npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


def _torch_file(value: object, legacy: bool = False) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=not legacy)
    return file.getvalue()


WEB_PAGE = b"\n <!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title>"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 381673535\n"

# name -> (content, error, part of the message)
FILES: dict[str, tuple[Callable[[], bytes], type[CheckpointError], str]] = {
    "web page.pkl": (lambda: WEB_PAGE, UnreadableFileError, "web page"),
    "web page.safetensors": (lambda: WEB_PAGE, UnreadableFileError, "web page"),
    "pointer.pkl": (lambda: LFS, UnreadableFileError, "Git LFS pointer"),
    "text.pkl": (lambda: b"Not Found", UnreadableFileError, "text file"),
    "notes.pkl": (lambda: "Grüße ".encode() * 200, UnreadableFileError, "text file"),
    "settings.pkl": (lambda: json.dumps({"a": 1}).encode(), UnreadableFileError, "text file"),
    "empty.pkl": (lambda: b"", UnreadableFileError, "empty"),
    "byte.pkl": (lambda: b"\x80", UnreadableFileError, "truncated"),
    "zeros.pkl": (lambda: bytes(5000), UnreadableFileError, "not a pickle"),
    "noise.pkl": (lambda: np.random.RandomState(0).bytes(5000), UnreadableFileError, "not a"),
    "picture.pkl": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(50), UnreadableFileError, "PNG picture"),
    "photo.pkl": (lambda: b"\xff\xd8\xff\xe0" + bytes(50), UnreadableFileError, "JPEG"),
    "film.pkl": (lambda: b"\x00\x00\x00\x20ftypisom" + bytes(50), UnreadableFileError, "video"),
    "paper.pkl": (lambda: b"%PDF-1.7" + bytes(50), UnreadableFileError, "PDF"),
    "packed.pkl.gz": (lambda: b"\x1f\x8b\x08" + bytes(50), UnreadableFileError, "gzip"),
    "archive.tar": (_tar, UnreadableFileError, "tar archive"),
    "latents.npy": (_npy, UnreadableFileError, "numpy array"),
    "photos.zip": (lambda: _zip(a_DOT_png=b"x", b_DOT_png=b"y"), UnreadableFileError, "not of a network"),
    "empty.zip": (lambda: _zip(), UnreadableFileError, "holds nothing"),
    "renamed.pkl": (lambda: _zip(word__document_DOT_xml=b"x"), UnreadableFileError, "word/document.xml"),
    "broken.zip": (lambda: _zip(a=b"x" * 100)[:60], UnreadableFileError, "truncated"),
    "list.pkl": (lambda: network_bytes([1, 2]), UnsupportedModelError, "pickle of a list"),
    "other.pkl": (lambda: network_bytes({"model": None, "opt": 3}), UnsupportedModelError, "no entry G_ema or G"),
    "none.pkl": (lambda: network_bytes({"G": None, "D": None, "G_ema": None}), UnsupportedModelError, "but G, D"),
    "discriminator.pkl": (
        lambda: network_bytes({"G_ema": module_call("Discriminator", {})}),
        UnsupportedModelError,
        "'Discriminator'",
    ),
    "version.pkl": (
        lambda: network_bytes({"G_ema": module_call("Generator", {}, version=5)}),
        UnsupportedModelError,
        "version 5",
    ),
    "state.pt": (lambda: _torch_file({"a": torch.zeros(3)}), UnsupportedModelError, "bare tensors"),
    "old.pt": (lambda: _torch_file({"a": torch.zeros(3)}, legacy=True), UnsupportedModelError, "bare tensors"),
    "number.pt": (lambda: _torch_file(5), UnsupportedModelError, "torch.save file of a int"),
    "other.pt": (lambda: _torch_file({"weights": 1, "step": 2}), UnsupportedModelError, "entries step, weights"),
    "lightning.ckpt": (lambda: _torch_file({"state_dict": {}, "epoch": 1}), UnsupportedModelError, "Lightning"),
    "starganv2.ckpt": (
        lambda: _torch_file({"generator": {}, "mapping_network": {}}), UnsupportedModelError, "StarGAN v2",
    ),
    "bare.safetensors": (lambda: save({"a": torch.zeros(3)}), UnsupportedModelError, "no Latentwalk metadata"),
    "newer.safetensors": (
        lambda: save({"a": torch.zeros(3)}, {"format": "latentwalk", "version": "9"}),
        UnsupportedModelError,
        "version 9",
    ),
    "short.safetensors": (lambda: b"\x01\x00", UnreadableFileError, "truncated"),
    "huge header.safetensors": (lambda: struct.pack("<Q", 1 << 60) + b"{}", UnreadableFileError, "header declares"),
    "long header.safetensors": (lambda: struct.pack("<Q", 5000) + b"{}", UnreadableFileError, "truncated"),
    "no json.safetensors": (lambda: struct.pack("<Q", 4) + b"{..}", UnreadableFileError, "not JSON"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_wrong_files(tmp_path: Path, name: str) -> None:
    content, kind, message = FILES[name]
    path = tmp_path / name
    path.write_bytes(content())
    for function in (load, inspect):
        with pytest.raises(LatentwalkError) as caught:
            function(path)
        assert type(caught.value) is kind, caught.value
        assert name in caught.value.message
        assert message in caught.value.message, caught.value.message
        assert caught.value.hint


def test_every_wrong_file_has_its_own_message(tmp_path: Path) -> None:
    messages = set()
    for name, (content, _, _) in FILES.items():
        path = tmp_path / "x.pkl"
        path.write_bytes(content())
        with pytest.raises(LatentwalkError) as caught:
            load(path)
        messages.add(f"{name.split('.')[-1]} {caught.value.message}")
    assert len(messages) > len(FILES) * 0.85  # the two web pages and the like share theirs


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("checkpoints/mobile_u64.ckpt", "MobileStyleGAN"),
        ("checkpoints/ros2_u64.pt", "rosinality"),
        ("pickles/sg1_u64_tf_nosrc.pkl", "TensorFlow"),
        ("checkpoints/star2_128_hpf0_nets_ema.ckpt.xz", "xz archive"),
    ],
)
def test_models_of_other_families_are_named(name: str, message: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        load(require(name))
    assert message in caught.value.message


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="There is no file"):
        load(tmp_path / "nothing.pkl")
    with pytest.raises(UnreadableFileError, match="is a folder"):
        load(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pkl")
    with pytest.raises(UnreadableFileError, match="not a regular file"):
        load(tmp_path / "pipe.pkl")


def test_permission_denied(pickle_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(source_module, "open", denied, raising=False)  # also holds for root, who may read all
    with pytest.raises(UnreadableFileError, match="permission denied"):
        load(pickle_file)


@pytest.mark.skipif(sys.platform == "win32" or getattr(os, "geteuid", lambda: 0)() == 0, reason="root may read all")
def test_permission_bits(pickle_file: Path) -> None:
    pickle_file.chmod(0)
    try:
        with pytest.raises(UnreadableFileError, match="permission denied"):
            load(pickle_file)
    finally:
        pickle_file.chmod(stat.S_IRUSR | stat.S_IWUSR)


def test_the_drive_fails(pickle_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.FileIO):
        def readinto(self, target: Any) -> int:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(source_module, "open", lambda path, mode, buffering: Failing(path), raising=False)
    with pytest.raises(UnreadableFileError, match="Input/output error"):
        load(pickle_file)


def test_the_file_changes_while_it_is_read(pickle_file: Path) -> None:
    data = pickle_file.read_bytes()

    def grow(fraction: float, label: str) -> None:
        if label == "Reading weights":
            pickle_file.write_bytes(data + b"more")

    with pytest.raises(UnreadableFileError, match="changed while"):
        load(pickle_file, progress=grow)


def test_the_file_shrinks_while_it_is_read(pickle_file: Path) -> None:
    def shrink(fraction: float, label: str) -> None:
        if label == "Reading weights":
            pickle_file.write_bytes(b"short")

    with pytest.raises(UnreadableFileError, match="changed while"):
        load(pickle_file, progress=shrink)


@pytest.mark.parametrize("source", ["pickle", "native"])
def test_truncated_anywhere(tmp_path: Path, pickle_file: Path, source: str) -> None:
    if source == "native":
        from explorer.checkpoints import convert

        convert(pickle_file, tmp_path / "whole.safetensors")
        data, path = (tmp_path / "whole.safetensors").read_bytes(), tmp_path / "cut.safetensors"
    else:
        data, path = pickle_file.read_bytes(), tmp_path / "cut.pkl"
    for size in [*range(1, len(data), max(len(data) // 60, 1)), len(data) - 1]:
        path.write_bytes(data[:size])
        with pytest.raises(UnreadableFileError) as caught:
            load(path)
        assert path.name in caught.value.message
        if size > 8:
            assert "truncated" in caught.value.message, (size, caught.value.message)


def _load_changed(tmp_path: Path, **changes: torch.Tensor | None) -> None:
    path = tmp_path / "changed.pkl"
    path.write_bytes(small_pickle("stylegan2", **changes))
    build_generator(load(path))


def test_wrong_tensors(tmp_path: Path) -> None:
    _, tensors = small_network("stylegan2")
    weight = tensors["synthesis.b8.conv0.weight"]
    _load_changed(tmp_path)
    with pytest.raises(
        MismatchError, match=r"changed\.pkl: .*b8\.conv0\.weight has shape \[8, 8, 3, 2\], expected \[8, 8, 3, 3\]"
    ):
        _load_changed(tmp_path, synthesis__b8__conv0__weight=weight[..., :2].contiguous())
    with pytest.raises(MismatchError, match=r"changed\.pkl lacks synthesis\.b8\.conv0\.weight"):
        _load_changed(tmp_path, synthesis__b8__conv0__weight=None)
    with pytest.raises(MismatchError, match=r"unexpected tensors: synthesis\.b8\.conv0\.more"):
        _load_changed(tmp_path, synthesis__b8__conv0__more=torch.zeros(3))
    with pytest.raises(MismatchError, match=r"changed\.pkl: .*holds torch\.int64"):
        _load_changed(tmp_path, synthesis__b8__conv0__weight=weight.long())
    for bad in (float("nan"), float("inf"), -float("inf")):
        broken = weight.clone()
        broken[1, 2, 0, 1] = bad
        with pytest.raises(MismatchError, match=r"changed\.pkl: 1 of 576 values of .* not finite"):
            _load_changed(tmp_path, synthesis__b8__conv0__weight=broken)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32(tmp_path: Path, dtype: torch.dtype) -> None:
    config, tensors = small_network("stylegan3-t")
    stored = {key: tensor.to(dtype) for key, tensor in tensors.items()}
    path = tmp_path / "half.pkl"
    path.write_bytes(network_bytes(network_value("stylegan3-t", config, stored)))
    checkpoint = load(path)
    assert all(tensor.dtype is dtype for tensor in checkpoint.tensors.values())
    generator = build_generator(checkpoint)
    for key, tensor in generator.state_dict().items():
        assert tensor.dtype is torch.float32
        assert torch.equal(tensor, stored[key].float())


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("img_resolution", 1 << 40),
        ("img_resolution", 0),
        ("img_resolution", 8.5),
        ("z_dim", 1 << 30),
        ("w_dim", True),
        ("c_dim", -1),
        ("img_channels", "3"),
    ],
)
def test_settings_out_of_bounds(tmp_path: Path, setting: str, value: object) -> None:
    config, tensors = small_network("stylegan2")
    path = tmp_path / "settings.pkl"
    path.write_bytes(network_bytes(network_value("stylegan2", {**config, setting: value}, tensors)))
    with pytest.raises(MismatchError, match=setting):
        load(path)


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


@pytest.mark.parametrize(
    ("setting", "value"), [("architecture", "evil"), ("activation", "__import__"), ("img_resolution", 9)]
)
def test_settings_the_family_does_not_have(tmp_path: Path, setting: str, value: object) -> None:
    config, tensors = small_network("stylegan2")
    path = tmp_path / "settings.pkl"
    path.write_bytes(network_bytes(network_value("stylegan2", {**config, setting: value}, tensors)))
    for read in (load, inspect):
        with pytest.raises(MismatchError, match=rf"settings\.pkl: .*{value}"):
            read(path)


def test_modified_code_is_named(tmp_path: Path) -> None:
    config, tensors = small_network("stylegan2")
    value: dict[str, Any] = network_value("stylegan2", config, tensors)
    state = value["G_ema"].arguments[0]["state"]
    state["_init_kwargs"]["use_attention"] = True
    path = tmp_path / "fork.pkl"
    path.write_bytes(network_bytes(value))
    with pytest.raises(UnsupportedModelError, match="use_attention"):
        load(path)
    del state["_init_kwargs"]["use_attention"]
    state["_modules"]["synthesis"].arguments[0]["state"]["_modules"]["b8"].arguments[0]["class_name"] = (
        "AttentionBlock"
    )
    path.write_bytes(network_bytes(value))
    with pytest.raises(UnsupportedModelError, match="AttentionBlock"):
        load(path)


def test_tensors_sharing_one_storage_are_no_bomb(tmp_path: Path) -> None:
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
    polls = 0

    def cancelled() -> bool:
        nonlocal polls
        polls += 1
        return polls > 300  # after the pickle, which is short

    with FileSource(path) as source, pytest.raises(CancelledError):
        read_contents(source, Monitor(None, cancelled))


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
    ("change", "message"),
    [
        ({"first_stopband": 0.5, "filter_size": 64, "lrelu_upsampling": 4}, "filter_size 64 times"),
        ({"first_stopband": 1e-9}, "first_stopband is 1e-09"),
        ({"first_cutoff": 0}, "first_cutoff is 0"),
        ({"last_stopband_rel": -1.5}, "last_stopband_rel is -1.5"),
    ],
)
def test_filters_larger_than_any_model_has_are_not_made(
    tmp_path: Path, change: dict[str, float], message: str
) -> None:
    config = {"img_resolution": 256, "num_layers": 3, "channel_base": 64, "channel_max": 4, "z_dim": 4, "w_dim": 4}
    made = Checkpoint("stylegan3-r", {**config, **change}, {"a": torch.zeros(1)}, "bomb")
    save_native(tmp_path / "bomb.safetensors", made)
    with pytest.raises(MismatchError, match=message) as caught:
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


def test_a_path_that_no_system_has() -> None:
    with pytest.raises(UnreadableFileError, match="cannot be opened"):
        load("a\0b.pkl")


def test_text_of_a_file_is_fit_to_be_shown(tmp_path: Path) -> None:
    from explorer.checkpoints import Checkpoint, save_native

    config, tensors = small_network("stylegan2")
    name, licence = "a\x1b[2J\u202eb" * 100, "x\n" * 5000
    save_native(tmp_path / "net.safetensors", Checkpoint("stylegan2", config, tensors, name, licence))
    checkpoint = load(tmp_path / "net.safetensors")
    assert checkpoint.name.isprintable()
    assert len(checkpoint.name) <= 120
    assert len(checkpoint.licence) <= 2000
