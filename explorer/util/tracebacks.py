"""Releases the stack frames that stored errors hold."""

from __future__ import annotations

__all__ = ["release_frames"]


def release_frames(error: BaseException) -> None:
    """Remove the tracebacks of an error and its causes: their frames hold tensors, files and whole sessions."""
    chain: BaseException | None = error
    seen: set[int] = set()
    while chain is not None and id(chain) not in seen:
        seen.add(id(chain))
        chain.__traceback__ = None
        chain = chain.__cause__ or chain.__context__
