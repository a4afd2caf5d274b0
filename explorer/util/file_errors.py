"""What an error of the file system means for people: the reason in words, and the way out."""

from __future__ import annotations

import errno
import os

__all__ = ["is_full", "message", "reason", "remedy"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


def is_full(error: OSError) -> bool:
    """Return whether there is no room: on the disk, in the user's quota, or below the file size limit."""
    return error.errno in _FULL


def reason(error: Exception) -> str:
    """Return why, without a full stop: "the disk is full", or the system's own words, without number and path."""
    if not isinstance(error, OSError):
        return str(error) or type(error).__name__
    return "the disk is full" if is_full(error) else (error.strerror or str(error) or type(error).__name__)


def remedy(error: OSError) -> str:
    """Return a sentence that says what to do, or nothing where nothing general helps."""
    if is_full(error):
        return "Make room, or choose another folder."
    if error.errno in _FORBIDDEN:
        return "Check its permissions, or choose another folder."
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return "Check the path."
    if error.errno == errno.ENAMETOOLONG:
        return "Choose a shorter name."
    return ""


def message(error: OSError) -> str:
    """Return one line: the file as the user named it, the reason, the remedy."""
    name = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    return f"{name}{reason(error)}. {remedy(error)}".strip()
