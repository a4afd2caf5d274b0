"""Files opened exactly as the program opens them, as far as something is shown of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from explorer.animation.film import whole_film
from explorer.animation.job import origin_of, read_job
from explorer.animation.player import Player
from explorer.checkpoints import build_generator, inspect, load
from explorer.errors import LatentwalkError
from explorer.generators import registry
from explorer.generators.cost import picture_cost
from explorer.latents.files import fit_to, load_latents
from explorer.project.document import read_project, state_from_text, state_to_text, to_json
from explorer.render.headless import HeadlessRenderer
from explorer.render.limits import check_affordable
from explorer.render.model_store import model_info_of
from explorer.state import ExplorerState, Latent, Look, look_of
from explorer.testing import install_tiny
from explorer.testing.tiny import TinyConfig, TinyGenerator

__all__ = ["READERS"]

install_tiny()

_FEW_SECONDS, _FEW_BYTES = 0.5, 200_000_000
_SLOW = 1e10  # operations a second


def checkpoint(path: Path) -> None:
    """As `main.py render` and the window do, with one picture if that is quickly made."""
    read = load(path)
    inspect(path)
    check_affordable(path.name, read.family, read.config)
    generator = build_generator(read)
    model_info_of(generator, read, str(path))
    cost = picture_cost(registry.read_config(read.family, read.config))
    if cost.seconds(_SLOW) < _FEW_SECONDS and cost.nbytes < _FEW_BYTES:
        HeadlessRenderer(generator, budget_bytes=0).render_look(Look(latent=Latent(1)))


def torch_file(path: Path) -> None:
    """A .pt may be a model or a latent; the window asks both readers."""
    refused: list[LatentwalkError] = []
    for read in (checkpoint, latent):
        try:
            read(path)
        except LatentwalkError as error:
            refused.append(error)
    if len(refused) == 2:
        raise refused[0]


def latent(path: Path) -> None:
    """As the window and `render --w` do: read, fitted, shown."""
    renderer = _renderer()
    for stored in load_latents(path, renderer.info):
        fit_to(stored, renderer.info, "a" * 64)


def project(path: Path) -> None:
    """As the window does: opened, resolved, shown at the start and on its timeline, saved again."""
    _show(read_project(path))


def text(path: Path) -> None:
    """As pasting does."""
    _show(state_from_text(path.read_text("utf-8", "surrogateescape")))


def job(path: Path) -> None:
    """As `main.py video JOB` and the film dialog do."""
    origin_of(path.with_name(path.name.removesuffix(".job.json")))
    read = read_job(path)
    read.film.time_of(read.film.frames - 1)
    _show((read.state, read.table))


def settings(path: Path) -> None:
    """As the start of the program does."""
    from explorer.session.settings import Settings

    kept = Settings(path)
    kept.text("theme"), kept.flag("tour"), kept.strings("recent"), kept.recent(), kept.blob("geometry")


def recording(path: Path) -> None:
    """As the next start after a crash does."""
    from explorer.animation import recording as module

    _show(module.recover_recording(path))


@cache
def _renderer() -> HeadlessRenderer:
    """Return a network that fits the seeds' latents."""
    generator = TinyGenerator(TinyConfig(z_dim=6, w_dim=4, num_layers=3, img_resolution=8, c_dim=2)).eval()
    return HeadlessRenderer(generator.requires_grad_(False), budget_bytes=0)


def _show(read: Any) -> None:
    """A project's picture at three moments, its film's length, its JSON and its text."""
    state, table = read if isinstance(read, tuple) else (read.state, read.table)
    renderer = _renderer()
    errors: list[LatentwalkError] = []
    player = Player(state)
    for time in (0.0, 0.4 * state.timeline.duration, state.timeline.duration):
        try:
            shown: ExplorerState = player.at(time)
            view = shown.views[shown.active]
            tap = view.tap if _fits(view.tap.layer) else None
            renderer.render_look(look_of(shown, shown.active), tap, time, table)
        except LatentwalkError as error:
            errors.append(error)
    for use in (lambda: whole_film(state), lambda: to_json(state, table), lambda: state_to_text(state, table)):
        try:
            use()
        except LatentwalkError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def _fits(layer: str) -> bool:
    return not layer or layer in {each.name for each in _renderer().info.layers}


READERS: dict[str, Callable[[Path], None]] = {
    "pickle": checkpoint,
    "safetensors": checkpoint,
    "torch-zip": torch_file,
    "torch-legacy": torch_file,
    **dict.fromkeys(("latent-npy", "latent-npz", "latent-safetensors"), latent),
    "latent-pt": torch_file,
    **dict.fromkeys(("project", "png", "mkv", "mp4", "webm", "gif", "webp", "apng"), project),
    "text": text,
    "job": job,
    "settings": settings,
    "recording": recording,
}
