"""Commands where optional things are missing: a home, a cache, a terminal, an output, an encoding; and signals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

from explorer.project.document import write_project
from explorer.state import ExplorerState, ViewState

ROOT = Path(__file__).resolve().parents[2]

WALK = ["--seconds", "0.2", "--fps", "10"]
COMMANDS: dict[str, list[str]] = {
    "render": ["render", "M", "--seed", "1,2,1", "--grid", "-o", "a.png"],
    "compare": ["compare", "N", "C", *WALK, "-o", "a.mp4"],
    "slitscan": ["slitscan", "C", *WALK, "-o", "s.png"],
    "measure": ["measure", "eq-t", "C", "--samples", "2"],
    "video": ["video", "--seeds", "1,2,1", "--model", "C", *WALK, "--captions", "-o", "v.mkv"],
    "project": ["project", "show", "p.json"],
    "inspect": ["inspect", "M"],
    "inspect json": ["inspect", "M", "--json"],
    "convert": ["convert", "M", "c.safetensors"],
    "bench": ["bench", "M", "--count", "1"],
    "doctor": ["doctor"],
    "help": ["--help"],
    "wrong": ["render", "nothing\udcff.pkl", "-o", "x.png"],
}

QUICK = ("render", "measure", "video", "project", "inspect", "inspect json", "help", "wrong")

RUN = """
import json, os, pwd, sys
if sys.argv[1] == "homeless":  # a user whom the system does not know
    def unknown(number): raise KeyError(number)
    pwd.getpwuid = unknown
from explorer.cli import main
codes = {}
for name, arguments in json.loads(os.environ["COMMANDS"]).items():
    codes[name] = main(arguments)
    with open("codes.json", "w") as file:
        json.dump(codes, file)
"""


def run_all(
    models: dict[str, str],
    folder: Path,
    prefix: str = "",
    kind: str = "",
    which: Collection[str] = COMMANDS.keys(),
    **variables: str | None,
) -> subprocess.CompletedProcess[bytes]:
    """The commands of the table in one process, in `folder`; `prefix` is a shell's redirections."""
    model = folder / os.fsdecode(b"m\xff\x1b[31m.safetensors")
    shutil.copy(models["tiny"], model)
    write_project(folder / "p.json", ExplorerState(views=(ViewState(model="\x1b[31mname"),)))
    names = {"M": str(model), "N": models["tiny"], "C": models["tiny-classes"]}
    commands = {key: [names.get(word, word) for word in COMMANDS[key]] for key in which}
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ["PYTHONPATH"])),
        "COMMANDS": json.dumps(commands),
    }
    for name, value in variables.items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    script = folder / "run.py"
    script.write_text(RUN)
    line = f'exec "{sys.executable}" "{script}" "{kind}" {prefix}'
    done = subprocess.run(["sh", "-c", line], cwd=folder, env=environment, capture_output=True, check=False)
    assert b"Traceback" not in done.stderr, done.stderr.decode(errors="replace")[-3000:]
    return done


def check_work(folder: Path, which: Collection[str] = COMMANDS.keys()) -> None:
    """Every command did its work."""
    codes = json.loads((folder / "codes.json").read_text())
    assert codes == {name: 2 if name == "wrong" else 0 for name in which}
    made = {"render": "a.png", "compare": "a.mp4", "slitscan": "s.png", "video": "v.mkv"}
    assert all((folder / name).stat().st_size for command, name in made.items() if command in which)
    assert not (folder / "~").exists()


def test_without_home_cache_terminal_and_in_ascii(models: dict[str, str], tmp_path: Path) -> None:
    done = run_all(
        models, tmp_path, kind="homeless", HOME=None, XDG_CACHE_HOME=None, XDG_CONFIG_HOME=None,
        LATENTWALK_CACHE=None, LATENTWALK_NATIVE="0", PYTHONIOENCODING="ascii", LC_ALL="C", TERM="dumb",
    )  # fmt: skip
    check_work(tmp_path)
    assert b"+/-" in done.stdout  # the measurement's figure
    assert b"\x1b" not in done.stdout + done.stderr  # of the file's name, the project, or a progress line
    assert b"m\\xff\\x1b[31m" in done.stdout + done.stderr
    assert b"tiny-classes has 3 classes; class 0 (cat) is shown" in done.stderr
    assert b"nothing\\xff.pkl" in done.stderr


def test_in_a_home_of_somebody_else(models: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    beyond = str(tmp_path / "file" / "home")  # for root too nothing can be made there
    run_all(
        models, tmp_path, HOME=beyond, XDG_CACHE_HOME=beyond, XDG_CONFIG_HOME=beyond, LATENTWALK_CACHE=None,
        LATENTWALK_NATIVE="0", TERM=None, TMPDIR=beyond,
    )  # fmt: skip
    check_work(tmp_path)


@pytest.mark.parametrize("prefix", [">&- 2>&- <&-", "| true"])
def test_with_nobody_to_read(models: dict[str, str], tmp_path: Path, prefix: str) -> None:
    run_all(models, tmp_path, prefix, which=QUICK)
    check_work(tmp_path, QUICK)
    start = (tmp_path / "a.png").read_bytes()[:8]
    assert start == b"\x89PNG\r\n\x1a\n"  # and not what a library printed into its descriptor


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_output_is_reported_after_the_work(models: dict[str, str], tmp_path: Path) -> None:
    done = run_all(models, tmp_path, "> /dev/full", which=["render"])
    assert json.loads((tmp_path / "codes.json").read_text()) == {"render": 2}
    assert (tmp_path / "a.png").stat().st_size
    assert b"Standard output cannot be written: No space left on device." in done.stderr


def test_a_signal_leaves_a_film_that_goes_on(models: dict[str, str], tmp_path: Path) -> None:
    film = ["--seeds", "1,2,3", "--model", models["tiny"], "--seconds", "400", "-o", "f.mkv"]
    command = [sys.executable, str(ROOT / "main.py"), "video", *film]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if line.startswith("rendering"))
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert process.wait() == 143, line
    assert "continue with: main.py video f.mkv.job.json" in rest
    assert "Traceback" not in rest
    assert not (tmp_path / "f.mkv").exists()
    assert (tmp_path / "f.mkv.job.json").exists()
