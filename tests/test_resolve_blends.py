"""resolve: latents that stand for others, by a recipe or a blend."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from explorer.assets.latent import StoredLatent
from explorer.assets.table import AssetTable
from explorer.errors import LatentError
from explorer.state import Blend, BlendPoint, Latent, Look, Truncation
from tests.test_resolve import of, stored_table


def _blend(*latents: Latent, space: Literal["z", "w", "ws"] = "z") -> Latent:
    return Latent(blend=Blend(space, tuple(BlendPoint(latent, 1 / len(latents)) for latent in latents)))


def test_another_models_latent_with_a_recipe_is_made_again() -> None:
    table = AssetTable()
    theirs = StoredLatent("w", np.ones(8, np.float32), "sha-b", recipe=Latent(3, 0.5))
    base = of(Look(Latent(7, stored=table.add(theirs))), table=table).style.base
    assert (base.seeds, base.stored) == ((), None)
    assert base.blend is not None
    ((part, weight),) = base.blend.parts
    assert (part.base.seeds, weight) == (((3, 0.5), (4, 0.5)), 1.0)


def test_a_blend_of_nothing_is_refused() -> None:
    with pytest.raises(LatentError, match="has no points"):
        of(Look(Latent(blend=Blend())))


def test_blends_are_in_z_only_where_every_point_has_one() -> None:
    table, keys = stored_table()

    def space(*latents: Latent, of_space: Literal["z", "w", "ws"] = "z") -> str:
        blend = of(Look(_blend(*latents, space=of_space)), table=table).style.base.blend
        assert blend is not None
        return blend.space

    in_z, in_w = Latent(stored=keys["z"]), Latent(stored=keys["w"])
    assert space(Latent(1), Latent(2)) == "z"
    assert space(Latent(1), in_z) == "z"
    assert space(Latent(1), _blend(Latent(2), Latent(3))) == "z"
    assert space(Latent(1), Latent(2, 0.5)) == "w"  # between seeds there is no z
    assert space(Latent(1), in_w) == "w"
    assert space(Latent(1), Latent(2, 0.5, stored=keys["z"])) == "w"
    assert space(Latent(1), _blend(Latent(2), in_w, space="w")) == "w"
    assert space(Latent(1), Latent(2), of_space="ws") == "ws"


def test_only_a_blend_of_final_styles_has_those_of_its_points() -> None:
    point = BlendPoint(Latent(1), 1.0, truncation=Truncation(0.5))
    for space, psi in (("w", ()), ("ws", (0.5,) * 5)):
        blend = of(Look(Latent(blend=Blend(space, (point,))))).style.base.blend  # type: ignore[arg-type]
        assert blend is not None
        assert blend.parts[0][0].psi == psi
