"""Live edits: shown over the document while a job computes them, in no file and no undo entry before the end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from explorer.edits import Edit, Nudge
from explorer.state import ExplorerState, Latent, Noise, Timeline, Truncation, ViewState, with_look
from explorer.state.merge import merged
from explorer.state.store import Change, StateStore

JOB, OTHER = "job", "other job"


def psi_of(value: float) -> Change:
    """The part that the job writes: the truncation of view 0."""
    return lambda state: with_look(state, 0, truncation=Truncation(value))


def noise_of(seed: int) -> Change:
    return lambda state: with_look(state, 0, noise=Noise(seed=seed))


def walk(store: StateStore, seed: int) -> None:
    """What the user does meanwhile, from what is shown."""
    store.update(with_look(store.state, 0, latent=Latent(seed=seed)), f"Walk {seed}")


def psi(state: ExplorerState) -> float:
    return state.shared.truncation.psi


def test_a_live_value_is_shown_but_not_in_the_document() -> None:
    store, seen = StateStore(), []  # type: ignore[var-annotated]
    store.subscribe(lambda old, new: seen.append((psi(old), psi(new))))
    store.show_live(JOB, psi_of(0.5))
    store.show_live(JOB, psi_of(0.25))
    store.show_live(JOB, psi_of(0.25))
    assert (psi(store.state), psi(store.document)) == (0.25, 1.0)
    assert seen == [(1.0, 0.5), (0.5, 0.25)]
    assert store.is_saved()
    assert not store.can_undo
    store.end_live(JOB)
    assert store.state == ExplorerState()
    assert seen[-1] == (0.25, 1.0)


def test_what_the_user_does_meanwhile_stays_and_is_undone_alone() -> None:
    store = StateStore()
    store.show_live(JOB, psi_of(0.5))
    walk(store, 7)
    store.show_live(JOB, psi_of(0.25))
    walk(store, 8)
    assert (store.state.shared.latent.seed, psi(store.state), psi(store.document)) == (8, 0.25, 1.0)
    store.undo()
    assert (store.state.shared.latent.seed, psi(store.state), store.undo_name) == (7, 0.25, "Walk 7")
    store.redo()
    store.end_live(JOB)
    assert (store.state.shared.latent.seed, psi(store.state)) == (8, 1.0)
    store.undo()
    store.undo()
    assert store.state == ExplorerState()


def test_a_commit_is_one_step_after_what_the_user_did_meanwhile() -> None:
    store = StateStore()
    store.show_live(JOB, psi_of(0.5))
    walk(store, 7)
    store.commit_live(JOB, psi_of(0.25), "Project")
    assert (store.state.shared.latent.seed, psi(store.document), store.undo_name) == (7, 0.25, "Project")
    store.undo()
    assert (store.state.shared.latent.seed, psi(store.state), store.undo_name) == (7, 1.0, "Walk 7")
    store.undo()
    assert store.state == ExplorerState()
    store.redo()
    store.redo()
    assert (store.state.shared.latent.seed, psi(store.state), store.can_redo) == (7, 0.25, False)


def test_a_commit_of_the_value_before_shows_it_and_is_no_step() -> None:
    store = StateStore()
    store.show_live(JOB, psi_of(0.5))
    store.commit_live(JOB, psi_of(1.0), "Project")
    assert (psi(store.state), store.can_undo) == (1.0, False)


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_gesture_goes_on_over_live_values_and_a_commit(is_cancelled: bool) -> None:
    store = StateStore()
    store.show_live(JOB, psi_of(0.5))
    store.begin("Drag")
    walk(store, 3)
    store.show_live(JOB, psi_of(0.4))
    walk(store, 4)
    store.commit_live(JOB, psi_of(0.25), "Project")
    walk(store, 5)
    if is_cancelled:
        store.cancel()
        assert (store.state.shared.latent.seed, psi(store.state), store.undo_name) == (4, 0.25, "Project")
    else:
        store.commit()
        assert (store.state.shared.latent.seed, psi(store.state), store.undo_name) == (5, 0.25, "Drag")
        store.undo()
    store.undo()
    assert (store.state.shared.latent.seed, psi(store.state)) == (4, 1.0)
    store.undo()
    assert store.state == ExplorerState()


def test_two_jobs_end_apart() -> None:
    store = StateStore()
    store.show_live(JOB, psi_of(0.5))
    store.show_live(OTHER, noise_of(3))
    walk(store, 7)
    store.commit_live(OTHER, noise_of(4), "Noise")
    assert (psi(store.state), psi(store.document), store.document.shared.noise.seed) == (0.5, 1.0, 4)
    store.end_live(JOB)
    assert store.state == store.document
    store.undo()
    assert (store.state.shared.latent.seed, store.state.shared.noise.seed, psi(store.state)) == (7, 0, 1.0)


def test_motion_goes_on_below_a_live_value() -> None:
    store = StateStore()
    store.show_live(JOB, psi_of(0.5))
    store.update_transient(with_look(store.state, 0, latent=Latent(x=0.5)))
    assert (store.state.shared.latent.x, psi(store.state), psi(store.document)) == (0.5, 0.5, 1.0)
    assert store.is_saved()
    assert not store.can_undo


def test_motion_of_the_jobs_part_stands_still_while_it_is_live() -> None:
    store = StateStore()
    store.show_live(JOB, lambda state: with_look(state, 0, latent=Latent(seed=7)))
    for step in range(1, 4):
        latent = replace(store.state.shared.latent, x=store.state.shared.latent.x + 0.1)
        store.update_transient(with_look(store.state, 0, latent=latent, noise=Noise(seed=step)))
    assert (store.state.shared.latent, store.state.shared.noise.seed) == (Latent(seed=7), 3)
    store.end_live(JOB)
    assert store.state == with_look(ExplorerState(), 0, noise=Noise(seed=3))


def test_the_users_own_change_of_the_jobs_part_is_what_a_cancelled_job_leaves() -> None:
    store = StateStore()
    store.show_live(JOB, psi_of(0.5))
    store.update(with_look(store.state, 0, truncation=Truncation(0.9)), "psi")
    store.end_live(JOB)
    assert psi(store.state) == 0.9
    store.undo()
    assert store.state == ExplorerState()


def test_another_project_ends_what_is_live() -> None:
    store = StateStore()
    store.show_live(JOB, psi_of(0.5))
    opened = ExplorerState(layout="single")
    store.reset_to(opened)
    assert (store.state, store.resets) == (opened, 1)


def test_an_excursion_shows_no_live_value_and_a_commit_is_there_after_it() -> None:
    store = StateStore()
    store.show_live(JOB, psi_of(0.5))
    store.set_out(with_look(store.state, 0, latent=Latent(seed=9)))
    assert psi(store.state) == 1.0
    store.show_live(JOB, psi_of(0.4))
    assert psi(store.state) == 1.0
    store.commit_live(JOB, psi_of(0.25), "Project")
    assert (psi(store.state), psi(store.document), store.document.shared.latent.seed) == (0.25, 0.25, 0)
    store.come_back()
    assert (psi(store.state), store.state.shared.latent.seed, store.undo_name) == (0.25, 0, "Project")
    store.undo()
    assert store.state == ExplorerState()


def test_a_live_value_is_shown_again_after_an_excursion() -> None:
    store = StateStore()
    store.show_live(JOB, psi_of(0.5))
    store.set_out(with_look(store.state, 0, latent=Latent(seed=9)))
    store.come_back()
    assert (psi(store.state), psi(store.document)) == (0.5, 1.0)


def test_what_began_in_an_excursion_is_not_written_into_the_document() -> None:
    store = StateStore()
    store.set_out(with_look(store.state, 0, latent=Latent(seed=9)))
    store.commit_live(JOB, psi_of(0.25), "Project", in_document=False)
    assert (psi(store.state), store.document) == (0.25, ExplorerState())


# -- merging ---------------------------------------------------------------------------------------------------

A, B, C = (ViewState(model=name) for name in "abc")
LIVE = replace(A, own=replace(A.own, latent=Latent(seed=5)))


@pytest.mark.parametrize(
    ("base", "seen", "new", "expected"),
    [
        ((A, B), (LIVE, B), (LIVE,), (A,)),
        ((A, B), (LIVE, B), (B,), (B,)),
        ((A, B), (LIVE, B), (LIVE, B, C), (A, B, C)),
        ((A, B), (LIVE, B), (C, LIVE, B), (C, A, B)),
        ((A, B), (A, B, LIVE), (A, C, LIVE), (A, C)),
        ((A, B), (LIVE, A, B), (LIVE, A, C), (A, C)),
        ((A, B), (LIVE, B), (replace(LIVE, model="c"), C), (replace(A, model="c"), C)),
    ],
)  # fmt: skip
def test_lists_are_merged_by_items(
    base: tuple[ViewState, ...], seen: tuple[ViewState, ...], new: tuple[ViewState, ...], expected: object
) -> None:
    state, shown, changed = (ExplorerState(views=views) for views in (base, seen, new))
    assert merged(state, shown, changed).views == expected


def test_an_edit_that_a_job_adds_is_taken_away_from_those_of_the_user() -> None:
    mine, live = Edit(Nudge(1), 0.5), Edit(Nudge(3), 1.0)
    base = with_look(ExplorerState(), 0, edits=(mine,))
    shown = with_look(base, 0, edits=(mine, live))
    new = with_look(shown, 0, edits=(replace(mine, strength=0.75), live))
    assert merged(base, shown, new) == with_look(base, 0, edits=(replace(mine, strength=0.75),))


def test_values_that_are_one_thing_are_not_mixed() -> None:
    base = with_look(ExplorerState(), 0, latent=Latent(x=1.0, y=2.0))
    shown = with_look(base, 0, latent=Latent(seed=7))
    new = with_look(shown, 0, latent=Latent(seed=8))
    assert merged(base, shown, new).shared.latent == Latent(seed=8)


def test_what_nobody_changed_stays_the_same_object() -> None:
    base = ExplorerState(timeline=Timeline(duration=3.0))
    shown = with_look(base, 0, noise=Noise(seed=2))
    new = replace(shown, layout="single")
    assert merged(base, shown, new).timeline is base.timeline
    assert merged(base, shown, new) == replace(base, layout="single")
