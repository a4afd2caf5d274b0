"""Only regular files are opened, and none without end."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from explorer.util.regular_file import check_regular, open_regular, read_regular


def test_an_ordinary_file_and_a_link_to_one_are_read(tmp_path: Path) -> None:
    path, link = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"data")
    link.symlink_to(path)
    with open_regular(link) as file:
        assert file.read() == b"data"
    assert read_regular(path, 4) == b"data"


def test_what_is_too_large_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"data")
    with pytest.raises(OSError, match="larger than 3 bytes") as caught:
        read_regular(path, 3)
    assert caught.value.filename == str(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_fifo_and_a_link_to_one_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to(tmp_path / "fifo")
    for name in ("fifo", "link"):
        with pytest.raises(OSError, match="is a pipe"):
            open_regular(tmp_path / name)


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no /dev")
def test_a_device_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="is a device"):
        check_regular("/dev/zero")


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "none")
