"""Moments of features that do not change from model to model, kept in the user's cache under what made them."""

from __future__ import annotations

import hashlib
import json
import logging
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from explorer.analysis.frechet import Moments
from explorer.util.atomic_write import atomic_write
from explorer.util.user_folders import cache_folder

__all__ = ["path_of", "recall", "remember"]


_log = logging.getLogger("explorer.analysis")


def path_of(key: Mapping[str, object]) -> Path:
    """The file of `key`, a description that JSON can hold."""
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]
    return cache_folder() / "moments" / f"{digest}.npz"


def recall(key: Mapping[str, object]) -> Moments | None:
    """What was remembered under `key`, or None; a damaged file counts as none."""
    try:
        with np.load(path_of(key), allow_pickle=False) as stored:
            total, products = torch.from_numpy(stored["total"]), torch.from_numpy(stored["products"])
            return Moments(int(stored["count"]), total, products)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def remember(key: Mapping[str, object], found: Moments) -> None:
    """Keep `found` if the disk allows it; the file appears whole or not at all."""
    path = path_of(key)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as partial, partial.open("wb") as file:
            np.savez(file, count=found.count, total=found.total.numpy(), products=found.products.numpy())
    except OSError as error:  # a full or read-only disk only costs time
        _log.info("cannot remember moments: %s", error)
