"""How fast a job is, whoever takes its steps: by the time spent in them, so that pauses do not count."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.jobs.job import Job, Report

__all__ = ["RateMeter"]


class RateMeter:
    """Takes a job's steps and gives its reports the rate, unless the job says one itself.

    Args:
        clock: Seconds, from any time on.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stage, self._spent, self._from = "", 0.0, 0

    def next(self, job: Job[Any]) -> Report[Any] | None:
        """Take the next step. Raises StopIteration at the end, and what the job raises."""
        began = self._clock()
        report = next(job)
        self._spent += self._clock() - began
        if report is None or report.rate:
            return report
        if report.stage != self._stage:  # what the stage before took says nothing about this one
            self._stage, self._spent, self._from = report.stage, 0.0, report.done
        done = report.done - self._from
        return replace(report, rate=done / self._spent) if done > 0 and self._spent > 0 else report
