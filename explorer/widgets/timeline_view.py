"""The lanes of the timeline: ruler, playhead, keys with thumbnails, parameters, the performance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QContextMenuEvent,
    QGuiApplication,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from explorer.animation.parameters import parameter
from explorer.animation.player import with_pose
from explorer.animation.timeline import SAME_TIME, grid_step, snapped
from explorer.latents.words import latent_words
from explorer.state import look_of
from explorer.widgets.theme import color
from explorer.widgets.thumbs import Thumbs
from explorer.widgets.timeline_paint import KEYS, MARGIN, NAMES, RULER, THUMB, TRACK, LanePainter, value_range

if TYPE_CHECKING:
    from explorer.animation.timeline import Chosen
    from explorer.session import Session
    from explorer.state import ExplorerState, Segment, Timeline

__all__ = ["TimelineView"]

NEAR = 6.0  # px; so near counts as on a key


STROKES = {
    "keys": "Move keys",
    "copy": "Copy keys",
    "stretch": "Retime keys",
    "end": "Duration",
    "value": "Key value",
}
"""Drags that change the timeline, and what undoing them is called."""


@dataclass(slots=True)
class _Drag:
    """What the hand is doing: "seek", "keys", "stretch", "box", "end", or "value"."""

    kind: str
    at: QPointF
    timeline: Timeline  # as it was when the drag began; so is the selection, whose numbers change on the way
    item: tuple[int, int] = (-2, 0)
    chosen: Chosen = frozenset()
    moved: bool = False


class TimelineView(QWidget):
    """Paints a session's timeline and takes the hand's wishes. It holds the selection and the zoom, nothing else.

    `selected` is emitted when another set of keys is chosen; `menu_wanted` with the place of a right click.
    """

    selected = Signal()
    menu_wanted = Signal(object)  # global QPoint

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._chosen: set[tuple[int, int]] = set()
        self._drag: _Drag | None = None
        self._box: QRectF | None = None
        self._zoom, self._left = 1.0, 0.0  # zoom 1 fits the duration; left edge in seconds
        self.thumbs = Thumbs(session, "timeline", self.update, self)
        self._painter = LanePainter(self, session)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Timeline")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        session.changed.connect(self._on_changed)
        session.playhead_moved.connect(self._on_playhead)
        session.recording_changed.connect(self._on_recording)
        session.model_changed.connect(self._on_model_changed)
        self._recording_timer = QTimer(self, interval=50)
        self._recording_timer.timeout.connect(self.update)

    # -- facts ---------------------------------------------------------------------------------------------

    @property
    def timeline(self) -> Timeline:
        """The one shown."""
        return self._session.timeline

    @property
    def chosen(self) -> Chosen:
        """The selected keys, as (lane, number)."""
        return frozenset(item for item in self._chosen if self._exists(item))

    def first_segment(self) -> Segment | None:
        """The way from the first selected key; None without a selection."""
        chosen = sorted(self.chosen)
        if not chosen:
            return None
        lane, number = chosen[0]
        return (self.timeline.keys if lane < 0 else self.timeline.tracks[lane].keys)[number].segment

    def choose(self, items: set[tuple[int, int]]) -> None:
        """Selects keys."""
        if items != self._chosen:
            self._chosen = set(items)
            self.selected.emit()
            self.update()

    def _exists(self, item: tuple[int, int]) -> bool:
        lane, number = item
        t = self.timeline
        return number < (len(t.keys) if lane < 0 else len(t.tracks[lane].keys) if lane < len(t.tracks) else 0)

    def sizeHint(self) -> QSize:
        return QSize(480, int(RULER + KEYS + TRACK * min(4, len(self.timeline.tracks))) + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(240, int(RULER + KEYS) + 4)

    # -- geometry ------------------------------------------------------------------------------------------

    @property
    def scale(self) -> float:
        """Pixels a second."""
        room = max(self.width() - NAMES - 2 * MARGIN, 50.0)
        return room / self._span * self._zoom

    @property
    def _span(self) -> float:
        return max(self.timeline.duration, self._session.recorded_seconds)

    def x_of(self, time: float) -> float:
        """Where a time is, in pixels."""
        return NAMES + MARGIN + (time - self._left) * self.scale

    def time_at(self, x: float) -> float:
        """The time at a place, not below 0."""
        return max(0.0, (x - NAMES - MARGIN) / self.scale + self._left)

    def lane_top(self, lane: int) -> float:
        """The upper edge of a lane: -1 keys, then the tracks."""
        return RULER if lane < 0 else RULER + KEYS + lane * TRACK

    def key_at(self, point: QPointF) -> tuple[int, int] | None:
        """The key under a point."""
        best, found = NEAR + 1.0, None
        for lane, numbers in self._lanes():
            top = self.lane_top(lane)
            if not top <= point.y() < top + (KEYS if lane < 0 else TRACK):
                continue
            near = THUMB / 2 if lane < 0 and point.y() < top + THUMB + 4 else NEAR
            for number, time in numbers:
                distance = abs(self.x_of(time) - point.x())
                if distance <= near and distance < max(best, near):
                    best, found = distance, (lane, number)
        return found

    def _lanes(self) -> list[tuple[int, list[tuple[int, float]]]]:
        t = self.timeline
        keys = [(-1, [(i, key.time) for i, key in enumerate(t.keys)])]
        return keys + [(lane, [(i, k.time) for i, k in enumerate(tr.keys)]) for lane, tr in enumerate(t.tracks)]

    # -- hands ---------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self.setFocus()
        item = self.key_at(at)
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if item is not None:
            if shift:
                self.choose(self._chosen ^ {item})
            elif item not in self._chosen:
                self.choose({item})
            kind = "stretch" if control and len(self.chosen) > 1 else "copy" if alt else "keys"
            self._drag = _Drag(kind, at, self.timeline, item, self.chosen)
        elif at.y() < RULER and at.x() > NAMES:
            near_end = abs(at.x() - self.x_of(self.timeline.duration)) <= NEAR
            self._drag = _Drag("end" if near_end and not shift else "seek", at, self.timeline)
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
        hands: dict[str, Callable[[QPointF, _Drag], None]] = {
            "seek": lambda p, d: self._seek(p),
            "keys": self._move,
            "copy": self._copy,
            "stretch": self._stretch,
            "end": self._drag_end,
            "value": self._set_value,
            "box": self._select_box,
        }
        hands[drag.kind](at, drag)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drag, self._drag = self._drag, None
        self._box = None
        if drag is None:
            return
        if drag.kind in STROKES:
            if drag.moved:
                self._session.commit()
            elif drag.kind == "keys" and drag.item in self._chosen:
                self._session.seek(self._time_of(drag.item))
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if at.x() <= NAMES or at.y() < RULER or self.key_at(at) is not None:
            return
        time = snapped(self.timeline, self.time_at(at.x()))
        if at.y() < RULER + KEYS:
            self._session.add_key(time)
        else:
            lane = int((at.y() - RULER - KEYS) // TRACK)
            if lane < len(self.timeline.tracks):
                self._session.add_value_key(self.timeline.tracks[lane].parameter, time=time)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        item = self.key_at(QPointF(event.pos()))
        if item is not None and item not in self._chosen:
            self.choose({item})
        self.menu_wanted.emit(event.globalPos())

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn = event.angleDelta().y() or event.angleDelta().x()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            x = event.position().x()
            held = self.time_at(x)
            self._zoom = min(max(self._zoom * 1.2 ** (turn / 120), 1.0), 400.0)
            self._left = held - (x - NAMES - MARGIN) / self.scale
        else:
            self._left -= turn / 120 * 40 / self.scale
        self._left = min(max(self._left, 0.0), self._span * (1.0 - 1.0 / self._zoom))
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
            self._session.pause_timeline()
            self._session.seek(min(self._session.playhead + step, self.timeline.duration))
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        # A text field would take these keys before the window's shortcuts do; so does the timeline.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_Escape):
                event.accept()
                return True
        elif event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self._tip(QPointF(event.pos())), self)
            return True
        return super().event(event)

    def delete_chosen(self) -> None:
        """Deletes the selected keys."""
        chosen = self.chosen
        self.choose(set())
        self._session.delete_keys(chosen)

    def _seek(self, at: QPointF) -> None:
        self._session.seek(min(snapped(self.timeline, self.time_at(at.x())), self.timeline.duration))

    def _time_of(self, item: tuple[int, int], timeline: Timeline | None = None) -> float:
        t = timeline or self.timeline
        lane, number = item
        return t.keys[number].time if lane < 0 else t.tracks[lane].keys[number].time

    def _shift(self, at: QPointF, drag: _Drag) -> float:
        """How far the dragged key goes, in seconds; it is the one that snaps."""
        start = self._time_of(drag.item, drag.timeline)
        return snapped(self.timeline, start + (at.x() - drag.at.x()) / self.scale) - start

    def _move(self, at: QPointF, drag: _Drag) -> None:
        times = {item: self._time_of(item, drag.timeline) for item in drag.chosen}
        by = max(self._shift(at, drag), -min(times.values()))
        self._session.move_keys(drag.timeline, drag.chosen, by)
        self._follow({(item[0], time + by) for item, time in times.items()})

    def _copy(self, at: QPointF, drag: _Drag) -> None:
        from explorer.animation.timeline import copy_keys

        times = {item: self._time_of(item, drag.timeline) for item in drag.chosen}
        first = min(times.values())
        to = max(0.0, first + self._shift(at, drag))
        self._session.edit_timeline("Copy keys", copy_keys(drag.timeline, drag.chosen, to))
        self._follow({(item[0], time - first + to) for item, time in times.items()})

    def _stretch(self, at: QPointF, drag: _Drag) -> None:
        times = {item: self._time_of(item, drag.timeline) for item in drag.chosen}
        anchor = min(times.values())
        start = self._time_of(drag.item, drag.timeline)
        if start - anchor < SAME_TIME:
            return
        factor = max((start + self._shift(at, drag) - anchor) / (start - anchor), 0.01)
        self._session.stretch_keys(drag.timeline, drag.chosen, anchor, factor)
        self._follow({(item[0], anchor + factor * (time - anchor)) for item, time in times.items()})

    def _follow(self, places: set[tuple[int, float]]) -> None:
        """The selection stays on its keys though their numbers change when they pass others."""
        lanes = dict(self._lanes())
        self._chosen = {
            (lane, i)
            for lane, wanted in places
            for i, time in lanes.get(lane, [])
            if abs(time - wanted) < 10 * SAME_TIME
        }
        self.update()

    def _drag_end(self, at: QPointF, drag: _Drag) -> None:
        end = drag.timeline.duration + (at.x() - drag.at.x()) / self.scale
        self._session.set_timeline(duration=max(snapped(self.timeline, end), 0.1))

    def _set_value(self, at: QPointF, drag: _Drag) -> None:
        """Up and down in its lane: a parameter's key changes its value; with Shift held at a tenth of the speed."""
        lane, number = drag.item
        track = drag.timeline.tracks[lane]
        low, high = value_range(track)
        is_fine = bool(QGuiApplication.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier)
        steps = (drag.at.y() - at.y()) / (TRACK - 10) * (0.1 if is_fine else 1.0)
        value = track.keys[number].value + steps * (high - low)
        info = parameter(track.parameter)
        self._session.set_value_key(lane, number, min(max(value, info.low), info.high))

    def _select_box(self, at: QPointF, drag: _Drag) -> None:
        self._box = QRectF(drag.at, at).normalized()
        found = set()
        for lane, numbers in self._lanes():
            top = self.lane_top(lane)
            if self._box.bottom() >= top and self._box.top() < top + (KEYS if lane < 0 else TRACK):
                left, right = self._box.left(), self._box.right()
                found |= {(lane, i) for i, time in numbers if left <= self.x_of(time) <= right}
        self.choose(found)
        self.update()

    def _show_cursor(self, at: QPointF) -> None:
        if at.y() < RULER and abs(at.x() - self.x_of(self.timeline.duration)) <= NEAR:
            self.setCursor(Qt.CursorShape.SizeHorCursor)
        elif self.key_at(at) is not None:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        else:
            self.unsetCursor()

    def _tip(self, at: QPointF) -> str:
        item = self.key_at(at)
        if item is None:
            if at.y() < RULER:
                return "Drag to scrub; drag the end mark to change the duration (s)"
            return "Double-click adds a key here; Ctrl+wheel zooms; drag selects"
        lane, number = item
        if lane < 0:
            key = self.timeline.keys[number]
            words = latent_words(look_of(self.posed(number), self._session.active).latent)
            hint = "Drag moves, Alt+drag copies, Ctrl+drag stretches several, Del deletes"
            return f"{key.time:.2f} s: {words}\n{hint}"
        track = self.timeline.tracks[lane]
        value = track.keys[number]
        p = parameter(track.parameter)
        return f"{value.time:.2f} s: {p.title} {value.value:.3g} {p.unit}"

    # -- from the session ----------------------------------------------------------------------------------

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        if old.timeline is not new.timeline:
            if len(old.timeline.tracks) != len(new.timeline.tracks):
                self.updateGeometry()
            if self._drag is None and not self._chosen <= self.chosen:
                self.choose(set(self.chosen))
            self.selected.emit()
            self.update()

    @Slot(float)
    def _on_playhead(self, place: float) -> None:
        if self._zoom > 1.0 and self._session.is_playing:
            right = self.time_at(self.width() - MARGIN)
            if not self._left <= place <= right:
                self._left = min(place, self._span * (1.0 - 1.0 / self._zoom))
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
        self.thumbs.clear()
        self.update()

    def posed(self, number: int) -> ExplorerState:
        """The state in the pose of a key."""
        return with_pose(self._session.store.state, self.timeline.keys[number].pose)

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        self._painter.paint(p)
        if self._box is not None:
            p.setPen(QPen(color("accent"), 1))
            p.setBrush(color("accent", 40))
            p.drawRect(self._box)
        p.end()
