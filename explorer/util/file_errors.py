"""User messages for file system errors: the reason and a remedy."""

from __future__ import annotations

import errno
import os

__all__ = ["is_full", "message", "reason", "remedy"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


def is_full(error: OSError) -> bool:
    """Return whether the disk is full, or the user's quota or the file size limit is exceeded."""
    return error.errno in _FULL


def reason(error: Exception) -> str:
    """Return the reason without a full stop, such as "the disk is full", without error number and path."""
    if not isinstance(error, OSError):
        return str(error) or type(error).__name__
    return "the disk is full" if is_full(error) else (error.strerror or str(error) or type(error).__name__)


def remedy(error: OSError) -> str:
    """Return a sentence with a general remedy, or an empty text."""
    if is_full(error):
        return "Free some space, or choose another folder."
    if error.errno in _FORBIDDEN:
        return "Check its permissions, or choose another folder."
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return "Check the path."
    if error.errno == errno.ENAMETOOLONG:
        return "Choose a shorter name."
    return ""


def message(error: OSError) -> str:
    """Return one line with the user's file name, the reason and the remedy."""
    name = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    return f"{name}{reason(error)}. {remedy(error)}".strip()
