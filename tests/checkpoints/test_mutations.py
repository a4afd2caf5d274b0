"""Damaged files by the hundred: flipped bits, cut ends, spliced instructions. None may crash, hang or grow."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from explorer.checkpoints import build_generator, convert, inspect, load
from explorer.errors import LatentwalkError
from explorer.generators import registry
from tests.checkpoints.conftest import small_pickle
from tests.checkpoints.stylegan_formats import genforce, tensorflow
from tests.generators.stylegan_fixture import fixture_names
from tests.goldens import require

_HOSTILE = (
    b"cos\nsystem\n(X\x06\x00\x00\x00touch tR",
    b"\x8c\x08builtins\x8c\x04eval\x93(X\x01\x00\x00\x001tR",
    b"(ios\nsystem\n",
    b"(cos\nsystem\no",
    b"\x82\x01",
    b"X\x01\x00\x00\x00aQ",
)
_LENGTHS = (
    b"X\xff\xff\xff\x7f",
    b"B\xff\xff\xff\xff",
    b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\x95\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\x8b\xff\xff\xff\x7f",
)


def mutate(data: bytes, random: random.Random) -> bytes:
    """One damaged copy; most damage lies in the first part, where the instructions are."""
    mutable = bytearray(data)

    def position() -> int:
        return random.randrange(len(mutable) if random.random() < 0.5 else min(len(mutable), 4000))

    match random.randrange(8):
        case 0:  # flipped bits
            for _ in range(random.choice((1, 1, 2, 8, 64))):
                mutable[position()] ^= 1 << random.randrange(8)
        case 1:  # cut end
            del mutable[random.randrange(1, len(mutable)) :]
        case 2:  # other bytes
            for _ in range(random.choice((1, 4, 16))):
                mutable[position()] = random.randrange(256)
        case 3:  # instructions put in
            at = position()
            mutable[at:at] = bytes(
                random.choice(b"()]}012NRbaeustdlhjqrpgco\x81\x85\x86\x87\x8f\x90\x91\x92\x93\x94")
                for _ in range(random.choice((1, 2, 9)))
            )
        case 4:  # a part repeated
            at, size = position(), random.randrange(1, 400)
            mutable[at:at] = mutable[at : at + size] * random.choice((1, 2, 30))
        case 5:  # a part lost
            at = position()
            del mutable[at : at + random.randrange(1, 300)]
        case 6:  # something hostile
            at = position()
            mutable[at:at] = random.choice(_HOSTILE)
        case _:  # a declared length
            at = position()
            mutable[at : at + random.choice((0, 5))] = random.choice(_LENGTHS)
    return bytes(mutable)


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Lets the process grow by 400 MB at most; a bomb then ends in MemoryError."""
    status = Path("/proc/self/statm")
    if not status.exists():
        yield  # other systems do not enforce the limit
        return
    import resource

    old = resource.getrlimit(resource.RLIMIT_AS)
    size = int(status.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + 400_000_000, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, old)


def _try(path: Path) -> LatentwalkError | None:
    try:
        checkpoint = load(path)
        inspect(path)
        build_generator(checkpoint)
    except LatentwalkError as error:
        return error
    return None


def _originals(tmp_path: Path) -> list[tuple[str, bytes]]:
    golden = require("pickles/sg2ada_c3_u32_nosrc.pkl").read_bytes()
    tiny, tiny3 = small_pickle(), small_pickle("stylegan3-r")
    (tmp_path / "tiny.pkl").write_bytes(tiny)
    convert(tmp_path / "tiny.pkl", tmp_path / "tiny.safetensors")
    native = (tmp_path / "tiny.safetensors").read_bytes()
    torch.save({"g_ema": {"w": torch.zeros(50)}, "latent_avg": torch.zeros(3)}, tmp_path / "zip.pt")
    archive = (tmp_path / "zip.pt").read_bytes()
    stylegan = registry.build("stylegan", {"z_dim": 4, "w_dim": 4, "img_resolution": 8, "channel_max": 4})
    tensorflow.save(tmp_path / "tf.pkl", fixture_names(stylegan), 8)
    genforce.save(tmp_path / "genforce.pth", fixture_names(stylegan))
    others = [("pkl", (tmp_path / "tf.pkl").read_bytes()), ("pth", (tmp_path / "genforce.pth").read_bytes())]
    return [*others, ("pkl", golden), ("pkl", tiny), ("pkl", tiny3), ("safetensors", native), ("pt", archive)]


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("seed", range(4))
def test_damaged_files(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """1,120 files in four parts; each gives a working generator or an error that explains itself."""
    monkeypatch.chdir(tmp_path)
    originals = _originals(tmp_path)
    before_files = {path.name for path in tmp_path.iterdir()}
    generator = random.Random(seed)
    outcomes: dict[str, int] = {}
    for _, data in originals[2:3]:  # warm up: what a good file needs does not count
        (tmp_path / "m.pkl").write_bytes(data)
        build_generator(load(tmp_path / "m.pkl"))
    for index in range(280):
        suffix, data = originals[index % len(originals)]
        path = tmp_path / f"m.{suffix}"
        path.write_bytes(mutate(data, generator))
        started = time.process_time()
        error = _try(path)
        outcome = type(error).__name__ if error else "valid"
        assert error is None or (path.name in error.message and len(error.message) < 1500), error
        assert time.process_time() - started < 5, f"seed {seed}, file {index}"
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    # The damage is of many kinds, and some of it (in weights) is invisible.
    assert {"valid", "UnreadableFileError", "UnsafeFileError"} <= set(outcomes), outcomes
    left = {path.name for path in tmp_path.iterdir()} - before_files
    assert left <= {"m.pkl", "m.safetensors", "m.pt", "m.pth", "cache"}, "something ran"
