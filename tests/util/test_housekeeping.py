"""Everything is collected when nothing moves, and memory of closed models is handed back then."""

from __future__ import annotations

from explorer.util.housekeeping import FULL_AT_LATEST_S, FULL_EVERY_S, Housekeeping


class Run:
    """Ticks a second apart, and what was done at each."""

    def __init__(self) -> None:
        self.done: list[object] = []
        self.now = 100.0
        self._keeper = Housekeeping(lambda: self.done.append("back"), self.done.append, lambda: self.now)

    def tick(self, count: int, *, at_rest: bool, given_up: int = 0, step: float = 1.0) -> None:
        for _ in range(count):
            self.now += step
            self._keeper.tick(at_rest=at_rest, given_up=given_up)


def test_at_rest_everything_is_collected_now_and_then() -> None:
    run, every = Run(), int(FULL_EVERY_S)
    run.tick(2 * every, at_rest=True)
    assert run.done == ([1] * (every - 1) + [2]) * 2, "nothing was closed, so no memory is handed back"


def test_a_closed_model_is_collected_and_given_back_at_the_next_rest() -> None:
    run = Run()
    run.tick(1, at_rest=False, given_up=1)
    run.tick(3, at_rest=True, given_up=1)
    assert run.done == [1, 2, "back", 2, "back", 1]


def test_pictures_that_never_rest_put_it_off_but_not_for_ever() -> None:
    run, latest = Run(), int(FULL_AT_LATEST_S)
    run.tick(latest + 1, at_rest=False, given_up=1)
    assert run.done == [1] * (latest - 1) + [2, "back", 1]


def test_what_is_freed_in_pictures_is_given_back_now_and_then_at_rest_too() -> None:
    run = Run()
    run.tick(2 * int(FULL_AT_LATEST_S), at_rest=True)
    assert run.done.count("back") == 2


def test_ticks_that_come_late_put_nothing_off() -> None:
    """On a busy machine a tick may take seconds; it is time that counts."""
    run = Run()
    run.tick(2, at_rest=False, step=FULL_AT_LATEST_S)
    assert run.done == [2, "back", 2, "back"]
