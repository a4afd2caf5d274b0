"""Breeding in a session: settings, taking, walking back, all undone bit for bit; lineages in projects."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from explorer.latents.breeding import Child
from explorer.project.contents import looks_of
from explorer.project.document import from_json, load_project, state_from_text, state_to_text, to_json
from explorer.state import Breeding, Edit, ExplorerState, Heredity, Latent, LineageNode, Look, Nudge
from explorer.state.merge import merged
from tests.session.world import World

FULL = Breeding(
    16, 3, 1.25, Heredity(False, "other"), Heredity(True, "random"), Heredity(False), Latent(9, 0.5),
    (LineageNode(4, Latent(7), -1, "seed 7"), LineageNode(5, Latent(8), 4)),
)  # fmt: skip


def take(world: World, index: int) -> Child:
    child = world.session.breeding.sheet()[index]
    world.session.breeding.take(child)
    return child


def test_each_setting_is_one_named_step_of_undo(world: World) -> None:
    world.open("a")
    s, breeding = world.session, world.session.breeding
    before = s.state
    breeding.set_count(4)
    breeding.set_count(5)  # which no sheet has
    breeding.set_seed(11)
    breeding.again()
    breeding.set_strength(1.5)
    breeding.set_heredity("middle", mutates=False, origin="other")
    breeding.set_other(Latent(99))
    names = []
    assert breeding.settings == Breeding(4, 12, 1.5, middle=Heredity(False, "other"), other=Latent(99))
    while s.store.can_undo and s.state != before:
        names.append(s.store.undo_name)
        s.undo()
    assert names == [
        "Second parent", "Children's middle layers", "Mutation", "Other children", "Seed of the children",
        "Children",
    ]  # fmt: skip


def test_without_a_model_there_are_no_children(world: World) -> None:
    assert world.session.breeding.sheet() == ()


def test_a_child_is_taken_in_one_step_and_undone_bit_for_bit(world: World) -> None:
    world.open("a")
    s = world.session
    s.look.set_seed(7)
    s.look.set_drift(0.5)
    world.settle()
    before, shown = s.state, world.frame().latents.ws
    child = take(world, 2)
    world.settle()
    assert s.store.undo_name == "Take child"
    assert (s.look_of().latent, s.look_of().drift) == (child.latent, 0.0)
    assert s.breeding.settings.seed == before.breeding.seed + 1
    root, node = s.breeding.settings.lineage
    assert (root.latent.seed, root.name) == (child.parent.seed, "seed 7")
    assert (node.latent, node.parent, node.name) == (child.latent, root.number, "child 3 of sheet 0")
    taken = world.frame().latents.ws
    assert not np.array_equal(taken, shown)
    s.undo()
    assert s.state == before
    s.redo()
    world.settle()
    np.testing.assert_array_equal(world.frame().latents.ws, taken)


def test_walking_back_branches_and_is_undone(world: World) -> None:
    world.open("a")
    s = world.session
    s.look.set_seed(7)
    first = take(world, 0)
    take(world, 1)
    assert [node.latent for node in s.breeding.path()][:2] == [Latent(7), first.latent]
    s.breeding.show(s.breeding.settings.lineage[1].number)
    assert (s.store.undo_name, s.look_of().latent) == ("Back in lineage", first.latent)
    branch = take(world, 3)
    nodes = s.breeding.settings.lineage
    assert [node.parent for node in nodes] == [-1, 0, 1, 1]
    assert s.breeding.current == nodes[3]
    before = s.state
    s.breeding.remove(1)
    assert [node.number for node in s.breeding.settings.lineage] == [0]
    assert s.look_of().latent == branch.latent, "the picture stays"
    assert s.breeding.current is None
    assert s.breeding.path() == ()
    s.undo()
    assert s.state == before
    s.breeding.show(77)  # which is not there
    assert s.state == before


def test_edits_and_truncation_stay_when_a_child_is_taken(world: World) -> None:
    world.open("a")
    s = world.session
    s.look.set_psi(0.5)
    s.look.add_edit(Edit(Nudge(3), 2.0))
    look = s.look_of()
    take(world, 0)
    assert replace(s.look_of(), latent=look.latent) == look


def test_breeding_survives_projects_and_texts(tmp_path: Path, world: World) -> None:
    state = ExplorerState(breeding=FULL)
    assert from_json(json.loads(json.dumps(to_json(state))))[0] == state
    assert state_from_text(state_to_text(state))[0] == state
    world.open("a")
    s = world.session
    key = s.documents.store_latent()
    s.look.use_stored(key)
    take(world, 0)
    s.documents.save_project(tmp_path / "p.json")
    project = load_project(tmp_path / "p.json")
    assert project.state.breeding == s.breeding.settings
    assert key in project.table, "latents of the lineage come along"
    s.documents.new_project()
    assert s.breeding.settings == Breeding()
    s.documents.open_project(tmp_path / "p.json")
    assert s.breeding.current is not None


def test_projects_from_before_breeding_open() -> None:
    data = to_json(ExplorerState(shared=Look(latent=Latent(5))))
    assert "breeding" not in data["state"]
    assert from_json(data)[0].breeding == Breeding()


def test_what_lineages_name_is_found() -> None:
    latents = {look.latent for look in looks_of(ExplorerState(breeding=FULL))}
    assert {Latent(7), Latent(8), Latent(9, 0.5)} <= latents


def test_settings_and_lineage_are_merged_apart() -> None:
    base = ExplorerState()
    new = replace(base, breeding=replace(base.breeding, strength=2.0))
    other = replace(base, breeding=replace(base.breeding, lineage=FULL.lineage))
    assert merged(other, base, new).breeding == Breeding(strength=2.0, lineage=FULL.lineage)
