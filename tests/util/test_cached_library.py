"""A cached library is loaded only if it is ours, whole, and ran once in another process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from explorer.util import cached_library as cached
from explorer.util.left_overs import build_folder, sweep_builds

unix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such owners and modes")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A published file below a cache folder of one's own."""
    cache = tmp_path / "cache"
    assert cached.prepare(cache / "native") == ""
    product = tmp_path / "product"
    product.write_bytes(b"code" * 1000)
    cached.publish(product, cache / "native" / "k.so")
    return cache / "native" / "k.so"


def _root(library: Path) -> Path:
    return library.parent.parent


def test_what_was_published_may_be_loaded(library: Path) -> None:
    assert cached.why_not(library, _root(library)) == ""
    assert library.read_bytes() == b"code" * 1000
    if os.name != "nt":
        assert library.parent.stat().st_mode & 0o777 == 0o700
        assert library.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("data", [b"", b"code" * 999, b"code" * 999 + b"codf", b"code" * 1000 + b"\0"])
def test_a_damaged_one_may_not(library: Path, data: bytes) -> None:
    library.write_bytes(data)
    assert cached.why_not(library, _root(library)) == f"{library} is damaged"


def test_one_without_a_checksum_may_not(library: Path) -> None:
    checksum = library.with_name("k.so.sha256")
    checksum.write_text("")
    assert "damaged" in cached.why_not(library, _root(library))
    checksum.unlink()
    assert "No such file" in cached.why_not(library, _root(library))
    library.unlink()
    assert "No such file" in cached.why_not(library, _root(library))


@unix
@pytest.mark.parametrize("where", ["file", "checksum", "folder", "root"])
@pytest.mark.parametrize("mode", [0o020, 0o002])
def test_one_that_others_can_write_may_not(library: Path, where: str, mode: int) -> None:
    checksum = library.with_name("k.so.sha256")
    path = {"file": library, "checksum": checksum, "folder": library.parent, "root": _root(library)}[where]
    path.chmod(path.stat().st_mode & 0o777 | mode)
    assert cached.why_not(library, _root(library)) == f"others can write to {path}"


@unix
def test_a_folder_in_which_nobody_removes_what_is_anothers_will_do(library: Path) -> None:
    library.parent.chmod(0o1777)
    assert cached.why_not(library, _root(library)) == ""


@unix
def test_what_belongs_to_another_may_not(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user = os.geteuid()
    monkeypatch.setattr(cached, "_user", lambda: user + 1)
    assert "belongs to another user" in cached.why_not(library, _root(library))
    assert "belongs to another user" in cached.prepare(library.parent) or user == 0


@unix
def test_what_is_not_a_file_may_not(library: Path) -> None:
    shutil.copy(library, library.with_name("copy"))
    library.unlink()
    library.symlink_to(library.with_name("copy"))
    assert "not a regular file" in cached.why_not(library, _root(library))
    library.unlink()
    os.mkfifo(library)
    assert "not a regular file" in cached.why_not(library, _root(library))


@unix
def test_only_our_own_folder_is_closed_to_others(tmp_path: Path) -> None:
    for folder in ("own", "chosen"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder).chmod(0o777)
    assert cached.prepare(tmp_path / "own", tighten=[tmp_path / "own"]) == ""
    assert (tmp_path / "own").stat().st_mode & 0o777 == 0o755
    assert cached.prepare(tmp_path / "chosen") == f"others can write to {tmp_path / 'chosen'}"
    assert (tmp_path / "chosen").stat().st_mode & 0o777 == 0o777


def test_a_cache_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert str(tmp_path / "file") in cached.prepare(tmp_path / "file" / "native")


def test_a_trial_survives_a_crash(tmp_path: Path) -> None:
    cached.try_out("assert sys.argv[1].endswith('k.so'); import explorer", tmp_path / "k.so")
    with pytest.raises(cached.TrialError, match="exit code 1: ZeroDivisionError"):
        cached.try_out("1 / 0", tmp_path / "k.so")
    if os.name != "nt":
        with pytest.raises(cached.TrialError, match=r"crashed \(SIGABRT\)"):
            cached.try_out("import os; os.abort()", tmp_path / "k.so")
    with pytest.raises(cached.TrialError, match="could not be run"):
        cached.try_out("import threading; threading.Event().wait()", tmp_path / "k.so", 0.5)


def test_a_failure_is_remembered_for_a_day_and_until_a_success(library: Path) -> None:
    assert cached.failure_before(library) == ""
    cached.note_failure(library, "it crashed")
    assert cached.failure_before(library) == "it crashed"
    note = library.with_name("k.so.failed")
    os.utime(note, (note.stat().st_mtime - 90_000,) * 2)
    assert cached.failure_before(library) == ""
    cached.publish(library, library)
    assert not note.exists()


BUILD = """
import sys
from pathlib import Path
from explorer.util.left_overs import build_folder
with build_folder(Path(sys.argv[1])) as folder:
    (folder / "half.o").write_text("x")
    print("building", flush=True)
    sys.stdin.read()
"""


@unix
def test_the_folder_of_a_killed_build_is_swept_and_that_of_a_living_one_not(tmp_path: Path) -> None:
    command = [sys.executable, "-c", BUILD, str(tmp_path)]
    (tmp_path / "mine").mkdir()
    with build_folder(tmp_path) as living:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "building\n"
            process.kill()
        sweep_builds(tmp_path)
        assert living.is_dir()
        assert len(list(tmp_path.iterdir())) == 3
    sweep_builds(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]
