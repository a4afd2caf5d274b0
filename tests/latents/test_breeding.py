"""Children: the same for a seed, equal to the parent where nothing acts, as strong as was asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.assets.latent import StoredLatent
from explorer.assets.table import AssetTable
from explorer.latents.breeding import COUNTS, Child, children, genes_of, latent_of
from explorer.latents.descriptions import describe_latent
from explorer.latents.recipes import checked_recipe
from explorer.render.resolve import resolve_look
from explorer.render.styles import StyleStage
from explorer.state import Blend, BlendPoint, Breeding, Heredity, Latent, Look, Tap, Truncation
from explorer.state.codec import decode, encode
from explorer.state.request import ModelKey
from explorer.testing.tiny import TinyConfig, TinyGenerator

GENERATOR = TinyGenerator(TinyConfig(w_dim=16, z_dim=16, num_layers=6)).eval()
INFO = GENERATOR.info
GROUPS = ("coarse", "coarse", "middle", "middle", "fine", "fine", "fine", "fine")[: INFO.num_ws]
STILL = Heredity(mutates=False)
NOTHING = Breeding(coarse=STILL, middle=STILL, fine=STILL)
TABLE = AssetTable()


def ws_of(latent: Latent, psi: float = 1.0) -> NDArray[np.float32]:
    look = Look(latent=latent, truncation=Truncation(psi))
    request = resolve_look(look, Tap(), INFO, model=ModelKey("m"), table=TABLE)
    return StyleStage(GENERATOR).make(request).ws


def rows(group: str) -> list[int]:
    return [i for i, name in enumerate(GROUPS) if name == group]


def first(parent: Latent, breeding: Breeding) -> Child:
    return children(parent, breeding, GROUPS)[0]


STORED = TABLE.add(
    StoredLatent("ws", np.random.RandomState(5).randn(INFO.num_ws, INFO.w_dim).astype(np.float32), "m")
)
PARENTS = [
    Latent(7),
    Latent(7, 0.25, 0.5),
    Latent(stored=STORED),
    Latent(3, blend=Blend("w", (BlendPoint(Latent(1), 0.25), BlendPoint(Latent(2), 0.75)), spherical=True)),
    first(Latent(7), Breeding(middle=STILL)).latent,
]


@pytest.mark.parametrize("parent", PARENTS)
def test_a_child_without_mutation_and_crossover_is_its_parent(parent: Latent) -> None:
    for child in children(parent, NOTHING, GROUPS):
        assert child.latent == parent
    for child in children(parent, replace(Breeding(), strength=0.0), GROUPS):
        assert child.latent == parent


@pytest.mark.parametrize("parent", PARENTS)
@pytest.mark.parametrize("group", ["coarse", "middle", "fine"])
def test_only_the_mutated_group_differs_from_the_parent_bit_for_bit(parent: Latent, group: str) -> None:
    before = ws_of(parent, 0.7)
    only: dict[str, Any] = {group: Heredity()}
    child = first(parent, replace(NOTHING, **only))
    after = ws_of(child.latent, 0.7)
    changed = [i for i in range(INFO.num_ws) if not np.array_equal(before[i], after[i])]
    assert changed == rows(group)
    assert child.traits == tuple((name, False, name == group) for name in ("coarse", "middle", "fine"))


def test_crossover_takes_groups_of_the_second_parent_bit_for_bit() -> None:
    breeding = replace(NOTHING, other=Latent(99), middle=Heredity(False, "other"))
    own, other = ws_of(Latent(7)), ws_of(Latent(99))
    child = ws_of(first(Latent(7), breeding).latent)
    for i, name in enumerate(GROUPS):
        np.testing.assert_array_equal(child[i], (other if name == "middle" else own)[i])


def test_without_a_second_parent_nothing_is_crossed() -> None:
    breeding = replace(NOTHING, middle=Heredity(False, "other"), fine=Heredity(False, "random"))
    assert first(Latent(7), breeding).latent == Latent(7)


def test_chance_chooses_the_parent_of_each_child() -> None:
    breeding = replace(NOTHING, count=16, other=Latent(99), coarse=Heredity(False, "random"))
    origins = {child.traits[0][1] for child in children(Latent(7), breeding, GROUPS)}
    assert origins == {True, False}


def test_a_seed_gives_its_children_again_and_another_seed_others() -> None:
    breeding = Breeding(seed=5, count=16)
    whole = children(Latent(7), breeding, GROUPS)
    assert children(Latent(7), breeding, GROUPS) == whole
    for count in COUNTS:
        assert children(Latent(7), replace(breeding, count=count), GROUPS) == whole[:count]
    assert len({child.latent for child in whole}) == 16
    others = children(Latent(7), replace(breeding, seed=6), GROUPS)
    assert not {child.latent for child in others} & {child.latent for child in whole}


def test_settings_do_not_change_the_numbers_that_are_drawn() -> None:
    plain = children(Latent(7), Breeding(seed=5), GROUPS)
    crossed = children(Latent(7), Breeding(seed=5, other=Latent(9), fine=Heredity(True, "random")), GROUPS)
    assert [child.mutation for child in plain] == [child.mutation for child in crossed]


@pytest.mark.parametrize("strength", [0.25, 1.5])
def test_a_mutation_has_the_strength_in_standard_deviations_of_w(strength: float) -> None:
    """Along each direction, over many seeds: the spread of the change over that of random latents."""
    seeds = range(600)
    random_ws = np.stack([ws_of(Latent(seed + 10_000))[0] for seed in seeds]).astype(np.float64)
    axes = np.linalg.svd(random_ws - random_ws.mean(axis=0), full_matrices=False)[2][:4]
    sigmas = ((random_ws - random_ws.mean(axis=0)) @ axes.T).std(axis=0)
    parent = ws_of(Latent(7))[0].astype(np.float64)
    changes = np.stack(
        [ws_of(first(Latent(7), Breeding(seed=seed, strength=strength)).latent)[0] - parent for seed in seeds]
    )
    measured = (changes @ axes.T).std(axis=0) / sigmas
    np.testing.assert_allclose(measured, strength, rtol=0.15)


def test_a_child_whose_layers_are_all_mutated_alike_stays_one_w() -> None:
    ws = ws_of(first(Latent(7), Breeding()).latent)
    assert (ws == ws[0]).all()


def test_many_generations_stay_flat_and_can_be_written() -> None:
    latent = Latent(7)
    for seed in range(40):
        breeding = Breeding(seed=seed, other=Latent(99), fine=Heredity(True, "random"), middle=STILL)
        latent = first(latent, breeding).latent
    assert checked_recipe(latent) == latent
    assert decode(Latent, encode(latent)) == latent
    assert np.isfinite(ws_of(latent)).all()
    assert describe_latent(latent) == "seed 7, 40 mutations, layers crossed"


@pytest.mark.parametrize("parent", PARENTS)
def test_genes_are_read_back(parent: Latent) -> None:
    genes = genes_of(parent, INFO.num_ws)
    assert len(genes) == INFO.num_ws
    assert latent_of(genes) == parent


def test_a_child_that_was_walked_from_keeps_its_place() -> None:
    child = first(Latent(7), Breeding(middle=STILL)).latent
    walked = replace(child, x=1.5, y=-0.25)
    again = first(walked, NOTHING).latent
    assert (again.x, again.y) == (0.0, 0.0)
    np.testing.assert_allclose(ws_of(again), ws_of(walked), atol=1e-5)
