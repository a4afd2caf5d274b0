"""What the program remembers between runs: window, panels, theme, recent files. Tests use a folder of their own."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

__all__ = ["RECENT_LIMIT", "Settings"]

RECENT_LIMIT = 12


class Settings:
    """Typed access to QSettings. GUI thread only.

    Args:
        path: An INI file to use instead of the user's own settings (also from `LATENTWALK_SETTINGS`).
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        path = path or os.environ.get("LATENTWALK_SETTINGS")
        if path:
            self._store = QSettings(str(path), QSettings.Format.IniFormat)
        else:
            self._store = QSettings(
                QSettings.Format.IniFormat, QSettings.Scope.UserScope, "Latentwalk", "Latentwalk"
            )

    @property
    def folder(self) -> Path:
        """Where the settings lie; the autosave goes beside them."""
        return Path(self._store.fileName()).parent

    def text(self, key: str, default: str = "") -> str:
        """A string."""
        return str(self._store.value(key, default))

    def flag(self, key: str, default: bool = False) -> bool:
        """A yes or no."""
        return self.text(key, "true" if default else "false").lower() == "true"

    def strings(self, key: str) -> list[str]:
        """A list of strings."""
        value = self._store.value(key, [])
        if isinstance(value, str):  # INI files give a list of one back as its item
            return [value] if value else []
        return [str(item) for item in value] if isinstance(value, list) else []

    def blob(self, key: str) -> QByteArray:
        """Bytes that Qt wrote, such as a geometry."""
        value = self._store.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()

    def set(self, key: str, value: str | bool | list[str] | QByteArray) -> None:
        """Remember a value."""
        self._store.setValue(key, ("true" if value else "false") if isinstance(value, bool) else value)

    def recent(self) -> list[str]:
        """Recent files, newest first; those that are gone are left out."""
        return [path for path in self.strings("recent") if Path(path).exists()]

    def add_recent(self, path: str) -> None:
        """Put a file first among the recent ones."""
        path = str(Path(path).resolve())
        others = [other for other in self.strings("recent") if other != path]
        self.set("recent", [path, *others][:RECENT_LIMIT])

    def sync(self) -> None:
        """Write to disk now."""
        self._store.sync()
