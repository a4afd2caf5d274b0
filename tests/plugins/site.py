"""Packages written by a test, installed by hand on the path of its own process."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from explorer.util import plugins

__all__ = ["PluginSite", "plugin_site_in"]


class PluginSite:
    """A folder on the path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, name: str, code: str, entries: str, metadata: str = "") -> None:
        """Write a module and the metadata of a distribution, both called `name`."""
        (self.folder / f"{name}.py").write_text(textwrap.dedent(code))
        info = self.folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(metadata or f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(textwrap.dedent(entries))


@contextmanager
def plugin_site_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PluginSite]:
    """A site whose packages, and what was loaded of them, are forgotten afterwards."""
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    plugins.forget()
    yield PluginSite(folder)
    plugins.forget()
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
            del sys.modules[name]
