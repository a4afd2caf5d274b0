"""Bends: channels, parameters, what is blended, and that they say which network and channels they fit."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
import torch

from explorer.animation.player import Player
from explorer.edits.base import ResolvedEdit
from explorer.edits.bend_operations import OPERATIONS, Operation
from explorer.edits.blending import blend_edits
from explorer.edits.channels import ALL_CHANNELS, ChannelCluster, ChannelRange, Channels, ChannelShare
from explorer.edits.registry import describe, resolve_edits
from explorer.generators.base import Activation
from explorer.ops.bending import LARGEST_RADIUS, OPERATORS, bend
from explorer.state import (
    Bend,
    Edit,
    ExplorerState,
    Keyframe,
    Look,
    ParameterKeyframe,
    Segment,
    Snapshot,
    Timeline,
    Track,
)
from explorer.state.codec import decode, encode
from explorer.testing.tiny import TinyConfig, TinyGenerator

INFO = TinyGenerator(TinyConfig(channels=10)).info
LAYER = INFO.layers[1].name
X = torch.from_numpy(np.random.RandomState(1).randn(1, 10, 16, 16).astype(np.float32))


def resolved(value: Bend, strength: float = 1.0) -> ResolvedEdit:
    (found,) = resolve_edits((Edit(value, strength),), INFO)
    return found


def test_operations_and_operators_have_the_same_names_and_numbers() -> None:
    of_size = {name for name, operation in OPERATIONS.items() if operation.is_of_size}
    assert set(OPERATIONS) == set(OPERATORS) | of_size == set(get_args(Operation))
    assert of_size == {"resize"}
    for name, operation in OPERATIONS.items():
        if name not in of_size:
            assert bend(X, name, operation.values(())).shape == X.shape
        for parameter in operation.parameters:
            assert parameter.low <= parameter.default <= parameter.high
            assert parameter.limits[0] <= parameter.low < parameter.high <= parameter.limits[1]
            assert parameter.tip.endswith(".")
    assert OPERATIONS["erode"].parameters[0].limits[1] == LARGEST_RADIUS


@pytest.mark.parametrize(
    ("channels", "wanted"),
    [
        (ALL_CHANNELS, None),
        (ChannelRange(3, 5), (3, 4, 5)),
        (ChannelRange(8), (8, 9)),
        (ChannelRange(-4, 99), tuple(range(10))),
        (ChannelRange(10, 12), ()),
        (ChannelRange(5, 3), ()),
        (ChannelCluster(2, (9, 0, 4)), (0, 4, 9)),
        (ChannelCluster(2, (9, 10)), ()),
        (ChannelCluster(2, ()), ()),
    ],
)
def test_choices_of_channels(channels: Channels, wanted: tuple[int, ...] | None) -> None:
    assert channels.of(10) == wanted
    value = Bend(LAYER, "ablate", channels=channels)
    if wanted == ():
        assert resolve_edits((Edit(value),), INFO) == ()
        return
    x = resolved(value).apply(Activation(X)).x
    assert [i for i in range(10) if not x[:, i].any()] == list(range(10) if wanted is None else wanted)


def test_shares_are_drawn_from_their_seed_and_grow() -> None:
    chosen = [ChannelShare(share, 7).of(512) or () for share in (0.0, 0.25, 0.5, 1.0)]
    assert [len(c) for c in chosen] == [1, 128, 256, 512]
    assert all(set(a) < set(b) for a, b in pairwise(chosen))
    assert chosen[1] == ChannelShare(0.25, 7).of(512) != ChannelShare(0.25, 8).of(512)
    assert ChannelShare(0.3, 0).of(10) is not None
    assert len(ChannelShare(0.3, 0).of(10) or ()) == 3


def test_bends_wait_for_a_network_with_their_layer() -> None:
    picture = INFO.layers[-1]
    assert picture.is_rgb
    assert resolve_edits((Edit(Bend("elsewhere", "ablate")), Edit(Bend(picture.name, "ablate"))), INFO) == ()


def test_parameters_that_are_missing_have_defaults_and_all_are_clamped() -> None:
    (default,) = OPERATIONS["rotate"].parameters
    assert resolved(Bend(LAYER, "rotate")).data[1] == (default.default,)
    assert resolved(Bend(LAYER, "translate", (0.5,))).data[1] == (0.5, 0.0)
    assert resolved(Bend(LAYER, "scale", (-3.0,))).data[1] == (0.02,)
    assert resolved(Bend(LAYER, "dilate", (1e9, 4.0))).data[1] == (64.0,)


def test_digests_differ_where_results_do() -> None:
    one = Bend(LAYER, "noise", (0.5,), ChannelRange(0, 3), seed=1)
    others = (
        replace(one, parameters=(0.6,)), replace(one, seed=2), replace(one, channels=ChannelRange(0, 4)),
        replace(one, layer=INFO.layers[2].name), Bend(LAYER, "multiply", (0.5,), ChannelRange(0, 3)),
    )  # fmt: skip
    assert len({resolved(value).digest for value in (one, *others)}) == 6
    same = (replace(one, channels=ChannelCluster(1, (3, 2, 1, 0))), replace(one, channels=ChannelRange(-1, 3)))
    assert {resolved(value).digest for value in same} == {resolved(one).digest}
    still = Bend(LAYER, "flip-h", seed=1)
    assert resolved(still).digest == resolved(replace(still, seed=2)).digest


def test_amounts_blend_features() -> None:
    half = resolved(Bend(LAYER, "invert", channels=ChannelRange(2, 3)), 0.25).apply(Activation(X)).x
    wanted = X.clone()
    wanted[:, 2:4] = 0.75 * X[:, 2:4] + 0.25 * (1 - X[:, 2:4])
    torch.testing.assert_close(half, wanted)


@pytest.mark.parametrize(
    "channels", [ALL_CHANNELS, ChannelShare(0.3, 9), ChannelRange(1), ChannelCluster(0, (2, 7))]
)
def test_json_gives_the_same_edit(channels: Channels) -> None:
    edit = Edit(Bend(LAYER, "translate", (0.25, -1.5), channels, 4), 0.5)
    assert decode(Edit, json.loads(json.dumps(encode(edit)))) == edit
    found = resolved(edit.value, 0.5)  # type: ignore[arg-type]
    again = ResolvedEdit.from_json(json.loads(json.dumps(found.to_json())), "edit")
    assert again == found
    assert again.data == found.data
    assert torch.equal(again.apply(Activation(X)).x, found.apply(Activation(X)).x)


def test_numbers_between_keys() -> None:
    a, b = Bend(LAYER, "translate", (0.2, 0.0)), Bend(LAYER, "translate", (0.6, -0.4))
    (between,) = blend_edits([(Edit(a),), (Edit(b),)], [0.75, 0.25])
    assert isinstance(between.value, Bend)
    np.testing.assert_allclose(between.value.parameters, (0.3, -0.1))
    assert between.strength == 1.0
    turned = Bend(LAYER, "rotate", (30.0,))
    assert blend_edits([(Edit(a),), (Edit(turned),)], [0.5, 0.5]) == (Edit(a, 0.5), Edit(turned, 0.5))
    some = replace(b, channels=ChannelRange(0, 1))
    assert blend_edits([(Edit(a),), (Edit(some),)], [0.5, 0.5]) == (Edit(a, 0.5), Edit(some, 0.5))
    (from_default,) = blend_edits([(Edit(Bend(LAYER, "rotate")),), (Edit(turned),)], [0.5, 0.5])
    assert from_default.value == turned


def test_bends_move_on_the_timeline() -> None:
    looks = [
        Look(edits=(Edit(Bend(LAYER, "rotate", (0.0,)), 0.5),)),
        Look(edits=(Edit(Bend(LAYER, "rotate", (90.0,)), 0.5),)),
        Look(),
    ]
    keys = tuple(
        Keyframe(float(i), Snapshot(look), Segment("linear", "w", "linear")) for i, look in enumerate(looks)
    )
    timeline = Timeline(keys, duration=2.0)
    player = Player(ExplorerState(timeline=timeline))
    (turned,), (fading,) = player.at(0.5).shared.edits, player.at(1.5).shared.edits
    assert turned == Edit(Bend(LAYER, "rotate", (45.0,)), 0.5)
    assert fading == Edit(Bend(LAYER, "rotate", (90.0,)), 0.25)
    track = Track("edits.0", (ParameterKeyframe(0.0, 0.0), ParameterKeyframe(2.0, 1.0)))
    tracked = Player(ExplorerState(timeline=replace(timeline, keys=keys[:1], tracks=(track,))))
    (amounted,) = tracked.at(1.0).shared.edits
    assert 0.0 < amounted.strength < 1.0
    assert amounted.value == Bend(LAYER, "rotate", (0.0,))


def test_their_names() -> None:
    assert describe(Edit(Bend("L3", "flip-h"))) == "Flip left-right L3"
    assert describe(Edit(Bend("L3", "rotate", channels=ChannelRange(2, 5)))) == "Rotate L3, channels 2\u20135"
    assert describe(Edit(Bend("L3", "rotate", channels=ChannelShare(0.25)))) == "Rotate L3, 25% of channels"
    assert describe(Edit(Bend("L3", "rotate", channels=ChannelCluster(0, (1,))))) == "Rotate L3, cluster 1"


@pytest.mark.parametrize(
    ("value", "keeps"),
    [
        (Bend(LAYER, "threshold"), False), (Bend(LAYER, "erode"), False), (Bend(LAYER, "dilate"), False),
        (Bend(LAYER, "noise"), False), (Bend(LAYER, "scale", (0.5,)), False), (Bend(LAYER, "scale", (2.0,)), True),
        (Bend(LAYER, "translate"), True), (Bend(LAYER, "invert"), True), (Bend(LAYER, "multiply"), True),
    ],
)  # fmt: skip
def test_which_operations_need_the_layers_filter(value: Bend, keeps: bool) -> None:
    assert resolved(value).keeps_band is keeps
