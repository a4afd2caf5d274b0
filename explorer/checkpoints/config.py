"""Checks the settings of a file against their family's types and bounds before anything of that size is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.errors import LatentwalkError
from explorer.generators import registry
from explorer.generators.cost import picture_cost

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["check_config"]


def check_config(name: str, family: str, config: Mapping[str, object]) -> dict[str, object]:
    """Return the checked settings of file `name`, with whole numbers as `int` however they were written.

    Everything that does not need a network is checked here (types, bounds, the layer table), so that `inspect` and
    `load` refuse the same files.

    Raises:
        UnsupportedModelError: The family is unknown.
        MismatchError: A setting has the wrong type or an impossible size; names the setting.
    """
    try:
        typed = registry.read_config(family, config)
        picture_cost(typed)
    except LatentwalkError as error:
        raise type(error)(f"{name}: {error.message}", error.hint) from error
    read = {key: getattr(typed, key) for key in config}
    return {key: read[key] if isinstance(read[key], int) else value for key, value in config.items()}
