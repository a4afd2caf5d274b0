"""Pixels: byte order, rounding, channel choice, grading, spectra, untransform."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from explorer.ops.banded_fft import power_spectrum_steps
from explorer.ops.resample import QUICK_SPAN, affine
from explorer.render import display
from explorer.render.untransform import difference_picture, heat_picture, painted, untransform
from explorer.state import Tap
from explorer.util.steps import run


def test_colours_become_bgrx_bytes_by_the_published_rounding() -> None:
    x = torch.tensor([-1.0, 0.0, 1.0])[:, None, None].expand(3, 2, 5)
    pixels = display.present(x)
    assert pixels.shape == (2, 5, 4)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert pixels[0, 0].tolist() == [255, 128, 0, 255]
    assert display.present(torch.full((3, 1, 1), 9.0))[0, 0, 0] == 255
    assert display.present(torch.full((3, 1, 1), -9.0))[0, 0, 0] == 0
    # floor(v * 127.5 + 128): the largest value below a level stays below it
    assert display.present(torch.full((3, 1, 1), 0.4999 / 127.5))[0, 0, 0] == 128


def test_one_channel_becomes_grey_and_a_fourth_is_ignored() -> None:
    assert display.present(torch.zeros(1, 1, 1))[0, 0].tolist() == [128, 128, 128, 255]
    four = torch.tensor([1.0, 0.0, -1.0, 0.5])[:, None, None]
    assert display.present(four)[0, 0].tolist() == [0, 128, 255, 255]


def test_the_bytes_are_qts_rgb32() -> None:
    from PySide6.QtGui import QImage

    pixels = display.present(torch.tensor([1.0, 0.0, -1.0])[:, None, None].expand(3, 3, 5))
    image = QImage(pixels.data, 5, 3, pixels.strides[0], QImage.Format.Format_RGB32)
    colour = image.pixelColor(4, 2)
    assert (colour.red(), colour.green(), colour.blue()) == (255, 128, 0)


def test_channels_are_chosen() -> None:
    x = torch.arange(6.0)[:, None, None].expand(6, 2, 2)
    assert display.select_channels(x, Tap("l", "rgb", 2))[:, 0, 0].tolist() == [2, 3, 4]
    assert display.select_channels(x, Tap("l", "rgb", 99))[:, 0, 0].tolist() == [3, 4, 5]
    assert display.select_channels(x, Tap("l", "one", 5))[:, 0, 0].tolist() == [5]
    assert display.select_channels(x[:2], Tap("l", "rgb", 1))[:, 0, 0].tolist() == [1]
    assert display.select_channels(x, Tap("l", "norm"))[0, 0, 0] == pytest.approx(math.sqrt(55))
    assert display.select_channels(x.bfloat16(), Tap("l")).dtype == torch.float32


def test_a_layer_is_fitted_into_the_range_and_the_picture_is_left_alone() -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 8, 8) * 50 + 7
    assert display.grade(x, Tap()) is x
    fitted = display.grade(x, Tap("l"))
    assert float(fitted.abs().max()) == pytest.approx(1.0)
    assert float(fitted.mean()) == pytest.approx(0.0, abs=1e-5)
    norm = display.grade(x.abs()[:1], Tap("l", "norm"))
    assert (float(norm.min()), float(norm.max())) == (-1.0, pytest.approx(1.0))
    assert torch.equal(display.grade(x, Tap("l", normalize=False)), x)
    torch.testing.assert_close(display.grade(x, Tap(scale_db=20.0)), x * 10)
    assert torch.isfinite(display.grade(torch.zeros(3, 4, 4), Tap("l"))).all()


def test_a_wave_is_one_pair_of_peaks_in_the_spectrum() -> None:
    n, cycles = 64, 12
    wave = torch.sin(2 * math.pi * cycles * torch.arange(n) / n)[None, None, :].expand(1, n, n)
    db = display.spectrum_db(wave)[0]
    row, column = divmod(int(db.argmax()), n)
    assert (row, abs(column - n // 2)) == (n // 2, cycles)
    profile = display.spectrum_profile(wave)
    assert int(profile.argmax()) == cycles
    assert len(profile) == n // 2 + 1
    graded = display.grade(wave, Tap(spectrum=True))
    assert (float(graded.min()), float(graded.max())) == (-1.0, pytest.approx(1.0))


def test_white_noise_has_a_flat_profile_of_its_variance() -> None:
    torch.manual_seed(0)
    profile = display.spectrum_profile(3 * torch.randn(8, 64, 64))
    np.testing.assert_allclose(profile[4:], 10 * math.log10(9), atol=1.5)


def test_statistics() -> None:
    torch.manual_seed(0)
    x = torch.randn(5, 4, 6)
    stats = display.stats_of("layer", x, x[:3])
    assert (stats.name, stats.shape) == ("layer", (5, 4, 6))
    assert stats.mean == pytest.approx(float(x.mean()), abs=1e-6)
    assert stats.std == pytest.approx(float(x.std(correction=0)))
    assert (stats.minimum, stats.maximum) == (float(x.min()), float(x.max()))
    assert len(stats.spectrum_db) == 4


def test_fitting_averages_down_and_never_up() -> None:
    x = torch.arange(16.0).reshape(1, 4, 4)
    assert display.fit(x, 0) is x
    assert display.fit(x, 4) is x
    np.testing.assert_allclose(display.fit(x, 2)[0], [[2.5, 4.5], [10.5, 12.5]])
    assert display.fit(torch.zeros(3, 100, 50), 10).shape == (3, 10, 5)
    assert display.fit(torch.zeros(3, 100, 1), 10).shape == (3, 10, 1)


# -- untransform -----------------------------------------------------------------------------------------------


def matrix_of(angle: float, scale: float, x: float, y: float) -> np.ndarray:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[scale * c, s, x], [-s, c, y], [0.0, 0.0, 1.0]])


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 33, 33), (3, 20, 24)])
@pytest.mark.parametrize("motion", [(0.6, 1.0, 0.1, -0.05), (0.0, 1.0, 0.125, 0.0), (-2.0, 1.3, -0.3, 0.2)])
def test_the_quick_resampler_agrees_with_the_metrics(
    shape: tuple[int, int, int], motion: tuple[float, float, float, float]
) -> None:
    torch.manual_seed(0)
    x = torch.randn(shape)
    matrix = matrix_of(*motion)
    inverse = np.linalg.inv(matrix)
    expected = affine(x[None], inverse)[0][0]
    # The quick one designs its filter on a smaller domain: less than a tenth of an 8-bit level (1/127.5) apart.
    torch.testing.assert_close(run(untransform(x, tuple(matrix.ravel()))), expected, atol=8e-4, rtol=0)


def test_untransform_is_the_inverse_motion() -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 16, 16)
    forward = matrix_of(0.3, 1.0, 0.1, 0.0)
    back = run(untransform(x, tuple(forward.ravel())))
    torch.testing.assert_close(back, affine(x[None], np.linalg.inv(forward), span=QUICK_SPAN)[0][0])


@pytest.mark.parametrize("shape", [(300, 301), (301, 300), (512, 512), (333, 999)])
def test_spectra_by_bands_are_those_of_the_whole_picture(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    x = torch.randn(shape, dtype=torch.float64)
    steps = power_spectrum_steps(x)
    assert shape[0] * shape[1] > 1 << 16, "larger than what is transformed at once"
    torch.testing.assert_close(run(steps), torch.fft.fft2(x).abs().square(), rtol=1e-9, atol=1e-9)
    assert sum(1 for _ in power_spectrum_steps(x)) >= 2


def test_residuals_painted_by_rows_are_those_of_the_whole_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    difference = torch.randn(3, 21, 13) * 0.2
    monkeypatch.setattr("explorer.render.untransform._BAND_PIXELS", 4 * 13)
    for paint in (heat_picture, difference_picture):
        assert torch.equal(run(painted(difference, paint)), paint(difference))
        assert sum(1 for _ in painted(difference, paint)) == 6


def test_a_picture_with_opacity_is_shown_over_white_and_a_layer_of_four_channels_is_not() -> None:
    x = torch.tensor([1.0, 0.0, -1.0, 0.0])[:, None, None].expand(4, 2, 3)
    assert display.select_channels(x, Tap())[:, 0, 0].tolist() == [1.0, 0.5, 0.0]  # white is 1
    assert display.select_channels(x, Tap("l"))[:, 0, 0].tolist() == [1.0, 0.0, -1.0]
    assert display.select_channels(x, Tap("", "rgb", 1))[:, 0, 0].tolist() == [0.0, -1.0, 0.0]
    beyond = torch.tensor([9.0, -9.0, 0.0, -9.0])[:, None, None]
    assert display.select_channels(beyond, Tap())[:, 0, 0].tolist() == [1.0, 1.0, 1.0]
    assert torch.equal(display.over_white(x[:3]), x[:3])
