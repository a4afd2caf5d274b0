"""A grid of sources against styles: what its rows and columns are, and the looks of its cells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from explorer.state.latents import Latent
from explorer.state.look import Classes, Source
from explorer.util.asset_ids import AssetId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.state.look import Look

__all__ = ["GridStyle", "RestyleGrid", "sources_of", "styles_of"]


@dataclass(frozen=True, slots=True)
class RestyleGrid:
    """The settings of a grid.

    `view`: whose network makes it. `sources`: pictures that are the rows; none: the view's own source.
    `references`: pictures whose styles are columns, before those of `seeds`; none of either: the view's own style.
    `each_class`: every column once for each class.
    """

    view: int = 0
    sources: tuple[AssetId, ...] = ()
    references: tuple[AssetId, ...] = ()
    seeds: tuple[int, ...] = ()
    each_class: bool = False


@dataclass(frozen=True, slots=True)
class GridStyle:
    """A column: its latent, the reference or the seed that it is of, if any, and its class; -1 for the view's."""

    latent: Latent
    reference: str = ""
    seed: int = -1
    label: int = -1

    def of(self, look: Look) -> Look:
        """Return the look with this style."""
        classes = look.classes if self.label < 0 else Classes(((self.label, 1.0),))
        return replace(look, latent=self.latent, classes=classes, drift=0.0)


def sources_of(grid: RestyleGrid, own: Source) -> tuple[Source, ...]:
    """Return the sources of the rows; `own`: the view's, whose crop and masks belong to its own picture alone."""
    return tuple(own if key == own.picture and own.view < 0 else Source(key) for key in grid.sources) or (own,)


def styles_of(grid: RestyleGrid, own: Latent, classes: Sequence[int]) -> tuple[GridStyle, ...]:
    """Return the columns; `own`: the view's latent, `classes`: all classes of its network."""
    found = [GridStyle(Latent(stored=key), key) for key in grid.references]
    found += [GridStyle(Latent(seed), seed=seed) for seed in grid.seeds]
    found = found or [GridStyle(own)]
    if not grid.each_class or not classes:
        return tuple(found)
    return tuple(replace(style, label=label) for style in found for label in classes)
