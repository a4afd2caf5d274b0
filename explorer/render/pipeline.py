"""The pipeline: runs a request through mapping, style, synthesis layers and display, resuming where keys change.

The keys of all stages (`keys`) only depend on the request, so they are known before anything runs: the work starts
after the last stage whose result is cached (`view_cache`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import torch

from explorer.errors import RenderError, RequestError
from explorer.generators.base import Activation, Inputs, fold_steps
from explorer.ops.backend import policy, use_backend
from explorer.render import display, drafts
from explorer.render.finishing import Cancelled, Finishing, Token, check
from explorer.render.graphs import graphs_for
from explorer.render.keys import digest, has_noise, noise_key, stage_keys
from explorer.render.layer_edits import layer_edits
from explorer.render.layer_times import LayerTimes
from explorer.render.results import FrameLatents, StageTime, TapStats, Tier
from explorer.render.sources import Sources
from explorer.render.stopwatch import Stopwatch
from explorer.render.styles import Styles, StyleStage
from explorer.render.untransform import difference_picture, heat_picture, painted, residual, untransform
from explorer.render.view_cache import ViewCache, still_view
from explorer.state import Tap
from explorer.util.steps import Steps, run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from explorer.generators.base import Generator, LayerEdits, NoiseSpec, SynthesisLayer
    from explorer.ops.backend import Backend
    from explorer.render.cache import StageCache
    from explorer.state.request import RenderRequest

__all__ = ["Cancelled", "Pipeline", "Plan", "Result", "Token"]

DRAFT_MS = 30.0
"""Maximum cost of a draft."""

LARGEST_SHARE = 2 / 3
"""Maximum fraction of the full picture's time, for a draft that costs more than `DRAFT_MS`."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The plan of a run.

    `keys[0]` identifies the input, `keys[i + 1]` the result of layer i; `image_key` the shown tensor. `edits` are
    those of single layers. `start` is the index of the last cached key, -1 if there is none. `expected_ms`:
    synthesis time by earlier measurements, 0 if unknown. `styling`: time of mapping and styles.
    """

    request: RenderRequest
    view: Hashable
    styles: Styles
    keys: tuple[bytes, ...]
    image_key: bytes
    edits: LayerEdits
    start: int
    has_image: bool
    expected_ms: float
    styling: StageTime

    @property
    def last(self) -> int:
        """Index of the last layer to run."""
        return len(self.keys) - 2


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """The result of a run. `image` `[C, H, W]` float32 is the picture or the layer's features before grading."""

    tier: Tier
    image: Tensor
    pixels: NDArray[np.uint8]
    latents: FrameLatents
    stats: TapStats | None
    timings: tuple[StageTime, ...]
    hits: int
    total_ms: float


