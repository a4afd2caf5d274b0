"""Plug-ins of other packages, found by entry points; failures are recorded and never stop the program.

A package registers what it adds in its own `pyproject.toml`:

    [project.entry-points."latentwalk.families"]
    mygan = "my_package:FAMILY"

A group is loaded when it is first needed. `LATENTWALK_PLUGINS=0` starts the program without any plug-in.
"""

from __future__ import annotations

import logging
import os
import threading
import traceback
from dataclasses import dataclass
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any, TypeVar, cast

from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = [
    "EDITS",
    "FAMILIES",
    "GROUPS",
    "METRICS",
    "READERS",
    "BrokenPlugin",
    "Plugin",
    "broken",
    "forget",
    "load",
    "loaded",
    "report",
    "resolve",
]

T = TypeVar("T")

FAMILIES = "latentwalk.families"
READERS = "latentwalk.readers"
EDITS = "latentwalk.edits"
METRICS = "latentwalk.metrics"
GROUPS = (FAMILIES, READERS, EDITS, METRICS)

_log = logging.getLogger("explorer.plugins")


@dataclass(frozen=True, slots=True)
class Plugin:
    """A loaded entry point: its group, name, and distribution ("my-package 1.0")."""

    group: str
    name: str
    distribution: str


@dataclass(frozen=True, slots=True)
class BrokenPlugin:
    """An entry point that failed, with the traceback as text; its last line is the error."""

    group: str
    name: str
    distribution: str
    traceback: str

    @property
    def error(self) -> str:
        """The last line of the traceback: the class and the message of the error."""
        lines = [line for line in self.traceback.splitlines() if line.strip()]
        return lines[-1].strip() if lines else "unknown error"


# Reentrant, because a plug-in may load its own group while it is imported; it gets the plug-ins loaded so far.
_lock = threading.RLock()
_objects: dict[str, dict[str, object]] = {}
_loaded: list[Plugin] = []
_broken: list[BrokenPlugin] = []


def load(group: str, accept: Callable[[str, Any], T], taken: Mapping[str, object] | None = None) -> Mapping[str, T]:
    """Return the objects of a group's plug-ins by entry-point name; they are loaded on the first call.

    Thread-safe, but must not be called while a module of this program is imported.

    Args:
        group: One of `GROUPS`.
        accept: Called with the entry point's name and the loaded object; returns the object to store, or raises an
            error that explains what is wrong. Only used in the first call for a group.
        taken: Built-in names, which a plug-in cannot replace.
    """
    with _lock:
        if group not in _objects:
            found = _objects[group] = {}
            for name, distribution, entry in _entry_points(group):
                try:
                    _check_free(group, name, {**(taken or {}), **found})
                    found[name] = accept(name, entry.load())
                    _loaded.append(Plugin(group, name, distribution))
                except KeyboardInterrupt:
                    raise
                except (
                    BaseException
                ) as error:  # foreign code: even sys.exit() in an import must not end the program
                    _record(group, name, distribution, error)
        return cast("Mapping[str, T]", dict(_objects[group]))


def loaded() -> tuple[Plugin, ...]:
    """Return all plug-ins loaded so far."""
    with _lock:
        return tuple(_loaded)


def broken() -> tuple[BrokenPlugin, ...]:
    """Return all plug-ins that failed so far, each once."""
    with _lock:
        return tuple(_broken)


def report(group: str, name: str, error: BaseException) -> None:
    """Record that a loaded plug-in failed in use, such as a `module:function` that does not exist."""
    with _lock:
        distribution = next((p.distribution for p in _loaded if (p.group, p.name) == (group, name)), "")
        _record(group, name, distribution, error)


def forget() -> None:
    """Forget every plug-in, so that the next `load` searches again; for tests."""
    with _lock:
        _objects.clear()
        _loaded.clear()
        _broken.clear()


def resolve(reference: str) -> Any:
    """Import the object of a reference `module:attribute`.

    Raises:
        ImportError: The module or the attribute does not exist.
    """
    module, _, attribute = reference.partition(":")
    found: Any = import_module(module)
    try:
        for part in attribute.split("."):
            found = getattr(found, part)
    except AttributeError as error:
        raise ImportError(f"{reference!r} cannot be imported: {error}") from error
    return found


def _check_free(group: str, name: str, taken: Mapping[str, object]) -> None:
    if name in taken:
        raise ValueError(f"{group} already has an entry named {name!r}; an entry point needs a name of its own")


def _record(group: str, name: str, distribution: str, error: BaseException) -> None:
    if any((item.group, item.name, item.distribution) == (group, name, distribution) for item in _broken):
        return
    try:
        text = "".join(traceback.format_exception(error))
    except Exception:  # the __str__ of a foreign error may fail
        text = f"{type(error).__name__} (its message cannot be shown)"
    failed = BrokenPlugin(group, name, distribution, text)
    _broken.append(failed)
    _log.warning("the plug-in %s (%s) does not work: %s", name, distribution or group, visible(failed.error))
    _log.debug("%s", text)


def _entry_points(group: str) -> Iterator[tuple[str, str, metadata.EntryPoint]]:
    """Yield the entry points of a group with their distributions, by name; the first of two installations counts.

    `metadata.entry_points` reads all distributions at once, and fails if one of them has a broken file.
    """
    if os.environ.get("LATENTWALK_PLUGINS", "1") == "0":
        return
    found: list[tuple[str, str, metadata.EntryPoint]] = []
    seen: set[str] = set()
    for distribution in _distributions():
        text, name = "", ""
        try:
            text = distribution.read_text("entry_points.txt") or ""
            if group not in text:
                continue
            name = distribution.metadata["Name"] or "unnamed"
            if name.lower().replace("_", "-") in seen:
                continue
            seen.add(name.lower().replace("_", "-"))
            title = f"{name} {distribution.version}"
            found += [(entry.name, title, entry) for entry in distribution.entry_points if entry.group == group]
        except Exception as error:  # broken metadata of a distribution may raise anything
            if group in text:
                _record(group, "entry_points.txt", name, error)
    yield from sorted(found, key=lambda item: item[:2])


def _distributions() -> list[metadata.Distribution]:
    try:
        return list(metadata.distributions())
    except Exception:  # a broken folder on the path: continue without plug-ins
        _log.exception("the installed packages cannot be listed")
        return []
