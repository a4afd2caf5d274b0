"""What the options of `train` become: sizes of both networks, losses, and refusals before anything is made."""

from __future__ import annotations

import argparse
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.cli import main
from explorer.commands import train
from explorer.training import cards
from explorer.training.family_trainer import trainer_of
from explorer.training.options import add_arguments, settings_from
from explorer.training.recipes import RECIPES, family_defaults
from explorer.training.run_dir import describe
from explorer.training.settings import TrainSettings
from explorer.training.trainer import Trainer


def resolved(text: str, out: Path) -> TrainSettings:
    """The settings that the options in `text` give."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return settings_from(parser.parse_args([*text.split(), "--out", str(out)]))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of four pictures."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(4):
        pixels = np.random.default_rng(i).integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


@pytest.mark.parametrize(
    ("options", "generator", "discriminator"),
    [
        ("--family stylegan2", (32768, 512), (32768, 512)),
        ("--family stylegan3-t --channel-base 16384", (16384, 512), (16384, 512)),
        ("--family stylegan3-r", (65536, 1024), (32768, 512)),
        ("--family stylegan3-r --channel-base 512 --channel-max 16", (1024, 32), (512, 16)),
        ("--recipe critters-stylegan3-r-cpu", (4096, 128), (2048, 64)),
        ("--recipe critters-stylegan2-cpu --channel-max 32", (2048, 32), (2048, 32)),
    ],
)
def test_both_networks_have_the_chosen_size(
    options: str, generator: tuple[int, int], discriminator: tuple[int, int], tmp_path: Path
) -> None:
    found = resolved(options, tmp_path)
    assert (found.generator["channel_base"], found.generator["channel_max"]) == generator
    assert (found.d_channel_base, found.d_channel_max) == discriminator


@pytest.mark.parametrize("name", sorted(n for n, r in RECIPES.items() if not trainer_of(r.family).is_distilled))
def test_a_folder_takes_only_sizes_from_a_recipe(name: str, photos: Path, tmp_path: Path) -> None:
    recipe = RECIPES[name]
    found = resolved(f"--recipe {name} --data {photos}", tmp_path)
    published = family_defaults(recipe.family, recipe.resolution, recipe.settings["batch"])
    for key in set(published) - {"generator", "d_channel_base", "d_channel_max"}:
        assert getattr(found, key) == published[key], key
    plain = TrainSettings(recipe.family, tmp_path, [])
    for key in ("lr_d", "lr_muon", "adversarial_weight", "adversarial_kimg", "guide_weight", "phases", "warm_up"):
        assert getattr(found, key) == getattr(plain, key), key
    assert (found.batch, found.device) == (recipe.settings["batch"], recipe.settings.get("device", "cpu"))
    assert found.generator["channel_base"] == recipe.settings["generator"]["channel_base"]
    assert found.d_channel_base == recipe.settings["d_channel_base"]
    assert "mapping_lr_multiplier" not in found.generator  # of the schedule with a guide
    assert found.augment == "ada"


def test_options_outrank_what_is_published(photos: Path, tmp_path: Path) -> None:
    found = resolved(f"--recipe critters-stylegan2-cpu --data {photos} --lr-g 0.5 --batch 4 --gamma 3", tmp_path)
    assert (found.lr_g, found.batch, found.gamma, found.ema_kimg) == (0.5, 4, 3.0, 1.25)


_NO_CUDA = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever renders has not checked first."""

    def made(*_: object, **__: object) -> None:
        raise AssertionError("data were made")

    monkeypatch.setattr(train, "render_pack", made)


@pytest.mark.usefixtures("no_data")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param("--device cuda", "no CUDA device", marks=_NO_CUDA),
        pytest.param("--recipe critters-stylegan2-gpu", "no CUDA device", marks=_NO_CUDA),
        ("--device gpu", "There is no device 'gpu'"),
        ("--device meta", "The device 'meta' is not available"),
        ("--seed 4294967296", "The seed 4294967296 is not between 0 and 4294967295"),
        ("--seed -1", "The seed -1 is not between"),
        ("--batch 0", "A batch of 0 is empty"),
        ("--threads -1", "--threads -1 is negative"),
        ("--family stylegan3-t --resolution 48", "a power of two, at least 8"),
        ("--family stylegan3-t --resolution 4", "a power of two, at least 8"),
        ("--guide-weight 1", "Start from a recipe"),
        ("--recipe critters-stylegan2-cpu --resolution 16", "a generator of 16 px has only 8 layers"),
        ("--channel-base 32", "would have no channels"),
        ("--recipe critters-stylegan2-cpu --family stylegan3-t", "does not train a stylegan3-t"),
        ("--recipe critters-attributes --family stylegan2", "does not train a stylegan2"),
        ("--figures 100", "Give --pack NAME as well"),
        ("--mirror", "--mirror is for folders"),
        ("--mirror --data some.npy", "--mirror is for folders"),
        ("--pictures 8 --data PHOTOS", "--pictures is for rendered critters"),
        ("--pictures 0", "leaves nothing to train on"),
        ("--guide-weight 1 --data PHOTOS", "no known latents"),
    ],
)
def test_refusals_come_before_the_data(
    options: str, message: str, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = options.replace("PHOTOS", str(photos))
    assert main(["train", *options.split(), "--out", str(tmp_path / "run")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_family_of_the_recipe_may_be_given(tmp_path: Path) -> None:
    assert resolved("--recipe critters-stylegan3-t-cpu --family stylegan3-t", tmp_path).family == "stylegan3-t"


_TINY = "--resolution 16 --channel-base 64 --channel-max 8 --batch 4 --total-kimg 0.04 --pack mine"


def test_a_run_that_was_stopped_is_not_packed(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Trainer.step

    def interrupted(self: Trainer) -> None:
        step(self)
        signal.raise_signal(signal.SIGINT)

    arguments = f"train {_TINY} --data {photos} --out {tmp_path}/run --assets {tmp_path}/assets".split()
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", interrupted)
        assert main(arguments) == 130
    assert (tmp_path / "run" / "state.pt").exists()
    assert not (tmp_path / "assets").exists()
    assert main([*arguments, "--minutes", "0"]) == 0  # a limit of time packs what there is
    assert (tmp_path / "assets" / "mine.safetensors").exists()


@pytest.mark.parametrize(
    "options",
    [
        "",
        "--resolution 32 --batch 8 --lr-g 0.001 --seed 7 --augment none --threads 1",
        "--family stylegan3-r --channel-base 256 --channel-max 16 --resolution 32 --mirror",
    ],
)
def test_the_card_of_a_folder_says_the_options(options: str, photos: Path, tmp_path: Path) -> None:
    said = resolved(f"--data {photos} {options}", tmp_path)
    command = cards._command(describe(replace(said, data=[photos])))
    again = command.removeprefix("python main.py train ").removesuffix(" --out DIR --pack NAME")
    assert resolved(again.replace("FOLDER", str(photos)), tmp_path) == said
