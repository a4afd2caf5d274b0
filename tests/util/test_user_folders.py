"""The user's folders where there is no home, or one that may not be written to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from explorer.util import user_folders


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A process of a user whom the system does not know."""
    monkeypatch.setattr(user_folders, "_scratch", lambda: tmp_path / "scratch")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    for name in ("HOME", "XDG_CACHE_HOME", "LATENTWALK_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_home_there_is_no_cache_and_no_folder_named_like_one(homeless: Path) -> None:
    with pytest.raises(OSError, match="no home folder"):
        user_folders.cache_folder()
    assert user_folders.usable_cache_folder() == homeless / "scratch"
    assert user_folders.home_folder() == homeless
    assert user_folders.expanded(Path("~/a")) == Path("~/a")
    assert list(homeless.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_replaced_for_the_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LATENTWALK_CACHE", str(tmp_path / "file" / "cache"))
    folder = user_folders.usable_cache_folder()
    (folder / "x").write_text("x")
    assert folder != user_folders.cache_folder()
    monkeypatch.setenv("LATENTWALK_CACHE", str(tmp_path / "cache"))
    assert user_folders.usable_cache_folder() == tmp_path / "cache"
