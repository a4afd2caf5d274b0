"""Progress on stderr: a line that is rewritten on a terminal, and one for each tenth in a log."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.animation.recorder import Progress

__all__ = ["FilmProgressLine", "ProgressLine"]


class ProgressLine:
    """Tells how far a job is and how long it will take: `progress(done, total)` after each step."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._started = time.monotonic()
        self._told = -1

    def __call__(self, done: int, total: int) -> None:
        """Writes to stderr if there is something new to say."""
        is_terminal = sys.stderr.isatty()
        step = done if is_terminal else 10 * done // total
        if step == self._told:
            return
        self._told = step
        left = (time.monotonic() - self._started) / done * (total - done)
        text = f"{self._what} {done}/{total}, {_span(left)} left"
        sys.stderr.write(f"\r\033[K{text}" if is_terminal else f"{text}\n")
        if is_terminal and done == total:
            sys.stderr.write("\r\033[K")
        sys.stderr.flush()


class FilmProgressLine:
    """Tells how far a film is, with its frames a second."""

    def __init__(self) -> None:
        self._told: object = None
        self._last = 0.0

    def __call__(self, p: Progress) -> None:
        """Writes to stderr if there is something new to say."""
        is_terminal = sys.stderr.isatty()
        if p.words:
            sys.stderr.write(f"\r\033[K{p.words}\n" if is_terminal else f"{p.words}\n")
        now = time.monotonic()
        step = (p.stage, now // 0.2 if is_terminal else 10 * p.done // p.total)
        if step == self._told and p.done != p.total:
            return
        self._told = step
        text = f"{p.stage} {p.done}/{p.total}"
        if p.fps:
            left = round(p.seconds_left)
            text += f", {p.fps:.1f} frames/s, {left // 60}:{left % 60:02d} left"
        if p.size and p.stage != "done":
            from explorer.animation.forecast import size_words  # brings numpy, which no command waits for

            text += f", {size_words(p.size)}"
        sys.stderr.write(f"\r\033[K{text}" if is_terminal else f"{text}\n")
        if is_terminal and p.stage == "done":
            sys.stderr.write("\r\033[K")
        sys.stderr.flush()


def _span(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 90 else f"{round(whole / 60)} min"
