"""The predicted gradient profile of an experiment at step 0, with its expected error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import inf, log, prod, sqrt
from typing import TYPE_CHECKING

import numpy as np

from ..experiments.layers import Node
from ..experiments.lowering import Network, lower
from ..experiments.sites import Site
from .closed_form import Array, NoClosedForm
from .data import input_batch, input_signal, input_sizes
from .recurrent import REUSED, unrolled
from .signal import Signal
from .start import Setting
from .transfer import step
from .walk import COHERENT_DOUBT, at_last_site, coherent, embedded, walk
from .windows import positions_of, units_of

if TYPE_CHECKING:
    from ..experiments.experiment import Experiment

SCATTER, SCATTER_WITH_SKIPS = 0.11, 0.2
"""Standard deviation of D over draws of the weights, in orders of magnitude, measured for a ReLU network with 30 layers
and width 256; and the same with unscaled skip connections, where the coherent part of the gradient (gradient.py) is one
number per draw.

It is proportional to sqrt(depth / width). For other networks it is an upper estimate: with batch norm, and with scaled
skips around tanh, draws scatter several times less.
"""
SCATTER_OVER_TIME = 0.2
"""The same for 30 steps of a recurrent layer, without the scatter due to the input weights. All steps share one draw of
the weights, so it is proportional to their number (measured for tanh, gains 0.7 to 2.5, 10 to 90 steps: 0.06 to 0.36,
largest with few features).
"""
UNSTABLE = 0.5
"""Largest uncertainty, in orders of magnitude, up to which a profile is predicted."""
MIN_SITES = 3
_SOURCE = "Poole et al. 2016, arXiv:1606.05340; Schoenholz et al. 2017, arXiv:1611.01232"


@dataclass(frozen=True)
class SitePrediction:
    """The prediction for one site (a layer output whose gradient is measured)."""

    name: str
    q: float
    """Second moment of the site's values."""
    chi: float | None
    """Factor by which the total square of the gradient grows from the next site to this one; None at the last."""
    log10_relative_gradient: float
    """log10 of g at this site divided by g at the last site."""
    factor_doubt: float
    """Uncertainty of the factor to the next site due to the theory, in orders of magnitude: half of the first-order
    term of batch norm (batch.py), the effect of reused weights in recurrent layers (recurrent.py), and part of the
    correction for skip connections around convolutions (walk.py)."""


@dataclass(frozen=True)
class Prediction:
    """The predicted profile, or the reason why there is none."""

    sites: tuple[SitePrediction, ...]
    depth_slope: float | None
    """Gradient decay D in orders of magnitude (positive: vanishing, negative: exploding), defined as for runs."""
    expected_error: float | None
    """Standard deviation of D over draws of the weights around the prediction, in orders of magnitude."""
    reason: str | None
    """Why there is no prediction; None if there is one."""
    assumptions: tuple[str, ...] = ()
    source: str = _SOURCE

    @property
    def warning(self) -> str | None:
        """One sentence if gradients are predicted to vanish or explode before training; otherwise None."""
        if self.depth_slope is None or abs(self.depth_slope) < 1.5:
            return None
        verb = "shrink" if self.depth_slope > 0 else "grow"
        return (
            f"gradients are predicted to {verb} by a factor of 10^{abs(self.depth_slope):.1f} from output to input over"
            f" {len(self.sites)} layers"
        )


