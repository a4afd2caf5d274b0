"""NVIDIA's names and rosinality's files: what is written opens as the same picture, or is the original's layout."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch

from explorer.checkpoints import Checkpoint, build_generator, convert, load, save_native
from explorer.checkpoints.conversion_formats import format_of
from explorer.checkpoints.rosinality import conv_names, mapping_names, torgb_names
from explorer.errors import CheckpointError, UnsupportedModelError, UsageError
from explorer.generators import registry
from tests.generators.configs import SMALL, small_generator
from tests.goldens import Golden, require


def _saved(folder: Path, name: str) -> Path:
    """A file of ours with a small generator."""
    family, config = SMALL[name]
    tensors = dict(small_generator(name).state_dict())
    save_native(folder / "source.safetensors", Checkpoint(family, config, tensors, name))
    return folder / "source.safetensors"


def _picture(path: Path) -> torch.Tensor:
    generator = build_generator(load(path))
    torch.manual_seed(0)
    z, c = torch.randn(2, generator.info.z_dim), None
    if generator.info.c_dim:
        c = torch.eye(generator.info.c_dim)[:2]
    with torch.no_grad():
        return generator.synthesis(generator.truncate(generator.broadcast(generator.mapping(z, c)), 0.7))


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth"])
@pytest.mark.parametrize("name", ["stylegan2-skip", "stylegan2-orig", "stylegan3-t", "stylegan3-r"])
def test_nvidias_names_open_as_the_same_picture(tmp_path: Path, name: str, suffix: str) -> None:
    source, target = _saved(tmp_path, name), tmp_path / f"theirs{suffix}"
    convert(source, target, to="nvidia")
    assert "state dict" in load(target).source_format
    torch.testing.assert_close(_picture(target), _picture(source), rtol=0, atol=0)


@pytest.mark.parametrize("name", ["sg2_skip_u64", "sg2_resnet_u32", "sg3t_u64", "sg3r_u64"])
def test_the_names_are_those_of_nvidias_state_dicts(tmp_path: Path, name: str) -> None:
    original = load(require(f"nets/{name}.safetensors"))
    convert(require(f"nets/{name}.safetensors"), tmp_path / "net.pt", to="nvidia")
    written = torch.load(tmp_path / "net.pt", weights_only=True)
    assert set(original.tensors) <= set(written)
    assert all(torch.equal(written[key], tensor.float()) for key, tensor in original.tensors.items())
    assert {key.rpartition(".")[2] for key in set(written) - set(original.tensors)} <= {"resample_filter"}


def test_settings_that_a_reader_must_be_told_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        convert(_saved(tmp_path, "stylegan2-plain"), tmp_path / "net.pt", to="nvidia")
    assert "conv_clamp none (assumed 256)" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        convert(_saved(tmp_path, "stylegan2-skip"), tmp_path / "net.pt", to="nvidia")
    assert not caplog.text


def test_half_precision_under_nvidias_names(tmp_path: Path) -> None:
    convert(_saved(tmp_path, "stylegan2-skip"), tmp_path / "net.pt", to="nvidia", dtype="float16")
    written = torch.load(tmp_path / "net.pt", weights_only=True)
    assert written["synthesis.b8.conv0.weight"].dtype == torch.float16
    assert written["synthesis.b8.conv0.bias"].dtype == torch.float32


def _golden_as_ours(tensors: dict[str, torch.Tensor], mean: torch.Tensor) -> Checkpoint:
    """rosinality's golden network as a checkpoint of ours, by the names alone."""
    names = mapping_names("style", 8) | {"input.input": "synthesis.b4.const"}
    names |= conv_names("conv1", "synthesis.b4.conv1") | torgb_names("to_rgb1", "synthesis.b4.torgb")
    noises = {"noises.noise_0": "synthesis.b4.conv1.noise_const"}
    for j, size in enumerate((8, 16, 32, 64)):
        names |= torgb_names(f"to_rgbs.{j}", f"synthesis.b{size}.torgb")
        for half in (0, 1):
            names |= conv_names(f"convs.{2 * j + half}", f"synthesis.b{size}.conv{half}")
            noises[f"noises.noise_{2 * j + half + 1}"] = f"synthesis.b{size}.conv{half}.noise_const"
    config: dict[str, Any] = {
        "z_dim": 64, "w_dim": 64, "img_resolution": 64, "widths": [32, 32, 32, 24, 16], "conv_clamp": None,
    }  # fmt: skip
    shapes = {key: t.shape for key, t in registry.build("stylegan2", config).state_dict().items()}
    ours = {ours: tensors[theirs].reshape(shapes[ours]) for theirs, ours in (names | noises).items()}
    return Checkpoint("stylegan2", config, {**ours, "mapping.w_avg": mean}, "golden")


