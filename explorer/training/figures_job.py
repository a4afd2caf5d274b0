"""The job of a card's figures: opens the model and its data, and measures the one against the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from explorer.analysis.feature_networks import NAMES, networks
from explorer.checkpoints import build_generator, load, resolve_model
from explorer.errors import UsageError
from explorer.jobs.job import JobSpec, Report
from explorer.jobs.pushed import pushed
from explorer.training.critters.pack import pack
from explorer.training.datasets import Critters, Dataset, open_data
from explorer.training.evaluate import Figures, Request, fresh_like, measure
from explorer.util.user_folders import usable_cache_folder

if TYPE_CHECKING:
    from explorer.jobs.job import Job, JobContext

__all__ = ["figures", "figures_spec"]

_PICTURES = 16_000  # of the critters the bundled generators were trained on


def figures_spec(model: str, data: str, request: Request, features: tuple[str, ...] = ()) -> JobSpec:
    """Return the spec of a job that measures a model's figures.

    Args:
        model: A checkpoint file, or the name of a bundled model.
        data: "critters", packed `.npy` files with commas between, or a folder.
        request: How much.
        features: Names of the feature networks; without any, those that fit the data.
    """
    options = {"model": model, "data": data, "features": list(features), "request": asdict(request)}
    return JobSpec("figures", options=options)


def figures(context: JobContext | None, spec: JobSpec) -> Job[Figures | None]:
    """Do `figures_spec`: report how far each stage is, and in the end the `Figures`.

    Raises:
        UsageError: The data or the networks do not fit.
        LatentwalkError: The model or the data cannot be read.
    """
    options = spec.options
    request = Request(**options["request"])
    checkpoint = load(resolve_model(options["model"]))
    generator = build_generator(checkpoint)
    data: Dataset
    resolution = generator.info.img_size[1]
    if options["data"] == "critters":
        path = usable_cache_folder() / "critters" / f"critters-{resolution}-{_PICTURES}.npy"
        if not path.exists():
            yield Report(None, 0, 1, note=f"rendering {_PICTURES:,} critters once into {path}")
            pack(path, _PICTURES, resolution)
        data = Critters([path])
    else:
        data = open_data(options["data"], resolution)
    using = _networks(data, tuple(options["features"]), request, options["data"])

    def work(report: Callable[[Report[Any]], None]) -> Figures:
        return measure(generator, fresh_like(checkpoint), data, using, request, report)

    found = yield from pushed(work)
    yield Report(found, 1, 1)


def _networks(data: Dataset, names: tuple[str, ...], request: Request, source: str) -> list[Any]:
    if request.samples and len(data) < 2:
        raise UsageError(f"{source} holds one picture only.", "A Frechet distance needs two halves of the data.")
    names = names or (NAMES if isinstance(data, Critters) else NAMES[:1])
    if unknown := set(names) - set(NAMES):
        raise UsageError(f"--features {', '.join(sorted(unknown))}: known are {' and '.join(NAMES)}.")
    return networks(names) if request.samples else []
