"""Errors a user can act on.

LatentwalkError                 message + hint, shown as they are
├── CheckpointError             a file could not become a generator
│   ├── UnreadableFileError     truncated, not a checkpoint, a web page saved as .pkl, ...
│   ├── UnsafeFileError         the file asks for something that only code could do
│   ├── UnsupportedModelError   readable, but of a family or variant that is not supported
│   ├── MismatchError           keys, shapes or values do not fit the architecture
│   └── CostlyModelError        one picture would need more memory or time than this machine has
├── LatentError                 a latent in the wrong space, of the wrong shape, or from another model
├── ProjectError                a project file or text that cannot be opened
├── RequestError                a state that cannot be rendered (non-finite values, singular transform)
├── FilmError                   a film cannot be written, or its unfinished part cannot be resumed
├── RenderError                 a generator failed while rendering
├── CancelledError              the user cancelled
└── UsageError                  wrong use of the command line, or an argument that the model does not have
"""

from __future__ import annotations

__all__ = [
    "CancelledError",
    "CheckpointError",
    "CostlyModelError",
    "FilmError",
    "LatentError",
    "LatentwalkError",
    "MismatchError",
    "ProjectError",
    "RenderError",
    "RequestError",
    "UnreadableFileError",
    "UnsafeFileError",
    "UnsupportedModelError",
    "UsageError",
]


class LatentwalkError(Exception):
    """An error that explains itself: what happened, and what to do about it.

    Args:
        message: One sentence that names the file or control and what was found.
        hint: One sentence that says what the user can do; may be empty.
        command: The hint for the command line, where that of the window names what is not there.
    """

    def __init__(self, message: str, hint: str = "", *, command: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.command_hint = command or hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class CheckpointError(LatentwalkError):
    """A file could not become a generator."""


class UnreadableFileError(CheckpointError):
    """The file is truncated, damaged or not a checkpoint at all."""


class UnsafeFileError(CheckpointError):
    """The file names something that only running its code could do; nothing was run."""


class UnsupportedModelError(CheckpointError):
    """The file was understood, but its family or variant is not supported."""


class MismatchError(CheckpointError):
    """Keys, shapes or values of the file do not fit its architecture."""


class CostlyModelError(CheckpointError):
    """One picture of the model would need more memory or time than this machine has; it can be rendered anyway."""


class LatentError(LatentwalkError):
    """A latent is in the wrong space, of the wrong shape, or from another model."""


class ProjectError(LatentwalkError):
    """A project file or a pasted state cannot be opened."""


class RequestError(LatentwalkError):
    """A state cannot be rendered, for example because a number is not finite."""


class FilmError(LatentwalkError):
    """A film cannot be written, for example because the disk is full; what was done is kept."""


class RenderError(LatentwalkError):
    """A generator failed while rendering."""


class CancelledError(LatentwalkError):
    """The user cancelled the work; nothing was changed."""

    def __init__(self, message: str = "Cancelled.", hint: str = "") -> None:
        super().__init__(message, hint)


class UsageError(LatentwalkError):
    """The command line was used wrongly."""
