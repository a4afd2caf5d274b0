"""No reader waits for a FIFO, reads a device without end, or takes more of a file than it may."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.analysis import attribute_network, efficientnet, moments_cache
from explorer.checkpoints import bundled, digest
from explorer.errors import LatentwalkError
from explorer.project import file_kinds
from explorer.training import cards, datasets, history, run_dir, snapshot

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")

READERS: dict[str, Callable[[Path], object]] = {
    "a.safetensors": lambda path: bundled._metadata(path),
    "b.safetensors": lambda path: file_kinds.kind_of(str(path)),
    "c.safetensors": attribute_network.load,
    "d.pth": efficientnet.load,
    "e.npy": datasets._open_packed,
    "f.png": datasets._read,
    "g.pt": snapshot.load_state,
    "settings.json": lambda path: (path.with_name("state.pt").touch(), run_dir._held(path.parent)),
    "history.jsonl": lambda path: history.phases(path.parent, 1.0),
    "metrics.csv": history.metrics,
    "card.md": lambda path: cards.replace_figures(path, ""),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("kind", ["fifo", "link to fifo", "endless device", "folder", "1 TB of nothing"])
def test_what_is_not_a_regular_file_is_refused_at_once(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / name
    if kind == "folder":
        path.mkdir()
    elif kind == "endless device":
        path.symlink_to("/dev/zero")
    elif kind == "1 TB of nothing":
        with path.open("wb") as file:
            file.truncate(1 << 40)
    else:
        os.mkfifo(path if kind == "fifo" else tmp_path / "fifo")
        if kind == "link to fifo":
            path.symlink_to(tmp_path / "fifo")
    with contextlib.suppress(OSError, RuntimeError, LatentwalkError, EOFError):
        READERS[name](path)


@pytest.mark.parametrize("kind", ["fifo", "nested", "large"])
def test_a_cache_of_digests_that_is_none_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("LATENTWALK_CACHE", str(tmp_path))
    file = tmp_path / "digests.json"
    if kind == "fifo":
        os.mkfifo(file)
    else:
        file.write_bytes(b"[" * 900_000 if kind == "nested" else b" " * 2_000_000 + b"{}")
    assert digest._load() == {}


def test_without_a_home_nothing_is_remembered_and_nothing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LATENTWALK_CACHE", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *_, **__: "~/.cache/latentwalk")
    monkeypatch.chdir(tmp_path)
    assert digest._load() == {}
    digest._store({"a": 1})
    assert moments_cache.recall({"a": 1}) is None
    assert list(tmp_path.iterdir()) == []
