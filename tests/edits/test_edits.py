"""Edits: what they resolve to, what lies between two lists of them, and that their order and digests count."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch

from explorer.assets.direction import StoredDirection
from explorer.assets.table import AssetTable
from explorer.edits.base import ResolvedEdit
from explorer.edits.blending import blend_edits
from explorer.edits.channels import ChannelShare
from explorer.edits.nudge import unit_direction
from explorer.edits.registry import KINDS, describe, kinds, resolve_edits
from explorer.generators.base import Activation
from explorer.latents.style import apply_edits
from explorer.state import (
    Bend,
    Direction,
    Edit,
    EditValue,
    Nudge,
    Offset,
    StyleChannels,
    StyleDirection,
    UnknownEdit,
)
from explorer.state.codec import decode, encode
from explorer.testing.tiny import TinyConfig, TinyGenerator

INFO = replace(TinyGenerator(TinyConfig()).info, num_ws=4, w_dim=6)
WS = np.random.RandomState(0).randn(4, 6).astype(np.float32)
TABLE = AssetTable()
STEP = TABLE.add(StoredDirection("w", np.arange(1.0, 7.0, dtype=np.float32), 0.5, name="ears"))
STYLES = torch.from_numpy(np.random.RandomState(1).randn(2, 8).astype(np.float32))
FEATURES = Activation(torch.randn(1, 8, 16, 16, generator=torch.Generator().manual_seed(3)))
ALL_STYLES = np.arange(40, dtype=np.float32) - 7.0
STYLE_STEP = TABLE.add(StoredDirection("s", ALL_STYLES, 0.25, name="eyes"))
VALUES: dict[str, EditValue] = {
    "nudge": Nudge(7, 1, 2),
    "offset": Offset((0.5, -1.0, 0.0, 2.0, 0.1, 3.0), 0, 2),
    "direction": Direction(STEP, (3, 1), "ears"),
    "bend": Bend(INFO.layers[1].name, "translate", (0.25, 0.0), ChannelShare(0.3, 5)),
    "style-channels": StyleChannels("t1", (3, 0), (0.5, 2.0), "eyes"),
    "style-direction": StyleDirection(STYLE_STEP, (0, 2), "eyes"),
}
"""A value of each kind of the program."""


def edited(*edits: Edit) -> np.ndarray:
    return apply_edits(WS, resolve_edits(edits, INFO, TABLE))


def array_of(target: Any) -> np.ndarray:
    """A target as numbers."""
    target = target.x if isinstance(target, Activation) else target
    return target.numpy() if isinstance(target, torch.Tensor) else target


def targets(edit: ResolvedEdit) -> list[tuple[Any, Any]]:
    """What an edit may be applied to, with the layer: one target for each layer that it names."""
    if edit.stage in ("w", "ws"):
        return [(WS, None)]
    layers = {layer.name: layer for layer in INFO.layers}
    return [(FEATURES if edit.stage == "features" else STYLES, layers.get(name)) for name in edit.layers]


@pytest.mark.parametrize("name", [kind.name for kind in KINDS])
def test_every_kind_keeps_the_rules_of_edits(name: str) -> None:
    kind, value = kinds()[name], VALUES[name]
    assert type(value) is kind.value
    assert value.kind == name
    assert "kind" not in {f.name for f in fields(value)}  # type: ignore[arg-type]
    edit = Edit(value, 0.75)
    assert decode(Edit, json.loads(json.dumps(encode(edit)))) == edit
    (resolved,) = resolve_edits((edit,), INFO, TABLE)
    assert (resolved.kind, resolved.stage, resolved.strength) == (name, kind.stage, 0.75)
    assert hash(resolved) == hash(resolve_edits((edit,), INFO, TABLE)[0])
    again = ResolvedEdit.from_json(json.loads(json.dumps(resolved.to_json())), "edit")
    assert again == resolved
    assert targets(resolved)
    for target, layer in targets(resolved):
        before = array_of(target).copy()
        changed = array_of(resolved.apply(target, layer))
        assert not np.array_equal(changed, before)
        np.testing.assert_array_equal(array_of(target), before)
        np.testing.assert_array_equal(array_of(again.apply(target, layer)), changed)
    assert resolve_edits((replace(edit, is_on=False), replace(edit, strength=0.0)), INFO, TABLE) == ()
    assert resolve_edits((replace(edit, strength=0.5),), INFO, TABLE)[0].digest != resolved.digest
    assert describe(edit)[0].isupper() or describe(edit).startswith("w ")
    assert kind.identity(value) == kind.identity(value)
    assert kind.blend([value, value], [0.25, 0.75]) == value


def test_nudges_and_offsets_are_added_to_ranges_of_entries() -> None:
    nudged = edited(Edit(Nudge(7, 1, 2), 2.0), Edit(Nudge(8, 3, 3)))
    np.testing.assert_array_equal(nudged[0], WS[0])
    np.testing.assert_allclose(nudged[1:3], WS[1:3] + 2.0 * unit_direction(7, 6), rtol=1e-6)
    np.testing.assert_allclose(nudged[3], WS[3] + unit_direction(8, 6), rtol=1e-6)
    moved = edited(Edit(Offset((1.0,) * 6, 0, 0)), Edit(Offset((1.0,) * 6, 0, 3), 2.0))
    np.testing.assert_allclose(moved - WS, np.array([3, 2, 2, 2], np.float32)[:, None] * np.ones(6), rtol=1e-5)
    assert edited() is WS


def test_directions_step_by_their_standard_deviations() -> None:
    step = 0.5 * np.arange(1.0, 7.0)
    moved = edited(Edit(Direction(STEP, (3, 1)), 2.0)) - WS
    np.testing.assert_allclose(moved[[1, 3]], np.tile(2.0 * step, (2, 1)), rtol=1e-5)
    np.testing.assert_array_equal(moved[[0, 2]], 0.0)
    np.testing.assert_allclose(edited(Edit(Direction(STEP))) - WS, np.tile(step, (4, 1)), rtol=1e-5)
    rows = np.arange(24.0, dtype=np.float32).reshape(4, 6)
    key = TABLE.add(StoredDirection("ws", rows, 2.0))
    np.testing.assert_allclose(edited(Edit(Direction(key, (2,)), 0.5)) - WS, rows * [[0], [0], [1], [0]], atol=1e-6)


def test_style_channels_step_by_their_standard_deviations() -> None:
    (one,) = resolve_edits((Edit(StyleChannels("t1", (3, 0), (0.5, 2.0)), 4.0),), INFO, TABLE)
    assert one.layers == ("t1",)
    moved = one.apply(STYLES, INFO.layers[1]) - STYLES
    np.testing.assert_allclose(moved, np.tile([8.0, 0, 0, 2.0, 0, 0, 0, 0], (2, 1)), atol=1e-6)


def test_style_directions_step_in_the_styles_of_each_layer() -> None:
    (one,) = resolve_edits((Edit(StyleDirection(STYLE_STEP), 2.0),), INFO, TABLE)
    assert one.layers == tuple(layer.name for layer in INFO.layers)
    for i, layer in enumerate(INFO.layers):
        np.testing.assert_allclose(
            one.apply(STYLES, layer) - STYLES, np.tile(0.5 * ALL_STYLES[8 * i : 8 * i + 8], (2, 1)), atol=1e-5
        )
    (some,) = resolve_edits((Edit(StyleDirection(STYLE_STEP, (0, 2))),), INFO, TABLE)
    assert some.layers == ("t0", "t2")


def test_style_edits_are_blended_between_keys_by_strength() -> None:
    for value in (VALUES["style-channels"], VALUES["style-direction"]):
        assert blend_edits([(Edit(value, 8.0),), ()], [0.25, 0.75]) == (Edit(value, 2.0),)
        renamed = replace(value, name="other")  # type: ignore[type-var]
        (mixed,) = blend_edits([(Edit(value, 8.0),), (Edit(renamed, 0.0),)], [0.5, 0.5])
        assert mixed.strength == 4.0


def test_the_styles_of_the_input_can_be_edited() -> None:
    info = replace(INFO, input_style_dim=4)
    (one,) = resolve_edits((Edit(StyleChannels("input", (1,), (3.0,))),), info, TABLE)
    np.testing.assert_allclose(one.apply(torch.zeros(1, 4), None), [[0, 3, 0, 0]])
    key = TABLE.add(StoredDirection("s", np.ones(44, np.float32)))
    (whole,) = resolve_edits((Edit(StyleDirection(key), 2.0),), info, TABLE)
    assert whole.layers[0] == "input"
    np.testing.assert_allclose(whole.apply(torch.zeros(1, 4), None), np.full((1, 4), 2.0))
    assert resolve_edits((Edit(StyleDirection(key)), Edit(StyleChannels("input", (1,), (3.0,)))), INFO, TABLE) == ()


@pytest.mark.parametrize(
    "value",
    [
        StyleChannels("t9", (0,), (1.0,)),
        StyleChannels("t1", (8,), (1.0,)),
        StyleChannels("t1", (-1,), (1.0,)),
        StyleChannels("t1", (), ()),
        StyleChannels("t1", (1, 2), (1.0,)),
        StyleChannels("t1", (1,), (float("inf"),)),
        StyleDirection(STEP),
        StyleDirection("missing"),
        StyleDirection(STYLE_STEP, (9,)),
    ],
)
def test_style_edits_of_other_networks_wait(value: EditValue) -> None:
    assert resolve_edits((Edit(value),), INFO, TABLE) == ()


@pytest.mark.parametrize(
    "stored",
    [
        StoredDirection("w", np.ones(7, np.float32)),
        StoredDirection("ws", np.ones((3, 6), np.float32)),
        StoredDirection("z", np.ones(6, np.float32)),
    ],
)
def test_directions_of_other_networks_wait(stored: StoredDirection) -> None:
    table = AssetTable([stored])
    assert resolve_edits((Edit(Direction(stored.key)), Edit(Direction("missing"))), INFO, table) == ()
    assert resolve_edits((Edit(Direction(STEP, (4, 9))),), INFO, TABLE) == ()


def test_directions_of_another_model_wait_for_it() -> None:
    found = StoredDirection("w", np.ones(6, np.float32), model_sha="aa")
    table = AssetTable([found])
    edits = (Edit(Direction(found.key)),)
    assert len(resolve_edits(edits, INFO, table, "aa")) == 1
    assert resolve_edits(edits, INFO, table, "bb") == ()
    assert len(resolve_edits(edits, INFO, table)) == 1, "a model without a hash takes any"
    assert len(resolve_edits((Edit(Direction(STEP)),), INFO, TABLE, "bb")) == 1, "found in no model"


def test_edits_are_applied_in_their_order_to_the_bit() -> None:
    offset, nudge = Edit(Offset((0.1, 0.2, 0.3, -0.4, 1e-3, 0.7))), Edit(Nudge(3), 1.7)
    step = np.float32(1.7) * unit_direction(3, 6)
    added = np.asarray(offset.value.values, np.float32)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(edited(nudge, offset), (WS + step) + added)
    np.testing.assert_array_equal(edited(offset, nudge), (WS + added) + step)


# -- unknown kinds ---------------------------------------------------------------------------------------------


def test_an_edit_of_an_unknown_kind_is_kept_to_the_letter() -> None:
    data = {"value": {"kind": "melt", "z": [1, 2.5, None, {"a": "\ud800 \u00e4"}], "b": True}, "strength": 0.25}
    edit = decode(Edit, data)
    assert isinstance(edit.value, UnknownEdit)
    assert edit.value.name == "melt"
    assert encode(edit) == data
    assert list(encode(edit)["value"]) == ["kind", "z", "b"]
    assert describe(edit) == "melt (unknown edit)"
    assert resolve_edits((edit,), INFO, TABLE) == ()
    assert hash(edit) == hash(decode(Edit, data))


# -- between -------------------------------------------------------------------------------------------------


def test_strengths_are_blended_and_missing_edits_fade() -> None:
    a, b = Edit(Nudge(1), 1.0), Edit(Nudge(2), 4.0)
    assert blend_edits([(a,), (Edit(Nudge(1), 3.0), b)], [0.75, 0.25]) == (Edit(Nudge(1), 1.5), Edit(Nudge(2), 1.0))
    assert blend_edits([(a, b), (a, b)], [0.3, 0.7]) == (a, b)
    assert blend_edits([(a, a), (a, Edit(Nudge(1), 5.0))], [0.5, 0.5]) == (a, Edit(Nudge(1), 3.0))


def test_an_edit_that_is_off_in_one_fades_and_stays_off_if_off_in_all() -> None:
    on, off = Edit(Nudge(1), 2.0), Edit(Nudge(1), 2.0, is_on=False)
    assert blend_edits([(off,), (on,)], [0.5, 0.5]) == (Edit(Nudge(1), 1.0),)
    assert blend_edits([(off,), (Edit(Nudge(1), 4.0, is_on=False),)], [0.5, 0.5]) == (Edit(Nudge(1), 3.0, False),)


@pytest.mark.parametrize(
    ("strengths", "shares"),
    [((1.0, 1.0), (0.5, 0.5)), ((2.0, 0.5), (0.25, 0.75)), ((1.0, -1.0), (0.5, 0.5)), ((1.0, 3.0), (1.5, -0.5))],
)
def test_offsets_between_are_the_sum_of_what_each_adds(
    strengths: tuple[float, float], shares: tuple[float, float]
) -> None:
    values = [(1.0, 0.0, 2.0, -1.0, 0.5, 0.0), (0.0, 1.0, 1.0, 3.0, 0.0, 2.0)]
    lists = [(Edit(Offset(v, 1, 2), s),) for v, s in zip(values, strengths, strict=True)]
    found = edited(*blend_edits(lists, shares)) - WS
    wanted = np.zeros((4, 6))
    for v, s, share in zip(values, strengths, shares, strict=True):
        wanted[1:3] += share * s * np.array(v)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_unknown_edits_are_kept_between() -> None:
    unknown = Edit(UnknownEdit('{"kind": "melt"}'), 1.0)
    assert blend_edits([(unknown,), ()], [0.5, 0.5]) == (replace(unknown, strength=0.5),)


def test_style_channels_change_only_the_model_that_they_were_found_in() -> None:
    found = Edit(StyleChannels("t1", (3,), (0.5,), model_sha="aa"), 2.0)
    assert len(resolve_edits((found,), INFO, TABLE, "aa")) == 1
    assert resolve_edits((found,), INFO, TABLE, "bb") == ()
    assert resolve_edits((found,), INFO, None, "bb") == ()
    assert len(resolve_edits((found,), INFO, TABLE)) == 1
    of_any = Edit(StyleChannels("t1", (3,), (0.5,)), 2.0)
    assert len(resolve_edits((of_any,), INFO, TABLE, "bb")) == 1
