"""Native CPU kernels: built once in the background, cached, and used from the moment they are ready.

`kernels()` never waits: it gives the kernels if they are loaded or lie in the cache, else None, and callers take
their PyTorch path. `start_build()` is for the program's start, `build()` for tools that want to wait. A failed
build is remembered and not tried again in this process. `LATENTWALK_NATIVE=0` turns all of this off.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass
from typing import Literal

from .build import BuildError, cached_library, compile_library, find_compiler
from .kernels import DTYPES, Kernels, PackedWeight, pack_weight

__all__ = [
    "DTYPES",
    "Kernels",
    "NativeStatus",
    "PackedWeight",
    "build",
    "kernels",
    "pack_weight",
    "start_build",
    "status",
]

_log = logging.getLogger("explorer.ops.native")


@dataclass(frozen=True, slots=True)
class NativeStatus:
    """How the native kernels stand; `detail` is a line for people."""

    state: Literal["unused", "building", "ready", "failed", "disabled"]
    detail: str = ""


_lock = threading.Lock()
_kernels: Kernels | None = None
_status = NativeStatus("unused", "not asked for yet")
_looked_in_cache = False


def kernels() -> Kernels | None:
    """The kernels, or None while there are none. Any thread; only the first call looks at the disk."""
    if _kernels is None and not _looked_in_cache:
        _look_in_cache()
    return _kernels


def status() -> NativeStatus:
    """For `doctor` and the log."""
    return _status


def start_build() -> None:
    """Build in a background thread, unless the kernels are ready, building, disabled, or failed before."""
    if kernels() is None and _status.state == "unused":
        threading.Thread(target=build, name="native-build", daemon=True).start()


def build() -> NativeStatus:
    """Build and load the kernels if that was not tried before, and wait for it."""
    if kernels() is None:
        with _lock:
            if _status.state == "unused":
                _build()
    return _status


def _look_in_cache() -> None:
    global _looked_in_cache
    with _lock:
        if _looked_in_cache:
            return
        if os.environ.get("LATENTWALK_NATIVE") == "0":
            _set(None, NativeStatus("disabled", "LATENTWALK_NATIVE is 0"))
        else:
            compiler = find_compiler()
            if compiler is None:
                _set(None, NativeStatus("failed", "no C++ compiler found: install g++ or clang++"))
            elif cached_library(compiler).is_file():
                _load(compiler)
        _looked_in_cache = True


def _build() -> None:
    compiler = find_compiler()
    assert compiler is not None  # else the state would be "failed"
    _set(None, NativeStatus("building", compiler))
    start = time.perf_counter()
    try:
        compile_library(compiler, cached_library(compiler))
    except BuildError as error:
        _log.warning("native kernels not built, using PyTorch: %s", error)
        _set(None, NativeStatus("failed", str(error)))
        return
    _log.info("native kernels built in %.1f s", time.perf_counter() - start)
    _load(compiler)


def _load(compiler: str) -> None:
    path = cached_library(compiler)
    try:
        _set(Kernels(path), NativeStatus("ready", str(path)))
    except (OSError, AttributeError, ValueError) as error:
        _log.warning("native kernels could not be loaded, using PyTorch: %s", error)
        _set(None, NativeStatus("failed", str(error)))


def _set(loaded: Kernels | None, now: NativeStatus) -> None:
    global _kernels, _status
    _kernels, _status = loaded, now
