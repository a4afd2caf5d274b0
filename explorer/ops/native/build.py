"""Compiling the native kernels: one compiler call, in the user's cache, keyed by sources, compiler, processor."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from explorer.util.user_folders import system_cache_folder

__all__ = [
    "BuildError",
    "cache_folder",
    "cached_library",
    "compile_library",
    "content_digest",
    "find_compiler",
    "processor",
]

_SOURCE = Path(__file__).with_name("kernels.cpp")  # includes the headers beside it
_TIMEOUT_S = 1800  # at low priority beside other work; the window renders without them meanwhile


class BuildError(Exception):
    """The kernels could not be compiled; the message says why in one line."""


def find_compiler() -> str | None:
    """The C++ compiler to use: `$CXX`, or the first of g++, clang++ and c++ on the path."""
    for name in (os.environ.get("CXX"), "g++", "clang++", "c++"):
        found = shutil.which(name) if name else None
        if found:
            return found
    return None


def cached_library(compiler: str) -> Path:
    """Where the library for this source, compiler and processor lies, whether built or not."""
    sources = [_SOURCE, *sorted(_SOURCE.parent.glob("*.h"))]
    return cache_folder() / f"kernels-{content_digest(sources, (compiler, processor(), repr(_flags(True))))}.so"


def cache_folder() -> Path:
    """Where compiled libraries are kept."""
    folder = os.environ.get("LATENTWALK_NATIVE_CACHE")
    return Path(folder) if folder else system_cache_folder() / "native"


def content_digest(sources: Sequence[Path], settings: Sequence[str]) -> str:
    """16 hexadecimal digits that stand for the contents of `sources` and for `settings`."""
    parts = [*(source.read_bytes() for source in sources), *(setting.encode() for setting in settings)]
    return hashlib.blake2b(b"\0".join(parts), digest_size=8).hexdigest()


def compile_library(compiler: str, target: Path) -> None:
    """Build the kernels at `target`, atomically; a second process that builds the same does no harm.

    Raises:
        BuildError: If the compiler fails or takes minutes, or the cache cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            product = Path(folder) / target.name
            for openmp in (True, False):  # Apple's clang has no OpenMP; one thread is still worth it
                result = _run([compiler, *_flags(openmp), str(_SOURCE), "-o", str(product)])
                if result.returncode == 0:
                    os.replace(product, target)
                    return
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"the compiler {compiler} could not run: {error}") from error
    lines = (result.stderr or result.stdout).strip().splitlines()
    raise BuildError(f"{compiler} failed: {lines[0] if lines else 'no message'}")


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    # Low priority, where there is one: the build runs beside the first renders.
    if sys.platform != "win32" and shutil.which("nice") and shutil.which(command[0]):
        command = ["nice", *command]
    return subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)


def _flags(openmp: bool) -> list[str]:
    tune = "-mcpu=native" if platform.machine() in ("arm64", "aarch64") else "-march=native"
    flags = ["-O3", tune, "-std=c++17", "-shared", "-fPIC", "-Wno-psabi"]
    return [*flags, "-fopenmp"] if openmp else [*flags, "-Wno-unknown-pragmas"]


def processor() -> str:
    """What decides the instructions that -march=native may use."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("flags", "Features")):
                return line
    except OSError:
        pass
    return f"{platform.machine()} {platform.processor()}"
