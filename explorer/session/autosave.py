"""Autosave: unsaved work and running recordings on disk beside the window, and a signal when that fails."""

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
"""After the last change."""

LONGEST_MS = 5000
"""After the first change that is not on disk, also while one hand holds on or the picture moves by itself."""

RETRY_MS = 10_000
HANGS_S = 30.0
REST = 4
"""A write that took a second is followed by so many seconds without one, for it takes the interpreter's time."""


@dataclass(frozen=True, slots=True, eq=False)
class _Outcome:
    """Attempt `number` to write `state`, which took so many seconds; `words` say why it failed."""

    state: ExplorerState
    number: int
    words: str
    took: float


class Autosave(QObject):
    """Keeps the recovery files up to date. GUI thread only.

    Signals: `problem(words)` when something is not on disk that should be, with an empty text when it is again.
    """

    problem = Signal(str)
    _done = Signal(object)
    _recording_told = Signal(str)

    def __init__(self, session: SessionCore, recovery: Recovery | None) -> None:
        super().__init__(session)
        self._session, self._recovery = session, recovery
        self._written: ExplorerState = session.store.state
        self._count = 0
        self._restored: tuple[Path, int] | None = None  # and how many writes had begun before it
        self._running: Future[None] | None = None
        self._problems: dict[str, str] = {}
        self._rests_until = self._began = 0.0
        self._idle, self._longest, self._beat = QTimer(self), QTimer(self), QTimer(self)
        self.journal: RecordingJournal | None = None
        if recovery is None:
            return
        tell = self._recording_told.emit
        self.journal = RecordingJournal(recovery.recording, recovery.hold, tell)
        # One thread: a drive that hangs holds up neither the window nor other files.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="autosave")
        self._done.connect(self._on_done, Qt.ConnectionType.QueuedConnection)
        self._recording_told.connect(self._on_recording_told, Qt.ConnectionType.QueuedConnection)
        for timer in (self._idle, self._longest):
            timer.setSingleShot(True)
            timer.timeout.connect(self.save)
        self._beat.setInterval(round(1000 * BEAT_S))
        self._beat.timeout.connect(recovery.beat)
        self._beat.start()
        session.changed.connect(self._on_changed)

    @property
    def _state(self) -> ExplorerState:
        """What is to be kept: the user's, not what a tour shows."""
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
        """Write the recovery file, if there is something unsaved that is not in it."""
        recovery, session = self._recovery, self._session
        if recovery is None or session.is_closed:
            return
        if self._running is not None:  # what changes meanwhile is seen when that write is done
            self._watch()
            return
        self._idle.stop()
        self._longest.stop()
        state = self._state
        if session.store.is_saved() or state == self._written:
            return
        # A recording that has ended is part of the state.
        journal = self.journal if self.journal is not None and not self.journal.is_running else None
        self._count, self._began = self._count + 1, time.monotonic()
        keep = partial(recovery.save, state, session.table, session.digests())
        self._running = self._thread.submit(_save, self._count, state, keep, journal, self._done.emit)

    def _watch(self) -> None:
        """Tell of a write that does not end, as on a network drive that has gone."""
        seconds = time.monotonic() - self._began
        if seconds >= HANGS_S:
            self._set_problem("project", f"Autosave has been waiting for the disk for {seconds:.0f} s.")
        if not self._longest.isActive():
            self._longest.start(LONGEST_MS)

    @Slot(object)
    def _on_done(self, outcome: _Outcome) -> None:
        self._running = None
        self._rests_until = time.monotonic() + REST * outcome.took
        self._set_problem("project", outcome.words)
        if outcome.words:
            self._longest.start(RETRY_MS)
            return
        self._written = outcome.state
        if self._restored is not None and outcome.number > self._restored[1]:
            self._forget_restored()
        if self._state != outcome.state:
            self._on_changed(outcome.state, self._state)

    @Slot(str)
    def _on_recording_told(self, words: str) -> None:
        self._set_problem("recording", words)

    def _set_problem(self, kind: str, words: str) -> None:
        before = dict(self._problems)
        if words:
            self._problems[kind] = words
        else:
            self._problems.pop(kind, None)
        if self._problems != before:
            self.problem.emit(" ".join(self._problems.values()))

    # -- recordings ----------------------------------------------------------------------------------------

    def begin_recording(self) -> Callable[[RecordedState], None]:
        """Begin to keep a recording of the state as it is; returns what each sample is to be told to."""
        session, journal = self._session, self.journal
        if journal is None:
            return lambda sample: None
        state, digests = self._state, session.digests()
        journal.begin(state, session.table, lambda: places_of(state, None, digests))
        return journal.note

    def end_recording(self, seconds: float) -> None:
        """The recording is complete; its journal goes once the state that holds it is on disk."""
        if self.journal is not None:
            self.journal.end(seconds)

    def drop_recording(self) -> None:
        """Nobody wants the recording."""
        if self.journal is not None:
            self.journal.drop()

    # -- the project's own file ----------------------------------------------------------------------------

    def opened(self, state: ExplorerState) -> None:
        """Another project has taken the place of what was autosaved, and needs no saving until it changes."""
        self._written = state
        if self._recovery is not None:
            self._thread.submit(self._recovery.discard)

    def restored(self, path: Path) -> None:
        """What a crashed program left has been opened; its file goes once this program has it on disk."""
        self._restored = (path, self._count)
        self.save()

    def saved(self) -> None:
        """The project's own file holds everything."""
        self._forget_restored()
        self._set_problem("project", "")
        if self._recovery is not None:
            self._written = self._state
            is_recording = self.journal is not None and self.journal.is_running
            self._thread.submit(partial(_discard, self._recovery, keeps_recording=is_recording))

    def _forget_restored(self) -> None:
        if self._restored is not None and self._recovery is not None:
            self._recovery.discard(self._restored[0])
            self._restored = None

    def flush(self, timeout: float = 10.0) -> None:
        """Write what is not on disk and wait for it, because the program must end now; its files stay."""
        if self._recovery is None:
            return
        if self._running is not None:
            self._running.result(timeout)
            self._running = None
        self.save()
        if self._running is not None:
            self._running.result(timeout)

    def close(self, *, keeps: bool = False) -> None:
        """Wait for what is being written and remove the recovery files, unless it `keeps` them."""
        for timer in (self._idle, self._longest, self._beat):
            timer.stop()
        if self._recovery is None:
            return
        if self.journal is not None:
            self.journal.end(0.0) if keeps else self.journal.drop()
            self.journal.join()
        self._thread.shutdown(wait=True)
        self._recovery.close(keeps=keeps)


def _save(
    number: int,
    state: ExplorerState,
    keep: Callable[[], None],
    journal: RecordingJournal | None,
    tell: Callable[[object], None],
) -> None:
    """Run in the autosave's thread. `journal`: its recording is part of the state, and goes once that is kept."""
    started = time.monotonic()
    words = ""
    try:
        keep()
        if journal is not None:
            journal.remove()
    except LatentwalkError as error:
        words = error.message
    except OSError as error:
        words = f"{visible(os.fsdecode(error.filename or ''))}: {error.strerror or error}.".lstrip(": ")
    except Exception as error:  # nobody is there to see it, and work is at stake
        log.exception("autosave failed")
        words = f"{type(error).__name__}: {error}."
    if words:
        log.warning("autosave failed: %s", words)
        words = f"Autosave failed: {words}"
    tell(_Outcome(state, number, words, time.monotonic() - started))


def _discard(recovery: Recovery, *, keeps_recording: bool) -> None:
    if not keeps_recording:
        recovery.discard()
        return
    with contextlib.suppress(OSError):
        recovery.path.unlink(missing_ok=True)
