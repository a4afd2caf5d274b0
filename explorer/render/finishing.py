"""Work that can be cancelled between its steps, and resumed later."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeAlias, TypeVar

from explorer.util.steps import Steps, run

__all__ = ["Cancelled", "Finishing", "Token", "check"]

T = TypeVar("T")

Token: TypeAlias = Callable[[], bool]


class Cancelled(Exception):
    """The token requested cancellation; everything completed so far is cached."""


def check(token: Token) -> None:
    """Raise `Cancelled` if the token requests it."""
    if token():
        raise Cancelled


class Finishing:
    """The steps from a picture to its pixels, which can be cancelled and resumed.

    Requests of other views only delay them; they do not start again.

    Args:
        key: Identifies the inputs of the steps.
    """

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self._begun: dict[str, Steps[Any]] = {}
        self._done: dict[str, Any] = {}

    def run(self, name: str, make: Callable[[], Steps[T]], token: Token) -> T:
        """Start the steps called `name` with `make`, or resume them, and return their result.

        Raises:
            Cancelled: The token, which is polled between steps, requested it.
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
