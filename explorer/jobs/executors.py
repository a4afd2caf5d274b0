"""Executors of jobs: in the calling thread, or in a separate thread beside the window.

Between the frames of a render thread it is `explorer.render.job_run`; on a cluster `explorer.jobs.cluster`.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from explorer.errors import LatentwalkError
from explorer.jobs.checkpoint import Checkpoints
from explorer.jobs.rate import RateMeter
from explorer.jobs.registry import JOBS, begin, control_of, failure_of
from explorer.util.priority import lower_priority

if TYPE_CHECKING:
    from explorer.jobs.checkpoint import Checkpoint, OnCheckpoint
    from explorer.jobs.job import Job, JobContext, JobSpec, Report
    from explorer.util.control import Control

__all__ = ["Handle", "ThreadHandle", "drive", "run_inline"]

log = logging.getLogger("explorer.jobs")

OnReport: TypeAlias = "Callable[[Report[Any]], object]"
OnEnd: TypeAlias = "Callable[[object, LatentwalkError | None], object]"

REPORT_EVERY_S = 0.1


def drive(
    job: Job[Any],
    control: Control,
    on_report: OnReport = lambda report: None,
    on_checkpoint: OnCheckpoint | None = None,
) -> Any:
    """Take a job's steps in the calling thread, and give its last value; None if it reported nothing.

    Args:
        job: The job.
        control: Pauses and cancels it.
        on_report: Called with each report.
        on_checkpoint: Saves what a resumable job needs to go on, every few seconds and however it ends.

    Raises:
        CancelledError: `control` asked for it; the job has cleaned up.
        LatentwalkError: What the job raises.
    """
    last: Any = None
    meter, checkpoints = RateMeter(), Checkpoints(job, on_checkpoint)
    try:
        while True:
            control.check()
            try:
                report = meter.next(job)
            except StopIteration:
                return last
            if report is not None:
                last = report.value
                on_report(report)
            checkpoints.after_step()
    finally:
        checkpoints.at_end()
        close = getattr(job, "close", None)
        if close is not None:  # iterators without one hold nothing
            close()


def run_inline(
    spec: JobSpec,
    context: JobContext | None = None,
    on_report: OnReport = lambda report: None,
    control: Control | None = None,
    *,
    checkpoint: Checkpoint | None = None,
    on_checkpoint: OnCheckpoint | None = None,
) -> Any:
    """Do a job in the calling thread, and give its last value.

    Args:
        spec: What to do.
        context: Of the spec's request.
        on_report: Called with each report.
        control: Pauses and cancels it, from other threads or from `on_report`.
        checkpoint: Go on from there.
        on_checkpoint: As in `drive`.

    Raises:
        LatentwalkError: What the job raises.
    """
    with _inference(context):
        job = begin(spec, context, checkpoint)
        return drive(job, control or control_of(spec.kind), on_report, on_checkpoint)


class Handle:
    """A job under way, in the hands of who began it. Any thread."""

    def __init__(self, control: Control) -> None:
        self._control = control

    @property
    def is_paused(self) -> bool:
        """True while it holds."""
        return self._control.is_paused

    def pause(self) -> None:
        """Hold before the next step."""
        self._control.pause()

    def resume(self) -> None:
        """Go on."""
        self._control.resume()

    def cancel(self) -> None:
        """End before the next step; it ends with CancelledError."""
        self._control.cancel()


class ThreadHandle(Handle):
    """Begin a job that opens its models itself, in a thread of low priority. It must know no widget.

    Args:
        spec: What to do.
        on_report: Called from the thread, at most ten times a second for each stage; notes and ends are never left
            out.
        on_end: Called from the thread with the job's last value, or with the error that ended it.
        checkpoint: Go on from there.
        on_checkpoint: As in `drive`, called from the thread.
    """

    def __init__(
        self,
        spec: JobSpec,
        on_report: OnReport,
        on_end: OnEnd,
        *,
        checkpoint: Checkpoint | None = None,
        on_checkpoint: OnCheckpoint | None = None,
    ) -> None:
        super().__init__(control_of(spec.kind))
        kind = JOBS[spec.kind]
        arguments = (spec, self._control, on_report, on_end, checkpoint, on_checkpoint)
        self._thread = threading.Thread(target=_run, args=arguments, name=kind.title, daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """True until its thread has ended."""
        return self._thread.is_alive()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for it, so many seconds at most; True if it has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()


def _run(
    spec: JobSpec,
    control: Control,
    on_report: OnReport,
    on_end: OnEnd,
    checkpoint: Checkpoint | None,
    on_checkpoint: OnCheckpoint | None,
) -> None:
    lower_priority(10)  # the preview goes first; torch's workers of this thread inherit it
    try:
        last = drive(begin(spec, None, checkpoint), control, _Sometimes(on_report), on_checkpoint)
    except LatentwalkError as error:
        on_end(None, error.with_traceback(None))
    except Exception as error:  # whatever it is, somebody waits for the end
        log.exception("%s failed", JOBS[spec.kind].title)
        on_end(None, failure_of(spec.kind, error))
    else:
        on_end(last, None)


class _Sometimes:
    """Pass reports on ten times a second; those of a new stage, with a note or at an end always."""

    def __init__(self, on_report: OnReport) -> None:
        self._on_report = on_report
        self._stage, self._last = "", 0.0

    def __call__(self, report: Report[Any]) -> None:
        now = time.monotonic()
        is_new = report.stage != self._stage or report.note or report.done == report.total
        if is_new or now - self._last >= REPORT_EVERY_S:
            self._stage, self._last = report.stage, now
            self._on_report(report)


def _inference(context: JobContext | None) -> contextlib.AbstractContextManager[Any]:
    """Return inference mode for jobs that render in their context, as the render thread does."""
    if context is None:
        return contextlib.nullcontext()
    import torch

    return torch.inference_mode()
