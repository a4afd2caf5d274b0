"""Cached arrays: what comes back, what counts as none."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from explorer.util import array_cache
from explorer.util.array_cache import ArrayCache

KEY = {"model": "a", "surrogate": "\ud800"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test."""
    monkeypatch.setenv("LATENTWALK_CACHE", str(tmp_path))
    return tmp_path


def test_arrays_come_back_under_their_key_only() -> None:
    cache = ArrayCache("things", 1 << 20)
    assert cache.recall(KEY) is None
    cache.remember(KEY, {"a": np.arange(4, dtype=np.float32), "n": 7})
    stored = cache.recall(dict(reversed(KEY.items())))
    assert stored is not None
    np.testing.assert_array_equal(stored["a"], np.arange(4, dtype=np.float32))
    assert int(stored["n"]) == 7
    assert cache.recall({"model": "b"}) is None
    assert ArrayCache("others", 1 << 20).recall(KEY) is None
    assert ArrayCache("things", 100).recall(KEY) is None


def test_a_truncated_file_counts_as_none() -> None:
    cache = ArrayCache("things", 1 << 20)
    cache.remember(KEY, {"a": np.arange(400)})
    whole = cache.path_of(KEY).read_bytes()
    for content in (b"", b"no archive", whole[:-30], whole[:200]):
        cache.path_of(KEY).write_bytes(content)
        assert cache.recall(KEY) is None


def test_what_cannot_be_written_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(array_cache, "atomic_write_bytes", refuse)
    ArrayCache("things", 1 << 20).remember(KEY, {"a": np.zeros(3)})
    assert "things cannot be cached" in caplog.text


@pytest.mark.parametrize("kind", ["fifo", "bomb", "not zip", "empty", "huge shape"])
def test_a_file_that_is_no_archive_of_arrays_counts_as_none(
    kind: str,
) -> None:
    cache = ArrayCache("things", 1 << 20)
    path = cache.path_of({"a": 1})
    path.parent.mkdir()
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40,)})
    if kind == "fifo":
        os.mkfifo(path)
    elif kind in ("bomb", "huge shape"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for name in ("one", "two"):
                packed.writestr(f"{name}.npy", bytes(4 << 20) if kind == "bomb" else header.getvalue())
    else:
        path.write_bytes(b"" if kind == "empty" else b"nothing")
    assert cache.recall({"a": 1}) is None
