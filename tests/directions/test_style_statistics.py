"""The spread of styles: of known styles, of real networks, and its cache."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from explorer.directions import style_statistics
from explorer.directions.direction_set import DirectionSet
from explorer.directions.samples import SIGMA_SAMPLES, mapped, with_sigmas
from explorer.directions.style_statistics import CACHE, measured, recall, remember
from explorer.jobs.executors import run_inline
from explorer.jobs.job import JobSpec, last_value
from explorer.render.headless import HeadlessRenderer
from explorer.state import Look
from explorer.state.request import ModelKey
from tests.directions.painter import SCALE, Painter
from tests.generators.configs import small_generator

SHA = "a" * 64


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test."""
    monkeypatch.setenv("LATENTWALK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def found_in(generator: Any) -> Any:
    return last_value(measured(generator, 1000))


def test_statistics_of_known_styles() -> None:
    found = found_in(Painter(torch.ones(4, 8, 8)))
    assert list(found.sigma) == ["paint", "rgb"]
    np.testing.assert_allclose(found.sigma["paint"], SCALE, rtol=0.1)
    np.testing.assert_allclose(found.mean["paint"], 0.0, atol=0.02)


@pytest.mark.parametrize("name", ["stylegan2-skip", "stylegan3-t"])
def test_statistics_are_those_of_the_styles_of_random_latents(name: str) -> None:
    generator = small_generator(name)
    found = found_in(generator)
    w = torch.cat(list(mapped(generator, 1000)))
    with torch.no_grad():
        styles = {layer.info.name: layer.style(w) for layer in generator.layers}
        if name == "stylegan3-t":
            styles["input"] = generator.input_style(w)
    assert set(found.sigma) == set(styles)
    for layer, values in styles.items():
        np.testing.assert_allclose(found.mean[layer], values.mean(dim=0), rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(found.sigma[layer], values.std(dim=0, correction=0), rtol=1e-3, atol=1e-5)


def test_directions_of_styles_get_their_deviation() -> None:
    generator = small_generator("stylegan3-t")
    total = sum(layer.style_dim for layer in generator.info.styled_layers)
    statistics = last_value(measured(generator))
    assert statistics is not None
    for first in (0, generator.info.input_style_dim):  # without and with the input's styles
        vector = np.zeros((1, first + total), np.float32)
        vector[0, first + 2] = 1.0
        one = DirectionSet("x", "s", vector, np.zeros(1), np.full(1, np.nan), ("a",))
        layer = generator.info.styled_layers[0].name
        assert with_sigmas(generator, one).sigmas[0] == pytest.approx(statistics.sigma[layer][2], rel=0.1)


def test_the_job_measures_once_for_each_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = HeadlessRenderer(small_generator("stylegan2-skip"), model=ModelKey(SHA))
    spec = JobSpec.from_json(
        json.loads(json.dumps(JobSpec("style-statistics", renderer.request(Look())).to_json()))
    )
    first = run_inline(spec, renderer.context)
    assert list(folder.rglob("*.npz"))
    monkeypatch.setattr(style_statistics, "measured", None)
    again = run_inline(spec, renderer.context)
    for layer, sigma in first.sigma.items():
        np.testing.assert_array_equal(again.sigma[layer], sigma)
        np.testing.assert_array_equal(again.mean[layer], first.mean[layer])


def test_a_damaged_file_or_one_of_another_model_counts_as_none() -> None:
    generator = small_generator("stylegan2-skip")
    found = found_in(generator)
    assert recall(SHA, generator.info) is None
    remember(SHA, found)
    assert recall(SHA, generator.info) is not None
    assert recall("b" * 64, generator.info) is None
    assert recall(SHA, small_generator("stylegan3-t").info) is None
    CACHE.remember({"model": SHA, "samples": SIGMA_SAMPLES}, {"mean": np.zeros(3), "other": np.zeros(3)})
    assert recall(SHA, generator.info) is None


@pytest.mark.parametrize("value", [np.nan, -1.0])
def test_numbers_that_cannot_be_deviations_count_as_none(value: float) -> None:
    generator = small_generator("stylegan2-skip")
    found = found_in(generator)
    first = next(iter(found.sigma))
    found.sigma[first][0] = value
    remember(SHA, found)
    assert recall(SHA, generator.info) is None


def test_a_model_without_a_hash_is_not_cached(folder: Path) -> None:
    generator = small_generator("stylegan2-skip")
    remember("", found_in(generator))
    assert recall("", generator.info) is None
    assert not folder.exists()
