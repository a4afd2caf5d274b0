"""The generator's optimiser: Adam, as published, or Muon on the matrices.

Muon (Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks") replaces a matrix's gradient by
the nearest matrix whose singular values are all one, so that rare directions are learned as fast as common ones.
With the reconstruction loss StyleGAN3 learns more per picture with it than with Adam; at a sixth of that rate it
helps in the adversarial phase too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["GeneratorOptimiser", "orthogonalised"]


class GeneratorOptimiser:
    """Adam for everything, or Muon for matrices and Adam for the rest; both keep their state."""

    def __init__(self, generator: nn.Module, others: Iterable[nn.Parameter], lr: float) -> None:
        self.adam = torch.optim.Adam([*generator.parameters(), *others], lr=lr)
        # Three outputs (colour) or four (a motion) are too few to balance.
        self._matrices = [p for p in generator.parameters() if p.ndim in (2, 4) and p.shape[0] > 4]
        self._flat = [nn.Parameter(_matrix(p.detach(), p)) for p in self._matrices]  # views of the same memory
        self.muon = _Muon(
            self._flat, lr=lr, weight_decay=0.0, momentum=0.95, nesterov=True, adjust_lr_fn="match_rms_adamw"
        )

    @property
    def parameters(self) -> list[nn.Parameter]:
        """All optimised parameters."""
        return list(self.adam.param_groups[0]["params"])

    def set_rates(self, adam: Mapping[str, Any], muon: float) -> None:
        """Set Adam's settings and Muon's learning rate in Adam's units; 0 leaves the matrices to Adam."""
        self.adam.param_groups[0].update(adam)
        self.muon.param_groups[0]["lr"] = muon

    def zero_grad(self) -> None:
        """Clear the gradients."""
        self.adam.zero_grad(set_to_none=True)

    def step(self) -> None:
        """Update the parameters."""
        if self.muon.param_groups[0]["lr"] > 0:
            for matrix, flat in zip(self._matrices, self._flat, strict=True):
                flat.grad = None if matrix.grad is None else _matrix(matrix.grad, matrix)
                matrix.grad = None  # Adam skips parameters without a gradient
            self.muon.step()
        self.adam.step()

    def state_dict(self) -> dict[str, Any]:
        """Return the state of both optimisers."""
        return {"adam": self.adam.state_dict(), "muon": self.muon.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state`."""
        self.adam.load_state_dict(state["adam"])
        self.muon.load_state_dict(state["muon"])


class _Muon(torch.optim.Muon):
    """Muon as in torch, with the same state, whose iteration works on the small Gram matrix in float32.

    Torch iterates on the whole matrix in bfloat16, which is slow where a processor emulates bfloat16.
    """

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # a loss is not evaluated again here
        """Update the parameters."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)

    def _update(self, parameter: Tensor, group: dict[str, Any]) -> None:
        gradient, state = parameter.grad, self.state[parameter]
        assert gradient is not None
        momentum = group["momentum"]
        mean = state.setdefault("momentum_buffer", torch.zeros_like(gradient))
        mean.lerp_(gradient, 1 - momentum)
        update = orthogonalised(gradient.lerp(mean, momentum), group["ns_coefficients"], group["ns_steps"])
        # The scale at which the update's root mean square is that of Adam ("match_rms_adamw").
        parameter.add_(update, alpha=-group["lr"] * 0.2 * max(parameter.shape) ** 0.5)


def orthogonalised(matrix: Tensor, coefficients: tuple[float, float, float], steps: int) -> Tensor:
    """Return `matrix` `[M, N]` with all singular values near one, by the Newton-Schulz iteration of Muon.

    A step `X <- (a + b X X' + c (X X')^2) X` multiplies by a polynomial of the Gram matrix `X X'`. Such polynomials
    commute, so the steps need only Gram matrices, `[K, K]` with `K = min(M, N)`, and one product with `matrix`.

    Args:
        matrix: The matrix; it is divided by its norm first.
        coefficients: `a`, `b` and `c`.
        steps: Number of steps.
    """
    if matrix.shape[0] > matrix.shape[1]:
        return orthogonalised(matrix.t(), coefficients, steps).t()
    a, b, c = coefficients
    x = matrix.float() / matrix.norm().clamp(min=1e-7)
    gram = x @ x.t()
    product = identity = torch.eye(gram.shape[0], device=gram.device)
    for _ in range(steps):
        polynomial = a * identity + b * gram + c * (gram @ gram)
        product = polynomial @ product
        gram = polynomial @ gram @ polynomial
    result: Tensor = product @ x
    return result.to(matrix.dtype)


def _matrix(values: Tensor, like: Tensor) -> Tensor:
    """Return `values` as a matrix `[outputs, inputs * taps]` in the memory order of `like`."""
    if values.ndim == 4 and not like.is_contiguous():
        values = values.permute(0, 2, 3, 1)  # channels last
    return values.flatten(1)
