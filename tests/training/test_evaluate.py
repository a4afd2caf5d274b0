"""Figures of a card: what they compare, what is remembered, and the sheets and cards they end in."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.analysis.attribute_network import AttributeNetwork, Vocabulary
from explorer.analysis.feature_networks import FeatureNetwork
from explorer.checkpoints import Checkpoint
from explorer.errors import UsageError
from explorer.generators.base import Generator
from explorer.training import sheets
from explorer.training.attributes import GROUPS
from explorer.training.cards import replace_figures
from explorer.training.critters.pack import pack
from explorer.training.datasets import Critters
from explorer.training.evaluate import Figures, Frechet, Request, fresh_like, measure, report
from explorer.training.style_effects import TRAITS, style_effects

from .test_networks import tiny

_NUMBERS = [name for names in TRAITS.values() for name in names if name not in GROUPS]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Critters:
    return Critters([pack(tmp_path_factory.mktemp("data") / "critters.npy", 16, 16, batch=8)])


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LATENTWALK_CACHE", str(tmp_path / "cache"))


def _generator(family: str) -> tuple[Generator, Generator]:
    checkpoint = Checkpoint(family, tiny(family), {}, "x", "MIT")
    torch.manual_seed(3)
    return fresh_like(dataclasses.replace(checkpoint)).eval(), fresh_like(checkpoint)


def test_frechet_is_of_generator_halves_and_untrained(data: Critters) -> None:
    generator, fresh = _generator("stylegan2")
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.mul_(0.5)
    seen: list[int] = []

    def colours(pictures: torch.Tensor) -> torch.Tensor:
        assert pictures.abs().max() <= 1
        seen.append(len(pictures))
        return pictures.mean((2, 3))

    using = [FeatureNetwork("mean colours", colours, "colours-1")]
    request = Request(samples=20, equivariance=0, likeness=2, pairs=0)
    found = measure(generator, fresh, data, using, request)
    (frechet,) = found.frechet
    assert (frechet.samples, frechet.data) == (20, 16)
    assert sum(seen) == 16 + 20 + 20
    assert frechet.halves < frechet.generator
    assert frechet.generator != frechet.untrained
    assert found.likeness is not None
    seen.clear()
    again = measure(generator, fresh, data, using, request)
    assert again.frechet == found.frechet
    assert sum(seen) == 20  # data and untrained network are remembered


def test_a_generator_that_makes_the_data_is_as_near_as_the_halves(data: Critters) -> None:
    generator, fresh = _generator("stylegan2")
    every = data.pictures(np.arange(16))

    class Perfect(type(generator)):  # type: ignore[misc]
        def synthesis(self, ws: torch.Tensor, **_: object) -> torch.Tensor:
            return every[: ws.shape[0]]

    generator.__class__ = Perfect
    using = [FeatureNetwork("mean colours", lambda x: x.mean((2, 3)), "colours-2")]
    (frechet,) = measure(generator, fresh, data, using, Request(16, 0, 0, 0)).frechet
    assert frechet.generator == pytest.approx(0, abs=1e-6)


def test_equivariance_only_where_there_is_an_input_transform(data: Critters) -> None:
    for family in ("stylegan2", "stylegan3-t"):
        generator, fresh = _generator(family)
        found = measure(generator, fresh, data, [], Request(0, 4, 0, 0))
        assert set(found.equivariance) == (set() if family == "stylegan2" else {"eq-t", "eq-t-frac", "eq-r"})


def test_the_report_names_every_figure() -> None:
    styles = {"coarse": dict.fromkeys(TRAITS, 0.625)}
    frechet = Frechet("net", 12.345, 1.5, 99.0, 10000, 16000)
    figures = Figures((frechet,), (20.0, 15.0, 128), {"eq-t": 50.0}, 500, styles, 64)
    text = report(figures)
    for part in (
        "**12.35**",
        "1.50",
        "99.0",
        "10,000",
        "16,000",
        "20.0 dB",
        "EQ-T 50.0 dB",
        "500 pictures",
        "64 pairs",
        "| coarse | 62%",
    ):
        assert part in text


def test_figures_are_put_into_a_card(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text("# x\n\n## Figures\n* old\n* older\n\nSheets of 64 uncurated samples: ...\n")
    replace_figures(card, "* new")
    replace_figures(card, "* newer\n* newest")
    assert card.read_text() == "# x\n\n## Figures\n* newer\n* newest\n\nSheets of 64 uncurated samples: ...\n"
    card.write_text("# something else\n")
    with pytest.raises(UsageError, match="not a card"):
        replace_figures(card, "* new")


@pytest.mark.parametrize("family", ["stylegan2", "stylegan3-r"])
def test_sheets(family: str, tmp_path: Path) -> None:
    generator, _ = _generator(family)
    paths = sheets.write_sheets(generator, tmp_path, "mine")
    assert paths[0].name == "mine-overview.png"
    assert len(paths) == len(set(paths)) == 8
    with Image.open(tmp_path / "mine-mixing-coarse.png") as opened:
        assert opened.size == (7 * 16, 4 * 16)


def test_mixing_takes_one_group_only() -> None:
    generator, _ = _generator("stylegan2")
    fine, coarse = sheets.mixing(generator, "fine"), sheets.mixing(generator, "coarse")
    assert torch.equal(fine[:7], coarse[:7])  # the sources
    assert torch.equal(fine[7], coarse[7])
    assert not torch.equal(fine[8], coarse[8])
    assert not torch.equal(coarse[8], coarse[7])


def test_all_styles_are_the_whole_way_and_none_are_no_way(monkeypatch: pytest.MonkeyPatch) -> None:
    generator, _ = _generator("stylegan2")
    network = AttributeNetwork(Vocabulary(GROUPS, dict.fromkeys(_NUMBERS, (0.0, 1.0)))).eval()
    for name, share in (("fine", 1.0), ("nothing", 0.0)):
        monkeypatch.setattr("explorer.training.style_effects.group_of", lambda info, index, name=name: name)
        found = style_effects(generator, network, 4)
        assert list(found["fine"].values()) == pytest.approx([share] * len(TRAITS))
        assert not any(found["coarse"].values())
