"""Settings stored between runs: window, panels, theme, recent files. Tests use a separate folder.

The file is JSON of strings, numbers, lists of strings, and bytes as `{"base64": ...}`. Its content is treated as
data: the INI file of earlier versions, whose values Qt could unpickle, is read once by a parser of our own.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QCoreApplication, QLockFile, QTimer

from explorer.errors import LatentwalkError
from explorer.util.atomic_write import atomic_write_bytes
from explorer.util.plain_text import visible
from explorer.util.qt_ini import read_ini
from explorer.util.regular_file import read_regular

__all__ = ["RECENT_LIMIT", "Settings"]

RECENT_LIMIT = 12
MAX_BYTES = 1 << 20
_LOCK_WAIT_MS = 500

Value = str | bool | float | list[str] | bytes


class Settings:
    """Typed access to the settings; GUI thread only. Neither reading nor writing raises.

    Args:
        path: A file to use instead of the user's settings (also from `LATENTWALK_SETTINGS`). If it does not end in
            .json, it is an INI file of an earlier version, and the settings are the .json file beside it.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        path = path or os.environ.get("LATENTWALK_SETTINGS")
        old = Path(os.path.abspath(path)) if path else _config_folder() / "Latentwalk" / "Latentwalk.ini"
        self._file, self._old = old.with_suffix(".json"), old
        self._problems: list[LatentwalkError] = []
        self._report: Callable[[LatentwalkError], object] | None = None
        self._may_write = True
        self._timer: QTimer | None = None  # created with the first change, when the application exists
        self._has_failed = False
        self._changed: dict[str, Value] = {}
        self._added: list[str] = []  # recent files, newest first
        self._values = self._read_first()

    @property
    def folder(self) -> Path:
        """Folder of the settings; autosave uses it, too."""
        return self._file.parent

    def report_problems(self, report: Callable[[LatentwalkError], object]) -> None:
        """Call `report` with all problems so far, and with later ones; each kind once."""
        self._report = report
        waiting, self._problems = self._problems, []
        for problem in waiting:
            report(problem)

    # values ----------------------------------------------------------------------------------------------

    def text(self, key: str, default: str = "") -> str:
        """Return a string."""
        value = self._values.get(key)
        return value if isinstance(value, str) else default

    def flag(self, key: str, default: bool = False) -> bool:
        """Return a boolean."""
        value = self._values.get(key)
        if isinstance(value, str):  # as stored in the INI file
            return value.lower() == "true"
        return value if isinstance(value, bool) else default

    def strings(self, key: str) -> list[str]:
        """Return a list of strings."""
        value = self._values.get(key)
        if isinstance(value, str):  # an INI file returns a list of one item as the item
            return [value] if value else []
        return list(value) if isinstance(value, list) else []

    def blob(self, key: str) -> QByteArray:
        """Return bytes written by Qt, such as a geometry."""
        value = self._values.get(key)
        return QByteArray(value) if isinstance(value, bytes) else QByteArray()

    def set(self, key: str, value: str | bool | list[str] | QByteArray) -> None:
        """Store a value; it is written after the current event has been handled."""
        stored: Value = bytes(value.data()) if isinstance(value, QByteArray) else value
        self._values[key] = self._changed[key] = stored
        self._write_soon()

    def recent(self) -> list[str]:
        """Return the recent files that still exist, newest first."""
        return [path for path in self.strings("recent") if os.path.exists(path)]

    def add_recent(self, path: str) -> None:
        """Add a file at the top of the recent files."""
        path = os.path.realpath(path)
        self._added = [path, *(other for other in self._added if other != path)][:RECENT_LIMIT]
        self._values["recent"] = _merged(self._added, self.strings("recent"))
        self._write_soon()

    # the file --------------------------------------------------------------------------------------------

    def sync(self) -> None:
        """Write changed values now, merged with what another program may have written meanwhile."""
        if self._timer is not None:
            self._timer.stop()
        if not (self._changed or self._added) or not self._may_write:
            return
        file = Path(os.path.realpath(self._file))  # keep a symbolic link
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = QLockFile(f"{file}.lock")
            lock.tryLock(_LOCK_WAIT_MS)  # without the lock, a change may be lost, nothing more
            try:
                self._merge()
                if self._may_write:
                    atomic_write_bytes(file, _to_json(self._values))
                    self._changed, self._added = {}, []
            finally:
                lock.unlock()
        except OSError as error:
            if not self._has_failed:  # reported once, retried with each change
                self._problem(
                    f"The settings cannot be written to {visible(str(file))}: {error.strerror or error}.",
                    "Until that is fixed, changes to them last only until the window is closed.",
                )
            self._has_failed = True

    def _write_soon(self) -> None:
        if QCoreApplication.instance() is None:
            self.sync()
        else:
            if self._timer is None:
                self._timer = QTimer(singleShot=True, interval=0)
                self._timer.timeout.connect(self.sync)
            self._timer.start()

    def _merge(self) -> None:
        """Update values from disk, except those changed here."""
        now = self._read() if os.path.lexists(self._file) else None
        if now is None:
            return
        recent = now.get("recent")
        self._values = now | self._changed
        self._values["recent"] = _merged(self._added, recent if isinstance(recent, list) else [])

    def _read_first(self) -> dict[str, Value]:
        """Return the settings, or those of the INI file if there are none yet."""
        values = self._read() if os.path.lexists(self._file) else None
        if values is not None:
            return values
        try:
            text = read_regular(self._old, MAX_BYTES).decode("utf-8", "replace") if self._old != self._file else ""
        except OSError:
            return {}
        values = dict(read_ini(text))
        self._changed = dict(values)  # written with the first change
        return values

    def _read(self) -> dict[str, Value] | None:
        """Return the file's values; rename a damaged file and return None."""
        try:
            return _from_json(read_regular(self._file, MAX_BYTES))
        except FileNotFoundError:  # a dangling link
            return None
        except PermissionError:
            self._may_write = False
            message = f"The settings in {visible(str(self._file))} cannot be read: permission denied."
            self._problem(message, "Latentwalk uses the defaults.")
            return None
        except (OSError, ValueError, RecursionError):
            self._set_aside()
            return None

    def _set_aside(self) -> None:
        aside = self._file.with_name(f"{self._file.name}.damaged")
        try:
            os.replace(self._file, aside)
            hint = f"They were renamed to {visible(aside.name)}; Latentwalk uses the defaults."
        except OSError:
            self._may_write = False
            hint = "Latentwalk uses the defaults."
        self._problem(f"The settings in {visible(str(self._file))} are damaged.", hint)

    def _problem(self, message: str, hint: str) -> None:
        problem = LatentwalkError(message, hint)
        if self._report is not None:
            self._report(problem)
        else:
            self._problems.append(problem)