@lru_cache(maxsize=256)
def predict(experiment: "Experiment") -> Prediction:
    """The mean-field prediction of the profile at step 0, starting from the second moment of the data.

    If no usable closed form exists, `sites` is empty and `reason` says why. Raises the same errors as `lower`.
    """
    network = lower(experiment)
    sites = [site for site in network.sites if site.in_profile]
    if len(sites) < MIN_SITES:
        return Prediction((), None, None, f"a profile needs at least {MIN_SITES} sites, this network has {len(sites)}")
    try:
        signal, origin = _inputs(experiment, network)
        shapes = {node.name: node.out_shape for node in network.walk()}
        widths = [_units(shapes, site) for site in sites]
        with np.errstate(all="ignore"):  # overflows are detected and reported afterwards
            q, squares, doubts = _run(experiment, network, sites, signal)
            error = _expected_error(experiment, network, sites, signal, widths)
            logs = _log10(squares)
    except NoClosedForm as why:
        return Prediction((), None, None, str(why))
    totals = squares * np.array([prod(width) for width in widths])
    chi = [float(a / b) if b > 0 else inf for a, b in pairwise(totals)]
    described = tuple(
        SitePrediction(site.name, float(value), growth, float(log), float(doubt))
        for site, value, growth, log, doubt in zip(sites, q, [*chi, None], logs, doubts, strict=True)
    )
    slope = _slope(logs)
    return Prediction(described, slope, error, None, (origin, "wide layers, independent weights"))


def _inputs(experiment: "Experiment", network: Network) -> tuple[Signal, str]:
    normalized = any(node.kind == "batch_norm" for node in network.walk())
    if normalized and experiment.model.layout() == "flat":
        return input_batch(experiment.data, experiment.training.batch_size)
    if any(site.kind == "state" for site in network.sites) and experiment.model.layout() == "sequence":
        sizes, origin, _ = input_sizes(experiment.data)
        return Signal(sizes, np.zeros_like(sizes), np.zeros_like(sizes)), origin  # each sample a position
    signal, origin = input_signal(experiment.data, experiment.model.layout())
    if not normalized:
        signal = Signal(signal.second, signal.mean, signal.mean**2)  # what samples share only matters to batch norm
    return signal, origin


def _run(
    experiment: "Experiment", network: Network, sites: Sequence[Site], signal: Signal
) -> tuple[Array, Array, Array]:
    """[L] each: second moment of the values, mean square of the gradient (1 at the last site), and uncertainty."""
    setting = Setting(
        experiment.model.initialization,
        experiment.training.batch_size,
        any(node.kind == "batch_norm" for node in network.walk()),
        _zeroed(network.nodes) if experiment.model.initialization.zero_last_in_residual else frozenset(),
    )
    if any(site.kind == "state" for site in sites):
        certain = experiment.model.layout() != "sequence" or input_sizes(experiment.data)[2]
        return _recurrent(network, sites, signal, setting, certain=certain)
    taps = [site.tap for site in sites]
    there = walk(network.nodes, taps, signal, setting)
    squares = there.back(at_last_site(experiment, network, there, setting))
    more = coherent(experiment, network, taps, signal, setting)
    if more is None:
        return there.q, squares, there.doubts
    doubts = there.doubts + COHERENT_DOUBT * np.abs(np.diff(0.5 * np.log10(more), append=0.0))
    return there.q, squares * more, doubts


def _recurrent(
    network: Network, sites: Sequence[Site], signal: Signal, setting: Setting, *, certain: bool
) -> tuple[Array, Array, Array]:
    """Like `_run`, for input sizes [samples, T]; the uncertainty is larger unless the sizes are `certain`."""
    owners = {site.group for site in sites}
    if len(owners) > 1 or any(site.kind != "state" for site in sites):
        raise NoClosedForm("there is no closed form for stacked recurrent layers")
    index = next(index for index, node in enumerate(network.nodes) if node.name in owners)
    if [node.kind for node in network.nodes[index + 1 : index + 2]] != ["last_step"]:
        raise NoClosedForm("there is no closed form if all time steps are used, not only the last")
    sizes = np.atleast_2d(signal.second)
    mean = sizes.mean(axis=0)
    alike = Signal(mean, np.zeros_like(mean), np.zeros_like(mean))
    for node in network.nodes[:index]:
        alike, _ = embedded(node) or step(node, alike, setting)
    if index:  # norms make all samples equal in size; the effect of activations and dropout on sizes is uncertain
        own = any(node.kind in ("layer_norm", "rms_norm", "embedding") for node in network.nodes[:index])
        sizes = alike.second * (np.ones((1, len(mean))) if own else sizes / np.maximum(mean, 1e-300))
        certain = own
    layer = network.nodes[index]
    states = unrolled(layer, sizes, setting)
    doubt = np.full(len(sites), REUSED / (log(10.0) * layer.out_shape[-1]))
    if not certain:
        other = unrolled(layer, alike.second[None, :], setting)
        doubt[:-1] += np.abs(np.diff(_log10(states.squares)) - np.diff(_log10(other.squares)))
    doubt[-1] = 0.0
    return states.q, states.squares, doubt


