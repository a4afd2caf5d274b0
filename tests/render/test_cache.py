"""The stage cache: one value for a place, never above the budget, and the right one given up."""

from __future__ import annotations

import random

from explorer.render.cache import SMALL_BYTES, StageCache

BIG = 4 * SMALL_BYTES


def test_a_value_is_found_under_its_key_only() -> None:
    cache: StageCache[str] = StageCache(100)
    cache.put("a", b"1", "one", 10)
    assert cache.get("a", b"1") == "one"
    assert cache.get("a", b"2") is None
    assert cache.get("b", b"1") is None
    assert (cache.hits, cache.misses) == (1, 2)
    assert cache.has("a", b"1")
    assert not cache.has("a", b"2")
    assert not cache.has("b", b"1")
    assert (cache.hits, cache.misses) == (1, 2)


def test_a_place_keeps_one_value() -> None:
    cache: StageCache[str] = StageCache(100)
    cache.put("a", b"1", "one", 10)
    cache.put("a", b"2", "two", 30)
    assert cache.nbytes == 30
    assert len(cache) == 1
    assert cache.get("a", b"1") is None


def test_what_is_larger_than_the_budget_is_not_kept() -> None:
    cache: StageCache[str] = StageCache(100)
    cache.put("a", b"1", "one", 10)
    cache.put("a", b"2", "huge", 101)
    assert len(cache) == 0
    assert cache.nbytes == 0


def test_the_least_recently_used_goes_first() -> None:
    cache: StageCache[str] = StageCache(30)
    for place in "abc":
        cache.put(place, b"k", place, 10)
    cache.get("a", b"k")
    cache.put("d", b"k", "d", 10)
    assert [cache.has(place, b"k") for place in "abcd"] == [True, False, True, True]


def test_small_values_stay_longer_than_large_ones() -> None:
    cache: StageCache[str] = StageCache(2 * BIG)
    cache.put("small", b"k", "s", SMALL_BYTES)
    for place in "abc":
        cache.put(place, b"k", place, BIG // 2 + 1)
    cache.put("d", b"k", "d", BIG)
    assert cache.has("small", b"k")
    assert cache.nbytes <= 2 * BIG


def test_what_the_stroke_resumes_from_goes_last() -> None:
    cache: StageCache[str] = StageCache(3 * BIG)
    cache.put("wanted", b"k", "w", BIG, is_wanted=True)
    for place in "abcd":
        cache.put(place, b"k", place, BIG)
    assert cache.has("wanted", b"k")
    cache.want("wanted", False)
    cache.want("missing", True)
    for place in "ef":
        cache.put(place, b"k", place, BIG)
    assert not cache.has("wanted", b"k")


def test_dropping() -> None:
    cache: StageCache[str] = StageCache(100)
    cache.put(("v", 1), b"k", "a", 1)
    cache.put(("v", 2), b"k", "b", 2)
    cache.put(("w", 1), b"k", "c", 4)
    cache.put("plain", b"k", "d", 8)
    cache.drop_where("v")
    assert cache.nbytes == 12
    cache.drop("plain")
    cache.drop("plain")
    assert cache.nbytes == 4
    cache.clear()
    assert (len(cache), cache.nbytes) == (0, 0)


def test_a_smaller_budget_evicts_at_once() -> None:
    cache: StageCache[str] = StageCache(100)
    for place in "abcd":
        cache.put(place, b"k", place, 25)
    cache.budget_bytes = 50
    assert cache.budget_bytes == 50
    assert cache.nbytes == 50
    assert cache.has("d", b"k")


def test_bytes_never_exceed_the_budget() -> None:
    rng = random.Random(0)
    cache: StageCache[int] = StageCache(10 * SMALL_BYTES)
    sizes: dict[int, int] = {}
    for i in range(2000):
        place = rng.randrange(30)
        cache.put(place, b"%d" % i, i, rng.randrange(4 * SMALL_BYTES), is_wanted=rng.random() < 0.1)
        sizes[place] = i
        assert 0 <= cache.nbytes <= cache.budget_bytes
