"""Latentwalk's own format: what is written comes back, whole or not at all; broken headers are refused."""

from __future__ import annotations

import dataclasses
import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from explorer.checkpoints import Checkpoint, build_generator, convert, load, save_native
from explorer.checkpoints import latentwalk_format as native_module
from explorer.errors import CancelledError, CheckpointError, MismatchError, UnreadableFileError, UsageError
from tests.checkpoints.conftest import CancelledAt, small_network, small_pickle
from tests.goldens import require


def _checkpoint(family: str = "stylegan2") -> Checkpoint:
    config, tensors = small_network(family)
    return Checkpoint(
        family=family,
        config=config,
        tensors=tensors,
        name="Tiny Ünïcode",
        licence="CC0-1.0",
        origin="made up",
        class_names=("cat", "dog") if config["c_dim"] else (),
        source_format="test",
        card={"data": "none", "date": "today"},
    )


@pytest.mark.parametrize("family", ["stylegan2", "stylegan3-t", "stylegan3-r"])
def test_round_trip(tmp_path: Path, family: str) -> None:
    saved = _checkpoint(family)
    save_native(tmp_path / "net.safetensors", saved, card={"steps": "5"})
    loaded = load(tmp_path / "net.safetensors")
    for name in ("family", "config", "name", "licence", "origin", "class_names"):
        assert getattr(loaded, name) == getattr(saved, name)
    assert loaded.card == {"data": "none", "date": "today", "steps": "5"}
    assert loaded.source_format == "safetensors"
    assert set(loaded.tensors) == set(saved.tensors)
    assert all(torch.equal(loaded.tensors[key], saved.tensors[key]) for key in saved.tensors)
    assert build_generator(loaded).info.class_names == saved.class_names


def test_other_programs_can_read_the_file(tmp_path: Path) -> None:
    save_native(tmp_path / "net.safetensors", _checkpoint())
    with safe_open(tmp_path / "net.safetensors", "pt") as file:
        metadata = file.metadata()
        assert set(file.keys()) == set(_checkpoint().tensors)
    assert metadata["format"] == "latentwalk"
    assert json.loads(metadata["config"]) == _checkpoint().config


def test_half_precision_halves_the_weights_and_keeps_small_tensors(tmp_path: Path) -> None:
    checkpoint = _checkpoint()
    key = "synthesis.b8.conv0.weight"
    checkpoint.tensors[key] = torch.randn(64, 64, 3, 3)
    save_native(tmp_path / "net.safetensors", checkpoint, dtype="float16")
    loaded = load(tmp_path / "net.safetensors")
    assert loaded.tensors[key].dtype is torch.float16
    assert torch.equal(loaded.tensors[key], checkpoint.tensors[key].half())
    assert loaded.tensors["mapping.w_avg"].dtype is torch.float32
    assert {tensor.dtype for tensor in loaded.tensors.values()} == {torch.float16, torch.float32}


def test_convert_remembers_where_it_came_from(tmp_path: Path) -> None:
    source = require("pickles/sg2ada_c3_u32_nosrc.pkl")
    convert(source, tmp_path / "a.safetensors")
    original, converted = load(source), load(tmp_path / "a.safetensors")
    assert converted.source_sha256 == original.sha256
    assert converted.sha256 not in ("", original.sha256)
    assert converted.config == original.config
    assert converted.origin == original.origin
    first, second = build_generator(original), build_generator(converted)
    z, c = torch.randn(2, 32), torch.eye(3)[:2]
    for generator in (first, second):
        generator.eval()
    with torch.no_grad():
        pictures = [g.synthesis(g.broadcast(g.mapping(z, c))) for g in (first, second)]
    assert torch.equal(*pictures)
    convert(tmp_path / "a.safetensors", tmp_path / "b.safetensors")  # the first source stays the source
    assert load(tmp_path / "b.safetensors").source_sha256 == original.sha256


def test_convert_refuses_to_overwrite_its_source(tmp_path: Path, pickle_file: Path) -> None:
    convert(pickle_file, tmp_path / "a.safetensors")
    data = (tmp_path / "a.safetensors").read_bytes()
    os.link(tmp_path / "a.safetensors", tmp_path / "same.safetensors")
    for target in ("a.safetensors", "same.safetensors"):
        with pytest.raises(UsageError, match="the file to convert"):
            convert(tmp_path / "a.safetensors", tmp_path / target)
    assert (tmp_path / "a.safetensors").read_bytes() == data
    with pytest.raises(UsageError, match="does not end in"):
        convert(pickle_file, tmp_path / "a.pkl")


def test_convert_writes_nothing_for_a_bad_source(tmp_path: Path) -> None:
    (tmp_path / "bad.pkl").write_bytes(small_pickle(mapping__w_avg=torch.full((8,), float("nan"))))
    with pytest.raises(MismatchError, match="not finite"):
        convert(tmp_path / "bad.pkl", tmp_path / "out.safetensors")
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == ["bad.pkl"]


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.safetensors"
    save_native(path, _checkpoint())
    before = path.read_bytes()

    def full(tensors: object, name: Path, metadata: object) -> None:
        Path(name).write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(native_module, "save_file", full)
    with pytest.raises(CheckpointError, match="No space left"):
        save_native(path, _checkpoint())
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be written"):
        save_native(tmp_path / "nowhere" / "net.safetensors", _checkpoint())


