"""A small network that predicts a critter's attributes from its picture; Frechet distances use its features.

Trained by `explorer.training.attributes`; the weights are in `assets/networks/`, with a card on their accuracy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as dump
from torch import Tensor, nn

from explorer.checkpoints.bundled import assets_dir
from explorer.errors import UnreadableFileError, UnsupportedModelError
from explorer.util.atomic_write import atomic_write_bytes
from explorer.util.file_errors import reason
from explorer.util.program_name import program_name
from explorer.util.regular_file import check_regular

__all__ = ["FEATURES", "FORMAT", "AttributeNetwork", "Vocabulary", "bundled_path", "load", "network_of", "save"]

FEATURES = 128
FORMAT = "latentwalk-attributes"
_WIDTHS = (24, 48, 96, 128)  # at 32, 16, 8 and 4 pixels


@dataclass(frozen=True)
class Vocabulary:
    """The outputs: groups of weights that sum to one, and single numbers with their mean and standard deviation."""

    groups: Mapping[str, tuple[str, ...]]
    numbers: Mapping[str, tuple[float, float]]

    @property
    def outputs(self) -> int:
        """Number of outputs for a picture."""
        return sum(len(names) for names in self.groups.values()) + len(self.numbers)


class _Stage(nn.Module):
    """Halves height and width; with `more`, a residual convolution follows."""

    def __init__(self, inputs: int, outputs: int, *, more: bool) -> None:
        super().__init__()
        self.down = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.conv = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False) if more else None
        self.norm2 = nn.BatchNorm2d(outputs) if more else None

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(self.down(x)))
        if self.conv is not None and self.norm2 is not None:
            x = F.relu(x + self.norm2(self.conv(x)))
        return x


class AttributeNetwork(nn.Module):
    """Maps pictures to attributes. Pictures are resampled to 64 pixels."""

    resolution = 64

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.origin = ""  # what it was trained on, as a model's file says it
        widths = (3, *_WIDTHS)
        self.stages = nn.Sequential(*(_Stage(widths[i], widths[i + 1], more=i > 0) for i in range(len(_WIDTHS))))
        self.dense = nn.Linear(_WIDTHS[-1] * 16, FEATURES, bias=False)
        self.norm = nn.BatchNorm1d(FEATURES)
        self.heads = nn.Linear(FEATURES, vocabulary.outputs)

    def features(self, pictures: Tensor) -> Tensor:
        """Map `[N, 3, R, R]` float32 in -1..1 to features `[N, 128]`, not negative."""
        if pictures.shape[-2:] != (self.resolution, self.resolution):
            pictures = F.interpolate(pictures, (self.resolution,) * 2, mode="bilinear", antialias=True)
        return F.relu(self.norm(self.dense(self.stages(pictures).flatten(1))))

    def forward(self, pictures: Tensor) -> Tensor:
        """Return `[N, outputs]`: logits of each group in order, then the numbers as multiples of their spread."""
        result: Tensor = self.heads(self.features(pictures))
        return result

    def split(self, outputs: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Return the logits `[N, k]` of each group, and the standardised numbers `[N, len(numbers)]`."""
        sizes = [len(names) for names in self.vocabulary.groups.values()]
        *groups, numbers = torch.split(outputs, [*sizes, len(self.vocabulary.numbers)], dim=1)
        return dict(zip(self.vocabulary.groups, groups, strict=True)), numbers

    @torch.inference_mode()
    def read(self, pictures: Tensor) -> dict[str, Tensor]:
        """Return weights `[N, k]` of each group and numbers `[N]` in their own units, by name."""
        groups, numbers = self.split(self(pictures))
        result = {name: logits.softmax(1) for name, logits in groups.items()}
        for column, (name, (mean, spread)) in enumerate(self.vocabulary.numbers.items()):
            result[name] = numbers[:, column] * spread + mean
        return result


def bundled_path() -> Path:
    """Return the path of the bundled network."""
    return assets_dir() / "networks" / "critters-attributes.safetensors"


def network_of(origin: str) -> AttributeNetwork | None:
    """Return the bundled network if it was trained for the data of models of that origin; None if it was not.

    Models and networks of the same data say the same of where they are from.
    """
    try:
        network = load() if origin else None
    except (UnreadableFileError, UnsupportedModelError):  # not installed, so none is known
        return None
    return network if network is not None and network.origin == origin else None


def save(path: Path, network: AttributeNetwork, origin: str = "") -> None:
    """Write weights as float16 (normalisation as float32) with the vocabulary in the metadata."""
    tensors = {
        name: (value.half() if value.ndim > 1 else value).contiguous()
        for name, value in network.state_dict().items()
    }
    vocabulary = network.vocabulary
    metadata = {
        "format": FORMAT,
        "version": "1",
        "groups": json.dumps({name: list(names) for name, names in vocabulary.groups.items()}),
        "numbers": json.dumps({name: list(pair) for name, pair in vocabulary.numbers.items()}),
        "licence": "MIT",
        "origin": origin,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write_bytes(path, dump(tensors, metadata))


def load(path: Path | None = None) -> AttributeNetwork:
    """Load the network from a file, by default the bundled one; in evaluation mode, float32, on the CPU.

    Raises:
        UnreadableFileError: The file is missing or damaged.
        UnsupportedModelError: The file holds something else.
    """
    path = path or bundled_path()
    try:
        check_regular(path)
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            names = file.keys()
            tensors = {name: file.get_tensor(name) for name in names}
    except (OSError, SafetensorError) as error:
        raise UnreadableFileError(
            f"{path} cannot be read: {reason(error)}.",
            f"Make it again: {program_name()} train --recipe critters-attributes "
            "--out DIR --pack critters-attributes",
        ) from error
    if metadata.get("format") != FORMAT:
        raise UnsupportedModelError(f"{path.name} is not an attribute network.")
    groups = {name: tuple(names) for name, names in json.loads(metadata["groups"]).items()}
    numbers = {
        name: (float(mean), float(spread)) for name, (mean, spread) in json.loads(metadata["numbers"]).items()
    }
    network = AttributeNetwork(Vocabulary(groups, numbers))
    network.load_state_dict(tensors)
    network.origin = metadata.get("origin", "")
    return network.eval()
