"""The directions that the program finds in every model: principal components of w, SeFa, and the camera's."""

from __future__ import annotations

import logging
from collections.abc import Generator as Iteration
from collections.abc import Sequence
from typing import TYPE_CHECKING

from explorer.directions.files import load_directions, npz_arrays
from explorer.directions.ganspace import ganspace
from explorer.directions.sefa import sefa
from explorer.errors import LatentwalkError
from explorer.util.array_cache import ArrayCache
from explorer.util.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.directions.direction_set import DirectionSet
    from explorer.generators.base import Generator, GeneratorInfo
    from explorer.jobs.job import Job

__all__ = ["SHOWN", "find_all"]

log = logging.getLogger("explorer.directions")

SHOWN = 12
"""Directions of each method."""

CACHE = ArrayCache("directions", 256 << 20)

_CAMERA_SHOWN = 4
_VERSION = 2
"""Counted up when the same model would have other directions, so that cached ones are not used."""


def find_all(generator: Generator, model_sha: str) -> Job[tuple[DirectionSet, ...]]:
    """Find the directions of a model, or read them from the user's cache, one method after the other.

    Duplicates within and between the methods are left out.
    """
    found: list[DirectionSet] = []
    methods = _methods(generator, model_sha)
    for number, (name, limit, work) in enumerate(methods):
        made = recall(model_sha, name, generator.info)
        if made is None:
            made = yield from _run(work, number, len(methods), tuple(found))
            made = made.of(range(min(4 * limit, len(made))))
            remember(model_sha, name, made)
        distinct = made.without_duplicates(found)
        found.append(distinct.of(range(min(limit, len(distinct)))))
        yield Report(tuple(found), number + 1, len(methods))


def _methods(
    generator: Generator, model_sha: str
) -> Sequence[tuple[str, int, Callable[[], Job[DirectionSet | None]]]]:
    """Return the name, the number of directions and the job of each method that suits a network."""

    def closed_form(entries: Sequence[int]) -> Job[DirectionSet | None]:
        yield Report(sefa(generator, entries, model_sha=model_sha), 1, 1)

    info = generator.info
    methods: list[tuple[str, int, Callable[[], Job[DirectionSet | None]]]] = [
        ("ganspace", SHOWN, lambda: ganspace(generator, model_sha=model_sha)),
        ("sefa", SHOWN, lambda: closed_form(())),
    ]
    if info.input_style_dim and not info.layers_of_ws(0):
        methods.append(("camera", _CAMERA_SHOWN, lambda: closed_form((0,))))
    return methods


def _run(
    work: Callable[[], Job[DirectionSet | None]], number: int, count: int, before: tuple[DirectionSet, ...]
) -> Iteration[Report[tuple[DirectionSet, ...]] | None, None, DirectionSet]:
    """Run one method and return its directions; its progress is a part of the whole."""
    made: DirectionSet | None = None
    for report in work():
        if report is None:
            yield None
            continue
        made = report.value
        if made is None:
            yield Report(before, number * report.total + report.done, count * report.total)
    assert made is not None
    return made


# -- cache -----------------------------------------------------------------------------------------------------


def _key(model_sha: str, method: str) -> dict[str, object]:
    return {"model": model_sha, "method": method, "version": _VERSION}


def recall(model_sha: str, method: str, info: GeneratorInfo) -> DirectionSet | None:
    """Return the cached directions of a method, or None; a damaged file counts as none."""
    path = CACHE.path_of(_key(model_sha, method))
    if not model_sha or not path.exists():
        return None
    try:
        return load_directions(path, info)
    except LatentwalkError as error:
        log.info("cached directions are not used: %s", error)
        return None


def remember(model_sha: str, method: str, found: DirectionSet) -> None:
    """Cache the directions of a method if there is room; models without a hash have no cache."""
    if model_sha:
        CACHE.remember(_key(model_sha, method), npz_arrays(found))
