"""Helpers for the render tests: a loaded tiny generator, requests, and a renderer that is stepped by hand."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from explorer.checkpoints import Checkpoint
from explorer.render.model_store import LoadedModel, ModelStore, model_info_of
from explorer.render.renderer import Message, Renderer
from explorer.render.resolve import resolve_look
from explorer.render.results import Frame, RenderFailed
from explorer.state import Look, Tap, Truncation
from explorer.state.request import ModelKey, RenderRequest
from explorer.testing.tiny import TinyConfig, TinyGenerator

WAIT_S = 10.0


def tiny_model(sha: str = "tiny-a", **config: Any) -> LoadedModel:
    """A tiny generator as if loaded from a file."""
    generator = TinyGenerator(TinyConfig(**config)).eval().requires_grad_(False)
    checkpoint = Checkpoint("tiny", {}, {}, name=sha, sha256=sha)
    return LoadedModel(generator, model_info_of(generator, checkpoint, f"/models/{sha}.safetensors"))


def gated(model: LoadedModel) -> TinyGenerator:
    """The model's generator as what it is."""
    assert isinstance(model.generator, TinyGenerator)
    return model.generator


def request_of(model: LoadedModel, look: Look | None = None, tap: Tap | None = None) -> RenderRequest:
    """The request of a look."""
    return resolve_look(look or Look(), tap or Tap(), model.model_info.info, model=model.model_info.key)


def psi_request(model: LoadedModel, psi: float) -> RenderRequest:
    """A request that differs from others by psi."""
    return request_of(model, Look(truncation=Truncation(psi=psi)))


class Published:
    """Collects what a renderer publishes; any thread."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._arrived = threading.Condition()

    def __call__(self, message: Message) -> None:
        with self._arrived:
            self.messages.append(message)
            self._arrived.notify_all()

    def wait_for(self, count: int) -> None:
        """Waits until so many messages came."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.messages) >= count, WAIT_S), self.messages

    @property
    def frames(self) -> list[Frame]:
        return [m for m in self.messages if isinstance(m, Frame)]

    @property
    def failures(self) -> list[RenderFailed]:
        return [m for m in self.messages if isinstance(m, RenderFailed)]

    @property
    def generations(self) -> list[tuple[int, int]]:
        """(generation, tier) of each frame."""
        return [(f.generation, int(f.tier)) for f in self.frames]


def renderer_of(*models: LoadedModel, budget_bytes: int = 64 << 20) -> tuple[Renderer, Published]:
    """A renderer on the CPU with these models loaded, not started."""
    store = ModelStore(1 << 30)
    for model in models:
        store.add(model)
    published = Published()
    return Renderer(store, "cpu", published, budget_bytes), published


def with_model(request: RenderRequest, sha: str) -> RenderRequest:
    """The same request for another model."""
    return replace(request, model=ModelKey(sha))
