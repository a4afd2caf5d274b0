"""Converts tensors to pixels: channel selection, grading, and Qt's byte order."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from explorer.ops.banded_fft import power_spectrum_steps
from explorer.render.results import TapStats
from explorer.util.steps import Steps, run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from explorer.state import Tap

__all__ = [
    "fit",
    "grade",
    "grade_steps",
    "over_white",
    "present",
    "select_channels",
    "spectrum_db",
    "spectrum_profile",
    "stats_of",
    "stats_steps",
    "to_bgrx",
]


def select_channels(x: Tensor, tap: Tap) -> Tensor:
    """Return the channels to show, `[1 or 3, H, W]` float32, of `x` `[C, H, W]`; of pictures `over_white`."""
    if tap.channels == "rgb" and not tap.layer and not tap.first_channel:
        x = over_white(x)
    if tap.channels == "norm":
        return x.float().square().sum(dim=0, keepdim=True).sqrt()
    count = 3 if tap.channels == "rgb" and x.shape[0] >= 3 else 1
    first = min(tap.first_channel, x.shape[0] - count)
    return x[first : first + count].float()


def over_white(x: Tensor) -> Tensor:
    """Return a picture `[4, H, W]` in -1..1, whose last channel is its opacity, over white; any other as it is."""
    if x.shape[0] != 4:
        return x
    x = x.float().clamp(-1.0, 1.0)
    opacity = x[3:] * 0.5 + 0.5
    return x[:3] * opacity + (1.0 - opacity)


def grade(x: Tensor, tap: Tap) -> Tensor:
    """Run all of `grade_steps`."""
    return run(grade_steps(x, tap))


def grade_steps(x: Tensor, tap: Tap) -> Steps[Tensor]:
    """Map the shown channels `[1 or 3, H, W]` to -1..1; the final picture is already in that range.

    With `normalize`, a layer is centred on its mean and divided by the largest deviation from it; a norm or a
    spectrum is mapped from its minimum to its maximum. Then `scale_db` multiplies by 10^(dB/20).
    """
    gain = 10.0 ** (tap.scale_db / 20.0)
    if tap.spectrum:
        x = yield from spectrum_steps(x)
    if tap.normalize and (tap.layer or tap.spectrum):
        if tap.spectrum or tap.channels == "norm":
            low, high = x.amin(), x.amax()
            x = (x - low) * (2.0 / (high - low).clamp_min(1e-8)) - 1.0
        else:
            centred = x - x.mean()
            x = centred / centred.abs().amax().clamp_min(1e-8)
    return x if gain == 1.0 else x * gain


def spectrum_db(x: Tensor) -> Tensor:
    """Run all of `spectrum_steps`."""
    return run(spectrum_steps(x))


def spectrum_steps(x: Tensor) -> Steps[Tensor]:
    """Return the power spectrum in dB of each channel, `[C, H, W]`, with frequency 0 in the centre.

    A separable Kaiser window (beta 8) prevents the picture's borders from appearing as a cross in the spectrum.
    """
    x = x.float()
    h, w = x.shape[-2:]
    window = _window(h).to(x.device)[:, None] * _window(w).to(x.device)[None, :]
    scale = window.square().sum() * 1.0
    channels = []
    for channel in x:
        power = yield from power_spectrum_steps((channel - channel.mean()) * window)
        db = torch.fft.fftshift(10.0 * torch.log10((power / scale).clamp_min(1e-12)), dim=(-2, -1))
        channels.append(db)
        yield
    return torch.stack(channels)


def spectrum_profile(x: Tensor) -> NDArray[np.float32]:
    """Run all of `profile_steps`."""
    return run(profile_steps(x))


def profile_steps(x: Tensor) -> Steps[NDArray[np.float32]]:
    """Return the radial mean of the power spectrum in dB, averaged over channels, per frequency from 0 up."""
    db = yield from spectrum_steps(x)
    power = (10.0 ** (db / 10.0)).mean(dim=0).flatten()
    radius, counts = _radii(x.shape[-2], x.shape[-1])
    radius, counts = radius.to(x.device), counts.to(x.device)
    yield
    sums = torch.zeros(counts.shape[0], device=x.device).index_add_(0, radius, power)
    profile: NDArray[np.float32] = (10.0 * torch.log10((sums / counts).clamp_min(1e-12))).cpu().numpy()
    return profile


@lru_cache(maxsize=32)
def _window(size: int) -> Tensor:
    return torch.kaiser_window(size, periodic=False, beta=8.0)


@lru_cache(maxsize=16)
def _radii(h: int, w: int) -> tuple[Tensor, Tensor]:
    """Return the index of each spectrum position's ring `[h*w]`, and the number of positions per ring."""
    side = max(h, w)  # the rings are 1 / side cycles per pixel apart
    y = (torch.arange(h) - h // 2) * (side / h)
    x = (torch.arange(w) - w // 2) * (side / w)
    radius = (y[:, None].square() + x[None, :].square()).float().sqrt().round().long().flatten()
    radius = radius.clamp_max(side // 2)
    return radius, torch.bincount(radius).clamp_min(1).float()


def stats_of(name: str, x: Tensor, shown: Tensor) -> TapStats:
    """Run all of `stats_steps`."""
    return run(stats_steps(name, x, shown))


def stats_steps(name: str, x: Tensor, shown: Tensor) -> Steps[TapStats]:
    """Return statistics of a tensor `[C, H, W]`, and the spectrum of its shown channels."""
    c, h, w = x.shape
    std, mean = torch.std_mean(x, correction=0)
    low, high = torch.aminmax(x)
    numbers = torch.stack([mean, std, low, high]).cpu().tolist()  # one trip to the host
    yield
    profile = yield from profile_steps(shown)
    return TapStats(name, (c, h, w), numbers[0], numbers[1], numbers[2], numbers[3], profile)


def fit(x: Tensor, max_px: int) -> Tensor:
    """Downsample `[C, H, W]` by averaging so that no side exceeds `max_px`; 0 leaves it unchanged."""
    side = max(x.shape[-2:])
    if max_px <= 0 or side <= max_px:
        return x
    size = [max(1, round(n * max_px / side)) for n in x.shape[-2:]]
    return F.interpolate(x[None], size=size, mode="area")[0]


def to_bgrx(x: Tensor) -> Tensor:
    """Convert channels `[1, 3 or more, H, W]` in -1..1 to uint8 `[H, W, 4]`, blue-green-red-255, on their device.

    The conversion is `clamp(x * 127.5 + 128, 0, 255)`, truncated, as for published pictures.
    """
    levels = x[:3].mul(127.5).add_(128.0).clamp_(0, 255)
    # The channels of a colour picture are reversed; of one or two channels the first is shown in grey.
    channels = (2, 1, 0) if x.shape[0] >= 3 else (0, 0, 0)
    out = torch.empty((*x.shape[-2:], 4), dtype=torch.uint8, device=x.device)
    for i, channel in enumerate(channels):
        out[..., i] = levels[channel]
    out[..., 3] = 255
    return out


def present(x: Tensor) -> NDArray[np.uint8]:
    """Return `to_bgrx` as a C-contiguous numpy array on the host."""
    levels = to_bgrx(x)
    if levels.device.type == "cuda":
        # Into pinned memory, to which the driver copies directly. torch takes it from a pool and returns it when
        # the last frame that uses it is released, so that two or three buffers alternate. Waiting releases the GIL
        # for the window.
        host = torch.empty(levels.shape, dtype=torch.uint8, pin_memory=True)
        host.copy_(levels, non_blocking=True)
        done = torch.cuda.Event()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        done.record()
        done.synchronize()
        levels = host
    pixels: NDArray[np.uint8] = levels.cpu().numpy()
    return pixels
