"""A model with a layer that raises."""

from __future__ import annotations

from explorer.render.model_store import LoadedModel


class Broken:
    """Makes a layer raise until it is mended."""

    def __init__(self, model: LoadedModel, error: Exception, times: int = 10**9) -> None:
        self.calls = 0
        layer = model.generator.layers[2]
        original = layer.run

        def run(activation, w, noise=None):  # type: ignore[no-untyped-def]
            self.calls += 1
            if self.calls <= times:
                raise error
            return original(activation, w, noise)

        layer.run = run  # type: ignore[method-assign]
