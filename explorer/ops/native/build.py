"""Compiles the native kernels, in one call, into the user's cache, keyed by sources, compiler and processor."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from explorer.util import cached_library as cached
from explorer.util import file_errors
from explorer.util.left_overs import build_folder
from explorer.util.user_folders import system_cache_folder

__all__ = [
    "BuildError",
    "cache_folder",
    "cached_library",
    "compile_library",
    "content_digest",
    "find_compiler",
    "prepare_cache",
    "processor",
    "why_not",
]

_SOURCE = Path(__file__).with_name("kernels.cpp")  # includes the headers beside it
_TRIAL = """
from pathlib import Path
import torch
from explorer.ops.native.kernels import Kernels
kernels = Kernels(Path(sys.argv[1]))
weight = torch.randn(5, 4, 3, 3).contiguous(memory_format=torch.channels_last)
columns, rows = torch.randn(4), torch.rand(5)
found = kernels.modulate(weight, columns, rows, torch.float32)
torch.testing.assert_close(found, weight * columns[:, None, None] * rows[:, None, None, None])
x, weight, bias = torch.randn(2, 40), torch.randn(24, 40), torch.randn(24)
torch.testing.assert_close(kernels.dense(x, weight, bias, 0.5), x @ weight.T * 0.5 + bias, rtol=1e-4, atol=1e-4)
"""
_TIMEOUT_S = 1800  # it runs at low priority; meanwhile the window renders without the kernels


class BuildError(Exception):
    """The kernels could not be compiled; the message says why in one line."""


def find_compiler() -> str | None:
    """Return the C++ compiler: `$CXX`, or the first of g++, clang++ and c++ on the path."""
    for name in (os.environ.get("CXX"), "g++", "clang++", "c++"):
        found = shutil.which(name) if name else None
        if found:
            return found
    return None


def cached_library(compiler: str) -> Path:
    """Return the path of the library for this source, compiler and processor, whether built or not."""
    sources = [_SOURCE, *sorted(_SOURCE.parent.glob("*.h"))]
    return cache_folder() / f"kernels-{content_digest(sources, (compiler, processor(), repr(_flags(True))))}.so"


def cache_folder() -> Path:
    """Return the folder of compiled libraries. Raises OSError if there is no home folder."""
    folder = os.environ.get("LATENTWALK_NATIVE_CACHE")
    return Path(folder) if folder else _own_root() / "native"


def _own_root() -> Path:
    return system_cache_folder()


def why_not(library: Path) -> str:
    """Return why a cached library must not be loaded; empty if it may."""
    folder = cache_folder()
    return cached.why_not(library, folder if os.environ.get("LATENTWALK_NATIVE_CACHE") else folder.parent)


def prepare_cache(folder: Path) -> None:
    """Create the folder, and make sure that nobody else can write to it.

    Raises:
        BuildError: The folder cannot be used.
    """
    # Permissions of a folder chosen by the user are left alone: others may have to write there.
    own = [] if os.environ.get("LATENTWALK_NATIVE_CACHE") else [_own_root(), _own_root() / "native"]
    if why := cached.prepare(folder, tighten=own if folder in own else ()):
        raise BuildError(f"the cache of kernels is not used: {why}")


def content_digest(sources: Sequence[Path], settings: Sequence[str]) -> str:
    """Return a digest of the contents of `sources` and of `settings`: 16 hexadecimal digits."""
    parts = [*(source.read_bytes() for source in sources), *(setting.encode() for setting in settings)]
    return hashlib.blake2b(b"\0".join(parts), digest_size=8).hexdigest()


def compile_library(compiler: str, target: Path) -> None:
    """Build the kernels at `target` atomically; processes may safely build the same at once.

    The library is tested in a separate process, which may crash, before it gets its final name.

    Raises:
        BuildError: The compiler or the kernels fail or time out, or the cache cannot be used.
    """
    try:
        prepare_cache(target.parent)
        with build_folder(target.parent) as folder:
            product = folder / target.name
            for openmp in (True, False):  # Apple's clang has no OpenMP; one thread is still useful
                result = _run([compiler, *_flags(openmp), str(_SOURCE), "-o", str(product)])
                if result.returncode == 0:
                    cached.try_out(_TRIAL, product)
                    cached.publish(product, target)
                    return
    except cached.TrialError as error:
        cached.note_failure(target, str(error))
        raise BuildError(str(error)) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"the compiler {compiler} could not be run, or its result not be saved: {_message(error)}"
        raise BuildError(message) from error
    lines = (result.stderr or result.stdout).strip().splitlines()
    raise BuildError(f"{compiler} failed: {lines[0] if lines else 'no message'}")


def _message(error: Exception) -> str:
    return file_errors.message(error) if isinstance(error, OSError) else str(error)


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    # At low priority if possible: the build runs beside the first renders.
    if sys.platform != "win32" and shutil.which("nice") and shutil.which(command[0]):
        command = ["nice", *command]
    return subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)


def _flags(openmp: bool) -> list[str]:
    tune = "-mcpu=native" if platform.machine() in ("arm64", "aarch64") else "-march=native"
    flags = ["-O3", tune, "-std=c++17", "-shared", "-fPIC", "-Wno-psabi"]
    return [*flags, "-fopenmp"] if openmp else [*flags, "-Wno-unknown-pragmas"]


def processor() -> str:
    """Return the processor features, which determine the instructions that -march=native may use."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("flags", "Features")):
                return line
    except OSError:
        pass
    return f"{platform.machine()} {platform.processor()}"