def _merged(first: list[str], others: list[str]) -> list[str]:
    return [*first, *(path for path in others if path not in first)][:RECENT_LIMIT]


def _to_json(values: dict[str, Value]) -> bytes:
    plain: dict[str, object] = {
        key: {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
        for key, value in values.items()
    }
    return (json.dumps(plain, indent=1, sort_keys=True) + "\n").encode()


def _from_json(data: bytes) -> dict[str, Value]:
    """Return the valid values of a settings file; others are dropped.

    Raises:
        ValueError: The data is not JSON, or not an object.
        RecursionError: The data is nested too deeply.
    """
    found = json.loads(data)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    values = {key: _from_plain(value) for key, value in found.items()}
    return {key: value for key, value in values.items() if value is not None}


def _from_plain(value: Any) -> Value | None:
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    if isinstance(value, dict) and isinstance(value.get("base64"), str):
        with contextlib.suppress(binascii.Error, ValueError):
            return base64.b64decode(value["base64"], validate=True)
    return None


def _config_folder() -> Path:
    """Return the user's configuration folder, or a private temporary one if the user has no home."""
    home, named = os.path.expanduser("~"), os.environ.get("XDG_CONFIG_HOME", "")
    if os.name == "nt" and os.environ.get("APPDATA"):
        return Path(os.environ["APPDATA"])
    if os.path.isabs(named):
        return Path(named)
    if os.path.isabs(home):
        return Path(home, named or ".config")
    folder = Path(tempfile.gettempdir(), f"latentwalk-{os.getuid() if hasattr(os, 'getuid') else 'user'}")
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        about = os.lstat(folder)
        is_private = stat.S_ISDIR(about.st_mode) and not about.st_mode & 0o077
        if os.name == "nt" or (is_private and about.st_uid == os.getuid()):
            return folder
    return Path(tempfile.mkdtemp(prefix="latentwalk-"))  # another user owns a folder of that name
