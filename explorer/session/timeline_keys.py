"""KeyEdits: keys of the timeline, added, moved, copied and deleted; each change is a named undo step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import QObject

from explorer.animation.player import snapshot_of
from explorer.state import ASPECTS, Keyframe, Snapshot
from explorer.state import timeline_edits as edits
from explorer.state.parameters import get_value, parameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.animation.player import Player
    from explorer.session.core import SessionCore
    from explorer.state import Timeline
    from explorer.state.timeline import Interpolation
    from explorer.state.timeline_edits import Chosen

__all__ = ["UNDO_HINT", "KeyEdits"]

UNDO_HINT = "Ctrl+Z restores"


class Playback(Protocol):
    """What plays the timeline, as editing its keys needs it: see `Transport`."""

    @property
    def timeline(self) -> Timeline:
        """The project's timeline."""

    @property
    def playhead(self) -> float:
        """Position of the playhead, in seconds."""

    @property
    def is_playing(self) -> bool:
        """True while the timeline plays."""

    @property
    def is_recording(self) -> bool:
        """True while a performance is recorded."""

    @property
    def has_animation(self) -> bool:
        """True if the timeline changes anything over time."""

    def pause(self) -> None:
        """Stop playing at the current position."""

    def seek(self, position: float) -> None:
        """Move the playhead to a time in seconds, and show it."""

    def player(self) -> Player:
        """Return the player of the current timeline."""

    def edit(self, name: str, timeline: Timeline) -> None:
        """Set the project's timeline, as one undo step called `name`."""

    def put(self, name: str, timeline: Timeline) -> bool:
        """Set the timeline as a separate undo step, even during a drag; return False if nothing changed."""

    def show_again(self) -> None:
        """Show the state at the playhead, after the timeline has changed."""