def test_rosinalitys_golden_network_comes_back_bit_by_bit(tmp_path: Path) -> None:
    original = torch.load(require("checkpoints/ros2_u64.pt"), weights_only=True)
    checkpoint = _golden_as_ours(original["g_ema"], original["latent_avg"])
    golden = Golden("nets/ros2_u64")
    generator = build_generator(checkpoint)
    with torch.no_grad():  # the names mean what they should: it is the golden picture
        w = generator.mapping(golden.array("z"))
        picture = generator.synthesis(generator.broadcast(w))
    torch.testing.assert_close(picture, golden.array("psi1_const/image"), rtol=0, atol=1e-4)
    save_native(tmp_path / "ours.safetensors", checkpoint)
    convert(tmp_path / "ours.safetensors", tmp_path / "back.pt", to="rosinality")
    written = torch.load(tmp_path / "back.pt", weights_only=True)
    assert torch.equal(written["latent_avg"], original["latent_avg"])
    assert set(written["g_ema"]) == set(original["g_ema"])
    for key, tensor in original["g_ema"].items():
        assert written["g_ema"][key].shape == tensor.shape, key
        assert torch.equal(written["g_ema"][key], tensor), key


def test_rosinalitys_file_opens_as_the_same_picture(tmp_path: Path) -> None:
    source, target = _saved(tmp_path, "stylegan2-skip"), tmp_path / "theirs.pt"
    convert(source, target, to="rosinality")
    read = load(target)
    assert "rosinality" in read.source_format
    assert set(read.tensors) >= {"mapping.w_avg", "synthesis.b4.conv1.noise_const"}
    torch.testing.assert_close(_picture(target), _picture(source), rtol=0, atol=0)


def test_a_network_without_noise_gets_noise_of_strength_zero(tmp_path: Path) -> None:
    convert(_saved(tmp_path, "stylegan2-plain"), tmp_path / "net.pt", to="rosinality")
    written = torch.load(tmp_path / "net.pt", weights_only=True)["g_ema"]
    assert written["convs.1.noise.weight"].tolist() == [0]
    assert written["noises.noise_5"].shape == (1, 1, 32, 32)


@pytest.mark.parametrize(
    ("name", "to", "why"),
    [
        ("stylegan2-resnet", "rosinality", "architecture"),
        ("stylegan2-orig", "rosinality", "architecture, c_dim"),
        ("stylegan3-t", "rosinality", "is a StyleGAN2"),
        ("mobilestylegan", "nvidia", "StyleGAN2 and StyleGAN3"),
    ],
)
def test_networks_that_a_format_has_no_place_for(tmp_path: Path, name: str, to: Any, why: str) -> None:
    source = _saved(tmp_path, name)
    with pytest.raises(UnsupportedModelError, match=why):
        convert(source, tmp_path / "net.pt", to=to)
    assert not (tmp_path / "net.pt").exists()


def test_the_format_follows_from_the_name() -> None:
    assert format_of(Path("a.safetensors"), None) == "latentwalk"
    assert format_of(Path("a.ONNX"), None) == "onnx"
    assert format_of(Path("a.safetensors"), "nvidia") == "nvidia"
    for name, to, message in [
        ("a.pt", None, "several programs"),
        ("a.pkl", None, "does not end in"),
        ("a.pt", "onnx", "does not end in .onnx"),
        ("a.pt", "caffe", "no format"),
    ]:
        with pytest.raises(UsageError, match=message):
            format_of(Path(name), to)


def test_half_precision_is_refused_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="float16"):
        convert(_saved(tmp_path, "stylegan2-skip"), tmp_path / "net.pt", to="rosinality", dtype="float16")


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be written"):
        convert(_saved(tmp_path, "stylegan2-skip"), tmp_path / "missing" / "net.pt", to="rosinality")
