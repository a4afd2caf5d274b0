"""What the program remembers between runs: geometry, recent files, device, theme. Not part of any project."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_data_dir
from PySide6.QtCore import QByteArray, QSettings

__all__ = ["RECENT_LIMIT", "Settings"]

RECENT_LIMIT = 12


class Settings:
    """Typed access to the remembered values. GUI thread only.

    Args:
        file: An .ini file; tests pass one of their own. None takes the operating system's place.
        data: Folder for recovery files; None takes the operating system's place (beside `file` if that is given).
    """

    def __init__(self, file: str | Path | None = None, data: str | Path | None = None) -> None:
        if file is None:
            self._store = QSettings("Latentwalk", "Latentwalk")
            self.data_dir = Path(data) if data is not None else Path(user_data_dir("Latentwalk", appauthor=False))
        else:
            self._store = QSettings(str(file), QSettings.Format.IniFormat)
            self.data_dir = Path(data) if data is not None else Path(file).parent / "data"

    def text(self, key: str, default: str = "") -> str:
        """A remembered text."""
        value = self._store.value(key, default)
        return value if isinstance(value, str) else default

    def number(self, key: str, default: float = 0.0) -> float:
        """A remembered number."""
        value = self._store.value(key, default)
        try:
            return float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return default

    def flag(self, key: str, default: bool = False) -> bool:
        """A remembered yes or no."""
        value = self._store.value(key, default)
        return value if isinstance(value, bool) else str(value).lower() in ("true", "1")

    def blob(self, key: str) -> QByteArray:
        """Remembered bytes, such as a window's geometry; empty if there are none."""
        value = self._store.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()

    def set(self, key: str, value: str | float | bool | QByteArray) -> None:
        """Remembers a value."""
        self._store.setValue(key, value)

    def remove(self, key: str) -> None:
        """Forgets a value."""
        self._store.remove(key)

    def recent(self, kind: str) -> tuple[str, ...]:
        """Recent files of a kind ("models", "projects", "latents"), the latest first."""
        value = self._store.value(f"recent/{kind}", [])
        items = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return tuple(str(item) for item in items if item)

    def add_recent(self, kind: str, path: str | Path) -> None:
        """Puts a file at the head of its list."""
        items = [str(path), *(item for item in self.recent(kind) if item != str(path))]
        self._store.setValue(f"recent/{kind}", items[:RECENT_LIMIT])

    def drop_recent(self, kind: str, path: str | Path) -> None:
        """Takes a file off its list, because it is gone."""
        self._store.setValue(f"recent/{kind}", [item for item in self.recent(kind) if item != str(path)])

    def sync(self) -> None:
        """Writes to disk now."""
        self._store.sync()
