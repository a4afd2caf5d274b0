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

from explorer.checkpoints import Checkpoint, inspect, load, save_native
from explorer.checkpoints import source as source_module
from explorer.errors import CheckpointError, LatentwalkError, UnreadableFileError, UnsupportedModelError
from explorer.testing.nvidia_writer import module_call, network_bytes
from explorer.util.report import Report
from tests.checkpoints.conftest import small_network
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

    def grow(report: Report[None]) -> None:
        if report.stage == "Reading weights":
            pickle_file.write_bytes(data + b"more")

    with pytest.raises(UnreadableFileError, match="changed while"):
        load(pickle_file, on_report=grow)


def test_the_file_shrinks_while_it_is_read(pickle_file: Path) -> None:
    def shrink(report: Report[None]) -> None:
        if report.stage == "Reading weights":
            pickle_file.write_bytes(b"short")

    with pytest.raises(UnreadableFileError, match="changed while"):
        load(pickle_file, on_report=shrink)


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


def test_a_path_that_no_system_has() -> None:
    with pytest.raises(UnreadableFileError, match="cannot be opened"):
        load("a\0b.pkl")


def test_text_of_a_file_is_fit_to_be_shown(tmp_path: Path) -> None:

    config, tensors = small_network("stylegan2")
    name, licence = "a\x1b[2J\u202eb" * 100, "x\n" * 5000
    save_native(tmp_path / "net.safetensors", Checkpoint("stylegan2", config, tensors, name, licence))
    checkpoint = load(tmp_path / "net.safetensors")
    assert checkpoint.name.isprintable()
    assert len(checkpoint.name) <= 120
    assert len(checkpoint.licence) <= 2000
