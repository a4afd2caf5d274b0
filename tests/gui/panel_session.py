"""A real session on tiny generators, for tests of panels; the fixture makes and closes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtWidgets import QApplication

from explorer.errors import UnreadableFileError
from explorer.render.model_store import LoadedModel
from explorer.render.results import ModelInfo
from explorer.session import Session
from explorer.session.render_service import RenderService
from explorer.state import ExplorerState, ViewState
from explorer.state.request import RenderSettings
from explorer.testing.tiny import TinyConfig, TinyGenerator
from explorer.util.report import Report
from explorer.widgets.controls.theme import apply_theme

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

__all__ = ["Shelf", "make_session", "open_model", "panel_session"]

OPEN_MS = 20_000


@dataclass
class Shelf:
    """Tiny models by path; any other path is an unreadable file."""

    configs: dict[str, TinyConfig]
    metadata: dict[str, Any]

    def load(self, path: str, on_report: Any, control: Any, **options: bool) -> LoadedModel:
        """What the service calls in its loader thread."""
        if path not in self.configs:
            raise UnreadableFileError(f"There is no file {path}.", "Choose another.")
        on_report(Report(None, 1, 2, "Reading"))
        generator = TinyGenerator(self.configs[path]).eval().requires_grad_(False)
        info = generator.info
        model_info = ModelInfo(
            info, path, f"/models/{path}.safetensors", sha256=f"{path:_<64}", family=info.family,
            nbytes=generator.nbytes, class_names=info.class_names, **self.metadata,
        )  # fmt: skip
        return LoadedModel(generator, model_info)


SHELF = Shelf(
    {
        "tiny": TinyConfig(w_dim=8, num_layers=4),
        "wide": TinyConfig(w_dim=512, num_layers=4),
        "classy": TinyConfig(c_dim=5, class_names=("cat", "dog", "fox", "hen", "owl")),
        "thousand": TinyConfig(c_dim=1000),
    },
    {"licence": "MIT", "origin": "drawn for a test"},
)


def make_session(shelf: Shelf = SHELF) -> Session:
    """A session with one visible view on the CPU."""
    state = ExplorerState(views=(ViewState(), ViewState()), layout="single")
    return Session(state=state, service=RenderService(load=shelf.load), settings=RenderSettings("cpu", "float32"))


def open_model(qtbot: QtBot, session: Session, name: str, view: int = 0) -> None:
    """Open a model and wait for its first picture."""
    session.models.request(view, name)

    def is_shown() -> bool:
        model_info, frame = session.model_info(view), session.last_frame(view)
        return (
            model_info is not None
            and frame is not None
            and model_info.name == name
            and frame.request.model == model_info.key
        )

    qtbot.waitUntil(is_shown, timeout=OPEN_MS)


@pytest.fixture
def panel_session(qapp: QApplication, qtbot: QtBot) -> Iterator[Callable[[str], Session]]:
    """Makes sessions with a model opened ("" for none), and closes them."""
    apply_theme(qapp, dark=True)
    made: list[Session] = []

    def make(name: str = "tiny") -> Session:
        session = make_session()
        made.append(session)
        if name:
            open_model(qtbot, session, name)
        return session

    yield make
    for session in made:
        assert session.close()
