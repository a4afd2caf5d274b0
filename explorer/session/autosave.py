"""Autosave: writes unsaved work and running recordings to disk in a thread, and reports failures."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from explorer.animation.recording import RecordingJournal
from explorer.errors import LatentwalkError
from explorer.project.model_places import places_of
from explorer.session.recovery import BEAT_S
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from explorer.session.core import SessionCore
    from explorer.session.recovery import Recovery
    from explorer.state import ExplorerState, RecordedState

__all__ = ["Autosave"]

log = logging.getLogger("explorer.session")

IDLE_MS = 1000
"""Seconds of waiting after the last change."""

LONGEST_MS = 5000
"""Longest wait in seconds after the first unsaved change, even during a drag or an animation."""

RETRY_MS = 10_000
HANGS_S = 30.0
REST = 4
"""Wait after a write, as a multiple of its duration, because writing competes for the interpreter."""


@dataclass(frozen=True, slots=True, eq=False)
class _Outcome:
    """Result of attempt `number` to write `state`: its duration in seconds, and `error`, empty on success."""

    state: ExplorerState
    number: int
    error: str
    took: float


class Autosave(QObject):
    """Keeps the recovery files up to date. GUI thread only.

    Signals: `problem(text)` when autosaving fails, with an empty text when it works again.
    """

    problem = Signal(str)
    _done = Signal(object)
    _recording_problem = Signal(str)

    def __init__(self, session: SessionCore, recovery: Recovery | None) -> None:
        super().__init__(session)
        self._session, self._recovery = session, recovery
        self._written: ExplorerState = session.store.state
        self._count = 0
        self._restored: tuple[Path, int] | None = None  # and the number of writes started before it
        self._running: Future[None] | None = None
        self._problems: dict[str, str] = {}
        self._rests_until = self._began = 0.0
        self._idle, self._longest, self._beat = QTimer(self), QTimer(self), QTimer(self)
        self.journal: RecordingJournal | None = None
        if recovery is None:
            return
        report = self._recording_problem.emit
        self.journal = RecordingJournal(recovery.recording, recovery.hold, report)
        # One thread of its own: a drive that hangs blocks neither the window nor other files.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="autosave")
        self._done.connect(self._on_done, Qt.ConnectionType.QueuedConnection)
        self._recording_problem.connect(self._on_recording_problem, Qt.ConnectionType.QueuedConnection)
        for timer in (self._idle, self._longest):
            timer.setSingleShot(True)
            timer.timeout.connect(self.save)
        self._beat.setInterval(round(1000 * BEAT_S))
        self._beat.timeout.connect(recovery.beat)
        self._beat.start()
        session.changed.connect(self._on_changed)

    @property
    def _state(self) -> ExplorerState:
        """The state to save: the user's, not that of a guided tour."""
        return self._session.store.document

    # -- writing -------------------------------------------------------------------------------------------

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        rest = round(1000 * (self._rests_until - time.monotonic()))
        self._idle.start(max(IDLE_MS, rest))
        if not self._longest.isActive():
            self._longest.start(max(LONGEST_MS, rest))

    @Slot()
    def save(self) -> None:
        """Write the recovery file if it lacks unsaved changes."""
        recovery, session = self._recovery, self._session
        if recovery is None or session.is_closed:
            return
        if self._running is not None:  # later changes are noticed when that write is done
            self._watch()
            return
        self._idle.stop()
        self._longest.stop()
        state = self._state
        if session.store.is_saved() or state == self._written:
            return
        # A finished recording is part of the state.
        journal = self.journal if self.journal is not None and not self.journal.is_running else None
        self._count, self._began = self._count + 1, time.monotonic()
        write = partial(recovery.save, state, session.table, session.digests())
        self._running = self._thread.submit(_save, self._count, state, write, journal, self._done.emit)

    def _watch(self) -> None:
        """Report a write that does not end, for example on a disconnected network drive."""
        seconds = time.monotonic() - self._began
        if seconds >= HANGS_S:
            self._set_problem("project", f"Autosave has been waiting for the disk for {seconds:.0f} s.")
        if not self._longest.isActive():
            self._longest.start(LONGEST_MS)

    @Slot(object)
    def _on_done(self, outcome: _Outcome) -> None:
        self._running = None
        self._rests_until = time.monotonic() + REST * outcome.took
        self._set_problem("project", outcome.error)
        if outcome.error:
            self._longest.start(RETRY_MS)
            return
        self._written = outcome.state
        if self._restored is not None and outcome.number > self._restored[1]:
            self._forget_restored()
        if self._state != outcome.state:
            self._on_changed(outcome.state, self._state)

    @Slot(str)
    def _on_recording_problem(self, text: str) -> None:
        self._set_problem("recording", text)

    def _set_problem(self, kind: str, text: str) -> None:
        before = dict(self._problems)
        if text:
            self._problems[kind] = text
        else:
            self._problems.pop(kind, None)
        if self._problems != before:
            self.problem.emit(" ".join(self._problems.values()))

    # -- recordings ----------------------------------------------------------------------------------------

    def begin_recording(self) -> Callable[[RecordedState], None]:
        """Begin a journal of a recording from the current state; return the function that takes each sample."""
        session, journal = self._session, self.journal
        if journal is None:
            return lambda sample: None
        state, digests = self._state, session.digests()
        journal.begin(state, session.table, lambda: places_of(state, None, digests))
        return journal.note

    def end_recording(self, seconds: float) -> None:
        """End the recording; its journal is removed once the state that contains it is on disk."""
        if self.journal is not None:
            self.journal.end(seconds)

    def drop_recording(self) -> None:
        """Discard the recording."""
        if self.journal is not None:
            self.journal.drop()

    # -- the project's own file ----------------------------------------------------------------------------

    def opened(self, state: ExplorerState) -> None:
        """Note that another project has been opened, which needs no saving until it changes."""
        self._written = state
        if self._recovery is not None:
            self._thread.submit(self._recovery.discard)

    def restored(self, path: Path) -> None:
        """Note that a recovered project was opened; its file is removed once this program has saved it."""
        self._restored = (path, self._count)
        self.save()

    def saved(self) -> None:
        """Note that the project's own file is up to date."""
        self._forget_restored()
        self._set_problem("project", "")
        if self._recovery is not None:
            self._written = self._state
            is_recording = self.journal is not None and self.journal.is_running
            self._thread.submit(partial(_discard, self._recovery, keep_recording=is_recording))

    def _forget_restored(self) -> None:
        if self._restored is not None and self._recovery is not None:
            self._recovery.discard(self._restored[0])
            self._restored = None

    def flush(self, timeout: float = 10.0) -> None:
        """Write unsaved changes and wait, because the program must end now; the recovery files stay."""
        if self._recovery is None:
            return
        if self._running is not None:
            self._running.result(timeout)
            self._running = None
        self.save()
        if self._running is not None:
            self._running.result(timeout)

    def close(self, *, keep: bool = False) -> None:
        """Wait for running writes and remove the recovery files unless `keep` is True."""
        for timer in (self._idle, self._longest, self._beat):
            timer.stop()
        if self._recovery is None:
            return
        if self.journal is not None:
            self.journal.end(0.0) if keep else self.journal.drop()
            self.journal.join()
        self._thread.shutdown(wait=True)
        self._recovery.close(keep=keep)


def _save(
    number: int,
    state: ExplorerState,
    write: Callable[[], None],
    journal: RecordingJournal | None,
    report: Callable[[object], None],
) -> None:
    """Save, in the autosave's thread. `journal` is removed afterwards, since the state has its recording."""
    started = time.monotonic()
    text = ""
    try:
        write()
        if journal is not None:
            journal.remove()
    except LatentwalkError as error:
        text = error.message
    except OSError as error:
        text = f"{visible(os.fsdecode(error.filename or ''))}: {error.strerror or error}.".lstrip(": ")
    except Exception as error:  # any error in this thread would be lost, and work is at stake
        log.exception("autosave failed")
        text = f"{type(error).__name__}: {error}."
    if text:
        log.warning("autosave failed: %s", text)
        text = f"Autosave failed: {text}"
    report(_Outcome(state, number, text, time.monotonic() - started))


def _discard(recovery: Recovery, *, keep_recording: bool) -> None:
    if not keep_recording:
        recovery.discard()
        return
    with contextlib.suppress(OSError):
        recovery.path.unlink(missing_ok=True)
