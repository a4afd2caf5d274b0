"""Work that can be cancelled between its steps, and resumed later."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeAlias, TypeVar

from explorer.util.steps import Steps, run

__all__ = ["Cancelled", "Finishing", "Token", "check"]

T = TypeVar("T")

Token: TypeAlias = Callable[[], bool]


class Cancelled(Exception):
    """The token said stop; everything completed so far is kept."""


def check(token: Token) -> None:
    """Raise `Cancelled` if the token says stop."""
    if token():
        raise Cancelled


class Finishing:
    """The steps from a picture to its pixels. Cancelled ones wait here: requests of other views, however many,
    delay them, and do not make them begin anew.

    Args:
        key: What they are made from.
    """

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self._begun: dict[str, Steps[Any]] = {}
        self._done: dict[str, Any] = {}

    def run(self, name: str, make: Callable[[], Steps[T]], token: Token) -> T:
        """Go on with the steps called `name`, made by `make` if they have not begun, and give their result.

        Raises:
            Cancelled: The token, asked between the steps, said so.
        """
        if name not in self._done:
            steps = self._begun.pop(name, None) or make()
            try:
                self._done[name] = run(steps, lambda: check(token))
            except Cancelled:
                self._begun[name] = steps
                raise
        result: T = self._done[name]
        return result
