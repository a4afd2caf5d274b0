"""The equivariance metrics agree with the goldens, draw for draw."""

from __future__ import annotations

import math

import pytest
import torch

from explorer.analysis.equivariance import Draw, PsnrSum, draws, measure
from explorer.generators import registry
from tests.generators.configs import golden_config
from tests.goldens import Golden, load_net, weights


@pytest.mark.parametrize(("name", "family"), [("sg3r_u64", "stylegan3-r"), ("sg3t_u64", "stylegan3-t")])
def test_golden_metric(name: str, family: str) -> None:
    golden = Golden(f"equivariance/eq_metric_{name}")
    generator = registry.build(family, golden_config(load_net(name).meta["init"]))
    generator.load_state_dict(weights(name))
    z, whole, fraction, turn = (golden.arrays[k] for k in ("z", "rand_t_int", "rand_t_frac", "rand_angle"))
    size = golden.meta["batch_size"]
    batches = [
        Draw(torch.from_numpy(z[i * size : (i + 1) * size]), tuple(whole[i]), tuple(fraction[i]), float(turn[i]))
        for i in range(len(turn))
    ]
    sums = measure(generator, batches)
    atol = golden.meta["atol_dB"]
    assert sums["eq-t"].decibels == pytest.approx(golden.meta["eqt_int_dB"], abs=atol)
    assert sums["eq-t-frac"].decibels == pytest.approx(golden.meta["eqt_frac_dB"], abs=atol)
    assert sums["eq-r"].decibels == pytest.approx(golden.meta["eqr_dB"], abs=atol)


def test_draws_hold_the_asked_number_of_samples() -> None:
    generator = registry.build("tiny", {})
    assert sum(len(d.z) for d in draws(generator, 7, batch=3)) == 7


def test_nothing_measured_is_not_a_number() -> None:
    assert math.isnan(PsnrSum().decibels)
