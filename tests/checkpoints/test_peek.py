"""Telling a latent from a model by a quick look, whatever its size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from explorer.checkpoints.peek import torch_file_kind
from tests.checkpoints.conftest import small_network

_WEIGHTS = {"style.1.weight": torch.zeros(2, 2), "input.input": torch.zeros(1, 2, 4, 4)}

LATENTS: dict[str, Any] = {
    "tensor": torch.zeros(1, 18, 512),
    "table": {"w": torch.zeros(18, 512)},
    "ours": {"ws": torch.zeros(18, 512), "latentwalk": {"space": "ws", "psi": 1.0, "model_sha": "x"}},
    "projector of rosinality": {"face.png": {"img": torch.zeros(3), "latent": torch.zeros(18, 512)}},
    "numpy inside": {"w": np.zeros((18, 512), np.float32)},
    "pictures and names": {"latents": torch.zeros(5, 18, 512), "names": ["a.png", "b.weight"]},
    "many": {"latent": torch.zeros(400, 18, 128)},
    "parameter": torch.nn.Parameter(torch.zeros(512)),
}
MODELS: dict[str, Any] = {
    "rosinality": {"g_ema": _WEIGHTS, "latent_avg": torch.zeros(2)},
    "bare": _WEIGHTS,
    "state dict": {"state_dict": _WEIGHTS, "epoch": 3},
    "encoder": {"state_dict": {"decoder.style.1.weight": torch.zeros(2)}, "latent_avg": torch.zeros(18, 2)},
    "one weight": {"mapping.fc0.weight": torch.zeros(2, 2)},
    "numbers": {"step": 5},
    "module": torch.nn.Linear(2, 2),
    "network": {"G_ema": torch.nn.Linear(2, 2), "w_avg": 5},
}


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("name", LATENTS)
def test_latents(tmp_path: Path, name: str, legacy: bool) -> None:
    path = tmp_path / "file.pt"
    torch.save(LATENTS[name], path, _use_new_zipfile_serialization=not legacy)
    assert torch_file_kind(path) == "latent"


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_models_however_small(tmp_path: Path, name: str, legacy: bool) -> None:
    path = tmp_path / "file.pt"
    torch.save(MODELS[name], path, _use_new_zipfile_serialization=not legacy)
    assert path.stat().st_size < 4 << 20
    assert torch_file_kind(path) == "model"


def test_a_whole_state_dict(tmp_path: Path) -> None:
    torch.save(small_network("stylegan2")[1], tmp_path / "net.pt")
    assert torch_file_kind(tmp_path / "net.pt") == "model"


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04", b"x" * 100, b"\x80\x02" + b"N" * 100_000, b"cos\nsystem\n(X\x01\x00\x00\x00atR."],
)
def test_whatever_cannot_be_classified_goes_to_the_reader_of_models(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.pt").write_bytes(content)
    assert torch_file_kind(tmp_path / "file.pt") == "model"
    assert torch_file_kind(tmp_path / "nothing.pt") == "model"
    assert torch_file_kind(tmp_path) == "model"


def test_the_look_does_not_wait_for_torch() -> None:
    code = "import sys, explorer.checkpoints.peek as p; p.torch_file_kind('x.pt'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0
