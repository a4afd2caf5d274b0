"""Jobs in the render thread: one step at a time, as idle tasks between requests, until it is done or ended."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from explorer.errors import LatentwalkError
from explorer.jobs.checkpoint import ResumableJob
from explorer.jobs.rate import RateMeter
from explorer.jobs.registry import begin
from explorer.render.devices import classify_error
from explorer.util.control import Control
from explorer.util.tracebacks import release_frames

if TYPE_CHECKING:
    from explorer.jobs.checkpoint import Checkpoint
    from explorer.jobs.job import Job, JobContext, JobSpec, Report
    from explorer.state.request import RenderRequest

__all__ = ["JobEvent", "JobRun"]

log = logging.getLogger("explorer.render")


@dataclass(frozen=True, slots=True, eq=False)
class JobEvent:
    """An event of a job: a report, its end (`is_done`), or the error that ended it. Immutable; crosses threads."""

    key: str
    view: int
    run: JobRun
    report: Report[Any] | None = None
    error: Exception | None = None
    is_done: bool = False


@dataclass(slots=True, eq=False)
class JobRun:
    """A running job. Any thread may pause and cancel it by `control`; the rest belongs to the render thread."""

    key: str
    view: int
    spec: JobSpec
    control: Control = field(default_factory=Control)
    was_retried: bool = False
    _checkpoint: Checkpoint | None = field(default=None, repr=False)
    _job: Job[Any] | None = field(default=None, repr=False)
    _meter: RateMeter = field(default_factory=RateMeter, repr=False)

    @property
    def request(self) -> RenderRequest:
        """The job's request, which every job of the render thread has."""
        assert self.spec.request is not None
        return self.spec.request

    def step(self, context: Callable[[RenderRequest], JobContext], publish: Callable[[JobEvent], None]) -> bool:
        """Run the next step and publish its report; return False at the end of the job.

        Raises:
            Exception: The device is lost or out of memory. The next step starts the job again, or resumes it from
                its last checkpoint.
        """
        if self.control.is_cancelled:
            self._job = None
            return False
        try:
            if self._job is None:
                self._job, self._meter = begin(self.spec, context(self.request), self._checkpoint), RateMeter()
            report = self._meter.next(self._job)
        except StopIteration:
            self._job = None
            publish(JobEvent(self.key, self.view, self, is_done=True))
            return False
        except Exception as error:  # jobs may raise anything: device errors go on, others end the job
            job, self._job = self._job, None
            if classify_error(error) != "other":
                self._checkpoint = job.checkpoint() if isinstance(job, ResumableJob) else None
                raise
            self.fail(error, publish)
            return False
        if report is not None and not self.control.is_cancelled:
            publish(JobEvent(self.key, self.view, self, report))
        return True

    def fail(self, error: Exception, publish: Callable[[JobEvent], None]) -> None:
        """End the job and publish the error: the panel shows it, and the render loop continues."""
        if not isinstance(error, LatentwalkError):
            log.error("the job %s failed", self.key, exc_info=error)
        self._job = None
        release_frames(error)
        publish(JobEvent(self.key, self.view, self, error=error.with_traceback(None), is_done=True))