def test_numbers_too_large_for_half_precision(tmp_path: Path) -> None:
    checkpoint = _checkpoint()
    checkpoint.tensors["synthesis.b8.conv0.weight"] = torch.full((64, 64, 3, 3), 1e6)
    with pytest.raises(MismatchError, match="not finite in float16"):
        save_native(tmp_path / "net.safetensors", checkpoint, dtype="float16")
    assert list(tmp_path.iterdir()) == []
    save_native(tmp_path / "net.safetensors", checkpoint)


def test_cancelling_a_conversion_leaves_nothing(tmp_path: Path, pickle_file: Path) -> None:
    with pytest.raises(CancelledError):
        convert(pickle_file, tmp_path / "out.safetensors", control=CancelledAt(1))
    assert not (tmp_path / "out.safetensors").exists()


def _rewritten(data: bytes, change: Any) -> bytes:
    """The file with its header put through `change`, tensors as they were."""
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    text = change(header)
    encoded = (text if isinstance(text, str) else json.dumps(header)).encode()
    return struct.pack("<Q", len(encoded)) + encoded + data[8 + length :]


def _first(header: dict[str, Any]) -> dict[str, Any]:
    return next(entry for key, entry in header.items() if key != "__metadata__" and entry["shape"])


HEADERS: dict[str, Any] = {
    "unknown dtype": lambda h: _first(h).update(dtype="F8"),
    "negative shape": lambda h: _first(h).update(shape=[-1]),
    "huge shape": lambda h: _first(h).update(shape=[1 << 40, 1 << 40]),
    "text shape": lambda h: _first(h).update(shape=["8"]),
    "truth shape": lambda h: _first(h).update(shape=[True]),
    "nine axes": lambda h: _first(h).update(shape=[1] * 9),
    "far offsets": lambda h: _first(h).update(data_offsets=[1 << 50, (1 << 50) + 4], shape=[1]),
    "backward offsets": lambda h: _first(h).update(data_offsets=[64, 0]),
    "negative offsets": lambda h: _first(h).update(data_offsets=[-64, 0]),
    "overlap": lambda h: [e.update(data_offsets=[0, e["data_offsets"][1] - e["data_offsets"][0]])
                          for k, e in h.items() if k != "__metadata__"],
    "missing": lambda h: h.pop(next(k for k in h if k != "__metadata__")),
    "three offsets": lambda h: _first(h).update(data_offsets=[0, 1, 2]),
    "not a table": lambda h: h.update(more=5),
    "list": lambda h: "[1, 2]",
    "deep": lambda h: "[" * 100_000,
    "twice": lambda h: '{"a": {"dtype": "F32"}, "a": {"dtype": "F32"}}',
    "numbers as metadata": lambda h: h["__metadata__"].update(config=5),
    "config is no JSON": lambda h: h["__metadata__"].update(config="{"),
    "config is deep": lambda h: h["__metadata__"].update(config="[" * 100_000),
    "config is a list": lambda h: h["__metadata__"].update(config="[]"),
    "class names are a table": lambda h: h["__metadata__"].update(class_names="{}"),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_broken_headers(tmp_path: Path, name: str) -> None:
    save_native(tmp_path / "good.safetensors", _checkpoint())
    path = tmp_path / "bad.safetensors"
    path.write_bytes(_rewritten((tmp_path / "good.safetensors").read_bytes(), HEADERS[name]))
    with pytest.raises(UnreadableFileError) as caught:
        load(path)
    assert "bad.safetensors" in caught.value.message


def test_hidden_bytes_behind_the_tensors(tmp_path: Path) -> None:
    save_native(tmp_path / "net.safetensors", _checkpoint())
    with open(tmp_path / "net.safetensors", "ab") as file:
        file.write(b"hidden")
    with pytest.raises(UnreadableFileError, match="6 bytes follow"):
        load(tmp_path / "net.safetensors")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"family": "stylegan9"}, CheckpointError, "stylegan9"),
        ({"config": {"img_resolution": 8, "evil": 1}}, MismatchError, "evil"),
        ({"config": {"img_resolution": float("1e30")}}, MismatchError, "img_resolution"),
        ({"config": {}}, MismatchError, "img_resolution"),
        ({"config": {"img_resolution": 8, "conv_clamp": "x" * 2000}}, MismatchError, "conv_clamp"),
        (
            {"config": {"img_resolution": 8, "conv_clamp": 10**400}},
            MismatchError,
            "conv_clamp is an extremely large number",
        ),
        ({"config": {"img_resolution": 8, "resample_filter": [[1]]}}, MismatchError, "resample_filter"),
    ],
)
def test_metadata_that_make_no_generator(
    tmp_path: Path, change: dict[str, Any], error: type[CheckpointError], message: str
) -> None:
    save_native(tmp_path / "net.safetensors", dataclasses.replace(_checkpoint(), class_names=(), **change))
    with pytest.raises(error, match=message) as caught:
        build_generator(load(tmp_path / "net.safetensors"))
    assert "net.safetensors" in caught.value.message
