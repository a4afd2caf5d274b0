"""Checkpoints: what a job that was ended, even by a kill, needs to go on; those of many jobs in one JSON file."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from explorer.errors import UsageError
from explorer.util.atomic_write import atomic_write_bytes
from explorer.util.regular_file import read_regular
from explorer.util.strict_json import parse_json

if TYPE_CHECKING:
    from explorer.jobs.job import Job, JobSpec

__all__ = [
    "Checkpoint",
    "CheckpointFile",
    "Checkpoints",
    "DamagedCheckpointError",
    "OnCheckpoint",
    "ResumableJob",
]

Checkpoint: TypeAlias = dict[str, Any]
"""JSON values; what is in them is the job's own concern."""

OnCheckpoint: TypeAlias = Callable[[Checkpoint], object]
"""Saves a checkpoint. Called in the job's thread; must not raise."""

EVERY_S = 5.0
"""Seconds of work that a kill loses at most, unless saving takes longer than `MAX_COST` of the time."""

MAX_COST = 0.05

MAX_BYTES = 1 << 30

_FORMAT, _VERSION = "latentwalk checkpoints", 1


class DamagedCheckpointError(UsageError):
    """A job cannot go on from a checkpoint. Who knows its file names it."""

    def __init__(self, file: str = "The checkpoint") -> None:
        super().__init__(f"{file} does not hold what the job needs to continue.", "Delete it to start again.")


@runtime_checkable
class ResumableJob(Protocol):
    """A job that can go on later. Its kind says `resumes`; its function takes a checkpoint as third argument."""

    def checkpoint(self) -> Checkpoint | None:
        """Return what the job needs to go on from here; None if there is nothing to go on from.

        Called between two steps, or after a step that was ended by an exception. The same object as before means
        that nothing has changed since.
        """


class Checkpoints:
    """Decides when a job's checkpoints are saved: every few seconds, and at its end, however it ends.

    Args:
        job: Any job; nothing is saved of one that cannot be resumed.
        save: What saves them; None saves none.
        clock: Seconds, from any time on.
    """

    def __init__(
        self, job: Job[Any], save: OnCheckpoint | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._job = job if isinstance(job, ResumableJob) and save is not None else None
        self._save, self._clock = save, clock
        self._saved: Checkpoint | None = None
        self._next = clock() + EVERY_S

    def after_step(self) -> None:
        """Save a checkpoint if one is due."""
        if self._job is not None and self._clock() >= self._next:
            self.at_end()

    def at_end(self) -> None:
        """Save what has not been saved yet."""
        checkpoint = self._job.checkpoint() if self._job is not None else None
        if self._save is None or checkpoint is None or checkpoint is self._saved:
            return
        began = self._clock()
        self._save(checkpoint)
        self._saved, now = checkpoint, self._clock()
        self._next = now + max(EVERY_S, (now - began) / MAX_COST)


class CheckpointFile:
    """The checkpoints of jobs, by what they do: a job with any other option, model or version starts again.

    Args:
        path: The file; it need not exist.
        version: Of the program.

    Raises:
        OSError: The file cannot be read.
        UsageError: It is something else; it is left as it is.
    """

    def __init__(self, path: Path, version: str) -> None:
        self.path, self._version = path, version
        self._stamp: tuple[int, ...] = ()
        self._jobs: dict[str, Any] = {}
        self._read()

    def get(self, spec: JobSpec) -> Checkpoint | None:
        """Return the checkpoint of a job; None if it has none."""
        entry = self._jobs.get(self._key(spec))
        return entry["checkpoint"] if entry is not None else None

    def put(self, spec: JobSpec, checkpoint: Checkpoint) -> None:
        """Save the checkpoint of a job instead of its last one, and leave those of other jobs.

        Raises:
            OSError: The file cannot be written.
            UsageError: Meanwhile it has become something else.
        """
        self._read()  # another command may have written its own into it
        self._jobs[self._key(spec)] = {"job": spec.to_json(), "checkpoint": checkpoint}
        data = {"format": _FORMAT, "version": _VERSION, "jobs": self._jobs}
        atomic_write_bytes(self.path, json.dumps(data, allow_nan=False).encode())
        self._stamp = _stamp_of(self.path)

    def _key(self, spec: JobSpec) -> str:
        """Identify what a job computes, wherever its model's file is."""
        if spec.request is not None:
            model = replace(spec.request.model, path="")
            spec = replace(spec, request=replace(spec.request, model=model))
        text = json.dumps([self._version, spec.to_json()], sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def _read(self) -> None:
        stamp = _stamp_of(self.path)
        if stamp == self._stamp:
            return
        jobs = _jobs_of(read_regular(self.path, MAX_BYTES)) if stamp else {}
        if jobs is None:
            raise UsageError(
                f"{self.path} is not a file of checkpoints.", "Name a new file; this one is unchanged."
            )
        self._jobs, self._stamp = jobs, stamp


def _jobs_of(content: bytes) -> dict[str, Any] | None:
    try:
        data = parse_json(content)
    except ValueError:
        return None
    if not isinstance(data, dict) or data.get("format") != _FORMAT or data.get("version") != _VERSION:
        return None
    jobs = data.get("jobs")
    entries = jobs.values() if isinstance(jobs, dict) else [None]
    are_whole = all(isinstance(e, dict) and isinstance(e.get("checkpoint"), dict) for e in entries)
    return jobs if are_whole else None


def _stamp_of(path: Path) -> tuple[int, ...]:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns
