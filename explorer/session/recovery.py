"""Autosaved projects: one for each running program, found again by the next one if it crashed."""

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
    from explorer.latents.table import LatentTable
    from explorer.project.document import Project
    from explorer.state import ExplorerState

__all__ = ["BEAT_S", "Recovery"]

log = logging.getLogger("explorer.recovery")

PROJECT, RECORDING, LOCK = ".json", ".hands", ".lock"


class Recovery:
    """The recovery files of this program, and those that crashed ones left.

    A program's files have one name: `.json` the project, `.hands` a recording that is not part of it yet, and
    `.lock`, whose lock is held while the program lives. Files whose lock nobody holds are a crashed program's.

    Args:
        folder: Where the files lie; made when first needed.
        name: Tells this program from others; random by default.
    """

    def __init__(self, folder: Path, name: str | None = None) -> None:
        self._folder = folder
        self.path = folder / f"recovery-{name or secrets.token_hex(8)}{PROJECT}"
        self.recording = self.path.with_suffix(RECORDING)
        self._lock = HeldLock(self.path.with_suffix(LOCK))
        self._mutex = threading.Lock()

    # -- this program's ------------------------------------------------------------------------------------

    def hold(self) -> None:
        """Make the folder and take the lock, before anything is written; any thread. Raises OSError."""
        with self._mutex:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()

    def save(self, state: ExplorerState, table: LatentTable, digests: Mapping[str, str] | None = None) -> None:
        """Write the project; any thread, one at a time. Raises ProjectError or OSError."""
        self.hold()
        write_project(self.path, state, table, digests)

    def beat(self) -> None:
        """Show that this program lives, each `BEAT_S` seconds."""
        self._lock.beat()

    def close(self, *, keeps: bool = False) -> None:
        """Give the lock up; this program ended well, and its files go, unless it `keeps` them for the next one."""
        if not keeps:
            self.discard()
        with self._mutex:
            self._lock.release()

    # -- crashed ones' -------------------------------------------------------------------------------------

    def crashed(self) -> tuple[Path, ...]:
        """The projects that crashed programs left, newest first; where only a recording is, its project's name.

        What they left half written is removed.
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
        """Return the newest project that a crashed program left, or None."""
        return next(iter(self.crashed()), None)

    @staticmethod
    def saved_at(path: Path) -> float:
        """When a crashed program wrote last, in seconds since 1970."""
        times = [0.0]
        for file in (path, path.with_suffix(RECORDING)):
            with contextlib.suppress(OSError):
                times.append(file.stat().st_mtime)
        return max(times)

    @staticmethod
    def read(path: Path) -> Project:
        """Return what a crashed program left, a recording that was running included. Raises ProjectError."""
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
        """Remove a program's files, this one's own by default; its lock stays while it runs."""
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
