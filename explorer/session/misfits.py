"""Remedies for a stored latent that does not fit the network of a view. GUI thread only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from explorer.assets.latent import StoredMisfitError
from explorer.latents.files import convert_to
from explorer.state import ExplorerState, Latent, Look, Mixing, MixSource, Snapshot, Timeline, ViewState, look_of
from explorer.util.view_marks import letter

if TYPE_CHECKING:
    from explorer.session.core import SessionCore

__all__ = ["Misfits", "cured"]

Change = Callable[[Latent], Latent]
"""Maps a latent that refers to the misfit to its replacement."""


class Misfits:
    """Remedies for a session's `StoredMisfitError`, each of them one undo step."""

    def __init__(self, session: SessionCore) -> None:
        self._session = session

    def offers(self, view: int, error: object) -> list[tuple[str, Callable[[], object]]]:
        """Return the remedies for an error of a view, as (button text, action)."""
        state = self._session.state
        if not isinstance(error, StoredMisfitError) or view >= len(state.views):
            return []
        key = error.key
        found: list[tuple[str, Callable[[], object]]] = []
        aspects = _aspects_of(look_of(state, view), key) & state.views[view].linked
        if aspects and len(state.views) > 1:
            what = "style mixing" if aspects == {"mixing"} else "latent"
            text = f"Unlink {what} in {letter(view)}"
            found.append((text, partial(self._cure, text, view, key, _seed, unlink=True)))
        if error.is_convertible:
            found.append(("Convert to this model", partial(self._convert, view, key)))
        seeds = [latent.seed for latent in _latents_on(look_of(state, view), key)]
        if seeds:
            text = f"Use seed {seeds[0]}"
            found.append((text, partial(self._cure, text, view, key, _seed, unlink=False)))
        return found

    def _convert(self, view: int, key: str) -> None:
        """Convert the latent for the view's own model; other views keep theirs."""
        model_info = self._session.model_info(view)
        if model_info is not None:
            latent = self._session.table.latent(key)
            made = self._session.table.add(convert_to(latent, model_info.info, model_info.sha256))
            self._cure("Convert latent", view, key, lambda latent: replace(latent, stored=made), unlink=True)

    def _cure(self, name: str, view: int, key: str, change: Change, *, unlink: bool) -> None:
        self._session.store.update(cured(self._session.state, view, key, change, unlink=unlink), name)


def cured(state: ExplorerState, view: int, key: str, change: Change, *, unlink: bool) -> ExplorerState:
    """Return the state, including its timeline, with references to the stored latent `key` replaced in a view.

    Args:
        state: The state to change.
        view: The view that cannot use the latent.
        key: Id of the stored latent.
        change: Maps a latent that refers to it to its replacement.
        unlink: Whether to unlink the view in the changed aspects, so that other views keep theirs.
    """
    cure = partial(_cured_views, view=view, key=key, change=change, unlink=unlink)
    shared, views = cure(state.shared, state.views)
    return replace(state, shared=shared, views=views, timeline=_cured_timeline(state.timeline, cure))


Cure = Callable[[Look, tuple[ViewState, ...]], tuple[Look, tuple[ViewState, ...]]]


def _cured_timeline(timeline: Timeline, cure: Cure) -> Timeline:
    def of(snapshot: Snapshot) -> Snapshot:
        return Snapshot(*cure(snapshot.shared, snapshot.views))

    keys = tuple(replace(key, pose=of(key.pose)) for key in timeline.keys)
    performance = tuple(replace(sample, pose=of(sample.pose)) for sample in timeline.performance)
    aside = timeline.aside and _cured_timeline(timeline.aside, cure)
    made = replace(timeline, keys=keys, performance=performance, aside=aside)
    return timeline if made == timeline else made


def _cured_views(
    shared: Look, views: tuple[ViewState, ...], *, view: int, key: str, change: Change, unlink: bool
) -> tuple[Look, tuple[ViewState, ...]]:
    if view >= len(views):
        return shared, views
    v = views[view]
    look = look_of(ExplorerState(shared, views), view)
    found = _aspects_of(look, key)
    linked = v.linked & found
    new = {name: getattr(_changed(look, key, change), name) for name in found}
    if linked and unlink:
        # A drift moves the latent, so both are unlinked together.
        gone = found | ({"drift"} if "latent" in found else set())
        own = replace(v.own, **{name: getattr(look, name) for name in gone} | new)
        v = replace(v, unlinked=v.unlinked | gone, own=own)
    else:
        shared = replace(shared, **{name: new[name] for name in linked})
        v = replace(v, own=replace(v.own, **{name: new[name] for name in found - linked}))
    return shared, (*views[:view], v, *views[view + 1 :])


def _aspects_of(look: Look, key: str) -> frozenset[str]:
    """Return the aspects of a look that refer to a stored latent."""
    parts = {"latent": [look.latent], "mixing": [source.latent for source in look.mixing.sources]}
    return frozenset(name for name, latents in parts.items() if any(_refers_to(k, key) for k in latents))


def _refers_to(latent: Latent, key: str) -> bool:
    points = latent.blend.points if latent.blend is not None else ()
    return latent.stored == key or any(
        _refers_to(p.latent, key) or any(_refers_to(s.latent, key) for s in p.mixing.sources) for p in points
    )


def _latents_on(look: Look, key: str) -> list[Latent]:
    """Return the latents of a look, including those in blends, that are or start from the stored one."""
    level, found = [look.latent, *(source.latent for source in look.mixing.sources)], []
    while level:
        found += [latent for latent in level if latent.stored == key]
        points = [point for latent in level if latent.blend is not None for point in latent.blend.points]
        level = [p.latent for p in points] + [s.latent for p in points for s in p.mixing.sources]
    return found


def _changed(look: Look, key: str, change: Change) -> Look:
    return replace(look, latent=_latent(look.latent, key, change), mixing=_mixing(look.mixing, key, change))


def _mixing(mixing: Mixing, key: str, change: Change) -> Mixing:
    return replace(mixing, sources=tuple(MixSource.of(_latent(s.latent, key, change)) for s in mixing.sources))


def _latent(latent: Latent, key: str, change: Change) -> Latent:
    """Return a latent with every reference to the stored one replaced."""
    if latent.stored == key:
        return change(latent)
    if latent.blend is None:
        return latent
    points = tuple(
        replace(p, latent=_latent(p.latent, key, change), mixing=_mixing(p.mixing, key, change))
        for p in latent.blend.points
    )
    return replace(latent, blend=replace(latent.blend, points=points))


def _seed(latent: Latent) -> Latent:
    return replace(latent, stored="")
