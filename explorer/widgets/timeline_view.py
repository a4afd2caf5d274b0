"""The lanes of the timeline: ruler, playhead, keys with thumbnails, parameters, the performance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QContextMenuEvent,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from explorer.animation.parameters import parameter
from explorer.animation.player import with_pose
from explorer.animation.timeline import SAME_TIME, grid_step, snapped
from explorer.latents.words import latent_words
from explorer.state import look_of
from explorer.widgets.theme import color, value_font
from explorer.widgets.thumbs import Thumbs, paint_thumb

if TYPE_CHECKING:
    from explorer.animation.timeline import Chosen
    from explorer.session import Session
    from explorer.state import ExplorerState, Segment, Timeline

__all__ = ["TimelineView"]

NAMES = 104.0  # px; the column of lane names
RULER = 20.0
KEYS = 54.0
THUMB = 40.0
TRACK = 26.0
NEAR = 6.0  # px; so near counts as on a key
MARGIN = 24.0  # px between the names and time 0, and behind the end: keys there need room for their thumbnails


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
        self._thumbs = Thumbs(session, "timeline", self.update, self)
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
    def _scale(self) -> float:
        """Pixels a second."""
        room = max(self.width() - NAMES - 2 * MARGIN, 50.0)
        return room / self._span * self._zoom

    @property
    def _span(self) -> float:
        return max(self.timeline.duration, self._session.recorded_seconds)

    def x_of(self, time: float) -> float:
        """Where a time is, in pixels."""
        return NAMES + MARGIN + (time - self._left) * self._scale

    def time_at(self, x: float) -> float:
        """The time at a place, not below 0."""
        return max(0.0, (x - NAMES - MARGIN) / self._scale + self._left)

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
            names = {"keys": "Move keys", "copy": "Copy keys", "stretch": "Retime keys", "end": "Duration"}
            if drag.kind in names:
                self._session.begin(names[drag.kind])
        hands: dict[str, Callable[[QPointF, _Drag], None]] = {
            "seek": lambda p, d: self._seek(p),
            "keys": self._move,
            "copy": self._copy,
            "stretch": self._stretch,
            "end": self._drag_end,
            "box": self._select_box,
        }
        hands[drag.kind](at, drag)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drag, self._drag = self._drag, None
        self._box = None
        if drag is None:
            return
        if drag.kind in ("keys", "copy", "stretch", "end"):
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
            self._left = held - (x - NAMES - MARGIN) / self._scale
        else:
            self._left -= turn / 120 * 40 / self._scale
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
        return snapped(self.timeline, start + (at.x() - drag.at.x()) / self._scale) - start

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
        end = drag.timeline.duration + (at.x() - drag.at.x()) / self._scale
        self._session.set_timeline(duration=max(snapped(self.timeline, end), 0.1))

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
            words = latent_words(look_of(self._posed(number), self._session.active).latent)
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
        self._thumbs.clear()
        self.update()

    def _posed(self, number: int) -> ExplorerState:
        return with_pose(self._session.store.state, self.timeline.keys[number].pose)

    # -- painting ------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        p.fillRect(self.rect(), color("sunken"))
        p.setFont(value_font(self.font()))
        self._paint_ruler(p)
        self._paint_lanes(p)
        p.save()
        p.setClipRect(QRectF(NAMES, 0, self.width() - NAMES, self.height()))
        self._paint_performance(p)
        self._paint_tracks(p)
        self._paint_keys(p)
        self._paint_playhead(p)
        p.restore()
        if self._box is not None:
            p.setPen(QPen(color("accent"), 1))
            p.setBrush(color("accent", 40))
            p.drawRect(self._box)
        p.end()

    def _paint_ruler(self, p: QPainter) -> None:
        p.fillRect(QRectF(0, 0, self.width(), RULER), color("panel"))
        if self.timeline.bpm > 0.0:
            self._paint_beats(p)
            return
        step = _nice_step(70.0 / self._scale)
        first = int(self.time_at(NAMES) / step)
        metrics = QFontMetricsF(p.font())
        for n in range(first, int(self.time_at(self.width()) / step) + 2):
            x = self.x_of(n * step)
            if x < NAMES:
                continue
            p.setPen(QPen(color("border"), 1))
            p.drawLine(QPointF(x, RULER - 5), QPointF(x, self.height()))
            if abs(x - self.x_of(self.timeline.duration)) < 16.0:
                continue  # the end mark is there
            text = _clock(n * step, step)
            p.setPen(color("muted"))
            p.drawText(QPointF(x - metrics.horizontalAdvance(text) / 2, RULER - 7), text)

    def _paint_beats(self, p: QPainter) -> None:
        beat = 60.0 / self.timeline.bpm
        every = 1
        while every * beat * self._scale < 26.0:
            every *= 2 if every < 4 else 4
        first = int(self.time_at(NAMES) / beat) // every * every
        for n in range(first, int(self.time_at(self.width()) / beat) + 2, every):
            x = self.x_of(n * beat)
            if x < NAMES:
                continue
            is_bar = n % 4 == 0
            p.setPen(QPen(color("faint" if is_bar else "border"), 1))
            p.drawLine(QPointF(x, RULER - (8 if is_bar else 4)), QPointF(x, self.height()))
            if is_bar:
                text = f"{n // 4 + 1}"
                p.setPen(color("muted"))
                p.drawText(QPointF(x + 3, RULER - 7), text)

    def _paint_lanes(self, p: QPainter) -> None:
        t = self.timeline
        end = self.x_of(t.duration)
        p.fillRect(QRectF(max(end, NAMES), RULER, self.width(), self.height()), color("window", 150))
        p.setPen(QPen(color("muted"), 1))
        p.setBrush(color("muted"))
        if end >= NAMES:
            p.drawLine(QPointF(end, 4), QPointF(end, self.height()))
            p.drawPolygon(QPolygonF([QPointF(end, 4), QPointF(end - 6, 4), QPointF(end, 12)]))
        rows = [("Keys" if not t.performance or t.keys else "Performance", RULER, KEYS)]
        rows += [(parameter(tr.parameter).title, self.lane_top(i), TRACK) for i, tr in enumerate(t.tracks)]
        metrics = QFontMetricsF(p.font())
        p.fillRect(QRectF(0, 0, NAMES, self.height()), color("panel"))
        for name, top, height in rows:
            p.setPen(QPen(color("border"), 1))
            p.drawLine(QPointF(0, top + height), QPointF(self.width(), top + height))
            p.setPen(color("muted"))
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, NAMES - 14)
            box = QRectF(8, top, NAMES - 10, height)
            p.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
        if not t.keys and not t.performance and not self._session.is_recording:
            p.setPen(color("faint"))
            box = QRectF(NAMES + MARGIN, RULER, self.width() - NAMES - MARGIN, KEYS)
            hint = "K adds a key of everything at the playhead;  Ctrl+R records what your hands do"
            p.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, hint)

    def _paint_keys(self, p: QPainter) -> None:
        keys = self.timeline.keys
        top = self.lane_top(-1)
        middle = top + KEYS - 7
        times = [key.time for key in keys]
        for i, key in enumerate(keys):
            if i + 1 < len(keys):
                held = key.segment.interpolation == "hold"
                pen = QPen(color("faint"), 1.5, Qt.PenStyle.DotLine if held else Qt.PenStyle.SolidLine)
                p.setPen(pen)
                p.drawLine(QPointF(self.x_of(times[i]), middle), QPointF(self.x_of(times[i + 1]), middle))
        last_right = -1e9
        for i in range(len(keys)):
            x = self.x_of(times[i])
            is_chosen = (-1, i) in self._chosen
            if NAMES - THUMB < x < self.width() + THUMB and (x - THUMB / 2 >= last_right or is_chosen):
                look = look_of(self._posed(i), self._session.active)
                box = QRectF(x - THUMB / 2, top + 2, THUMB, THUMB)
                image = self._thumbs.get(f"{hash(look)}", look)
                paint_thumb(p, image, box, mark=color("accent") if is_chosen else None)
                last_right = x + THUMB / 2 - 8
            self._diamond(p, QPointF(x, middle), chosen=is_chosen)

    def _diamond(self, p: QPainter, at: QPointF, *, chosen: bool, size: float = 5.0) -> None:
        p.setPen(QPen(color("sunken"), 1))
        p.setBrush(color("accent" if chosen else "muted"))
        steps = ((0.0, -size), (size, 0.0), (0.0, size), (-size, 0.0))
        p.drawPolygon(QPolygonF([at + QPointF(*step) for step in steps]))

    def _paint_tracks(self, p: QPainter) -> None:
        for lane, track in enumerate(self.timeline.tracks):
            if not track.keys:
                continue
            info = parameter(track.parameter)
            values = [key.value for key in track.keys]
            low, high = min(info.low, *values), max(info.high, *values)
            top = self.lane_top(lane) + 5

            span = max(high - low, 1e-9)

            def y_of(value: float, low: float = low, span: float = span, top: float = top) -> float:
                return top + (TRACK - 10) * (1.0 - (value - low) / span)

            player = self._session.player()
            line = QPolygonF()
            for x in range(int(NAMES), self.width(), 3):
                time = self.time_at(x)
                if time <= self.timeline.duration and x >= self.x_of(0.0):
                    line.append(QPointF(x, y_of(player.track_value(track, time))))
            p.setPen(QPen(color("accent", 150), 1.5))
            p.setBrush(Qt.BrushStyle.NoBrush)
            p.drawPolyline(line)
            for i, key in enumerate(track.keys):
                at = QPointF(self.x_of(key.time), y_of(key.value))
                self._diamond(p, at, chosen=(lane, i) in self._chosen, size=4.5)

    def _paint_performance(self, p: QPainter) -> None:
        samples = self.timeline.performance
        if self._session.is_recording:
            right = self.x_of(self._session.recorded_seconds)
            p.fillRect(QRectF(self.x_of(0.0), RULER + 8, right - self.x_of(0.0), KEYS - 16), color("warn", 90))
            p.setPen(color("text"))
            text = f"recording  {self._session.recorded_seconds:.1f} s"
            p.drawText(QPointF(self.x_of(0.0) + 8, RULER + KEYS / 2 + 4), text)
            return
        if not samples or self.timeline.keys:
            return
        left = self.x_of(samples[0].time)
        box = QRectF(left, RULER + 8, self.x_of(self.timeline.duration) - left, KEYS - 16)
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(color("accent", 45))
        p.drawRoundedRect(box, 4, 4)
        p.setPen(QPen(color("accent", 140), 1))
        last = -1e9
        for sample in samples:  # one line for each moment at which the hand moved
            x = self.x_of(sample.time)
            if x - last >= 1.0:
                p.drawLine(QPointF(x, box.bottom() - 8), QPointF(x, box.bottom() - 1))
                last = x
        p.setPen(color("text"))
        words = f"{len(samples)} changes in {self.timeline.duration:.1f} s; right click turns them into keys"
        p.drawText(QPointF(left + 8, RULER + 24), words)

    def _paint_playhead(self, p: QPainter) -> None:
        x = self.x_of(self._session.recorded_seconds if self._session.is_recording else self._session.playhead)
        p.setPen(QPen(color("accent"), 1.5))
        p.drawLine(QPointF(x, 2), QPointF(x, self.height()))
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(color("accent"))
        p.drawPolygon(QPolygonF([QPointF(x - 5, 1), QPointF(x + 5, 1), QPointF(x, 9)]))


def _nice_step(least: float) -> float:
    """The smallest pleasant step of seconds of at least `least`."""
    for step in (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600):
        if step >= least:
            return float(step)
    return 7200.0


def _clock(time: float, step: float) -> str:
    minutes, seconds = divmod(time, 60.0)
    text = f"{seconds:.2f}" if step < 0.1 else f"{seconds:.1f}" if step < 1 else f"{seconds:.0f}"
    return f"{int(minutes)}:{text.zfill(2)}" if minutes else f"{text} s"
