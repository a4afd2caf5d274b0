"""Paints the timeline's lanes: ruler or beats, keys with thumbnails, tracks, the performance, the playhead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen, QPolygonF

from explorer.animation.player import with_snapshot
from explorer.state import look_of
from explorer.widgets.controls.theme import color, value_font
from explorer.widgets.controls.thumbnails import Thumbnails, paint_thumbnail
from explorer.widgets.timeline.lanes import (
    KEYS,
    MARGIN,
    NAMES,
    RULER,
    THUMB,
    TRACK,
    Lanes,
    track_title,
    value_range,
)

if TYPE_CHECKING:
    from PySide6.QtGui import QFont

    from explorer.session import Session
    from explorer.state import Keyframe, Look
    from explorer.state.timeline_edits import Chosen

__all__ = ["LanePainter", "look_at"]


def look_at(key: Keyframe, session: Session) -> Look:
    """Return the look of the active view at a key."""
    return look_of(with_snapshot(session.state, key.pose), session.active)


class LanePainter:
    """Paints a session's timeline; it has no state of its own.

    Args:
        lanes: Layout of the timeline.
        session: The session whose timeline is painted.
        thumbnails: Pictures of keys.
    """

    def __init__(self, lanes: Lanes, session: Session, thumbnails: Thumbnails) -> None:
        self._lanes, self._session, self._thumbnails = lanes, session, thumbnails
        self._transport = session.transport

    def paint(self, p: QPainter, font: QFont, chosen: Chosen) -> None:
        """Paint everything, with the selected keys marked."""
        lanes = self._lanes
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        p.fillRect(QRectF(0, 0, lanes.width, lanes.height), color("sunken"))
        p.setFont(value_font(font))
        self._paint_ruler(p)
        self._paint_lanes(p)
        p.save()
        p.setClipRect(QRectF(NAMES, 0, lanes.width - NAMES, lanes.height))
        p.save()
        p.setClipRect(QRectF(NAMES, RULER + KEYS, lanes.width - NAMES, lanes.height))  # below the keys
        self._paint_tracks(p, chosen)
        p.restore()
        if not self._transport.is_recording:  # the recording is painted in the same area as keys
            self._paint_keys(p, chosen)
        self._paint_performance(p)
        self._paint_playhead(p)
        p.restore()

    def _paint_ruler(self, p: QPainter) -> None:
        p.fillRect(QRectF(0, 0, self._lanes.width, RULER), color("panel"))
        if self._lanes.timeline.bpm > 0.0:
            self._paint_beats(p)
            return
        step = _nice_step(70.0 / self._lanes.scale)
        first = int(self._lanes.time_at(NAMES) / step)
        metrics = QFontMetricsF(p.font())
        for n in range(first, int(self._lanes.time_at(self._lanes.width) / step) + 2):
            x = self._lanes.x_of(n * step)
            if x < NAMES:
                continue
            p.setPen(QPen(color("border"), 1))
            p.drawLine(QPointF(x, RULER - 5), QPointF(x, self._lanes.height))
            if abs(x - self._lanes.x_of(self._lanes.timeline.duration)) < 16.0:
                continue  # the end mark is painted there
            text = _clock(n * step, step)
            p.setPen(color("muted"))
            p.drawText(QPointF(x - metrics.horizontalAdvance(text) / 2, RULER - 7), text)

    def _paint_beats(self, p: QPainter) -> None:
        beat = 60.0 / self._lanes.timeline.bpm
        every = 1
        while every * beat * self._lanes.scale < 26.0:
            every *= 2 if every < 4 else 4
        first = int(self._lanes.time_at(NAMES) / beat) // every * every
        for n in range(first, int(self._lanes.time_at(self._lanes.width) / beat) + 2, every):
            x = self._lanes.x_of(n * beat)
            if x < NAMES:
                continue
            is_bar = n % 4 == 0
            p.setPen(QPen(color("faint" if is_bar else "border"), 1))
            p.drawLine(QPointF(x, RULER - (8 if is_bar else 4)), QPointF(x, self._lanes.height))
            if is_bar:
                text = f"{n // 4 + 1}"
                p.setPen(color("muted"))
                p.drawText(QPointF(x + 3, RULER - 7), text)

    def _paint_lanes(self, p: QPainter) -> None:
        t = self._lanes.timeline
        end = self._lanes.x_of(t.duration)
        p.fillRect(QRectF(max(end, NAMES), RULER, self._lanes.width, self._lanes.height), color("window", 150))
        p.setPen(QPen(color("muted"), 1))
        p.setBrush(color("muted"))
        if end >= NAMES:
            p.drawLine(QPointF(end, 4), QPointF(end, self._lanes.height))
            p.drawPolygon(QPolygonF([QPointF(end, 4), QPointF(end - 6, 4), QPointF(end, 12)]))
        choices = self._lanes.choices()
        rows = [(choices[0][0] if len(choices) == 1 else "", RULER, KEYS)]
        rows += [(track_title(tr), self._lanes.top(i), TRACK) for i, tr in enumerate(t.tracks)]
        metrics = QFontMetricsF(p.font())
        p.fillRect(QRectF(0, 0, NAMES, self._lanes.height), color("panel"))
        for i, (name, top, height) in enumerate(rows):
            p.setClipRect(QRectF(0, RULER + KEYS * (i > 0), self._lanes.width, self._lanes.height))
            p.setPen(QPen(color("border"), 1))
            p.drawLine(QPointF(0, top + height), QPointF(self._lanes.width, top + height))
            p.setPen(color("muted"))
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, NAMES - 14)
            box = QRectF(8, top, NAMES - 10, height)
            p.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
        p.setClipping(False)
        if len(choices) > 1:
            self._paint_switch(p, choices)
        if not t.keys and not t.performance and not self._transport.is_recording:
            p.setPen(color("caption"))
            box = QRectF(NAMES + MARGIN, RULER, self._lanes.width - NAMES - MARGIN, KEYS)
            hint = "K adds a key of the whole state at the playhead;  Ctrl+R records what you do"
            flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
            p.drawText(box, int(flags) | int(Qt.TextFlag.TextWordWrap), hint)

    def _paint_switch(self, p: QPainter, choices: list[tuple[str, bool]]) -> None:
        """Paint the names of the current timeline and of the one set aside, to choose from."""
        for i, (name, is_used) in enumerate(choices):
            middle = RULER + KEYS * (0.25 + 0.5 * i)
            p.setPen(QPen(color("accent" if is_used else "faint"), 1.5))
            p.setBrush(color("accent") if is_used else Qt.BrushStyle.NoBrush)
            p.drawEllipse(QPointF(13, middle), 4, 4)
            p.setPen(color("text" if is_used else "muted"))
            box = QRectF(23, middle - KEYS / 4, NAMES - 24, KEYS / 2)
            p.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)

    def _paint_keys(self, p: QPainter, chosen: Chosen) -> None:
        keys = self._lanes.timeline.keys
        top = self._lanes.top(-1)
        middle = top + KEYS - 7
        times = [key.time for key in keys]
        for i, key in enumerate(keys):
            if i + 1 < len(keys):
                held = key.segment.interpolation == "hold"
                pen = QPen(color("faint"), 1.5, Qt.PenStyle.DotLine if held else Qt.PenStyle.SolidLine)
                p.setPen(pen)
                start, end = (QPointF(self._lanes.x_of(time), middle) for time in times[i : i + 2])
                p.drawLine(start, end)
        if self._lanes.timeline.loop == "seamless" and len(keys) > 1:
            p.setPen(QPen(color("faint"), 1.5, Qt.PenStyle.DashLine))
            ends = (times[-1], self._lanes.timeline.duration)
            p.drawLine(*(QPointF(self._lanes.x_of(time), middle) for time in ends))
        last_right = -1e9
        for i, key in enumerate(keys):
            x = self._lanes.x_of(times[i])
            is_chosen = (-1, i) in chosen
            if NAMES - THUMB < x < self._lanes.width + THUMB and (x - THUMB / 2 >= last_right or is_chosen):
                look = look_at(key, self._session)
                box = QRectF(x - THUMB / 2, top + 2, THUMB, THUMB)
                image = self._thumbnails.get(f"{hash(look)}", look)
                paint_thumbnail(p, image, box, mark=color("accent") if is_chosen else None)
                last_right = x + THUMB / 2 - 8
            self._diamond(p, QPointF(x, middle), chosen=is_chosen)

    def _diamond(self, p: QPainter, at: QPointF, *, chosen: bool, size: float = 5.0) -> None:
        p.setPen(QPen(color("sunken"), 1))
        p.setBrush(color("accent" if chosen else "muted"))
        steps = ((0.0, -size), (size, 0.0), (0.0, size), (-size, 0.0))
        p.drawPolygon(QPolygonF([at + QPointF(*step) for step in steps]))

    def _paint_tracks(self, p: QPainter, chosen: Chosen) -> None:
        for lane, track in enumerate(self._lanes.timeline.tracks):
            if not track.keys:
                continue
            low, high = value_range(track)
            top = self._lanes.top(lane) + 5
            span = max(high - low, 1e-9)

            def y_of(value: float, low: float = low, span: float = span, top: float = top) -> float:
                return top + (TRACK - 10) * (1.0 - (value - low) / span)

            player = self._transport.player()
            line = QPolygonF()
            for x in range(int(NAMES), int(self._lanes.width), 3):
                time = self._lanes.time_at(x)
                if time <= self._lanes.timeline.duration and x >= self._lanes.x_of(0.0):
                    line.append(QPointF(x, y_of(player.track_value(track, time))))
            p.setPen(QPen(color("accent", 150), 1.5))
            p.setBrush(Qt.BrushStyle.NoBrush)
            p.drawPolyline(line)
            for i, key in enumerate(track.keys):
                at = QPointF(self._lanes.x_of(key.time), y_of(key.value))
                self._diamond(p, at, chosen=(lane, i) in chosen, size=4.5)

    def _paint_performance(self, p: QPainter) -> None:
        samples = self._lanes.timeline.performance
        if self._transport.is_recording:
            left, right = self._lanes.x_of(0.0), self._lanes.x_of(self._transport.recorded_seconds)
            p.fillRect(QRectF(left, RULER + 8, right - left, KEYS - 16), color("warn", 90))
            p.setPen(color("text"))
            text = f"Recording  {self._transport.recorded_seconds:.1f} s"
            p.drawText(QPointF(self._lanes.x_of(0.0) + 8, RULER + KEYS / 2 + 4), text)
            return
        if not samples or self._lanes.timeline.keys:
            return
        left = self._lanes.x_of(samples[0].time)
        box = QRectF(left, RULER + 8, self._lanes.x_of(self._lanes.timeline.duration) - left, KEYS - 16)
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(color("accent", 45))
        p.drawRoundedRect(box, 4, 4)
        p.setPen(QPen(color("accent", 140), 1))
        last = -1e9
        for sample in samples:  # one line for each recorded change
            x = self._lanes.x_of(sample.time)
            if x - last >= 1.0:
                p.drawLine(QPointF(x, box.bottom() - 8), QPointF(x, box.bottom() - 1))
                last = x
        p.setPen(color("text"))
        seconds = self._lanes.timeline.duration
        changes = f"{len(samples)} change{'s' * (len(samples) != 1)}"
        summary = f"{changes}, {seconds:.1f} s. Right-click to convert to keys."
        p.drawText(QPointF(left + 8, RULER + 24), summary)

    def _paint_playhead(self, p: QPainter) -> None:
        transport = self._transport
        x = self._lanes.x_of(transport.recorded_seconds if transport.is_recording else transport.playhead)
        p.setPen(QPen(color("accent"), 1.5))
        p.drawLine(QPointF(x, 2), QPointF(x, self._lanes.height))
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(color("accent"))
        p.drawPolygon(QPolygonF([QPointF(x - 5, 1), QPointF(x + 5, 1), QPointF(x, 9)]))


def _nice_step(least: float) -> float:
    """Return the smallest round step, in seconds, of at least `least`."""
    for step in (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600):
        if step >= least:
            return float(step)
    return 7200.0


def _clock(time: float, step: float) -> str:
    minutes, seconds = divmod(time, 60.0)
    text = f"{seconds:.2f}" if step < 0.1 else f"{seconds:.1f}" if step < 1 else f"{seconds:.0f}"
    return f"{int(minutes)}:{text.zfill(2)}" if minutes else f"{text} s"
