"""Kinds of edits of other packages: found by entry points, refused where wrong, told where they fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.edits.registry import KINDS, describe, kinds, resolve_edits
from explorer.errors import RequestError
from explorer.state import Edit, UnknownEdit
from explorer.state.codec import decode, encode
from explorer.testing.tiny import TinyConfig, TinyGenerator
from explorer.util import plugins
from tests.plugins.site import PluginSite, plugin_site_in

CODE = """
    from dataclasses import dataclass
    from typing import ClassVar
    from explorer.edits import EditKind, EditValue, Placed

    @dataclass(frozen=True)
    class Twist(EditValue):
        kind: ClassVar[str] = "twist"
        by: float = 1.0

    class TwistKind(EditKind):
        name, title, stage, value = "twist", "Twist", "ws", Twist
        def resolve(self, value, info, assets):
            return Placed(repr(value.by).encode(), 1.0 / value.by)
        def apply(self, target, edit, layer):
            return target * edit.data * edit.strength
        def describe(self, value):
            return "Twist by " + {1.0: "one", 2.0: "two"}[value.by]

    class Nudge(TwistKind):
        name = "nudge"

    LIST = [1]
"""
INFO = TinyGenerator(TinyConfig()).info


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PluginSite]:
    with plugin_site_in(tmp_path, monkeypatch) as found:
        yield found


def test_a_kind_of_another_package_is_one_of_ours(site: PluginSite) -> None:
    data = {"value": {"kind": "twist", "by": 2.0}, "strength": 0.5}
    assert isinstance(decode(Edit, data).value, UnknownEdit)
    site.install("twisted", CODE, "[latentwalk.edits]\ntwist = twisted:TwistKind\n")
    plugins.forget()
    edit = decode(Edit, data)
    assert encode(edit) == data
    assert describe(edit) == "Twist by two"
    (resolved,) = resolve_edits((edit,), INFO)
    assert resolved.apply(8.0) == 2.0


def test_its_faults_are_recorded_and_explained(site: PluginSite) -> None:
    site.install("twisted", CODE, "[latentwalk.edits]\ntwist = twisted:TwistKind\n")
    edit = decode(Edit, {"value": {"kind": "twist", "by": 0.0}})
    assert describe(edit) == "Twist"
    with pytest.raises(RequestError, match="The plug-in of the edit Twist does not work: ZeroDivisionError"):
        resolve_edits((edit,), INFO)
    assert [item.name for item in plugins.broken()] == ["twist"]


@pytest.mark.parametrize("entry", ["twist = twisted:Nudge", "nudge = twisted:Nudge", "other = twisted:TwistKind",
                                   "twist = twisted:LIST", "twist = twisted:Nothing"])  # fmt: skip
def test_what_is_not_a_kind_is_named_and_stops_nothing(site: PluginSite, entry: str) -> None:
    site.install("twisted", CODE, f"[latentwalk.edits]\n{entry}\n")
    assert set(kinds()) == {kind.name for kind in KINDS}
    assert len(plugins.broken()) == 1
