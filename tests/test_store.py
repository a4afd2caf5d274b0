"""The store: one undo entry for a gesture, transient changes without one, subscribers told of each change."""

from __future__ import annotations

from dataclasses import replace

from explorer.state import ExplorerState, Look, Truncation
from explorer.state.store import StateStore


def with_psi(state: ExplorerState, psi: float) -> ExplorerState:
    return replace(state, shared=replace(state.shared, truncation=Truncation(psi)))


def psi(store: StateStore) -> float:
    return store.state.shared.truncation.psi


def set_psi(store: StateStore, value: float, name: str = "psi") -> None:
    store.update(with_psi(store.state, value), name)


def test_it_begins_with_the_default_state_and_no_history() -> None:
    store = StateStore()
    assert store.state == ExplorerState()
    assert (store.can_undo, store.can_redo, store.undo_name, store.redo_name) == (False, False, "", "")
    store.undo()
    store.redo()
    store.commit()
    store.cancel()
    assert store.state == ExplorerState()


def test_each_update_is_a_named_step() -> None:
    store = StateStore()
    set_psi(store, 0.5, "half")
    set_psi(store, 0.2, "")
    assert (store.undo_name, store.can_undo) == ("Change", True)
    store.undo()
    assert (psi(store), store.undo_name, store.redo_name) == (0.5, "half", "Change")
    store.undo()
    assert (psi(store), store.can_undo) == (1.0, False)
    store.redo()
    store.redo()
    assert (psi(store), store.can_redo) == (0.2, False)


def test_an_update_that_changes_nothing_is_not_a_step() -> None:
    store = StateStore()
    seen: list[object] = []
    store.subscribe(lambda old, new: seen.append(new))
    set_psi(store, 1.0)
    assert not store.can_undo
    assert seen == []


def test_a_new_step_forgets_what_was_undone() -> None:
    store = StateStore()
    set_psi(store, 0.5)
    store.undo()
    set_psi(store, 0.3)
    assert not store.can_redo


def test_a_stroke_is_one_step_however_many_updates_it_has() -> None:
    store = StateStore()
    seen: list[float] = []
    store.subscribe(lambda old, new: seen.append(new.shared.truncation.psi))
    store.begin("drag psi")
    assert store.in_stroke
    assert not store.can_undo
    for value in (0.9, 0.8, 0.7):
        set_psi(store, value)
    assert store.can_undo
    store.commit()
    assert not store.in_stroke
    assert seen == [0.9, 0.8, 0.7]
    assert store.undo_name == "drag psi"
    store.undo()
    assert psi(store) == 1.0
    assert not store.can_undo
    store.redo()
    assert psi(store) == 0.7


def test_a_stroke_that_ends_where_it_began_is_not_a_step() -> None:
    store = StateStore()
    store.begin("drag")
    set_psi(store, 0.5)
    set_psi(store, 1.0)
    store.commit()
    assert not store.can_undo


def test_cancel_restores_the_state_before_the_stroke() -> None:
    store = StateStore()
    set_psi(store, 0.5)
    store.begin("drag")
    set_psi(store, 0.1)
    store.cancel()
    assert psi(store) == 0.5
    assert store.undo_name == "psi"
    store.begin("drag")
    store.cancel()
    assert psi(store) == 0.5


def test_a_stroke_within_a_stroke_joins_it() -> None:
    store = StateStore()
    store.begin("outer")
    set_psi(store, 0.9)
    store.begin("inner")
    set_psi(store, 0.8)
    store.commit()
    assert store.in_stroke
    set_psi(store, 0.7)
    store.commit()
    assert store.undo_name == "outer"
    store.undo()
    assert psi(store) == 1.0


def test_undo_in_a_stroke_takes_the_stroke_back() -> None:
    store = StateStore()
    set_psi(store, 0.5)
    store.begin("outer")
    store.begin("inner")
    set_psi(store, 0.1)
    store.undo()
    assert psi(store) == 0.5
    assert not store.in_stroke
    store.redo()
    assert psi(store) == 0.1


def test_transient_changes_are_reported_but_are_not_steps() -> None:
    store = StateStore()
    seen: list[float] = []
    store.subscribe(lambda old, new: seen.append(new.shared.truncation.psi))
    store.update_transient(with_psi(store.state, 0.5))
    store.update_transient(with_psi(store.state, 0.5))
    assert seen == [0.5]
    assert not store.can_undo
    set_psi(store, 0.2)
    store.undo()
    assert psi(store) == 0.5


def test_undo_leaves_layout_and_active_view_alone() -> None:
    store = StateStore()
    set_psi(store, 0.5)
    store.update_transient(replace(store.state, active=1, layout="single"))
    store.undo()
    assert (psi(store), store.state.active, store.state.layout) == (1.0, 1, "single")


def test_undo_never_makes_the_active_view_one_that_is_gone() -> None:
    store = StateStore()
    two = store.state
    store.update(replace(two, views=(*two.views, two.views[0])), "add view")
    store.update_transient(replace(store.state, active=2))
    store.undo()
    assert store.state.active == 1


def test_subscribers_can_leave_even_while_being_notified() -> None:
    store = StateStore()
    seen: list[str] = []

    def first(old: ExplorerState, new: ExplorerState) -> None:
        seen.append("first")
        leave()

    leave = store.subscribe(first)
    store.subscribe(lambda old, new: seen.append("second"))
    set_psi(store, 0.5)
    set_psi(store, 0.4)
    leave()
    assert seen == ["first", "second", "second"]


def test_history_is_bounded() -> None:
    store = StateStore(limit=3)
    for i in range(10):
        set_psi(store, i / 10)
    for _ in range(10):
        store.undo()
    assert psi(store) == 0.6


def test_saved_and_unsaved() -> None:
    store = StateStore()
    assert store.is_saved()
    set_psi(store, 0.5)
    assert not store.is_saved()
    store.undo()
    assert store.is_saved()
    store.redo()
    store.mark_saved()
    assert store.is_saved()
    store.update_transient(replace(store.state, active=1, layout="single"))
    assert store.is_saved()  # where one looks is not what one made


def test_reset_to_makes_a_new_document() -> None:
    store = StateStore()
    set_psi(store, 0.5)
    store.begin("drag")
    store.reset_to(ExplorerState(shared=Look(drift=1.0)))
    assert store.is_saved()
    assert not store.can_undo
    assert not store.in_stroke


def test_motion_leaves_a_saved_document_saved() -> None:
    store = StateStore()
    set_psi(store, 0.1)
    store.update_transient(with_psi(store.state, 0.2))
    assert not store.is_saved()
    store.mark_saved()
    store.update_transient(with_psi(store.state, 0.3))
    assert store.is_saved()
    set_psi(store, 0.4)
    store.update_transient(with_psi(store.state, 0.5))
    assert not store.is_saved()
    store.undo()
    assert psi(store) == 0.3
    assert store.is_saved()
