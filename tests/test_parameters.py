"""Each number of the state is declared once: defaults, slider, track, undo step and limits agree."""

from __future__ import annotations

import pytest

from explorer.render.resolve import resolve_look
from explorer.state import Look, Mixing, MixRow, Snapshot, Tap
from explorer.state.parameters import CONTROLS, PARAMETERS, get_value, set_value
from explorer.state.request import ModelKey
from explorer.testing.tiny import TinyConfig, TinyGenerator

INFO = TinyGenerator(TinyConfig()).info
OF_LAYERS = {"truncation.layer_psi", "mixing.amount", "noise.layer_strengths"}
"""Declared once, one for each layer."""


@pytest.mark.parametrize("path", PARAMETERS)
def test_the_declared_default_is_that_of_the_state(path: str) -> None:
    assert get_value(Snapshot(), path) == PARAMETERS[path].default


@pytest.mark.parametrize("path", [path for path in CONTROLS if path not in OF_LAYERS])
def test_the_default_lies_in_the_range_and_steps_are_within_it(path: str) -> None:
    p = CONTROLS[path]
    assert p.low <= p.default <= p.high
    assert 0 < p.step <= p.high - p.low
    assert p.limits is None or p.limits[0] <= p.low < p.high <= p.limits[1]


@pytest.mark.parametrize(
    "path", [p for p in CONTROLS if p not in OF_LAYERS and p not in ("mixing.all", "tap.scale_db")]
)
def test_a_parameter_reads_what_it_wrote_and_touches_nothing_else(path: str) -> None:
    p = CONTROLS[path]
    look = p.changed(Look(), 0.375)
    assert p.read(look) == 0.375
    assert p.changed(look, p.default) == Look()
    if path in PARAMETERS:
        assert set_value(Snapshot(), path, 0.375).shared == look


@pytest.mark.parametrize(("amount", "rendered"), [(-1.0, None), (0.5, 0.5), (3.0, 1.0)])
def test_resolve_clamps_to_the_declared_limits(amount: float, rendered: float | None) -> None:
    look = Look(mixing=Mixing(rows=(MixRow(1, 0, amount),)))
    request = resolve_look(look, Tap(scale_db=1e6), INFO, model=ModelKey("tiny"))
    assert request.style.mix == (() if rendered is None else ((1, 0, rendered),))
    assert request.tap.scale_db == 200.0
