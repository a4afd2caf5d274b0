"""What `kills.py` kills: a function for each kind of work, run in a process of its own, and what must hold then."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.animation.job import FilmJob
    from explorer.training.settings import TrainSettings

__all__ = [
    "FILMS", "SAVES", "film", "film_pixels", "prepare", "recording", "recording_lost", "save", "save_problem",
    "training", "training_weights",
]  # fmt: skip

Ready = Callable[[], None]

FILMS = ("mp4", "ffv1", "webm", "gif", "png")
SAVES = ("project", "latent", "picture", "convert")
_SUFFIXES = {"project": ".json", "latent": ".npz", "picture": ".png", "convert": ".safetensors"}
_TRUTH = struct.Struct("<dd")


def prepare(folder: Path) -> None:
    """Make what all work begins with: a tiny network and a few pictures to learn from."""
    import torch

    from explorer.checkpoints import Checkpoint, save_native
    from explorer.generators import registry
    from explorer.testing import install_tiny
    from explorer.training.critters.pack import pack

    install_tiny()
    torch.manual_seed(5)
    tensors = registry.build("tiny", {"img_resolution": 32}).state_dict()
    save_native(folder / "tiny.safetensors", Checkpoint("tiny", {"img_resolution": 32}, tensors, "tiny", "MIT"))
    pack(folder / "critters.npy", 8, 16, batch=8)


# -- films -----------------------------------------------------------------------------------------------------


def _job(folder: Path, kind: str, name: str) -> FilmJob:
    from explorer.animation.film import Film
    from explorer.animation.formats import format_named
    from explorer.animation.job import FilmJob
    from explorer.state import ExplorerState, Keyframe, Latent, Look, Segment, Snapshot, Timeline, ViewState

    segment = Segment("linear", "z", "linear")
    keys = tuple(Keyframe(float(i), Snapshot(Look(Latent(i))), segment) for i in range(4))
    views = (ViewState(model=str(folder / "tiny.safetensors")), ViewState())
    state = ExplorerState(views=views, layout="single", timeline=Timeline(keys, duration=4.0, fps=25.0))
    return FilmJob(folder / f"{name}{format_named(kind).suffix}", Film(4.0, (25, 1), format=kind), state)


def film(folder: Path, kind: str, name: str, ready: Ready) -> None:
    """Render a film of a hundred frames, or go on with it."""
    from explorer.animation.job import target_of
    from explorer.animation.recorder import Recorder

    job = _job(folder, kind, name)
    if target_of(job.path, job.film).exists():  # killed after it had its name, which it has when it is whole
        ready()
        return
    recorder = Recorder(job, overwrite=True)
    ready()
    recorder.run()


def film_pixels(folder: Path, kind: str, name: str) -> list[bytes]:
    """Return the pictures of a finished film, which is removed."""
    import shutil

    import numpy as np
    from PIL import Image, ImageSequence

    from explorer.animation.encoder import pictures_of
    from explorer.animation.job import target_of

    job = _job(folder, kind, name)
    target = target_of(job.path, job.film)
    if target.is_dir():
        pictures = [np.asarray(Image.open(path)).tobytes() for path in sorted(target.iterdir())]
        shutil.rmtree(target)
        return pictures
    if target.suffix == ".gif":
        with Image.open(target) as image:
            pictures = [np.asarray(frame.convert("RGB")).tobytes() for frame in ImageSequence.Iterator(image)]
    else:
        pictures = [picture.tobytes() for picture in pictures_of(target)]
    target.unlink()
    return pictures


# -- recordings ------------------------------------------------------------------------------------------------


def recording(folder: Path, ready: Ready) -> None:
    """Record a user who changes the truncation a hundred times a second, until it is stopped.

    The changes are written to `truth` at once, which a kill cannot take back.
    """
    from PySide6.QtCore import QCoreApplication, QTimer

    from explorer.session import Session
    from explorer.session.recovery import Recovery
    from explorer.state import ExplorerState, ViewState

    app = QCoreApplication([])
    views = (ViewState(model=str(folder / "tiny.safetensors")), ViewState())
    session = Session(state=ExplorerState(views=views, layout="single"), recovery=Recovery(folder / "recovery"))
    session.start()
    truth = os.open(folder / "truth", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    count = 0

    def move() -> None:
        nonlocal count
        count += 1
        psi = 1.0 - count * 1e-4
        session.look.set_psi(psi)
        os.write(truth, _TRUTH.pack(session.transport.recorded_seconds, psi))

    timer = QTimer(interval=10)
    timer.timeout.connect(move)
    session.transport.start_recording()
    timer.start()
    ready()
    app.exec()


def recording_lost(folder: Path) -> tuple[float, str]:
    """Return how many seconds of a killed recording are lost, and what else is wrong with it, if anything."""
    from explorer.session.recovery import Recovery

    path = folder / "truth"
    data = path.read_bytes() if path.exists() else b""
    moves = [_TRUTH.unpack_from(data, at) for at in range(0, len(data) - len(data) % _TRUTH.size, _TRUTH.size)]
    last = moves[-1][0] if moves else 0.0
    recovery = Recovery(folder / "recovery")
    left = recovery.find()
    if left is None:
        return last, ""
    project = recovery.read(left)
    recovery.discard(left)
    samples = project.state.timeline.performance
    known = iter([1.0, *(psi for _, psi in moves)])
    if not all(sample.pose.shared.truncation.psi in known for sample in samples):  # in this order
        return last, "a sample that nobody made"
    return max(0.0, last - (samples[-1].time if samples else 0.0)), ""


# -- saves -----------------------------------------------------------------------------------------------------


def save(folder: Path, kind: str, ready: Ready) -> None:
    """Write two contents to one file in turn, until it is stopped; `kind` is one of `SAVES`."""
    path = folder / f"saved{_SUFFIXES[kind]}"
    writers = [_writer(folder, kind, number) for number in range(2)]
    for number, write in enumerate(writers):
        whole = folder / f"whole{number}{_SUFFIXES[kind]}"
        if not whole.exists():
            write(whole)
    if not path.exists():
        writers[0](path)
    ready()
    while True:
        for write in writers:
            write(path)


def _writer(folder: Path, kind: str, number: int) -> Callable[[Path], None]:
    """Return what writes content 0 or 1 to a file, as the program does."""
    import numpy as np

    rng = np.random.default_rng(number)
    if kind == "latent":
        from explorer.assets.latent import StoredLatent
        from explorer.latents.files import save_latent

        latent = StoredLatent("ws", rng.normal(size=(18, 512)).astype(np.float32))
        return lambda path: save_latent(path, latent)
    if kind == "convert":
        from explorer.checkpoints import load, save_native

        checkpoint = load(folder / "tiny.safetensors")
        card = {"number": str(number)}
        return lambda path: save_native(path, checkpoint, card=card)
    from explorer.project.document import write_png, write_project
    from explorer.state import Edit, ExplorerState, Latent, Look, Offset

    state = ExplorerState(shared=Look(Latent(number), edits=(Edit(Offset(tuple(rng.normal(size=5000)))),)))
    if kind == "project":
        return lambda path: write_project(path, state)
    pixels = rng.integers(0, 256, (128, 128, 4), np.uint8)
    return lambda path: write_png(path, pixels, state)


def save_problem(folder: Path, kind: str) -> tuple[int, str]:
    """Return how many half-written files a kill left (they are removed), and whether the file is damaged."""
    path = folder / f"saved{_SUFFIXES[kind]}"
    left = list(folder.glob(f"{path.name}.*"))
    for file in left:
        file.unlink()
    whole = [folder / f"whole{number}{path.suffix}" for number in range(2)]
    if not all(file.exists() for file in (path, *whole)):
        return len(left), "" if not path.exists() else "it is there before it was whole"
    is_whole = _content(path) in [_content(file) for file in whole]
    return len(left), "" if is_whole else f"{path.name} is neither the old nor the new one"


def _content(path: Path) -> object:
    """Return what is in a file; safetensors writes its metadata in another order each time."""
    if path.suffix != ".safetensors":
        return path.read_bytes()
    from explorer.checkpoints import load
    from explorer.errors import CheckpointError

    try:
        checkpoint = load(path)
    except CheckpointError as error:
        return str(error)
    return checkpoint.card, {key: value.numpy().tobytes() for key, value in checkpoint.tensors.items()}


# -- training --------------------------------------------------------------------------------------------------


def _settings(out: Path) -> TrainSettings:
    from explorer.training.settings import TrainSettings

    values: dict[str, Any] = {
        "generator": {"z_dim": 8, "w_dim": 8, "channel_base": 128, "channel_max": 8, "mapping_layers": 2},
        "resolution": 16,
        "d_channel_base": 64,
        "d_channel_max": 8,
        "batch": 4,
        "total_kimg": 0.08,
        "save_s": 0.0,  # after each step
        "threads": 1,
        "data": [],
    }
    return TrainSettings(family="stylegan2", out=out, **values)


def training(folder: Path, name: str, ready: Ready) -> None:
    """Train a tiny network for twenty steps, or go on with it."""
    import torch

    from explorer.training.datasets import Critters
    from explorer.training.loop import run

    torch.manual_seed(time.time_ns() % 1000)  # a run must not depend on what came before it
    dataset = Critters([folder / "critters.npy"])
    ready()
    run(_settings(folder / name), dataset)


def training_weights(folder: Path, name: str) -> dict[str, bytes]:
    """Return the weights of a run's newest checkpoint."""
    from explorer.training import run_dir
    from explorer.training.snapshot import load_state

    state = load_state(folder / name / run_dir.STATE)
    return {f"{part}.{key}": value.numpy().tobytes() for part in ("g", "d") for key, value in state[part].items()}
