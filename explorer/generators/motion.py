"""Converts forward motions of the picture to the matrices that networks sample with."""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.errors import RequestError

__all__ = ["inverse_motion", "resample"]


def inverse_motion(transform: Tensor) -> Tensor:
    """Return the inverse of a forward motion, computed in float64.

    Args:
        transform: `[3, 3]` or `[N, 3, 3]`; x right, y down, unit = image width, origin in the
            middle.

    Returns:
        `[1 or N, 3, 3]` float64 on the device of `transform` (on the CPU where the device has no float64).

    Raises:
        RequestError: If a matrix is singular or not finite.
    """
    matrix = transform if transform.ndim == 3 else transform[None]
    # The matrices are tiny and some devices (MPS) have no float64, so this is done on the CPU.
    matrix = matrix.detach().to("cpu", torch.float64)
    determinant = torch.linalg.det(matrix)
    if not bool(torch.isfinite(matrix).all()) or bool((determinant.abs() < 1e-12).any()):
        raise RequestError("The input transform cannot be inverted.", "Use a scale above zero and finite numbers.")
    inverse: Tensor = torch.linalg.inv(matrix)
    return inverse


def resample(x: Tensor, transform: Tensor, mode: str = "bicubic") -> Tensor:
    """Move a picture or feature map by a forward motion, repeating its edge pixels outwards.

    Args:
        x: `[N, C, H, W]`.
        transform: As for `inverse_motion`.
        mode: "bilinear" or "bicubic".

    Returns:
        The shape and dtype of `x`.
    """
    inverse = inverse_motion(transform)
    if torch.equal(inverse, torch.eye(3, dtype=inverse.dtype).expand_as(inverse)):
        return x  # bicubic interpolation of a picture at its own pixels is not exact
    # grid_sample's coordinates go from -1 to 1 in both axes, so translations double, and y is in units of the
    # height.
    theta = torch.cat([inverse[:, :2, :2], 2 * inverse[:, :2, 2:]], dim=2)
    aspect = x.shape[2] / x.shape[3]
    theta = (theta * theta.new_tensor([[1, aspect, 1], [1 / aspect, 1, 1 / aspect]])).to(x.device, x.dtype)
    grid = torch.nn.functional.affine_grid(theta.expand(x.shape[0], 2, 3), list(x.shape), align_corners=False)
    return torch.nn.functional.grid_sample(x, grid, mode=mode, padding_mode="border", align_corners=False)
