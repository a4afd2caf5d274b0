"""The journal of a running recording: append-only, so that a crash loses at most its last second.

A line is the CRC-32 of its JSON in hexadecimal, a space, and the JSON. The first line contains the project at the
start of the recording; each other line contains a sample (as the difference to the previous one), a stored latent,
or the length so far (the last one counts). A truncated line is ignored.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from explorer.animation.performance import Performance
from explorer.animation.player import with_snapshot
from explorer.errors import LatentwalkError, ProjectError
from explorer.project.delta import delta_decode, delta_encode
from explorer.project.document import Project, asset_from_json, asset_to_json, project_from_json, to_json
from explorer.project.limits import MAX_BYTES
from explorer.state import RecordedState, Timeline
from explorer.state.codec import decode, encode
from explorer.state.migrations import migrate_performance
from explorer.state.timeline_edits import check_timeline
from explorer.util.asset_ids import assets_of
from explorer.util.plain_text import visible
from explorer.util.regular_file import read_regular
from explorer.util.strict_json import parse_json

if TYPE_CHECKING:
    from explorer.assets.table import AssetTable
    from explorer.project.model_places import ModelPlace
    from explorer.state import ExplorerState

__all__ = ["RecordingJournal", "recover_recording"]

log = logging.getLogger("explorer.animation")

FORMAT = "latentwalk-recording"
FLUSH_S = 0.4
"""Seconds between flushes to disk; including the time of a flush, less than a second is lost."""

JOURNAL_BYTES = 16 * MAX_BYTES


class RecordingJournal:
    """Writes a recording to disk while it is made, in a separate thread.

    All methods but `remove` and `join` are for the GUI thread, and do not wait for the disk.

    Args:
        path: Path of the journal.
        prepare: Creates the folder; called before the first write, in the journal's thread. May raise OSError.
        report: Called from the journal's thread with a message when writing fails, and with an empty text when it
            works again.
    """

    def __init__(
        self,
        path: Path,
        prepare: Callable[[], None] = lambda: None,
        report: Callable[[str], None] = lambda message: None,
    ) -> None:
        self.path = path
        self._prepare, self._report = prepare, report
        self._writer: _Writer | None = None
        self._last: _Writer | None = None
        self._mutex = threading.Lock()

    @property
    def is_running(self) -> bool:
        """True between `begin` and `end` or `drop`."""
        return self._writer is not None

    def begin(self, state: ExplorerState, table: AssetTable, places: Callable[[], tuple[ModelPlace, ...]]) -> None:
        """Begin a recording; it replaces a previous one in the same file once it is on disk."""
        self._close()
        made = _Writer(self.path, state, table, places, self._prepare, self._report, self._last)
        with self._mutex:
            self._writer = self._last = made

    def note(self, sample: RecordedState) -> None:
        """Add a sample; one at the time of the last one replaces it."""
        if self._writer is not None:
            self._writer.add(sample)

    def end(self, seconds: float) -> None:
        """End the recording, which stays on disk."""
        self._close({"end": float(seconds)})

    def drop(self) -> None:
        """End the recording and remove it."""
        self._close(is_wanted=False)

    def _close(self, end: dict[str, Any] | None = None, *, is_wanted: bool = True) -> None:
        with self._mutex:
            writer, self._writer = self._writer, None
        if writer is not None:
            writer.close(end, is_wanted=is_wanted)

    def join(self) -> None:
        """Wait until recordings that were ended have been written."""
        if self._last is not None:
            self._last.join()

    def remove(self) -> None:
        """Remove the journal of a finished recording that is saved elsewhere. Any thread."""
        self.join() if not self.is_running else None
        with self._mutex:
            if self._writer is None:
                with contextlib.suppress(OSError):
                    self.path.unlink(missing_ok=True)


class _Writer:
    """The thread that writes one recording."""

    def __init__(
        self,
        path: Path,
        state: ExplorerState,
        table: AssetTable,
        places: Callable[[], tuple[ModelPlace, ...]],
        prepare: Callable[[], None],
        report: Callable[[str], None],
        before: _Writer | None,
    ) -> None:
        self._last = before
        self._path, self._state, self._table, self._places = path, state, table, places
        self._prepare, self._report = prepare, report
        self._samples: list[RecordedState] = []
        self._end: dict[str, Any] | None = None
        self._is_closed, self._is_wanted = False, True
        self._wake = threading.Condition()
        self._file: BinaryIO | None = None
        self._pending, self._size = b"", 0
        self._before: Any = None
        self._known: set[str] = set()
        self._failed = False
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    def add(self, sample: RecordedState) -> None:
        with self._wake:
            self._samples.append(sample)

    def close(self, end: dict[str, Any] | None, *, is_wanted: bool) -> None:
        with self._wake:
            self._is_closed, self._end, self._is_wanted = True, end, is_wanted
            self._wake.notify()

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        if self._last is not None:
            self._last.join()
            self._last = None
        self._pending = _line(self._head())
        while True:
            started = time.monotonic()
            with self._wake:
                samples, self._samples = self._samples, []
                is_last, end = self._is_closed, self._end
            self._pending += b"".join(self._lines(samples))
            if end is not None:
                self._pending += _line(end)
            elif not self._pending and not is_last:  # periods without change are recorded too
                self._pending = _line({"end": time.monotonic() - self._began})
            self._write()
            if is_last:
                break
            with self._wake:
                if not self._is_closed:
                    self._wake.wait(max(0.0, FLUSH_S - (time.monotonic() - started)))
        if self._file is not None:
            self._file.close()
        if self._failed:
            self._report("")  # clear the problem: from here autosave reports for itself
        if not self._is_wanted:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _head(self) -> dict[str, Any]:
        project = to_json(self._state, self._table, self._places())
        self._known = set(project.get("assets", {}))
        return {"format": FORMAT, "version": 1, "project": project}

    def _lines(self, samples: list[RecordedState]) -> Iterator[bytes]:
        for sample in samples:
            for key in sorted(assets_of(sample) - self._known):
                self._known.add(key)
                asset = self._table.get(key)
                if asset is not None:
                    yield _line({"asset": key, "item": asset_to_json(asset)})
            now = encode(sample)
            yield _line({"sample": now if self._before is None else delta_encode([self._before, now])[1]})
            self._before = now

    def _write(self) -> None:
        """Append pending lines; a partial write on a full disk is truncated and retried next time."""
        if not self._pending:
            return
        try:
            if self._file is None:
                self._open()
            assert self._file is not None
            _write_all(self._file, self._pending)
            os.fsync(self._file.fileno())
        except OSError as error:
            if self._file is not None:
                with contextlib.suppress(OSError):
                    self._file.seek(self._size)
                    self._file.truncate()
            if not self._failed:
                log.warning("the recording cannot be written: %s", error)
                self._report(f"The recording cannot be written to disk: {error.strerror or error}.")
            self._failed = True
            return
        self._size += len(self._pending)
        self._pending = b""
        if self._failed:
            self._failed = False
            self._report("")

    def _open(self) -> None:
        """Create the file with its first line, replacing an older recording."""
        self._prepare()
        fresh = self._path.with_name(f"{self._path.name}.part")
        file = fresh.open("wb", buffering=0)
        try:
            head, rest = self._pending.split(b"\n", 1)
            _write_all(file, head + b"\n")
            os.fsync(file.fileno())
            if os.name == "nt":  # which cannot rename an open file
                file.close()
                os.replace(fresh, self._path)
                file = self._path.open("ab", buffering=0)
            else:
                os.replace(fresh, self._path)
        except BaseException:
            file.close()
            raise
        self._file, self._size, self._pending = file, len(head) + 1, rest


def _write_all(file: BinaryIO, data: bytes) -> None:
    """Write everything to an unbuffered file, whose writes may be partial; a full disk raises OSError."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _line(value: dict[str, Any]) -> bytes:
    raw = json.dumps(value, separators=(",", ":")).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(raw), raw)


