"""ONNX files: ONNX Runtime's picture is torch's, for any batch, psi, class, motion and noise."""

from __future__ import annotations

import signal
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.checkpoints import Checkpoint, build_generator, convert, onnx_file, save_native
from explorer.checkpoints.conversion_formats import OnnxOptions
from explorer.checkpoints.onnx_network import NOISE, OnnxNetwork
from explorer.errors import CancelledError, CheckpointError, UnsupportedModelError, UsageError
from explorer.generators.base import Generator, Inputs, fold
from explorer.ops.backend import use_backend
from explorer.util.control import Control
from explorer.util.report import Report
from explorer.util.signals import Stopped
from tests.generators.configs import SMALL, small_generator

_MISSING = [name for name in ("onnx", "onnxscript", "onnxruntime") if find_spec(name) is None]
needs_onnx = pytest.mark.skipif(
    bool(_MISSING), reason=f"not installed: {', '.join(_MISSING)} (pip install 'latentwalk[onnx,test]')"
)
_MOTION = torch.tensor([[0.8, -0.6, 0.1], [0.7, 0.9, -0.05], [0, 0, 1]])


def _checkpoint(name: str) -> Checkpoint:
    family, config = SMALL[name]
    generator = small_generator(name)
    generator.w_avg.copy_(torch.randn(generator.w_avg.shape))  # so that psi matters
    tensors = {key: tensor.detach() for key, tensor in generator.state_dict().items()}
    return Checkpoint(family, config, tensors, "Tiny \u00dcn\u00efcode", licence="CC0-1.0")


def _given(network: OnnxNetwork, batch: int, psi: float) -> dict[str, Tensor]:
    """Values for every input by name."""
    given = {item.name: torch.randn(batch, *item.shape) for item in network.inputs if item.is_batched}
    given["psi"] = torch.tensor(psi)
    if "c" in given:
        given["c"] = given["c"].softmax(dim=1)
    if any(item.name == "transform" for item in network.inputs):
        given["transform"] = _MOTION
    return given


def _expected(generator: Generator, given: dict[str, Tensor]) -> Tensor:
    """The picture by the generator's own methods, not by those that are traced."""
    ws = given["ws"] if "ws" in given else generator.broadcast(generator.mapping(given["z"], given.get("c")))
    inputs = Inputs(generator.truncate(ws, float(given["psi"])), given.get("transform"))
    noises = [given.get(f"{NOISE}{layer.info.name}") for layer in generator.layers]
    if any(noise is not None for noise in noises):
        return generator.rgb(fold(generator.layers, generator.begin(inputs), inputs, noise=noises.__getitem__))
    return generator.synthesis(inputs.ws, transform=inputs.transform)


_CASES = [
    ("stylegan2-skip", OnnxOptions("ws", "input")),
    ("stylegan3-t", OnnxOptions()),
    ("stylegan3-r", OnnxOptions("ws")),
    ("mobilestylegan", OnnxOptions("z", "input")),
    ("stylegan", OnnxOptions("z", "input")),
]
_TRACED = (
    "stylegan2-orig", "stylegan2-resnet", "stylegan3-t", "stylegan3-r", "mobilestylegan", "stylegan",
    "stylegan-growing",
)  # fmt: skip


@needs_onnx
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("name", "options"), _CASES, ids=lambda value: str(getattr(value, "input", value)))
def test_onnx_runtime_gives_torchs_picture(tmp_path: Path, name: str, options: OnnxOptions) -> None:
    import onnxruntime

    checkpoint, path = _checkpoint(name), tmp_path / "net.onnx"
    onnx_file.save_onnx(path, checkpoint, options)
    assert [file.name for file in tmp_path.iterdir()] == ["net.onnx"]  # the weights are inside
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map["name"] == checkpoint.name
    generator = build_generator(checkpoint)
    network = OnnxNetwork(generator, options)
    assert [item.name for item in session.get_inputs()] == [item.name for item in network.inputs]
    pictures: list[NDArray[Any]] = []
    torch.manual_seed(5)
    for batch, psi in ((1, 0.5), (3, 0.5), (3, 1.3)):
        given = _given(network, batch, psi)
        (picture,) = session.run(["picture"], {key: tensor.numpy() for key, tensor in given.items()})
        with torch.no_grad(), use_backend("reference"):
            expected = _expected(generator, given)
        assert picture.shape == (batch, generator.info.img_channels, *generator.info.img_size)
        torch.testing.assert_close(torch.from_numpy(picture), expected, rtol=1e-4, atol=1e-4)
        pictures.append(picture)
    assert np.abs(pictures[1][0] - pictures[1][1]).max() > 1e-3


