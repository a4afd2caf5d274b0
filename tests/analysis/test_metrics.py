"""Averages, spectra and sampled metrics: right on cases that can be computed by hand, and explained when wrong."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from explorer.analysis import averages, equivariance, spectrum
from explorer.analysis.estimate import Estimate, RatioSum, as_json
from explorer.analysis.measurement import measure
from explorer.analysis.registry import EQUIVARIANCE, metric_named
from explorer.errors import UsageError
from explorer.generators.base import NO_EDITS, Activation, Inputs, LayerEdits
from explorer.jobs.job import last_value
from explorer.state import Latent, Look, Transform
from explorer.state.request import LatentPoint
from tests.analysis.scenes import TinyContext


def test_error_of_a_ratio_is_that_of_repeated_experiments() -> None:
    random = np.random.default_rng(0)

    def experiment() -> RatioSum:
        below = random.uniform(1, 3, 200)
        return RatioSum(list(zip(below * random.normal(2.0, 0.5, 200), below, strict=True)))

    experiments = [experiment() for _ in range(200)]
    scatter = float(np.std([e.ratio for e in experiments]))
    assert experiments[0].stderr == pytest.approx(scatter, rel=0.2)
    assert experiments[0].decibels == pytest.approx(10 * math.log10(2.0), abs=0.2)
    assert experiments[0].stderr_db == pytest.approx(float(np.std([e.decibels for e in experiments])), rel=0.2)
    assert math.isnan(RatioSum([(1.0, 2.0)]).stderr)
    assert math.isnan(RatioSum().ratio)


def test_json_has_no_number_that_is_none() -> None:
    row = as_json("eq-t", "m", Estimate(math.inf, math.nan, "dB", 1, "why"))
    assert (row["value"], row["stderr"], row["note"]) == (None, None, "why")


# -- averages --------------------------------------------------------------------------------------------------


def test_mean_of_neighbours() -> None:
    context = TinyContext()
    request = context.request(Look(latent=Latent(seed=3)))
    with torch.inference_mode():
        reports = [r for r in averages.neighbours(context, request, 0.2, 6) if r is not None]
        expected = torch.stack(
            [
                context.picture(request.with_base(LatentPoint(((3, 1.0), (averages.FIRST_SEED + i, sign * 0.2)))))
                for i in range(3)
                for sign in (1, -1)
            ]
        ).mean(0)
    assert [(r.done, r.total) for r in reports] == [(i, 6) for i in range(1, 7)]
    torch.testing.assert_close(reports[-1].value, expected)


def test_a_wide_neighbourhood_is_smoother_than_a_narrow_one() -> None:
    context = TinyContext()
    request = context.request()
    with torch.inference_mode():
        still = context.picture(request)
        near = last_value(averages.neighbours(context, request, 0.01, 8))
        far = last_value(averages.neighbours(context, request, 1.0, 8))
    assert (near - still).abs().max() < 0.05
    assert (far - still).abs().max() > (near - still).abs().max()


@pytest.mark.parametrize("kind", ["shifted", "turned"])
def test_an_exact_mover_is_brought_back_exactly(kind: str) -> None:
    class Exact(TinyContext):
        """Waves without convolutions: they move as they are told."""

        def picture(self, request: object) -> Tensor:
            matrix = getattr(request, "transform", None) or (1, 0, 0, 0, 1, 0, 0, 0, 1)
            inverse = torch.linalg.inv(torch.tensor(matrix, dtype=torch.float64).reshape(3, 3)).float()
            axis = (torch.arange(64) + 0.5) / 64 - 0.5
            y, x = torch.meshgrid(axis, axis, indexing="ij")
            u = inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2]
            v = inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2]
            return torch.sin(20 * u + 12 * v)[None]

    context = Exact()
    request = context.request(Look(transform=Transform(x=0.3)))
    mean = last_value(averages.brought_back(context, request, kind, 8))  # type: ignore[arg-type]
    still = context.picture(replace(request, transform=None))
    assert (mean - still)[:, 16:-16, 16:-16].abs().max() < 0.02


def test_averages_refuse_what_would_show_nothing() -> None:
    context = TinyContext()
    for wrong in (
        averages.neighbours(context, context.request(), 0.1, 1),
        averages.neighbours(context, context.request(), 0.0, 4),
        averages.brought_back(context, context.request(), "turned", 1),
    ):
        with pytest.raises(UsageError):
            next(wrong)


# -- spectrum --------------------------------------------------------------------------------------------------


def test_white_noise_has_a_flat_spectrum_of_its_variance() -> None:
    torch.manual_seed(0)
    mean = torch.stack([spectrum.power(0.5 * torch.randn(3, 32, 32)) for _ in range(60)]).mean(0)
    assert float(mean[8:16, 8:16].mean()) == pytest.approx(0.25, rel=0.1)


def test_waves_appear_in_their_slice() -> None:
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")

    class Waves(TinyContext):
        def picture(self, request: object) -> Tensor:
            along = torch.sin(2 * math.pi * 16 / 64 * x)
            across = torch.sin(2 * math.pi * 8 / 64 * (x + y))
            return (along + across)[None]

    context = Waves()
    metric = metric_named("spectrum")
    found = last_value(measure([metric], context, context.request(), 4))["spectrum"].detail
    assert isinstance(found, spectrum.Spectrum)
    assert found.frequency[int(np.argmax(found.axis))] == pytest.approx(16 / 64)
    assert found.diagonal_frequency[int(np.argmax(found.diagonal))] == pytest.approx(8 / 64 * math.sqrt(2))
    # The wave along x has a quarter cycle a pixel; half of its main lobe lies beyond that, the other wave below.
    assert -7 < found.fine.value < -3
    assert found.fine.samples == 4
    with pytest.raises(UsageError, match="1 picture "):
        measure([metric], context, context.request(), 1)


# -- equivariance ----------------------------------------------------------------------------------------------


def test_sampled_metrics_are_the_measured_ones_with_an_error() -> None:
    context = TinyContext()
    with torch.inference_mode():
        reports = [r for r in measure(EQUIVARIANCE, context, context.request(), 6, seed=4) if r is not None]
    expected = equivariance.measure(context.generator, equivariance.draws(context.generator, 6, batch=1, seed=4))
    assert [r.done for r in reports] == [1, 2, 3, 4, 5, 6]
    sums: Any = expected
    for metric, estimate in reports[-1].value.items():
        assert estimate.value == pytest.approx(sums[metric].decibels)
        assert 0 < estimate.stderr < 20
        assert estimate.samples == 6
    assert all(math.isnan(e.stderr) for e in reports[0].value.values())
    with pytest.raises(UsageError, match="1 picture "):
        measure(EQUIVARIANCE, context, context.request(), 1)


def test_curves_of_one_latent() -> None:
    context = TinyContext()
    with torch.inference_mode():
        reports = [r for r in equivariance.curves(context, context.request(Look(transform=Transform(x=9)))) if r]
    first, last = reports[0].value, reports[-1].value
    assert sum(len(p) for p in first.points.values()) == 1
    assert reports[-1].done == reports[-1].total == sum(len(p) for p in last.points.values())
    offsets = [value for value, _ in last.points["eq-t"]]
    assert offsets == sorted(offsets)
    assert all(round(v * 16) == pytest.approx(v * 16) and abs(v) <= 0.125 for v in offsets)
    assert len(last.points["eq-r"]) == equivariance.CURVE_TURNS - 1
    assert all(math.isfinite(db) for points in last.points.values() for _, db in points)
    worst, best = min(db for _, db in last.points["eq-t"]), max(db for _, db in last.points["eq-t"])
    assert worst <= last.total["eq-t"] <= best


def test_a_generator_that_does_not_move_is_reported_so() -> None:
    context = TinyContext()
    begin = context.generator.begin

    def unmoved(inputs: Inputs, edits: LayerEdits = NO_EDITS) -> Activation:
        return begin(replace(inputs, transform=None), edits)

    context.generator.begin = unmoved  # type: ignore[method-assign]
    with torch.inference_mode():
        for job in (
            measure(EQUIVARIANCE, context, context.request(), 4),
            equivariance.curves(context, context.request()),
        ):
            with pytest.raises(UsageError, match="no input transform"):
                last_value(job)  # type: ignore[misc]


def test_counterparts_are_called_so() -> None:
    config = {"z_dim": 16, "w_dim": 16, "img_resolution": 16, "channel_base": 128, "channel_max": 8,
              "mapping_layers": 2}  # fmt: skip
    context = TinyContext("stylegan2", **config)
    with torch.inference_mode():
        value = last_value(measure(EQUIVARIANCE[:1], context, context.request(), 2))
    assert "counterpart" in value["eq-t"].note
