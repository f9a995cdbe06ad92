"""How much of the targets a line and a smooth curve over the inputs leave unexplained, in samples they did not see.

Both are ridge regressions: over the inputs, and over a Gaussian kernel beside them. Each sample is predicted from all
others (leave-one-out, in closed form), so noise is not learned by heart. Source: Rasmussen and Williams 2006, Gaussian
Processes for Machine Learning, equation 5.12.
"""

from math import sqrt

import torch
from torch import Tensor

from gradclinic.measurements.preflight import FitFacts

SAMPLES = 256
"""Most samples that are fitted."""
_FEWEST = 100
"""With fewer, a curve is too uncertain."""
_WIDTHS = (0.25, 1.0)
"""Squared widths of the kernel, over the median squared distance of two samples."""
_RIDGES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Ridges, where the kernels are about 1."""


def simple_fits(inputs: Tensor, targets: Tensor) -> FitFacts | None:
    """Both fits of different samples, [samples, columns] in float64; None for few of them, or targets that are counts.

    Whole numbers may be classes, of which a squared error says little.
    """
    inputs, targets = _standardized(inputs[:SAMPLES]), targets[:SAMPLES]
    if len(inputs) < _FEWEST or not inputs.shape[1] or bool((targets.diff(dim=0) % 1 == 0).all()):
        return None
    targets = targets - targets.mean(0)
    varied = float(targets.square().sum())
    line = inputs @ inputs.T / inputs.shape[1] + 1.0
    squares = torch.cdist(inputs, inputs).square()
    typical = squares[squares > 0].median()
    of_line = _left(line, targets)
    of_curve = min((_left(line + (-squares / (2 * width * typical)).exp(), targets) for width in _WIDTHS), key=_total)
    less = of_line - of_curve
    return FitFacts(
        samples=len(inputs),
        line_left=_total(of_line) / varied,
        curve_left=_total(of_curve) / varied,
        error=float(less.std()) * sqrt(len(less)) / varied,
    )


def _standardized(inputs: Tensor) -> Tensor:
    deviations = inputs.std(0, unbiased=False)
    varied = deviations > 0
    return (inputs[:, varied] - inputs[:, varied].mean(0)) / deviations[varied]


def _left(kernel: Tensor, targets: Tensor) -> Tensor:
    """[samples]: squared errors of predictions of each sample from all others, with the best of the ridges."""
    sizes, vectors = torch.linalg.eigh(kernel)
    rotated = vectors.T @ targets
    errors: list[Tensor] = []
    for ridge in _RIDGES:
        inverse = 1.0 / (sizes.clamp_min(0.0) + ridge)
        errors.append((vectors @ (inverse[:, None] * rotated) / (vectors.square() @ inverse)[:, None]).square().sum(1))
    return min(errors, key=_total)


def _total(errors: Tensor) -> float:
    return float(errors.sum())
