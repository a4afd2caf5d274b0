"""Slit-scans: the pixels under a line of each picture become one column, so that time runs along the page.

Karras et al. 2021 (StyleGAN3), figure 1: during a latent walk, texture that moves with the object draws slanted
streaks; texture that sticks to the pixels draws level ones. With a slit that moves along with the
object it is the opposite: level streaks follow the object, and what shimmers sticks.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import UsageError
from explorer.state import Slit
from explorer.util.steps import Steps, run

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SlitScan", "check_slit", "clamp_slit", "ends_of", "points_of", "sample"]

Matrix = Sequence[float]

MIN_LENGTH = 0.02
"""Minimum length in image widths; a shorter line is a point."""

SAME_TIME = 0.004
"""Seconds: pictures of several views requested within this time belong to one column."""

RESCANNED_TOGETHER = 64
"""Pictures rescanned in one step: about 5 ms, so that the slit follows the pointer."""

MAX_CACHED_BYTES = 48 << 20
"""Pictures cached for each view, so that a slit that moves can scan the past again."""


def points_of(slit: Slit, count: int, matrix: Matrix | None = None) -> NDArray[np.float64]:
    """Return `[count, 2]` points (x, y) along a slit in image widths from the middle, the far (upper) end first.

    Args:
        slit: The line.
        count: Number of points.
        matrix: Forward motion of the picture, 3x3 row by row; moves the line too if it follows. None: no motion.
    """
    angle = math.radians(slit.angle)
    along = slit.length * (0.5 - (np.arange(count) + 0.5) / count)
    points = np.stack([slit.x + along * math.cos(angle), slit.y - along * math.sin(angle)], axis=1)
    if matrix is None or not slit.follows:
        return points
    motion = np.asarray(matrix, np.float64).reshape(3, 3)
    return np.asarray(points @ motion[:2, :2].T + motion[:2, 2])


def ends_of(slit: Slit, matrix: Matrix | None = None) -> NDArray[np.float64]:
    """Return the two ends `[2, 2]` of a slit (x, y) in image widths, the far (upper) one first."""
    first, last = points_of(slit, 2, matrix)  # a quarter of the length from the middle
    return np.stack([1.5 * first - 0.5 * last, 1.5 * last - 0.5 * first])


def sample(picture: NDArray[np.uint8], points: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Sample colours `[N, C]` of `picture` `[H, W, C]` at `points` `[N, 2]`, bilinearly; 0 outside the picture."""
    height, width = picture.shape[:2]
    x = (points[:, 0] + 0.5) * width - 0.5
    y = (points[:, 1] * (width / height) + 0.5) * height - 0.5
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    left, top = np.minimum(x.astype(np.intp), max(width - 2, 0)), np.minimum(y.astype(np.intp), max(height - 2, 0))
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    fx, fy = (x - left)[:, None], (y - top)[:, None]
    upper = picture[top, left] * (1 - fx) + picture[top, right] * fx
    lower = picture[bottom, left] * (1 - fx) + picture[bottom, right] * fx
    colours = np.rint(upper * (1 - fy) + lower * fy)
    return np.where(inside[:, None], colours, 0).astype(np.uint8)


def check_slit(slit: Slit, motions: Sequence[Matrix | None] = (None,), aspect: float = 1.0) -> None:
    """Raise `UsageError` if the slit has no length, or leaves the picture under one of the motions.

    `aspect`: height of the picture in widths.
    """
    numbers = (slit.x, slit.y, slit.angle, slit.length)
    if not all(math.isfinite(v) for v in numbers):
        raise UsageError("The slit has a number that is not finite.", "For example 0,0,90,0.5.")
    if slit.length < MIN_LENGTH:
        raise UsageError(f"A slit of length {slit.length:g} has no pixels under it.", "Choose 0.02 to 1.")
    for matrix in motions:
        reaches = np.abs(ends_of(slit, matrix)).max(axis=0)
        for reach, edge in zip(reaches, (0.5, 0.5 * aspect), strict=True):
            if reach <= edge + 1e-9:
                continue
            moved = " when it follows the motion" if slit.follows and matrix is not None else ""
            raise UsageError(
                f"The slit reaches {reach:.3f} image widths from the middle{moved}; the picture ends at {edge:g}.",
                "Move it towards the middle or make it shorter.",
            )


def clamp_slit(slit: Slit, aspect: float = 1.0) -> Slit:
    """Return the nearest slit that lies within the picture: shortened if necessary, then moved inside.

    `aspect`: height of the picture in widths.
    """
    angle = math.radians(slit.angle)
    wide, high = abs(math.cos(angle)), abs(math.sin(angle))
    length = min(max(slit.length, MIN_LENGTH), 1.0 / max(wide, high / aspect))
    room_x, room_y = 0.5 - 0.5 * length * wide, 0.5 * aspect - 0.5 * length * high
    x, y = (min(max(v, -room), room) for v, room in ((slit.x, room_x), (slit.y, room_y)))
    return Slit(x, y, slit.angle, length, slit.follows)


