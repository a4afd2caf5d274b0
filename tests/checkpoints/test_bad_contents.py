"""Models whose tensors, settings or code are not what their family needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from explorer.checkpoints import build_generator, inspect, load
from explorer.errors import MismatchError, UnsupportedModelError
from explorer.testing.nvidia_writer import network_bytes, network_value
from tests.checkpoints.conftest import small_network, small_pickle


def _load_changed(tmp_path: Path, **changes: torch.Tensor | None) -> None:
    path = tmp_path / "changed.pkl"
    path.write_bytes(small_pickle("stylegan2", **changes))
    build_generator(load(path))


def test_wrong_tensors(tmp_path: Path) -> None:
    _, tensors = small_network("stylegan2")
    weight = tensors["synthesis.b8.conv0.weight"]
    _load_changed(tmp_path)
    with pytest.raises(
        MismatchError, match=r"changed\.pkl: .*b8\.conv0\.weight has shape \[8, 8, 3, 2\], expected \[8, 8, 3, 3\]"
    ):
        _load_changed(tmp_path, synthesis__b8__conv0__weight=weight[..., :2].contiguous())
    with pytest.raises(MismatchError, match=r"changed\.pkl lacks synthesis\.b8\.conv0\.weight"):
        _load_changed(tmp_path, synthesis__b8__conv0__weight=None)
    with pytest.raises(MismatchError, match=r"unexpected tensors: synthesis\.b8\.conv0\.more"):
        _load_changed(tmp_path, synthesis__b8__conv0__more=torch.zeros(3))
    with pytest.raises(MismatchError, match=r"changed\.pkl: .*holds torch\.int64"):
        _load_changed(tmp_path, synthesis__b8__conv0__weight=weight.long())
    for bad in (float("nan"), float("inf"), -float("inf")):
        broken = weight.clone()
        broken[1, 2, 0, 1] = bad
        with pytest.raises(MismatchError, match=r"changed\.pkl: 1 of 576 values of .* not finite"):
            _load_changed(tmp_path, synthesis__b8__conv0__weight=broken)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32(tmp_path: Path, dtype: torch.dtype) -> None:
    config, tensors = small_network("stylegan3-t")
    stored = {key: tensor.to(dtype) for key, tensor in tensors.items()}
    path = tmp_path / "half.pkl"
    path.write_bytes(network_bytes(network_value("stylegan3-t", config, stored)))
    checkpoint = load(path)
    assert all(tensor.dtype is dtype for tensor in checkpoint.tensors.values())
    generator = build_generator(checkpoint)
    for key, tensor in generator.state_dict().items():
        assert tensor.dtype is torch.float32
        assert torch.equal(tensor, stored[key].float())


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("img_resolution", 1 << 40),
        ("img_resolution", 0),
        ("img_resolution", 8.5),
        ("z_dim", 1 << 30),
        ("w_dim", True),
        ("c_dim", -1),
        ("img_channels", "3"),
    ],
)
def test_settings_out_of_bounds(tmp_path: Path, setting: str, value: object) -> None:
    config, tensors = small_network("stylegan2")
    path = tmp_path / "settings.pkl"
    path.write_bytes(network_bytes(network_value("stylegan2", {**config, setting: value}, tensors)))
    with pytest.raises(MismatchError, match=setting):
        load(path)


@pytest.mark.parametrize(
    ("setting", "value"), [("architecture", "evil"), ("activation", "__import__"), ("img_resolution", 9)]
)
def test_settings_the_family_does_not_have(tmp_path: Path, setting: str, value: object) -> None:
    config, tensors = small_network("stylegan2")
    path = tmp_path / "settings.pkl"
    path.write_bytes(network_bytes(network_value("stylegan2", {**config, setting: value}, tensors)))
    for read in (load, inspect):
        with pytest.raises(MismatchError, match=rf"settings\.pkl: .*{value}"):
            read(path)


def test_modified_code_is_named(tmp_path: Path) -> None:
    config, tensors = small_network("stylegan2")
    value: dict[str, Any] = network_value("stylegan2", config, tensors)
    state = value["G_ema"].arguments[0]["state"]
    state["_init_kwargs"]["use_attention"] = True
    path = tmp_path / "fork.pkl"
    path.write_bytes(network_bytes(value))
    with pytest.raises(UnsupportedModelError, match="use_attention"):
        load(path)
    del state["_init_kwargs"]["use_attention"]
    state["_modules"]["synthesis"].arguments[0]["state"]["_modules"]["b8"].arguments[0]["class_name"] = (
        "AttentionBlock"
    )
    path.write_bytes(network_bytes(value))
    with pytest.raises(UnsupportedModelError, match="AttentionBlock"):
        load(path)
