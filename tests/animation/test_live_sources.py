"""Films of views whose source is another view: its picture at that moment, whether the film shows it or not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.animation.film import Film, FilmRenderer, models_of
from explorer.animation.interpolation import mix_looks
from explorer.assets.picture import StoredPicture
from explorer.assets.table import AssetTable
from explorer.checkpoints import Checkpoint, save_native
from explorer.errors import FilmError
from explorer.generators import registry
from explorer.state import Crop, ExplorerState, Look, Segment, Source, ViewState


@pytest.fixture
def live(project: ExplorerState, tmp_path: Path) -> ExplorerState:
    """View A drifts; view B, shown alone, is made from its picture."""
    torch.manual_seed(6)
    config: dict[str, object] = {"img_resolution": 32, "source_channels": 3}
    path = tmp_path / "restyle.safetensors"
    save_native(path, Checkpoint("tiny", config, registry.build("tiny", config).state_dict(), "restyle"))
    first = replace(project.views[0], unlinked=frozenset({"latent", "drift"}), own=Look(drift=2.0))
    second = ViewState(model=str(path), unlinked=frozenset({"source"}), own=Look(source=Source(view=0)))
    return ExplorerState(views=(first, second), layout="single", active=1)


def test_a_film_shows_the_source_of_each_moment(live: ExplorerState) -> None:
    renderer, alone = FilmRenderer(live, Film(1.0)), FilmRenderer(live, Film(1.0, layout="a"))
    assert renderer.views == [1]
    frames = [renderer.frame(number) for number in (0, 20)]
    assert not np.array_equal(frames[0], frames[1])
    for number, frame in zip((0, 20), frames, strict=True):
        picture = StoredPicture(alone.frame(number))
        table = AssetTable((picture,))
        stored = replace(live.views[1], own=Look(source=Source(picture.key)))
        state = replace(live, views=(live.views[0], stored))
        np.testing.assert_array_equal(FilmRenderer(state, Film(1.0), table=table).frame(0), frame)


def test_a_film_needs_the_models_of_its_sources(live: ExplorerState) -> None:
    assert models_of(live, Film(1.0)) == [live.views[1].model, live.views[0].model]
    closed = replace(live, views=(replace(live.views[0], model=""), live.views[1]))
    with pytest.raises(FilmError, match="View A has no model"):
        FilmRenderer(closed, Film(1.0)).frame(0)


def test_a_crop_moves_between_keys_of_one_picture() -> None:
    first, second = (
        Look(source=Source("a", crop=Crop(0.0, 0.0, 1.0, 10.0))),
        Look(source=Source("a", crop=Crop(0.2))),
    )
    between = mix_looks([first, second], [0.5, 0.5], Segment())
    assert between.source == Source("a", crop=Crop(0.1, 0.0, 1.0, 5.0))
    other = replace(second, source=replace(second.source, picture="b"))
    assert mix_looks([first, other], [0.5, 0.5], Segment()).source == first.source
