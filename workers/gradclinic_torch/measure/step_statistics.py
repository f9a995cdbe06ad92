"""The statistics of one step, computed from its tensors; each is a vector with a value per site or per weight."""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from gradclinic.experiments.sites import Site
from gradclinic.measurements.statistics.rms import rms

from ..model.placement import plain
from .reductions import reduced, share_of_units_off, statistics_of

Named = dict[str, Tensor]
"""Vectors by the name of their statistic."""


def at_places(found: Named, places: Sequence[int], *, count: int) -> Named:
    """The vectors with their values at these places of `count`, and NaN at the others."""
    if len(places) == count:
        return found
    index = {device: torch.tensor(places, device=device) for device in {each.device for each in found.values()}}
    return {
        name: each.new_full((count,), float("nan")).index_copy(0, index[each.device], each)
        for name, each in found.items()
    }


def before_activation(site: Site) -> str:
    """What is tapped as the argument of the site's activation."""
    return site.before or site.tap


def after_activation(site: Site) -> str:
    """What is tapped as phi(site); the site itself where no activation takes it."""
    return site.output or site.tap


def gradient_of(tensor: Tensor) -> Tensor:
    """The tensor's gradient, dense; zeros if it received none (a frozen layer, an unused unit)."""
    found = plain(tensor.grad if tensor.grad is not None else torch.zeros_like(tensor))
    found = found.to_dense() if found.is_sparse else found
    return found if found.numel() else found.new_zeros(1)  # of a sharded weight, all of which is elsewhere


def gradient_statistics(
    per: Literal["site", "weight"], gradients: Sequence[Tensor], *, sites: Sequence[Site], scale: float
) -> Named:
    """What is recorded of gradients; those that grow with the gradient are multiplied by `scale`.

    At the sites this includes the RMS, which is then not computed apart.
    """
    if not gradients:
        return {}
    wanted = statistics_of(per, "gradient")
    activations = [site.activation for site in sites] if per == "site" else [None] * len(gradients)
    found = reduced(gradients, [*(each.reduce for each in wanted), rms], activations=activations)
    named = {each.name: found[each.reduce] * scale if each.grows else found[each.reduce] for each in wanted}
    return named | {"site_grad_rms": found[rms] * scale} if per == "site" else named


def activation_statistics(sites: Sequence[Site], values: Mapping[str, Tensor], *, unknown: Tensor) -> Named:
    """What is recorded of the values at the sites and of what their activations make of them.

    unknown: [L], NaN at a site that no activation follows, else 0.
    """
    if not sites:
        return {}
    before = [values[before_activation(site)].detach() for site in sites]
    after = [values[after_activation(site)].detach() for site in sites]
    activations = [site.activation for site in sites]
    of_value, of_activation = statistics_of("site", "value"), statistics_of("site", "activation")
    named = {}
    for statistics, tensors in ((of_value, before), (of_activation, after)):
        in_order = sorted((each.reduce for each in statistics), key=lambda reduce: reduce is rms)  # from known sums
        found = reduced(tensors, in_order, activations=activations)
        for each in statistics:
            named[each.name] = found[each.reduce] + unknown if each.needs_activation else found[each.reduce]
    return named


def dead_fraction(
    sites: Sequence[Site], mortal: Sequence[int], values: Mapping[str, Tensor], *, unknown: Tensor
) -> Tensor:
    """[L]: fraction of each site's units whose slope is 0 on every sample; of those that cannot die, `unknown`.

    mortal: the indices of the sites whose units can die.
    """
    dead = unknown.clone()
    if mortal:
        dying = [sites[index] for index in mortal]
        bounds = [site.activation.zero_gradient for site in dying if site.activation]
        tensors = [values[before_activation(site)] for site in dying]
        dead[list(mortal)] = share_of_units_off(tensors, bounds, [site.unit_axis for site in dying])
    return dead
