"""Jobs that write the state: live values, one undo step at the end, and nothing of a job that did not get there."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from explorer.errors import CancelledError, UsageError
from explorer.jobs.job import JobContext, JobSpec, Report
from explorer.jobs.registry import JOBS, JobKind, apply_of
from explorer.render.model_store import LoadedModel
from explorer.session import Session
from explorer.session.job_runner import JobRunner
from explorer.session.render_service import RenderService
from explorer.state import ExplorerState, Latent, Truncation, ViewState, look_of, with_look
from explorer.util.control import Control
from tests.render.support import tiny_model

ORDERS: dict[str, queue.Queue[float | Exception | None]] = {}


def ordered(context: JobContext | None, spec: JobSpec) -> Iterator[Report[float | None] | None]:
    """Report the values of an order, one after another, until it says None."""
    orders, done = ORDERS[spec.options["name"]], 0
    while True:
        try:
            order = orders.get(block=context is None)
        except queue.Empty:  # the render thread waits for nobody
            yield None
            continue
        if order is None:
            return
        if isinstance(order, Exception):
            raise order
        done += 1
        yield Report(order, done, 99, stage=f"{done}")


def with_psi(state: ExplorerState, value: float) -> ExplorerState:
    return with_look(state, 0, truncation=Truncation(value))


def with_seed(state: ExplorerState, value: float) -> ExplorerState:
    return with_look(state, 0, noise=replace(state.shared.noise, seed=int(value)))


@dataclass
class Work:
    """A runner of ordered jobs, and what it has said."""

    session: Session
    qtbot: QtBot
    kind: str = "test-psi"
    told: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.orders = ORDERS[self.kind] = queue.Queue()
        self.runner = JobRunner(self.session, self.session)
        self.runner.reported.connect(self.told.append)
        self.runner.finished.connect(self.told.append)
        self.runner.failed.connect(self.told.append)
        is_rendering = self.session.model_info(0) is not None
        request = self.session.resolve_view(0) if is_rendering else None
        self.runner.start(JobSpec(self.kind, request, {"name": self.kind}))

    def say(self, *orders: float | Exception | None) -> None:
        """Let the job report, fail or end, and wait until that has arrived."""
        for order in orders:
            count = len(self.told)
            self.orders.put(order)
            self.qtbot.waitUntil(lambda count=count: len(self.told) > count, timeout=60_000)  # type: ignore[misc]

    def wait_for_end(self) -> None:
        """Let a cancelled job take one more step, should it be waiting in it."""
        self.orders.put(0.125)
        self.qtbot.waitUntil(lambda: not self.runner.is_running, timeout=60_000)


def load(path: str, on_report: object, control: Control, **options: bool) -> LoadedModel:
    return tiny_model(path)


@pytest.fixture(params=["thread", "render thread"])
def session(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Session]:
    """A session; with a model jobs have a request, and so run in the render thread."""
    for kind, name, apply in (("test-psi", "Psi job", "with_psi"), ("test-seed", "Seed job", "with_seed")):
        item = JobKind(f"{__name__}:ordered", "the job", commits=name, apply=f"{__name__}:{apply}")
        monkeypatch.setitem(JOBS, kind, item)  # type: ignore[arg-type]
    if request.param == "thread":
        made = Session()
    else:
        state = ExplorerState(views=(ViewState(model="a"),), layout="single")
        made = Session(state=state, service=RenderService(load=load))
        made.start()
        qtbot.waitUntil(lambda: made.last_frame(0) is not None)
    yield made
    assert made.close()
    made.deleteLater()


def psi(session: Session) -> float:
    return look_of(session.state, 0).truncation.psi


def test_live_values_are_shown_and_the_last_one_is_one_step(session: Session, qtbot: QtBot) -> None:
    work, before = Work(session, qtbot), session.state
    changes: list[str] = []
    session.about_to_edit.connect(lambda: changes.append("about to edit"))
    work.say(0.5, 0.25)
    assert (psi(session), session.store.can_undo, session.store.is_saved(), changes) == (0.25, False, True, [])
    assert session.store.document == before
    work.say(None)
    assert work.told[-1] == 0.25
    assert (psi(session), session.store.undo_name, changes) == (0.25, "Psi job", ["about to edit"])
    session.undo()
    assert (session.state, session.store.can_undo) == (before, False)


@pytest.mark.parametrize("end", ["cancel", "failure", "fault"])
def test_without_an_end_the_state_is_as_before_but_for_what_the_user_did(
    session: Session, qtbot: QtBot, end: str
) -> None:
    work, before = Work(session, qtbot), session.state
    work.say(0.5)
    session.edit("Walk", latent=Latent(seed=7))
    work.say(0.25)
    assert psi(session) == 0.25
    if end == "cancel":
        work.runner.cancel()
        assert psi(session) == 1.0, "at once, not after the step that is under way"
        work.wait_for_end()
    else:
        work.say(UsageError("No.", "Yes.") if end == "failure" else KeyError("x"))
    assert isinstance(work.told[-1], CancelledError) == (end == "cancel")
    assert (psi(session), look_of(session.state, 0).latent.seed, session.store.undo_name) == (1.0, 7, "Walk")
    session.undo()
    assert (session.state, session.store.can_undo) == (before, False)


def test_a_job_that_is_done_before_it_notices_the_cancel_writes_nothing(session: Session, qtbot: QtBot) -> None:
    work = Work(session, qtbot)
    work.say(0.5)
    work.orders.put(None)
    assert work.runner._handle is not None
    assert work.runner._handle.join(60)
    work.runner.cancel()
    qtbot.waitUntil(lambda: not work.runner.is_running, timeout=60_000)
    assert isinstance(work.told[-1], CancelledError)
    assert (psi(session), session.store.can_undo) == (1.0, False)


def test_an_edit_during_the_job_stays_and_is_a_step_of_its_own(session: Session, qtbot: QtBot) -> None:
    work, before = Work(session, qtbot), session.state
    work.say(0.5)
    session.begin("Drag")
    session.edit("Drag", latent=Latent(seed=3))
    work.say(0.25, None)
    session.edit("Drag", latent=Latent(seed=4))
    session.commit()
    assert (psi(session), look_of(session.state, 0).latent.seed, session.store.undo_name) == (0.25, 4, "Drag")
    session.undo()
    assert (psi(session), look_of(session.state, 0).latent.seed, session.store.undo_name) == (0.25, 3, "Psi job")
    session.undo()
    assert (psi(session), look_of(session.state, 0).latent.seed) == (1.0, 3)
    session.undo()
    assert session.state == before


def test_two_jobs_write_their_own_parts(session: Session, qtbot: QtBot) -> None:
    first, second = Work(session, qtbot), Work(session, qtbot, "test-seed")
    first.say(0.5)
    second.say(3.0)
    first.say(0.25)
    assert (psi(session), look_of(session.state, 0).noise.seed) == (0.25, 3)
    second.say(4.0, None)
    assert (session.store.document.shared.noise.seed, session.store.document.shared.truncation.psi) == (4, 1.0)
    first.say(UsageError("No.", "Yes."))
    assert (psi(session), look_of(session.state, 0).noise.seed, session.store.undo_name) == (1.0, 4, "Seed job")


def test_another_project_cancels_the_job(session: Session, qtbot: QtBot) -> None:
    work = Work(session, qtbot)
    work.say(0.5)
    opened = ExplorerState(layout="single")
    session.store.reset_to(opened)
    work.say(0.25)
    work.wait_for_end()
    assert isinstance(work.told[-1], CancelledError)
    assert session.state == opened


def test_closing_leaves_nothing_of_the_job(session: Session, qtbot: QtBot) -> None:
    work = Work(session, qtbot)
    work.say(0.5)
    work.orders.put(None)
    assert work.runner.close()
    assert (psi(session), session.store.can_undo) == (1.0, False)


def test_a_runner_without_a_session_refuses_such_a_job(session: Session) -> None:
    with pytest.raises(ValueError, match="needs a session"):
        JobRunner(session).start(JobSpec("test-psi", options={"name": "test-psi"}))


def test_a_job_pauses_and_goes_on(session: Session, qtbot: QtBot) -> None:
    work = Work(session, qtbot)
    work.say(0.5)
    work.runner.pause()
    assert work.runner.is_paused
    work.orders.put(0.25)
    work.orders.put(None)
    work.runner.resume()
    assert not work.runner.is_paused
    qtbot.waitUntil(lambda: not work.runner.is_running, timeout=60_000)
    assert (psi(session), session.store.undo_name) == (0.25, "Psi job")


@pytest.mark.parametrize("kind", [name for name, item in JOBS.items() if item.commits or item.apply])
def test_every_job_that_commits_says_how(kind: str) -> None:
    item: Any = JOBS[kind]
    assert item.commits
    assert callable(apply_of(kind))
