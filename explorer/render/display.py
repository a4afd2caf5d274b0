"""From tensors to pixels: what is shown of a layer, how it is graded, and Qt's byte order at the end."""

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
    "present",
    "select_channels",
    "spectrum_db",
    "spectrum_profile",
    "stats_of",
    "stats_steps",
    "to_bgrx",
]


def select_channels(x: Tensor, tap: Tap) -> Tensor:
    """Return the channels to show, `[1 or 3, H, W]` float32, of `x` `[C, H, W]`."""
    if tap.channels == "norm":
        return x.float().square().sum(dim=0, keepdim=True).sqrt()
    count = 3 if tap.channels == "rgb" and x.shape[0] >= 3 else 1
    first = min(tap.first_channel, x.shape[0] - count)
    return x[first : first + count].float()


def grade(x: Tensor, tap: Tap) -> Tensor:
    """Return `grade_steps`, at once."""
    return run(grade_steps(x, tap))


def grade_steps(x: Tensor, tap: Tap) -> Steps[Tensor]:
    """Fits the shown channels into -1..1, `[1 or 3, H, W]`; the final picture is in that range already.

    A layer is centred on its mean and divided by its largest distance from it if `normalize`; a norm or a spectrum
    runs from its minimum to its maximum. `scale_db` then multiplies by 10^(dB/20).
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
    """Return `spectrum_steps`, at once."""
    return run(spectrum_steps(x))


def spectrum_steps(x: Tensor) -> Steps[Tensor]:
    """Return power spectrum in dB of each channel, `[C, H, W]`, frequency 0 in the middle.

    A separable Kaiser window (beta 8) keeps the picture's borders from drawing a cross over the spectrum.
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
    """Return `profile_steps`, at once."""
    return run(profile_steps(x))


def profile_steps(x: Tensor) -> Steps[NDArray[np.float32]]:
    """Return radial mean of the power spectrum in dB, averaged over channels: one value per frequency from 0 up."""
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
    """Return index of the ring each spectrum position belongs to `[h*w]`, and how many belong to each ring."""
    side = max(h, w)  # the rings are 1 / side cycles a pixel apart
    y = (torch.arange(h) - h // 2) * (side / h)
    x = (torch.arange(w) - w // 2) * (side / w)
    radius = (y[:, None].square() + x[None, :].square()).float().sqrt().round().long().flatten()
    radius = radius.clamp_max(side // 2)
    return radius, torch.bincount(radius).clamp_min(1).float()


def stats_of(name: str, x: Tensor, shown: Tensor) -> TapStats:
    """Return `stats_steps`, at once."""
    return run(stats_steps(name, x, shown))


def stats_steps(name: str, x: Tensor, shown: Tensor) -> Steps[TapStats]:
    """Return numbers of a tensor `[C, H, W]`, and the spectrum of the channels of it that are shown."""
    c, h, w = x.shape
    std, mean = torch.std_mean(x, correction=0)
    low, high = torch.aminmax(x)
    numbers = torch.stack([mean, std, low, high]).cpu().tolist()  # one trip to the host
    yield
    profile = yield from profile_steps(shown)
    return TapStats(name, (c, h, w), numbers[0], numbers[1], numbers[2], numbers[3], profile)


def fit(x: Tensor, max_px: int) -> Tensor:
    """Return `[C, H, W]` averaged down so that no side exceeds `max_px`; 0 leaves it as it is."""
    side = max(x.shape[-2:])
    if max_px <= 0 or side <= max_px:
        return x
    size = [max(1, round(n * max_px / side)) for n in x.shape[-2:]]
    return F.interpolate(x[None], size=size, mode="area")[0]


def to_bgrx(x: Tensor) -> Tensor:
    """uint8 `[H, W, 4]` blue-green-red-255 on the tensor's device, from `[1, 3 or more, H, W]` channels in -1..1.

    `clamp(x * 127.5 + 128, 0, 255)`, the fraction cut off: the conversion that published pictures use.
    """
    levels = x[:3].mul(127.5).add_(128.0).clamp_(0, 255)
    # A colour picture is reversed on the way; one or two channels are shown as the first one's greys.
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
        # Into pinned memory, which the driver copies to directly. torch takes it from a pool and gives it back when
        # the last frame that shows it is gone, so that two or three buffers take turns. Waiting frees the
        # interpreter for the window.
        host = torch.empty(levels.shape, dtype=torch.uint8, pin_memory=True)
        host.copy_(levels, non_blocking=True)
        done = torch.cuda.Event()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        done.record()
        done.synchronize()
        levels = host
    pixels: NDArray[np.uint8] = levels.cpu().numpy()
    return pixels
