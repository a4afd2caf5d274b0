"""What the program adds to a generator's own time: one table, processor milliseconds of this thread.

PYTHONPATH=. python benchmarks/render_core.py [--frames 300]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import thread_time

import torch

from explorer.generators.registry import build
from explorer.latents.seeds import z_of_seed
from explorer.render.cache import StageCache
from explorer.render.display import present
from explorer.render.mailbox import Mailbox
from explorer.render.pipeline import Pipeline
from explorer.render.resolve import resolve
from explorer.state import Edit, ExplorerState, Latent, Look, Mixing, MixRow, Nudge, Offset, Truncation, with_look
from explorer.state.request import ModelKey, RenderRequest
from explorer.state.store import StateStore

CONFIG = {"img_resolution": 64, "channel_base": 2048, "channel_max": 64, "z_dim": 512, "w_dim": 512}
KEY = ModelKey("benchmark")


def per_call_ms(work: Callable[[int], object], count: int) -> float:
    """Processor time of one call, over `count` calls, after a warm-up."""
    for i in range(10):
        work(i)
    start = thread_time()
    for i in range(count):
        work(i)
    return 1e3 * (thread_time() - start) / count


def busy_look(w_dim: int) -> Look:
    """Return a look with every kind of edit in it."""
    return Look(
        Latent(5, 0.3, 0.7),
        truncation=Truncation(0.7, 8),
        mixing=Mixing(rows=tuple(MixRow(i, 0, 0.5) for i in range(6))),
        edits=(*(Edit(Nudge(i), 0.1) for i in range(4)), Edit(Offset((0.01,) * w_dim))),
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=300)
    frames = parser.parse_args().frames
    torch.set_num_threads(1)  # so that this thread's time is all of it
    torch.manual_seed(0)
    generator = build("stylegan2", CONFIG).requires_grad_(False)
    info = generator.info
    store = StateStore(ExplorerState(shared=busy_look(info.w_dim)))
    box: Mailbox[RenderRequest] = Mailbox()
    pipeline = Pipeline(generator, StageCache(512 << 20), KEY.sha256)

    def state_at(i: int) -> ExplorerState:
        return with_look(store.state, 0, truncation=Truncation(0.5 + (i % 100) / 1000, 8))

    def request_at(i: int) -> RenderRequest:
        return resolve(state_at(i), 0, info, model=KEY)

    late = [
        resolve(
            with_look(store.state, 0, edits=(Edit(Offset((0.001 * i,) * info.w_dim, 9, 9)),)), 0, info, model=KEY
        )
        for i in range(frames)
    ]
    with torch.inference_mode():
        w = generator.mapping(torch.tensor(z_of_seed(5, info.z_dim))[None])
        ws = generator.broadcast(w)
        image = generator.synthesis(ws)[0]
        rows = [
            ("store: one update", per_call_ms(lambda i: store.update(state_at(i)), frames)),
            ("resolve", per_call_ms(request_at, frames)),
            ("mailbox: put and take", per_call_ms(lambda i: (box.put(0, late[0]), box.take(0.0)), frames)),
            ("plan: map, style, keys", per_call_ms(lambda i: pipeline.plan(request_at(i), 0), frames)),
            ("present: uint8 BGRX", per_call_ms(lambda i: present(image), frames)),
            ("generator alone", per_call_ms(lambda i: generator.synthesis(ws), frames)),
            ("pipeline, all layers", per_call_ms(lambda i: pipeline.run(pipeline.plan(request_at(i), 0)), frames)),
            ("pipeline, last layer only", per_call_ms(lambda i: pipeline.run(pipeline.plan(late[i], 0)), frames)),
        ]
    print(f"StyleGAN2 64 px, w_dim {info.w_dim}, {len(info.layers)} layers; processor ms a call")
    for name, ms in rows:
        print(f"  {name:28}{ms:8.3f}")


if __name__ == "__main__":
    main()
