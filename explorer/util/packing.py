"""The resolved values of edits as JSON: plain values, tuples and arrays, bit for bit."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

__all__ = ["packed", "unpacked"]


def packed(value: Any) -> Any:
    """Return numbers, texts, None, tuples and numpy arrays as JSON values.

    Raises:
        TypeError: For any other value; its kind has to override `EditKind.pack`.
    """
    import numpy as np

    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, tuple):
        return [packed(item) for item in value]
    if isinstance(value, np.ndarray):
        content = b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"dtype": value.dtype.str, "shape": list(value.shape), "content": content}
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")


def unpacked(data: Any) -> Any:
    """Return the values that `packed` wrote; arrays are read-only.

    Raises:
        KeyError, TypeError, ValueError: It did not write them.
    """
    import numpy as np

    if isinstance(data, list):
        return tuple(unpacked(item) for item in data)
    if isinstance(data, dict):
        dtype = np.dtype(data["dtype"])
        if dtype.hasobject:
            raise ValueError("arrays of objects are not read")
        return np.frombuffer(b64decode(data["content"]), dtype).reshape(data["shape"])
    return data
