"""The part `channels`: how much more the style channels found for a region change it than the rest."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import TYPE_CHECKING

from benchmarks.editing_places import PARTS, parts_of
from benchmarks.editing_row import Row

if TYPE_CHECKING:
    from benchmarks.editing_row import Setting

__all__ = ["measure"]

SEEDS, QUICK_SEEDS = (1, 2, 3, 5), (2,)
FIRST = 5
GOAL = 3.0


def measure(setting: Setting) -> Iterator[Row]:
    """Yield two rows for each model and region: of the first five channels, the mean ratio, and the least.

    A ratio is the mean absolute change inside the region by that outside, for a channel moved by five standard
    deviations. The mean is over the seeds too; the least is the median over the seeds of the least of the five.
    """
    from explorer.directions.style_space import ranking_spec
    from explorer.jobs.executors import run_inline
    from explorer.render.headless import open_model
    from explorer.state import Latent, Look

    for model in setting.models:
        renderer, info = open_model(model)
        ratios: dict[str, list[list[float]]] = {name: [] for name in PARTS}
        for seed in QUICK_SEEDS if setting.is_quick else SEEDS:
            look = Look(latent=Latent(seed=seed))
            places = parts_of(renderer.render_look(look).tensor.clone().clamp(-1.0, 1.0))
            for name, region in places.items():
                found = run_inline(ranking_spec(renderer.request(look), region), renderer.context)
                ratios[name].append([channel.ratio for channel in found[:FIRST]])
        for name, of_seeds in ratios.items():
            mean = statistics.fmean(ratio for five in of_seeds for ratio in five)
            least = statistics.median(min(five) for five in of_seeds)
            yield Row(f"channels of the {name}, mean", info.name, round(mean, 2), GOAL, "inside/outside")
            yield Row(f"channels of the {name}, least", info.name, round(least, 2), GOAL, "inside/outside")
