"""Transport: playing, scrubbing and editing the timeline, and recording performances."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from explorer.animation.performance import Performance, recording_message
from explorer.animation.player import Player, is_animated, snapshot_of, time_in_timeline, with_snapshot
from explorer.session.even_speed import EvenSpeed
from explorer.session.timeline_keys import UNDO_HINT, KeyEdits
from explorer.state import timeline_edits as edits

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.session.autosave import Autosave
    from explorer.session.core import SessionCore
    from explorer.state import ExplorerState, Timeline

__all__ = ["Transport"]

TICK_MS = 1000 / 60


class Transport(QObject):
    """Plays, records and edits a session's timeline. GUI thread only.

    The playhead is not part of the state: moving it does not change the project.
    """

    playhead_moved = Signal(float)  # seconds on the timeline
    playing_changed = Signal(bool)
    recording_changed = Signal(bool)

    def __init__(self, session: SessionCore, autosave: Autosave) -> None:
        super().__init__(session)
        self._session, self._autosave = session, autosave
        self._now: Callable[[], float] = perf_counter
        self._playhead = 0.0
        self._play_from: tuple[float, float] | None = None  # (system clock, playing time) at start, in seconds
        self._player: Player | None = None
        self._performance: Performance | None = None
        self._play_timer = QTimer(self)
        self._play_timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._play_timer.setInterval(round(TICK_MS))
        self._play_timer.timeout.connect(self._on_play_tick)
        self.keys = KeyEdits(session, self)
        self.even_speed = EvenSpeed(session)
        self.even_speed.made.connect(self._on_evened)
        session.changed.connect(self._on_state_changed)

    # -- reading -------------------------------------------------------------------------------------------

    @property
    def timeline(self) -> Timeline:
        """The project's timeline."""
        return self._session.state.timeline

    @property
    def playhead(self) -> float:
        """Position of the playhead, in seconds."""
        return self._playhead

    @property
    def is_playing(self) -> bool:
        """True while the timeline plays."""
        return self._play_from is not None

    @property
    def is_recording(self) -> bool:
        """True while a performance is recorded."""
        return self._performance is not None

    @property
    def has_animation(self) -> bool:
        """True if the timeline changes anything over time."""
        return is_animated(self.timeline)

    # -- playing -------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Play from the playhead, or from the start if it is at the end."""
        if self.is_recording or self.is_playing:
            return
        if not self.has_animation:
            self._session.status.emit("The timeline is empty: add a key with K")
            return
        at = self._playhead
        if self.timeline.loop == "once" and at >= self.timeline.duration - 1e-6:
            at = 0.0
        self._play_from = (self._now(), at)
        self._session.motion.pause()
        self._play_timer.start()
        self.playing_changed.emit(True)

    def pause(self) -> None:
        """Stop playing at the current position."""
        if self.is_playing:
            self._play_from = None
            self._play_timer.stop()
            self.playing_changed.emit(False)

    def seek(self, position: float) -> None:
        """Move the playhead to a time in seconds, and show it; playing continues from there."""
        position = max(position, 0.0)  # keys can be after the end
        if self._play_from is not None:
            self._play_from = (self._now(), position)
        self._show_position(position)

    @Slot()
    def _on_play_tick(self) -> None:
        if self._play_from is None or self._session.is_closed:
            return
        began, position = self._play_from
        played = position + self._now() - began
        if self.timeline.loop == "once" and played >= self.timeline.duration:
            self._show_position(self.timeline.duration)
            self.pause()
            return
        self._show_position(time_in_timeline(self.timeline, played))

    def _show_position(self, position: float) -> None:
        """Show the state at a time of the timeline; views that are still busy skip it."""
        self._playhead = position
        if self.has_animation and not self.is_recording:
            self._session.motion.clock.pause()
            self._session.motion.clock.seek(position)  # animated transforms as in the film
            shown = with_snapshot(self._session.state, self.player().snapshot(position))
            with self._session.motion.pace.tick():
                self._session.store.update_transient(shown)
            for view in self._session.visible_views():
                if not self._session.record(view).in_flight:
                    self._session.post(view)
        self.playhead_moved.emit(position)

    def player(self) -> Player:
        """Return the player of the current timeline."""
        timeline, known = self.timeline, self._player
        is_complete = bool(timeline.keys or timeline.performance)  # tracks change single parameters only
        if known is None or known.timeline is not timeline or not is_complete:
            known = self._player = Player(self._session.state)
        return known

    @Slot(object, object)
    def _on_state_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        if self._performance is not None:
            self._performance.note(self._now(), new)
        by_user = not self._session.motion.pace.is_stepping and (old.shared != new.shared or old.views != new.views)
        if self.is_playing and by_user:
            self.pause()  # the user has changed something, which playing would overwrite
        if old.timeline is not new.timeline and self._playhead > new.timeline.duration:
            self._playhead = new.timeline.duration
            self.playhead_moved.emit(self._playhead)

    # -- editing -------------------------------------------------------------------------------------------

    def edit(self, name: str, timeline: Timeline) -> None:
        """Set the project's timeline, as one undo step called `name`."""
        self._session.store.update(replace(self._session.state, timeline=timeline), name)

    def put(self, name: str, timeline: Timeline) -> bool:
        """Set the timeline as a separate undo step, even during a drag; return False if nothing changed."""
        is_new = timeline != self.timeline
        self._session.store.interpose(replace(self._session.state, timeline=timeline), name)
        return is_new

    def set_timeline(self, **fields: Any) -> None:
        """Change fields of `Timeline`: duration, loop, fps, snap, bpm."""
        if "duration" in fields:
            fields["duration"] = min(max(float(fields["duration"]), 0.04), edits.MAX_SECONDS)
        before = edits.behind_end(self.timeline)
        self.edit("Timeline", replace(self.timeline, **fields))
        behind = edits.behind_end(self.timeline)
        if behind > before:
            are = "keys are" if behind > 1 else "key is"
            self._session.status.emit(f"{behind} {are} after the end: kept, but not played")

    def set_wander(self, **fields: Any) -> None:
        """Change fields of `LatentLoop`: kind, radius, turns, seed, space. A key is added if there is none."""
        timeline = replace(self.timeline, wander=replace(self.timeline.wander, **fields))
        if timeline.wander.kind != "none" and not (timeline.keys or timeline.performance):
            timeline = edits.add_key(timeline, 0.0, snapshot_of(self._session.state))
        self.edit("Latent wander", timeline)
        self.show_again()

    @Slot()
    def _on_evened(self) -> None:
        self.show_again()

    def clear(self) -> None:
        """Remove keys, tracks, performance, wander and the timeline set aside."""
        if self.keys.is_closed():
            return
        t = self.timeline
        self.pause()
        self.edit("Clear timeline", replace(type(t)(), fps=t.fps, bpm=t.bpm, snap=t.snap))
        cleared = " and ".join(filter(None, [edits.contents(t), edits.contents(t.aside) if t.aside else ""]))
        if cleared:
            self._session.status.emit(f"Cleared {cleared}. {UNDO_HINT} them.")

    def exchange(self) -> None:
        """Swap the current timeline, keys or a recording, with the one set aside."""
        if self.timeline.aside is None or self.is_recording:
            return
        self.pause()
        made = edits.exchanged(self.timeline)
        self.edit("Use recording" if made.performance and not made.keys else "Use keys", made)
        self.show_again()

    def step_to_key(self, direction: int) -> None:
        """Stop, and move the playhead to the next key (1) or the previous one (-1)."""
        self.pause()
        tracks = (key.time for track in self.timeline.tracks for key in track.keys)
        times = sorted({key.time for key in self.timeline.keys}.union(tracks, {0.0, self.timeline.duration}))
        there = [t for t in times if (t - self._playhead) * direction > 1e-6]
        if there:
            self.seek(there[0] if direction > 0 else there[-1])

    def show_again(self) -> None:
        """Show the state at the playhead, after the timeline has changed."""
        if self.has_animation and not self.is_recording:
            self._show_position(self._playhead)

    # -- recording -----------------------------------------------------------------------------------------

    def start_recording(self) -> None:
        """Start recording a performance. The picture's motion restarts, as the film will show it."""
        if self.is_recording:
            return
        self._session.about_to_edit.emit()  # nor does a recording
        self.pause()
        self._session.motion.clock.seek(0.0)
        self._session.motion.play()
        self._performance = Performance(self._now(), self._session.state, self._autosave.begin_recording())
        self.recording_changed.emit(True)

    def stop_recording(self) -> None:
        """Stop recording; the performance becomes the timeline, as one undo step."""
        if self._performance is None:
            return
        performance, self._performance = self._performance, None
        before = self.timeline
        made = performance.timeline(self._now(), before)
        self._autosave.end_recording(made.duration)
        self.put("Record performance", made)
        self.recording_changed.emit(False)
        self.rewind()
        self._session.status.emit(recording_message(before, made, UNDO_HINT))

    @Slot()
    def leave(self) -> None:
        """Stop playing, and end and keep a recording, because something else is about to be shown."""
        self.pause()
        self.stop_recording()

    @Slot()
    def rewind(self) -> None:
        """Stop and go to the start; discard a running recording, since its project is being replaced."""
        self.pause()
        if self._performance is not None:
            self._performance = None
            self._autosave.drop_recording()
            self.recording_changed.emit(False)
        self._playhead = 0.0
        self.playhead_moved.emit(0.0)

    @property
    def recorded_seconds(self) -> float:
        """Length of the running recording, in seconds."""
        return self._performance.seconds(self._now()) if self._performance is not None else 0.0

    def performance_to_keys(self, every: float = 0.5) -> None:
        """Convert the performance to editable keys, one every `every` seconds.

        The performance is set aside unless another timeline already is.
        """
        before = self.timeline
        made = edits.keys_from_performance(before, every)
        if made is before:
            return
        made = replace(made, aside=before.aside or before)
        self.edit("Convert performance to keys", made)
        note = "The recording is set aside." if before.aside is None else f"{UNDO_HINT} the recording."
        self._session.status.emit(f"The recording is {len(made.keys)} keys now. {note}")
