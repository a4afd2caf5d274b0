"""Every error of the command line is one line on stderr and exit code 2; nothing is half done."""

from __future__ import annotations

import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from explorer import __version__
from explorer.cli import COMMANDS, main
from explorer.commands.numbers import seeds_of
from explorer.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that a wrong call gets."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("latentwalk: error: ")
    assert "Traceback" not in captured.err
    return captured.err


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--seed", "x"], "'x' is not a number"),
        (["--seed", "5-2"], "smaller number first"),
        (["--seed", "4294967296"], "within 0 to 4294967295"),
        (["--seed", "0-99999999"], "10,000"),
        (["--seed", "-3"], "is not a number"),
        (["--seed", "1", "--z", "a.npy"], "not allowed with"),
        (["--mix", "7"], "SEED:LAYERS"),
        (["--mix", "7:0-9"], "within 0 to 4"),
        (["--mix", "7:0:1.5"], "amount from 0 to 1"),
        (["--mix", "1-2:0"], "one seed"),
        (["--translate", "1"], "expected 2 finite numbers"),
        (["--translate", "nan,0"], "expected 2 finite numbers"),
        (["--transform", "1,0,0,0,1"], "expected 6 finite numbers"),
        (["--transform", "0,0,0,0,0,0"], "flattens the picture"),
        (["--psi", "nan"], "not a finite number"),
        (["--psi", "half"], "Argument --psi"),
        (["--cutoff", "-1"], "is negative"),
        (["--class", "0"], "no classes"),
        (["--layer", "L99"], "layers are t0, t1"),
        (["--dtype", "float16"], "Argument --dtype"),
        (["--device", "cuda:9"], "no device 'cuda:9'"),
        (["--backend", "fast"], "Argument --backend"),
        (["--noise", "loud"], "Argument --noise"),
        (["--noise-seed", "-1"], "--noise-seed -1 is not within"),
        (["--raw", "x.txt"], "does not end in .npy"),
        (["--z", "missing.npy"], "missing.npy"),
        (["--frobnicate"], "no option --frobnicate"),
    ],
)
def test_wrong_options(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str], options: list[str], part: str
) -> None:
    assert part in told(capsys, "render", models["tiny"], *options, "-o", str(out / "x.png"))
    assert not list(out.iterdir())


