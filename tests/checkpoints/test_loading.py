"""Progress, cancelling, remembered digests, and names of models."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

import pytest
import torch

from explorer.checkpoints import build_generator, digest, inspect, load, model_names, resolve_model, save_native
from explorer.errors import CancelledError, UnreadableFileError
from explorer.testing.nvidia_writer import write_network
from explorer.util.user_folders import cache_folder
from tests.checkpoints.conftest import CancelledAt, small_network


@pytest.fixture
def larger_file(tmp_path: Path) -> Path:
    """A pickle of 40 MB, so that every step has several parts."""
    config, tensors = small_network("stylegan2")
    extra = {f"w{index}": torch.zeros(1_000_000) for index in range(10)}
    return write_network(tmp_path / "larger.pkl", "stylegan2", config, tensors, training=extra)


def test_progress_rises_from_0_to_1_through_named_steps(larger_file: Path) -> None:
    seen: list[tuple[float, str]] = []
    load(larger_file, on_report=lambda report: seen.append((report.fraction, report.stage)))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert fractions[-1] == 1
    assert list(dict.fromkeys(label for _, label in seen)) == ["Opening", "Checking", "Reading weights"]
    assert len(seen) > 20


def test_cancel_works_at_every_step(larger_file: Path) -> None:
    never = CancelledAt(-1)
    load(larger_file, control=never)
    count = never.checks
    (cache_folder() / "digests.json").unlink()
    for stop in range(1, count + 1, max(count // 15, 1)):
        with pytest.raises(CancelledError):
            load(larger_file, control=CancelledAt(stop))
        (cache_folder() / "digests.json").unlink(missing_ok=True)
    assert os.listdir(larger_file.parent) in (["larger.pkl"], ["cache", "larger.pkl"], ["larger.pkl", "cache"])


def test_a_cancelled_load_can_be_repeated(pickle_file: Path) -> None:
    with pytest.raises(CancelledError):
        load(pickle_file, control=CancelledAt(1))
    build_generator(load(pickle_file))


def test_the_digest_is_the_files_and_is_computed_once(pickle_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = hashlib.sha256(pickle_file.read_bytes()).hexdigest()
    assert load(pickle_file).sha256 == expected

    def again(*args: object) -> str:
        raise AssertionError("hashed a second time")

    monkeypatch.setattr(digest, "_compute", again)
    assert load(pickle_file).sha256 == expected
    assert inspect(pickle_file)["sha256"] == expected


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no time that a program cannot set back")
def test_a_changed_file_is_hashed_again(pickle_file: Path) -> None:
    first = load(pickle_file).sha256
    data = bytearray(pickle_file.read_bytes())
    stat = pickle_file.stat()
    at = data.index(b"/data/faces.zip")
    data[at + 6 : at + 11] = b"FACES"
    pickle_file.write_bytes(data)
    os.utime(pickle_file, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # same size and time of change
    second = load(pickle_file).sha256
    assert second == hashlib.sha256(data).hexdigest()
    assert second != first


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 200_000,
        b"\xff\xfe",
        b"x" * 2_000_000,
        b'{"PATH": 5}',
        b'{"PATH": {"identity": [], "sha256": "x"}}',
    ],
)
def test_a_damaged_cache_is_ignored_and_rebuilt(pickle_file: Path, content: bytes) -> None:
    folder = cache_folder()
    folder.mkdir()
    file = folder / "digests.json"
    file.write_bytes(content.replace(b"PATH", str(pickle_file).encode()))
    expected = hashlib.sha256(pickle_file.read_bytes()).hexdigest()
    assert load(pickle_file).sha256 == expected
    assert json.loads(file.read_text())[str(pickle_file.resolve())]["sha256"] == expected


def test_a_forged_digest_of_the_wrong_form_is_not_believed(pickle_file: Path) -> None:
    load(pickle_file)
    file = cache_folder() / "digests.json"
    known = json.loads(file.read_text())
    for entry in known.values():
        entry["sha256"] = "<script>"
    file.write_text(json.dumps(known))
    assert load(pickle_file).sha256 == hashlib.sha256(pickle_file.read_bytes()).hexdigest()


def test_a_cache_that_cannot_be_written_only_costs_time(pickle_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = pickle_file.parent / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("LATENTWALK_CACHE", str(blocked / "cache"))
    assert load(pickle_file).sha256


def test_the_cache_stays_small(pickle_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "_ENTRIES", 3)
    data = pickle_file.read_bytes()
    for index in range(6):
        path = pickle_file.with_name(f"{index}.pkl")
        path.write_bytes(data)
        load(path)
    known = json.loads((cache_folder() / "digests.json").read_text())
    assert [Path(path).name for path in known] == ["3.pkl", "4.pkl", "5.pkl"]


def test_generators_of_one_checkpoint_share_nothing(pickle_file: Path) -> None:
    checkpoint = load(pickle_file)
    first, second = build_generator(checkpoint), build_generator(checkpoint)
    assert not any(parameter.requires_grad for parameter in first.parameters())
    with torch.no_grad():
        next(first.parameters()).add_(1)
    assert torch.equal(next(second.parameters()), checkpoint.tensors[next(second.named_parameters())[0]])


def test_bundled_names_and_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pickle_file: Path) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    checkpoint = load(pickle_file)
    for name in ("critters-stylegan2", "critters-stylegan3-t"):
        save_native(assets / f"{name}.safetensors", checkpoint)
    monkeypatch.setattr(model_names, "assets_folder", lambda: assets)
    assert list(model_names.bundled_models()) == ["critters-stylegan2", "critters-stylegan3-t"]
    assert resolve_model("critters-stylegan2") == assets / "critters-stylegan2.safetensors"
    assert resolve_model(str(pickle_file)) == pickle_file
    assert resolve_model(pickle_file) == pickle_file
    with pytest.raises(UnreadableFileError, match="Did you mean critters-stylegan2") as caught:
        resolve_model("criters-stylegan2")
    assert "'criters-stylegan2'" in caught.value.message
    with pytest.raises(UnreadableFileError, match=r"Did you mean .*tiny\.pkl"):
        resolve_model(tmp_path / "tinny.pkl")
    with pytest.raises(UnreadableFileError, match="Bundled models: critters-stylegan2, critters-stylegan3-t"):
        resolve_model("zzz")
    with pytest.raises(UnreadableFileError, match="folder"):
        resolve_model(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "critters-stylegan2").mkdir()  # a folder of that name does not hide the model
    assert resolve_model("critters-stylegan2").name == "critters-stylegan2.safetensors"


def test_the_assets_folder_is_the_repositorys() -> None:
    assert model_names.assets_folder().parent == Path(__file__).resolve().parents[2]