@pytest.mark.parametrize("name", _TRACED)
def test_the_traced_function_is_the_generators_picture(name: str) -> None:
    generator = build_generator(_checkpoint(name))
    for options in (OnnxOptions(), OnnxOptions("ws", "input")):
        network = OnnxNetwork(generator, options)
        given = _given(network, 2, 0.6)
        with torch.no_grad(), use_backend("reference"):
            picture = network(*(given[item.name] for item in network.inputs))
            torch.testing.assert_close(picture, _expected(generator, given), rtol=1e-4, atol=1e-5)


def test_a_missing_package_is_named_with_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"onnx and onnxscript.*pip install 'latentwalk\[onnx\]'"):
        convert(tmp_path / "never read.pkl", tmp_path / "net.onnx")


def test_a_family_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: object())
    save_native(tmp_path / "net.safetensors", _star())
    with pytest.raises(UnsupportedModelError, match="is a StarGAN v2, which cannot"):
        convert(tmp_path / "net.safetensors", tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()


def _star() -> Checkpoint:
    family, config = SMALL["starganv2"]
    return Checkpoint(family, config, dict(small_generator("starganv2").state_dict()), "star")


def test_a_network_beyond_the_formats_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: object())
    monkeypatch.setattr(onnx_file, "_LARGEST", 100)
    with pytest.raises(CheckpointError, match="holds 2 GiB"):
        onnx_file.save_onnx(tmp_path / "net.onnx", _checkpoint("stylegan2-skip"), OnnxOptions())


class Interrupted:
    """What the exporter returns, whose file a signal interrupts half-way."""

    def __init__(self) -> None:
        self.model = SimpleNamespace(producer_name="", metadata_props={})

    def save(self, path: Path, external_data: bool) -> None:
        path.write_bytes(b"half")
        raise Stopped(signal.SIGINT)


def test_steps_are_reported_and_an_interrupted_one_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: object())
    monkeypatch.setattr(onnx_file, "_traced", lambda network: Interrupted())
    save_native(tmp_path / "net.safetensors", _checkpoint("stylegan2-skip"))
    reports: list[Report[None]] = []
    with pytest.raises(Stopped):
        convert(tmp_path / "net.safetensors", tmp_path / "net.onnx", on_report=reports.append)
    assert not [file for file in tmp_path.iterdir() if "onnx" in file.name]
    stages = list(dict.fromkeys(report.stage for report in reports))
    assert stages[-3:] == ["Building the network", "Exporting the network", "Writing the file"]
    assert "Reading weights" in stages
    fractions = [report.fraction for report in reports]
    assert fractions == sorted(fractions)


def test_cancelled_while_exporting_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control()

    def export(network: OnnxNetwork) -> Interrupted:
        control.cancel()
        return Interrupted()

    monkeypatch.setattr(onnx_file, "find_spec", lambda name: object())
    monkeypatch.setattr(onnx_file, "_traced", export)
    save_native(tmp_path / "net.safetensors", _checkpoint("stylegan2-skip"))
    with pytest.raises(CancelledError):
        convert(tmp_path / "net.safetensors", tmp_path / "net.onnx", control=control)
    assert not [file for file in tmp_path.iterdir() if "onnx" in file.name]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Program:
        model = SimpleNamespace(producer_name="", metadata_props={})

        def save(self, path: Path, external_data: bool) -> None:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(onnx_file, "find_spec", lambda name: object())
    monkeypatch.setattr(onnx_file, "_traced", lambda network: Program())
    (tmp_path / "net.onnx").write_bytes(b"old")
    with pytest.raises(CheckpointError, match="No space left"):
        onnx_file.save_onnx(tmp_path / "net.onnx", _checkpoint("stylegan2-skip"), OnnxOptions())
    assert (tmp_path / "net.onnx").read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["net.onnx"]
