"""MobileStyleGAN's checkpoints: the student, the teacher as a part, and all that can be wrong with such a file."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from explorer.checkpoints import build_generator, convert, inspect, load, read_settings, resolve_model
from explorer.checkpoints.parts import split_part
from explorer.errors import CheckpointError, LatentwalkError, MismatchError, UnsafeFileError, UnsupportedModelError
from explorer.generators import registry
from explorer.generators.base import Generator, NoiseSpec
from explorer.project.file_kinds import kind_of
from explorer.testing.mobile_writer import lightning_value, student_state
from tests.goldens import assert_close, load_net, require

_STUDENT = {"img_resolution": 32, "channels": [16, 12, 8], "w_dim": 16, "mapping_layers": 3}
_TEACHER = {"img_resolution": 32, "channel_base": 256, "channel_max": 16, "z_dim": 16, "w_dim": 16,
            "mapping_layers": 3, "conv_clamp": None}  # fmt: skip


def _pair() -> tuple[Generator, Generator]:
    """A student and its teacher, which share their mapping network; every zero replaced by a random number."""
    torch.manual_seed(4)
    student, teacher = registry.build("mobilestylegan", _STUDENT), registry.build("stylegan2", _TEACHER)
    with torch.no_grad():
        for network in (student, teacher):
            for key, tensor in network.named_parameters():
                if key.endswith(("bias", "noise_strength")):
                    tensor.add_(0.1 * torch.randn_like(tensor))
        student.w_avg.copy_(torch.randn(16))
        own = {key: tensor for key, tensor in student.state_dict().items() if key.startswith("mapping.")}
        teacher.load_state_dict(own, strict=False)
    return student, teacher


def _picture(generator: Generator) -> Tensor:
    z = torch.randn(1, generator.info.z_dim, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        ws = generator.truncate(generator.broadcast(generator.mapping(z)), 0.5)
        return generator.synthesis(ws, noise=NoiseSpec("none"))


def _opened(path: Path | str) -> Generator:
    return build_generator(load(path))


def _write(path: Path, *, legacy: bool = False, **changes: Any) -> Path:
    torch.save(lightning_value(*_pair(), **changes), path, _use_new_zipfile_serialization=not legacy)
    return path


@pytest.mark.parametrize("legacy", [False, True])
def test_student_and_teacher_open_to_the_pictures_they_came_from(tmp_path: Path, legacy: bool) -> None:
    student, teacher = _pair()
    path = _write(tmp_path / "mobile.ckpt", legacy=legacy)
    assert torch.equal(_picture(_opened(path)), _picture(student))
    assert torch.equal(_picture(_opened(f"{path}#teacher")), _picture(teacher))
    found, other = load(path), load(f"{path}#teacher")
    assert found.config == {"img_channels": 3, **_STUDENT}
    assert {key: other.config[key] for key in _TEACHER} == _TEACHER
    assert (found.family, found.parts, other.family, other.parts) == (
        "mobilestylegan",
        ("teacher",),
        "stylegan2",
        (),
    )
    assert any("teacher" in note for note in found.notes)
    assert found.sha256 != other.sha256  # two models, whatever keeps them by their digest
    assert inspect(path)["parts"] == ["teacher"]
    assert inspect(f"{path}#teacher")["family"] == "stylegan2"
    assert read_settings(f"{path}#teacher")[0] == "stylegan2"
    assert resolve_model(f"{path}#teacher") == Path(f"{path}#teacher")


def test_a_part_is_converted_to_a_file_of_its_own(tmp_path: Path) -> None:
    path = _write(tmp_path / "mobile.ckpt")
    for name in (str(path), f"{path}#teacher"):
        convert(name, tmp_path / "own.safetensors")
        assert torch.equal(_picture(_opened(tmp_path / "own.safetensors")), _picture(_opened(name)))


def test_a_file_whose_name_ends_like_a_part_is_that_file(tmp_path: Path) -> None:
    path = _write(tmp_path / "mobile.ckpt#teacher")
    assert split_part(path) == (str(path), "")
    assert load(path).family == "mobilestylegan"
    assert load(f"{path}#teacher").family == "stylegan2"


def test_the_golden_teacher(tmp_path: Path) -> None:
    """Rosinality's network under the teacher's names gives what rosinality's code computed."""
    golden = load_net("ros2_u64")
    stored = torch.load(require("checkpoints/ros2_u64.pt"), weights_only=True)["g_ema"]
    state = {key: tensor for key, tensor in student_state(_pair()[0]).items() if key.startswith("student.")}
    for key, tensor in stored.items():
        name = re.sub(r"^style\.", "mapping_net.layers.", key)
        name = re.sub(r"^(input|conv1|to_rgb1)\.", r"synthesis_net.\1.", name)
        name = re.sub(r"^to_rgbs\.(\d+)\.", r"synthesis_net.layers.\1.to_rgb.", name)
        name = re.sub(
            r"^convs\.(\d+)\.", lambda m: f"synthesis_net.layers.{int(m[1]) // 2}.conv{int(m[1]) % 2 + 1}.", name
        )
        if not name.startswith("noises."):
            state[name] = tensor
    torch.save({"state_dict": state}, tmp_path / "net.ckpt")
    teacher = _opened(tmp_path / "net.ckpt#teacher")
    noise = {
        f"b{4 << (i + 1) // 2}.conv{1 if i == 0 else (i - 1) % 2}": stored[f"noises.noise_{i}"] for i in range(9)
    }
    for layer in teacher.layers:
        if layer.info.has_noise:
            layer.noise_const.copy_(noise[layer.info.name][0, 0])  # type: ignore[operator,union-attr]
    with torch.no_grad():
        picture = teacher.synthesis(golden.array("wplus"))
    case = golden.meta["cases"]["wplus_const"]
    assert_close(picture, golden.array("wplus_const/image"), case["tensors"]["image"]["atol"])


