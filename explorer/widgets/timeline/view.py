"""The timeline widget: ruler, playhead, keys with thumbnails, tracks, and the recorded performance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QContextMenuEvent,
    QGuiApplication,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.latents.descriptions import describe_latent
from explorer.state.parameters import parameter
from explorer.state.timeline_edits import SAME_TIME, contents, copy_keys, grid_step, lanes_of, snapped
from explorer.widgets.controls.event_filters import claim_keys, positional_tooltip
from explorer.widgets.controls.theme import color
from explorer.widgets.controls.thumbnails import Thumbnails
from explorer.widgets.timeline.lanes import KEYS, NAMES, RULER, TRACK, TRACKS, Item, Lanes, track_title, value_range
from explorer.widgets.timeline.paint import LanePainter, look_at

if TYPE_CHECKING:
    from explorer.session import Session
    from explorer.state import ExplorerState, Segment, Timeline
    from explorer.state.timeline_edits import Chosen

__all__ = ["TimelineView"]

STROKES = {
    "keys": "Move keys",
    "copy": "Copy keys",
    "stretch": "Retime keys",
    "end": "Duration",
    "value": "Key value",
}
"""Undo names of the drags that change the timeline."""


@dataclass(slots=True)
class _Drag:
    """A drag in progress; `kind` is "seek", "keys", "copy", "stretch", "box", "end", or "value"."""

    kind: str
    at: QPointF
    timeline: Timeline  # when the drag began, as is the selection, whose indices change during it
    item: Item = (-2, 0)
    chosen: Chosen = frozenset()
    moved: bool = False
    is_beside: bool = False  # a key is beside the pointer, because another key has that time


class TimelineView(QWidget):
    """Shows a session's timeline and handles input. It holds only the selection.

    `selected` is emitted when the selection changes, `menu_requested` with the position of a right click.
    """

    selected = Signal()
    menu_requested = Signal(object)  # global QPoint

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._transport = session, session.transport
        self._chosen: set[Item] = set()
        self._drag: _Drag | None = None
        self._is_dragging = False  # true while changes of the timeline come from this drag
        self._box: QRectF | None = None
        self.lanes = Lanes(session.transport)
        self.thumbnails = Thumbnails(session, "timeline", self.update, self)
        self._painter = LanePainter(self.lanes, session, self.thumbnails)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        claim_keys(self, lambda event: event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_Escape))
        positional_tooltip(self, self._tip)
        self.setAccessibleName("Timeline")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        session.changed.connect(self._on_changed)
        self._transport.playhead_moved.connect(self._on_playhead)
        self._transport.recording_changed.connect(self._on_recording)
        session.model_changed.connect(self._on_model_changed)
        self._recording_timer = QTimer(self, interval=50)
        self._recording_timer.timeout.connect(self.update)

    # -- selection -----------------------------------------------------------------------------------------

    @property
    def timeline(self) -> Timeline:
        """The timeline shown."""
        return self._transport.timeline

    @property
    def chosen(self) -> Chosen:
        """The selected keys, as (lane, number)."""
        return frozenset(item for item in self._chosen if self.lanes.has(item))

    def first_segment(self) -> Segment | None:
        """Return the segment after the first selected key; None without a selection."""
        chosen = sorted(self.chosen)
        if not chosen:
            return None
        lane, number = chosen[0]
        return (self.timeline.keys if lane < 0 else self.timeline.tracks[lane].keys)[number].segment

    def choose(self, items: set[Item]) -> None:
        """Select keys."""
        if items != self._chosen:
            self._chosen = set(items)
            self.selected.emit()
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(480, int(RULER + KEYS + TRACK * TRACKS) + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(240, int(RULER + KEYS) + 4)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.lanes.width, self.lanes.height = float(self.width()), float(self.height())
        super().resizeEvent(event)

    # -- input ---------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self.setFocus()
        if self.lanes.is_switch(at):
            self._transport.exchange()
            return
        item = self.lanes.key_at(at) if not self._transport.is_recording else None
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if item is not None:
            if shift:
                self.choose(self._chosen ^ {item})
            elif item not in self._chosen:
                self.choose({item})
            kind = "stretch" if control and len(self.chosen) > 1 else "copy" if alt else "keys"
            if item in self._chosen:  # Shift may have deselected it: then there is nothing to drag
                self._drag = _Drag(kind, at, self.timeline, item, self.chosen)
        elif at.y() < RULER and at.x() > NAMES:
            self._drag = _Drag("end" if self.lanes.is_end_mark(at) and not shift else "seek", at, self.timeline)
            if self._drag.kind == "seek":
                self._seek(at)
        elif at.x() > NAMES:
            if not shift:
                self.choose(set())
            self._drag = _Drag("box", at, self.timeline)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at, drag = event.position(), self._drag
        if drag is None:
            self._show_cursor(at)
            return
        if not drag.moved and (at - drag.at).manhattanLength() < 3 and drag.kind != "seek":
            return
        if not drag.moved:
            drag.moved = True
            goes_up = abs(at.y() - drag.at.y()) > abs(at.x() - drag.at.x())
            if drag.kind == "keys" and drag.item[0] >= 0 and len(drag.chosen) == 1 and goes_up:
                drag.kind = "value"
            if drag.kind in STROKES:
                self._session.begin(STROKES[drag.kind])
        handlers: dict[str, Callable[[QPointF, _Drag], None]] = {
            "seek": lambda p, d: self._seek(p),
            "keys": self._move,
            "copy": self._copy,
            "stretch": self._stretch,
            "end": self._drag_end,
            "value": self._set_value,
            "box": self._select_box,
        }
        self._is_dragging = True
        handlers[drag.kind](at, drag)
        self._is_dragging = False

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drag = self._end_drag()
        if drag is not None and drag.kind == "keys" and not drag.moved and drag.item in self._chosen:
            self._transport.seek(self._time_of(drag.item))

    def hideEvent(self, event: QHideEvent) -> None:
        # A hidden widget receives no release event: the stroke would never end.
        self._end_drag()

    def _end_drag(self) -> _Drag | None:
        """End the drag and its undo step; return the drag."""
        drag, self._drag, self._box = self._drag, None, None
        if drag is not None and drag.kind in STROKES and drag.moved:
            self._session.commit()
            if drag.is_beside:
                self._transport.keys.report_beside()
        self.update()
        return drag

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if at.x() <= NAMES or at.y() < RULER or self.lanes.key_at(at) is not None:
            return
        time = snapped(self.timeline, self.lanes.time_at(at.x()))
        if at.y() < RULER + KEYS:
            self._transport.keys.add(time)
        else:
            lane = self.lanes.track_at(at.y())
            if lane is not None:
                track = self.timeline.tracks[lane]
                self._transport.keys.add_value(track.parameter, time=time, view=track.view)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        item = self.lanes.key_at(QPointF(event.pos()))
        if item is not None and item not in self._chosen:
            self.choose({item})
        self.menu_requested.emit(event.globalPos())

    def wheelEvent(self, event: QWheelEvent) -> None:
        steps = (event.angleDelta().y() or event.angleDelta().x()) / 120
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.lanes.zoom(event.position().x(), steps)
        elif event.position().y() < RULER + KEYS or not self.lanes.scroll_tracks(steps):
            self.lanes.scroll(steps)
        self.update()
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape and self._drag is not None:
            chosen, self._drag, self._box = self._drag.chosen, None, None
            self._session.cancel()
            self.choose(set(chosen))
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete_chosen()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            step = float(grid_step(self.timeline)) * (-1 if key == Qt.Key.Key_Left else 1)
            self._transport.pause()
            self._transport.seek(min(self._transport.playhead + step, self.timeline.duration))
        else:
            super().keyPressEvent(event)

    def delete_chosen(self) -> None:
        """Delete the selected keys."""
        chosen = self.chosen
        self.choose(set())
        self._transport.keys.delete(chosen)

    def _seek(self, at: QPointF) -> None:
        self._transport.seek(min(snapped(self.timeline, self.lanes.time_at(at.x())), self.timeline.duration))

    def _time_of(self, item: tuple[int, int], timeline: Timeline | None = None) -> float:
        t = timeline or self.timeline
        lane, number = item
        return t.keys[number].time if lane < 0 else t.tracks[lane].keys[number].time

    def _shift(self, at: QPointF, drag: _Drag) -> float:
        """Return by how many seconds the dragged key moves; only this key is snapped."""
        start = self._time_of(drag.item, drag.timeline)
        return snapped(self.timeline, start + (at.x() - drag.at.x()) / self.lanes.scale) - start

    def _move(self, at: QPointF, drag: _Drag) -> None:
        times = {item: self._time_of(item, drag.timeline) for item in drag.chosen}
        by = max(self._shift(at, drag), -min(times.values()))
        self._transport.keys.move(drag.timeline, drag.chosen, by)
        self._follow(drag, {(item[0], time + by) for item, time in times.items()})

    def _copy(self, at: QPointF, drag: _Drag) -> None:
        times = {item: self._time_of(item, drag.timeline) for item in drag.chosen}
        first = min(times.values())
        to = max(0.0, first + self._shift(at, drag))
        self._transport.edit("Copy keys", copy_keys(drag.timeline, drag.chosen, to))
        self._follow(drag, {(item[0], time - first + to) for item, time in times.items()})

    def _stretch(self, at: QPointF, drag: _Drag) -> None:
        times = {item: self._time_of(item, drag.timeline) for item in drag.chosen}
        anchor = min(times.values())
        start = self._time_of(drag.item, drag.timeline)
        if start - anchor < SAME_TIME:
            return
        factor = max((start + self._shift(at, drag) - anchor) / (start - anchor), 0.01)
        self._transport.keys.stretch(drag.timeline, drag.chosen, anchor, factor)
        self._follow(drag, {(item[0], anchor + factor * (time - anchor)) for item, time in times.items()})

    def _follow(self, drag: _Drag, wanted: set[tuple[int, float]]) -> None:
        """Keep the selection on its keys though their indices change; note whether all are at the wanted times.

        Moved keys are new objects, unmoved ones the same.
        """
        standing = {id(key) for _, keys in lanes_of(drag.timeline) for key in keys}
        found = {
            (lane, i): key.time
            for lane, keys in lanes_of(self.timeline)
            for i, key in enumerate(keys)
            if id(key) not in standing
        }
        self._chosen = set(found)
        drag.is_beside = not all(
            any(lane == item[0] and abs(time - wanted_time) < 10 * SAME_TIME for item, time in found.items())
            for lane, wanted_time in wanted
        )
        self.update()

    def _drag_end(self, at: QPointF, drag: _Drag) -> None:
        end = drag.timeline.duration + (at.x() - drag.at.x()) / self.lanes.scale
        self._transport.set_timeline(duration=max(snapped(self.timeline, end), 0.1))

    def _set_value(self, at: QPointF, drag: _Drag) -> None:
        """Change the value of a parameter's key by a vertical drag; Shift makes it ten times finer."""
        lane, number = drag.item
        track = drag.timeline.tracks[lane]
        low, high = value_range(track)
        is_fine = bool(QGuiApplication.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier)
        steps = (drag.at.y() - at.y()) / (TRACK - 10) * (0.1 if is_fine else 1.0)
        value = track.keys[number].value + steps * (high - low)
        info = parameter(track.parameter)
        self._transport.keys.set_value(lane, number, min(max(value, info.low), info.high))

    def _select_box(self, at: QPointF, drag: _Drag) -> None:
        self._box = QRectF(drag.at, at).normalized()
        self.choose(self.lanes.keys_in(self._box))
        self.update()

    def _show_cursor(self, at: QPointF) -> None:
        if self.lanes.is_switch(at):
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        elif self.lanes.is_end_mark(at):
            self.setCursor(Qt.CursorShape.SizeHorCursor)
        elif self.lanes.key_at(at) is not None:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        else:
            self.unsetCursor()

    def _tip(self, at: QPointF) -> str:
        aside = self.timeline.aside
        if self.lanes.is_switch(at) and aside is not None:
            return f"Use the {contents(aside).removeprefix('a ')}; the current one is set aside"
        item = self.lanes.key_at(at)
        if item is None:
            if at.y() < RULER:
                return "Drag to scrub; drag the end mark to change the duration (s)"
            return "Double-click to add a key here; Ctrl+wheel to zoom; drag to select"
        lane, number = item
        if lane < 0:
            key = self.timeline.keys[number]
            latent = describe_latent(look_at(key, self._session).latent)
            hint = "Drag to move, Alt+drag to copy, Ctrl+drag to stretch the selection, Del to delete"
            return f"{key.time:.2f} s: {latent}\n{hint}"
        track = self.timeline.tracks[lane]
        value = track.keys[number]
        p = parameter(track.parameter)
        return f"{value.time:.2f} s: {track_title(track)} {value.value:.3g} {p.long_unit or p.unit}"

    # -- from the session ----------------------------------------------------------------------------------

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        if old.timeline is not new.timeline:
            if self._drag is not None and not self._is_dragging:
                self._end_drag()  # it moves the keys as they were when it began: new ones would be lost
            if len(old.timeline.tracks) < len(new.timeline.tracks):
                self.lanes.show_track(len(new.timeline.tracks) - 1)
            if self._drag is None and not self._chosen <= self.chosen:
                self.choose(set(self.chosen))
            self.selected.emit()
            self.update()

    @Slot(float)
    def _on_playhead(self, position: float) -> None:
        if self._transport.is_playing:
            self.lanes.follow(position)
        self.update()

    @Slot(bool)
    def _on_recording(self, is_recording: bool) -> None:
        if is_recording:
            self._recording_timer.start()
        else:
            self._recording_timer.stop()
        self.update()

    @Slot(int)
    def _on_model_changed(self, view: int) -> None:
        self.thumbnails.clear()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        self._painter.paint(p, self.font(), self.chosen)
        if self._box is not None:
            p.setPen(QPen(color("accent"), 1))
            p.setBrush(color("accent", 40))
            p.drawRect(self._box)
        p.end()
