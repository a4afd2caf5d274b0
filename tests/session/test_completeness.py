"""Every field of a look, a recipe and a request is treated wherever it must be; a forgotten one fails here."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
import pytest

from explorer.animation.interpolation import mix_looks
from explorer.edits import registry
from explorer.edits.base import EditKind, EditValue, Placed, ResolvedEdit
from explorer.edits.registry import resolve_edits
from explorer.generators.base import GeneratorInfo, LayerInfo
from explorer.project.document import from_json, to_json
from explorer.render.keys import stage_keys
from explorer.render.layer_edits import RecipeEdits
from explorer.render.styles import Styles
from explorer.state import (
    ASPECTS,
    Classes,
    Crop,
    Edit,
    ExplorerState,
    Latent,
    Look,
    Mixing,
    MixRow,
    MixSource,
    Noise,
    Nudge,
    Segment,
    Snapshot,
    Source,
    Tap,
    Transform,
    Truncation,
    ViewState,
    look_of,
    with_look,
)
from explorer.state.parameters import get_value, set_value
from explorer.state.request import (
    KeyedArray,
    LatentPoint,
    ModelKey,
    NoiseRecipe,
    RenderRequest,
    RenderSettings,
    StyleRecipe,
)
from explorer.testing.tiny import TinyConfig, TinyGenerator
from explorer.widgets.viewer.view_pane import ASPECT_NAMES
from tests.session.world import World

INFO = TinyGenerator(TinyConfig(c_dim=3)).info

OTHER: dict[str, Any] = {
    "latent": Latent(7, 0.5, 0.25),
    "drift": 0.5,
    "classes": Classes(((1, 1.0),)),
    "truncation": Truncation(0.5, 2, ((1, 0.25),)),
    "mixing": Mixing((MixSource(3),), (MixRow(1, 0, 0.5),)),
    "edits": (Edit(Nudge(4), 2.0),),
    "noise": Noise("const", 0, 0.5, (("t1", 0.5),)),
    "transform": Transform(0.5, rotate=30.0),
    "source": Source("a picture", ("a mask",), Crop(0.1, scale=0.5), 1),
}
"""Another value of each aspect. A new aspect needs one here."""

NOT_BLENDED = {"drift", "source"}
"""Aspects that are the first look's between keys, for a reason: a drift moves a latent in real time, and half of a
picture over half of another is no source."""


def test_each_aspect_has_another_value_here() -> None:
    assert set(OTHER) == set(ASPECTS) == {f.name for f in fields(Look)}
    assert all(value != getattr(Look(), name) for name, value in OTHER.items())


@pytest.mark.parametrize("space", ["w", "ws"])
@pytest.mark.parametrize("aspect", ASPECTS)
def test_each_aspect_is_blended(aspect: str, space: Any) -> None:
    first, second = Look(), replace(Look(), **{aspect: OTHER[aspect]})
    if aspect in NOT_BLENDED:
        assert mix_looks([first, second], [0.5, 0.5], Segment(space=space)) == first
        return
    between = [mix_looks([first, second], [1.0 - s, s], Segment(space=space)) for s in (0.25, 0.5)]
    assert between[0] != between[1]
    assert first not in between
    assert second not in between


@pytest.mark.parametrize("aspect", ASPECTS)
def test_each_aspect_survives_a_project_and_is_an_aspect_of_views(aspect: str) -> None:
    state = with_look(ExplorerState(), 0, **{aspect: OTHER[aspect]})
    assert getattr(state.shared, aspect) == OTHER[aspect]
    assert getattr(look_of(state, 1), aspect) == OTHER[aspect]
    apart = replace(ExplorerState(), views=(ViewState(unlinked=frozenset({aspect})), ViewState()))
    apart = with_look(apart, 0, **{aspect: OTHER[aspect]})
    assert look_of(apart, 1) == Look()
    assert getattr(look_of(apart, 0), aspect) == OTHER[aspect]
    for made in (state, apart):
        assert from_json(json.loads(json.dumps(to_json(made))))[0] == made


@pytest.mark.parametrize("aspect", ASPECTS)
def test_each_aspect_has_a_name_and_is_one_step_of_undo(world: World, aspect: str) -> None:
    assert aspect in ASPECT_NAMES or aspect == "drift"  # which goes with its latent
    s = world.session
    before = s.state
    s.views.set_link(1, aspect, False)
    assert aspect in s.state.views[1].unlinked
    assert s.store.undo_name == "Unlink views"
    s.edit("Other", **{aspect: OTHER[aspect]})
    s.look.reset()
    assert s.store.undo_name == ("Other" if aspect == "latent" else "Reset")
    while s.store.can_undo:
        s.undo()
    assert s.state == before


# -- recipes and requests --------------------------------------------------------------------------------------

(EDIT,) = resolve_edits((Edit(Nudge(4), 2.0),), INFO)

OTHER_RECIPE: dict[str, Any] = {
    "base": LatentPoint(((3, 1.0),)),
    "class_weights": ((1, 1.0),),
    "sources": (LatentPoint(((4, 1.0),)),),
    "mix": ((0, 0, 0.5),),
    "psi": (0.5,) * INFO.num_ws,
    "edits": (EDIT,),
}

OTHER_REQUEST: dict[str, Any] = {
    "model": ModelKey("b"),
    "settings": RenderSettings("cuda"),
    "style": StyleRecipe(LatentPoint(((3, 1.0),))),
    "noise": NoiseRecipe("random", 3),
    "transform": (1.0, 0.0, 0.5, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
    "source": KeyedArray(b"picture", np.zeros((1, 1, 3), np.uint8)),
    "masks": (KeyedArray(b"mask", np.zeros((1, 1), np.uint8)),),
    "crop": Crop(0.1),
    "live": RenderRequest(ModelKey("other")),
    "tap": Tap("t1"),
    "untransform": True,
    "residual": "heat",
    "max_px": 16,
}

OF_NO_LAYER = {"model", "settings", "style", "tap", "untransform", "residual", "max_px"}
"""Fields that are not in the keys of layers: the root stands for the first two, rows of `ws` for the styles, and
the others are of what is done with the layers' results."""


