"""Whatever lies in the cache of kernels: it is loaded, or built again, or done without; the program goes on."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from explorer.ops import native
from explorer.setup.doctor import examine
from explorer.util import cached_library as cached

build = importlib.import_module("explorer.ops.native.build")  # the package's function has the same name
GXX = shutil.which("g++")
pytestmark = pytest.mark.skipif(GXX is None or os.name == "nt", reason="needs g++ and Unix")

KERNELS = """
#include <cstdio>
#include <cstdlib>
extern "C" int latentwalk_abi() { return 6; }
__attribute__((constructor)) static void first() { %s }
"""


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, for a program that has not looked yet."""
    folder = tmp_path / "native"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("LATENTWALK_NATIVE_CACHE", str(folder))
    monkeypatch.delenv("LATENTWALK_NATIVE", raising=False)
    monkeypatch.setattr(native, "_kernels", None)
    monkeypatch.setattr(native, "_status", native.NativeStatus("unused"))
    monkeypatch.setattr(native, "_looked_in_cache", False)
    return folder


def _again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As at the next start."""
    monkeypatch.setattr(native, "_kernels", None)
    monkeypatch.setattr(native, "_status", native.NativeStatus("unused"))
    monkeypatch.setattr(native, "_looked_in_cache", False)


def _compiled(folder: Path, code: str) -> Path:
    """A library that runs `code` when it is loaded."""
    source, product = folder / "k.cpp", folder / "k.so"
    source.write_text(KERNELS % code)
    subprocess.run([str(GXX), "-shared", "-fPIC", str(source), "-o", str(product)], check=True)
    return product


def _compiler(folder: Path, product: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A compiler that always makes `product`; notes its calls beside itself."""
    script = folder / "c++"
    script.write_text(
        f"#!{sys.executable}\nimport shutil, sys\nopen({str(folder / 'calls')!r}, 'a').write('x')\n"
        f"shutil.copy({str(product)!r}, sys.argv[-1])\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("CXX", str(script))
    return folder / "calls"


def test_a_library_that_crashes_is_done_without(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = _compiler(tmp_path, _compiled(tmp_path, "abort();"), monkeypatch)
    assert native.build().state == "failed"
    assert "crashed (SIGABRT)" in native.status().detail
    assert [p.name for p in cache.iterdir() if not p.name.endswith(".failed")] == []
    _again(monkeypatch)
    assert native.kernels() is None
    (found,) = [f for f in examine() if f.name == "kernels"]
    assert "crashed (SIGABRT)" in found.found
    assert found.advice
    assert native.build().state == "failed"
    assert calls.read_text() == "x"  # not at every start


def test_one_that_computes_wrongly_is_done_without(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _compiler(tmp_path, _compiled(tmp_path, ""), monkeypatch)
    assert native.build().state == "failed"
    assert "trial of the library failed" in native.status().detail


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "unsigned", "open file", "open folder", "fifo"])
def test_what_is_damaged_or_open_to_others_is_never_run(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    ran = tmp_path / "ran"
    product = _compiled(tmp_path, f'fclose(fopen("{ran}", "w"));')
    library = build.cached_library(str(GXX))
    monkeypatch.setenv("CXX", str(GXX))
    cached.publish(product, library)
    data = bytearray(library.read_bytes())
    if damage == "flipped":
        data[-1] ^= 1
    if damage in ("empty", "cut", "flipped"):
        library.write_bytes({"empty": b"", "cut": bytes(data[:4096])}.get(damage, bytes(data)))
    elif damage == "unsigned":
        library.with_name(f"{library.name}.sha256").unlink()
    elif damage == "fifo":
        library.unlink()
        os.mkfifo(library)
    else:
        (library if damage == "open file" else cache).chmod(0o777)
    assert native.kernels() is None
    assert native.status().state == "unused"
    assert "not used" in native.status().detail
    assert not ran.exists()
    built = []

    def compile_library(compiler: str, target: Path) -> None:
        built.append(target)
        build.prepare_cache(target.parent)
        raise build.BuildError("enough")

    monkeypatch.setattr(native, "compile_library", compile_library)
    native.build()
    assert built == [library]
    if damage == "open folder":
        assert "others can write to" in native.status().detail
    assert not ran.exists()


def test_the_trial_is_of_use(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sound library of ours is loaded without another trial."""
    ran = tmp_path / "ran"
    library = build.cached_library(str(GXX))
    cached.publish(_compiled(tmp_path, f'fclose(fopen("{ran}", "w"));'), library)
    monkeypatch.setenv("CXX", str(GXX))
    assert native.kernels() is None  # it lacks the functions
    assert ran.exists()
    assert native.status().state == "unused"  # so it is built again


def test_without_a_home_there_are_no_kernels_and_no_folder_of_that_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: Path
) -> None:
    monkeypatch.delenv("LATENTWALK_NATIVE_CACHE")
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *_, **__: "~/.cache/latentwalk")
    monkeypatch.chdir(tmp_path)
    assert native.kernels() is None
    assert native.build().state == "failed"
    assert "no home folder" in native.status().detail
    assert not (tmp_path / "~").exists()
