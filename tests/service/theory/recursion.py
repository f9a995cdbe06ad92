"""The textbook recursion of a deep network of one activation, from the moments that predictions rest on."""

from gradclinic.experiments.activations import Activation
from gradclinic.theory.moments import moments


def variance_map(activation: Activation, weight_variance: float, bias_variance: float, q: float) -> float:
    """Q of the next layer: s_w^2 E[phi(sqrt(q) z)^2] + s_b^2, z ~ N(0, 1).

    Source: Poole et al. 2016, arXiv:1606.05340, equation 3. Infinite width.
    """
    return weight_variance * moments(activation, 0.0, q).second + bias_variance


def backward_gain(activation: Activation, weight_variance: float, q: float) -> float:
    """chi: factor by which E|dL/dz|^2 grows per layer going backward.

    chi = s_w^2 E[phi'(sqrt(q) z)^2], z ~ N(0, 1). Dimensionless; 1 is critical.
    weight_variance is s_w^2 = fan_in Var(W); q is the pre-activation variance. Infinite width.
    Source: Schoenholz et al. 2017, arXiv:1611.01232.
    """
    return weight_variance * moments(activation, 0.0, q).slope


def fixed_point(activation: Activation, weight_variance: float, bias_variance: float = 0.0) -> tuple[float, float]:
    """(q*, chi*) to which a deep network of one activation tends from q = 1, where the iteration settles.

    Source: Schoenholz et al. 2017, arXiv:1611.01232. Real networks are predicted by iterating from the data's own q.
    """
    q = 1.0
    for _ in range(10_000):
        following = variance_map(activation, weight_variance, bias_variance, q)
        if abs(following - q) <= 1e-12 * max(q, 1e-300):
            break
        q = following
    return q, backward_gain(activation, weight_variance, q)