def test_each_field_of_recipes_and_requests_has_another_value_here() -> None:
    assert set(OTHER_RECIPE) == {f.name for f in fields(StyleRecipe)}
    assert set(OTHER_REQUEST) == {f.name for f in fields(RenderRequest)}


@pytest.mark.parametrize("name", sorted(OTHER_RECIPE))
def test_each_field_of_a_recipe_changes_its_digest(name: str) -> None:
    plain, other = StyleRecipe(), StyleRecipe(**{name: OTHER_RECIPE[name]})
    assert plain != other
    assert plain.digest != other.digest


def keys_of(request: RenderRequest) -> tuple[bytes, ...]:
    rows = np.zeros((INFO.num_ws, INFO.w_dim), np.float32)
    styles = Styles(rows, rows[0], rows[0], (b"row",) * INFO.num_ws)
    return stage_keys(b"root", request, styles, INFO.layers, RecipeEdits(request.style, INFO))


@pytest.mark.parametrize("name", sorted(OTHER_REQUEST))
def test_each_field_of_a_request_changes_it_and_the_right_keys(name: str) -> None:
    plain = RenderRequest(ModelKey("a"))
    other = replace(plain, **{name: OTHER_REQUEST[name]})
    assert plain != other
    assert (keys_of(plain) == keys_of(other)) == (name in OF_NO_LAYER)


@pytest.mark.parametrize(("stage", "layers"), [("input", ()), ("s", ("t1",)), ("features", ("t1", "t2"))])
def test_edits_of_layers_change_the_keys_from_their_layer_on(stage: Any, layers: tuple[str, ...]) -> None:
    edit = ResolvedEdit("bend", stage, 0.5, layers, b"a", None)
    keys = [
        keys_of(RenderRequest(ModelKey("a"), style=StyleRecipe(edits=edits)))
        for edits in ((), (edit,), (replace(edit, digest=b"b"),))
    ]
    first = 0 if stage == "input" else 1 + [layer.name for layer in INFO.layers].index(layers[0])
    for one, two in ((0, 1), (0, 2), (1, 2)):
        assert keys[one][:first] == keys[two][:first]
        assert all(a != b for a, b in zip(keys[one][first:], keys[two][first:], strict=True))
    assert StyleRecipe(edits=(edit,)).edits_at(stage, layers[0] if layers else "") == (edit,)
    assert StyleRecipe(edits=(edit,)).edits_at("ws") == ()


@dataclass(frozen=True)
class Bend(EditValue):
    kind: ClassVar[str] = "bend"
    by: float = 1.0


class BendKind(EditKind[Bend]):
    name, title, stage, value = "bend", "Bend", "features", Bend

    def resolve(self, value: Bend, info: GeneratorInfo, assets: object) -> Placed:
        return Placed(repr(value).encode(), value.by, ("t1",))

    def apply(self, target: Any, edit: ResolvedEdit, layer: LayerInfo | None) -> Any:
        return edit.data * target


@pytest.fixture
def bend(monkeypatch: pytest.MonkeyPatch) -> Edit:
    """An edit of features; its kind is there as long as the test."""
    monkeypatch.setitem(registry._BUILT_IN, "bend", BendKind())
    return Edit(Bend(2.0), 0.5)


def test_edits_of_layers_are_the_looks_where_whole_styles_are_blended(bend: Edit) -> None:
    nudge = Edit(Nudge(2))
    looks = [Look(Latent(1), edits=(bend,)), Look(Latent(2), edits=(nudge, replace(bend, strength=1.5)))]
    between = mix_looks(looks, [0.5, 0.5], Segment(space="ws"))
    assert between.edits == (replace(bend, strength=1.0),)
    assert between.latent.blend is not None
    assert [point.edits for point in between.latent.blend.points] == [(), (nudge,)]


def test_another_kind_needs_no_line_elsewhere(bend: Edit) -> None:
    state = ExplorerState(shared=Look(edits=(bend,)))
    assert from_json(json.loads(json.dumps(to_json(state))))[0] == state
    (resolved,) = resolve_edits((bend,), INFO)
    assert (resolved.stage, resolved.layers, resolved.apply(3.0)) == ("features", ("t1",), 6.0)
    edits = RecipeEdits(StyleRecipe(edits=(resolved,)), INFO)
    number = [layer.name for layer in INFO.layers].index("t1")
    number_of: Any = edits  # of numbers, as the test's kind takes them
    assert (number_of.features(number, 3.0), number_of.features(0, 3.0)) == (6.0, 3.0)
    assert number_of.style(number, 3.0) == 3.0
    snapshot = set_value(Snapshot(state.shared), "edits.0", 0.25)
    assert snapshot.shared.edits == (replace(bend, strength=0.25),)
    assert get_value(snapshot, "edits.0") == 0.25
