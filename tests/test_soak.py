"""Many random wishes through a session: no error that was not asked for, no memory beyond its budget."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from benchmarks.slope import growth, slope
from benchmarks.soak import verdict
from explorer.errors import LatentError, LatentwalkError
from explorer.session import Session
from explorer.state import ASPECTS, Edit, ExplorerState, Nudge, Slit, Tap
from explorer.state.view_layout import MAX_VIEWS
from tests.session.world import World

WISHES = 1500


def wishes(s: Session, rng: random.Random) -> list[Callable[[], object]]:
    """What a restless hand may do."""

    def a_view() -> int:
        return rng.randrange(len(s.state.views))

    return [
        lambda: s.look.set_psi(rng.uniform(-1, 2)),
        lambda: s.look.walk(rng.gauss(0, 0.3), rng.gauss(0, 0.3)),
        lambda: s.look.set_seed(rng.randrange(2**32)),
        lambda: s.look.set_mix(rng.randrange(7), 0, rng.random()),
        lambda: s.look.move(rng.gauss(0, 0.05), rng.gauss(0, 0.05)),
        lambda: s.look.rotate_by(rng.gauss(0, 20)),
        lambda: s.look.set_noise(mode=rng.choice(["none", "const", "random"]), seed=rng.randrange(5)),
        lambda: s.look.add_edit(Edit(Nudge(rng.randrange(99), rng.randrange(9)), rng.gauss(0, 1))),
        s.look.clear_edits,
        s.look.reset,
        s.undo,
        s.redo,
        lambda: s.begin("stroke"),
        s.commit,
        s.cancel,
        lambda: s.views.set_tap(a_view(), layer=rng.choice(["", "t1", "rgb", "gone"])),
        lambda: s.views.set_tap(a_view(), spectrum=rng.random() < 0.5),
        lambda: s.views.set_layout(rng.choice(["single", "grid", "wipe", "flicker", "difference"])),
        lambda: s.views.set_active(rng.randrange(MAX_VIEWS)),
        lambda: s.views.show(a_view()),
        lambda: s.views.set_pair(rng.randrange(MAX_VIEWS), a_view()),
        s.views.add,
        lambda: s.views.add(rng.choice(["", "a", "b"])),
        lambda: s.views.remove(a_view()),
        s.views.swap,
        lambda: s.look.set_drift(rng.choice([0.0, 1.0])),
        lambda: s.look.set_animation(kind=rng.choice(["none", "spin", "circle", "shake"])),
        lambda: s.look.set_transform(untransform=rng.random() < 0.5, scale_x=rng.uniform(0.5, 2)),
        lambda: s.look.set_transform(residual=rng.choice(["none", "difference", "heat"])),
        lambda: s.lab.edit("Slit-scan", scan=rng.random() < 0.7),
        lambda: s.lab.set_slit(Slit(rng.gauss(0, 0.4), rng.gauss(0, 0.4), rng.uniform(-180, 180), rng.random())),
        lambda: s.lab.edit("Average", average=rng.choice(["none", "neighbours", "shifted", "turned"]), count=4),
        lambda: s.lab.measure("spectrum", s.active, ["spectrum"], 8),
        lambda: s.lab.measure_curves(s.active),
        lambda: s.lab.end_job(f"curves/{s.active}"),
        lambda: s.models.request(a_view(), rng.choice("ab")),
        lambda: s.request_thumbnail(str(rng.randrange(9)), s.look_of(), 0),
        lambda: s.views.set_link(a_view(), rng.choice(ASPECTS), rng.random() < 0.5),
        lambda: s.look.set_offset([rng.gauss(0, 0.1) for _ in range(8)]),
        lambda: s.look.use_stored(s.documents.store_latent("w")),
        lambda: s.documents.paste_state_text(s.documents.state_text()),
        lambda: s.devices.set_dtype(rng.choice(["float32", "bfloat16"])),
    ]


def test_a_restless_hand_breaks_nothing(qtbot: QtBot) -> None:
    rng = random.Random(0)
    world = World(qtbot)
    world.open("a", "b")
    s = world.session
    todo = wishes(s, rng)
    for i in range(WISHES):
        world.now += 0.01
        try:
            rng.choice(todo)()
        except LatentwalkError as error:  # such as storing a latent that the active view's model refuses
            if not isinstance(error, LatentError) and s.model_info(s.active) is not None:
                raise
        for view in s.visible_views():
            if s.last_frame(view) is not None:
                world.paint(view)
        if i % 5 == 0:
            qtbot.wait(0)
    (renderer,) = s.service._renderers.values()
    assert renderer.cache.nbytes <= renderer.cache.budget_bytes
    # A w of one model is refused by the view of the other; nothing else may have failed.
    assert all(isinstance(f.error, LatentError) for f in world.failures)
    s.cancel()
    s.store.update(replace(ExplorerState(), views=tuple(replace(v, tap=Tap()) for v in s.state.views)), "calm")
    s.views.set_layout("grid")
    s.look.set_seed(1)
    for view in range(len(s.state.views)):
        for name in ASPECTS:
            s.views.set_link(view, name, True)
        if not s.state.views[view].model:
            s.models.request(view, "a")
    world.qtbot.waitUntil(lambda: all(view.model for view in s.state.views))
    world.settle(*range(len(s.state.views)))
    assert s.close()


# -- the verdict of the long one (benchmarks/soak.py) ----------------------------------------------------------


def run_of(minutes: float, mb_per_hour: float, noise: float = 0.0) -> list[tuple[float, float]]:
    """Memory of a run: a warm-up of 300 MB, then a line with noise and models that come and go."""
    rng = random.Random(0)
    samples = []
    for i in range(240):
        t = 60 * minutes * i / 240
        warm = 300 * min(1.0, t / (0.2 * 60 * minutes))
        guest = 80.0 if rng.random() < 0.1 else 0.0
        samples.append((t, 800 + warm + mb_per_hour * t / 3600 + rng.gauss(0, noise) + guest))
    return samples


@pytest.mark.parametrize("minutes", [60, 180])
def test_an_hour_may_gain_30_mb_but_not_100(minutes: float) -> None:
    for mb_per_hour, is_fault in ((0, False), (-200, False), (25, False), (100, True), (1000, True)):
        grown, allowed = verdict(run_of(minutes, mb_per_hour, noise=5.0), 60 * minutes)
        assert (grown > allowed) == is_fault, f"{mb_per_hour} MB an hour: {grown:.1f} of {allowed:.1f}"


def test_short_runs_see_what_matters() -> None:
    """An 80 MB model lost every other minute, as it was once."""
    grown, allowed = verdict(run_of(5, 80 * 30, noise=5.0), 300)
    assert grown > allowed
    grown, allowed = verdict(run_of(5, 0, noise=5.0), 300)
    assert grown < allowed


def test_the_line_is_robust() -> None:
    line = [(float(t), 2.0 * t) for t in range(100)]
    assert slope(line) == 2.0
    assert growth(line, 50.0, 10.0) == 20.0
    for i in range(0, 100, 5):
        line[i] = (float(i), 1e6)  # every fifth sample is anything
    assert abs(slope(line) - 2.0) < 0.5
    assert slope([(0.0, 1.0)]) == slope([]) == 0.0
