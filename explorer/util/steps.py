"""Long work in short steps: a generator that yields between them, so that the caller can do other work.

A step must not leave thread state behind (`torch.inference_mode`, a context variable): the next step may run much
later, after other work, or never.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeAlias, TypeVar

__all__ = ["Steps", "run"]

T = TypeVar("T")

Steps: TypeAlias = Generator[None, None, T]
"""Yields after every step and returns the result."""


def run(steps: Steps[T], between: Callable[[], object] | None = None) -> T:
    """Run all steps and return their result; `between` is called after each but the last, and may raise."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        if between is not None:
            between()
