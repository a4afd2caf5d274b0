"""Tells whether a file is opened: Qt opens what markup names in C++, where Python's audit hooks see nothing."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

__all__ = ["OpenWatch"]

_IN_OPEN = 0x20


class OpenWatch:
    """Counts the openings of a file while the block runs (inotify; the test is skipped elsewhere)."""

    def __init__(self, path: Path) -> None:
        if not sys.platform.startswith("linux"):
            pytest.skip("inotify is Linux's")
        self._path = path
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._number = -1

    def __enter__(self) -> Self:
        self._number = self._libc.inotify_init1(os.O_NONBLOCK)
        if self._number < 0 or self._libc.inotify_add_watch(self._number, os.fsencode(self._path), _IN_OPEN) < 0:
            pytest.skip("no inotify here")
        self._path.read_bytes()
        assert self.was_opened(), "the watch works"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._number)

    def was_opened(self) -> bool:
        """Whether the file was opened since the last question."""
        try:
            return bool(os.read(self._number, 1 << 16))
        except BlockingIOError:
            return False
