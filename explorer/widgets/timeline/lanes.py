"""The geometry of the timeline: maps positions in the widget to times, lanes and keys; zoom and scrolling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.state.parameters import parameter
from explorer.util.view_marks import letter

if TYPE_CHECKING:
    from PySide6.QtCore import QPointF, QRectF

    from explorer.session.transport import Transport
    from explorer.state import Timeline, Track

__all__ = [
    "KEYS", "MARGIN", "NAMES", "NEAR", "RULER", "THUMB", "TRACK", "TRACKS", "Item", "Lanes", "name_of",
    "track_title", "value_range",
]  # fmt: skip

NAMES = 104.0  # px; width of the lane names
RULER = 20.0
KEYS = 54.0
THUMB = 40.0
TRACK = 26.0
TRACKS = 2  # space is reserved for this many, so that a new track does not move the ruler
MARGIN = 24.0  # px before time 0 and after the end: space for the thumbnails of keys there
NEAR = 6.0  # px; largest distance at which a key is hit

Item = tuple[int, int]
"""A key: its lane (-1 for keys of the whole state, then the tracks) and its index there."""


def value_range(track: Track) -> tuple[float, float]:
    """Return the values at the lower and upper edges of a track's lane."""
    info = parameter(track.parameter)
    values = [key.value for key in track.keys]
    return min([info.low, *values]), max([info.high, *values])


def track_title(track: Track) -> str:
    """Return the title of a track: its parameter, after the letter of its view if it belongs to one."""
    title = parameter(track.parameter).title
    return title if track.view < 0 else f"{letter(track.view)}  {title}"


def name_of(timeline: Timeline) -> str:
    """Return the display name of a timeline's main lane."""
    return "Recording" if timeline.performance and not timeline.keys else "Keys"


