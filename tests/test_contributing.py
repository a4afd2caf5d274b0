"""CONTRIBUTING names what there is: every package, environment variable and marker."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_every_package_is_on_the_map() -> None:
    packages = {path.parent.name for path in (ROOT / "explorer").glob("*/__init__.py")}
    assert {name for name in packages if f"`{name}/`" not in TEXT} == set()


def test_every_variable_is_explained() -> None:
    used: set[str] = set()
    for folder in ("explorer", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            found = re.findall(r"environ\S*?[\[(]\s*\"(LATENTWALK_\w+)\"", path.read_text(encoding="utf-8"))
            used.update(found)
    explained = set(re.findall(r"^\| `(LATENTWALK_\w+)` \|", TEXT, re.MULTILINE))
    assert len(used) >= 8
    assert explained == used


def test_every_marker_is_mentioned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    markers = [line.partition(":")[0] for line in project["tool"]["pytest"]["ini_options"]["markers"]]
    assert [name for name in markers if name not in TEXT] == []


def test_every_file_that_is_named_is_there() -> None:
    named = set(re.findall(r"`((?:explorer|tests|benchmarks)/\w+/[\w/.]+?\.(?:py|md))`", TEXT))
    assert len(named) > 20
    templates = {name for name in named if re.search(r"[A-Z]{2}", name)}
    assert {name for name in named - templates if not (ROOT / name).is_file()} == set()