class Pipeline:
    """Renders requests of one loaded generator on one device. Belongs to the render thread.

    Args:
        generator: In evaluation mode, on its device.
        cache: Cache of stage results, shared by all pipelines of the device.
        model: sha256 of the generator, the root of every key.
        dtype: Precision of the features; weights, mapping and the accumulated picture stay float32.
        backend: Kernels: "auto", "torch" or "reference".
    """

    def __init__(
        self,
        generator: Generator,
        cache: StageCache[Any],
        model: str = "",
        dtype: torch.dtype = torch.float32,
        backend: Backend = "auto",
    ) -> None:
        self.generator = generator
        self.device = generator.device
        self.dtype = dtype
        self._backend: Backend = backend
        self.styles = StyleStage(generator)
        self.times = LayerTimes([layer.info.name for layer in generator.layers])
        self.view_cache = ViewCache(cache)
        self._root = digest(f"{model}|{self.device}".encode())
        self._layers: tuple[SynthesisLayer, ...] = tuple(generator.layers)
        self._index = {layer.info.name: i for i, layer in enumerate(self._layers)}
        self._graphs = graphs_for(self._layers, self.device)
        self._shown: dict[Hashable, tuple[RenderRequest, bytes]] = {}
        self._unfinished: dict[Hashable, Finishing] = {}
        self._sources = Sources(generator.info, self.device)
        self.picture_of: Callable[[RenderRequest], Tensor] | None = None
        """Renders requests of other networks, whose pictures are sources `[C, H, W]`; None if there is no other."""

    # -- planning ------------------------------------------------------------------------------------------

    def plan(self, request: RenderRequest, view: Hashable = None) -> Plan:
        """Compute the styles and the keys, and find the stage to start from.

        Args:
            request: A request for this pipeline's model and settings.
            view: The view whose results are reused and cached; None disables caching.
        """
        begin, made = perf_counter(), self.styles.made
        with use_backend(self._backend, self.dtype):
            styles = self.styles.make(request, view)
            styling = StageTime("mapping", 1e3 * (perf_counter() - begin), self.styles.made == made)
            last = self._index[request.tap.layer] if request.tap.layer else len(self._layers) - 1
            edits = layer_edits(request.style, self.generator.info, self._layers)
            infos = [layer.info for layer in self._layers[: last + 1]]
            is_styled = self.generator.info.input_style_dim > 0 or infos[0].ws_index is not None
            keys = stage_keys(self._root, request, styles, infos, edits, is_input_styled=is_styled)
        image_key = keys[-1] + (b"layer" if request.tap.layer else b"image")
        start, has_image = self.view_cache.start_of(view, keys), self.view_cache.has_image(view, image_key)
        expected = 0.0 if has_image else self.times.expected(max(start, 0), len(keys) - 1)
        return Plan(request, view, styles, keys, image_key, edits, start, has_image, expected, styling)

    def draft_layer(self, plan: Plan) -> int | None:
        """Return the layer after which the accumulated picture of a skip architecture is a representative draft.

        It is the last layer that is reached within `DRAFT_MS`, or else the first one, if that saves a third of the
        time. None if there is no such picture or it is too small (`drafts.is_large_enough`), if a layer is shown,
        or if the times are not known yet.
        """
        if plan.request.tap.layer or plan.has_image or plan.expected_ms == 0.0:
            return None
        best, spent = None, 0.0
        begin = max(plan.start, 0)
        for i in range(begin, len(self._layers) - 1):
            spent += self.times.ms[i]
            limit = LARGEST_SHARE * plan.expected_ms
            info = self._layers[i].info
            if not info.is_rgb or not drafts.is_large_enough(info.height, self.generator.info.img_size[0]):
                continue
            if spent <= (limit if best is None else min(limit, DRAFT_MS)):
                best = i
        return best

    # -- running -------------------------------------------------------------------------------------------

    def run(self, plan: Plan, token: Token = lambda: False, draft_layer: int | None = None) -> Result:
        """Run a plan that was just made; cached stages are reused.

        Args:
            plan: From `plan`.
            token: Polled before each stage; True cancels the run.
            draft_layer: Stop after this layer and show the picture accumulated so far.

        Raises:
            Cancelled: The token requested it. Completed stages are cached.
            RenderError: The generator's output is not a picture.
        """
        request = plan.request
        watch = Stopwatch(self.device)
        self.view_cache.mark_requested(plan.view, plan.keys)
        with use_backend(self._backend, self.dtype):
            image, hits = self._image(plan, token, watch, draft_layer)
            still = None if request.residual == "none" else self._still_image(plan, token, draft_layer)
        check(token)
        if draft_layer is None and plan.view is not None and not request.tap.layer:
            self._shown[plan.view] = (request, plan.image_key)
        tier = Tier.FULL if draft_layer is None else Tier.DRAFT
        return self._present(plan, image, hits, watch, tier, token, still)

    def _still_image(self, plan: Plan, token: Token, draft_layer: int | None) -> Tensor:
        """Return the untransformed picture to compare with; it is cached separately."""
        still_plan = self.plan(_still(plan.request), still_view(plan.view))
        return self._image(still_plan, token, Stopwatch(self.device), draft_layer)[0]

    def preview(self, plan: Plan, token: Token = lambda: False) -> Result | None:
        """Return a draft other than by `draft_layer`: the last picture moved, or all layers in a narrower dtype.

        None if neither is representative, or not much faster than the picture itself.

        Raises:
            Cancelled: The token, which is polled between layers, requested it.
        """
        if plan.request.tap.layer or plan.has_image or plan.view is None or plan.request.residual != "none":
            return None
        watch = Stopwatch(self.device)
        image = self._moved(plan, watch)
        if image is None:
            image = self._narrow(plan, watch, token)
        return None if image is None else self._present(plan, image, 0, watch, Tier.DRAFT, token)

    def _moved(self, plan: Plan, watch: Stopwatch) -> Tensor | None:
        before, key = self._shown.get(plan.view, (None, b""))
        step = None if before is None else drafts.step_between(before, plan.request, self.generator.info)
        image = self.view_cache.image(plan.view, key) if step is not None else None
        if image is None or step is None:
            return None
        moved = drafts.move(image, step)
        watch.lap("last picture moved")
        return moved

    def _narrow(self, plan: Plan, watch: Stopwatch, token: Token) -> Tensor | None:
        dtype = drafts.narrower(self.dtype, self.device)
        # If most layers are cached, the picture itself is as fast.
        if dtype is None or self._backend == "reference" or plan.start > len(plan.keys) // 2:
            return None
        inputs = self._inputs(plan)
        with use_backend(self._backend, dtype):
            work = self._fold(plan, inputs, 0, len(self._layers) - 1, self._begin(plan, inputs))
            activation = run(work, lambda: check(token))
            image = self._shown_of(activation, plan, len(self._layers) - 1, False)
        watch.lap(f"draft in {str(dtype).removeprefix('torch.')}")
        return image

    def _present(
        self,
        plan: Plan,
        image: Tensor,
        hits: int,
        watch: Stopwatch,
        tier: Tier,
        token: Token,
        still: Tensor | None = None,
    ) -> Result:
        request, tap = plan.request, plan.request.tap
        work = self._finishing(plan, tier)
        shown = display.select_channels(image, tap)
        stats = None
        if tap.layer or tap.spectrum:
            stats = work.run("statistics", partial(display.stats_steps, tap.layer or "image", image, shown), token)
            watch.lap("statistics")
        moved = shown
        if still is not None:
            unmoved = display.select_channels(still, tap)
            left = work.run("residual", partial(residual, shown, unmoved, request.transform), token)
            paint = heat_picture if request.residual == "heat" else difference_picture
            moved = work.run("painted", partial(painted, left, paint), token)
            watch.lap("residual")
        elif request.untransform and request.transform is not None:
            moved = work.run("untransform", partial(untransform, shown, request.transform), token)
            watch.lap("untransform")
        graded = work.run("grade", partial(display.grade_steps, display.fit(moved, request.max_px), tap), token)
        pixels = display.present(graded)
        self._unfinished.pop(plan.view, None)
        watch.lap("present")
        timings = watch.stages()
        self.times.learn(timings)
        latents = FrameLatents(plan.styles.ws, plan.styles.base, plan.styles.centre)
        total = watch.total_ms + (0.0 if plan.styling.hit else plan.styling.ms)
        return Result(tier, image, pixels, latents, stats, (plan.styling, *timings), hits, total)

    def _finishing(self, plan: Plan, tier: Tier) -> Finishing:
        """Return the steps from a picture to its pixels; cancelled ones are resumed."""
        key = (plan.request, plan.image_key, tier)
        work = self._unfinished.get(plan.view)
        work = work if work is not None and work.key == key else Finishing(key)
        if plan.view is not None:
            self._unfinished[plan.view] = work
        return work

    def picture(self, request: RenderRequest) -> Tensor:
        """Render the final picture `[C, H, W]` float32 of a request, before clamping, without caching."""
        return run(self.steps(request))

    def steps(self, request: RenderRequest) -> Steps[Tensor]:
        """Render as `picture` does, in steps of a layer."""
        plan = self.plan(replace(request, tap=Tap(), untransform=False, residual="none"))
        steps = self._image_steps(plan, Stopwatch(self.device), None)
        while True:
            # Other work with its own backend policy may run in this thread between the steps.
            with use_backend(self._backend, self.dtype):
                try:
                    next(steps)
                except StopIteration as end:
                    image: Tensor = end.value[0]
                    return image
            yield

    def prepared(self, request: RenderRequest) -> tuple[Inputs, LayerEdits]:
        """Return what the network is given for a request, and its edits of single layers; nothing is cached."""
        plan = self.plan(replace(request, tap=Tap(), untransform=False, residual="none"))
        return self._inputs(plan), plan.edits

    def image(self, request: RenderRequest, view: Hashable = None) -> Tensor:
        """Render the picture `[C, H, W]` float32 of a request, before clamping, reusing what a view has cached."""
        plan = self.plan(replace(request, tap=Tap(), untransform=False, residual="none"), view)
        with use_backend(self._backend, self.dtype):
            return self._image(plan, lambda: False, Stopwatch(self.device), None)[0]

    def forget(self, view: Hashable) -> None:
        """Drop everything cached for a view."""
        self.view_cache.forget(view)
        self._shown.pop(view, None)
        self._unfinished.pop(view, None)

    def close(self) -> None:
        """Drop everything cached by this pipeline, and cache nothing more, whoever still holds it."""
        self.view_cache.close()
        self.picture_of = None
        self._shown.clear()
        self._unfinished.clear()

    def _image(self, plan: Plan, token: Token, watch: Stopwatch, draft_layer: int | None) -> tuple[Tensor, int]:
        """Return the tensor `[C, H, W]` to show and the number of reused stages; polls the token between layers."""
        return run(self._image_steps(plan, watch, draft_layer), lambda: check(token))

    def _image_steps(self, plan: Plan, watch: Stopwatch, draft_layer: int | None) -> Steps[tuple[Tensor, int]]:
        if plan.has_image and draft_layer is None:
            cached = self.view_cache.image(plan.view, plan.image_key)
            assert cached is not None  # `plan` was made just before
            watch.lap("synthesis", hit=True)
            return cached, len(plan.keys)
        stop = plan.last if draft_layer is None else draft_layer
        activation = yield from self._synthesize(plan, stop, watch)
        image = self._shown_of(activation, plan, stop, draft_layer is not None)
        if not bool(torch.isfinite(image.sum())):
            raise RenderError(
                "The generator's output is not finite.", "Lower psi, undo the last edit, or use float32."
            )
        if draft_layer is None:
            self.view_cache.store_image(plan.view, plan.image_key, image)
        return image, plan.start + 1

    def _synthesize(self, plan: Plan, stop: int, watch: Stopwatch) -> Steps[Activation]:
        """Run the layers up to `stop` from the last cached stage, in steps of a layer; return the activation."""
        inputs = self._inputs(plan)
        start, activation = plan.start, None
        if start >= 0:
            activation = self.view_cache.stage(plan.view, start, plan.keys[start])
            watch.lap("cached stages", hit=True)
        if activation is None:
            yield
            start, activation = 0, self._begin(plan, inputs)
            self.view_cache.store_stage(plan.view, 0, plan.keys, activation)
            watch.lap("input")
        if self._graphs is not None and start <= stop and not any(map(plan.edits.key, range(start, stop + 1))):
            noises = [self._noise(i, inputs.noise) for i in range(start, stop + 1)]
            recorded = self._graphs.run(start, stop, activation, inputs, noises)
            if recorded is not None:
                for i, result in enumerate(recorded, start):
                    self.view_cache.store_stage(plan.view, i + 1, plan.keys, result)
                watch.lap("recorded layers")
                return recorded[-1]

        def store(i: int, result: Activation) -> None:
            self.view_cache.store_stage(plan.view, i + 1, plan.keys, result)
            watch.lap(self._layers[i].info.name)

        return (yield from self._fold(plan, inputs, start, stop, activation, store))

    def _fold(
        self,
        plan: Plan,
        inputs: Inputs,
        start: int,
        stop: int,
        activation: Activation,
        after: Callable[[int, Activation], None] | None = None,
    ) -> Steps[Activation]:
        return fold_steps(
            self._layers,
            activation,
            inputs,
            start=start,
            stop=stop,
            edits=plan.edits,
            noise=lambda i: self._noise(i, inputs.noise),
            after=after,
        )

    def _inputs(self, plan: Plan) -> Inputs:
        request, transform = plan.request, None
        if request.transform is not None:
            # On the host, where it is inverted in float64 without waiting for a device.
            transform = torch.tensor(request.transform, dtype=torch.float64).reshape(3, 3)
        ws = torch.tensor(plan.styles.ws, device=self.device)[None]
        source = self._sources.source(request.source, request.crop) if request.live is None else self._live(request)
        masks = self._sources.masks(request.masks, request.crop)
        return Inputs(ws, transform, source, masks, request.noise.spec())

    def _live(self, request: RenderRequest) -> Tensor:
        """Return the picture of another network as the source."""
        live = request.live
        assert live is not None
        if self.picture_of is None:
            raise RequestError("The source is the picture of another view.", "Choose a picture as the source.")
        make = self.picture_of
        return self._sources.live(repr(live).encode(), lambda: make(live), request.crop)

    def _begin(self, plan: Plan, inputs: Inputs) -> Activation:
        activation = self.generator.begin(inputs, plan.edits)
        dtype = policy().dtype
        return activation if activation.x.dtype == dtype else activation.with_features(activation.x.to(dtype))

    def _noise(self, i: int, spec: NoiseSpec) -> Tensor | None:
        """Return the noise of layer i, from the cache if possible."""
        layer = self._layers[i]
        if not has_noise(layer.info, spec):
            return None
        key = noise_key(spec, layer.info.name)
        noise = self.view_cache.noise(i, key)
        if noise is None:
            noise = layer.noise(spec, 1)
            if noise is not None:
                self.view_cache.store_noise(i, key, noise)
        return noise

    def _shown_of(self, activation: Activation, plan: Plan, stop: int, is_draft: bool) -> Tensor:
        shown: Tensor | None
        if plan.request.tap.layer:
            picture = self.generator.preview(activation) if self._layers[stop].info.is_rgb else None
            shown = activation.x if picture is None else picture
        else:
            shown = self.generator.preview(activation) if is_draft else self.generator.rgb(activation)
        if shown is None or shown.ndim != 4:
            raise RenderError("The generator did not return a picture.", "Try another model.")
        return shown[0].float()


def _still(request: RenderRequest) -> RenderRequest:
    """Return the request without its motion."""
    return replace(request, transform=None, untransform=False, residual="none")
