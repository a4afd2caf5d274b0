"""What is required is used, and no version with a hole that this program would open is allowed."""

from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
REQUIRED = {
    requirement.name.lower(): requirement
    for requirement in map(Requirement, [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]])
}
MODULES = {"pillow": "PIL", "pyside6-essentials": "PySide6", "scikit-learn": "sklearn"}
NOT_IMPORTED = {
    "ninja": "torch calls it to compile the extension of training",
    "setuptools": "of the build, and of torch's C++ extensions",
}


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        # CVE-2023-4863 (libwebp), CVE-2024-28219, CVE-2025-48379, CVE-2026-25990, CVE-2026-59197
        ("pillow", ["10.0.0", "10.2.0", "11.2.1", "12.1.0", "12.2.0"]),
        ("setuptools", ["69.0", "78.1.0"]),  # CVE-2025-47273
        ("av", ["12.0.0", "16.0.1", "17.0.1"]),  # FFmpeg below 8.1.1
        ("torch", ["2.5.1"]),  # CVE-2025-32434: weights_only=True ran code
    ],
)
def test_versions_with_known_holes_are_excluded(name: str, bad: list[str]) -> None:
    assert not [version for version in bad if version in REQUIRED[name].specifier]


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_what_is_required_is_installed_and_used(name: str) -> None:
    assert importlib.metadata.version(name).partition("+")[0] in REQUIRED[name].specifier
    if name in NOT_IMPORTED:
        return
    module = MODULES.get(name, name)
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "explorer").rglob("*.py"))
    assert any(f"import {module}" in text or f"from {module}" in text for text in sources)