class SlitScan:
    """Scrolling pictures of several views over one common time; a ring buffer of columns.

    Pictures come with the time for which they were requested, each view at its own rate. A new time is a new column
    of all views; a view without a picture of that time repeats its previous one until a late picture arrives.

    Args:
        views: Number of views.
        columns: Number of moments that are shown.
        samples: Points along the slit.
        channels: Channels of the pictures.
    """

    def __init__(self, views: int, columns: int = 512, samples: int = 128, channels: int = 4) -> None:
        self.columns, self.samples = columns, samples
        self._ring = np.zeros((views, samples, columns, channels), np.uint8)
        self._own = np.zeros((views, columns), bool)  # made from a picture of exactly that time
        self._times: deque[float] = deque(maxlen=columns)
        self._next = 0  # number of the column that the next new time gets
        self._pictures: list[deque[tuple[int, NDArray[np.uint8], Matrix | None]]] = [deque() for _ in range(views)]
        self._cached_bytes = [0] * views

    @property
    def filled(self) -> int:
        """Number of columns with content."""
        return len(self._times)

    def add(
        self, view: int, time: float, picture: NDArray[np.uint8], slit: Slit, matrix: Matrix | None = None
    ) -> None:
        """Add a picture `[H, W, C]` of `view`, requested for `time` seconds, and scan it.

        `matrix`: forward motion of the picture, for slits that follow. Older than everything cached: ignored.
        """
        column = self._column_at(time)
        if column is None:
            return
        self._cache(view, column, picture, matrix)
        colours = sample(picture, points_of(slit, self.samples, matrix))
        self._write(view, column, colours)

    def rescan(self, slit: Slit) -> None:
        """Scan all pictures that are still cached again, along another slit."""
        run(self.rescan_steps(slit))

    def rescan_steps(self, slit: Slit) -> Steps[None]:
        """Do what `rescan` does, the newest pictures first, some a step."""
        cached = [
            (column, view, picture, matrix)
            for view, pictures in enumerate(self._pictures)
            for column, picture, matrix in pictures
        ]
        cached.sort(key=lambda entry: entry[0], reverse=True)
        for number, (column, view, picture, matrix) in enumerate(cached, start=1):
            if column > self._next - 1 - self.columns:  # otherwise the ring buffer has reused it meanwhile
                self._write(view, column, sample(picture, points_of(slit, self.samples, matrix)))
            if number % RESCANNED_TOGETHER == 0:
                yield

    def clear(self) -> None:
        """Start again from empty."""
        self._times.clear()
        self._own[:] = False
        self._ring[:] = 0
        for pictures in self._pictures:
            pictures.clear()
        self._cached_bytes = [0] * len(self._cached_bytes)

    def picture(self, view: int) -> NDArray[np.uint8]:
        """Return the scan `[samples, filled, C]` of a view, the newest column on the right."""
        numbers = np.arange(self._next - self.filled, self._next) % self.columns
        return np.ascontiguousarray(self._ring[view][:, numbers])

    def _column_at(self, time: float) -> int | None:
        """Return the column number of a time; a new column if it is later than all, None if it is too old."""
        if not self._times or time > self._times[-1] + SAME_TIME:
            if self.filled:
                before = (self._next - 1) % self.columns
                self._ring[:, :, self._next % self.columns] = self._ring[:, :, before]
            self._own[:, self._next % self.columns] = False
            self._times.append(time)
            self._next += 1
            return self._next - 1
        for back, at in enumerate(reversed(self._times)):
            if abs(at - time) <= SAME_TIME:
                return self._next - 1 - back
            if at < time:
                return self._next - 1 - back  # between two columns: it belongs to the earlier one
        return None

    def _write(self, view: int, column: int, colours: NDArray[np.uint8]) -> None:
        """Write a column, and the later ones that only repeat what was there before."""
        for number in range(column, self._next):
            slot = number % self.columns
            if number > column and self._own[view, slot]:
                break
            self._ring[view, :, slot] = colours
        self._own[view, column % self.columns] = True

    def _cache(self, view: int, column: int, picture: NDArray[np.uint8], matrix: Matrix | None) -> None:
        pictures = self._pictures[view]
        if pictures and pictures[-1][0] == column:
            self._cached_bytes[view] -= pictures.pop()[1].nbytes
        pictures.append((column, picture, matrix))
        self._cached_bytes[view] += picture.nbytes
        while pictures[0][0] <= self._next - 1 - self.columns or (
            self._cached_bytes[view] > MAX_CACHED_BYTES and len(pictures) > 1
        ):
            self._cached_bytes[view] -= pictures.popleft()[1].nbytes