def _expected_error(
    experiment: "Experiment", network: Network, sites: Sequence[Site], signal: Signal, widths: Sequence[tuple[int, ...]]
) -> float:
    """Standard deviation of D over draws; raises NoClosedForm if small changes of the input are strongly amplified.

    For ReLU, a layer's q has a relative standard deviation of sqrt(5 / width) (E[phi^4] / E[phi^2]^2 - 1 = 5). If a
    change of the input by this amount changes D by more than `UNSTABLE`, the network is near an unstable fixed point
    (as with GELU and SiLU).
    """
    width = min(units[0] for units in widths)
    over_time = any(site.kind == "state" for site in sites)
    skips = any(node.kind == "residual" for node in network.walk())
    share = (len(sites) - 1) / 29.0
    scatter = SCATTER_OVER_TIME * share if over_time else (SCATTER_WITH_SKIPS if skips else SCATTER) * sqrt(share)
    scatter *= sqrt(256.0 / width)
    bends = (node.kind for node in network.nodes if node.kind in ("batch_norm", "activation", "residual"))
    if next(bends, None) == "batch_norm":  # the size of the inputs cancels
        return scatter
    change = 1.0 + min(1.0, sqrt((2.0 if over_time else 5.0) / width))
    slopes = []
    for factor in (change, 1.0 / change):
        _, squares, _ = _run(experiment, network, sites, signal.scaled(factor, centred=False))
        slopes.append(_slope(_log10(squares)))
    sensitivity = 0.5 * abs(slopes[0] - slopes[1])
    if sensitivity > UNSTABLE and not over_time:
        raise NoClosedForm(
            f"the network is near an unstable fixed point: the scatter of one layer alone changes the predicted"
            f" gradient decay by {sensitivity:.1f} orders of magnitude"
        )
    return float(np.hypot(scatter, sensitivity))


def _slope(logs: Array) -> float:
    """Least-squares slope against the depth fraction, defined as for measured profiles."""
    depth = np.linspace(0.0, 1.0, len(logs))
    centred = depth - depth.mean()
    return float(logs @ centred / (centred @ centred))


def _log10(squares: Array) -> Array:
    """log10 of the gradient relative to the last site; an exact 0 counts as -45, as in a measured profile."""
    if not np.isfinite(squares).all() or squares[-1] <= 0:
        raise NoClosedForm("the gradient is outside the range of floating-point numbers")
    return np.asarray(0.5 * np.log10(np.maximum(squares / squares[-1], 1e-90)))


def _units(shapes: Mapping[str, tuple[int, ...]], site: Site) -> tuple[int, ...]:
    """Number of units of a site, followed by its positions."""
    shape = shapes.get(site.tap)
    if shape is None or site.kind == "state":
        return shapes[site.group or site.name][-1:]
    return (units_of(shape), *positions_of(shape))


def _zeroed(nodes: Sequence[Node]) -> frozenset[str]:
    """The last layer with weights of every residual body."""
    found: set[str] = set()
    for node in nodes:
        if node.kind == "residual":
            inside = [inner.name for child in node.children for inner in child.walk() if inner.weighted]
            found.update(inside[-1:])
        found |= _zeroed(node.children)
    return frozenset(found)
