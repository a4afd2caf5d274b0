"""The start script: what it names for each system, when it repeats itself, and that the README tells the truth."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from explorer.setup import system_libraries as system

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`start.py` as a module that believes the repository to be an empty folder with a pyproject.toml."""
    spec = importlib.util.spec_from_file_location("start", ROOT / "start.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    bin_folder = tmp_path / ".venv" / "bin"
    bin_folder.mkdir(parents=True)
    (bin_folder / "python").symlink_to(sys.executable)
    for name, value in {
        "ROOT": str(tmp_path), "VENV": str(tmp_path / ".venv"), "STAMP": str(tmp_path / ".venv/latentwalk.json"),
        "PYTHON": str(bin_folder / "python"), "UNPACKED": str(tmp_path / ".system"),
    }.items():  # fmt: skip
        monkeypatch.setattr(module, name, value)
    return module


def test_setup_is_repeated_only_when_something_changed(start: ModuleType, tmp_path: Path) -> None:
    assert not start.is_current([])
    Path(start.STAMP).write_text(json.dumps(start.stamp_for(["test"])))
    assert start.is_current([])
    assert start.is_current(["test"])
    assert not start.is_current(["dev"])
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert not start.is_current([])
    Path(start.STAMP).write_text("{broken")
    assert not start.is_current([])
    Path(start.STAMP).write_text("[]")
    assert not start.is_current([])


def test_another_python_under_the_environment_sets_up_again(start: ModuleType, tmp_path: Path) -> None:
    Path(start.STAMP).write_text(json.dumps(start.stamp_for([])))
    assert start.is_current([])
    newer = tmp_path / "python3.99"
    newer.write_bytes(b"newer")
    Path(start.PYTHON).unlink()
    Path(start.PYTHON).symlink_to(newer)
    assert not start.is_current([])
    newer.unlink()
    assert not start.is_current([])


@pytest.mark.parametrize("stamp", ["", "{", "[]"])
def test_a_damaged_stamp_is_made_again(start: ModuleType, monkeypatch: pytest.MonkeyPatch, stamp: str) -> None:
    monkeypatch.setattr(start, "run", lambda command, **_: 0)
    Path(start.STAMP).write_text(stamp)
    start.install_packages([])
    assert start.is_current([])


def test_installing_keeps_earlier_extras_and_marks_only_success(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []
    codes = iter([0, 1])
    monkeypatch.setattr(start, "run", lambda command, **_: calls.append(command) or next(codes))
    Path(start.STAMP).write_text(json.dumps(start.stamp_for(["test"])))
    start.install_packages(["dev"])
    assert calls[0][-1] == ".[dev,test]"
    assert start.is_current(["dev", "test"])
    with pytest.raises(start.SetupError, match="pip could not install"):
        start.install_packages([])
    assert not start.is_current([])


@pytest.mark.parametrize(
    ("name", "script"),
    [("check", "check.py"), ("render", "main.py"), ("", "main.py")],
)
def test_words_lead_to_scripts(start: ModuleType, monkeypatch: pytest.MonkeyPatch, name: str, script: str) -> None:
    handed: list[list[str]] = []
    monkeypatch.setattr(start, "is_current", lambda extras: True)
    monkeypatch.setattr(start, "install_libraries", lambda for_tests: None)
    monkeypatch.setattr(start, "hand_over", handed.append)
    start.main([name] if name else [])
    assert Path(handed[0][0]).name == script
    assert handed[0][1:] == ([name] if script == "main.py" and name else [])


def test_tests_run_offscreen(start: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[list[str]] = []
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(start, "is_current", lambda extras: extras == ["test"])
    monkeypatch.setattr(start, "install_libraries", lambda for_tests: None)
    monkeypatch.setattr(start, "hand_over", handed.append)
    start.main(["test", "-k", "x"])
    start.main(["test", "-s", "-k", "x"])  # to look into a run, one process alone
    assert handed == [
        ["-m", "pytest", "-n", "auto", "--dist", "loadfile", "-k", "x"],
        ["-m", "pytest", "-s", "-k", "x"],
    ]
    assert os.environ["QT_QPA_PLATFORM"] == "offscreen"


def test_coverage_is_measured_by_a_script(start: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[list[str]] = []
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(start, "is_current", lambda extras: extras == ["test"])
    monkeypatch.setattr(start, "install_libraries", lambda for_tests: None)
    monkeypatch.setattr(start, "hand_over", handed.append)
    start.main(["test", "--coverage", "-x"])
    (command,) = handed
    assert Path(command[0]).name == "measure_coverage.py"
    assert command[1:] == ["-n", "auto", "--dist", "loadfile", "-x"]


def test_files_that_must_be_whole_are_there() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "measure_coverage.py"))
    missing = [name for name in script["WHOLE"] if not (ROOT / name).is_file()]
    assert missing in ([], ["explorer/state/migrations.py"])  # the latter comes with projects of version 2


def test_the_script_parses_under_the_oldest_python() -> None:
    import ast

    ast.parse((ROOT / "start.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_families() -> None:
    assert system.family_of('ID=debian\nVERSION_ID="12"\n') == "debian"
    assert system.family_of('NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n') == "debian"
    assert system.family_of('ID="rocky"\nID_LIKE="rhel centos fedora"\n') == "fedora"
    assert system.family_of("ID=manjaro\nID_LIKE=arch\n") == "arch"
    assert system.family_of("ID=alpine\n") == ""


def test_every_lack_is_named_with_its_command() -> None:
    needs = [system.OFFSCREEN[0], system.OFFSCREEN[1], system.SCREEN[0], system.FONTS]
    lines = {family: system.install_line(needs, family) for family in ("debian", "fedora", "arch", "")}
    assert lines["debian"] == "sudo apt-get install libgl1 libegl1 libxcb-cursor0 fonts-dejavu-core"
    assert lines["fedora"].startswith("sudo dnf install libglvnd-glx")
    assert lines["arch"] == "sudo pacman -S libglvnd xcb-util-cursor ttf-dejavu"  # libglvnd once
    assert "libxcb-cursor.so.0" in lines[""]


def test_missing_names_what_is_not_there(tmp_path: Path) -> None:
    here = system.Need("libc.so.6", "libc6", "glibc", "glibc")
    gone = system.Need("libnothing.so.9", "libnothing9", "nothing", "nothing")
    tool = system.Need("no-such-program", "no-such-program", "x", "x")
    if sys.platform == "linux":
        assert system.missing([here, gone, tool]) == [gone, tool]
    folder = system._library_folders(tmp_path)[0]
    folder.mkdir(parents=True)
    (folder / gone.name).touch()
    assert gone not in system.missing([gone], tmp_path)


def test_unpacked_libraries_are_found_through_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert system.environment(tmp_path / "nothing") == {}
    folder = system._library_folders(tmp_path)[0]
    folder.mkdir(parents=True)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/before")
    assert system.environment(tmp_path)["LD_LIBRARY_PATH"] == f"{folder}:/before"


@pytest.mark.parametrize("can_install", [True, False])
def test_libraries_are_installed_or_unpacked_or_named(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], can_install: bool
) -> None:
    lacks = [system.OFFSCREEN[0], system.TEST_TOOLS[0]]
    installed: list[list[str]] = []
    unpacked: list[list[str]] = []
    monkeypatch.setattr(start.sys, "platform", "linux")
    monkeypatch.setattr(system, "missing", lambda needs, unpacked=None: [need for need in lacks if need in needs])
    monkeypatch.setattr(system, "this_family", lambda: "debian")
    monkeypatch.setattr(system, "install", lambda names, say: installed.append(names) or can_install)
    monkeypatch.setattr(system, "unpack", lambda names, into, say: unpacked.append(names) or False)
    start.install_libraries(for_tests=True)
    assert installed == [["libgl1", "xvfb"]]
    if can_install:
        assert not unpacked
        assert capsys.readouterr().err == ""
    else:
        assert unpacked == [["libgl1"]]
        assert "sudo apt-get install libgl1 xvfb" in capsys.readouterr().err


def test_a_password_is_never_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def refuse(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        asked.append(command)
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(subprocess, "run", refuse)
    assert system.administrator() is None
    assert not system.install(["libgl1"], lambda text: None)
    assert all(command == ["/usr/bin/sudo", "-n", "true"] for command in asked)


def test_the_readme_names_commands_that_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "python3 start.py\n" in readme
    assert "python3 start.py test\n" in readme
    from explorer.cli import COMMANDS

    for word in re.findall(r"start\.py ([a-z]+)", readme):
        assert word in {*COMMANDS, "test", "check", "setup"}, word
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", readme):
        if not target.startswith("assets/"):  # pictures and models may come later than the words
            assert (ROOT / target).exists(), target


def test_ci_calls_the_readmes_test_command() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "python3 start.py test" in script.read_text(encoding="utf-8")


def test_an_environment_of_the_users_own_is_not_emptied(start: ModuleType, tmp_path: Path) -> None:
    """Without a stamp and with packages in it, it is not ours: making one anew would empty it."""
    packages = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages"
    (packages / "pip").mkdir(parents=True)
    start.check_environment_is_ours()  # nothing but what venv makes: an interrupted first start
    (packages / "pandas").mkdir()
    with pytest.raises(start.SetupError, match="holds pandas: move it away"):
        start.check_environment_is_ours()
    assert (packages / "pandas").is_dir()
    start.write_stamp({})
    start.check_environment_is_ours()  # ours, whatever was put into it


def test_a_stamp_that_cannot_be_written_is_reported(start: ModuleType, tmp_path: Path) -> None:
    Path(start.STAMP).mkdir()
    with pytest.raises(start.SetupError, match=r"latentwalk\.json cannot be written: is a folder"):
        start.write_stamp({})
