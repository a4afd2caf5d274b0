"""StyleGAN2 of rosinality, encoders, BasicSR and MMGeneration: one picture from all, and errors that explain."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from explorer.checkpoints import build_generator, convert, inspect, load
from explorer.errors import (
    CheckpointError,
    MismatchError,
    UnreadableFileError,
    UnsafeFileError,
    UnsupportedModelError,
)
from explorer.generators import registry
from explorer.generators.base import Generator, NoiseSpec
from explorer.project.file_kinds import kind_of
from tests.checkpoints.conftest import small_network
from tests.checkpoints.stylegan2_ports import basicsr, mmgeneration, rosinality
from tests.checkpoints.stylegan2_ports.layers import KERNEL
from tests.goldens import assert_close, load_net, require

SMALL: dict[str, Any] = {
    "z_dim": 12, "w_dim": 12, "img_resolution": 32, "channel_base": 256, "channel_max": 12, "mapping_layers": 3,
    "conv_clamp": None,
}  # fmt: skip
Save = Callable[[Path, dict[str, Tensor], Tensor], None]
State = dict[str, Tensor]

# name -> (writer of the state dict, writer of the file)
FORMATS: dict[str, tuple[Callable[[Generator], State], Save]] = {
    **{form: (rosinality.state, partial(rosinality.save, form=form)) for form in rosinality.FORMS},
    **{f"basicsr {f}": (basicsr.state, partial(basicsr.save, form=f)) for f in ("averaged", "current", "flat")},
    **{f"mm {form}": (mmgeneration.state, partial(mmgeneration.save, form=form)) for form in mmgeneration.FORMS},
}
formats = pytest.mark.parametrize("name", FORMATS)
WHOLE = ("converted", "e4e", "basicsr averaged", "mm trained")  # one form of each
whole = pytest.mark.parametrize("name", WHOLE)
HAVE_MEAN = {"converted", "converted whole", "current", "e4e", "psp", "restyle", "hyperstyle"}


def made(**changes: Any) -> Generator:
    """A small generator in which no tensor is without effect."""
    torch.manual_seed(4)
    generator = registry.build("stylegan2", {**SMALL, **changes}).requires_grad_(False)
    for key, tensor in generator.named_parameters():
        if key.endswith(("bias", "noise_strength")):
            tensor.add_(0.2 * torch.randn_like(tensor))
    generator.w_avg.copy_(torch.randn_like(generator.w_avg))
    return generator


def write(
    path: Path, name: str, generator: Generator, change: Callable[[State], State] = lambda state: state
) -> None:
    state, save = FORMATS[name]
    save(path, change(state(generator)), generator.w_avg.clone())


def picture(generator: Generator, mode: str = "const") -> Tensor:
    """A picture that every part of the network has a share in, but w_avg."""
    z = torch.randn(2, generator.info.z_dim, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        return generator.synthesis(generator.broadcast(generator.mapping(z)), noise=NoiseSpec(mode))  # type: ignore[arg-type]  # any str


def opened(path: Path) -> Generator:
    return build_generator(load(path))


@formats
def test_every_format_gives_the_same_picture(tmp_path: Path, name: str) -> None:
    generator, path = made(), tmp_path / "net.pt"
    write(path, name, generator)
    found = load(path)
    assert found.family == "stylegan2"
    assert {key: found.config[key] for key in SMALL} == SMALL
    network = build_generator(found)
    assert torch.equal(picture(network), picture(generator))
    assert (name in HAVE_MEAN) == torch.equal(network.w_avg, generator.w_avg)
    assert (name in HAVE_MEAN) != any("lacks the mean of w" in note for note in found.notes)
    assert ("current" in name) == any("no averaged generator" in note for note in found.notes)
    assert any("were inferred from their shapes" in note for note in found.notes)
    told = inspect(path)
    assert (told["resolution"], told["num_ws"], told["z_dim"], told["w_dim"]) == (32, 8, 12, 12)
    assert kind_of(str(path)) == "model"
    convert(path, tmp_path / "net.safetensors")
    assert torch.equal(picture(opened(tmp_path / "net.safetensors")), picture(generator))


@whole
@pytest.mark.parametrize("config", [{"mapping_layers": 2}, {"widths": (9, 7, 12, 5)}, {"img_resolution": 8}])
def test_sizes_follow_from_the_shapes(tmp_path: Path, name: str, config: dict[str, Any]) -> None:
    generator = made(**config)
    write(tmp_path / "net.pt", name, generator)
    assert torch.equal(picture(opened(tmp_path / "net.pt")), picture(generator))


@pytest.mark.parametrize("legacy", [False, True])
def test_without_noise_mean_or_kernels(tmp_path: Path, legacy: bool) -> None:
    """As files of early trainings, of older converters and of others who dropped the buffers."""
    generator = made()
    state = rosinality.state(generator, noises=False, kernels=False)
    torch.save({"g_ema": state}, tmp_path / "net.pt", _use_new_zipfile_serialization=not legacy)
    found = load(tmp_path / "net.pt")
    network = build_generator(found)
    assert torch.equal(picture(network, "none"), picture(generator, "none"))
    assert any("lacks its constant noise" in note for note in found.notes)
    assert any("lacks the mean of w" in note for note in found.notes)
    with torch.no_grad():
        w = generator.mapping(torch.randn(10_000, 12))
    assert float((network.w_avg - w.mean(dim=0)).abs().max()) < 0.05 * float(w.std())


def test_safetensors_and_prefixes(tmp_path: Path) -> None:
    generator = made()
    for prefix in ("", "module.module.", "g_ema."):
        state = {f"{prefix}{key}": tensor.contiguous() for key, tensor in rosinality.state(generator).items()}
        save_file(state, tmp_path / "net.safetensors")
        assert torch.equal(picture(opened(tmp_path / "net.safetensors")), picture(generator))


def test_another_kernel_is_a_setting_and_others_are_refused(tmp_path: Path) -> None:
    generator, path = made(resample_filter=(1, 2, 1)), tmp_path / "net.pt"
    taps = torch.tensor([1.0, 2.0, 1.0])
    kernel = torch.outer(taps, taps) / 4
    state = rosinality.state(generator)
    kernels = [key for key in state if key.endswith("kernel")]
    torch.save({"g_ema": {**state, **dict.fromkeys(kernels, kernel)}}, path)
    torch.testing.assert_close(picture(opened(path)), picture(generator))
    for wrong in (torch.eye(4), KERNEL * math.nan, KERNEL * 0):
        torch.save({"g_ema": {**state, **dict.fromkeys(kernels, wrong)}}, path)
        with pytest.raises(UnsupportedModelError, match=r"net\.pt resamples by another kernel .*kernel"):
            load(path)
    torch.save({"g_ema": {**state, **dict.fromkeys(kernels[1:], kernel)}}, path)
    with pytest.raises(UnsupportedModelError, match="another kernel"):
        load(path)
    torch.save({"g_ema": {**state, kernels[0]: torch.zeros(4, 3)}}, path)
    with pytest.raises(UnreadableFileError, match=r"convs\.0\.conv\.blur\.kernel has shape \[4, 3\]"):
        load(path)


def test_means_that_differ_from_layer_to_layer_are_told(tmp_path: Path) -> None:
    generator = made()
    rows = torch.randn(8, 12)
    torch.save({"g_ema": rosinality.state(generator), "latent_avg": rows}, tmp_path / "net.pt")
    found = load(tmp_path / "net.pt")
    assert torch.equal(build_generator(found).w_avg, rows[0])
    assert any("differs from layer to layer" in note for note in found.notes)


def test_what_else_may_stand_for_the_mean(tmp_path: Path) -> None:
    generator, path = made(), tmp_path / "net.pt"
    state = rosinality.state(generator)
    torch.save({"g_ema": state, "latent_avg": generator.w_avg.numpy()}, path)
    assert torch.equal(opened(path).w_avg, generator.w_avg)
    torch.save({"g_ema": state, "latent_avg": None}, path)
    assert any("lacks the mean of w" in note for note in load(path).notes)
    for wrong, message in (
        (torch.zeros(11), r"w_avg has shape \[11\]"),
        (generator.w_avg * math.nan, "not finite"),
    ):
        torch.save({"g_ema": state, "latent_avg": wrong}, path)
        for step in (opened, inspect):
            with pytest.raises(MismatchError, match=message):
                step(path)


def test_a_conditional_network_without_its_embedding_is_refused(tmp_path: Path) -> None:
    state = rosinality.state(made())
    state["style.1.weight"] = torch.randn(12, 24)
    torch.save({"g_ema": state}, tmp_path / "net.pt")
    for step in (load, inspect):
        with pytest.raises(UnsupportedModelError, match=r"net\.pt .*without its embedding .*24 numbers") as caught:
            step(tmp_path / "net.pt")
        assert ".pkl" in caught.value.hint


def test_the_order_of_colours_is_told(tmp_path: Path) -> None:
    generator = made()
    for form, message in (("converted", "red, green, blue"), ("trained", "the order was reversed")):
        write(tmp_path / "net.pth", f"mm {form}", generator)
        assert any(message in note for note in load(tmp_path / "net.pth").notes)
    grey = made(img_channels=1)
    write(tmp_path / "net.pth", "mm trained", grey, mmgeneration.blue_first)
    assert torch.equal(picture(opened(tmp_path / "net.pth")), picture(grey))


def test_half_precision_and_transposed_tensors(tmp_path: Path) -> None:
    generator = made()
    for name, parameter in generator.state_dict().items():
        if "filter" not in name:
            parameter.copy_(parameter.half().float())
    write(tmp_path / "net.pth", "mm trained", generator, lambda state: {k: t.half() for k, t in state.items()})
    torch.testing.assert_close(picture(opened(tmp_path / "net.pth")), picture(generator))
    columns = {key: t.t().contiguous().t() if t.ndim == 2 else t for key, t in rosinality.state(generator).items()}
    torch.save({"g_ema": columns}, tmp_path / "net.pt")
    assert torch.equal(picture(opened(tmp_path / "net.pt")), picture(generator))


def test_the_decoder_of_stylegan3_editing(tmp_path: Path) -> None:
    _, tensors = small_network("stylegan3-t")
    state = {f"decoder.{key}": tensor for key, tensor in tensors.items()}
    state |= {"encoder.input_layer.0.weight": torch.zeros(4, 3, 3, 3), "encoder.body.0.weight": torch.zeros(4)}
    torch.save({"state_dict": state, "latent_avg": torch.zeros(5, 8), "opts": {"n_styles": 5}}, tmp_path / "net.pt")
    found = load(tmp_path / "net.pt")
    assert found.family == "stylegan3-t"
    network = build_generator(found)
    assert all(torch.equal(tensor, network.state_dict()[key]) for key, tensor in tensors.items())


def test_the_file_of_the_golden_gives_its_pictures() -> None:
    golden = load_net("ros2_u64")
    generator = opened(require("checkpoints/ros2_u64.pt"))
    cases = golden.meta["cases"]
    with torch.no_grad():
        ws = generator.broadcast(generator.mapping(golden.array("z")))
        other = generator.broadcast(generator.mapping(golden.array("z2")))
        mixed = torch.cat([ws[:, :3], other[:, 3:]], dim=1)
        latents = {
            "psi1_const": ws, "psi0.7_const": generator.truncate(ws, 0.7), "mix3_const": mixed,
            "wplus_const": golden.array("wplus"),
        }  # fmt: skip
        for case, w in latents.items():
            if "image" in cases[case]["tensors"]:
                image = generator.synthesis(w)
                assert_close(image, golden.array(f"{case}/image"), cases[case]["tensors"]["image"]["atol"])
            if f"{case}/latents" in golden.arrays:
                stored = golden.array(f"{case}/latents")
                assert_close(w, stored.expand_as(w), cases[case]["tensors"]["latents"]["atol"])


_STYLE = {"converted": "style", "e4e": "style", "basicsr averaged": "style_mlp", "mm trained": "style_mapping"}
_CONVS = {"basicsr averaged": "style_convs"}
_DENSE = {"mm trained": "linear.weight_orig"}
_WEIGHT = {"converted": "conv.weight", "e4e": "conv.weight", "basicsr averaged": "modulated_conv.weight",
           "mm trained": "conv.weight_orig"}  # fmt: skip
_AFFINE = {
    "converted": "conv.modulation", "e4e": "conv.modulation", "basicsr averaged": "modulated_conv.modulation",
    "mm trained": "conv.style_modulation",
}  # fmt: skip
Damage = Callable[[State, str, str, str], dict[str, Tensor | None]]

# What is wrong -> (changes from (state, dense layer, convolutions, format); kind of error; message).
DAMAGE: dict[str, tuple[Damage, type[CheckpointError], str]] = {
    "a missing weight": (
        lambda s, d, c, n: {f"{c}.2.{_WEIGHT[n]}": None},
        MismatchError,
        r"lacks \w*convs\.2\.\w+\.weight",
    ),
    "a missing style": (
        lambda s, d, c, n: {f"{c}.3.{_AFFINE[n]}.bias": None},
        MismatchError,
        r"lacks \w*convs\.3\.\S+modulation",
    ),
    "a missing constant": (
        lambda s, d, c, n: {next(key for key in s if "input" in key): None},
        MismatchError,
        r"lacks \w*input\.",
    ),
    "a missing mapping": (lambda s, d, c, n: {f"{d}.1.bias": None}, MismatchError, r"lacks style\w*\.1\.bias, of"),
    "a missing picture": (lambda s, d, c, n: {"to_rgbs.2.bias": None}, MismatchError, r"lacks to_rgbs\.2\.bias"),
    "a missing last block": (
        lambda s, d, c, n: dict.fromkeys(key for key in s if key.startswith((f"{c}.4.", f"{c}.5."))),
        MismatchError,
        r"lacks \w*convs\.4\.\S+ and \d+ more",
    ),
    "a strange key": (
        lambda s, d, c, n: {f"{c}.3.wings": torch.zeros(2)},
        MismatchError,
        r"unexpected tensors: \w*convs\.3\.wings",
    ),
    "layers without end": (
        lambda s, d, c, n: {f"{c}.999999.bias": torch.zeros(2)},
        MismatchError,
        r"unexpected .*999999",
    ),
    "many layers": (
        lambda s, d, c, n: {f"{c}.901.bias": torch.zeros(2)},
        MismatchError,
        r"lacks .*901\.bias instead",
    ),
    "a prefix within": (
        lambda s, d, c, n: {f"{c}.0.{c}.1.bias": torch.zeros(2)},
        MismatchError,
        r"unexpected .*convs\.0\.\w*convs\.1",
    ),
    "a narrower layer": (
        lambda s, d, c, n: {f"{c}.2.{_WEIGHT[n]}": s[f"{c}.2.{_WEIGHT[n]}"][:, :, :5].clone()},
        MismatchError,
        r"b16\.conv0\.weight has shape \[12, 5, 3, 3\]",
    ),
    "half a style": (
        lambda s, d, c, n: {f"{c}.1.{_AFFINE[n]}.bias": torch.zeros(6)},
        MismatchError,
        r"b8\.conv1\.affine\.bias has shape \[6\], expected \[12\]",
    ),
    "an axis less": (
        lambda s, d, c, n: {f"{c}.1.{_WEIGHT[n]}": torch.zeros(12, 12, 3)},
        MismatchError,
        r"conv1\.weight has shape",
    ),
    "no axis": (lambda s, d, c, n: {f"{d}.1.bias": torch.tensor(1.0)}, MismatchError, r"fc0\.bias has shape \[\]"),
    "noise of another size": (
        lambda s, d, c, n: {next(k for k in s if "noise" in k and k.endswith("3")): torch.zeros(1, 1, 16, 8)},
        MismatchError,
        r"b16\.conv0\.noise_const has shape \[16, 8\], expected \[16, 16\]",
    ),
    "not a number": (
        lambda s, d, c, n: {f"{c}.4.activate.bias": torch.full((8,), math.nan)},
        MismatchError,
        "8 of 8 values .*finite",
    ),
    "infinite colours": (
        lambda s, d, c, n: {"to_rgbs.0.bias": torch.full((1, 3, 1, 1), math.inf)},
        MismatchError,
        r"torgb\.bias .*finite",
    ),
    "whole numbers": (
        lambda s, d, c, n: {f"{d}.2.bias": torch.zeros(12, dtype=torch.int64)},
        MismatchError,
        r"holds torch\.int64",
    ),
    "nothing in a layer": (
        lambda s, d, c, n: {f"{d}.1.{_DENSE.get(n, 'weight')}": torch.zeros(0, 12)},
        MismatchError,
        r"fc0\.weight has",
    ),
}


def damaged(path: Path, name: str, damage: str) -> None:
    def change(state: State) -> State:
        convs, style = _CONVS.get(name, "convs"), _STYLE[name]
        changed = {**state, **DAMAGE[damage][0](state, style, convs, name)}
        return {key: tensor for key, tensor in changed.items() if tensor is not None}

    write(path, name, made(), change)


@pytest.mark.parametrize("damage", DAMAGE)
@whole
def test_damaged_files_are_explained(tmp_path: Path, name: str, damage: str) -> None:
    _, error, message = DAMAGE[damage]
    damaged(tmp_path / "net.pt", name, damage)
    said = []
    for step in (opened, inspect):
        with pytest.raises(CheckpointError, match=message) as caught:
            step(tmp_path / "net.pt")
        assert isinstance(caught.value, error)
        assert "net.pt" in caught.value.message
        assert caught.value.hint
        said.append(caught.value.message)
    assert said[0] == said[1]


@whole
def test_each_damage_has_its_own_message(tmp_path: Path, name: str) -> None:
    messages = set()
    for damage in DAMAGE:
        damaged(tmp_path / "net.pt", name, damage)
        with pytest.raises(CheckpointError) as caught:
            opened(tmp_path / "net.pt")
        messages.add(caught.value.message)
    assert len(messages) == len(DAMAGE)


def _spoilt(state: State, numbers: random.Random) -> State:
    """A state dict with one to three random faults, or changes that are none."""
    state = dict(state)
    for _ in range(numbers.randint(1, 3)):
        key = numbers.choice(list(state))
        tensor, other = state[key], numbers.choice(list(state))
        sizes = [max(1, size + numbers.choice([-1, 0, 1])) for size in tensor.shape]
        changes: list[State] = [
            {key: tensor.flatten()}, {key: tensor[None]}, {key: torch.zeros(0)}, {key: torch.tensor(1.0)},
            {f"{key}x": tensor}, {key: tensor.double()}, {key: torch.randn(sizes)}, {other: tensor},
        ]  # fmt: skip
        state |= numbers.choice(changes)
        if numbers.random() < 0.1:
            del state[key]
    return state


@pytest.mark.parametrize("seed", range(40))
def test_random_damage_is_explained_alike_by_inspect_and_load(tmp_path: Path, seed: int) -> None:
    numbers = random.Random(seed)
    write(tmp_path / "net.pt", numbers.choice(list(FORMATS)), made(), lambda state: _spoilt(state, numbers))
    said = []
    for step in (opened, inspect):
        try:
            step(tmp_path / "net.pt")
        except CheckpointError as error:
            said.append(error.message)
        else:
            said.append("net.pt")
    assert said[0] == said[1]
    assert "net.pt" in said[0]
    assert "plug-in" not in said[0]  # which would be an error that the reader did not foresee


@whole
def test_half_a_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / "net.pt"
    write(path, name, made())
    data = path.read_bytes()
    for share in (0.1, 0.5, 0.95):
        path.write_bytes(data[: int(share * len(data))])
        with pytest.raises(UnreadableFileError, match=r"net\.pt .*truncated"):
            load(path)


class _Calls:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch ran",)

    def __mul__(self, factor: int) -> _Calls:
        return self  # as the writers do with tensors that are not averaged


@whole
def test_hostile_files_run_nothing(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "net.pt", name, made(), lambda state: {**state, "noise": _Calls()})  # type: ignore[dict-item]  # no tensor, on purpose
    with pytest.raises(UnsafeFileError):
        load(tmp_path / "net.pt")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("form", ["converted", "mm converted"])
def test_a_small_file_of_large_tensors_is_no_bomb(tmp_path: Path, form: str) -> None:
    def change(state: State) -> State:
        heads = [key for key in state if key.startswith("to_rgb") and state[key].ndim == 5]
        wide = torch.zeros(1, 1, 1, 1, 1).expand(1, 3, 4_000_000, 1, 1)
        return {**state, **dict.fromkeys(heads, wide)}

    write(tmp_path / "net.pt", form, made(), change)
    for step in (opened, inspect):
        with pytest.raises(CheckpointError, match=r"net\.pt lacks to_rgb1\.conv\.weight"):
            step(tmp_path / "net.pt")


def test_a_network_of_another_family_in_the_same_place_opens_as_its_own(tmp_path: Path) -> None:
    config, tensors = small_network("stylegan2")
    torch.save({"g_ema": tensors, "latent_avg": torch.zeros(8)}, tmp_path / "net.pt")
    found = load(tmp_path / "net.pt")
    assert found.source_format == "torch.save file of a state dict"
    assert found.config["z_dim"] == config["z_dim"]
