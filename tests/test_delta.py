"""Rows of JSON values as what changes in them."""

from __future__ import annotations

import random
from typing import Any

import pytest

from explorer.errors import ProjectError
from explorer.project.delta import delta_decode, delta_encode

ROWS: list[list[Any]] = [
    [],
    [{"a": 1}],
    [{"a": 1, "b": 2}, {"a": 1}, {"a": 1, "b": 3}, {"a": 1, "b": 3}],
    [{"a": {"x": 0.5, "y": [1, 2]}}, {"a": {"x": 0.5, "y": [1, 3]}}, {"a": {}}, {}],
    [{"v": [{"m": "a"}, {}]}, {"v": [{}, {"m": "b"}]}, {"v": [{"m": "b"}]}, {"v": []}, {"v": [1, 2]}],
    [{"a": [{}]}, {"a": {"b": 1}}, {"a": 7}, {"a": [{}]}],
]


@pytest.mark.parametrize("row", ROWS)
def test_there_and_back(row: list[Any]) -> None:
    assert delta_decode(delta_encode(row)) == row


def random_value(rng: random.Random, depth: int) -> Any:
    kind = rng.randrange(5 if depth else 2)
    if kind < 2:
        return rng.choice([-1, 0, 2, "", "a"])
    if kind == 2:
        return [random_value(rng, depth - 1) for _ in range(rng.randrange(3))]
    if kind == 3:
        return [{"x": random_value(rng, depth - 1)} for _ in range(rng.randrange(3))]
    return {name: random_value(rng, depth - 1) for name in "xyz" if rng.random() < 0.5}


@pytest.mark.parametrize("seed", range(200))
def test_any_row_comes_back(seed: int) -> None:
    rng = random.Random(seed)
    row = [{"value": random_value(rng, 3)} for _ in range(8)]
    assert delta_decode(delta_encode(row)) == row


def test_what_does_not_change_is_written_once_and_shared() -> None:
    bars = {"values": list(range(512))}
    row = [{"time": t, "offsets": [bars]} for t in range(10)]
    thin = delta_encode(row)
    assert thin[1:] == [{"time": t} for t in range(1, 10)]
    thick = delta_decode(thin)
    assert all(item["offsets"] is thick[0]["offsets"] for item in thick)


@pytest.mark.parametrize(
    "row",
    [
        [{str(i): 0 for i in range(1000)}, *({"0": i} for i in range(20_000))],
        [{"a": [{}] * 1000}, *({"a": [{}] * 999 + [{"x": i}]} for i in range(10_000))],
    ],
)
def test_a_small_file_does_not_become_a_large_one(row: list[Any]) -> None:
    with pytest.raises(ProjectError):
        delta_decode(row)


def test_deep_changes_are_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(500):
        deep = {"a": deep, "b": 0}
    with pytest.raises(ProjectError):
        delta_decode([deep, deep])
