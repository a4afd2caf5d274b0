"""Families of plug-ins: their names, and what is told when one fails in use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from explorer.errors import MismatchError, UnsupportedModelError
from explorer.generators import registry
from explorer.util import plugins
from tests.plugins.site import PluginSite

CODE = """
from dataclasses import dataclass
from explorer.generators.family import Family

@dataclass(frozen=True)
class Config:
    size: int = 4

def build(config):
    if config.size == 1:
        raise AttributeError("of its own")
    return "no generator"

GONE = Family("gone", "Gone", "lw_family:Config", "lw_family:there_is_none")
FAILS = Family("fails", "Fails", "lw_family:Config", "lw_family:build")
OTHER = Family("another-name", "Other", "lw_family:Config", "lw_family:build")
STYLEGAN2 = Family("stylegan2", "Mine", "lw_family:Config", "lw_family:build")
"""


@pytest.fixture
def families(plugin_site: PluginSite) -> None:
    names = {"gone": "GONE", "fails": "FAILS", "other": "OTHER", "stylegan2": "STYLEGAN2"}
    entries = [f"{name} = lw_family:{value}" for name, value in names.items()]
    plugin_site.install("lw_family", CODE, "\n".join(["[latentwalk.families]", *entries, ""]))


@pytest.mark.usefixtures("families")
def test_names_are_those_of_the_entry_points_and_built_in_ones_stay() -> None:
    assert {"gone", "fails"} <= registry.families().keys()
    assert "other" not in registry.families()
    assert registry.family("stylegan2").title == "StyleGAN2"
    assert {item.name for item in plugins.broken()} == {"other", "stylegan2"}


@pytest.mark.usefixtures("families")
@pytest.mark.parametrize(
    ("family", "config", "message"),
    [
        ("gone", {}, "ImportError: .*there_is_none"),
        ("fails", {}, "TypeError: .* returned a str, not a Generator"),
        ("fails", {"size": 1}, "AttributeError: of its own"),
    ],
)
def test_a_plug_in_that_fails_in_use_is_named_and_recorded(
    family: str, config: dict[str, int], message: str
) -> None:
    with pytest.raises(UnsupportedModelError, match=message) as caught:
        registry.build(family, config)
    assert "doctor" in caught.value.hint
    assert family in {item.name for item in plugins.broken()}
    with pytest.raises(MismatchError, match="wings"):
        registry.build(family if family == "fails" else "stylegan2", {"wings": 1})


def test_descriptors_are_available_without_torch() -> None:
    script = (
        "import sys; from explorer.generators.registry import described;"
        "print(described('stylegan2').title, [name for name in sys.modules if name == 'torch'])"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["StyleGAN2", "[]"]


def test_the_families_of_tests_are_hidden_from_users() -> None:
    script = "from explorer.generators.registry import families; print(*families())"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    assert told.stdout.split() == [
        "stylegan2", "stylegan", "stylegan3-t", "stylegan3-r", "starganv2", "mobilestylegan",
    ]  # fmt: skip
