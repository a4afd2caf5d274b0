"""Resolves (state, view, network, time) to a RenderRequest; the one place where settings are clamped to limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from explorer.assets.latent import StoredMisfitError
from explorer.assets.picture import StoredMask, StoredPicture
from explorer.assets.table import AssetTable
from explorer.edits.registry import resolve_edits
from explorer.errors import LatentError, RequestError
from explorer.latents.seeds import SEED_COUNT, plane_corners
from explorer.latents.style import psi_of_entries
from explorer.state import (
    ASPECTS,
    Blend,
    BlendPoint,
    Classes,
    Crop,
    ExplorerState,
    Latent,
    Look,
    Mixing,
    Noise,
    Source,
    Tap,
    look_of,
)
from explorer.state.codec import MAX_WHOLE
from explorer.state.parameters import CONTROLS
from explorer.state.request import (
    KeyedArray,
    LatentPoint,
    ModelKey,
    NoiseRecipe,
    PointBlend,
    RenderRequest,
    RenderSettings,
    StyleRecipe,
)
from explorer.state.transforms import forward_matrix, is_identity
from explorer.util.sums import total_of
from explorer.util.view_marks import letter

if TYPE_CHECKING:
    from explorer.assets.latent import StoredLatent
    from explorer.generators.base import GeneratorInfo
    from explorer.render.results import ModelInfo

    Others = Callable[[int], ModelInfo | None]

__all__ = ["class_weights", "live_request", "resolve", "resolve_look"]

_OTHER_MODEL = "Use --model to name the model it was made with."


def resolve(
    state: ExplorerState,
    view: int,
    info: GeneratorInfo,
    time: float = 0.0,
    *,
    model: ModelKey,
    settings: RenderSettings | None = None,
    table: AssetTable | None = None,
    others: Others | None = None,
) -> RenderRequest:
    """Return the complete request for one view. Pure: equal arguments give equal requests.

    Args:
        state: The user's settings.
        view: Number of the view.
        info: Limits of the view's network; values beyond them are clamped here, and stay in the state.
        time: Seconds on the clock, for animated transforms.
        model: Key of the network.
        settings: Device, precision, kernels.
        table: The state's stored latents.
        others: Tells the networks of other views, whose pictures may be the source.

    Raises:
        RequestError: A value is not finite, the transform cannot be inverted, or the source's view has no picture.
        LatentError: A stored latent is missing or does not fit the network.
    """
    live = live_request(state, view, info, time, settings=settings, table=table, others=others)
    return resolve_look(
        look_of(state, view), state.views[view].tap, info, time, model=model, settings=settings, table=table,
        live=live,
    )  # fmt: skip


def live_request(
    state: ExplorerState,
    view: int,
    info: GeneratorInfo,
    time: float = 0.0,
    *,
    settings: RenderSettings | None = None,
    table: AssetTable | None = None,
    others: Others | None = None,
    before: tuple[int, ...] = (),
) -> RenderRequest | None:
    """Return the request of the picture that is a view's source; None unless that is another view's.

    Args:
        state: As for `resolve`, like the other arguments.
        view: The view whose source it is.
        info: Its network.
        time: Seconds on the clock.
        settings: Device, precision, kernels.
        table: The state's stored assets.
        others: Tells the networks of other views.
        before: Views whose sources lead here.

    Raises:
        RequestError: That view has no network, or its picture is made from this one's.
        LatentError: Its stored latent is missing or does not fit its network.
    """
    number = look_of(state, view).source.view
    if not info.source_channels or number < 0:
        return None
    if number in (view, *before):
        raise RequestError("The view would be its own source.", "Choose another view, or a picture.")
    model = others(number) if others is not None and number < len(state.views) else None
    if model is None:
        raise RequestError(
            f"The source is the picture of view {letter(number)}, which has no model.",
            "Open a model there, or choose a picture.",
        )
    live = live_request(
        state, number, model.info, time, settings=settings, table=table, others=others, before=(*before, view)
    )
    return resolve_look(
        look_of(state, number), Tap(), model.info, time, model=model.key, settings=settings, table=table, live=live
    )


def resolve_look(
    look: Look,
    tap: Tap,
    info: GeneratorInfo,
    time: float = 0.0,
    *,
    model: ModelKey,
    settings: RenderSettings | None = None,
    table: AssetTable | None = None,
    live: RenderRequest | None = None,
) -> RenderRequest:
    """Resolve a look without the state of a window: for commands, thumbnails and animations."""
    for name in ASPECTS:
        if name != "edits":
            _check_finite(getattr(look, name), name)
    for number, edit in enumerate(look.edits):  # one by one: the strength of one changes, the values of others stay
        _check_finite(edit.value, f"edits[{number}]")
        _check_finite(edit.strength, f"edits[{number}].strength")
    _check_finite(tap, "tap")
    if not math.isfinite(time):
        raise RequestError("The time is not a finite number.", "Stop the animation and start it again.")
    matrix = forward_matrix(look.transform, time)
    return RenderRequest(
        model=model,
        settings=settings or RenderSettings(),
        style=_StyleResolver(info, model, table, class_weights(look.classes, info)).style(look),
        noise=_noise(look.noise, info),
        transform=None if is_identity(matrix) else matrix,
        source=None if live is not None else _source(look.source, info, table),
        live=live,
        masks=_masks(look.source, info, table),
        crop=None if look.source.crop == Crop() or not info.source_channels else look.source.crop,
        tap=_tap(tap, info),
        untransform=look.transform.untransform and not is_identity(matrix),
        residual="none" if tap.layer else look.transform.residual,
    )


@lru_cache(maxsize=512)
def _check_finite(value: object, path: str) -> None:
    """Raise `RequestError` naming the first number in a dataclass or tuple that is not finite or too large."""
    # NaN never equals itself and would defeat every comparison of requests. Aspects are checked once each: walking
    # through an editor's 512 offsets at every step of another slider would cost more than everything else here.
    for name, number in _numbers(value, path):
        if isinstance(number, int):
            if abs(number) > MAX_WHOLE:
                raise RequestError(
                    f"{name} is an integer that is too large.", "Undo, or reset that control to its default."
                )
            continue
        if not math.isfinite(number):
            raise RequestError(
                f"{name} is {number}, which is not a finite number.",
                "Undo, or reset that control to its default.",
                command="Give a number such as 0.7.",
            )


def _numbers(value: object, path: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, (int, float)):  # an integer beyond float's range would overflow later
        yield path, value
    elif isinstance(value, tuple):
        for i, item in enumerate(value):
            yield from _numbers(item, f"{path}[{i}]")
    elif is_dataclass(value):
        for f in fields(value):
            yield from _numbers(getattr(value, f.name), f"{path}.{f.name}")


@dataclass(frozen=True, slots=True)
class _StyleResolver:
    """Turns latents and edits of the state into recipes for one network.

    Attributes:
        info: The network's limits.
        model: The network.
        table: The state's stored latents.
        weights: (class, weight) of the request; also of the latents of a blend.
    """

    info: GeneratorInfo
    model: ModelKey
    table: AssetTable | None
    weights: tuple[tuple[int, float], ...]

    def style(self, part: Look | BlendPoint) -> StyleRecipe:
        """Return what determines the final `ws`: latent, truncation, mixing and edits."""
        info, truncation = self.info, part.truncation
        sources, mix = self.mixing(part.mixing)
        return StyleRecipe(
            base=self.point(part.latent),
            class_weights=self.weights,
            sources=sources,
            mix=mix,
            psi=psi_of_entries(info.num_ws, truncation.psi, truncation.cutoff, truncation.layer_psi),
            edits=resolve_edits(part.edits, info, self.table, self.model.sha256),
        )

    def point(self, latent: Latent) -> LatentPoint:
        """Return a latent as the input of the mapping network."""
        corners = plane_corners(latent.seed, latent.x, latent.y)
        if not latent.stored and latent.blend is None:
            return LatentPoint(corners)
        weights = dict(corners)
        origin = latent.seed % SEED_COUNT
        weights[origin] = weights.get(origin, 0.0) - 1.0
        seeds = tuple((seed, weight) for seed, weight in weights.items() if weight != 0.0)
        if latent.blend is not None:
            return LatentPoint(seeds, blend=self.blend(latent.blend))
        picture = None if self.table is None else self.table.find(StoredPicture, latent.stored)
        if picture is not None:
            if not self.info.encodes_style:
                raise _no_encoder(latent.stored, picture)
            return LatentPoint(seeds, _keyed(picture), "picture")
        stored = self.stored(latent.stored)
        if isinstance(stored, Latent):
            return LatentPoint(seeds, blend=self.blend(Blend("w", (BlendPoint(stored, 1.0),))))
        return LatentPoint(seeds, KeyedArray(stored.digest, stored.array), stored.space)

    def blend(self, blend: Blend) -> PointBlend:
        """Return a weighted sum of latents. Raises LatentError."""
        if not blend.points:
            raise LatentError("The blend has no points.", "Choose a seed.")
        parts = tuple((self.part(point, blend.space), point.weight) for point in blend.points)
        # Points between the plane's seeds have no z: they are blended by their w, like the plane itself.
        space = "w" if blend.space == "z" and not all(_has_z(part.base) for part, _ in parts) else blend.space
        return PointBlend(space, parts, blend.spherical)

    def part(self, point: BlendPoint, space: str) -> StyleRecipe:
        """Return the recipe of one latent of a blend; its style only counts in the space `ws`."""
        return self.style(point) if space == "ws" else StyleRecipe(self.point(point.latent), self.weights)

    def stored(self, key: str) -> StoredLatent | Latent:
        """Return a stored latent for this network: its numbers, or its recipe if they belong to another network."""
        if self.table is None:
            raise LatentError(f"The stored latent {key!r} is not available.", "Choose a seed.")
        latent, info = self.table.latent(key), self.info
        wanted = {"z": (info.z_dim,), "w": (info.w_dim,), "ws": (info.num_ws, info.w_dim)}[latent.space]
        is_foreign = latent.space != "z" and bool(latent.model_sha) and latent.model_sha != self.model.sha256
        if latent.array.shape == wanted and not is_foreign:
            return latent
        if latent.recipe is not None:
            return latent.recipe
        raise _misfit(key, latent, wanted, info)

    def mixing(self, mixing: Mixing) -> tuple[tuple[LatentPoint, ...], tuple[tuple[int, int, float], ...]]:
        """Return only the sources that a row uses, and the rows that this network has, clamped to 0..1."""
        numbers: dict[int, int] = {}  # the state's source number -> the request's
        rows = []
        for row in mixing.rows:
            amount = CONTROLS["mixing.amount"].clamped(row.amount)
            if amount > 0.0 and 0 <= row.layer < self.info.num_ws and 0 <= row.source < len(mixing.sources):
                rows.append((row.layer, numbers.setdefault(row.source, len(numbers)), amount))
        sources = tuple(self.point(s.latent) for s in (mixing.sources[number] for number in numbers))
        return sources, tuple(rows)


def _misfit(key: str, latent: StoredLatent, wanted: tuple[int, ...], info: GeneratorInfo) -> StoredMisfitError:
    name, shape = latent.name or key, latent.array.shape
    message = f"The latent {name} was made with another model."
    if shape != wanted:
        message = f"The latent {name} has the shape {shape}; this network's {latent.space} has {wanted}."
    fits = latent.space != "z" and shape[-1] == info.w_dim
    first = "Convert it to this model" if fits else "Unlink it from this view"
    return StoredMisfitError(message, f"{first}, or choose a seed.", key, is_convertible=fits, command=_OTHER_MODEL)


def _no_encoder(key: str, picture: StoredPicture) -> StoredMisfitError:
    message = f"This network cannot take the style of a picture, such as {picture.name or key}."
    return StoredMisfitError(
        message, "Choose a seed, or unlink the latent from this view.", key, is_convertible=False
    )


def _has_z(point: LatentPoint) -> bool:
    """Return whether a point is one input of the mapping network: a seed, a stored z, or a blend of such."""
    if point.blend is not None:
        return not point.seeds and point.blend.space == "z"
    if point.stored is not None:
        return not point.seeds and point.space == "z"
    return len(point.seeds) == 1 and point.seeds[0][1] == 1.0


def class_weights(classes: Classes, info: GeneratorInfo) -> tuple[tuple[int, float], ...]:
    """Return the classes that a network shows, in order, with weights that sum to 1; empty if it has none."""
    if info.c_dim == 0:
        return ()
    weights: dict[int, float] = {}
    for index, weight in classes.weights:
        if 0 <= index < info.c_dim and weight > 0.0:
            weights[index] = weights.get(index, 0.0) + weight
    total = total_of(weights.values())
    if not total > 0.0:
        return ((0, 1.0),)
    return tuple(sorted((index, weight / total) for index, weight in weights.items()))


def _source(source: Source, info: GeneratorInfo, table: AssetTable | None) -> KeyedArray | None:
    """Return the source picture, None if there is none or the network takes none. Raises AssetError."""
    if not info.source_channels:
        return None
    if source.view >= 0:
        raise RequestError(
            "The source is the picture of another view, which is not known here.", "Choose a picture as the source."
        )
    if not source.picture:
        return None
    return _keyed((table or AssetTable()).of(StoredPicture, source.picture))


@lru_cache(maxsize=4)
def _keyed(asset: StoredPicture | StoredMask) -> KeyedArray:
    """Return the array of an asset: the same object for the same asset, so that a job carries it once."""
    return KeyedArray(asset.digest, asset.array)


def _masks(source: Source, info: GeneratorInfo, table: AssetTable | None) -> tuple[KeyedArray, ...]:
    """Return the masks of an image-to-image network, all or none. Raises AssetError, RequestError."""
    if not info.num_masks or not any(source.masks):
        return ()
    if len(source.masks) != info.num_masks:
        count = len(source.masks)
        raise RequestError(f"This network takes {info.num_masks} masks, not {count}.", "Give it all, or none.")
    return tuple(_keyed((table or AssetTable()).of(StoredMask, key)) for key in source.masks)


def _noise(noise: Noise, info: GeneratorInfo) -> NoiseRecipe:
    if not info.has_noise or noise.mode == "none" or noise.strength == 0.0:
        return NoiseRecipe("none", 0, 0.0)
    names = {layer.name for layer in info.layers if layer.has_noise}
    strengths = _sorted_known(noise.layer_strengths, names)
    return NoiseRecipe(noise.mode, noise.seed if noise.mode == "random" else 0, noise.strength, strengths)


def _sorted_known(pairs: Iterable[tuple[str, float]], names: set[str]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted((name, factor) for name, factor in pairs if name in names and factor != 1.0))


def _tap(tap: Tap, info: GeneratorInfo) -> Tap:
    channels = {layer.name: layer.channels for layer in info.layers}
    changes: dict[str, Any] = {}
    if tap.layer not in channels:
        # The final picture: its channels are RGB, so there is no channel to choose.
        changes = {"layer": "", "channels": "rgb", "first_channel": 0}
        if not tap.spectrum:
            changes["normalize"] = True
    else:
        last = channels[tap.layer] - (3 if tap.channels == "rgb" and channels[tap.layer] >= 3 else 1)
        changes = {"first_channel": 0 if tap.channels == "norm" else min(max(tap.first_channel, 0), last)}
    return replace(tap, scale_db=CONTROLS["tap.scale_db"].clamped(tap.scale_db), **changes)
