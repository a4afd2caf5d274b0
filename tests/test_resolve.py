"""resolve: pure, clamps to the network without touching the state, refuses what cannot be rendered."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from explorer.assets.latent import StoredLatent
from explorer.assets.table import AssetTable
from explorer.errors import LatentError, RequestError
from explorer.generators.base import GeneratorInfo
from explorer.render.resolve import resolve, resolve_look
from explorer.state import (
    ASPECTS,
    Animation,
    Classes,
    Edit,
    ExplorerState,
    Latent,
    Look,
    Mixing,
    MixRow,
    MixSource,
    Noise,
    Nudge,
    Offset,
    Tap,
    Transform,
    Truncation,
    UnknownEdit,
    ViewState,
    with_look,
)
from explorer.state.codec import encode
from explorer.state.request import ModelKey, RenderRequest, RenderSettings
from explorer.state.transforms import IDENTITY, animated_offset, forward_matrix, is_moving
from explorer.testing.tiny import TinyConfig, TinyGenerator

INFO = TinyGenerator(TinyConfig(c_dim=3)).info  # z 8, w 8, five entries of ws, layers t0..t3 and rgb
KEY = ModelKey("sha-a", "/a")


def of(
    look: Look | None = None, tap: Tap | None = None, info: GeneratorInfo = INFO, **options: Any
) -> RenderRequest:
    return resolve_look(look or Look(), tap or Tap(), info, model=KEY, **options)


def test_it_is_pure_and_complete() -> None:
    state = ExplorerState(shared=Look(Latent(3, 0.25, -1.5), transform=Transform(rotate=10.0)))
    before = json.dumps(encode(state))
    requests = [resolve(state, 1, INFO, 2.0, model=KEY, settings=RenderSettings("cpu")) for _ in range(2)]
    assert requests[0] == requests[1]
    assert hash(requests[0]) == hash(requests[1])
    assert json.dumps(encode(state)) == before
    assert requests[0].model == KEY
    assert requests[0].settings.device == "cpu"


def test_views_resolve_their_own_looks() -> None:
    state = ExplorerState()
    state = replace(state, views=(ViewState(), ViewState(unlinked=frozenset(ASPECTS) - {"latent"})))
    state = with_look(state, 1, truncation=Truncation(0.5), latent=Latent(9))
    first, second = (resolve(state, view, INFO, model=KEY) for view in (0, 1))
    assert (first.style.psi[0], second.style.psi[0]) == (1.0, 0.5)
    assert first.style.base == second.style.base


# -- latents ---------------------------------------------------------------------------------------------------


def test_plane_points_become_seeds_and_weights() -> None:
    assert of(Look(Latent(7))).style.base.seeds == ((7, 1.0),)
    seeds = dict(of(Look(Latent(7, 0.25, 0.5))).style.base.seeds)
    assert seeds == {7: 0.375, 8: 0.125, 107: 0.375, 108: 0.125}
    assert of(Look(Latent(0, -1.0))).style.base.seeds == ((2**32 - 1, 1.0),)


def test_far_away_points_are_points() -> None:
    (corner,) = of(Look(Latent(5, 1e300, -1e300))).style.base.seeds
    assert 0 <= corner[0] < 2**32


def stored_table() -> tuple[AssetTable, dict[str, str]]:
    table = AssetTable()
    keys = {
        "z": table.add(StoredLatent("z", np.ones(8, np.float32), "sha-b")),
        "w": table.add(StoredLatent("w", np.ones(8, np.float32), "sha-a")),
        "ws": table.add(StoredLatent("ws", np.ones((5, 8), np.float32))),
        "other": table.add(StoredLatent("w", np.ones(8, np.float32), "sha-b", name="theirs")),
        "wide": table.add(StoredLatent("w", np.ones(9, np.float32))),
    }
    return table, keys


def test_stored_latents_are_walked_from() -> None:
    table, keys = stored_table()
    base = of(Look(Latent(7, stored=keys["w"])), table=table).style.base
    assert (base.seeds, base.space) == ((), "w")
    assert base.stored is not None
    walked = of(Look(Latent(7, 0.25, stored=keys["ws"])), table=table).style.base
    assert dict(walked.seeds) == {7: -0.25, 8: 0.25}
    far = of(Look(Latent(7, 2.0, stored=keys["z"])), table=table).style.base
    assert dict(far.seeds) == {9: 1.0, 7: -1.0}


def test_stored_latents_that_do_not_fit_are_refused() -> None:
    table, keys = stored_table()
    with pytest.raises(LatentError, match="another model"):
        of(Look(Latent(stored=keys["other"])), table=table)
    with pytest.raises(LatentError, match=r"shape \(9,\)"):
        of(Look(Latent(stored=keys["wide"])), table=table)
    with pytest.raises(LatentError, match="is missing"):
        of(Look(Latent(stored="nowhere")), table=table)
    with pytest.raises(LatentError, match="is not available"):
        of(Look(Latent(stored="nowhere")))


# -- clamping --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("truncation", "psi"),
    [
        (Truncation(), (1.0,) * 5),
        (Truncation(0.5), (0.5,) * 5),
        (Truncation(0.5, 0), (1.0,) * 5),
        (Truncation(0.5, 2), (0.5, 0.5, 1.0, 1.0, 1.0)),
        (Truncation(0.5, 99), (0.5,) * 5),
        (Truncation(0.5, -3), (1.0,) * 5),
        (Truncation(0.5, 1, ((0, 0.1), (4, -1.0), (17, 9.0), (-1, 9.0))), (0.1, 1.0, 1.0, 1.0, -1.0)),
    ],
)
def test_truncation_is_one_psi_for_each_entry(truncation: Truncation, psi: tuple[float, ...]) -> None:
    assert of(Look(truncation=truncation)).style.psi == psi


def test_only_usable_mixing_is_asked_for() -> None:
    unusable = (MixRow(1, 0, 0.0), MixRow(2, 9, 1.0), MixRow(3, -1, 1.0), MixRow(17, 0, 1.0))
    mixing = Mixing((MixSource(1), MixSource(2), MixSource(3)), (MixRow(0, 2, 0.5), *unusable, MixRow(4, 0, 7.0)))
    request = of(Look(mixing=mixing))
    assert [point.seeds for point in request.style.sources] == [((3, 1.0),), ((1, 1.0),)]
    assert request.style.mix == ((0, 0, 0.5), (4, 1, 1.0))


def test_edits_are_cut_to_the_network() -> None:
    look = Look(
        edits=(
            *(Edit(n, 0.5) for n in (Nudge(1), Nudge(2, 3, 99), Nudge(3, 7, 9))),
            *(Edit(Nudge(4), 0.0), Edit(Nudge(5, -2, 1)), Edit(Nudge(6), is_on=False)),
            *(Edit(o) for o in (Offset((1.0,) * 8, 2), Offset((1.0,) * 9), Offset((0.0,) * 8))),
            *(Edit(Offset((1.0,) * 8, 6, 7)), Edit(UnknownEdit('{"kind": "elsewhere"}'))),
        )
    )
    *nudges, offset = of(look).style.edits
    assert [(e.kind, e.strength, e.data) for e in nudges] == [
        ("nudge", 0.5, (1, 0, 4)),
        ("nudge", 0.5, (2, 3, 4)),
        ("nudge", 1.0, (5, 0, 1)),
    ]
    assert (offset.kind, offset.data[0].tolist(), offset.data[1:]) == ("offset", [1.0] * 8, (2, 4))


def test_classes_sum_to_one_and_default_to_the_first() -> None:
    assert of().style.class_weights == ((0, 1.0),)
    weights = Classes(((2, 3.0), (1, 1.0), (7, 5.0), (0, -1.0), (1, 2.0)))
    assert of(Look(classes=weights)).style.class_weights == ((1, 0.5), (2, 0.5))
    assert of(Look(classes=weights), info=replace(INFO, c_dim=0)).style.class_weights == ()


def test_noise_is_what_the_network_has() -> None:
    noise = Noise("random", 5, 0.5, (("t1", 2.0), ("t2", 1.0), ("nowhere", 3.0)))
    recipe = of(Look(noise=noise)).noise
    assert (recipe.mode, recipe.seed, recipe.strength, recipe.layer_strengths) == ("random", 5, 0.5, (("t1", 2.0),))
    assert of(Look(noise=replace(noise, mode="const"))).noise.seed == 0
    for silent in (replace(noise, mode="none"), replace(noise, strength=0.0)):
        assert of(Look(noise=silent)).noise.mode == "none"
    assert of(Look(noise=noise), info=replace(INFO, has_noise=False)).noise.mode == "none"
    assert recipe.spec().strength_of("t1") == 1.0
    assert of(Look(noise=Noise("none"))).noise.spec().mode == "none"


def test_taps_are_cut_to_the_layer() -> None:
    assert of(tap=Tap("nowhere", "one", 5, 3.0, False)).tap == Tap("", "rgb", 0, 3.0, True)
    assert of(tap=Tap("", spectrum=True, normalize=False)).tap == Tap(spectrum=True, normalize=False)
    assert of(tap=Tap("t1", "one", 99)).tap.first_channel == 7
    assert of(tap=Tap("t1", "rgb", 99)).tap.first_channel == 5
    assert of(tap=Tap("t1", "norm", 4)).tap.first_channel == 0
    assert of(tap=Tap("t1", "one", -4)).tap.first_channel == 0


def test_what_a_network_cannot_do_waits_in_the_state_for_one_that_can() -> None:
    state = ExplorerState(
        shared=Look(
            truncation=Truncation(0.5, 18),
            noise=Noise("random", 3),
            mixing=Mixing(rows=(MixRow(17, 0, 1.0),)),
            edits=(Edit(Offset((1.0,) * 512)),),
        )
    )
    big = replace(INFO, num_ws=18, w_dim=512)
    first = resolve(state, 0, big, model=KEY)
    small = resolve(state, 0, replace(INFO, has_noise=False), model=KEY)
    assert small.style.mix == ()
    assert small.style.edits == ()
    assert resolve(state, 0, big, model=KEY) == first
    assert first.style.mix
    assert first.style.edits


# -- numbers that are none -------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "look_of_number",
    [
        lambda v: Look(Latent(0, v)),
        lambda v: Look(drift=v),
        lambda v: Look(classes=Classes(((0, v),))),
        lambda v: Look(truncation=Truncation(v)),
        lambda v: Look(truncation=Truncation(layer_psi=((1, v),))),
        lambda v: Look(mixing=Mixing(rows=(MixRow(0, 0, v),))),
        lambda v: Look(edits=(Edit(Nudge(0), v),)),
        lambda v: Look(edits=(Edit(Offset((0.0, v))),)),
        lambda v: Look(noise=Noise(strength=v)),
        lambda v: Look(noise=Noise(layer_strengths=(("t1", v),))),
        lambda v: Look(transform=Transform(x=v)),
        lambda v: Look(transform=Transform(matrix=(1.0, 0.0, v, 0.0, 1.0, 0.0))),
        lambda v: Look(transform=Transform(animation=Animation(speed=v))),
    ],
)
def test_a_number_that_is_not_finite_is_refused_wherever_it_is(look_of_number: Any, bad: float) -> None:
    with pytest.raises(RequestError, match="not a finite number"):
        of(look_of_number(bad))


def test_the_error_names_the_control() -> None:
    with pytest.raises(RequestError, match=r"truncation\.layer_psi\[0\]\[1\] is nan"):
        of(Look(truncation=Truncation(layer_psi=((1, math.nan),))))
    with pytest.raises(RequestError, match=r"tap\.scale_db"):
        of(tap=Tap(scale_db=math.inf))
    with pytest.raises(RequestError, match="time"):
        of(time=math.nan)


def test_transforms_that_cannot_be_inverted_are_refused() -> None:
    for flat in (Transform(scale_x=0.0), Transform(matrix=(1.0, 1.0, 0.0, 1.0, 1.0, 0.0)), Transform(scale_y=1e-9)):
        with pytest.raises(RequestError, match="flattens"):
            of(Look(transform=flat))
    with pytest.raises(RequestError, match="six numbers"):
        of(Look(transform=Transform(matrix=(1.0, 0.0))))
    with pytest.raises(RequestError, match="overflows"):
        of(Look(transform=Transform(scale_x=1e200, scale_y=1e200, matrix=(1e300, 0, 0, 0, 1e300, 0))))


# -- motion ----------------------------------------------------------------------------------------------------


def moved(transform: Transform, x: float, y: float, time: float = 0.0) -> tuple[float, float]:
    m = np.array(forward_matrix(transform, time)).reshape(3, 3)
    p = m @ (x, y, 1.0)
    return (pytest.approx(float(p[0]), abs=1e-12), pytest.approx(float(p[1]), abs=1e-12))  # type: ignore[return-value]


def test_the_forward_matrix_moves_points_as_the_hand_expects() -> None:
    assert moved(Transform(x=0.1, y=-0.2), 0.0, 0.0) == (0.1, -0.2)
    assert moved(Transform(rotate=90.0), 1.0, 0.0) == (0.0, -1.0)  # right of the centre goes up: y points down
    assert moved(Transform(scale_x=2.0, scale_y=3.0), 1.0, 1.0) == (2.0, 3.0)
    assert moved(Transform(shear=0.5), 0.0, 1.0) == (0.5, 1.0)
    # Scale and shear, then rotate, then translate, then the free matrix.
    assert moved(Transform(x=1.0, rotate=90.0, scale_x=2.0), 1.0, 0.0) == (1.0, -2.0)
    assert moved(Transform(x=1.0, matrix=(0.0, 1.0, 0.0, 1.0, 0.0, 5.0)), 1.0, 0.5) == (0.5, 7.0)


def test_the_identity_is_not_a_transform() -> None:
    assert of().transform is None
    assert of(Look(transform=Transform(untransform=True))).untransform is False
    request = of(Look(transform=Transform(x=0.1, untransform=True)))
    assert request.untransform
    assert request.transform == (1.0, 0.0, 0.1, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    assert forward_matrix(Transform()) == IDENTITY


def test_animations_are_functions_of_time() -> None:
    circle = Animation("circle", 0.1, 0.2)
    assert animated_offset(circle, 0.0) == (0.2, -0.0, 0.0)
    x, y, turn = animated_offset(circle, 3.0)
    assert (math.hypot(x, y), turn) == (pytest.approx(0.2), 0.0)
    later = animated_offset(circle, 3.0 + 2 * math.pi * 0.2 / 0.1)
    assert later == pytest.approx((x, y, turn))
    assert animated_offset(Animation("spin", 0.25), 1.0) == (0.0, 0.0, 90.0)
    assert animated_offset(Animation("shake", 0.1, 0.2), 0.0) == (0.0, 0.0, 0.0)
    assert animated_offset(Animation("shake", 0.1, 0.2), 1.0)[0] == pytest.approx(0.2 * math.sin(0.5))
    assert animated_offset(Animation("circle", 0.1, 0.0), 1.0) == (0.0, 0.0, 0.0)
    assert animated_offset(Animation(), 5.0) == (0.0, 0.0, 0.0)
    turning = Look(transform=Transform(animation=circle))
    assert of(turning, time=1.0) != of(turning)


def test_what_moves_by_itself() -> None:
    assert not is_moving(Transform())
    assert is_moving(Transform(animation=Animation("circle")))
    assert is_moving(Transform(animation=Animation("spin", 1.0, 0.0)))
    assert not is_moving(Transform(animation=Animation("circle", 0.0)))
    assert not is_moving(Transform(animation=Animation("shake", 1.0, 0.0)))
