"""Well-formed small files of every kind that the program opens, made by the program: what attacks begin with."""

from __future__ import annotations

import dataclasses
import io
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from explorer.animation.film import Film
from explorer.animation.job import FilmJob, job_path, write_job
from explorer.animation.recorder import Recorder
from explorer.assets.latent import StoredLatent
from explorer.assets.table import AssetTable
from explorer.checkpoints import Checkpoint, save_native
from explorer.generators import registry
from explorer.latents.files import save_latent
from explorer.project.document import state_to_text, to_json, write_png, write_project
from explorer.state import (
    Blend,
    BlendPoint,
    Edit,
    ExplorerState,
    Keyframe,
    Latent,
    Look,
    Mixing,
    MixRow,
    MixSource,
    Noise,
    Nudge,
    Offset,
    ParameterKeyframe,
    RecordedState,
    Segment,
    Snapshot,
    Timeline,
    Track,
    Transform,
    Truncation,
    ViewState,
)
from explorer.state.codec import encode
from explorer.testing.nvidia_writer import complete_config, network_bytes, network_value

__all__ = ["KINDS", "Seed", "seeds"]

_SG2 = {"z_dim": 4, "w_dim": 4, "img_resolution": 8, "channel_base": 32, "channel_max": 4, "mapping_layers": 1}
_SG3 = {**_SG2, "img_resolution": 16, "num_layers": 3, "margin_size": 2}
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "stylegan2": ("stylegan2", {**_SG2, "c_dim": 2}),
    "stylegan3-t": ("stylegan3-t", _SG3),
    "stylegan3-r": ("stylegan3-r", {**_SG3, "conv_kernel": 1, "use_radial_filters": True}),
}
FILMS = ("mkv", "mp4", "webm", "gif", "webp", "apng")

KINDS = (
    "pickle", "safetensors", "torch-zip", "torch-legacy", "latent-npy", "latent-npz", "latent-pt",
    "latent-safetensors", "project", "text", "png", "job", *FILMS, "settings", "recording",
)  # fmt: skip
"""Every kind of file that the program opens."""


@dataclasses.dataclass(frozen=True, slots=True)
class Seed:
    """A well-formed file: its kind, the ending of its name, its bytes."""

    kind: str
    suffix: str
    data: bytes


def seeds(folder: Path, kinds: frozenset[str]) -> list[Seed]:
    """Return at least one file of each of these kinds that this program knows; `folder` is for making them."""
    made: list[Seed] = []
    makers = (_checkpoints, _latents, _projects, _films, _own_files)
    for maker in makers:
        made += maker(folder)
    return [seed for seed in made if seed.kind in kinds]


def _checkpoints(folder: Path) -> list[Seed]:
    made = []
    for name, (family, config) in NETWORKS.items():
        torch.manual_seed(3)
        state = registry.build(family, config).state_dict()
        tensors = {key: value.detach().clone() for key, value in state.items()}
        whole = complete_config(family, config)
        made.append(Seed("pickle", ".pkl", network_bytes(network_value(family, whole, tensors))))
        path = folder / f"{name}.safetensors"
        card = {"trained": "for a test"}
        save_native(path, Checkpoint(family, config, tensors, name, "MIT", "a test", card=card))
        made.append(Seed("safetensors", ".safetensors", path.read_bytes()))
        for kind, is_zip in (("torch-zip", True), ("torch-legacy", False)):
            buffer = io.BytesIO()
            torch.save({"g_ema": tensors, "iter": 5}, buffer, _use_new_zipfile_serialization=is_zip)
            made.append(Seed(kind, ".pt", buffer.getvalue()))
    return made


def _latents(folder: Path) -> list[Seed]:
    made = []
    rows = np.linspace(-1, 1, 16, dtype=np.float32).reshape(4, 4)
    for space, array in (("z", np.linspace(-1, 1, 6, dtype=np.float32)), ("ws", rows)):
        latent = StoredLatent(space, array, "a" * 64, 0.7, "test")  # type: ignore[arg-type]  # a literal
        for suffix in (".npz", ".pt", ".safetensors"):
            path = folder / f"{space}{suffix}"
            save_latent(path, latent)
            made.append(Seed(f"latent-{suffix[1:]}", suffix, path.read_bytes()))
        buffer = io.BytesIO()
        np.save(buffer, array)
        made.append(Seed("latent-npy", ".npy", buffer.getvalue()))
    return made


