"""Colours of both themes: contrast after WCAG 2.1, and marks that the colour-blind can tell apart."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from explorer.widgets.controls.theme import DARK, LIGHT, Theme

THEMES = pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)

# Machado, Oliveira & Fernandes 2009, "A Physiologically-based Model for Simulation of Color Vision Deficiency",
# table 1, severity 1.0; for linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array([
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998],
    ]),
    "deuteranopia": np.array([
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881],
    ]),
    "tritanopia": np.array([
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900],
    ]),
}  # fmt: skip

# Ottosson 2020, "A perceptual color space for image processing" (OKLab).
TO_CONES = np.array([
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
])  # fmt: skip
TO_LAB = np.array([
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
])  # fmt: skip


def linear(colour: str) -> np.ndarray:
    """Linear RGB of "#rrggbb", 0..1."""
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1..21."""
    low, high = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def oklab(rgb: np.ndarray) -> np.ndarray:
    return TO_LAB @ np.cbrt(TO_CONES @ rgb.clip(0, 1))


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the textbook case that just fails


@THEMES
@pytest.mark.parametrize("role", ["text", "muted", "caption"])
@pytest.mark.parametrize("ground", ["window", "panel", "raised", "sunken"])
def test_text_can_be_read(theme: Theme, role: str, ground: str) -> None:
    assert contrast(getattr(theme, role), getattr(theme, ground)) >= 4.5


@THEMES
def test_coloured_text_can_be_read(theme: Theme) -> None:
    assert contrast(theme.on_accent, theme.accent) >= 4.5
    assert contrast(theme.on_warn, theme.warn) >= 4.5
    assert min(contrast(theme.accent, ground) for ground in (theme.window, theme.panel, theme.raised)) >= 4.5


@THEMES
@pytest.mark.parametrize("ground", ["window", "panel", "raised", "sunken"])
def test_marks_can_be_seen(theme: Theme, ground: str) -> None:
    for mark in (theme.faint, theme.accent, theme.refused, *theme.marks):
        assert contrast(mark, getattr(theme, ground)) >= 3.0


@THEMES
@pytest.mark.parametrize("vision", VISION)
def test_views_differ_in_colour_for_everybody(theme: Theme, vision: str) -> None:
    seen = [oklab(VISION[vision] @ linear(mark)) for mark in theme.marks]
    assert len(seen) == 6
    distances = {
        "ABCDEF"[i] + "ABCDEF"[j]: float(np.linalg.norm(seen[i] - seen[j])) for i, j in combinations(range(6), 2)
    }
    assert min(distances.values()) >= 0.075, distances


def test_no_two_views_are_nearly_black_on_a_light_ground() -> None:
    lightness = sorted(float(oklab(linear(mark))[0]) for mark in LIGHT.marks)
    assert lightness[1] > 0.4, "only one mark may be"
