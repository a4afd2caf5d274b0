"""Autosaved projects: one per running program, found by the next program after a crash."""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.animation.recording import recover_recording
from explorer.errors import ProjectError
from explorer.project.document import load_project, write_project
from explorer.util.held_lock import BEAT_S, HeldLock, is_held, remove_unheld

if TYPE_CHECKING:
    from explorer.assets.table import AssetTable
    from explorer.project.document import Project
    from explorer.state import ExplorerState

__all__ = ["BEAT_S", "Recovery"]

log = logging.getLogger("explorer.recovery")

PROJECT, RECORDING, LOCK = ".json", ".hands", ".lock"


class Recovery:
    """The recovery files of this program, and those left by crashed programs.

    A program's files share a stem: `.json` for the project, `.hands` for a recording that is not yet part of it,
    and `.lock`, which is locked while the program runs. Files without a held lock belong to a crashed program.

    Args:
        folder: Folder of the files; created when first needed.
        name: Identifies this program; random by default.
    """

    def __init__(self, folder: Path, name: str | None = None) -> None:
        self._folder = folder
        self.path = folder / f"recovery-{name or secrets.token_hex(8)}{PROJECT}"
        self.recording = self.path.with_suffix(RECORDING)
        self._lock = HeldLock(self.path.with_suffix(LOCK))
        self._mutex = threading.Lock()

    # -- this program's ------------------------------------------------------------------------------------

    def hold(self) -> None:
        """Create the folder and take the lock, before anything is written; any thread. Raises OSError."""
        with self._mutex:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()

    def save(self, state: ExplorerState, table: AssetTable, digests: Mapping[str, str] | None = None) -> None:
        """Write the project; any thread, one at a time. Raises ProjectError or OSError."""
        self.hold()
        write_project(self.path, state, table, digests)

    def beat(self) -> None:
        """Signal that this program is running; called every `BEAT_S` seconds."""
        self._lock.beat()

    def close(self, *, keep: bool = False) -> None:
        """Release the lock and remove the files, unless `keep` leaves them for the next start."""
        if not keep:
            self.discard()
        with self._mutex:
            self._lock.release()

    # -- of crashed programs -------------------------------------------------------------------------------

    def crashed(self) -> tuple[Path, ...]:
        """Return the projects left by crashed programs, newest first.

        For a recording without a project, the project's path is returned. Partially written files are removed.
        """
        times: dict[Path, float] = {}
        for file in self._files():
            path = file.with_name(f"{file.name.partition('.')[0]}{PROJECT}")
            if path == self.path or is_held(path.with_suffix(LOCK)):
                continue
            if file.suffix in (PROJECT, RECORDING):
                with contextlib.suppress(OSError):
                    times[path] = max(times.get(path, 0.0), file.stat().st_mtime)
            elif file.suffix == ".part":
                with contextlib.suppress(OSError):
                    file.unlink()
            elif file.suffix == LOCK and not self._has_files(path):
                remove_unheld(file)
        return tuple(sorted(times, key=times.__getitem__, reverse=True))

    def find(self) -> Path | None:
        """Return the newest project left by a crashed program, or None."""
        return next(iter(self.crashed()), None)

    @staticmethod
    def saved_at(path: Path) -> float:
        """Return when a crashed program last wrote, in seconds since 1970."""
        times = [0.0]
        for file in (path, path.with_suffix(RECORDING)):
            with contextlib.suppress(OSError):
                times.append(file.stat().st_mtime)
        return max(times)

    @staticmethod
    def read(path: Path) -> Project:
        """Return the project left by a crashed program, including a running recording. Raises ProjectError."""
        recording = path.with_suffix(RECORDING)
        if not recording.exists():
            return load_project(path)
        project = load_project(path) if path.exists() else None
        try:
            return recover_recording(recording, project)
        except ProjectError:
            if project is None:
                raise
            log.warning("%s cannot be read", recording)
            return project

    def discard(self, path: Path | None = None) -> None:
        """Remove a program's files, by default this program's; the lock stays while it runs."""
        project = path or self.path
        suffixes = (PROJECT, RECORDING) if path in (None, self.path) else (PROJECT, RECORDING, LOCK)
        for file in (project.with_suffix(suffix) for suffix in suffixes):
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                log.warning("%s could not be removed: %s", file, error)

    def _files(self) -> list[Path]:
        try:
            return sorted(self._folder.glob("recovery-*"))
        except OSError:
            return []

    @staticmethod
    def _has_files(path: Path) -> bool:
        return path.exists() or path.with_suffix(RECORDING).exists()