# -- reading ---------------------------------------------------------------------------------------------------


def recover_recording(path: Path, project: Project | None = None) -> Project:
    """Return the project as if the recording had been stopped where its journal ends.

    Args:
        path: Path of the journal.
        project: The last autosaved project; by default that from the start of the recording.

    Raises:
        ProjectError: The journal cannot be read, or does not contain a recording.
    """
    name = visible(path.name)
    try:
        lines = list(_whole_lines(read_regular(path, JOURNAL_BYTES)))
    except OSError as error:
        raise ProjectError(f"{name} cannot be read: {error.strerror or error}.", "Check the file.") from error
    if not lines or lines[0].get("format") != FORMAT or lines[0].get("version") != 1:
        raise ProjectError(f"{name} does not contain a recording.", "The file is damaged.")
    base = project or project_from_json(lines[0].get("project"))
    begun = base if project is None else project_from_json(lines[0].get("project"))
    version = lines[0]["project"]["version"]
    base.table.add_all(begun.table.values())
    rows, seconds = [], 0.0
    for line in lines[1:]:
        if key := line.get("asset", line.get("latent")):  # until 2026-12 there were latents only
            with contextlib.suppress(LatentwalkError):
                base.table.add(asset_from_json(str(key), line.get("item"), version))
        elif "sample" in line:
            rows.append(line["sample"])
        elif isinstance(line.get("end"), float):
            seconds = line["end"]
    if not rows:
        return base
    samples = decode(Timeline, {"performance": migrate_performance(delta_decode(rows), version)}).performance
    performance = Performance.of_samples(samples)
    timeline = performance.timeline(seconds, base.state.timeline)
    check_timeline(timeline)
    return replace(base, state=replace(with_snapshot(base.state, samples[-1].pose), timeline=timeline))


def _whole_lines(data: bytes) -> Iterator[dict[str, Any]]:
    """Yield the values of valid lines, up to the first invalid one."""
    for line in data.split(b"\n")[:-1]:
        crc, _, raw = line.partition(b" ")
        try:
            value = parse_json(raw) if int(crc, 16) == zlib.crc32(raw) else None
        except (ValueError, RecursionError):
            return
        if not isinstance(value, dict):
            return
        yield value
