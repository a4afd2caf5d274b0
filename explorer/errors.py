"""Errors a user can act on.

LatentwalkError                 message + hint, shown to the user
├── CheckpointError             a generator could not be loaded from a file
│   ├── UnreadableFileError     truncated, not a checkpoint, a web page saved as .pkl, ...
│   ├── UnsafeFileError         the file would need to run code
│   ├── UnsupportedModelError   readable, but its family or variant is not supported
│   ├── MismatchError           keys, shapes or values do not fit the architecture
│   └── CostlyModelError        a picture would need more memory or time than this machine has
├── AssetError                  a stored picture, mask or direction that is missing or not valid
│   └── LatentError             a latent with the wrong space or shape, or from another model
├── ProjectError                a project file or text that cannot be opened
├── RequestError                a state that cannot be rendered (non-finite values, singular transform)
│   └── NoSourceError           an image-to-image network without a source picture
├── FilmError                   a film cannot be written, or its unfinished part cannot be resumed
├── RenderError                 a generator failed while rendering
├── CancelledError              the user cancelled
└── UsageError                  wrong use of the command line, or an unsupported argument
"""

from __future__ import annotations

__all__ = [
    "AssetError",
    "CancelledError",
    "CheckpointError",
    "CostlyModelError",
    "FilmError",
    "LatentError",
    "LatentwalkError",
    "MismatchError",
    "NoSourceError",
    "ProjectError",
    "RenderError",
    "RequestError",
    "UnreadableFileError",
    "UnsafeFileError",
    "UnsupportedModelError",
    "UsageError",
]


class LatentwalkError(Exception):
    """An error with an explanation for the user: what happened, and what to do about it.

    Args:
        message: One sentence that names the file or control and the problem.
        hint: One sentence with a remedy; may be empty.
        command: The hint for the command line, if `hint` refers to the window.
    """

    def __init__(self, message: str, hint: str = "", *, command: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.command_hint = command or hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class CheckpointError(LatentwalkError):
    """A generator could not be loaded from a file."""


class UnreadableFileError(CheckpointError):
    """The file is truncated, damaged or not a checkpoint at all."""


class UnsafeFileError(CheckpointError):
    """The file would need to run code; nothing was run."""


class UnsupportedModelError(CheckpointError):
    """The file was understood, but its family or variant is not supported."""


class MismatchError(CheckpointError):
    """Keys, shapes or values of the file do not fit its architecture."""


class CostlyModelError(CheckpointError):
    """A picture of the model would need more memory or time than this machine has; the user may still render it."""


class AssetError(LatentwalkError):
    """A stored picture, mask or direction is missing or not valid."""


class LatentError(AssetError):
    """A latent has the wrong space or shape, or is from another model."""


class ProjectError(LatentwalkError):
    """A project file or a pasted state cannot be opened."""


class RequestError(LatentwalkError):
    """A state cannot be rendered, for example because a number is not finite."""


class NoSourceError(RequestError):
    """An image-to-image network has no source picture yet."""


class FilmError(LatentwalkError):
    """A film cannot be written, for example because the disk is full; finished parts are kept."""


class RenderError(LatentwalkError):
    """A generator failed while rendering."""


class CancelledError(LatentwalkError):
    """The user cancelled; nothing was changed."""

    def __init__(self, message: str = "Cancelled.", hint: str = "") -> None:
        super().__init__(message, hint)


class UsageError(LatentwalkError):
    """The command line was used wrongly."""
