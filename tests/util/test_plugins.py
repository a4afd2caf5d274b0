"""Plug-ins are found by their entry points, and whatever is wrong with one is recorded and hurts nothing else."""

from __future__ import annotations

import pytest

from explorer.util import plugins
from explorer.util.plugins import METRICS, BrokenPlugin, Plugin
from tests.plugins.site import PluginSite


def number(name: str, value: object) -> int:
    """Accept whole numbers."""
    if not isinstance(value, int):
        raise TypeError(f"{name} is a {type(value).__name__}, not a number")
    return value


def test_what_a_plug_in_provides_is_loaded_once_and_by_name(plugin_site: PluginSite) -> None:
    plugin_site.install(
        "lw_good", "ONE, TWO = 1, 2", "[latentwalk.metrics]\none = lw_good:ONE\ntwo = lw_good:TWO\n"
    )
    assert plugins.loaded() == (), "nothing is loaded before it is needed"
    assert plugins.load(METRICS, number) == {"one": 1, "two": 2}
    assert plugins.load(METRICS, number) == {"one": 1, "two": 2}
    assert plugins.loaded() == (Plugin(METRICS, "one", "lw_good 1.0"), Plugin(METRICS, "two", "lw_good 1.0"))
    assert plugins.load(plugins.EDITS, number) == {}
    assert plugins.broken() == ()


@pytest.mark.parametrize(
    ("code", "reference", "error"),
    [
        ("import a_package_that_is_not_there", ":X", "ModuleNotFoundError"),
        ("raise RuntimeError('of its own')", ":X", "RuntimeError: of its own"),
        ("import sys; sys.exit(3)", ":X", "SystemExit: 3"),
        ("class Odd(BaseException): pass\nraise Odd", ":X", "Odd"),
        ("class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd", ":X", "Odd"),
        ("this is no Python", ":X", "SyntaxError"),
        ("Y = 1", ":X", "AttributeError"),
        ("X = 'text'", ":X", "TypeError: bad is a str, not a number"),
        ("X = 1", " : : X", "Error"),
        ("X = 1", "", "TypeError: bad is a module, not a number"),
    ],
)
def test_a_plug_in_that_fails_is_named_with_its_traceback_and_hurts_no_other(
    plugin_site: PluginSite, code: str, reference: str, error: str
) -> None:
    plugin_site.install("lw_bad", code, f"[latentwalk.metrics]\nbad = lw_bad{reference}\n")
    plugin_site.install("lw_good", "X = 1", "[latentwalk.metrics]\ngood = lw_good:X\n")
    assert plugins.load(METRICS, number) == {"good": 1}
    (found,) = plugins.broken()
    assert (found.group, found.name, found.distribution) == (METRICS, "bad", "lw_bad 1.0")
    assert error in found.error


def test_metadata_that_cannot_be_read_hurt_no_other(plugin_site: PluginSite) -> None:
    plugin_site.install("lw_broken", "", "[latentwalk.metrics]\nno equals sign\n")
    plugin_site.install("lw_nameless", "X = 2", "[latentwalk.metrics]\nother = lw_nameless:X\n", metadata="\n")
    plugin_site.install("lw_good", "X = 1", "[latentwalk.metrics]\ngood = lw_good:X\n")
    found = plugins.load(METRICS, number)
    assert found["good"] == 1
    assert "lw_broken" in [item.distribution for item in plugins.broken()]


def test_names_are_unique_and_built_in_ones_cannot_be_replaced(plugin_site: PluginSite) -> None:
    plugin_site.install("lw_a", "X = 1", "[latentwalk.metrics]\nmine = lw_a:X\nbuilt-in = lw_a:X\n")
    plugin_site.install("lw_b", "X = 2", "[latentwalk.metrics]\nmine = lw_b:X\n")
    assert plugins.load(METRICS, number, {"built-in": 0}) == {"mine": 1}
    assert [(item.name, item.distribution) for item in plugins.broken()] == [
        ("built-in", "lw_a 1.0"),
        ("mine", "lw_b 1.0"),
    ]


def test_a_plug_in_may_ask_for_its_own_group_while_it_is_imported(plugin_site: PluginSite) -> None:
    plugin_site.install(
        "lw_asks",
        """
        from explorer.util import plugins
        SEEN = len(plugins.load("latentwalk.metrics", int))
        """,
        "[latentwalk.metrics]\nasks = lw_asks:SEEN\n",
    )
    assert plugins.load(METRICS, number) == {"asks": 0}


def test_a_failure_in_use_is_recorded_once(plugin_site: PluginSite) -> None:
    plugin_site.install("lw_good", "X = 1", "[latentwalk.metrics]\ngood = lw_good:X\n")
    plugins.load(METRICS, number)
    for _ in range(2):
        plugins.report(METRICS, "good", ValueError("later"))
    assert plugins.broken() == (BrokenPlugin(METRICS, "good", "lw_good 1.0", "ValueError: later\n"),)


def test_they_can_be_switched_off(plugin_site: PluginSite, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin_site.install("lw_good", "X = 1", "[latentwalk.metrics]\ngood = lw_good:X\n")
    monkeypatch.setenv("LATENTWALK_PLUGINS", "0")
    assert plugins.load(METRICS, number) == {}


def test_references_name_what_is_missing() -> None:
    assert plugins.resolve("explorer.util.plugins:Plugin") is Plugin
    with pytest.raises(ImportError, match=r"explorer\.util\.plugins:nothing"):
        plugins.resolve("explorer.util.plugins:nothing")
    with pytest.raises(ImportError):
        plugins.resolve("explorer.util.no_such_module:x")
