"""--on ray where Ray is not installed."""

from __future__ import annotations

import sys

import pytest

from explorer.cli import main


def test_ray_that_is_not_installed_is_explained(
    models: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(["measure", "eq-t", models["tiny"], "--samples", "2", "--on", "ray"]) == 2
    assert "pip install 'latentwalk[cluster]'" in capsys.readouterr().err
