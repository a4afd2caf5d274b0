"""The store where several things happen at once: a change in mid-stroke, an excursion, a rewritten history."""

from __future__ import annotations

from dataclasses import replace

from explorer.state import ExplorerState
from explorer.state.store import StateStore
from tests.test_store import psi, set_psi, with_psi


def test_a_step_in_the_middle_of_a_stroke_is_one_of_its_own() -> None:
    store = StateStore()
    store.begin("drag")
    set_psi(store, 0.8)
    store.interpose(with_psi(store.state, 0.5), "reset")
    set_psi(store, 0.4)
    store.commit()
    assert store.undo_name == "drag"
    seen = []
    while store.can_undo:
        store.undo()
        seen.append((psi(store), store.redo_name))
    assert seen == [(0.5, "drag"), (0.8, "reset"), (1.0, "drag")]


def test_cancelling_a_stroke_leaves_what_was_interposed() -> None:
    store = StateStore()
    store.begin("drag")
    store.interpose(with_psi(store.state, 0.5), "reset")
    set_psi(store, 0.4)
    store.cancel()
    assert (psi(store), store.undo_name, store.in_stroke) == (0.5, "reset", False)
    store.undo()
    assert (psi(store), store.can_undo) == (1.0, False)


def test_interposed_outside_of_a_stroke_or_without_a_change_it_is_an_update() -> None:
    store = StateStore()
    store.interpose(with_psi(store.state, 0.5), "reset")
    assert store.undo_name == "reset"
    store.begin("drag")
    store.interpose(store.state, "nothing")
    store.commit()
    assert store.undo_name == "reset"


def test_motion_before_a_stroke_has_changed_anything_is_not_part_of_it() -> None:
    store = StateStore()
    store.begin("drag")
    store.update_transient(with_psi(store.state, 0.9))
    assert not store.can_undo
    store.commit()
    assert not store.can_undo
    store.begin("drag")
    store.update_transient(with_psi(store.state, 0.8))
    set_psi(store, 0.4)
    store.update_transient(with_psi(store.state, 0.3))
    store.cancel()
    assert psi(store) == 0.8


def _small(state: ExplorerState) -> ExplorerState:
    return with_psi(state, min(state.shared.truncation.psi, 0.6))


def test_history_is_rewritten_everywhere() -> None:
    store = StateStore()
    told: list[tuple[ExplorerState, ExplorerState]] = []
    set_psi(store, 0.9, "first")
    set_psi(store, 0.8, "second")
    store.undo()
    store.mark_saved()
    store.begin("drag")
    store.subscribe(lambda old, new: told.append((old, new)))
    store.rewrite_history(_small)
    assert psi(store) == 0.6
    assert len(told) == 1
    assert store.is_saved()
    store.cancel()
    assert (psi(store), store.undo_name, store.redo_name) == (0.6, "first", "second")
    store.redo()
    assert psi(store) == 0.6
    store.undo()
    store.undo()
    assert psi(store) == 0.6  # the first state, too
    told.clear()
    store.rewrite_history(_small)
    assert told == []  # nothing was left to change


def test_an_excursion_leaves_no_trace() -> None:
    store = StateStore()
    set_psi(store, 0.5, "mine")
    store.mark_saved()
    mine = store.state
    store.begin("drag")
    set_psi(store, 0.4, "")
    store.cancel()
    store.set_out(with_psi(store.state, 0.1))
    assert (store.is_away, psi(store), store.document, store.can_undo) == (True, 0.1, mine, False)
    set_psi(store, 0.2, "there")
    store.update_transient(with_psi(store.state, 0.25))
    assert store.is_saved()
    store.undo()
    assert psi(store) == 0.1
    store.rewrite_history(_small)
    store.set_out(with_psi(store.state, 0.3))
    assert store.document == mine
    store.come_back()
    assert (store.state, store.undo_name, store.is_away, store.is_saved()) == (mine, "mine", False, True)
    store.come_back()
    assert store.state == mine


def test_an_open_stroke_is_part_of_the_document_that_is_left() -> None:
    store = StateStore()
    store.begin("drag")
    set_psi(store, 0.4)
    store.set_out(with_psi(store.state, 0.1))
    store.come_back()
    assert (psi(store), store.undo_name) == (0.4, "drag")


def test_what_is_kept_of_an_excursion_is_one_step() -> None:
    store = StateStore()
    set_psi(store, 0.5, "mine")
    store.set_out(with_psi(store.state, 0.1))
    set_psi(store, 0.2, "there")
    store.come_back(store.state, "Keep")
    assert (psi(store), store.undo_name, store.is_saved()) == (0.2, "Keep", False)
    store.undo()
    assert (psi(store), store.undo_name) == (0.5, "mine")
    store.set_out(with_psi(store.state, 0.1))
    store.come_back(store.document, "Keep")
    assert store.undo_name == "mine"


def test_a_new_document_ends_an_excursion() -> None:
    store = StateStore()
    store.set_out(with_psi(store.state, 0.1))
    new = replace(store.state, layout="single")
    store.reset_to(new)
    assert (store.is_away, store.document, store.can_undo, store.is_saved()) == (False, new, False, True)
