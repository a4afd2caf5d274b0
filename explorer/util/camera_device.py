"""A camera of this machine, read through OpenCV where that is installed (`pip install "latentwalk[camera]"`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from explorer.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CameraDevice", "open_camera"]


class CameraDevice(Protocol):
    """An open camera. One thread at a time."""

    def read(self) -> NDArray[np.uint8] | None:
        """Wait for the next picture and return it, uint8 RGB `[H, W, 3]`; None if the camera gives no more."""

    def close(self) -> None:
        """Release the camera."""


class _OpenCVCamera:
    def __init__(self, capture: Any, cv2: Any) -> None:
        self._capture, self._cv2 = capture, cv2

    def read(self) -> NDArray[np.uint8] | None:
        is_read, picture = self._capture.read()
        if not is_read:
            return None
        rgb = self._cv2.cvtColor(picture, self._cv2.COLOR_BGR2RGB)
        # Mirrored, as people know themselves.
        return np.ascontiguousarray(rgb[:, ::-1])

    def close(self) -> None:
        self._capture.release()


def open_camera(number: int = 0) -> CameraDevice:
    """Open a camera by its number, 0 for the first; this may take seconds.

    Raises:
        UsageError: OpenCV is not installed, or there is no such camera, or another program uses it.
    """
    try:
        import cv2  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise UsageError(
            "The camera is read with OpenCV, which is not installed.",
            'Install it: pip install "latentwalk[camera]"',
        ) from error
    capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        capture.release()
        raise UsageError(
            f"Camera {number} cannot be opened.", "Connect it, allow its use, and close other programs that use it."
        )
    return _OpenCVCamera(capture, cv2)
