"""After a full disk a run starts again, and goes on while only its log or its sheets cannot be written."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from explorer.training import cards, history, run_logger, snapshot
from explorer.training.base_trainer import BaseTrainer
from explorer.training.datasets import Dataset
from explorer.training.loop import run
from explorer.training.trainer import Trainer

from .test_loop import settings

needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")


class Grey(Dataset):
    """Eight pictures of nothing."""

    resolution = 16

    def __len__(self) -> int:
        return 8

    def pictures(self, indices: np.ndarray) -> torch.Tensor:
        return torch.zeros(len(indices), 3, 16, 16)


def _run(out: Path, kimg: float = 0.004) -> BaseTrainer:
    return run(settings("stylegan2", out, total_kimg=kimg), Grey())


@pytest.mark.parametrize("left", ["", "kimg,sec", "kimg,seconds,per_second", "\0\0\0\n"])
def test_a_log_without_a_header_is_started_again(left: str, tmp_path: Path) -> None:
    _run(tmp_path)
    (tmp_path / "metrics.csv").write_text(left)
    _run(tmp_path, 0.008)
    header, row = (tmp_path / "metrics.csv").read_text().splitlines()
    assert header.startswith("kimg,seconds,per_second,guide")
    assert row.startswith("0.008,")


def test_rows_that_are_not_whole_are_dropped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("kimg,seconds\n0.001,1\n0.00\n,\nnan,1\n0.0010.002,2\n0.003,3\n0.0")
    assert cards._last_metrics(path) == {"kimg": "0.003", "seconds": "3"}
    assert "skipped 5 unreadable rows" in caplog.text
    run_logger._forget_rows(path, 0.002)
    assert path.read_text() == "kimg,seconds\n0.001,1\n"
    path.write_text("")
    assert cards._last_metrics(path) == {}


@needs_full
def test_a_log_that_cannot_be_mended_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("kimg,seconds\n0.001,1\n0.0")
    (tmp_path / "metrics.csv.part").symlink_to("/dev/full")
    run_logger._forget_rows(path, 1)
    assert path.read_text() == "kimg,seconds\n0.001,1\n0.0"
    assert f"{path} could not be written" in caplog.text


@pytest.mark.parametrize("cut", [0, 5, 40])
def test_a_cut_history_is_passed_over(cut: int, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "history.jsonl"
    history.record(tmp_path, {"gamma": 1.0}, 0)
    path.write_text(path.read_text() + path.read_text()[:cut])
    history.record(tmp_path, {"gamma": 2.0}, 8)
    assert history.phases(tmp_path, 1.0) == [(0.0, {"gamma": 1.0}), (0.008, {"gamma": 2.0})]
    assert ("skipped 1 unreadable lines" in caplog.text) == (cut > 0)


def test_lines_of_another_kind_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").write_bytes(b'7\n{}\n\xff\n\n{"kimg": 0, "settings": {"gamma": 1}}\n')
    assert history.phases(tmp_path, 1.0) == [(0, {"gamma": 1})]


@needs_full
def test_a_run_goes_on_while_its_log_and_sheets_cannot_be_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "metrics.csv").symlink_to("/dev/full")
    (tmp_path / "samples").write_text("a file where a folder should be")
    assert _run(tmp_path).images_seen == 4
    assert f"{tmp_path / 'metrics.csv'} could not be written" in caplog.text
    assert f"{tmp_path / 'samples' / '000000.png'} could not be written" in caplog.text


def test_a_failed_look_changes_no_random_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer(settings("stylegan2", tmp_path), Grey())
    (tmp_path / "samples").write_text("a file where a folder should be")
    monkeypatch.setattr(trainer, "samples", lambda: torch.rand(64, 3, 16, 16))
    before = torch.get_rng_state()
    run_logger.RunLogger(trainer)._draw()
    assert torch.equal(torch.get_rng_state(), before)


def test_half_a_line_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("kimg,seconds\n")
    opened = Path.open

    def half(self: Path, *arguments: Any) -> Any:
        with opened(self, *arguments) as file:
            file.write(b"0.00")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", half)
        with pytest.raises(OSError, match=r"metrics\.csv") as refused:
            history.append(path, "0.004,1\n")
    assert refused.value.filename == str(path)
    assert path.read_text() == "kimg,seconds\n"


@needs_full
@pytest.mark.parametrize("numbers", [1, 1_000_000])
def test_a_state_that_does_not_fit_is_named_and_the_old_one_kept(numbers: int, tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    snapshot.save_state(path, {"value": torch.ones(1)})
    (tmp_path / "state.pt.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as refused:
        snapshot.save_state(path, {"value": torch.ones(numbers)})
    assert refused.value.filename == str(path)
    assert snapshot.load_state(path)["value"].tolist() == [1]
    assert [p.name for p in tmp_path.iterdir()] == ["state.pt"]
