"""Pause, cancel, ends and errors of jobs in threads, and work that calls back as steps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from explorer.errors import CancelledError, LatentwalkError, UsageError
from explorer.jobs import registry
from explorer.jobs.executors import ThreadHandle, drive
from explorer.jobs.job import JobContext, JobSpec, Report
from explorer.jobs.pushed import pushed
from explorer.jobs.rate import RateMeter
from explorer.util.control import Control


def counting(total: int, cleaned: list[int]) -> Iterator[Report[int] | None]:
    """Counts, with a step between that says nothing; notes that it was closed."""
    done = 0
    try:
        for done in range(1, total + 1):
            yield None
            yield Report(10 * done, done, total, rate=2.0)
    finally:
        cleaned.append(done)


def test_a_job_gives_its_last_value_and_cleans_up() -> None:
    reports: list[Report[int]] = []
    cleaned: list[int] = []
    assert drive(counting(3, cleaned), Control(), reports.append) == 30
    assert [(r.done, r.fraction, r.seconds_left) for r in reports] == [(1, 1 / 3, 1.0), (2, 2 / 3, 0.5), (3, 1, 0)]
    assert cleaned == [3]


def test_a_cancelled_job_ends_before_its_next_step_and_cleans_up() -> None:
    control, cleaned = Control("Stopped.", "Go on."), []  # type: ignore[var-annotated]
    with pytest.raises(CancelledError) as caught:
        drive(counting(9, cleaned), control, lambda report: control.cancel() if report.done == 2 else None)
    assert (caught.value.message, caught.value.hint) == ("Stopped.", "Go on.")
    assert cleaned == [2]


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], JobSpec]:
    """Makes a spec of a job function."""

    def spec_of(function: Any) -> JobSpec:
        monkeypatch.setattr(registry, "function_of", lambda kind: function)
        return JobSpec("film")

    return spec_of


class Ends:
    """Waits for the end of a job."""

    def __init__(self) -> None:
        self.reports: list[Report[Any]] = []
        self.value: object = None
        self.error: LatentwalkError | None = None
        self.reported, self.done = threading.Event(), threading.Event()

    def on_report(self, report: Report[Any]) -> None:
        self.reports.append(report)
        self.reported.set()

    def on_end(self, value: object, error: LatentwalkError | None) -> None:
        self.value, self.error = value, error
        self.done.set()


def test_a_thread_pauses_goes_on_and_ends(jobs: Callable[[Any], JobSpec]) -> None:
    ends, steps = Ends(), threading.Semaphore(0)

    def waiting(context: JobContext | None, spec: JobSpec) -> Iterator[Report[int]]:
        for done in (1, 2, 3):
            steps.acquire()
            yield Report(done, done, 3, stage=f"{done}")

    handle = ThreadHandle(jobs(waiting), ends.on_report, ends.on_end)
    handle.pause()
    steps.release(3)
    assert handle.is_paused
    handle.resume()
    assert ends.done.wait(30)
    assert handle.join(30)
    assert not handle.is_running
    assert (ends.value, ends.error) == (3, None)
    assert [report.done for report in ends.reports] == [1, 2, 3]


def test_a_paused_job_takes_no_step_and_can_be_cancelled(jobs: Callable[[Any], JobSpec]) -> None:
    ends, begun = Ends(), []  # type: ignore[var-annotated]

    def endless(context: JobContext | None, spec: JobSpec) -> Iterator[Report[int]]:
        while True:
            begun.append(1)
            yield Report(0, len(begun), 10**9, stage=f"{len(begun)}")

    handle = ThreadHandle(jobs(endless), ends.on_report, ends.on_end)
    assert ends.reported.wait(30)
    handle.pause()
    handle.cancel()
    assert ends.done.wait(30)
    assert isinstance(ends.error, CancelledError)
    assert "what is finished is kept" in ends.error.message


@pytest.mark.parametrize("error", [UsageError("Wrong.", "Mend it."), KeyError("x")])
def test_every_end_is_reported(jobs: Callable[[Any], JobSpec], error: Exception) -> None:
    ends = Ends()

    def failing(context: JobContext | None, spec: JobSpec) -> Iterator[Report[int]]:
        raise error
        yield

    ThreadHandle(jobs(failing), ends.on_report, ends.on_end)
    assert ends.done.wait(30)
    if isinstance(error, LatentwalkError):
        assert ends.error is error
    else:
        assert isinstance(ends.error, LatentwalkError)
        assert ends.error.message == "The film failed: KeyError: 'x'"
        assert ends.error.hint == "What is finished is kept."


def test_the_rate_is_of_the_time_spent_in_steps() -> None:
    now = [0.0]

    def slow() -> Iterator[Report[None] | None]:
        for done in (1, 2, 3, 4):
            now[0] += 0.5
            yield None
            now[0] += 1.5
            yield Report(None, done, 4, stage="b" if done > 2 else "")

    job, meter, rates = slow(), RateMeter(lambda: now[0]), []
    for _ in range(8):
        report = meter.next(job)
        now[0] += 100.0  # a pause between the steps
        if report is not None:
            rates.append((report.rate, report.seconds_left))
    assert rates == [(0.5, 6.0), (0.5, 4.0), (0.0, 0.0), (0.5, 0.0)]
    own = iter([Report(None, 1, 2, rate=7.0)])
    assert RateMeter().next(own) == Report(None, 1, 2, rate=7.0)


# -- work that calls back --------------------------------------------------------------------------------------


def test_work_that_calls_back_becomes_steps() -> None:
    def work(tell: Callable[[int], None]) -> str:
        for i in range(3):
            tell(i)
        return "done"

    def kept() -> Iterator[int]:
        result.append((yield from pushed(work)))

    result: list[str] = []
    assert list(kept()) == [0, 1, 2]
    assert result == ["done"]


def test_work_that_is_closed_cleans_up_before_the_close_returns() -> None:
    went: list[object] = []

    def work(tell: Callable[[int], None]) -> None:
        try:
            for i in range(9):
                went.append(i)
                tell(i)
        except Exception:  # as libraries have it
            went.append("caught")
        finally:
            went.append("cleaned")

    steps = pushed(work)
    assert [next(steps), next(steps)] == [0, 1]
    assert went == [0, 1], "it waits for whoever takes the steps"
    steps.close()
    assert went == [0, 1, "cleaned"]


def test_errors_of_work_are_raised_where_its_steps_are_taken() -> None:
    def work(tell: Callable[[int], None]) -> None:
        tell(1)
        raise KeyError("x")

    steps = pushed(work)
    assert next(steps) == 1
    with pytest.raises(KeyError):
        next(steps)