def test_callbacks_under_a_class_are_inert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("pytorch_lightning.callbacks.model_checkpoint")
    module.ModelCheckpoint = type("ModelCheckpoint", (), {"__module__": module.__name__})  # type: ignore[attr-defined]
    for name in ("pytorch_lightning", "pytorch_lightning.callbacks"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    value = lightning_value(*_pair())
    value["callbacks"] = {module.ModelCheckpoint: {"best_model_score": torch.tensor(1.0), "dirpath": "x"}}
    for legacy in (False, True):
        torch.save(value, tmp_path / "net.ckpt", _use_new_zipfile_serialization=not legacy)
        with monkeypatch.context() as context:
            context.delitem(sys.modules, module.__name__)
            found = load(tmp_path / "net.ckpt")
        assert torch.equal(_picture(build_generator(found)), _picture(_pair()[0]))
        assert any("ModelCheckpoint" in note for note in found.notes)


@pytest.mark.parametrize("form", ["bare", "safetensors"])
def test_a_state_dict_alone(tmp_path: Path, form: str) -> None:
    state = {key: tensor.clone() for key, tensor in student_state(_pair()[0]).items()}
    path = tmp_path / ("net.safetensors" if form == "safetensors" else "net.pt")
    (save_file if form == "safetensors" else torch.save)(state, path)  # type: ignore[operator]
    assert torch.equal(_picture(_opened(path)), _picture(_pair()[0]))


@pytest.mark.parametrize("rows", [1, 8, 0])
def test_the_mean_of_w_in_each_of_its_shapes(tmp_path: Path, rows: int) -> None:
    mean = _pair()[0].w_avg
    stored = mean[None] if rows == 1 else mean if rows == 0 else mean.repeat(1, 8, 1)
    path = _write(tmp_path / "net.ckpt", style_mean=stored.clone())
    assert torch.equal(_opened(path).w_avg, mean)


def test_a_missing_mean_is_computed_and_told(tmp_path: Path) -> None:
    path = _write(tmp_path / "net.ckpt", style_mean=None)
    found = load(path)
    assert any("mean of w" in note for note in found.notes)
    generator = build_generator(found)
    with torch.no_grad():
        w = generator.mapping(torch.randn(4000, 16))
    assert (generator.w_avg - w.mean(dim=0)).abs().max() < 0.1 * w.std()


_WEIGHT = "student.layers.1.conv2.conv.weight_permute"
_OTHER = "student.layers.0.conv2.conv.weight_permute"
_NAN = torch.full((8, 8, 1, 1), float("nan"))
# What is wrong -> (changes of the state dict, kind of error, part of the message).
DAMAGED: dict[str, tuple[dict[str, Any], type[CheckpointError], str]] = {
    "a missing weight": ({_WEIGHT: None}, MismatchError, f"lacks {re.escape(_WEIGHT)}"),
    "a missing bias": ({"student.to_img1.bias": None}, MismatchError, r"lacks student\.to_img1\.bias"),
    "no mapping": ({"mapping_net.layers.1.weight": None}, MismatchError, r"lacks mapping_net\.layers\.1\.weight"),
    "no constant": ({"student.input.input": None}, MismatchError, r"lacks student\.input\.input"),
    "a missing style": ({"student.layers.0.conv1.conv.style_inv": None}, MismatchError, "lacks .*style_inv"),
    "a wrong key": ({"student.layers.0.conv3.bias": torch.zeros(3)}, MismatchError, r"unexpected .*conv3\.bias"),
    "a strange key": ({"optimiser.step": torch.zeros(3)}, MismatchError, r"unexpected tensors: optimiser\.step"),
    "a wrong shape": ({_WEIGHT: torch.zeros(8, 9, 1, 1)}, MismatchError, r"shape \[8, 9, 1, 1\], expected \[8, 8"),
    "no axis": ({"student.input.input": torch.zeros(16)}, MismatchError, r"const has shape \[16\], expected 3 dim"),
    "odd channels": ({_OTHER: torch.zeros(13, 13, 1, 1)}, MismatchError, "13"),
    "not a number": ({_WEIGHT: _NAN}, MismatchError, "64 of 64 values of .* not finite"),
    "whole numbers": ({_WEIGHT: torch.zeros(8, 8, 1, 1, dtype=torch.int64)}, MismatchError, r"holds torch\.int64"),
    "another wavelet": ({"student.idwt.g0_col": torch.zeros(1, 1, 4, 1)}, UnsupportedModelError, "another wavelet"),
    "no tensor": ({_WEIGHT: "text"}, MismatchError, "is not a tensor"),
    "a mean of another size": ({"style_mean": torch.zeros(1, 8, 15)}, MismatchError, r"w_avg has shape \[15\]"),
    "a hole in the blocks": ({"student.layers.7.up.modulation.bias": torch.zeros(2)}, MismatchError, "lacks stud"),
    "blocks without end": ({"student.layers.999999.up.bias": torch.zeros(2)}, MismatchError, "unexpected"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files(tmp_path: Path, name: str) -> None:
    changes, kind, message = DAMAGED[name]
    path = _write(tmp_path / "damaged.ckpt", **changes)
    for step in (_opened, inspect):
        with pytest.raises(kind, match=rf"damaged\.ckpt.*{message}|{message}.*damaged\.ckpt") as caught:
            step(path)
        assert caught.value.hint


def test_each_damage_has_its_own_message(tmp_path: Path) -> None:
    messages = set()
    for changes, _, _ in DAMAGED.values():
        with pytest.raises(CheckpointError) as caught:
            _opened(_write(tmp_path / "x.ckpt", **changes))
        messages.add(caught.value.message)
    assert len(messages) == len(DAMAGED)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"synthesis_net.layers.1.conv2.conv.weight": None},
            r"lacks synthesis_net\.layers\.1\.conv2\.conv\.weight",
        ),
        ({"synthesis_net.layers.0.more": torch.zeros(3)}, r"unexpected tensors: synthesis_net\.layers\.0\.more"),
        ({"synthesis_net.to_rgb1.conv.weight": torch.zeros(1, 3, 5, 1, 1)}, r"shape \[3, 5, 1, 1\], expected"),
        ({"synthesis_net.conv1.activate.bias": torch.full((16,), float("inf"))}, "not finite"),
    ],
)
def test_a_damaged_teacher_is_named_and_leaves_the_student(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = _write(tmp_path / "net.ckpt", **changes)
    assert torch.equal(_picture(_opened(path)), _picture(_pair()[0]))
    for step in (_opened, inspect):
        with pytest.raises(MismatchError, match=message):
            step(f"{path}#teacher")


@pytest.mark.parametrize("prefix", ["student.", "model.", "module."])
def test_doubled_prefixes_are_told(tmp_path: Path, prefix: str) -> None:
    value = lightning_value(_pair()[0])
    value["state_dict"] = {f"{prefix}{key}": tensor for key, tensor in value["state_dict"].items()}
    torch.save(value, tmp_path / "net.ckpt")
    with pytest.raises(
        CheckpointError, match=rf"it has {re.escape(prefix)}|Lightning checkpoint of an unknown"
    ) as caught:
        load(tmp_path / "net.ckpt")
    assert caught.value.hint


def test_half_a_file_is_told(tmp_path: Path) -> None:
    """Only the mapping network, only the teacher, or no student's tensors."""
    state = lightning_value(*_pair())["state_dict"]
    for prefix, kind in (("mapping_net.", UnsupportedModelError), ("synthesis_net.", UnsupportedModelError),
                         ("student.", MismatchError)):  # fmt: skip
        half = {key: tensor for key, tensor in state.items() if key.startswith(prefix)}
        torch.save({"state_dict": half}, tmp_path / "half.ckpt")
        with pytest.raises(kind, match=r"half\.ckpt"):
            load(tmp_path / "half.ckpt")


def test_truncated_files(tmp_path: Path) -> None:
    data = _write(tmp_path / "whole.ckpt").read_bytes()
    for size in range(1, len(data), len(data) // 25):
        (tmp_path / "cut.ckpt").write_bytes(data[:size])
        with pytest.raises(LatentwalkError, match=r"cut\.ckpt"):
            load(tmp_path / "cut.ckpt")


def test_hostile_files_are_refused(tmp_path: Path) -> None:
    class Calls:
        def __reduce__(self) -> Any:
            return (__import__("os").system, ("touch ran",))

    value = lightning_value(*_pair())
    for place in ("callbacks", "state_dict"):
        torch.save({**value, place: {**value[place], "student.x": Calls()}}, tmp_path / "net.ckpt")
        with pytest.raises(UnsafeFileError):
            load(tmp_path / "net.ckpt")
    assert not (Path.cwd() / "ran").exists()


@pytest.mark.parametrize("part", ["teacher", "student", "nothing"])
def test_parts_that_a_file_does_not_have(tmp_path: Path, part: str) -> None:
    torch.save(lightning_value(_pair()[0]), tmp_path / "net.ckpt")
    for step in (load, inspect, read_settings):
        with pytest.raises(MismatchError, match=rf"net\.ckpt has no part '{part}'"):
            step(f"{tmp_path / 'net.ckpt'}#{part}")


_VERSION = b"\x08\x06"
_EXPORTED = {
    "MappingNetwork.onnx": (_VERSION + b"\x12\x07pytorch\x1a\x031.8" + bytes(300), "ONNX"),
    "renamed.ckpt": (_VERSION + b"\x12\x07pytorch\x1a\x031.8" + bytes(300), "ONNX"),
    "SynthesisNetwork.mlmodel": (b"\x08\x04\x12\xc1\x02\x0a\x10\x0a\x05style" + bytes(300), "CoreML"),
    "renamed.pkl": (b"\x08\x04\x12\xc1\x02\x0a\x10\x0a\x05style" + bytes(300), "CoreML"),
    "odd.onnx": (bytes(300), "ONNX"),
    "network.xml": (b'<?xml version="1.0"?>\n<net name="torch-jit-export" version="10">' + bytes(50), "OpenVINO"),
}


@pytest.mark.parametrize("name", _EXPORTED)
def test_exported_networks_are_named_and_refused(tmp_path: Path, name: str) -> None:
    data, kind = _EXPORTED[name]
    (tmp_path / name).write_bytes(data)
    for step in (load, inspect):
        with pytest.raises(UnsupportedModelError, match=rf"{re.escape(name)} is an? {kind} model") as caught:
            step(tmp_path / name)
        assert "exported from" in caught.value.hint


def test_the_window_leaves_exported_networks_and_parts_to_the_reader() -> None:
    for name in ("a.onnx", "a.mlmodel", "a.mlpackage", "a.ckpt", "a.ckpt#teacher", "a.pkl#teacher"):
        assert kind_of(name) == "model"


def test_the_writer_writes_the_originals_names_and_shapes() -> None:
    golden = load_net("mobile_u64")
    generator = build_generator(load(require("checkpoints/mobile_u64.ckpt")))
    written = {key: list(tensor.shape) for key, tensor in student_state(generator).items()}
    expected = {key: shape for key, (_, shape) in golden.meta["state_dict"].items() if key != "device_info"}
    assert written == expected
    stored = torch.load(require("checkpoints/mobile_u64.ckpt"), weights_only=True)["state_dict"]
    for key, tensor in student_state(generator).items():
        if not key.endswith("device_info"):
            assert torch.allclose(tensor, stored[key]), key
