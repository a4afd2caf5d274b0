"""The attribute network learns, continues exactly, is stored and read, and the bundled one knows its critters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.analysis import attribute_network
from explorer.checkpoints.bundled import bundled
from explorer.errors import UnreadableFileError, UnsupportedModelError
from explorer.training import attributes
from explorer.training.attributes import AttributeSettings
from explorer.training.critters.attributes import attributes as exact
from explorer.training.critters.attributes import latents
from explorer.training.critters.pack import pack
from explorer.training.critters.render import render
from explorer.training.datasets import Critters


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Critters:
    return Critters([pack(tmp_path_factory.mktemp("data") / "critters.npy", 24, 16, batch=8)])


def _settings(out: Path, kimg: float) -> AttributeSettings:
    return AttributeSettings(out, total_kimg=kimg, held_out=8, batch=16)


def test_training_lowers_the_loss_on_a_fixed_batch(data: Critters, tmp_path: Path) -> None:
    pictures, z, unflipped = data.pictures(np.arange(16)), latents(16, 0), torch.zeros(16, dtype=torch.bool)
    losses = []
    for kimg in (0.016, 0.4):
        network = attributes.train(_settings(tmp_path / str(kimg), kimg), data).train()
        losses.append(float(attributes._loss(network, pictures, z, unflipped).detach()))
    assert losses[1] < 0.7 * losses[0]
    score = attributes.evaluate(network.eval(), data, 8)
    assert set(score.classes) == {"species", "palette", "pattern", "mouth open"}
    assert set(score.numbers) == set(network.vocabulary.numbers)


def test_a_cut_run_continues_bit_for_bit(data: Critters, tmp_path: Path) -> None:
    whole = attributes.train(_settings(tmp_path / "whole", 0.128), data)
    stopped = _settings(tmp_path / "cut", 0.128)
    stopped.time_limit_s = 0.0
    attributes.train(stopped, data)
    half = attributes.train(_settings(tmp_path / "cut", 0.128), data)
    for a, b in zip(whole.state_dict().values(), half.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_packing_round_trip(data: Critters, tmp_path: Path) -> None:
    settings = _settings(tmp_path, 0.064)
    network = attributes.train(settings, data)
    path = attributes.export(settings, network, data, tmp_path / "networks", "mine")
    stored = attribute_network.load(path)
    picture = data.pictures(np.arange(4))
    torch.testing.assert_close(stored.features(picture), network.features(picture), atol=0.05, rtol=0.05)
    assert stored.vocabulary == network.vocabulary
    assert "| species |" in path.with_suffix(".md").read_text()


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="critters-attributes"):
        attribute_network.load(tmp_path / "missing.safetensors")
    with pytest.raises(UnsupportedModelError):
        attribute_network.load(bundled()[0].path)


def test_the_bundled_network_knows_critters_it_never_saw() -> None:
    network = attribute_network.load()
    z = latents(12, seed=7)
    wanted = exact(z)
    pictures = torch.cat([render(exact(part), 64) for part in torch.split(z, 4)]) * 2 - 1
    read = network.read(pictures)
    assert (read["species"].argmax(1) == wanted.species.argmax(1)).sum() >= 10
    assert float((read["yaw"] - wanted.yaw).abs().mean()) < 0.12
