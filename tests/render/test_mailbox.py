"""The mailbox: latest look wins, tasks are all done, refinements and idle tasks never displace a look."""

from __future__ import annotations

import threading

import pytest

from explorer.render.mailbox import MAX_IDLE_TASKS, Mailbox, Task, Ticket


def take(box: Mailbox[str]) -> str:
    """What is taken, as text."""
    item = box.take(0.0)
    if isinstance(item, Ticket):
        return f"{'refine' if item.is_refinement else 'look'} {item.view} {item.generation} {item.request}"
    return item.name if isinstance(item, Task) else "nothing"


def nop() -> None:
    return None


def test_an_empty_mailbox_gives_nothing() -> None:
    assert take(Mailbox()) == "nothing"


def test_the_latest_look_of_a_view_wins() -> None:
    box: Mailbox[str] = Mailbox()
    assert [box.put(0, text) for text in "abc"] == [1, 2, 3]
    item = box.take(0.0)
    assert item == Ticket(0, 3, "c", False, 2)
    assert take(box) == "nothing"


def test_views_have_slots_of_their_own_and_keep_their_turn() -> None:
    box: Mailbox[str] = Mailbox()
    box.put(1, "a")
    box.put(0, "b")
    box.put(1, "c")  # view 1 waited first, and still does
    assert [take(box), take(box)] == ["look 1 2 c", "look 0 1 b"]


def test_generations_can_be_given() -> None:
    box: Mailbox[str] = Mailbox()
    assert box.put(0, "a", 7) == 7
    assert box.put(0, "b") == 8


def test_tasks_come_first_and_are_all_done_in_order() -> None:
    box: Mailbox[str] = Mailbox()
    box.put(0, "a")
    for name in ("one", "two"):
        box.put_task(Task(nop, name))
    assert [take(box) for _ in range(4)] == ["one", "two", "look 0 1 a", "nothing"]


def test_refinements_wait_for_requests_and_idle_tasks_for_both() -> None:
    box: Mailbox[str] = Mailbox()
    box.put_idle_task(Task(nop, "idle task"))
    box.put(0, "a")
    draft = box.take(0.0)
    assert isinstance(draft, Ticket)
    box.put_refinement(draft)
    box.put(1, "b")
    assert [take(box) for _ in range(4)] == ["look 1 1 b", "refine 0 1 a", "idle task", "nothing"]


def test_idle_tasks_of_one_name_are_done_once_and_interrupted_ones_go_on_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    box: Mailbox[str] = Mailbox()
    done: list[str] = []
    for name, mark in (("a", "old"), ("b", "b"), ("a", "new")):
        box.put_idle_task(Task(lambda mark=mark: done.append(mark), name))  # type: ignore[misc]
    box.put_idle_task(Task(lambda: done.append("c"), "c"), is_unfinished=True)
    box.put_idle_task(Task(lambda: done.append("stale"), "b"), is_unfinished=True)  # a newer b waits
    while isinstance(item := box.take(0.0), Task):
        item.run()
    assert done == ["c", "new", "b"], "the newer b keeps its place"
    monkeypatch.setattr("explorer.render.mailbox.MAX_IDLE_TASKS", 2)
    for name in "abc":
        box.put_idle_task(Task(nop, name))
    assert [take(box) for _ in range(3)] == ["b", "c", "nothing"]


def test_a_full_mailbox_forgets_those_that_waited_longest_but_never_the_one_that_is_put() -> None:
    box: Mailbox[str] = Mailbox()
    for i in range(MAX_IDLE_TASKS):
        box.put_idle_task(Task(nop, f"{i}"))
    box.put_idle_task(Task(nop, "interrupted"), is_unfinished=True)
    assert take(box) == "interrupted"
    assert take(box) == "1", "0 had waited longest"
    box.put_idle_task(Task(nop, "last"))
    rest = [take(box) for _ in range(MAX_IDLE_TASKS)]
    assert (rest[0], rest[-2], rest[-1]) == ("2", "last", "nothing")


def test_a_newer_look_removes_the_refinement() -> None:
    box: Mailbox[str] = Mailbox()
    box.put(0, "a")
    draft = box.take(0.0)
    assert isinstance(draft, Ticket)
    box.put_refinement(draft)
    box.put(0, "b")
    box.put_refinement(draft)  # too late
    assert [take(box), take(box)] == ["look 0 2 b", "nothing"]


def test_superseded_tells_whether_a_newer_look_came() -> None:
    box: Mailbox[str] = Mailbox()
    assert not box.superseded(0, 1)
    box.put(0, "a")
    assert not box.superseded(0, 1)
    box.put(1, "b")
    assert not box.superseded(0, 1)
    box.put(0, "c")
    assert box.superseded(0, 1)


def test_urgency_counts_requests_and_tasks_but_not_idle_tasks() -> None:
    box: Mailbox[str] = Mailbox()
    box.put_idle_task(Task(nop, "idle task"))
    assert not box.has_urgent
    box.put(0, "a")
    assert box.has_urgent
    box.take(0.0)
    box.put_task(Task(nop, "task"))
    assert box.has_urgent


def test_forgetting_a_view_drops_what_waits_and_makes_stale_what_runs() -> None:
    box: Mailbox[str] = Mailbox()
    box.put(0, "a")
    box.put(0, "b")
    box.forget(0)
    assert take(box) == "nothing"
    assert box.superseded(0, 2)
    assert box.put(0, "c") == 4


def test_close_drops_everything_and_wakes_who_waits() -> None:
    box: Mailbox[str] = Mailbox()
    taken: list[object] = []
    waiter = threading.Thread(target=lambda: taken.append(box.take(None)))
    waiter.start()
    box.close()
    waiter.join(10)
    assert taken == [None]
    assert box.is_closed
    assert box.superseded(0, 0)
    assert box.has_urgent
    box.put(0, "late")
    assert take(box) == "nothing"


def test_a_waiting_thread_gets_what_is_put() -> None:
    box: Mailbox[str] = Mailbox()
    taken: list[object] = []
    waiter = threading.Thread(target=lambda: taken.append(box.take(10.0)))
    waiter.start()
    box.put(3, "a")
    waiter.join(10)
    assert taken == [Ticket(3, 1, "a")]


@pytest.mark.parametrize("writers", [4])
def test_concurrent_puts_lose_nothing_but_older_looks(writers: int) -> None:
    box: Mailbox[str] = Mailbox()
    seen: list[int] = []

    def read() -> None:
        while isinstance(item := box.take(10.0), Ticket):
            seen.append(item.generation)
            if item.request == "end":
                return

    reader = threading.Thread(target=read)
    reader.start()
    threads = [threading.Thread(target=lambda: [box.put(0, "look") for _ in range(200)]) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    last = box.put(0, "end")
    reader.join(10)
    assert last == 200 * writers + 1
    assert seen == sorted(set(seen))
    assert seen[-1] == last