def test_class_out_of_range(models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = told(capsys, "render", models["tiny-classes"], "--class", "3", "-o", str(out / "x.png"))
    assert "classes 0 to 2" in line


def test_a_latent_of_another_width_is_refused(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(out / "z.npy", np.zeros(9, np.float32))
    line = told(capsys, "render", models["tiny"], "--z", str(out / "z.npy"), "-o", str(out / "x.png"))
    assert "(9,)" in line or "9" in line
    assert not (out / "x.png").exists()


@pytest.mark.parametrize("command", ["inspect", "convert", "render", "compare", "bench"])
def test_bad_files(out: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    page = out / "model.pkl"
    page.write_text("<!DOCTYPE html><html>sign in to download</html>")
    rest = {
        "convert": [str(out / "o.safetensors")],
        "render": ["-o", str(out / "o.png")],
        "compare": [str(page), "-o", str(out / "o.mp4")],
    }.get(command, [])
    assert "model.pkl" in told(capsys, command, str(page), *rest)
    assert "nothing.pkl" in told(capsys, command, str(out / "nothing.pkl"), *rest)
    assert [p.name for p in out.iterdir()] == ["model.pkl"]


def test_results_that_cannot_be_written(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ".png" in told(capsys, "render", models["tiny"], "-o", str(out / "x.jpg"))
    assert "does not exist" in told(capsys, "render", models["tiny"], "-o", str(out / "no" / "x.png"))
    (out / "folder.png").mkdir()
    assert "folder.png" in told(capsys, "render", models["tiny"], "-o", str(out / "folder.png"))


def test_missing_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert "MODEL" in told(capsys, "render")
    assert "--help" in told(capsys, "--frobnicate")


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"Latentwalk {__version__}\n"
    assert main(["--help"]) == 0
    page = capsys.readouterr().out
    assert all(f"  {name} " in page for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(name for name, (module, _) in COMMANDS.items() if find_spec(module)))
def test_help_of_every_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: main.py {name}")


def test_help_loads_neither_torch_nor_qt() -> None:
    script = (
        "import sys; from explorer.cli import main; main(['--help']); main(['render', '--help']);"
        "sys.exit(any(m in sys.modules for m in ('torch', 'PySide6', 'numpy', 'av')))"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0
    assert time.monotonic() - started < 5  # a loaded machine; it takes about 0.05 s


def test_seeds() -> None:
    assert seeds_of("--seed", "7") == (7,)
    assert seeds_of("--seed", "1-3,12, 2") == (1, 2, 3, 12, 2)
    assert seeds_of("--seed", "4294967295") == (2**32 - 1,)
    for text in ("", ",", "1-", "-1", "1.5", "1--2", "²"):
        with pytest.raises(UsageError):
            seeds_of("--seed", text)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gdrive:networks/stylegan2-ffhq-config-f.pkl", "Download it in a browser"),
        ("www.dropbox.com/s/abc/net.pkl?dl=0", "curl -LO 'https://www.dropbox.com/s/abc/net.pkl?dl=1'"),
        ("drive.google.com/file/d/1AbCdEfGhIjKlMnOpQrStUv/view", "gdown 1AbCdEfGhIjKlMnOpQrStUv"),
        ("huggingface.co/someone/model/resolve/main/net.pkl", "hf download someone/model net.pkl"),
        ("file:///tmp/my%20net.pkl", "'/tmp/my net.pkl'"),
        ("file://localhost/tmp/net.pkl", "/tmp/net.pkl"),
    ],
)
def test_addresses_have_hints_that_can_be_followed(
    out: Path, capsys: pytest.CaptureFixture[str], name: str, message: str
) -> None:
    error = told(capsys, "render", name, "-o", str(out / "a.png"))
    assert "is an address" in error
    assert message in error
    assert "gdown networks/" not in error


def test_a_folder_that_is_called_like_a_host_is_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "models.ai").mkdir()
    monkeypatch.chdir(tmp_path)
    assert "There is no file models.ai/x.pkl" in told(capsys, "render", "models.ai/x.pkl", "-o", str(out / "a.png"))


@pytest.mark.skipif(sys.platform == "win32", reason="a current folder cannot be deleted there")
def test_a_current_folder_that_was_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """torch's libraries end the process without one."""
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert "current folder" in told(capsys, "inspect", str(out / "a.pkl"))


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
@pytest.mark.parametrize(
    "command",
    [["render", "MODEL", "-o"], ["video", "--seeds", "1,2", "--model", "MODEL", "-o"], ["convert", "MODEL"]],
)
def test_links_that_lead_nowhere_are_refused_before_the_work(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    suffix = {"render": ".png", "video": ".mp4", "convert": ".safetensors"}[command[0]]
    link, ring = out / f"link{suffix}", out / f"ring{suffix}"
    link.symlink_to(out / "missing" / f"x{suffix}")
    ring.symlink_to(ring)
    arguments = [models["tiny"] if word == "MODEL" else word for word in command]
    error = told(capsys, *arguments, str(link))
    assert "is a link to" in error
    assert "whose folder does not exist" in error
    assert "is a link to itself" in told(capsys, *arguments, str(ring))


@pytest.mark.parametrize("command", [["render", "MODEL", "-o"], ["convert", "MODEL"]])
def test_protected_files_are_refused_before_the_work(
    models: dict[str, str],
    out: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
) -> None:
    path = out / ("x.png" if command[0] == "render" else "x.safetensors")
    path.write_text("old")
    monkeypatch.setattr("os.access", lambda name, mode: Path(name) != path)
    arguments = [models["tiny"] if word == "MODEL" else word for word in command]
    assert "is write-protected" in told(capsys, *arguments, str(path))
    assert path.read_text() == "old"
