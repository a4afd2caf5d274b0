"""Training steps lower the loss, a killed run continues exactly, and a packed run opens again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from explorer.commands.train import main as command
from explorer.errors import UsageError
from explorer.training import ema
from explorer.training.augment import Augment
from explorer.training.base_trainer import BaseTrainer
from explorer.training.critters.pack import pack
from explorer.training.datasets import Critters, Dataset, Folder, order
from explorer.training.family_trainer import trainer_of
from explorer.training.loop import run
from explorer.training.pack import export, load_packed
from explorer.training.recipes import RECIPES, family_defaults, settings_of
from explorer.training.run_logger import Pace
from explorer.training.settings import TrainSettings
from explorer.training.snapshot import load_state, save_state
from explorer.training.trainer import Trainer

from .test_networks import TINY, tiny


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(tmp_path_factory.mktemp("data") / "critters.npy", 8, 16, batch=8)


def settings(family: str, out: Path, **changes: Any) -> TrainSettings:
    values: dict[str, Any] = {
        "generator": {k: v for k, v in tiny(family).items() if k != "img_resolution"},
        "resolution": 16,
        "d_channel_base": 64,
        "d_channel_max": 8,
        "batch": 4,
        "total_kimg": 0.024,
        "data": [],
    }
    return TrainSettings(family=family, out=out, **(values | changes))


class Fixed(Dataset):
    """The same four pictures in every batch."""

    def __init__(self, inner: Critters) -> None:
        self.inner, self.resolution = inner, inner.resolution

    def __len__(self) -> int:
        return 4

    def pictures(self, indices: np.ndarray) -> torch.Tensor:
        return self.inner.pictures(np.arange(4))

    def latents(self, indices: np.ndarray) -> torch.Tensor | None:
        return self.inner.latents(np.arange(4))


def fall(trainer: Trainer, metric: str, steps: int) -> float:
    """What is left of a metric after so many steps, as a share of its first value."""
    values = []
    for _ in range(steps + 1):
        trainer.step()
        values.append(trainer.metrics.pop(metric))
    return values[-1] / values[0]


@pytest.mark.parametrize("family", TINY)
def test_reconstruction_steps_lower_the_loss_on_a_fixed_batch(family: str, data: Path, tmp_path: Path) -> None:
    chosen = settings(family, tmp_path, guide_weight=1.0, adversarial_kimg=1e9, lr_g=0.01)
    assert fall(Trainer(chosen, Fixed(Critters([data]))), "guide", 12) < 0.8


@pytest.mark.parametrize("family", TINY)
def test_the_discriminator_learns_to_tell_a_fixed_batch(family: str, data: Path, tmp_path: Path) -> None:
    chosen = settings(family, tmp_path, lr_g=0.0, lr_d=0.01)
    assert fall(Trainer(chosen, Fixed(Critters([data]))), "loss_d", 10) < 0.6


def test_a_bfloat16_discriminator_trains(data: Path, tmp_path: Path) -> None:
    chosen = settings("stylegan2", tmp_path, lr_g=0.0, lr_d=0.01, d_bfloat16=True)
    trainer = Trainer(chosen, Fixed(Critters([data])))
    trainer.may_narrow = True  # also where the processor emulates bfloat16
    assert fall(trainer, "loss_d", 10) < 0.6
    assert trainer.d(trainer.dataset.pictures(np.arange(4))).dtype == torch.float32


@pytest.mark.parametrize("family", TINY)
def test_the_generator_learns_to_fool_a_fixed_discriminator(family: str, data: Path, tmp_path: Path) -> None:
    chosen = settings(family, tmp_path, lr_g=0.01, lr_d=0.0, path_weight=0.0, mixing_probability=0.0)
    trainer = Trainer(chosen, Critters([data]))
    first = []
    for _ in range(15):
        trainer.step()
        first.append(trainer.metrics.pop("loss_g"))
    assert np.mean(first[-3:]) < np.mean(first[:3])


def _weights(trainer: BaseTrainer) -> dict[str, torch.Tensor]:
    state = trainer.state()
    return {f"{part}.{key}": value for part in ("g", "g_ema", "d") for key, value in state[part].items()}


@pytest.mark.parametrize("family", ["stylegan2", "stylegan3-t"])
def test_a_killed_run_continues_bit_for_bit(family: str, data: Path, tmp_path: Path) -> None:
    changes: dict[str, Any] = {
        "guide_weight": 1.0,
        "adversarial_kimg": 0.008,
        "augment": "ada",
        "augment_kimg": 0.02,
    }
    changes["warm_up"] = [(0.004, 4 if family == "stylegan2" else 1)]
    changes |= {"lr_muon": 4e-3, "d_bfloat16": True, "phases": [(0.012, {"lr_muon": 0.0})]}  # as the recipes do
    dataset = Critters([data])
    whole = run(settings(family, tmp_path / "whole", **changes), dataset)
    run(settings(family, tmp_path / "cut", **{**changes, "total_kimg": 0.012}), dataset)
    torch.manual_seed(99)  # whatever happened in between
    cut = run(settings(family, tmp_path / "cut", **changes), dataset)
    assert cut.iteration == whole.iteration == 6
    for key, value in _weights(whole).items():
        assert torch.equal(value, _weights(cut)[key]), key


def test_a_recipe_says_how_many_threads(data: Path, tmp_path: Path) -> None:
    before, seen = torch.get_num_threads(), []

    class Watched(Critters):
        def pictures(self, indices: np.ndarray) -> torch.Tensor:
            seen.append(torch.get_num_threads())
            return super().pictures(indices)

    dataset = Watched([data])
    run(settings("stylegan2", tmp_path / "run", threads=before + 2, total_kimg=0.004), dataset)
    assert set(seen) == {before + 2}
    assert torch.get_num_threads() == before
    run(settings("stylegan2", tmp_path / "other", total_kimg=0.004), dataset)
    assert seen[-1] == before
    assert settings_of("critters-stylegan2-cpu", tmp_path, []).threads == 1


def test_a_half_written_checkpoint_is_never_read(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    save_state(path, {"value": torch.ones(2)})
    path.with_name("state.pt.part").write_bytes(b"cut off")
    assert load_state(path)["value"].tolist() == [1, 1]
    save_state(path, {"value": torch.zeros(2)})
    assert load_state(path)["value"].tolist() == [0, 0]


def test_packing_round_trip(data: Path, tmp_path: Path) -> None:
    trainer = run(settings("stylegan2", tmp_path / "run", guide_weight=1.0, adversarial_kimg=1e9), Critters([data]))
    path = export(tmp_path / "run", "critters-test", tmp_path / "assets")
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    assert (metadata["format"], metadata["family"]) == ("latentwalk", "stylegan2")
    assert json.loads(metadata["config"])["channel_base"] == 128
    generator = load_packed(path)
    for key, value in trainer.g_ema.state_dict().items():
        torch.testing.assert_close(generator.state_dict()[key], value, atol=2e-3, rtol=2e-3)
    assert generator.w_avg.abs().max() > 0
    with Image.open(tmp_path / "assets" / "critters-test-samples-psi0.7.png") as sheet:
        assert sheet.size == (128, 128)
    card = (tmp_path / "assets" / "critters-test.md").read_text()
    assert "0.0 thousand" in card
    assert "complete" in card


def test_order_shows_everything_once_a_pass_and_is_seekable() -> None:
    whole = order(0, 30, 10, seed=3)
    assert sorted(whole[:10]) == sorted(whole[10:20]) == list(range(10))
    assert not np.array_equal(whole[:10], whole[10:20])
    assert np.array_equal(order(7, 9, 10, seed=3), whole[7:16])


def test_folder_crops_resizes_and_mirrors(tmp_path: Path) -> None:
    gradient = np.tile(np.arange(32, dtype=np.uint8) * 8, (16, 1))
    Image.fromarray(gradient).convert("RGB").save(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    folder = Folder(tmp_path, 8, mirror=True)
    assert len(folder) == 2
    pictures = folder.pictures(np.array([0, 1]))
    assert pictures.shape == (2, 3, 8, 8)
    assert torch.equal(pictures[0], pictures[1].flip(-1))
    assert folder.latents(np.array([0])) is None


def test_pictures_are_turned_upright_and_broken_ones_named(tmp_path: Path) -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:8] = 255
    tags = Image.Exif()
    tags[0x0112] = 3  # upside down
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=tags)
    assert Folder(tmp_path, 8).pictures(np.array([0]))[0, 0, -1].min() == 1
    (tmp_path / "b.jpg").write_bytes(b"not a picture")
    with pytest.raises(UsageError, match=r"b\.jpg cannot be read"):
        Folder(tmp_path, 8)


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no pictures"):
        Folder(tmp_path, 8)


def test_ema_half_life_and_ramp() -> None:
    assert ema.decay(1000, ema_kimg=1.0, images_seen=10**9) == pytest.approx(0.5)
    assert ema.decay(10, ema_kimg=1.0, images_seen=200) == pytest.approx(0.5)  # ramp: 5 % of 200 pictures


def test_augmentation_grows_while_the_discriminator_is_sure(tmp_path: Path) -> None:
    augment = Augment(settings("stylegan2", tmp_path, augment="ada", augment_kimg=0.064))
    pictures = torch.rand(4, 3, 16, 16, requires_grad=True)
    assert augment(pictures) is pictures
    for _ in range(8):
        augment.observe(1.0, 4)
    assert augment.probability == pytest.approx(0.5)
    torch.manual_seed(0)
    changed = augment(pictures)
    changed.square().sum().backward()
    assert changed.shape == pictures.shape
    assert not torch.equal(changed, pictures)
    assert pictures.grad is not None
    for _ in range(40):
        augment.observe(-1.0, 4)
    assert augment.probability == 0


@pytest.mark.parametrize(("mean_sign", "probability"), [(0.5, 0.0), (1.0, 0.5)])
def test_augmentation_aims_at_the_share_of_sure_pictures(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mean_sign: float, probability: float
) -> None:
    chosen = settings("stylegan2", tmp_path, augment="ada", augment_kimg=0.064, r1_interval=0, path_weight=0.0)
    trainer = Trainer(chosen, Fixed(Critters([data])))
    signs = torch.ones(4, 1) if mean_sign == 1.0 else torch.tensor([[1.0], [1.0], [1.0], [-1.0]])
    monkeypatch.setattr(
        trainer, "_discriminate", lambda pictures, exact=False: pictures.mean((1, 2, 3))[:, None] * 0 + signs
    )
    monkeypatch.setattr(trainer.d, "parameters", lambda: iter(()))
    monkeypatch.setattr(trainer, "_descend", lambda *_: None)
    for _ in range(8):
        trainer.step()
    assert trainer.augment.probability == pytest.approx(probability)
    assert trainer.metrics["augment"] == trainer.augment.probability


def test_the_pace_is_that_of_late() -> None:
    pace = Pace(0.0, 0)
    for minute in range(1, 11):
        pace.at(60.0 * minute, 60_000 * minute)  # a warm-up
    assert pace.at(660.0, 600_600) < 1000
    for minute in range(12, 20):
        rate = pace.at(60.0 * minute, 600_600 + 600 * (minute - 11))
    assert rate == pytest.approx(10.0)


def test_command_trains_on_a_folder_and_packs(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for i in range(4):
        pixels = np.random.default_rng(i).integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{i}.png")
    arguments = f"--data {tmp_path}/photos --resolution 16 --out {tmp_path}/run --channel-base 64 --channel-max 8"
    arguments += f" --batch 4 --total-kimg 0.008 --mirror --augment ada --pack mine --assets {tmp_path}/assets"
    assert command(arguments.split()) == 0
    assert "our own" not in (tmp_path / "assets" / "mine.md").read_text()
    assert (tmp_path / "assets" / "mine.safetensors").exists()
    assert (tmp_path / "run" / "samples" / "000000.png").exists()


def test_families_start_from_what_was_published() -> None:
    v2, t, r = (family_defaults(family, 256, 32) for family in ("stylegan2", "stylegan3-t", "stylegan3-r"))
    assert (v2["lr_g"], t["lr_g"]) == (2e-3, 2.5e-3)
    assert (r["blur_sigma"], r["blur_fade_kimg"]) == (10, 200)
    assert "blur_sigma" not in t
    assert v2["gamma"] == pytest.approx(0.4096)
    assert v2["ema_kimg"] == 10


def test_rows_after_the_checkpoint_are_dropped(data: Path, tmp_path: Path) -> None:
    run(settings("stylegan2", tmp_path, total_kimg=0.008), Critters([data]))
    (tmp_path / "metrics.csv").write_text("kimg,seconds\n0.004,1\n0.008,2\n0.012,3\n")
    run(settings("stylegan2", tmp_path, total_kimg=0.008), Critters([data]))
    assert (tmp_path / "metrics.csv").read_text() == "kimg,seconds\n0.004,1\n0.008,2\n"


def test_command_refuses_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        command(["--data", str(tmp_path / "nowhere"), "--out", str(tmp_path / "run")])


@pytest.mark.parametrize("recipe", sorted(n for n, r in RECIPES.items() if not trainer_of(r.family).is_distilled))
def test_every_recipe_takes_steps_when_shrunk(recipe: str, data: Path, tmp_path: Path) -> None:
    """The recipes for a GPU too: same losses, schedules and number format, tiny sizes, on the CPU."""
    chosen = settings_of(recipe, tmp_path, [], resolution=16, device="cpu", batch=4, adversarial_kimg=0.004)
    chosen.generator = chosen.generator | {"channel_base": 128, "channel_max": 16, "w_dim": 16}
    chosen.d_channel_base, chosen.d_channel_max = 64, 8
    chosen.warm_up = [(0.001, index) for _, index in chosen.warm_up[:1]] if "stylegan3" in recipe else []
    trainer = Trainer(chosen, Critters([data]))
    for _ in range(2):
        trainer.step()
    assert {"guide", "loss_g", "loss_d"} <= set(trainer.metrics)
    assert all(np.isfinite(value) for value in trainer.metrics.values())
    assert all(torch.isfinite(p).all() for p in trainer.g.parameters())


def test_some_pictures_serve_while_the_others_are_not_there_yet(data: Path, tmp_path: Path) -> None:
    seen: list[int] = []

    class Watched(Critters):
        def pictures(self, indices: np.ndarray) -> torch.Tensor:
            seen.extend(indices.tolist())
            return super().pictures(indices)

    changes: dict[str, Any] = {"first_pictures": 3, "phases": [(0.012, {"first_pictures": 0})], "total_kimg": 0.04}
    run(settings("stylegan2", tmp_path, **changes), Watched([data]))
    assert set(seen[:12]) == {0, 1, 2}
    assert set(seen[12:]) == set(range(8))


def test_a_date_is_a_seed(data: Path, tmp_path: Path) -> None:
    trainer = Trainer(settings("stylegan2", tmp_path, seed=20261121), Fixed(Critters([data])))
    trainer.step()
    assert trainer.images_seen == 4
