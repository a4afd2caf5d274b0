"""Bends as text: the original program's items, in YAML and JSON, and what is wrong with others."""

from __future__ import annotations

import json

import pytest

from explorer.edits.bend_text import bends_of_text
from explorer.edits.channels import ChannelCluster, ChannelShare
from explorer.errors import ProjectError
from explorer.state import Bend, Edit
from explorer.testing.tiny import TinyConfig, TinyGenerator
from explorer.util.flat_yaml import parse_items

INFO = TinyGenerator(TinyConfig()).info
YAML = """\
# network bending
transforms:
  - layer: 1
    transform: "rotate"
    params: [45]
    features: "random"   # half of them
    feature-param: 0.5

  - transform: translate
    layer: 2
    params:
      - 0.25
      - -0.5
    features: all
  -
    layer: t3
    transform: binary-thresh
    params: 0.1
    features: 'cluster'
    feature-param: 1
  - layer: 0
    transform: scalar-multiply
    params: [3.0]
  - {}
"""
CLUSTERS = ((0, 1, 2), (5, 7))


def clusters(layer: str) -> tuple[tuple[int, ...], ...]:
    assert layer == "t3"
    return CLUSTERS


def test_items_of_yaml() -> None:
    text = YAML.replace("  - {}\n", "  - layer: 1\n    transform: ablate\n    params: []\n")
    assert bends_of_text(text, INFO, clusters) == (
        Edit(Bend("t1", "rotate", (45.0,), ChannelShare(0.5, 0))),
        Edit(Bend("t2", "translate", (0.25, -0.5))),
        Edit(Bend("t3", "threshold", (0.1,), ChannelCluster(1, CLUSTERS[1]))),
        Edit(Bend("t0", "multiply", (3.0,))),
        Edit(Bend("t1", "ablate")),
    )


def test_noise_has_a_seed_and_the_input_a_name() -> None:
    items: list[dict[str, object]] = [
        {"layer": "input", "transform": "noise", "seed": 12},
        {"layer": 0, "transform": "noise", "params": 2.0},
    ]
    wanted = (Edit(Bend("input", "noise", (0.5,), seed=12)), Edit(Bend("t0", "noise", (2.0,), seed=1)))
    assert bends_of_text(json.dumps(items), INFO, clusters) == wanted


def test_json_is_yaml() -> None:
    items = [
        {"layer": 1, "transform": "scale", "params": [0.5], "features": "all"},
        {"layer": "t2", "transform": "flip-h"},
    ]
    wanted = (Edit(Bend("t1", "scale", (0.5,))), Edit(Bend("t2", "flip-h")))
    for data in (items, {"transforms": items}):
        assert bends_of_text(json.dumps(data), INFO, clusters) == wanted
    assert bends_of_text(json.dumps(items[1]), INFO, clusters) == wanted[1:]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- layer: 1\n  transform: noise\n  seed: -1", "seed should be a whole number"),
        ("- layer: 1\n  transform: noise\n  seed: 0.5", "seed should be a whole number"),
        ("- layer: 1\n  transform: ablate\n  seed: 3", "ablate has no seed"),
        ("- layer: 1\n  transform: resize", "maps of one size only"),
        ("", "no list of 1 to 100"),
        ("some text", "line 1 is neither"),
        ("- layer: 1\n  rotate", "line 2 is neither"),
        ("[1, 2]", "should hold objects"),
        ("[" * 100_000, "no list of bends"),
        ('{"a": ', "no list of bends"),
        ("- layer: 1\n  transform: melt", "unknown transform melt"),
        ("- layer: 1\n  transform: [rotate]", "unknown transform"),
        ("- layer: 9\n  transform: rotate", "no layer 9"),
        ("- layer: rgb\n  transform: rotate", "no layer rgb"),
        ("- layer: -1\n  transform: rotate", "no layer -1"),
        ("- transform: rotate", "no layer None"),
        ("- layer: 1\n  transform: rotate\n  params: [1, 2]", "takes 1 params, not 2"),
        ("- layer: 1\n  transform: rotate\n  params: [left]", "should be a number, not left"),
        ("- layer: 1\n  transform: rotate\n  params: [nan]", "should be a number"),
        ("- layer: 1\n  transform: rotate\n  features: some", "all, random or cluster"),
        ("- layer: 1\n  transform: rotate\n  features: random", "feature-param should be a number"),
        ("- layer: 1\n  transform: rotate\n  features: random\n  feature-param: 2", "not within 0 to 1"),
        ("- layer: 3\n  transform: rotate\n  features: cluster\n  feature-param: 2", "no cluster 2, only 0 to 1"),
        ("- layer: 1\n  transform: rotate\n  speed: 2", "unknown key speed"),
        ("- layer: 1\n  transform: ablate\n" * 101, "no list of 1 to 100"),
    ],
)
def test_what_is_wrong_is_explained(text: str, message: str) -> None:
    with pytest.raises(ProjectError, match=message):
        bends_of_text(text, INFO, clusters)


def test_values_of_yaml() -> None:
    text = "---\n- a: 1\n  b: 1.5\n  c: x y\n  d: \"#1\"\n  e: '[1]'\n  f: [1, a, -2.5]\n  g:\n  - 1\n  - b\n"
    assert parse_items(text.replace('"#1"', '"1"')) == [
        {"a": 1, "b": 1.5, "c": "x y", "d": "1", "e": "[1]", "f": [1, "a", -2.5], "g": [1, "b"]}
    ]
