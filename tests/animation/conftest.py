"""Small films: a tiny model on disk, a project with keys over it, and a recorder that needs no window."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from explorer.animation.film import Film
from explorer.animation.job import FilmJob
from explorer.checkpoints import Checkpoint, save_native
from explorer.generators import registry
from explorer.state import ExplorerState, Keyframe, Latent, Look, Segment, Snapshot, Timeline, Transform, ViewState


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a tiny generator of 32 px."""
    torch.manual_seed(5)
    generator = registry.build("tiny", {"img_resolution": 32})
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_native(path, Checkpoint("tiny", {"img_resolution": 32}, generator.state_dict(), "tiny", "MIT"))
    return str(path)


@pytest.fixture
def project(model: str) -> ExplorerState:
    """Two views of one model, three keys in two seconds, and a picture that moves."""
    looks = [Look(latent=Latent(seed), transform=Transform(x=0.1 * seed)) for seed in (1, 2, 3)]
    keys = tuple(
        Keyframe(float(i), Snapshot(look), Segment("linear", "z", "linear")) for i, look in enumerate(looks)
    )
    timeline = Timeline(keys, duration=2.0, fps=25.0)
    return ExplorerState(views=(ViewState(model=model), ViewState(model=model)), layout="single", timeline=timeline)


def job_of(project: ExplorerState, path: Path, **fields: object) -> FilmJob:
    """A film of one second at 25 frames per second."""
    values: dict[str, object] = {"seconds": 1.0, "rate": (25, 1), **fields}
    return FilmJob(path, Film(**values), project)  # type: ignore[arg-type]


def decoded(path: Path) -> tuple[list[NDArray[np.uint8]], Fraction | None]:
    """All pictures of a film, and its rate; None where the file says none."""
    if path.suffix in (".webp", ".gif"):
        with Image.open(path) as image:
            pictures, total = [], 0
            for i in range(image.n_frames):  # type: ignore[attr-defined]
                image.seek(i)
                image.load()
                total += int(image.info["duration"])
                pictures.append(np.asarray(image.convert("RGB")))
        return pictures, Fraction(len(pictures) * 1000, total)
    with av.open(str(path), format="apng" if path.suffix == ".apng" else None) as film:
        stream = film.streams.video[0]
        frames: list[Any] = list(film.decode(stream))
        rate: Any = stream.average_rate
        if path.suffix == ".apng":
            rate = 1 / (frames[-1].pts * frames[-1].time_base / (len(frames) - 1))
        return [f.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray() for f in frames], rate


def packets_and_pixels(path: Path) -> list[bytes]:
    """What two films must share to be the same: every decoded picture, bit for bit."""
    return [picture.tobytes() for picture in decoded(path)[0]]
