"""Every kind of edit is undone and redone to the bit, through a real session and its cache of stages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.assets.direction import StoredDirection
from explorer.checkpoints import Checkpoint, save_native
from explorer.edits.bend import bent_layers
from explorer.edits.channels import ChannelShare
from explorer.edits.registry import KINDS, describe
from explorer.generators.base import GeneratorInfo
from explorer.render.results import Frame
from explorer.session import Session
from explorer.state import (
    Bend,
    Direction,
    Edit,
    EditValue,
    ExplorerState,
    Nudge,
    Offset,
    StyleChannels,
    StyleDirection,
    ViewState,
)
from tests.generators.configs import SMALL, small_generator

FAMILIES = ("stylegan2-skip", "stylegan3-t", "stylegan3-r")


def _direction(session: Session, info: GeneratorInfo) -> EditValue:
    drawn = np.random.RandomState(1).randn(info.w_dim).astype(np.float32)
    return Direction(session.table.add(StoredDirection("w", drawn, 0.7, _sha(session))), (1, 3), "ears")


def _style_direction(session: Session, info: GeneratorInfo) -> EditValue:
    count = sum(layer.style_dim for layer in info.styled_layers)
    drawn = np.random.RandomState(2).randn(count).astype(np.float32)
    return StyleDirection(session.table.add(StoredDirection("s", drawn, 0.4, _sha(session))), (), "eyes")


def _sha(session: Session) -> str:
    model_info = session.model_info(0)
    assert model_info is not None
    return model_info.sha256


VALUES: dict[str, tuple[Callable[[Session, GeneratorInfo], EditValue], float]] = {
    "nudge": (lambda session, info: Nudge(4, 1), 2.0),
    "offset": (lambda session, info: Offset(tuple(0.3 * (-1) ** i for i in range(info.w_dim)), 0, 2), 1.5),
    "direction": (_direction, -2.0),
    "style-channels": (
        lambda session, info: StyleChannels(info.layers[1].name, (0, 2), (0.5, 1.0), "", _sha(session)),
        4.0,
    ),
    "style-direction": (_style_direction, 2.5),
    "bend": (lambda session, info: Bend(bent_layers(info)[1].name, "rotate", (30.0,), ChannelShare(0.6, 3)), 0.8),
}
"""A value of every kind for a network, and a strength at which it shows; a kind that is added needs one too."""


@pytest.fixture(params=FAMILIES)
def session(request: pytest.FixtureRequest, qapp: QApplication, qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    """A session with a small network of each family."""
    family, config = SMALL[request.param]
    classes = ("cat", "dog")[: config.get("c_dim", 0)]
    path, tensors = tmp_path / f"{request.param}.safetensors", small_generator(request.param).state_dict()
    save_native(path, Checkpoint(family, dict(config), tensors, request.param, "MIT", class_names=classes))
    made = Session(state=ExplorerState(views=(ViewState(model=str(path)),)))
    made.start()
    qtbot.waitUntil(lambda: made.info(0) is not None, timeout=20_000)
    yield made
    assert made.close()
    made.deleteLater()


def shown(session: Session, qtbot: QtBot) -> np.ndarray:
    """The full picture of what the view shows now."""

    def is_shown() -> bool:
        frame = session.last_frame(0)
        return frame is not None and frame.tier == 1 and frame.request == session.resolve_view(0)

    qtbot.waitUntil(is_shown, timeout=20_000)
    frame = session.last_frame(0)
    assert isinstance(frame, Frame)
    return frame.pixels.copy()


def test_every_kind_has_a_value_here() -> None:
    assert set(VALUES) == {kind.name for kind in KINDS}, "add a value of the new kind to VALUES"


@pytest.mark.parametrize("name", [kind.name for kind in KINDS])
def test_undo_and_redo_give_the_same_bits(session: Session, qtbot: QtBot, name: str) -> None:
    info = session.info(0)
    assert info is not None
    make, strength = VALUES[name]
    before = shown(session, qtbot)
    edit = Edit(make(session, info), strength)
    session.look.add_edit(edit)
    assert len(session.resolve_view(0).style.edits) == 1, "the edit fits the network"
    edited = shown(session, qtbot)
    assert not np.array_equal(edited, before)
    assert describe(edit) in session.store.undo_name
    session.undo()
    np.testing.assert_array_equal(shown(session, qtbot), before)
    session.redo()
    np.testing.assert_array_equal(shown(session, qtbot), edited)
    session.look.set_edit(0, Edit(edit.value, strength / 2))  # another picture between: stages are computed again
    assert not np.array_equal(shown(session, qtbot), edited)
    session.undo()
    np.testing.assert_array_equal(shown(session, qtbot), edited)
    session.undo()
    np.testing.assert_array_equal(shown(session, qtbot), before)


@pytest.mark.parametrize("name", [kind.name for kind in KINDS])
def test_an_edit_switched_off_or_of_strength_0_leaves_no_trace(session: Session, qtbot: QtBot, name: str) -> None:
    info = session.info(0)
    assert info is not None
    make, strength = VALUES[name]
    before = shown(session, qtbot)
    session.look.add_edit(Edit(make(session, info), strength))
    edited = shown(session, qtbot)
    assert not np.array_equal(edited, before)
    session.look.switch_edit(0, False)
    np.testing.assert_array_equal(shown(session, qtbot), before)
    session.look.switch_edit(0, True)
    np.testing.assert_array_equal(shown(session, qtbot), edited)
    session.look.set_edit(0, Edit(session.look_of().edits[0].value, 0.0))
    np.testing.assert_array_equal(shown(session, qtbot), before)
