"""A student learns from a teacher: sizes, losses, refusals, a killed run, and what is packed."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from explorer.analysis import perceptual
from explorer.checkpoints import Checkpoint, load, save_native
from explorer.cli import main
from explorer.errors import UnreadableFileError, UsageError
from explorer.generators.base import Activation, NoiseSpec
from explorer.generators.mobilestylegan_layers import MobileConv
from explorer.generators.registry import build
from explorer.ops.haar import haar, inverse_haar
from explorer.testing.mobile_writer import lightning_value
from explorer.training.distillation import Distiller, wavelets
from explorer.training.distillation_figures import costs_of, likeness
from explorer.training.distillation_losses import pixel_losses, psnr
from explorer.training.loop import run
from explorer.training.mobilestylegan import MobileStyleGANTrainer, _seen
from explorer.training.pack import export, load_packed
from explorer.training.recipes import RECIPES, settings_of
from explorer.training.run_dir import describe
from explorer.training.settings import TrainSettings
from explorer.training.teacher import noisy_layers, open_teacher, teacher_of

_TEACHER = {
    "img_resolution": 16, "channel_base": 128, "channel_max": 16, "z_dim": 8, "w_dim": 12, "mapping_layers": 2,
}  # fmt: skip


def write(path: Path, family: str = "stylegan2", **changes: Any) -> Path:
    """Write a generator with random weights, and noise that is added."""
    torch.manual_seed(1)
    config = ({} if family != "stylegan2" else _TEACHER) | changes
    generator = build(family, config)
    with torch.no_grad():
        for name, tensor in generator.named_parameters():
            if name.endswith("noise_strength"):
                tensor.fill_(0.2)
        generator.w_avg.normal_()
    save_native(path, Checkpoint(family, config, generator.state_dict(), "net", licence="MIT"))
    return path


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("teacher") / "teacher.safetensors")


def settings(teacher: Path | str, out: Path, **changes: Any) -> TrainSettings:
    values: dict[str, Any] = {
        "batch": 4, "total_kimg": 0.024, "d_channel_base": 64, "d_channel_max": 8, "perceptual_weight": 0.0,
        "adversarial_weight": 0.5, "lr_g": 5e-3, "lr_d": 5e-3,
    }  # fmt: skip
    chosen = TrainSettings("mobilestylegan", out, [], teacher=str(teacher), **(values | changes))
    return MobileStyleGANTrainer().completed(chosen)


def test_the_sizes_follow_from_the_teacher(teacher: Path, tmp_path: Path) -> None:
    found = settings(teacher, tmp_path)
    assert found.resolution == 16
    assert (found.generator["channels"], found.generator["z_dim"], found.generator["w_dim"]) == ([16, 16], 8, 12)
    assert MobileStyleGANTrainer().completed(found) == found  # whoever is complete stays so
    narrow = settings(teacher, tmp_path, generator={"channel_base": 64, "channel_max": 12})
    assert narrow.generator["channels"] == [12, 8]


def test_a_student_begins_with_its_teachers_mapping_and_noise(teacher: Path, tmp_path: Path) -> None:
    trainer = Distiller(settings(teacher, tmp_path), None)
    z = torch.randn(3, 8)
    with torch.no_grad():
        assert torch.equal(trainer.g.mapping(z), trainer.teacher.mapping(z))
    assert torch.equal(trainer.g.w_avg, trainer.teacher.w_avg)
    pairs = list(zip(noisy_layers(trainer.g), noisy_layers(trainer.teacher), strict=False))
    assert len(pairs) == 3
    for own, other in pairs:
        assert torch.equal(own.get_buffer("noise_const"), other.get_buffer("noise_const"))
    trainer.step()
    with torch.no_grad():
        assert torch.equal(trainer.g_ema.mapping(z), trainer.teacher.mapping(z))  # it is not trained


@pytest.mark.parametrize("changes", [{"c_dim": 3}, {"c_dim": 2, "mapping_joins_label": True, "use_noise": False}])
def test_a_teacher_with_classes_teaches_them(changes: dict[str, Any], tmp_path: Path) -> None:
    trainer = Distiller(settings(write(tmp_path / "net.safetensors", **changes), tmp_path), None)
    trainer.step()
    z, c = torch.randn(2, 8), torch.eye(changes["c_dim"])[[1, 0]]
    with torch.no_grad():
        assert torch.equal(trainer.g.mapping(z, c), trainer.teacher.mapping(z, c))


def test_the_student_is_given_the_noise_that_the_teacher_had(
    teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, spec = Distiller(settings(teacher, tmp_path), None), NoiseSpec("random", seed=5)
    seen: list[torch.Tensor] = []
    run_layer = MobileConv.run

    def watched(
        self: MobileConv, activation: Activation, style: torch.Tensor, noise: torch.Tensor | None = None
    ) -> Activation:
        assert noise is not None
        seen.append(noise)
        return run_layer(self, activation, style, noise)

    monkeypatch.setattr(MobileConv, "run", watched)
    w = trainer._draw(2)
    trainer._step_student(w, spec, trainer._taught(w, spec))
    wanted = [layer.noise(spec, 2) for layer in noisy_layers(trainer.teacher)]
    assert len(seen) == 3
    for given, had in zip(seen, wanted, strict=False):
        assert had is not None
        assert torch.equal(given, had)


def test_wavelets_are_those_of_the_pictures_of_every_scale(teacher: Path, tmp_path: Path) -> None:
    student = Distiller(settings(teacher, tmp_path), None).g
    ws = student.broadcast(torch.randn(2, 12))
    with torch.no_grad():
        picture, found = wavelets(student, ws, [None] * 9)
        torch.testing.assert_close(picture, student.synthesis(ws, noise=NoiseSpec("none")), atol=1e-4, rtol=1e-4)
    assert [tuple(item.shape) for item in found] == [(2, 12, 4, 4), (2, 12, 8, 8)]
    torch.testing.assert_close(inverse_haar(found[-1]), picture)


def test_pixel_losses_are_those_of_the_formula() -> None:
    real = torch.rand(2, 3, 8, 8)
    assert [float(loss) for loss in pixel_losses([haar(real)], real)] == pytest.approx([0, 0], abs=1e-7)
    absolute, squared = pixel_losses([haar(real + 0.5)], real)
    # Pictures differ by 0.5 everywhere, and wavelets by 1 in the low band, a quarter of them.
    assert float(absolute) == pytest.approx(0.5 + 0.25)
    assert float(squared) == pytest.approx(0.25 + 0.25)
    corners = real[:, :, ::7, ::7]  # aligned corners of 2 px are those of 8 px
    assert float(pixel_losses([haar(corners)], real)[0]) == pytest.approx(0, abs=1e-6)
    assert float(psnr(torch.zeros(4), torch.full((4,), 0.2))) == pytest.approx(20)


def test_distillation_brings_the_student_near(teacher: Path, tmp_path: Path) -> None:
    trainer = Distiller(settings(teacher, tmp_path, adversarial_weight=0.0, lr_g=0.01), None)
    first = likeness(trainer.g, trainer.teacher, 8)
    for _ in range(60):
        trainer.step()
    assert likeness(trainer.g, trainer.teacher, 8) > first + 1.5
    assert not {"loss_d", "loss_g"} & set(trainer.metrics)


def test_the_discriminator_takes_turns_with_its_regulariser(teacher: Path, tmp_path: Path) -> None:
    trainer = Distiller(settings(teacher, tmp_path, r1_interval=2, adversarial_kimg=0.008), None)
    noted = []
    for _ in range(6):
        trainer.metrics.clear()
        noted.append(
            (trainer.has_slower_ahead, trainer.step(), frozenset(trainer.metrics) & {"loss_g", "loss_d", "r1"})
        )
    assert [slower for slower, *_ in noted] == [True, True, False, False, False, False]
    regularised, told = frozenset({"loss_g", "r1"}), frozenset({"loss_g", "loss_d"})
    assert [found for *_, found in noted] == [frozenset(), frozenset(), regularised, told, regularised, told]


def test_a_killed_run_continues_bit_for_bit(teacher: Path, tmp_path: Path) -> None:
    changes: dict[str, Any] = {"adversarial_kimg": 0.008, "augment": "ada", "augment_kimg": 0.02, "lr_muon": 4e-3}
    whole = run(settings(teacher, tmp_path / "whole", **changes), None)
    run(settings(teacher, tmp_path / "cut", **{**changes, "total_kimg": 0.012}), None)
    torch.manual_seed(99)  # whatever happened in between
    cut = run(settings(teacher, tmp_path / "cut", **changes), None)
    assert cut.iteration == whole.iteration == 6
    for part in ("g", "g_ema", "d"):
        for key, value in whole.state()[part].items():
            assert torch.equal(value, cut.state()[part][key]), key
    with (tmp_path / "cut" / "metrics.csv").open() as file:
        assert {"psnr", "perceptual", "loss_d"} <= set(next(csv.reader(file)))


def test_a_run_keeps_its_teacher(teacher: Path, tmp_path: Path) -> None:
    run(settings(teacher, tmp_path / "run", total_kimg=0.004), None)
    other = write(tmp_path / "other.safetensors", class_names=())
    tensors = dict(load(other).tensors)
    tensors["mapping.w_avg"] = tensors["mapping.w_avg"] + 1
    save_native(other, replace(load(other), tensors=tensors))
    with pytest.raises(UsageError, match=r"learns from teacher\.safetensors, and .*other\.safetensors is not that"):
        run(settings(other, tmp_path / "run"), None)


def test_a_packed_student_names_its_teacher(teacher: Path, tmp_path: Path) -> None:
    trainer = run(settings(teacher, tmp_path / "run"), None)
    path = export(tmp_path / "run", "student", tmp_path / "assets")
    found, generator = load(path), load_packed(path)
    assert (found.family, found.licence, found.card["teacher"]) == ("mobilestylegan", "MIT", "teacher.safetensors")
    for key, value in trainer.g_ema.state_dict().items():
        torch.testing.assert_close(generator.state_dict()[key], value, atol=2e-3, rtol=2e-3)
    card = (tmp_path / "assets" / "student.md").read_text()
    assert "furry" not in card
    assert "from a discriminator" in card
    assert "perceptual loss" not in card
    own, other = (costs_of(g, g.config) for g in (generator, trainer.teacher))  # type: ignore[attr-defined]  # of a MobileStyleGAN
    assert f"{own.parameters:,} parameters" in card
    assert f"{other.macs / own.macs:.1f} times as many" in card


def test_the_card_names_only_losses_that_were_reached(teacher: Path, tmp_path: Path) -> None:
    phases: list[Any] = [(0.012, {"perceptual_weight": 1.0}), (0.02, {"adversarial_kimg": 0.0})]
    kept = describe(settings(teacher, tmp_path, adversarial_kimg=1e9, phases=phases))
    kept["phases"] = phases
    network = "a perceptual loss in the features of EfficientNet-Lite0"
    assert _seen(kept, 0.012) == ""
    assert _seen(kept, 0.016) == network
    assert _seen(kept, 0.024) == f"{network} and from a discriminator (non-saturating logistic loss, lazy R1)"


def test_the_command_trains_packs_and_goes_on(
    teacher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = f"train --family mobilestylegan --teacher {teacher} --out {tmp_path}/run --batch 4 --channel-max 8"
    arguments += f" --channel-base 64 --adversarial-kimg 1 --pack mine --assets {tmp_path}/assets --total-kimg"
    weights = write_vgg(tmp_path / "vgg16.pth")
    assert main([*arguments.split(), "0.008", "--perceptual", str(weights)]) == 0
    assert main([*arguments.split(), "0.016", "--perceptual", str(weights)]) == 0
    card = (tmp_path / "assets" / "mine.md").read_text()
    assert "--family mobilestylegan --teacher teacher.safetensors" in card
    assert "features of vgg16.pth" in card
    assert load(tmp_path / "assets" / "mine.safetensors").config["channels"] == [8, 8]
    assert main([*arguments.replace("--channel-max 8", "--channel-max 12").split(), "0.016"]) == 2
    assert "run holds a mobilestylegan run of 16 px with" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ("--family mobilestylegan", "none is named"),
        ("--family mobilestylegan --teacher nowhere.pkl", "nowhere.pkl"),
        ("--family mobilestylegan --teacher FOLDER/student.safetensors", "is a mobilestylegan, but"),
        ("--family mobilestylegan --teacher FOLDER/small.safetensors", "pictures of 8x8 px"),
        ("--family mobilestylegan --teacher FOLDER/wide.safetensors", "pictures of 24x16 px"),
        ("--family mobilestylegan --teacher FOLDER/grey.safetensors", "pictures of 1 channels"),
        ("--family mobilestylegan --teacher FOLDER/odd.safetensors", "would have 6 channels"),
        ("--family mobilestylegan --teacher FOLDER/training.pt", "has no averaged generator"),
        ("--family mobilestylegan --teacher TEACHER --resolution 32", "the teacher"),
        ("--family mobilestylegan --teacher TEACHER --data FOLDER", "pictures of its teacher alone"),
        ("--family mobilestylegan --teacher TEACHER --pack x --figures 10", "compares with the data"),
        ("--family stylegan2 --teacher TEACHER", "is not distilled"),
    ],
)
def test_refusals_say_what_to_do(
    changes: str, message: str, teacher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "student.safetensors", "mobilestylegan", img_resolution=16, channels=[8, 8], w_dim=8)
    write(tmp_path / "small.safetensors", img_resolution=8)
    write(tmp_path / "wide.safetensors", init_size=[4, 6])
    write(tmp_path / "grey.safetensors", img_channels=1)
    write(tmp_path / "odd.safetensors", channel_max=6)
    torch.save({"G": build("stylegan2", _TEACHER).state_dict()}, tmp_path / "training.pt")
    options = changes.replace("FOLDER", str(tmp_path)).replace("TEACHER", str(teacher))
    assert main(["train", *options.split(), "--out", str(tmp_path / "run")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_teacher_inside_a_file_teaches(tmp_path: Path) -> None:
    config = _TEACHER | {"z_dim": 12, "conv_clamp": None}
    student = build("mobilestylegan", {"img_resolution": 16, "channels": [16, 8], "w_dim": 12, "mapping_layers": 2})
    torch.save(lightning_value(student, build("stylegan2", config)), tmp_path / "mobile.ckpt")
    found = settings(f"{tmp_path}/mobile.ckpt#teacher", tmp_path / "run", total_kimg=0.004)
    assert run(found, None).images_seen == 4
    assert load(export(tmp_path / "run", "x", tmp_path)).card["teacher"] == "mobile.ckpt#teacher"


def test_a_recipe_takes_steps_with_its_teacher(tmp_path: Path) -> None:
    """All phases of the recipe, a batch each, as it would go on the bundled teacher."""
    recipe = RECIPES["critters-mobilestylegan-cpu"].settings
    starts = [0.0, *(kimg for kimg, _ in recipe["phases"])]
    for start in starts:
        chosen = settings_of("critters-mobilestylegan-cpu", tmp_path, [], batch=2)
        trainer = Distiller(MobileStyleGANTrainer().completed(chosen), None)
        trainer.images_seen = int(start * 1000)
        trainer.step()
        assert all(torch.isfinite(p).all() for p in trainer.g.parameters())
    assert {"psnr", "perceptual", "loss_g"} <= set(trainer.metrics)


def write_vgg(path: Path) -> Path:
    """Write random weights under torchvision's names of VGG16, with some of the classifier's."""
    from explorer.analysis.vgg16 import VGG16

    torch.save({**VGG16().state_dict(), "classifier.0.bias": torch.zeros(2)}, path)
    return path


def test_perceptual_networks_are_named_or_brought(tmp_path: Path) -> None:
    a, b = torch.rand(2, 3, 32, 32, requires_grad=True), torch.rand(2, 3, 32, 32)
    network = perceptual.load(str(write_vgg(tmp_path / "vgg16.pth")))
    distance = network.distance(a, b)
    assert distance.shape == (2,)
    assert torch.equal(network.distance(b, b), torch.zeros(2))
    distance.sum().backward()
    assert a.grad is not None
    assert a.grad.abs().min() > 0
    (tmp_path / "other.pth").write_bytes(b"not weights")
    with pytest.raises(UnreadableFileError, match=r"other\.pth does not hold the weights of VGG16"):
        perceptual.load(str(tmp_path / "other.pth"))
    with pytest.raises(UsageError, match="no feature network and no file named vgg19"):
        perceptual.load("vgg19")
    with pytest.raises(UsageError, match="does not work"):
        perceptual.load("no_such_module:make")
    assert perceptual.load("tests.training.test_distillation:Plain").name == "plain"


class Plain:
    """A distance of a user's own."""

    name = "plain"

    def to(self, device: torch.device) -> None:
        """Hold nothing."""

    def distance(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Return squared differences."""
        return (a - b).square().mean((1, 2, 3))


def test_a_teacher_is_fixed(teacher: Path) -> None:
    assert not any(p.requires_grad for p in teacher_of(open_teacher(str(teacher))).parameters())