class KeyEdits(QObject):
    """Edits the keys of a session's timeline. GUI thread only."""

    def __init__(self, session: SessionCore, transport: Playback) -> None:
        super().__init__(session)
        self._session, self._transport = session, transport

    @property
    def _timeline(self) -> Timeline:
        return self._transport.timeline

    def add(self, time: float | None = None) -> None:
        """Add a key of the whole state at the playhead, or at `time` seconds."""
        if self._is_closed_to_new_keys():
            return
        self._session.about_to_edit.emit()  # a key does not include the welcome's drift
        position = edits.snapped(self._timeline, self._transport.playhead if time is None else time)
        is_there = edits.key_at(self._timeline, position)
        made = edits.add_key(self._timeline, position, self._snapshot_for_key())
        is_new = self._transport.put("Update key" if is_there else "Add key", made)
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
        self._transport.pause()
        made, start = edits.with_path(self._timeline, self._transport.playhead, snapshots, seconds, interpolation)
        self._transport.put(name, made)
        span = f"{start:.2f} s to {start + seconds:.2f} s"
        self._session.status.emit(
            f"Added {len(snapshots)} keys from {span}. T shows the timeline, Ctrl+Z removes them."
        )
        return True

    def add_value(
        self, name: str, value: float | None = None, time: float | None = None, view: int | None = None
    ) -> None:
        """Add a key of one parameter, by default with the active view's current value at the playhead."""
        if self.is_closed():
            return
        position = edits.snapped(self._timeline, self._transport.playhead if time is None else time)
        view = self._view_of(name) if view is None else view
        if value is None:
            value = get_value(snapshot_of(self._session.state), name, view)
        is_there = edits.value_at(self._timeline, name, view, position)
        made = edits.add_value(self._timeline, name, view, position, value)
        title = parameter(name).title
        is_new = self._transport.put(f"Key {title.lower()}", made)
        if is_there:
            self._report_updated(f"the key of {title}", position, is_new)

    def set_value(self, track: int, number: int, value: float) -> None:
        """Change the value of a parameter's key."""
        item = self._timeline.tracks[track]
        keys = list(item.keys)
        keys[number] = replace(keys[number], value=value)
        tracks = list(self._timeline.tracks)
        tracks[track] = replace(item, keys=tuple(keys))
        self._transport.edit("Key value", replace(self._timeline, tracks=tuple(tracks)))
        self._transport.show_again()

    def update(self, number: int) -> None:
        """Update a key to the current state."""
        key: Keyframe = self._timeline.keys[number]
        keys = list(self._timeline.keys)
        keys[number] = replace(key, pose=self._snapshot_for_key())
        is_new = self._transport.put("Update key", replace(self._timeline, keys=tuple(keys)))
        self._report_updated("the key", key.time, is_new)

    def move(self, timeline: Timeline, chosen: Chosen, by: float) -> None:
        """Move keys of `timeline` (as it was when the drag began) by seconds."""
        self._transport.edit("Move keys", edits.move_keys(timeline, chosen, by))

    def stretch(self, timeline: Timeline, chosen: Chosen, anchor: float, factor: float) -> None:
        """Scale the distances of keys of `timeline` (as it was when the drag began) from an anchor."""
        self._transport.edit("Retime keys", edits.retime(timeline, chosen, anchor, factor))

    def copy(self, chosen: Chosen, to: float | None = None) -> None:
        """Copy keys to the playhead, or to a time."""
        if self.is_closed():
            return
        position = edits.snapped(self._timeline, self._transport.playhead if to is None else to)
        standing = {id(key) for _, keys in edits.lanes_of(self._timeline) for key in keys}
        self._transport.edit("Copy keys", edits.copy_keys(self._timeline, chosen, position))
        copies = [key.time for _, keys in edits.lanes_of(self._timeline) for key in keys if id(key) not in standing]
        if copies and min(copies) - position > edits.SAME_TIME:
            self.report_beside()

    def delete(self, chosen: Chosen) -> None:
        """Delete keys."""
        if chosen and not self.is_closed():
            self._transport.edit("Delete keys", edits.delete_keys(self._timeline, chosen))
            what, them = (f"{len(chosen)} keys", "them") if len(chosen) > 1 else ("a key", "it")
            self._session.status.emit(f"Deleted {what}. {UNDO_HINT} {them}.")

    def set_segments(self, chosen: Chosen, **fields: Any) -> None:
        """Change the interpolation and easing after keys."""
        if chosen:
            self._transport.edit("Interpolation", edits.set_segments(self._timeline, chosen, **fields))
            self._transport.show_again()

    def report_beside(self) -> None:
        """Report that moved or copied keys are beside their target, because other keys have that time."""
        self._session.status.emit("Another key has that time: the moved one is a frame beside it.")

    def _snapshot_for_key(self) -> Snapshot:
        """Return the snapshot to store in a key: the current state, with wandering latents at their base."""
        snapshot = snapshot_of(self._session.state)
        if self._timeline.wander.kind == "none" or not self._transport.has_animation:
            return snapshot
        base = self._transport.player().base_snapshot(self._transport.playhead)
        shown = self._transport.player().snapshot(self._transport.playhead)
        if snapshot.shared.latent == shown.shared.latent:
            snapshot = replace(snapshot, shared=replace(snapshot.shared, latent=base.shared.latent))
        return snapshot

    def _advance(self, position: float) -> None:
        """Move the playhead on by a beat or a second after adding a key, unless that changes the picture."""
        t, session = self._timeline, self._session
        step = 60.0 / t.bpm if t.bpm > 0.0 else 1.0
        to = min(edits.snapped(t, position + step), t.duration)
        is_moving = session.motion.clock.is_playing and any(
            session.motion.is_moving(view) for view in session.visible_views()
        )
        if self._transport.is_playing or is_moving or to <= position:
            return
        if self._transport.player().snapshot(to) != snapshot_of(session.state):
            return
        self._transport.seek(to)
        session.status.emit(f"Added a key at {position:.2f} s. The next one will be at {to:.2f} s.")

    def _view_of(self, name: str) -> int:
        """Return the view that a parameter belongs to: the active one if unlinked, else -1 for the shared look."""
        part = name.partition(".")[0]
        view = self._session.state.views[self._session.active]
        if part == "tap":
            return self._session.active
        return self._session.active if part in ASPECTS and part not in view.linked else -1

    def _report_updated(self, key: str, position: float, is_new: bool) -> None:
        at = f"{key} at {position:.2f} s"
        updated, same = f"Updated {at}. {UNDO_HINT} it.", f"There is {at} already, with this state."
        self._session.status.emit(updated if is_new else same)

    def is_closed(self) -> bool:
        """Report and return True while recording: keys are hidden then, and must not change unseen."""
        if self._transport.is_recording:
            self._session.status.emit("Can't change keys while recording. Ctrl+R ends the recording.")
        return self._transport.is_recording

    def _is_closed_to_new_keys(self) -> bool:
        """Report and return True also where the timeline is a recording, to which keys cannot be added."""
        if self.is_closed():
            return True
        if not self._timeline.performance or self._timeline.keys:
            return False
        aside = self._timeline.aside
        hint = "Right-click the recording to convert it to keys"
        hint += f", or to go back to the {edits.contents(aside)}" if aside is not None and aside.keys else ""
        self._session.status.emit(f"Can't add a key to a recording. {hint}.")
        return True
