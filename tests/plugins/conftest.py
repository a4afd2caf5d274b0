"""The packages of this folder, installed by pip into a folder of their own, and processes that see them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

Run = Callable[..., str]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both packages installed, from copies, since a build leaves things beside its source."""
    folder = tmp_path_factory.mktemp("plugins")
    sources = [shutil.copytree(HERE / name, folder / "sources" / name) for name in ("ripples", "broken")]
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    target = folder / "site"
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), *map(str, sources)]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    return target


@pytest.fixture
def run(site: Path, tmp_path: Path) -> Run:
    """Run a Python script beside the installed packages; returns what it prints."""

    def call(script: str, *arguments: str, **variables: str) -> str:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(site))),
            "HOME": str(tmp_path),
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
            "QT_QPA_PLATFORM": "offscreen",
            "LATENTWALK_NATIVE": "0",  # each new home would compile the kernels again, for a minute
            **variables,
        }
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            env=environment, capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-5000:]
        return done.stdout

    return call
