"""Videos: exact frame count, rate, size and colours; playable after a kill; a name only once they are whole."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.animation.writer import VideoWriter
from explorer.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]


def moving(count: int, height: int = 64, width: int = 96) -> list[NDArray[np.uint8]]:
    """A green bar that moves over red."""
    frames = []
    for i in range(count):
        frame = np.zeros((height, width, 3), np.uint8)
        frame[..., 0] = 200
        frame[:, i : i + 20] = (20, 180, 60)
        frames.append(frame)
    return frames


@pytest.mark.parametrize(("rate", "size"), [(30, (64, 96)), (Fraction(30000, 1001), (33, 65))])
def test_what_is_written_is_read_back(out: Path, rate: Fraction, size: tuple[int, int]) -> None:
    frames = moving(40, *size)
    with VideoWriter(out / "v.mp4", rate) as writer:
        for frame in frames:
            writer.add(frame)
        assert (out / "v.part.mp4").exists()
        assert not (out / "v.mp4").exists()
    assert [p.name for p in out.iterdir()] == ["v.mp4"]
    with av.open(str(out / "v.mp4")) as video:
        stream = video.streams.video[0]
        assert (stream.frames, stream.average_rate) == (40, rate)
        context = stream.codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc) == (1, 1, 1)
        assert context.pix_fmt == "yuv420p"
        decoded = [frame.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray() for frame in video.decode()]
    assert len(decoded) == 40
    height, width = size
    assert decoded[0].shape == (height + height % 2, width + width % 2, 3)
    for place, colour in ((10, (20, 180, 60)), (50, (200, 0, 0))):
        np.testing.assert_allclose(decoded[3][20, place], colour, atol=6)


def test_most_frames_survive_a_kill(out: Path) -> None:
    script = (
        "import os, sys, numpy as np; from explorer.animation.writer import VideoWriter\n"
        "w = VideoWriter(sys.argv[1], 30)\n"
        "for i in range(100): w.add(np.full((64, 64, 3), i, np.uint8))\n"
        "os._exit(9)"  # as after kill -9: nothing is flushed or closed
    )
    done = subprocess.run([sys.executable, "-c", script, str(out / "v.mp4")], cwd=ROOT, check=False)
    assert done.returncode == 9
    assert [p.name for p in out.iterdir()] == ["v.part.mp4"]
    with av.open(str(out / "v.part.mp4")) as video:
        assert 60 <= sum(1 for _ in video.decode(video=0)) <= 100


def test_an_error_keeps_the_old_file_and_the_part(out: Path) -> None:
    (out / "v.mp4").write_bytes(b"older")
    with pytest.raises(RuntimeError), VideoWriter(out / "v.mp4", 30) as writer:  # noqa: PT012
        for frame in moving(20):
            writer.add(frame)
        raise RuntimeError
    assert (out / "v.mp4").read_bytes() == b"older"
    with av.open(str(out / "v.part.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) == 20


def test_no_frame_no_file(out: Path) -> None:
    with VideoWriter(out / "v.mp4", 30):
        pass
    assert not list(out.iterdir())


def test_misuse(out: Path) -> None:
    for name, rate in (("v.avi", 30), ("v.mp4", 0)):
        with pytest.raises(UsageError):
            VideoWriter(out / name, rate)
    with pytest.raises(ValueError, match="another size"), VideoWriter(out / "v.mp4", 30) as writer:  # noqa: PT012
        writer.add(np.zeros((16, 16, 3), np.uint8))
        writer.add(np.zeros((16, 32, 3), np.uint8))
