"""A folder that holds another run is left as it is, and says what it holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from explorer.commands.train import main as command
from explorer.errors import UsageError
from explorer.training.critters.pack import pack
from explorer.training.datasets import Critters
from explorer.training.loop import run
from explorer.training.pack import export
from explorer.training.run_dir import with_sizes_held

from .test_loop import settings


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Critters:
    return Critters([pack(tmp_path_factory.mktemp("data") / "critters.npy", 8, 16, batch=8)])


@pytest.mark.parametrize(
    ("family", "changes", "message"),
    [
        ("stylegan3-t", {}, r"run holds a stylegan2 run of 16 px\. Choose another --out"),
        ("stylegan2", {"d_channel_base": 128}, r"run of 16 px with d_channel_base 64 \(not 128\)"),
        ("stylegan2", {"generator": {"z_dim": 64}}, r"w_dim 16 \(not 512\)"),
    ],
)
def test_another_run_is_refused_and_stays_whole(
    family: str, changes: dict[str, Any], message: str, data: Critters, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    run(settings("stylegan2", out, total_kimg=0.004), data)
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    with pytest.raises(UsageError, match=message):
        run(settings(family, out, **changes), data)
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before
    assert export(out, "mine", tmp_path / "assets").exists()


def test_the_command_says_so_before_it_renders(data: Critters, tmp_path: Path) -> None:
    run(settings("stylegan2", tmp_path, total_kimg=0.004), data)
    with pytest.raises(UsageError, match="holds a stylegan2 run of 16 px"):
        command(["--family", "stylegan3-t", "--out", str(tmp_path)])
    assert not list(tmp_path.glob("*.npy*"))


def test_a_state_that_does_not_fit_is_reported(data: Critters, tmp_path: Path) -> None:
    run(settings("stylegan2", tmp_path, total_kimg=0.004), data)
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"d_channel_base": 128}))
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"state\.pt is of other networks"):
        run(settings("stylegan2", tmp_path, d_channel_base=128), data)
    assert path.read_bytes() == before


@pytest.mark.parametrize("left", ["", '{"family": "sty', "[]", "{}", '{"family": "stylegan2"}'])
def test_settings_cut_by_a_full_disk_are_rewritten(left: str, data: Critters, tmp_path: Path) -> None:
    run(settings("stylegan2", tmp_path, total_kimg=0.004), data)
    (tmp_path / "settings.json").write_text(left)
    assert run(settings("stylegan2", tmp_path, total_kimg=0.008), data).images_seen == 8
    assert json.loads((tmp_path / "settings.json").read_text())["family"] == "stylegan2"


def test_a_run_goes_on_with_its_own_networks_where_no_sizes_are_asked_for(data: Critters, tmp_path: Path) -> None:
    run(settings("stylegan2", tmp_path, total_kimg=0.004), data)
    held = with_sizes_held(settings("stylegan2", tmp_path, generator={}, d_channel_base=32768))
    assert (held.d_channel_base, held.generator) == (64, settings("stylegan2", tmp_path).generator)
    other = settings("stylegan3-t", tmp_path, d_channel_base=32768)
    assert with_sizes_held(other) == other
