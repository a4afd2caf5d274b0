"""Readers of plug-ins: asked for what nobody else reads, by bytes or by value, and never for hostile files."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from explorer.checkpoints import build_generator, inspect, load
from explorer.checkpoints.readers import BUILT_IN
from explorer.errors import (
    CheckpointError,
    MismatchError,
    UnreadableFileError,
    UnsafeFileError,
    UnsupportedModelError,
)
from explorer.generators import registry
from explorer.util import plugins
from tests.plugins.site import PluginSite

READER = """
from explorer.checkpoints.checkpoint import CheckpointHeader
from explorer.checkpoints.records import StorageRecord, TensorRecord
import torch

class ByValue:
    def matches(self, file):
        return isinstance(file.value, dict) and "net" in file.value
    def read(self, file, monitor):
        return CheckpointHeader("tiny", {}, dict(file.value["net"]), "by value", file.container)

class ByBytes:
    def matches(self, file):
        return file.container == "unknown" and file.head.startswith(b"TINY")
    def read(self, file, monitor):
        return CheckpointHeader("tiny", {"num_layers": 0}, {}, "by bytes", "bytes")

class Greedy:
    def matches(self, file):
        return True
    def read(self, file, monitor):
        raise AssertionError("it was asked")

class AlwaysFails:
    def matches(self, file):
        return file.value["no such key"]
    def read(self, file, monitor):
        raise AssertionError

class ReturnsNothing:
    def matches(self, file):
        return True
    def read(self, file, monitor):
        return None
"""


def install(site: PluginSite, *names: str) -> None:
    lines = [f"{name} = lw_reader:{name}" for name in names]
    site.install("lw_reader", READER, "\n".join(["[latentwalk.readers]", *lines, ""]))


@pytest.fixture
def weights() -> dict[str, torch.Tensor]:
    return registry.build("tiny", {}).state_dict()


def test_a_reader_knows_a_value_by_its_names(
    plugin_site: PluginSite, tmp_path: Path, weights: dict[str, torch.Tensor]
) -> None:
    path = tmp_path / "a.pt"
    torch.save({"net": dict(weights), "note": "x"}, path)
    with pytest.raises(UnsupportedModelError):
        load(path)
    plugins.forget()
    install(plugin_site, "AlwaysFails", "ByValue")
    checkpoint = load(path)
    assert (checkpoint.family, checkpoint.name, checkpoint.source_format) == ("tiny", "by value", "torch.save file")
    assert torch.equal(build_generator(checkpoint).state_dict()["to_w"], weights["to_w"])
    assert inspect(path)["z_dim"] == 8
    (failed,) = plugins.broken()
    assert (failed.group, failed.name, failed.distribution) == (plugins.READERS, "AlwaysFails", "lw_reader 1.0")


def test_a_reader_knows_a_container_of_its_own_by_its_first_bytes(plugin_site: PluginSite, tmp_path: Path) -> None:
    path = tmp_path / "a.tiny"
    path.write_bytes(b"TINY" + bytes(1000))
    with pytest.raises(UnreadableFileError):
        load(path)
    plugins.forget()
    install(plugin_site, "ByBytes")
    assert load(path).name == "by bytes"
    with pytest.raises(MismatchError, match=r"a\.tiny lacks"):  # keys and shapes are checked as for any other file
        inspect(path)


def test_no_plug_in_takes_a_file_from_the_built_in_readers(
    plugin_site: PluginSite, tmp_path: Path, weights: dict[str, torch.Tensor]
) -> None:
    from explorer.checkpoints import Checkpoint, save_native

    install(plugin_site, "Greedy")
    save_native(tmp_path / "a.safetensors", Checkpoint("tiny", {}, weights, "a"))
    assert load(tmp_path / "a.safetensors").name == "a"
    assert plugins.broken() == ()
    (tmp_path / "other.txt").write_text("text")
    with pytest.raises(UnreadableFileError, match="could not be read by the plug-in Greedy: AssertionError"):
        load(tmp_path / "other.txt")
    assert [item.name for item in plugins.broken()] == ["Greedy"]


def test_hostile_files_reach_no_reader(plugin_site: PluginSite, tmp_path: Path) -> None:
    install(plugin_site, "Greedy")
    import os

    class Calls:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, ("true",)

    (tmp_path / "evil.pkl").write_bytes(pickle.dumps({"net": Calls()}))
    with pytest.raises(UnsafeFileError):
        load(tmp_path / "evil.pkl")
    assert plugins.broken() == ()


def test_what_a_reader_returns_is_checked(plugin_site: PluginSite, tmp_path: Path) -> None:
    install(plugin_site, "ReturnsNothing")
    (tmp_path / "a.bin").write_bytes(b"\x00\x01" * 50)
    with pytest.raises(UnreadableFileError, match="returned a NoneType, not a CheckpointHeader"):
        load(tmp_path / "a.bin")


def test_what_is_not_a_reader_is_refused(plugin_site: PluginSite, tmp_path: Path) -> None:
    plugin_site.install("lw_odd", "X = object()", "[latentwalk.readers]\nodd = lw_odd:X\n")
    (tmp_path / "a.bin").write_bytes(b"\x00\x01" * 50)
    with pytest.raises(CheckpointError):
        load(tmp_path / "a.bin")
    assert "without methods `matches` and `read`" in plugins.broken()[0].error
    assert len(BUILT_IN) >= 2
