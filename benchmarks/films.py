"""Films: how far the encoder holds up the renderer, what kills cost, and whether memory stays flat.

python benchmarks/films.py              the encoder's share, each format; --only mp4,gif: those alone
python benchmarks/films.py kills 20     kills at random moments: what plays, and whether pixels stay the same
python benchmarks/films.py memory 600   seconds of film at 256 px, memory on the segment
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from explorer.animation.container import Stream
from explorer.animation.encoder import ChunkedWriter, part_paths, pictures_of
from explorer.animation.film import Film, FilmRenderer
from explorer.animation.folder import ChunkedFolder
from explorer.animation.forecast import Forecast
from explorer.animation.formats import available, format_named
from explorer.animation.job import FilmJob, read_job, write_job
from explorer.animation.recorder import EncoderThread, Progress, Recorder
from explorer.checkpoints import Checkpoint, save_native
from explorer.checkpoints.bundled import DEFAULT_PAIR
from explorer.generators import registry
from explorer.state import ExplorerState, Keyframe, Latent, Look, Segment, Snapshot, Timeline, Truncation, ViewState

ROOT = Path(__file__).resolve().parent.parent


def project(seconds: float, model: str = DEFAULT_PAIR[0]) -> ExplorerState:
    """Return a walk through five seeds."""
    looks = [Look(latent=Latent(seed), truncation=Truncation(0.7)) for seed in range(1, 6)]
    segment = Segment("spherical", "z", "linear")
    keys = tuple(Keyframe(i * seconds / 4, Snapshot(look), segment) for i, look in enumerate(looks))
    return ExplorerState(
        views=(ViewState(model=model), ViewState()), layout="single", timeline=Timeline(keys, duration=seconds)
    )


def network(folder: str) -> str:
    """Return a file with a StyleGAN2 of 256 px with random weights: the smallest that people film."""
    torch.manual_seed(0)
    config: dict[str, object] = {"img_resolution": 256, "channel_base": 16384}
    tensors = registry.build("stylegan2", config).state_dict()
    path = Path(folder) / "stylegan2-256.safetensors"
    save_native(path, Checkpoint("stylegan2", config, tensors, "stylegan2-256", "MIT"))
    return str(path)


def encoder(burst: int = 8, rounds: int = 6, only: str = "", model: str = "") -> None:
    """Rendering alone against rendering with the encoder beside it, in bursts that take turns.

    Bursts are short, so that what else the machine does meets both; the queue is empty before each.
    """
    with tempfile.TemporaryDirectory() as folder:
        _encoder(project(burst / 30, model or network(folder)), burst, rounds, only)


def _encoder(state: ExplorerState, burst: int, rounds: int, only: str) -> None:
    name = Path(state.views[0].model).stem
    print(f"{name}, 256 px, medians of {rounds} bursts of {burst} frames, {torch.get_num_threads()} threads")
    print(f"{'format':8} {'alone':>9} {'with':>9} {'slower':>8} {'waited for it':>14}")
    for kind in available():
        if only and kind.key not in only.split(","):
            continue
        film = Film(burst / 30, format=kind.key, side=256)
        renderer = FilmRenderer(state, film)
        first = renderer.frame(0)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"f{kind.suffix}"
            stream = Stream(kind, film.quality, (first.shape[1], first.shape[0]), film.fps)
            growing = ChunkedFolder(path, lambda n: "") if kind.key == "png" else ChunkedWriter(path, stream, "")
            thread = EncoderThread(growing, Forecast(stream, growing.part, rounds * burst))
            alone, together = [], []
            for _ in range(rounds):
                started = time.perf_counter()
                for i in range(burst):
                    renderer.frame(i)
                alone.append(time.perf_counter() - started)
                started = time.perf_counter()
                for i in range(burst):
                    thread.put(renderer.frame(i))
                together.append(time.perf_counter() - started)
                thread.drain()
            waited = thread.blocked_s / sum(together)
            thread.end()
            growing.close()
        a, b = median(alone), median(together)
        slower = 100 * (b / a - 1)
        rates = f"{kind.key:8} {burst / a:7.1f}/s {burst / b:7.1f}/s"
        print(f"{rates} {slower:+7.1f}% {100 * waited:13.1f}%", flush=True)


_CHILD = """
import sys
from pathlib import Path
from explorer.animation.job import read_job
from explorer.animation.recorder import Recorder
def show(p):
    if p.stage != "rendering" or p.done % 5 == 0: print(p.stage, p.done, flush=True)
