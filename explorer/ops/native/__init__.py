"""Native CPU kernels: built once in the background, cached, and used from the moment they are ready.

`kernels()` never waits: it gives the kernels if they are loaded or lie in the cache, else None, and callers take
their PyTorch path. `start_build()` is for the program's start, `build()` for tools that want to wait. A failed
build is remembered and not tried again in this process; one that crashed, for a day. What lies in the cache is
loaded only if it is this user's and as it was written (`explorer.util.cached_library`), else it is built again.
`LATENTWALK_NATIVE=0` turns all of this off.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from explorer.util import cached_library as cached
from explorer.util import file_errors

from .build import BuildError, cached_library, compile_library, find_compiler, why_not
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
_status = NativeStatus("unused")
_looked_in_cache = False


def kernels() -> Kernels | None:
    """Return the kernels, or None while there are none. Any thread; only the first call looks at the disk."""
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
            else:
                try:
                    _take_cached(cached_library(compiler))
                except OSError as error:
                    _set(None, NativeStatus("failed", file_errors.message(error)))
        _looked_in_cache = True


def _take_cached(library: Path) -> None:
    """Load what was built before, if it is sound; what is not is left unused, to be built again."""
    if failed := cached.failure_before(library):
        _set(None, NativeStatus("failed", f"{failed} (built again after a day)"))
    elif cached.is_cached(library):
        why = why_not(library)
        if not why:
            _load(library)
            why = _status.detail if _kernels is None else ""  # a library that it needs has gone, for example
        if why:
            _log.warning("cached native kernels are not used: %s", why)
            _set(None, NativeStatus("unused", f"those in the cache are not used: {why}"))


def _build() -> None:
    compiler = find_compiler()
    assert compiler is not None  # else the state would be "failed"
    _set(None, NativeStatus("building", compiler))
    start = time.perf_counter()
    try:
        library = cached_library(compiler)
        compile_library(compiler, library)
    except (BuildError, OSError) as error:
        _log.warning("native kernels not built, using PyTorch: %s", error)
        _set(None, NativeStatus("failed", str(error)))
        return
    _log.info("native kernels built in %.1f s", time.perf_counter() - start)
    _load(library)


def _load(path: Path) -> None:
    try:
        _set(Kernels(path), NativeStatus("ready", str(path)))
    except (OSError, AttributeError, ValueError) as error:
        _log.warning("native kernels could not be loaded, using PyTorch: %s", error)
        _set(None, NativeStatus("failed", str(error)))


def _set(loaded: Kernels | None, now: NativeStatus) -> None:
    global _kernels, _status
    _kernels, _status = loaded, now
