"""Moments of features that do not change from model to model, in the user's cache under their inputs."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from explorer.analysis.frechet import Moments
from explorer.util import file_errors
from explorer.util.atomic_write import atomic_write_bytes
from explorer.util.left_overs import sweep
from explorer.util.regular_file import read_regular
from explorer.util.user_folders import cache_folder

_log = logging.getLogger("explorer.analysis")

_LIMIT = 512 << 20
"""Maximum bytes of a file, compressed or not; products of 1,280 features take 13 MB."""

__all__ = ["path_of", "recall", "remember"]


def path_of(key: Mapping[str, object]) -> Path:
    """Return the cache file of `key`, a description that JSON can hold."""
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]
    return cache_folder() / "moments" / f"{digest}.npz"


def recall(key: Mapping[str, object]) -> Moments | None:
    """Return the moments cached under `key`, or None; a damaged file counts as none."""
    try:
        data = io.BytesIO(read_regular(path_of(key), _LIMIT))
        with zipfile.ZipFile(data) as packed:
            if sum(item.file_size for item in packed.infolist()) > _LIMIT:
                return None
        with np.load(data, allow_pickle=False) as stored:
            total, products = torch.from_numpy(stored["total"]), torch.from_numpy(stored["products"])
            return Moments(int(stored["count"]), total, products)
    except (OSError, ValueError, TypeError, KeyError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error):
        return None


def remember(key: Mapping[str, object], found: Moments) -> None:
    """Cache `found` if there is room; the file is written atomically."""
    content = io.BytesIO()
    np.savez(content, count=found.count, total=found.total.numpy(), products=found.products.numpy())
    try:
        path = path_of(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        atomic_write_bytes(path, content.getbuffer())
    except OSError as error:  # measured again next time
        _log.warning("what was measured cannot be remembered: %s", file_errors.message(error))