class Lanes:
    """Layout of the timeline in widget pixels; `width` and `height` are the widget's."""

    def __init__(self, transport: Transport) -> None:
        self.width, self.height = 480.0, RULER + KEYS
        self._transport = transport
        self._zoom, self._left = 1.0, 0.0  # zoom 1 fits the duration; left edge in seconds
        self._down = 0.0  # px by which the tracks are scrolled

    @property
    def timeline(self) -> Timeline:
        """The timeline shown."""
        return self._transport.timeline

    # -- time ----------------------------------------------------------------------------------------------

    @property
    def scale(self) -> float:
        """Pixels per second."""
        space = max(self.width - NAMES - 2 * MARGIN, 50.0)
        return space / self._span * self._zoom

    @property
    def _span(self) -> float:
        return max(self.timeline.duration, self._transport.recorded_seconds)

    def x_of(self, time: float) -> float:
        """Return the x coordinate of a time."""
        return NAMES + MARGIN + (time - self._left) * self.scale

    def time_at(self, x: float) -> float:
        """Return the time at an x coordinate, at least 0."""
        return max(0.0, (x - NAMES - MARGIN) / self.scale + self._left)

    def is_end_mark(self, point: QPointF) -> bool:
        """Return whether a point is on the end mark."""
        return point.y() < RULER and abs(point.x() - self.x_of(self.timeline.duration)) <= NEAR

    def zoom(self, x: float, steps: float) -> None:
        """Zoom in by a number of steps, keeping the time at `x` in place."""
        held = self.time_at(x)
        self._zoom = min(max(self._zoom * 1.2**steps, 1.0), 400.0)
        self._scroll_to(held - (x - NAMES - MARGIN) / self.scale)

    def scroll(self, steps: float) -> None:
        """Scroll the lanes right by a number of steps."""
        self._scroll_to(self._left - steps * 40 / self.scale)

    def follow(self, time: float) -> None:
        """Scroll so that `time` is visible."""
        if self._zoom > 1.0 and not self._left <= time <= self.time_at(self.width - MARGIN):
            self._left = min(time, self._span * (1.0 - 1.0 / self._zoom))

    def _scroll_to(self, left: float) -> None:
        self._left = min(max(left, 0.0), self._span * (1.0 - 1.0 / self._zoom))

    def choices(self) -> list[tuple[str, bool]]:
        """Return the names of the timelines, from top to bottom, and whether each is the current one."""
        t = self.timeline
        if self._transport.is_recording:
            return [("Recording", True)]
        found = [(name_of(t), True)] + ([(name_of(t.aside), False)] if t.aside is not None else [])
        return sorted(found, key=lambda choice: choice[0])

    def is_switch(self, point: QPointF) -> bool:
        """Return whether a point is on the name of the timeline that is set aside."""
        choices, fraction = self.choices(), (point.y() - RULER) / KEYS
        on_names = len(choices) > 1 and point.x() < NAMES and 0.0 <= fraction < 1.0
        return on_names and not choices[int(2 * fraction)][1]

    # -- lanes and keys ------------------------------------------------------------------------------------

    def top(self, lane: int) -> float:
        """Return the y coordinate of a lane's upper edge; tracks scroll under the keys."""
        return RULER if lane < 0 else RULER + KEYS + lane * TRACK - self.down

    @property
    def down(self) -> float:
        """Scroll offset of the tracks in pixels, limited to what does not fit."""
        space = self.height - RULER - KEYS
        return min(self._down, max(0.0, len(self.timeline.tracks) * TRACK - space))

    def scroll_tracks(self, steps: float) -> bool:
        """Scroll the tracks down by a number of steps; return False if all of them are visible."""
        before, self._down = self.down, 1e9
        most = self.down
        self._down = min(max(before - steps * TRACK, 0.0), most)
        return most > 0.0

    def show_track(self, lane: int) -> None:
        """Scroll so that a track is visible."""
        top = lane * TRACK
        space = max(self.height - RULER - KEYS, TRACK)
        self._down = min(max(self.down, top + TRACK - space), top)

    def bottom(self, lane: int) -> float:
        """Return the y coordinate of a lane's lower edge."""
        return self.top(lane) + (KEYS if lane < 0 else TRACK)

    def track_at(self, y: float) -> int | None:
        """Return the index of the track at a y coordinate, or None."""
        if y < RULER + KEYS:
            return None
        lane = int((y - RULER - KEYS + self.down) // TRACK)
        return lane if 0 <= lane < len(self.timeline.tracks) else None

    def times(self) -> list[tuple[int, list[float]]]:
        """Return every lane with the times of its keys."""
        t = self.timeline
        lanes = [(-1, [key.time for key in t.keys])]
        return lanes + [(lane, [key.time for key in track.keys]) for lane, track in enumerate(t.tracks)]

    def has(self, item: Item) -> bool:
        """Return whether the timeline has this key."""
        lane, number = item
        t = self.timeline
        return number < (len(t.keys) if lane < 0 else len(t.tracks[lane].keys) if lane < len(t.tracks) else 0)

    def key_at(self, point: QPointF) -> Item | None:
        """Return the key at a point, or None."""
        best, found = NEAR + 1.0, None
        for lane, times in self.times():
            top = self.top(lane)
            is_covered = lane >= 0 and point.y() < RULER + KEYS
            if is_covered or not top <= point.y() < self.bottom(lane):
                continue
            near = THUMB / 2 if lane < 0 and point.y() < top + THUMB + 4 else NEAR
            for number, time in enumerate(times):
                distance = abs(self.x_of(time) - point.x())
                if distance <= near and distance < max(best, near):
                    best, found = distance, (lane, number)
        return found

    def keys_in(self, box: QRectF) -> set[Item]:
        """Return the keys inside a box."""
        return {
            (lane, number)
            for lane, times in self.times()
            if box.bottom() >= self.top(lane) and box.top() < self.bottom(lane)
            for number, time in enumerate(times)
            if box.left() <= self.x_of(time) <= box.right()
        }
