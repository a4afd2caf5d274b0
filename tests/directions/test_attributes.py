"""Attributes that a network reads: whose network it is, what edits change, which latents have much of one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.analysis.attribute_network import AttributeNetwork, Vocabulary, network_of, save
from explorer.directions.attributes import (
    AttributeSamples,
    attribute_names,
    changes_spec,
    extremes,
    readings,
    samples_spec,
)
from explorer.errors import LatentwalkError
from explorer.jobs.executors import run_inline
from explorer.render.headless import HeadlessRenderer, open_model
from explorer.state import Edit, Latent, Look, Nudge
from explorer.state.request import RenderRequest, RenderSettings
from explorer.util.steps import run
from tests.directions.attribute_models import NAMES, ORIGIN, write_models


@pytest.fixture
def renderer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HeadlessRenderer:
    """A small StyleGAN2 for which an attribute network is known."""
    monkeypatch.setenv("LATENTWALK_ASSETS", str(tmp_path))
    return open_model(str(write_models(tmp_path)), RenderSettings("cpu", "float32"))[0]


def test_a_network_is_known_for_models_of_the_same_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTWALK_ASSETS", str(tmp_path))
    assert network_of(ORIGIN) is None  # not installed
    write_models(tmp_path)
    found = network_of(ORIGIN)
    assert found is not None
    assert attribute_names(found) == NAMES
    assert network_of("pictures of the user's own") is None
    assert network_of("") is None
    (tmp_path / "networks" / "critters-attributes.safetensors").write_bytes(b"damaged")
    assert network_of(ORIGIN) is None


def test_the_bundled_models_have_one() -> None:
    assert network_of("trained by explorer.training on procedurally rendered Critters") is not None


def test_readings_are_standardised() -> None:
    torch.manual_seed(0)
    network = AttributeNetwork(Vocabulary({"kind": ("a", "b", "c", "d")}, {"size": (3.0, 0.5)})).eval()
    pictures = torch.randn(6, 3, 64, 64).clamp(-1, 1)
    read = readings(network, pictures)
    assert read.shape == (6, 5)
    exact = network.read(pictures)
    np.testing.assert_allclose(read[:, 0], ((exact["size"] - 3.0) / 0.5).numpy(), atol=1e-5)
    np.testing.assert_allclose(read[:, 1:], (exact["kind"].numpy() - 0.25) / np.sqrt(0.25 * 0.75), atol=1e-5)


def test_changes_are_the_difference_of_two_pictures(renderer: HeadlessRenderer) -> None:
    def request(strength: float) -> RenderRequest:
        return renderer.request(Look(Latent(3), edits=(Edit(Nudge(5), strength),)))

    low, high = request(-3.0), request(3.0)
    spec = changes_spec(low, low.style.edits, high.style.edits, ORIGIN)
    found = run_inline(spec, renderer.context)
    network = network_of(ORIGIN)
    assert network is not None
    with torch.inference_mode():
        pictures = [run(renderer.context.steps(item)) for item in (low, high)]
    read = readings(network, torch.stack(pictures))
    np.testing.assert_allclose(found.changes, read[1] - read[0], atol=1e-5)
    assert found.names == NAMES
    assert max(abs(change) for change in found.changes) > 1e-3
    (first, largest), *rest = found.largest(3)
    assert len(rest) == 2
    assert abs(largest) == max(abs(change) for change in found.changes)
    assert found.changes[NAMES.index(first)] == largest
    same = run_inline(changes_spec(low, low.style.edits, low.style.edits, ORIGIN), renderer.context)
    assert set(same.changes) == {0.0}
    unknown = run_inline(changes_spec(low, low.style.edits, high.style.edits, "other"), renderer.context)
    assert unknown.names == ()
    assert unknown.largest(3) == ()


def test_random_pictures_are_read_and_ranked(renderer: HeadlessRenderer) -> None:
    spec = samples_spec(renderer.request(Look()), ORIGIN, 30)
    found: AttributeSamples = run_inline(spec, renderer.context)
    assert found.w.shape == (30, renderer.context.generator.info.w_dim)
    assert found.values.shape == (30, len(NAMES))
    again: AttributeSamples = run_inline(spec, renderer.context)
    np.testing.assert_array_equal(found.values, again.values)
    network, generator = network_of(ORIGIN), renderer.context.generator
    assert network is not None
    with torch.inference_mode():
        pictures = generator.synthesis(generator.broadcast(torch.from_numpy(found.w[:5])))
    np.testing.assert_allclose(readings(network, pictures), found.values[:5], atol=1e-3)
    most, least = extremes(found, "size")
    column = found.values[:, NAMES.index("size")]
    assert len(most) == len(least) == 8
    np.testing.assert_array_equal(most[0], found.w[column.argmax()])
    np.testing.assert_array_equal(least[0], found.w[column.argmin()])


def test_without_a_network_the_samples_say_so(renderer: HeadlessRenderer) -> None:
    with pytest.raises(LatentwalkError, match="No attribute network is known"):
        run_inline(samples_spec(renderer.request(Look()), "other", 4), renderer.context)


def test_a_saved_network_says_where_it_is_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTWALK_ASSETS", str(tmp_path))
    save(tmp_path / "networks" / "critters-attributes.safetensors", AttributeNetwork(Vocabulary({}, {"a": (0, 1)})))
    assert network_of("") is None
