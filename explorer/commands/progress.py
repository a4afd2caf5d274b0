"""Progress on stderr: a line that is rewritten on a terminal, and one per 10 % in a log."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING

from explorer.util import console
from explorer.util.program_name import program_name
from explorer.util.signals import Stopped

if TYPE_CHECKING:
    from explorer.animation.recorder import Progress, Recorder
    from explorer.util.report import Report

__all__ = ["FilmProgressLine", "ProgressLine", "StageLine", "make_film"]


class ProgressLine:
    """Shows progress and time left: call `progress(done, total)` after each step.

    Args:
        what: What is done.
        before: Number of steps that an earlier run has done.
    """

    def __init__(self, what: str, before: int = 0) -> None:
        self._what, self._before = what, before
        self._started = time.monotonic()
        self._last_step = -1
        self._status = console.Status()

    def __call__(self, done: int, total: int) -> None:
        """Write to stderr if the progress is worth a new line."""
        step = done if self._status.is_live else 10 * done // total
        if step == self._last_step:
            return
        self._last_step = step
        now = done - self._before
        left = (time.monotonic() - self._started) / now * (total - done) if now > 0 else 0.0
        self._status.show(f"{self._what} {done}/{total}" + (f", {_span(left)} left" if now > 0 else ""))
        if done == total:
            self._status.clear()


class StageLine:
    """Shows the step that a job of several steps is at."""

    def __init__(self) -> None:
        self._stage = ""
        self._status = console.Status()

    def __call__(self, report: Report[None]) -> None:
        """Write to stderr if there is a new step."""
        if report.stage != self._stage:
            self._stage = report.stage
            self._status.show(f"{report.stage} \u2026")

    def clear(self) -> None:
        """Remove the line from a terminal."""
        self._status.clear()


class FilmProgressLine:
    """Shows the progress of a film, with its frames per second."""

    def __init__(self) -> None:
        self._last_step: object = None
        self._status = console.Status()

    def __call__(self, p: Progress) -> None:
        """Write to stderr if the progress is worth a new line."""
        if p.note:
            self._status.clear()
            console.note(p.note)
        step = (p.stage, time.monotonic() // 0.2 if self._status.is_live else 10 * p.done // p.total)
        if step == self._last_step and p.done != p.total:
            return
        self._last_step = step
        text = f"{p.stage} {p.done}/{p.total}"
        if p.rate:
            left = round(p.seconds_left)
            text += f", {p.rate:.1f} frames/s, {left // 60}:{left % 60:02d} left"
        if p.value.size and p.stage != "done":
            from explorer.animation.forecast import size_text  # brings numpy, which no command waits for

            text += f", {size_text(p.value.size)}"
        self._status.show(text)
        if p.stage == "done":
            self._status.clear()


def make_film(recorder: Recorder) -> None:
    """Render a film, or resume it, and print its path; if a signal ends it, print how to resume it."""
    from explorer.animation.job import is_unfinished, job_path

    path = recorder.job.path
    try:
        console.out_path(recorder.run(FilmProgressLine()))
    except (Stopped, KeyboardInterrupt):
        if is_unfinished(path):
            command = f"{program_name()} video {shlex.quote(str(job_path(path)))}"
            console.note(f"latentwalk: the finished part of {path.name} is kept; continue with: {command}")
        raise


def _span(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 90 else f"{round(whole / 60)} min"