Recorder(read_job(Path(sys.argv[1]))).run(show)
"""


def kills(count: int, kind: str = "mp4") -> None:
    """Kill a process at random moments, resume each time, and compare with an undisturbed film."""
    chance = random.Random()
    seconds = 10.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"f{format_named(kind).suffix}"
        job = FilmJob(path, Film(seconds, format=kind, side=256), project(seconds))
        write_job(job)
        lost, done = [], 0
        for number in range(count):
            if not path.with_name(f"{path.name}.job.json").exists():
                print("the film was finished before all kills; beginning anew")
                path.unlink()
                write_job(job)
            process = subprocess.Popen(
                [sys.executable, "-c", _CHILD, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
            )
            assert process.stdout is not None
            process.stdout.readline()
            wait = chance.uniform(0.5, 0.5 + 30.0 / count)
            deadline = time.monotonic() + wait
            lines = []
            while time.monotonic() < deadline and process.poll() is None:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            lines = process.stdout.read().split("\n")
            process.wait()
            done = max([int(line.split()[1]) for line in lines if line.startswith("rendering")], default=0)
            plays = max((sum(1 for _ in _safely(p)) for p in part_paths(path) if p.exists()), default=0)
            lost.append(max(done - plays, 0))
            print(f"kill {number + 1:2}: after {wait:4.1f} s, {done} frames rendered, {plays} can be played")
        Recorder(read_job(path)).run()
        clean = FilmJob(path.with_name(f"clean{path.suffix}"), job.film, job.state)
        Recorder(clean).run()
        same = all((a == b).all() for a, b in zip(pictures_of(path), pictures_of(clean.path), strict=True))
        frames = sum(1 for _ in pictures_of(path))
        print(f"{count} kills: at most {max(lost)} frames lost each; {frames} frames, the same pixels: {same}")
        if not same:
            raise SystemExit(1)


def _safely(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield the pictures up to where the file breaks off."""
    try:
        yield from pictures_of(path)
    except Exception as error:  # a decoder throws what it likes at a torn end; the pictures before it count
        print(f"  {path.name}: {error}")


def memory(seconds: float) -> None:
    """Resident memory while a long film is made."""
    page = os.sysconf("SC_PAGE_SIZE")
    with tempfile.TemporaryDirectory() as folder:
        total = round(seconds * 30)

        def note(p: Progress) -> None:
            if p.stage == "rendering" and p.done % max(1, total // 20) == 0:
                resident = int(Path("/proc/self/statm").read_text().split()[1]) * page
                print(f"{p.done:6} frames  {resident / 1e6:7.1f} MB  {p.rate:5.1f} frames/s", flush=True)

        Recorder(FilmJob(Path(folder) / "f.mp4", Film(seconds, side=256), project(seconds))).run(note)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", nargs="?", default="encoder", choices=("encoder", "kills", "memory"))
    parser.add_argument("number", nargs="?", type=float, help="kills (default 20), or seconds (default 600)")
    parser.add_argument("--model", default="", help="of the table; else a StyleGAN2 of 256 px, untrained")
    parser.add_argument("--only", metavar="FORMATS", default="", help="formats of the table, e.g. mp4,gif")
    arguments = parser.parse_args()
    if arguments.what == "kills":
        kills(int(arguments.number or 20))
    elif arguments.what == "memory":
        memory(arguments.number or 600.0)
    else:
        encoder(only=arguments.only, model=arguments.model)


if __name__ == "__main__":
    main()
