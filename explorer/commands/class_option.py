"""The option `--class`, shared by all commands that show a conditional model: by number or name, or several."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.errors import UsageError
from explorer.state import Classes
from explorer.util import console
from explorer.util.command_line import did_you_mean
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from explorer.render.results import ModelInfo

__all__ = ["ModelClasses", "add_class_option", "classes_from", "classes_of_file"]

_SHOWN = 8  # names in a message


@dataclass(frozen=True, slots=True)
class ModelClasses:
    """The classes of a model: their `count` (0: unconditional), and their names if the file has them."""

    model: str
    count: int
    names: tuple[str, ...] = ()

    @staticmethod
    def of(model_info: ModelInfo) -> ModelClasses:
        """Return the classes of a loaded model."""
        return ModelClasses(model_info.name, model_info.info.c_dim, model_info.class_names)

    def describe(self, index: int) -> str:
        """Return the display name of a class: `2 (fox)`."""
        return f"{index} ({visible(self.names[index], 40)})" if index < len(self.names) else str(index)

    def index_of(self, text: str) -> int:
        """Return the number of the class given as `text`, a number or name.

        Raises:
            UsageError: There is no such class.
        """
        if text.isascii() and text.isdecimal() and len(text) < 10 and int(text) < self.count:
            return int(text)
        if text in self.names:
            return self.names.index(text)
        name = visible(self.model, 60)
        known = ", ".join(visible(other, 40) for other in self.names[:_SHOWN])
        more = " and more" if len(self.names) > _SHOWN else ""
        names = f": {known}{more}" if known else ""
        raise UsageError(
            f"--class {text}: {name} has classes 0 to {self.count - 1}{names}.", did_you_mean(text, self.names)
        )


def add_class_option(parser: argparse.ArgumentParser) -> None:
    """Declare `--class`."""
    parser.add_argument(
        "--class", "--domain", dest="class_name", metavar="K[:WEIGHT],...",
        help="class or domain of a model, by number or name (default: the first one), or several with weights",
    )  # fmt: skip


def classes_of_file(model: str) -> ModelClasses:
    """Return the classes of a file or a bundled model, without reading its weights. Raises CheckpointError."""
    from explorer.checkpoints import inspect, resolve_model

    summary = inspect(resolve_model(model))
    count, names = summary["classes"], summary["class_names"]
    known = tuple(names) if isinstance(names, list) else ()
    return ModelClasses(str(summary["name"]), count if isinstance(count, int) else 0, known)


def classes_from(text: str | None, models: Sequence[ModelClasses]) -> Classes:
    """Return the classes for `--class text`; without it, print the default class to standard error.

    Raises:
        UsageError: No model has classes, a model lacks the class, or the name has another number in another model.
    """
    conditional = [model for model in models if model.count]
    if text is None:
        for model in dict.fromkeys(conditional):
            name = visible(model.model, 60)
            console.note(
                f"latentwalk: {name} has {model.count} classes; class {model.describe(0)} is shown. "
                "Choose another one with --class."
            )
        return Classes()
    if not conditional:
        which = "the model has" if len(models) == 1 else "the models have"
        raise UsageError(f"--class {text}: {which} no classes.", "Leave it out.")
    return Classes(tuple((_index_in_all(part, conditional), weight) for part, weight in _parts(text, conditional)))


def _parts(text: str, models: Sequence[ModelClasses]) -> list[tuple[str, float]]:
    """Return the classes in `text` with their weights; a name may hold commas and colons."""
    if any(text in model.names for model in models):
        return [(text, 1.0)]
    parts = []
    for part in text.split(","):
        name, colon, number = part.rpartition(":")
        if not colon or any(part in model.names for model in models):
            parts.append((part, 1.0))
            continue
        try:
            weight = float(number)
        except ValueError:
            weight = math.nan
        if not 0.0 < weight < math.inf:
            raise UsageError(f"--class {text}: {number!r} is not a weight.", "Weights are positive: 0:2,1:1.")
        parts.append((name, weight))
    return parts


def _index_in_all(text: str, conditional: Sequence[ModelClasses]) -> int:
    """Return the number of a class, the same in all models. Raises UsageError."""
    found = {model.index_of(text) for model in conditional}
    if len(found) > 1:
        where = " and ".join(f"{model.index_of(text)} in {visible(model.model, 60)}" for model in conditional)
        raise UsageError(f"--class {text} is class {where}.", "Give a number, which then applies to all of them.")
    return found.pop()
