"""Arrays that are expensive to compute, cached in the user's folder under what they were computed from."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.util import file_errors
from explorer.util.atomic_write import atomic_write_bytes
from explorer.util.left_overs import sweep
from explorer.util.regular_file import read_regular
from explorer.util.user_folders import cache_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ArrayCache"]

_log = logging.getLogger("explorer.cache")


@dataclass(frozen=True, slots=True)
class ArrayCache:
    """A folder of `.npz` files in the user's cache. A file that is missing, damaged or too large counts as none.

    Attributes:
        folder: Name of the folder.
        limit: Most bytes of a file, compressed or not.
    """

    folder: str
    limit: int

    def path_of(self, key: Mapping[str, object]) -> Path:
        """Return the file of `key`, a description that JSON can hold."""
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]
        return cache_folder() / self.folder / f"{digest}.npz"

    def recall(self, key: Mapping[str, object]) -> dict[str, NDArray[Any]] | None:
        """Return the arrays cached under `key`, or None. The caller checks their shapes."""
        try:
            data = io.BytesIO(read_regular(self.path_of(key), self.limit))
            with zipfile.ZipFile(data) as packed:
                if sum(item.file_size for item in packed.infolist()) > self.limit:
                    return None
            with np.load(data, allow_pickle=False) as stored:
                return {name: np.asarray(stored[name]) for name in stored.files}
        except (OSError, ValueError, TypeError, KeyError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error):
            return None

    def remember(self, key: Mapping[str, object], arrays: Mapping[str, Any]) -> None:
        """Cache `arrays` if there is room; the file is written atomically."""
        content = io.BytesIO()
        np.savez(content, **arrays)
        try:
            path = self.path_of(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            sweep(path.parent)
            atomic_write_bytes(path, content.getbuffer())
        except OSError as error:  # computed again next time
            _log.warning("%s cannot be cached: %s", self.folder, file_errors.message(error))
