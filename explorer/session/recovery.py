"""Autosaved projects: one file for each running program, found again by the next one if it crashed."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QLockFile

from explorer.project import write_project

if TYPE_CHECKING:
    from explorer.latents.table import LatentTable
    from explorer.state import ExplorerState

__all__ = ["Recovery"]

log = logging.getLogger("explorer.recovery")


class Recovery:
    """The recovery file of this program, and those that crashed ones left.

    A lock lies beside each file while its program runs; a file whose lock nobody holds is a crashed one's.

    Args:
        folder: Where the files lie; made when first needed.
        name: Tells this program from others; its process id by default.
    """

    def __init__(self, folder: Path, name: str | None = None) -> None:
        self._folder = folder
        self.path = folder / f"recovery-{name or os.getpid()}.json"
        self._lock: QLockFile | None = None

    def save(self, state: ExplorerState, table: LatentTable) -> None:
        """Writes the file; any thread, one at a time. Raises ProjectError."""
        if self._lock is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = QLockFile(str(self.path.with_suffix(".lock")))
            self._lock.setStaleLockTime(0)
            self._lock.tryLock(0)
        write_project(self.path, state, table)

    def find(self) -> Path | None:
        """The newest file that a crashed program left, or None."""
        others = (path for path in self._folder.glob("recovery-*.json") if path != self.path)
        left = [path for path in others if self._is_orphan(path)]
        return max(left, key=lambda path: path.stat().st_mtime, default=None)

    def discard(self, path: Path | None = None) -> None:
        """Removes a file, this program's own by default."""
        file = path or self.path
        try:
            file.unlink(missing_ok=True)
            if file != self.path:
                file.with_suffix(".lock").unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s could not be removed: %s", file, error)

    def close(self) -> None:
        """Removes this program's file and lock: it ended well."""
        self.discard()
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None

    @staticmethod
    def _is_orphan(path: Path) -> bool:
        lock = QLockFile(str(path.with_suffix(".lock")))
        lock.setStaleLockTime(0)
        if lock.tryLock(0):
            lock.unlock()
            return True
        return False
