"""Logging of a training run: log lines with the time left, `metrics.csv`, sheets of samples.

Logging never ends a run: if the disk is full, training continues without it.
"""

from __future__ import annotations

import csv
import io
import logging
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from explorer.training import history, run_dir
from explorer.training.snapshot import save_sheet
from explorer.util.atomic_write import atomic_write

if TYPE_CHECKING:
    from explorer.training.base_trainer import BaseTrainer

__all__ = ["Pace", "RunLogger"]

log = logging.getLogger("explorer.training")

REPORT_S = 20.0
_COLUMNS = ("kimg", "seconds", "per_second")  # in front of the trainer's own


class Pace:
    """Recent pictures per second; the average would mislead, as later phases have far slower steps.

    Args:
        now: Seconds on a monotonic clock.
        images_seen: Images so far.
        marks: Number of calls of `at` that count as recent.
    """

    def __init__(self, now: float, images_seen: int, marks: int = 6) -> None:
        self._marks = deque([(now, images_seen)], maxlen=marks)

    def at(self, now: float, images_seen: int) -> float:
        """Return the pace over the last calls, with `images_seen` pictures at `phase` seconds."""
        since, before = self._marks[0]
        self._marks.append((now, images_seen))
        return (images_seen - before) / max(now - since, 1e-9)


class RunLogger:
    """Log of one run, in its folder. Only the main process has one."""

    def __init__(self, trainer: BaseTrainer) -> None:
        self._trainer, self._out = trainer, trainer.settings.out
        self._began = self._reported = self._drawn = time.monotonic()
        self._started_at = trainer.images_seen
        self._pace = Pace(self._began, trainer.images_seen)

    def begin(self) -> None:
        """Continue the log of a resumed run: drop entries that are newer than its checkpoint."""
        _forget_rows(self._out / "metrics.csv", self._started_at / 1000)
        history.record(self._out, run_dir.describe(self._trainer.settings), self._started_at)

    def note(self, now: float) -> None:
        """Log what is due after a step, at `phase` seconds."""
        if now - self._reported >= REPORT_S:
            self._reported = now
            self._report(now)
        if now - self._drawn >= self._trainer.settings.samples_s:
            self._drawn = now
            self._draw()

    def end(self, now: float) -> None:
        """Write the last line and the last sheet."""
        self._draw()
        if self._trainer.images_seen > self._started_at:
            self._report(now)

    def _draw(self) -> None:
        path = self._out / "samples" / f"{self._trainer.images_seen // 1000:06d}.png"
        state = torch.get_rng_state()  # sampling must not change training's random numbers
        try:
            save_sheet(path, self._trainer.samples())
        except OSError as error:
            _tell_unwritten(path, error)
        torch.set_rng_state(state)

    def _report(self, now: float) -> None:
        t, s = self._trainer, self._trainer.settings
        rate = self._pace.at(now, t.images_seen)
        left = (s.total_kimg * 1000 - t.images_seen) / max(rate, 1e-9)
        left = max(0.0, min(left, s.time_limit_s - (now - self._began)))
        row = {"kimg": t.images_seen / 1000, "seconds": round(t.seconds, 1), "per_second": round(rate, 2)}
        row |= {name: round(value, 4) for name, value in t.metrics.items()}
        slower = " at this pace; later steps take longer" if t.has_slower_ahead else ""
        log.info("%s; %.0f min left%s", ", ".join(f"{k} {v}" for k, v in row.items()), left / 60, slower)
        path = self._out / "metrics.csv"
        try:
            _append_row(path, row, (*_COLUMNS, *t.metric_names))
        except OSError as error:
            _tell_unwritten(path, error)


def _append_row(path: Path, row: dict[str, float], columns: Sequence[str]) -> None:
    """Append a row with the columns that the file has, or `columns` if it is new. Raises OSError."""
    fresh = not path.exists() or not path.stat().st_size
    if not fresh:
        columns = history.text_of(path).partition("\n")[0].split(",")
    lines = io.StringIO()
    writer = csv.DictWriter(lines, columns, extrasaction="ignore")
    if fresh:
        writer.writeheader()
    writer.writerow(row)
    history.append(path, lines.getvalue())


def _forget_rows(path: Path, kimg: float) -> None:
    """Drop truncated rows and those after the last checkpoint, which are written again."""
    if not path.is_file():
        return
    whole = history.metrics(path)
    kept = whole[:1] + [row for row in whole[1:] if float(row.split(",")[0]) <= kimg]
    text = "".join(f"{row}\n" for row in kept)
    if text == history.text_of(path):
        return
    try:
        with atomic_write(path, is_lone_writer=True) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:
        _tell_unwritten(path, error)


def _tell_unwritten(path: Path, error: OSError) -> None:
    """Warn and let training continue."""
    log.warning("%s could not be written, training continues: %s", path, error.strerror or error)
