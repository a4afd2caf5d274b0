"""JSON of foreign files: whatever is wrong with it is a ValueError."""

from __future__ import annotations

import json
from typing import Any, NoReturn

__all__ = ["parse_json"]


def parse_json(text: bytes | str) -> Any:
    """Return the value of a JSON text in UTF-8, UTF-16 or UTF-32.

    Raises:
        ValueError: It is not JSON, is nested deeper than any of our files, or holds NaN or Infinity, which are not
            JSON, or an integer of thousands of digits.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")
