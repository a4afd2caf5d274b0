"""Mean and standard deviation of every style channel over a model's random latents, cached under the model's hash.

The standard deviations are the unit of edits in space s (StyleSpace, Wu et al. 2021).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from explorer.directions.samples import SIGMA_SAMPLES, mapped, styles_of
from explorer.edits.base import INPUT_LAYER
from explorer.util.array_cache import ArrayCache
from explorer.util.report import Report

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.generators.base import Generator, GeneratorInfo
    from explorer.jobs.job import Job, JobContext, JobSpec

__all__ = ["CACHE", "StyleStatistics", "measured", "recall", "remember", "statistics", "widths_of"]

CACHE = ArrayCache("styles", 64 << 20)
"""Ten thousand channels take 80 KB."""


@dataclass(frozen=True, slots=True, eq=False)
class StyleStatistics:
    """Mean and standard deviation `[style_dim]` float32 of the styles by layer; `INPUT_LAYER` is the input."""

    mean: Mapping[str, NDArray[np.float32]]
    sigma: Mapping[str, NDArray[np.float32]]


def widths_of(info: GeneratorInfo) -> dict[str, int]:
    """Return the number of styles of the input, if it has any, and of each styled layer, in order."""
    first = {INPUT_LAYER: info.input_style_dim} if info.input_style_dim else {}
    return first | {layer.name: layer.style_dim for layer in info.styled_layers}


def measured(generator: Generator, samples: int = SIGMA_SAMPLES) -> Job[StyleStatistics | None]:
    """Report the statistics over `samples` untruncated random latents, one layer's styles of a batch a step."""
    styles = styles_of(generator)
    sums = {name: torch.zeros(2, width, dtype=torch.float64) for name, width in widths_of(generator.info).items()}
    with torch.no_grad():  # near the mean, so that no digits are lost
        centre = {name: style(generator.w_avg[None].float()).double().cpu() for name, style in styles.items()}
    done, total = 0, samples * len(styles)
    for w in mapped(generator, samples):
        for name, style in styles.items():
            with torch.no_grad():
                x = style(w).double().cpu() - centre[name]
                sums[name] += torch.stack([x.sum(dim=0), x.square().sum(dim=0)])
            done += len(w)
            if done < total:
                yield Report(None, done, total)
    mean, sigma = {}, {}
    for name, (first, second) in sums.items():
        shift = first / samples
        mean[name] = (shift + centre[name][0]).float().numpy()
        sigma[name] = (second / samples - shift.square()).clamp_min(0.0).sqrt().float().numpy()
    yield Report(StyleStatistics(mean, sigma), total, total)


def statistics(context: JobContext | None, spec: JobSpec) -> Job[StyleStatistics | None]:
    """Run the job `style-statistics` of the spec's model: from the cache, or measured and cached."""
    assert context is not None
    assert spec.request is not None
    sha = spec.request.model.sha256
    known = recall(sha, context.generator.info)
    if known is not None:
        yield Report(known, 1, 1)
        return
    for report in measured(context.generator):
        if report is not None and report.value is not None:
            remember(sha, report.value)
        yield report


# -- cache -----------------------------------------------------------------------------------------------------


def _key(model_sha: str) -> dict[str, object]:
    return {"model": model_sha, "samples": SIGMA_SAMPLES}


def recall(model_sha: str, info: GeneratorInfo) -> StyleStatistics | None:
    """Return the cached statistics of a model, or None; a damaged file, or one of other sizes, counts as none."""
    stored = CACHE.recall(_key(model_sha)) if model_sha else None
    if stored is None or not stored.keys() >= {"mean", "sigma"}:
        return None
    widths = widths_of(info)
    for array in (stored["mean"], stored["sigma"]):
        if array.shape != (sum(widths.values()),) or array.dtype != np.float32 or not np.isfinite(array).all():
            return None
    if (stored["sigma"] < 0.0).any():
        return None
    ends = np.cumsum(list(widths.values()))[:-1]
    parts = (dict(zip(widths, np.split(stored[name], ends), strict=True)) for name in ("mean", "sigma"))
    return StyleStatistics(*parts)


def remember(model_sha: str, found: StyleStatistics) -> None:
    """Cache the statistics of a model if there is room; models without a hash have no cache."""
    if model_sha:
        mean, sigma = (np.concatenate(list(part.values())) for part in (found.mean, found.sigma))
        CACHE.remember(_key(model_sha), {"mean": mean, "sigma": sigma})
