"""A kind of edit and a metric, as a package of its own adds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from explorer.analysis.estimate import Estimate, RatioSum
from explorer.analysis.registry import Metric, Samples
from explorer.edits import EditKind, EditValue, Placed, ResolvedEdit
from explorer.generators.base import GeneratorInfo, LayerInfo
from explorer.jobs.job import JobContext, Report
from explorer.state.request import LatentPoint, RenderRequest


@dataclass(frozen=True, slots=True)
class Swell(EditValue):
    """Makes the styles of a model's layer `number` larger."""

    kind: ClassVar[str] = "swell"

    number: int = 0


class SwellKind(EditKind[Swell]):
    """Multiplies by `1 + strength`."""

    name, title, stage, value = "swell", "Swell", "s", Swell

    def resolve(self, value: Swell, info: GeneratorInfo, assets: object) -> Placed | None:
        if not 0 <= value.number < len(info.layers):
            return None
        name = info.layers[value.number].name
        return Placed(name.encode(), None, (name,))

    def apply(self, target: Tensor, edit: ResolvedEdit, layer: LayerInfo | None) -> Tensor:
        return target * (1 + edit.strength)


class Brightness:
    """The mean of all pixels of random pictures."""

    def collect(self, context: JobContext, request: RenderRequest, samples: Samples) -> Iterator[Any]:
        for done, number in enumerate(samples.numbers, start=1):
            seed = LatentPoint(seeds=((samples.seed + number, 1.0),))
            picture = yield from context.steps(request.with_base(seed))
            yield Report(float(picture.mean()), done, samples.count)

    def total(self, metric: str, info: GeneratorInfo) -> Mean:
        return Mean()


class Mean:
    """The mean of records and its error."""

    def __init__(self) -> None:
        self.sum = RatioSum()

    def add(self, record: float) -> None:
        self.sum.add(record, 1.0)

    def estimate(self) -> Estimate:
        return Estimate(self.sum.ratio, self.sum.stderr, "of 1", self.sum.count)


BRIGHTNESS = Metric(
    "brightness", "Brightness", "Mean of all pixels", "of 1", higher_is_better=True, samples=8, sampler=Brightness()
)