def state_and_table(model: str = "") -> tuple[ExplorerState, AssetTable]:
    """Return a state in which every part of a project occurs."""
    table = AssetTable()
    stored = table.add(StoredLatent("w", np.ones(4, np.float32), "", 0.5, "mine"))
    blend = Blend("w", (BlendPoint(Latent(1), 0.5), BlendPoint(Latent(2, 0.5), 0.5)))
    look = Look(
        latent=Latent(3, 0.25, -1.5, stored),
        truncation=Truncation(0.7, 2, ((1, 0.5),)),
        mixing=Mixing((MixSource(2), MixSource(1, stored)), (MixRow(0, 0, 0.5), MixRow(1, 1, 1.0))),
        edits=(Edit(Nudge(1, 0, 2), 0.5), Edit(Offset((0.1, 0.2, 0.3, 0.4)))),
        noise=Noise("random", 3, 0.5, (("b8.conv1", 2.0),)),
        transform=Transform(0.1, 0.2, 30.0, 1.1, 0.9, 0.1),
    )
    snapshot = Snapshot(look, (ViewState(), ViewState()))
    curve = Segment("cubic", "w", "curve", ((0.0, 0.0), (0.5, 0.2), (1.0, 1.0)))
    keys = tuple(
        Keyframe(float(i), dataclasses.replace(snapshot, shared=dataclasses.replace(look, latent=latent)), curve)
        for i, latent in enumerate((look.latent, Latent(5, blend=blend), Latent(7)))
    )
    track = Track("transform.rotate", (ParameterKeyframe(0.0, 1.0), ParameterKeyframe(1.5, 90.0, curve)))
    timeline = Timeline(keys, (track,), duration=2.5, loop="seamless", bpm=120.0)
    return ExplorerState(look, (ViewState(model), ViewState(model)), layout="single", timeline=timeline), table


def _projects(folder: Path) -> list[Seed]:
    state, table = state_and_table()
    samples = tuple(RecordedState(i / 60, Snapshot(Look(latent=Latent(1, x=i / 10)))) for i in range(20))
    played = dataclasses.replace(state, timeline=Timeline(performance=samples))
    made = []
    for number, each in enumerate((state, played)):
        write_project(folder / f"{number}.json", each, table)
        made.append(Seed("project", ".json", (folder / f"{number}.json").read_bytes()))
        made.append(Seed("text", ".txt", state_to_text(each, table).encode()))
    write_png(folder / "p.png", np.zeros((4, 4, 4), np.uint8), state, table)
    made.append(Seed("png", ".png", (folder / "p.png").read_bytes()))
    write_job(FilmJob(folder / "walk.mkv", Film(1.0, (4, 1)), state, table))
    made.append(Seed("job", ".mkv.job.json", job_path(folder / "walk.mkv").read_bytes()))
    return made


def _films(folder: Path) -> list[Seed]:
    model = folder / "stylegan2.safetensors"  # made by `_checkpoints`
    state, table = state_and_table(str(model))
    made = []
    for name in FILMS:
        path = folder / f"film.{name}"
        film = Film(0.5, (4, 1), format="ffv1" if name == "mkv" else name, side=32)
        Recorder(FilmJob(path, film, state, table)).run()
        made.append(Seed(name, path.suffix, path.read_bytes()))
    return made


def _own_files(folder: Path) -> list[Seed]:
    """Return what the program keeps for itself."""
    values = {"theme": "dark", "recent": ["/a.pkl", "b.json"], "geometry": {"base64": "AdnQywAD"}, "tour": True}
    ini = b"[General]\ntheme=dark\nrecent=/a.pkl, b.json\ngeometry=@ByteArray(\\x1)\n"
    state, table = state_and_table()
    head = {"format": "latentwalk-recording", "version": 1, "project": to_json(state, table)}
    first = {"sample": encode(RecordedState(0.0, Snapshot(state.shared)))}
    lines = [head, first, {"sample": {"time": 0.5}}, {"end": 1.0}]
    return [
        Seed("settings", ".json", json.dumps(values).encode()),
        Seed("settings", ".ini", ini),
        Seed("recording", ".recording", b"".join(checked_line(line) for line in lines)),
    ]


def checked_line(value: Any) -> bytes:
    """Return a line of a recording: its checksum and its JSON."""
    raw = json.dumps(value, separators=(",", ":")).encode()
    return f"{zlib.crc32(raw):08x} ".encode() + raw + b"\n"
