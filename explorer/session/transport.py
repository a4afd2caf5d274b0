"""Transport: playing, scrubbing and editing the timeline, and recording performances."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from explorer.animation.performance import Performance, recording_message
from explorer.animation.player import Player, is_animated, snapshot_of, time_in_timeline, with_snapshot
from explorer.session.even_speed import EvenSpeed
from explorer.state import ASPECTS, Keyframe, Snapshot
from explorer.state import timeline_edits as edits
from explorer.state.parameters import get_value, parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from explorer.session.autosave import Autosave
    from explorer.session.core import SessionCore
    from explorer.state import ExplorerState, Timeline
    from explorer.state.timeline import Interpolation
    from explorer.state.timeline_edits import Chosen

__all__ = ["Transport"]

TICK_MS = 1000 / 60
UNDO_HINT = "Ctrl+Z restores"


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

    def _put(self, name: str, timeline: Timeline) -> bool:
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
        self._show_again()

    def _is_closed_to_keys(self) -> bool:
        """Report and return True while recording: keys are hidden then, and must not change unseen."""
        if self.is_recording:
            self._session.status.emit("Can't change keys while recording. Ctrl+R ends the recording.")
        return self.is_recording

    def _is_closed_to_new_keys(self) -> bool:
        """Report and return True also where the timeline is a recording, to which keys cannot be added."""
        if self._is_closed_to_keys():
            return True
        if not self.timeline.performance or self.timeline.keys:
            return False
        aside = self.timeline.aside
        hint = "Right-click the recording to convert it to keys"
        hint += f", or to go back to the {edits.contents(aside)}" if aside is not None and aside.keys else ""
        self._session.status.emit(f"Can't add a key to a recording. {hint}.")
        return True

    def add_key(self, time: float | None = None) -> None:
        """Add a key of the whole state at the playhead, or at `time` seconds."""
        if self._is_closed_to_new_keys():
            return
        self._session.about_to_edit.emit()  # a key does not include the welcome's drift
        position = edits.snapped(self.timeline, self._playhead if time is None else time)
        is_there = edits.key_at(self.timeline, position)
        made = edits.add_key(self.timeline, position, self._snapshot_for_key())
        is_new = self._put("Update key" if is_there else "Add key", made)
        if is_there:
            self._report_updated("the key", position, is_new)
        elif time is None:
            self._advance(position)

    def add_path(
        self,
        name: str,
        snapshots: Sequence[Snapshot],
        seconds: float,
        interpolation: Interpolation = "catmull-rom",
    ) -> bool:
        """Add keys at equal distances from the playhead on, or behind the others, as one undo step called `name`.

        Returns False, and says why, where keys cannot be added.
        """
        if self._is_closed_to_new_keys():
            return False
        self._session.about_to_edit.emit()
        self.pause()
        made, start = edits.with_path(self.timeline, self._playhead, snapshots, seconds, interpolation)
        self._put(name, made)
        span = f"{start:.2f} s to {start + seconds:.2f} s"
        self._session.status.emit(
            f"Added {len(snapshots)} keys from {span}. T shows the timeline, Ctrl+Z removes them."
        )
        return True

    def _report_updated(self, key: str, position: float, is_new: bool) -> None:
        at = f"{key} at {position:.2f} s"
        updated, same = f"Updated {at}. {UNDO_HINT} it.", f"There is {at} already, with this state."
        self._session.status.emit(updated if is_new else same)

    def _advance(self, position: float) -> None:
        """Move the playhead on by a beat or a second after adding a key, unless that changes the picture."""
        t, session = self.timeline, self._session
        step = 60.0 / t.bpm if t.bpm > 0.0 else 1.0
        to = min(edits.snapped(t, position + step), t.duration)
        is_moving = session.motion.clock.is_playing and any(
            session.motion.is_moving(view) for view in session.visible_views()
        )
        if self.is_playing or is_moving or to <= position:
            return
        if self.player().snapshot(to) != snapshot_of(session.state):
            return
        self.seek(to)
        session.status.emit(f"Added a key at {position:.2f} s. The next one will be at {to:.2f} s.")

    def _snapshot_for_key(self) -> Snapshot:
        """Return the snapshot to store in a key: the current state, with wandering latents at their base."""
        snapshot = snapshot_of(self._session.state)
        if self.timeline.wander.kind == "none" or not self.has_animation:
            return snapshot
        base = self.player().base_snapshot(self._playhead)
        shown = self.player().snapshot(self._playhead)
        if snapshot.shared.latent == shown.shared.latent:
            snapshot = replace(snapshot, shared=replace(snapshot.shared, latent=base.shared.latent))
        return snapshot

    def add_value_key(
        self, name: str, value: float | None = None, time: float | None = None, view: int | None = None
    ) -> None:
        """Add a key of one parameter, by default with the active view's current value at the playhead."""
        if self._is_closed_to_keys():
            return
        position = edits.snapped(self.timeline, self._playhead if time is None else time)
        view = self._view_of(name) if view is None else view
        if value is None:
            value = get_value(snapshot_of(self._session.state), name, view)
        is_there = edits.value_at(self.timeline, name, view, position)
        made = edits.add_value(self.timeline, name, view, position, value)
        title = parameter(name).title
        is_new = self._put(f"Key {title.lower()}", made)
        if is_there:
            self._report_updated(f"the key of {title}", position, is_new)

    def set_value_key(self, track: int, number: int, value: float) -> None:
        """Change the value of a parameter's key."""
        item = self.timeline.tracks[track]
        keys = list(item.keys)
        keys[number] = replace(keys[number], value=value)
        tracks = list(self.timeline.tracks)
        tracks[track] = replace(item, keys=tuple(keys))
        self.edit("Key value", replace(self.timeline, tracks=tuple(tracks)))
        self._show_again()

    def _view_of(self, name: str) -> int:
        """Return the view that a parameter belongs to: the active one if unlinked, else -1 for the shared look."""
        part = name.partition(".")[0]
        view = self._session.state.views[self._session.active]
        if part == "tap":
            return self._session.active
        return self._session.active if part in ASPECTS and part not in view.linked else -1

    def move_keys(self, timeline: Timeline, chosen: Chosen, by: float) -> None:
        """Move keys of `timeline` (as it was when the drag began) by seconds."""
        self.edit("Move keys", edits.move_keys(timeline, chosen, by))

    def stretch_keys(self, timeline: Timeline, chosen: Chosen, anchor: float, factor: float) -> None:
        """Scale the distances of keys of `timeline` (as it was when the drag began) from an anchor."""
        self.edit("Retime keys", edits.retime(timeline, chosen, anchor, factor))

    def copy_keys(self, chosen: Chosen, to: float | None = None) -> None:
        """Copy keys to the playhead, or to a time."""
        if self._is_closed_to_keys():
            return
        position = edits.snapped(self.timeline, self._playhead if to is None else to)
        standing = {id(key) for _, keys in edits.lanes_of(self.timeline) for key in keys}
        self.edit("Copy keys", edits.copy_keys(self.timeline, chosen, position))
        copies = [key.time for _, keys in edits.lanes_of(self.timeline) for key in keys if id(key) not in standing]
        if copies and min(copies) - position > edits.SAME_TIME:
            self.report_beside()

    def report_beside(self) -> None:
        """Report that moved or copied keys are beside their target, because other keys have that time."""
        self._session.status.emit("Another key has that time: the moved one is a frame beside it.")

    def delete_keys(self, chosen: Chosen) -> None:
        """Delete keys."""
        if chosen and not self._is_closed_to_keys():
            self.edit("Delete keys", edits.delete_keys(self.timeline, chosen))
            what, them = (f"{len(chosen)} keys", "them") if len(chosen) > 1 else ("a key", "it")
            self._session.status.emit(f"Deleted {what}. {UNDO_HINT} {them}.")

    def set_segments(self, chosen: Chosen, **fields: Any) -> None:
        """Change the interpolation and easing after keys."""
        if chosen:
            self.edit("Interpolation", edits.set_segments(self.timeline, chosen, **fields))
            self._show_again()

    def update_key(self, number: int) -> None:
        """Update a key to the current state."""
        key: Keyframe = self.timeline.keys[number]
        keys = list(self.timeline.keys)
        keys[number] = replace(key, pose=self._snapshot_for_key())
        is_new = self._put("Update key", replace(self.timeline, keys=tuple(keys)))
        self._report_updated("the key", key.time, is_new)

    @Slot()
    def _on_evened(self) -> None:
        self._show_again()

    def clear(self) -> None:
        """Remove keys, tracks, performance, wander and the timeline set aside."""
        if self._is_closed_to_keys():
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
        self._show_again()

    def step_to_key(self, direction: int) -> None:
        """Stop, and move the playhead to the next key (1) or the previous one (-1)."""
        self.pause()
        tracks = (key.time for track in self.timeline.tracks for key in track.keys)
        times = sorted({key.time for key in self.timeline.keys}.union(tracks, {0.0, self.timeline.duration}))
        there = [t for t in times if (t - self._playhead) * direction > 1e-6]
        if there:
            self.seek(there[0] if direction > 0 else there[-1])

    def _show_again(self) -> None:
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
        self._put("Record performance", made)
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
