"""Parses JSON of foreign files, raising only ValueError."""

from __future__ import annotations

import json
from typing import Any, NoReturn

__all__ = ["parse_json"]


def parse_json(text: bytes | str) -> Any:
    """Parse JSON in UTF-8, UTF-16 or UTF-32.

    Raises:
        ValueError: The text is not JSON, is nested too deeply, or has an integer of thousands of digits, NaN or
            Infinity, which are not JSON.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")
