"""The extension of training is built once for each source and machine, and a killed build is in nobody's way."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from explorer.training import native

pytestmark = pytest.mark.skipif(native.native_module() is None, reason="no C++ compiler here")


def test_a_killed_build_leaves_nothing_to_wait_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folders: list[str] = []

    def killed(*_: Any, build_directory: str, **__: Any) -> None:
        folders.append(build_directory)
        (Path(build_directory) / "lock").touch()
        raise KeyboardInterrupt

    monkeypatch.setenv("LATENTWALK_NATIVE_CACHE", str(tmp_path))
    monkeypatch.setattr("torch.utils.cpp_extension.load", killed)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            native.native_module.__wrapped__()
    assert len(set(folders)) == 2
    assert list(tmp_path.iterdir()) == []


def test_what_is_built_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copy(native._library(), tmp_path)

    def load(*_: Any, **__: Any) -> None:
        raise AssertionError("built again")

    monkeypatch.setenv("LATENTWALK_NATIVE_CACHE", str(tmp_path))
    monkeypatch.setattr("torch.utils.cpp_extension.load", load)
    module = native.native_module.__wrapped__()
    assert module is not None
    assert callable(module.band_filter)
