"""The state as a function of time: exact at keys, smooth between them, closed where it should close."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from explorer.animation.easing import curve_value, ease, weights_at
from explorer.animation.player import Player, film_seconds, snapshot_of, time_in_timeline, with_snapshot
from explorer.latents.seeds import z_of_seed
from explorer.latents.style import blend_of
from explorer.render.headless import HeadlessRenderer
from explorer.state import (
    ExplorerState,
    Keyframe,
    Latent,
    LatentLoop,
    Look,
    Mixing,
    MixRow,
    MixSource,
    Noise,
    RecordedState,
    Segment,
    Snapshot,
    Timeline,
    Transform,
    Truncation,
    with_look,
)
from explorer.state.request import ModelKey
from explorer.state.timeline_edits import (
    add_key,
    add_value,
    copy_keys,
    delete_keys,
    keys_from_performance,
    move_keys,
    retime,
    set_segments,
    snapped,
)
from tests.render.support import tiny_model

LINEAR = Segment("linear", "w", "linear")


def look(seed: int, **aspects: object) -> Look:
    return Look(latent=Latent(seed), **aspects)  # type: ignore[arg-type]


def film(*looks: Look, segment: Segment = LINEAR, **fields: object) -> ExplorerState:
    """A project with one key a second."""
    keys = tuple(Keyframe(float(i), Snapshot(item), segment) for i, item in enumerate(looks))
    timeline = Timeline(keys, duration=float(len(looks) - 1) or 1.0)
    return ExplorerState(timeline=replace(timeline, **fields))  # type: ignore[arg-type]


def renderer() -> HeadlessRenderer:
    return HeadlessRenderer(tiny_model().generator, model=ModelKey("tiny-a"))


@pytest.mark.parametrize("kind", ["hold", "linear", "spherical", "cubic", "catmull-rom"])
@pytest.mark.parametrize("space", ["z", "w", "ws"])
def test_every_key_is_met_exactly(kind: str, space: str) -> None:
    segment = Segment(kind, space, "in-out")  # type: ignore[arg-type]
    looks = [look(3), look(8, truncation=Truncation(0.5)), look(1, transform=Transform(x=0.2)), look(4)]
    player = Player(film(*looks, segment=segment))
    for i, item in enumerate(looks):
        assert player.at(float(i)).shared == item


@pytest.mark.parametrize("kind", ["linear", "spherical", "cubic", "catmull-rom"])
@pytest.mark.parametrize("space", ["z", "w", "ws"])
def test_pictures_change_smoothly_and_can_all_be_rendered(kind: str, space: str) -> None:
    segment = Segment(kind, space, "linear")  # type: ignore[arg-type]
    mixing = Mixing((MixSource(9),), (MixRow(1, 0, 0.8),))
    project = film(look(3), look(8, truncation=Truncation(0.5)), look(1, mixing=mixing), look(5), segment=segment)
    player, render = Player(project), renderer()
    steps = []
    before = None
    for k in range(61):
        picture = render.render_look(player.at(k / 20).shared).image
        if before is not None:
            steps.append(float(np.abs(picture - before).max()))
        before = picture
    whole = np.abs(render.render_look(look(3)).image - render.render_look(look(8)).image).max()
    assert max(steps) < 0.5 * whole


def test_the_sphere_is_kept_in_z_and_turned_evenly() -> None:
    a, b = z_of_seed(3, 512).astype(np.float64), z_of_seed(8, 512).astype(np.float64)
    centre = np.zeros(512, np.float32)
    points = [blend_of([a, b], [1 - u, u], centre, spherical=True) for u in np.linspace(0, 1, 11)]  # type: ignore[list-item]
    lengths = [float(np.linalg.norm(p)) for p in points]
    np.testing.assert_allclose(lengths, np.linspace(np.linalg.norm(a), np.linalg.norm(b), 11), rtol=1e-5)
    units = [p / np.linalg.norm(p) for p in points]
    angles = [math.acos(min(1.0, float(p @ q))) for p, q in itertools.pairwise(units)]
    np.testing.assert_allclose(angles, np.mean(angles), rtol=1e-3)


def test_numbers_are_blended_and_modes_are_held() -> None:
    a = look(1, truncation=Truncation(1.0), noise=Noise("random", 3, 1.0), transform=Transform(rotate=-10))
    b = look(1, truncation=Truncation(0.0), noise=Noise("const", 9, 0.0), transform=Transform(rotate=30))
    middle = Player(film(a, b)).at(0.25).shared
    assert middle.truncation.psi == 0.75
    assert middle.transform.rotate == 0.0
    assert (middle.noise.mode, middle.noise.seed, middle.noise.strength) == ("random", 3, 0.75)


def test_mixing_from_other_sources_fades_out_and_in() -> None:
    a = look(1, mixing=Mixing((MixSource(5),), (MixRow(2, 0, 1.0),)))
    b = look(1, mixing=Mixing((MixSource(6),), (MixRow(2, 0, 0.5),)))
    player = Player(film(a, b))
    found = {}
    for u in (0.25, 0.5, 0.75):
        mixing = player.at(u).shared.mixing
        found[u] = [(mixing.sources[r.source].seed, r.amount) for r in mixing.rows]
    assert found == {0.25: [(5, 0.5)], 0.5: [], 0.75: [(6, 0.25)]}


def test_one_plane_is_walked_and_the_views_follow_their_own_looks() -> None:
    state = with_look(ExplorerState(), 0, latent=Latent(7, 0.0, 1.0))
    other = with_look(state, 0, latent=Latent(7, 2.0, 0.0))
    timeline = Timeline(
        (Keyframe(0.0, snapshot_of(state), LINEAR), Keyframe(1.0, snapshot_of(other), LINEAR)), duration=1.0
    )
    assert Player(replace(state, timeline=timeline)).at(0.5).shared.latent == Latent(7, 1.0, 0.5)


@pytest.mark.parametrize("kind", ["linear", "cubic", "catmull-rom"])
def test_a_seamless_loop_closes(kind: str) -> None:
    segment = Segment(kind, "w", "linear")  # type: ignore[arg-type]
    project = film(
        *(look(1, transform=Transform(x=x)) for x in (0.0, 0.3, -0.2)),
        segment=segment,
        loop="seamless",
        duration=3.0,
    )
    player = Player(project)
    xs = [player.at(t).shared.transform.x for t in np.arange(0, 6, 0.05)]
    np.testing.assert_allclose(xs[:60], xs[60:], atol=1e-9)
    assert max(abs(b - a) for a, b in itertools.pairwise(xs)) < 0.04
    if kind != "linear":  # no corner at the seam
        e = 1e-4
        a, b, c = (player.at(t).shared.transform.x for t in (3.0 - e, 3.0, 3.0 + e))
        assert abs((c - b) - (b - a)) / e < 0.01


@pytest.mark.parametrize("last", [9.96, 10.0, 12.0])
def test_a_closed_cubic_with_its_last_key_at_the_end_stays_near_its_keys(last: float) -> None:
    times = (0.0, 4.0, last)
    for i in (0, 1):
        for u in np.linspace(0.0, 1.0, 21):
            weights = weights_at(times, i, float(u), "cubic", 10.0)
            assert sum(share for _, share in weights) == pytest.approx(1.0)
            assert max(abs(share) for _, share in weights) < 1.5


def test_cubic_has_no_kink_in_its_curvature() -> None:
    times = (0.0, 1.0, 1.5, 3.0)
    values = np.array([0.0, 1.0, -1.0, 0.5])

    def at(i: int, u: float) -> float:
        return sum(values[k] * share for k, share in weights_at(times, i, u, "cubic"))

    for i in (0, 1):
        h0, h1, e = times[i + 1] - times[i], times[i + 2] - times[i + 1], 1e-3
        before = (at(i, 1) - 2 * at(i, 1 - e / h0) + at(i, 1 - 2 * e / h0)) / e**2
        after = (at(i + 1, 2 * e / h1) - 2 * at(i + 1, e / h1) + at(i + 1, 0)) / e**2
        assert abs(before - after) < 0.1


@pytest.mark.parametrize("kind", ["circle", "noise"])
def test_wandering_closes_and_stays_near(kind: str) -> None:
    project = ExplorerState(timeline=Timeline(wander=LatentLoop(kind, 0.5, turns=2), duration=4.0, loop="loop"))  # type: ignore[arg-type]
    player, render = Player(project), renderer()
    ws = [render.render_look(player.at(t).shared).latents.ws for t in (0.0, 1.3, 4.0 - 1e-9, 4.0)]
    np.testing.assert_allclose(ws[0], ws[3], atol=1e-6)
    np.testing.assert_allclose(ws[0], ws[2], atol=1e-5)
    assert np.abs(ws[0] - ws[1]).max() > 1e-3


def test_times_of_loops() -> None:
    timeline = Timeline(duration=2.0)
    at = {mode: replace(timeline, loop=mode) for mode in ("once", "loop", "ping-pong", "seamless")}
    assert [time_in_timeline(at["once"], t) for t in (1.0, 3.0)] == [1.0, 2.0]
    assert [time_in_timeline(at["loop"], t) for t in (1.0, 3.0)] == [1.0, 1.0]
    assert [time_in_timeline(at["ping-pong"], t) for t in (1.5, 2.5, 4.0)] == [1.5, 1.5, 0.0]
    assert film_seconds(at["ping-pong"]) == 4.0


def test_a_still_project_drifts_as_the_clock_would_move_it() -> None:
    state = ExplorerState(shared=Look(latent=Latent(5, 0.5), drift=0.25))
    later = Player(state).at(2.0)
    assert (later.shared.latent.x, later.shared.drift) == (1.0, 0.0)


def test_a_track_replaces_one_number() -> None:
    project = film(look(1, truncation=Truncation(1.0)), look(1, truncation=Truncation(1.0)))
    timeline = project.timeline
    for time, value in ((0.0, 0.2), (1.0, 0.6)):
        timeline = add_value(timeline, "truncation.psi", -1, time, value)
    timeline = set_segments(timeline, frozenset({(0, 0)}), ease="linear")
    assert Player(replace(project, timeline=timeline)).at(0.5).shared.truncation.psi == pytest.approx(0.4)


def test_eases_and_curves_end_where_they_should() -> None:
    points = ((0.2, 0.7), (0.6, 0.75))
    for kind in ("linear", "in", "out", "in-out", "curve"):
        segment = Segment("linear", "w", kind, points)  # type: ignore[arg-type]
        values = [ease(segment, u) for u in np.linspace(0, 1, 101)]
        assert (values[0], values[-1]) == (0.0, 1.0)
        assert all(b >= a for a, b in itertools.pairwise(values))
    assert curve_value(points, 0.2) == pytest.approx(0.7)


def test_keys_are_moved_copied_stretched_and_deleted() -> None:
    timeline = film(look(1), look(2), look(3)).timeline
    times = lambda t: [k.time for k in t.keys]  # noqa: E731
    one = frozenset({(-1, 1)})
    assert times(move_keys(timeline, one, 0.25)) == [0.0, 1.25, 2.0]
    assert times(move_keys(timeline, one, 5.0)) == [0.0, 2.0, 6.0]
    assert move_keys(timeline, one, 5.0).duration == 6.0
    assert times(move_keys(timeline, frozenset({(-1, 0), (-1, 1)}), -3.0)) == [0.0, 1.0, 2.0]
    assert times(copy_keys(timeline, frozenset({(-1, 0), (-1, 1)}), 2.5)) == [0.0, 1.0, 2.0, 2.5, 3.5]
    assert times(delete_keys(timeline, one)) == [0.0, 2.0]
    assert times(retime(timeline, frozenset({(-1, 1), (-1, 2)}), 0.0, 2.0)) == [0.0, 2.0, 4.0]
    replaced = add_key(timeline, 1.0, Snapshot(look(9)))
    assert [k.pose.shared.latent.seed for k in replaced.keys] == [1, 9, 3]


def test_snapping_to_frames_and_beats() -> None:
    assert snapped(Timeline(fps=25.0), 0.33) == 0.32
    assert snapped(Timeline(fps=25.0, bpm=120.0), 0.33) == 0.375
    assert snapped(Timeline(snap=False), 0.33) == 0.33
    assert snapped(Timeline(), -1.0) == 0.0


def test_a_performance_is_gone_through_and_rests_where_the_hand_rested() -> None:
    def sample(time: float, x: float, seed: int = 1) -> RecordedState:
        return RecordedState(time, Snapshot(Look(latent=Latent(seed, x))))

    samples = (sample(0.0, 0.0), sample(0.02, 0.2), sample(2.0, 0.4), sample(2.02, 0.0, seed=7))
    project = ExplorerState(timeline=Timeline(performance=samples, duration=3.0))
    player = Player(project)
    seen = [player.at(t).shared.latent for t in (0.01, 1.0, 1.99, 2.01, 2.5)]
    assert [k.x for k in seen] == pytest.approx([0.1, 0.2, 0.2, 0.4, 0.0])
    assert [k.seed for k in seen] == [1, 1, 1, 1, 7]
    keyed = keys_from_performance(project.timeline, 1.0)
    assert [k.time for k in keyed.keys] == [0.0, 1.0, 2.0, 2.02]
    assert keyed.performance == ()


def test_models_are_the_projects_and_not_the_keys() -> None:
    state = ExplorerState()
    views = tuple(replace(v, model=f"m{i}") for i, v in enumerate(state.views))
    state = replace(state, views=views)
    assert all(view.model == "" for view in snapshot_of(state).views)
    assert with_snapshot(state, snapshot_of(state)) == state
