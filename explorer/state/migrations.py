"""Migrations: a project of an older version, still as JSON values, brought to the version of today.

Projects travel inside pictures, films, copied texts, latent files and journals, so every version that was ever
written must open. A change of the state's fields adds one function to `MIGRATIONS` and one to `VERSION`, and never
touches the functions before it.

A migration gets the whole project, with its performance written in full (see `explorer.project.document`). It may
come from a stranger: what has another shape than expected is left as it is, for `decode` to refuse with the place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from explorer.errors import ProjectError

__all__ = ["MIGRATIONS", "VERSION", "is_known_version", "migrate", "migrate_latent", "migrate_performance"]

VERSION = 2
"""Of the projects that are written."""


def _from_1(project: dict[str, Any]) -> dict[str, Any]:
    return project


MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_1}
"""By version: what makes of a project of that version one of the next. None of them changes its argument."""


def is_known_version(version: object) -> bool:
    """Return whether projects of that version can be read."""
    return type(version) is int and 1 <= version <= VERSION


def migrate(project: dict[str, Any], version: object) -> dict[str, Any]:
    """Return a project of an older version as one of today.

    Raises:
        ProjectError: The version is a newer one, or is not a version.
    """
    if not is_known_version(version):
        words = f"The project has version {str(version)[:20]}; this program knows 1 to {VERSION}."
        raise ProjectError(words, "Update Latentwalk.")
    assert isinstance(version, int)
    for number in range(version, VERSION):
        project = MIGRATIONS[number](project)
    return project


def migrate_latent(latent: Any, version: object) -> Any:
    """Return a `Latent` that was written on its own, as JSON values of today. Raises ProjectError."""
    return migrate({"state": {"shared": {"latent": latent}}}, version)["state"]["shared"]["latent"]


def migrate_performance(samples: list[Any], version: object) -> list[Any]:
    """Return recorded states that were written on their own, as JSON values of today. Raises ProjectError."""
    migrated = migrate({"state": {"timeline": {"performance": samples}}}, version)
    performance: list[Any] = migrated["state"]["timeline"]["performance"]
    return performance
