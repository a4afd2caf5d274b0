"""The wheel, in an environment where the repository is not: every command and the window find what they need."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from zipfile import ZipFile

import pytest

from explorer import __version__
from explorer.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("explorer", "assets", "benchmarks", "tests", "pyproject.toml", "setup.py", "README.md", "LICENSE")
MODEL = "critters-stylegan2"
WALK = ["--seconds", "0.1", "--fps", "10"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="this environment has no pip"),
]

RUN_ALL = """
import json, sys
from explorer.cli import main
print(json.dumps({name: main(arguments) for name, arguments in json.loads(sys.argv[1]).items()}), file=sys.stderr)
"""

OPEN = """
import json, sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from explorer.app import Program
from explorer.session.settings import Settings
app = QApplication([])
settings = Settings(sys.argv[1])
settings.set("welcomed", True)
program = Program(app, settings, [])
program.window.asks_before_discarding = False
sizes = []
def look():
    session = program.window.session
    frames = [session.last_frame(view) for view in session.visible_views()] if session else []
    if frames and all(frames):
        sizes[:] = [list(frame.pixels.shape[:2]) for frame in frames]
        timer.stop()
        program.window.close()
timer = QTimer(interval=20)
timer.timeout.connect(look)
timer.start()
program.start()
app.exec()
program.close()
print(json.dumps(sizes), flush=True)
"""
"""Opens the window as it opens without arguments, and closes it when every view has its picture."""


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run without anything that leads back to the repository."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" and not k.startswith("LATENTWALK_")}
    environment |= {
        "QT_QPA_PLATFORM": "offscreen",
        "LATENTWALK_NATIVE": "0",
        "LATENTWALK_CACHE": str(folder / "cache"),
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of a copy of the repository, so that nothing is left in the latter."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(ROOT / name, source / name)
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(folder)]
    _run([sys.executable, "-m", "pip", "wheel", *options, str(source)], folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `python` and `latentwalk` of an environment with the wheel, and with what this one has."""
    folder = tmp_path_factory.mktemp("environment")
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], folder)
    scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python = str(scripts / "python")
    options = ["--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check"]
    _run([sys.executable, "-m", "pip", "--python", python, "install", *options, str(wheel)], folder)
    asked = _run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], folder)
    # A line of a .pth is a folder to search; the .pth files in that, such as an editable install's, are not read.
    libraries = "\n".join(sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}))
    Path(asked.stdout.strip(), "libraries.pth").write_text(libraries, encoding="utf-8")
    return scripts


def test_a_wheel_carries_what_lies_beside_the_package(wheel: Path) -> None:
    with ZipFile(wheel) as file:
        names = set(file.namelist())
    assert {name.partition("/")[0] for name in names} == {"explorer", f"latentwalk-{__version__}.dist-info"}
    code = {path.relative_to(ROOT).as_posix() for path in (ROOT / "explorer").rglob("*.py")}
    others = [path for folder in ("assets", "benchmarks") for path in (ROOT / folder).rglob("*.*")]
    wanted = {path.relative_to(ROOT).as_posix() for path in others if path.suffix not in (".pyc", ".md")}
    assert code <= names
    assert {f"explorer/_shipped/{name}" for name in wanted} <= names
    assert {"explorer/py.typed", "explorer/ops/native/kernels.cpp", "explorer/training/band_filter.cpp"} <= names


def test_the_command_finds_the_bundled_models(scripts: Path, tmp_path: Path) -> None:
    program = str(scripts / "latentwalk")
    shown = _run([program, "--help"], tmp_path).stdout
    assert shown.startswith("usage: latentwalk [FILE ...]")
    assert "main.py" not in shown
    done = _run([program, "render", MODEL, "--seed", "7", "-o", "seed7.png"], tmp_path)
    assert done.stdout.strip() == "seed7.png"
    assert (tmp_path / "seed7.png").stat().st_size > 1000


def test_every_command_works(scripts: Path, tmp_path: Path) -> None:
    commands = {
        "doctor": ["doctor"],
        "inspect": ["inspect", MODEL],
        "directions": ["directions", MODEL, "--method", "sefa", "-o", "sefa.npz"],
        "measure": ["measure", "sticking", MODEL, "--samples", "2"],
        "compare": ["compare", MODEL, MODEL, *WALK, "-o", "compare.mp4"],
        "slitscan": ["slitscan", MODEL, *WALK, "-o", "scan.png"],
        "video": ["video", "--seeds", "1,2", *WALK, "-o", "walk.webm"],
        "project": ["project", "show", "walk.webm"],
        "convert": ["convert", MODEL, "model.safetensors"],
        "bench": ["bench", MODEL, "--count", "1"],
        "a benchmark": ["bench", "attack", "--help"],
        **{name: [name, "--help"] for name in ("train", "figures", "grid", "window")},
    }
    assert {*commands, "render"} - {"a benchmark"} == set(COMMANDS)
    done = _run([str(scripts / "python"), "-c", RUN_ALL, json.dumps(commands)], tmp_path)
    assert json.loads(done.stderr.splitlines()[-1]) == dict.fromkeys(commands, 0), done.stderr
    for name in ("compare.mp4", "sefa.npz", "scan.png", "walk.webm", "model.safetensors"):
        assert (tmp_path / name).stat().st_size > 1000


def test_the_window_shows_both_bundled_pictures(scripts: Path, tmp_path: Path) -> None:
    done = _run([str(scripts / "python"), "-c", OPEN, str(tmp_path / "settings.json")], tmp_path)
    assert json.loads(done.stdout.splitlines()[-1]) == [[64, 64], [64, 64]]
