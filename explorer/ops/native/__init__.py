"""Native CPU kernels: built once in the background, cached, and used as soon as they are ready.

`kernels()` never waits: it returns the kernels if they are loaded or cached, else None, and callers use PyTorch.
`start_build()` is for the start of the program, `build()` for tools that can wait. A failed build is not retried in
this process, and one that crashed not for a day. A cached library is only loaded if it belongs to this user and is
unmodified (`explorer.util.cached_library`); otherwise it is rebuilt. `LATENTWALK_NATIVE=0` disables all of this.
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
from .wavelets import PackedPanels

__all__ = [
    "DTYPES",
    "Kernels",
    "NativeStatus",
    "PackedPanels",
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
    """State of the native kernels; `detail` is a line for the user."""

    state: Literal["unused", "building", "ready", "failed", "disabled"]
    detail: str = ""


_lock = threading.Lock()
_kernels: Kernels | None = None
_status = NativeStatus("unused")
_looked_in_cache = False


def kernels() -> Kernels | None:
    """Return the kernels, or None while there are none. Thread-safe; only the first call accesses the disk."""
    if _kernels is None and not _looked_in_cache:
        _look_in_cache()
    return _kernels


def status() -> NativeStatus:
    """Return the current state, for `doctor` and the log."""
    return _status


def start_build() -> None:
    """Build in a background thread unless the kernels are ready, being built, disabled, or failed before."""
    if kernels() is None and _status.state == "unused":
        threading.Thread(target=build, name="native-build", daemon=True).start()


def build() -> NativeStatus:
    """Build and load the kernels unless that was tried before, and wait for it."""
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
    """Load the cached library if it is intact; otherwise leave it to be rebuilt."""
    if failed := cached.failure_before(library):
        _set(None, NativeStatus("failed", f"{failed} (built again after a day)"))
    elif cached.is_cached(library):
        why = why_not(library)
        if not why:
            _load(library)
            why = _status.detail if _kernels is None else ""  # for example, a library that it depends on is gone
        if why:
            _log.warning("cached native kernels are not used: %s", why)
            _set(None, NativeStatus("unused", f"the cached ones are not used: {why}"))


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
