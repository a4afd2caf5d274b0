"""Everything is collected when nothing moves, and memory of closed models is handed back then."""

from __future__ import annotations

from explorer.util.housekeeping import FULL_AT_LAST, FULL_EVERY, Housekeeping


def test_at_rest_everything_is_collected_now_and_then() -> None:
    said: list[object] = []
    keeper = Housekeeping(lambda: said.append("back"), said.append)
    for _ in range(2 * FULL_EVERY):
        keeper.tick(at_rest=True, given_up=0)
    assert said == ([1] * (FULL_EVERY - 1) + [2]) * 2, "nothing was closed, so no memory is handed back"


def test_a_closed_model_is_collected_and_given_back_at_the_next_rest() -> None:
    said: list[object] = []
    keeper = Housekeeping(lambda: said.append("back"), said.append)
    keeper.tick(at_rest=False, given_up=1)
    for _ in range(3):
        keeper.tick(at_rest=True, given_up=1)
    assert said == [1, 2, "back", 2, "back", 1]


def test_pictures_that_never_rest_put_it_off_but_not_for_ever() -> None:
    said: list[object] = []
    keeper = Housekeeping(lambda: said.append("back"), said.append)
    for _ in range(FULL_AT_LAST + 1):
        keeper.tick(at_rest=False, given_up=1)
    assert said == [1] * (FULL_AT_LAST - 1) + [2, "back", 1]


def test_what_is_freed_in_pictures_is_given_back_now_and_then_at_rest_too() -> None:
    said: list[object] = []
    keeper = Housekeeping(lambda: said.append("back"), said.append)
    for _ in range(2 * FULL_AT_LAST):
        keeper.tick(at_rest=True, given_up=0)
    assert said.count("back") == 2
