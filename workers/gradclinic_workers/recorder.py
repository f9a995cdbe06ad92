"""Records layerwise gradient statistics; observes only, and never waits for the device inside the loop.

Weights are equal to the bit with it on and off: it draws nothing, changes no tensor that training reads, and
asks autograd only to keep gradients that pass by anyway. Each record stays on the device as one vector until
the window is flushed. Squares accumulate in float64.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from gradclinic.lowering import Network
from gradclinic.record import STATISTICS, Series, SiteInfo, WeightInfo
from gradclinic.sites import Site

from .blocks import Sequence as Modules
from .clip import norms_of
from .plan import Plan

NORMAL = {torch.float32: 2.0**-126, torch.float16: 2.0**-14, torch.bfloat16: 2.0**-126, torch.float64: 2.0**-1022}
"""Smallest normal number of each precision; what lies below has lost digits, or is 0."""


@dataclass
class Observation:
    """What one training step showed while it ran: tensors that training made anyway, held until it is recorded."""

    step: int
    full: bool
    values: dict[str, Tensor] = field(default_factory=dict)


@dataclass
class _Pending:
    """Records of one statistic that wait for the flush: host steps, device vectors."""

    steps: list[int] = field(default_factory=list)
    vectors: list[Tensor] = field(default_factory=list)

    def series(self) -> Series:
        values = torch.stack(self.vectors).to("cpu", torch.float32).numpy()
        return Series(np.asarray(self.steps, np.int32), values)


class Recorder:
    """Watches one network train. Statistics are defined in `gradclinic.record.STATISTICS`."""

    def __init__(
        self,
        network: Network,
        modules: Modules,
        *,
        parameters: Sequence[nn.Parameter],
        plan: Plan,
        batch_size: int,
    ) -> None:
        self.plan = plan
        self._batch_size = batch_size
        self._sites = network.sites
        by_name = dict(modules.named())
        self.weight_infos: list[WeightInfo] = []
        self._weights: list[nn.Parameter] = []
        readout = network.weighted[-1].name
        for node in network.weighted:
            names = [parameter.name for parameter in node.parameters if parameter.multiplies]
            for name in names:
                weight = by_name[node.name].get_parameter(name)
                label = node.name if len(names) == 1 else f"{node.name}.{name}"
                self._weights.append(weight)
                self.weight_infos.append(
                    WeightInfo(label, tuple(weight.shape), node.name == readout, weight.requires_grad)
                )
        place = {id(parameter): index for index, parameter in enumerate(parameters)}
        self._columns = [place.get(id(weight), len(parameters)) for weight in self._weights]
        units = {node.name: node.out_shape for node in network.walk()}
        self.site_infos = [_describe(site, units) for site in self._sites]
        self._kept = {site.tap for site in self._sites}
        self._before_activation = {site.before for site in self._sites if site.before is not None}
        self._read = self._kept | {site.output for site in self._sites if site.output} | self._before_activation
        self._start = [weight.detach().clone() for weight in self._weights]
        self._before: list[Tensor] = []
        self._previous: list[Tensor] | None = None
        self._pending: dict[str, _Pending] = {}

    # --- one training step, in the order in which things happen ---

    def observe(self, step: int) -> Observation | None:
        """Begin a step; None where the plan does not record it."""
        return Observation(step, self.plan.full(step)) if self.plan.basic(step) else None

    def tap(self, observation: Observation, name: str, output: Tensor) -> None:
        """Hold a site's tensor, and ask autograd to keep its gradient, even below a frozen layer."""
        if name in self._kept:
            if not output.requires_grad:
                output.requires_grad_(True)  # noqa: FBT003  # torch's own signature
            output.retain_grad()
            observation.values[name] = output
        elif observation.full and name in self._read:
            observation.values[name] = output.detach()

    @torch.no_grad()
    def after_backward(
        self, observation: Observation, *, loss: Tensor, norms: Tensor, total_norm: Tensor, loss_scale: float = 1.0
    ) -> None:
        """Record what backward left: the gradients at the sites and of the weights, before clipping.

        `norms` holds the L2 norm of every trained parameter's gradient, `total_norm` that of all together. These are
        unscaled; the gradients at the sites are still `loss_scale` times what they mean.
        """
        step, sites_scale = observation.step, self._batch_size / loss_scale
        gradients = [_gradient(observation.values[site.tap]) for site in self._sites]
        self._put("train_loss", step, loss.detach().reshape(1))
        self._put("grad_norm_l2", step, total_norm.reshape(1))
        self._put("weight_grad_norm_l2", step, torch.cat([norms, norms.new_zeros(1)])[self._columns])
        if gradients:
            counts = torch.tensor([gradient.numel() for gradient in gradients], dtype=torch.float64)
            scale = (sites_scale / counts.sqrt()).to(gradients[0].device)
            self._put("site_grad_rms", step, norms_of(gradients) * scale)
        if observation.full:
            self._record_gradients("site", step, gradients, scale=sites_scale)
            self._record_gradients("weight", step, [_gradient(weight) for weight in self._weights], scale=1)
            self._record_activations(observation)
            self._record_weights(step)
            self._record_cosine(step)
        if self.plan.full(step + 1):
            self._previous = [_gradient(weight).clone() for weight in self._weights]

    @torch.no_grad()
    def after_clipping(self, observation: Observation, *, clipped: Tensor | None, total_norm: Tensor) -> None:
        """Record the gradient that the optimizer will see; `total_norm` is its norm over all parameters."""
        step = observation.step
        self._put("grad_norm_l2_clipped", step, total_norm.reshape(1))
        if clipped is not None:
            self._put("clipped", step, clipped.reshape(1))
        if observation.full:
            self._put("weight_grad_norm_l2_clipped", step, norms_of([_gradient(weight) for weight in self._weights]))
            self._before = [weight.detach().clone() for weight in self._weights]

    @torch.no_grad()
    def after_step(self, observation: Observation, *, learning_rate: float) -> None:
        """Record the step that the optimizer took."""
        self._put("learning_rate", observation.step, torch.tensor([learning_rate], dtype=torch.float64))
        if observation.full and self._weights:
            moved = torch._foreach_sub([weight.detach() for weight in self._weights], self._before)
            self._put("update_to_weight_ratio", observation.step, norms_of(moved) / norms_of(self._before))
            self._before = []

    @torch.no_grad()
    def after_probe(self, step: int, *, loss: Tensor, values: Mapping[str, Tensor]) -> None:
        """Record the probe batch's loss, and the units that are dead on all of it."""
        self._put("probe_loss", step, loss.reshape(1))
        if self._sites:
            dead = [_dead_fraction(site, values[site.before or site.tap]) for site in self._sites]
            self._put("dead_fraction", step, torch.stack(dead))

    def probe_tap(self, values: dict[str, Tensor], name: str, output: Tensor) -> None:
        """Hold what decides whether a site's units are dead, during a probe."""
        if name in self._kept or name in self._before_activation:
            values[name] = output

    # --- windows and resume ---

    def drop_after(self, step: int) -> None:
        """Forget what was recorded after `step`, where training went on before its end was noticed."""
        for pending in self._pending.values():
            keep = sum(recorded <= step for recorded in pending.steps)
            del pending.steps[keep:], pending.vectors[keep:]

    @property
    def pending(self) -> int:
        """Records of the most frequent statistic that wait for a flush."""
        return max((len(pending.steps) for pending in self._pending.values()), default=0)

    def flush(self) -> dict[str, Series]:
        """Everything recorded since the last flush; here, and only here, the device is waited for."""
        series = {name: pending.series() for name, pending in self._pending.items() if pending.steps}
        self._pending = {}
        return series

    def state(self) -> list[Tensor] | None:
        """What a resumed recorder needs beyond the weights: the previous step's gradient, where the plan wants it."""
        return self._previous

    def resume(self, state: list[Tensor] | None) -> None:
        """Take up where another recorder of the same run left off."""
        self._previous = state

    # --- the statistics ---

    def _put(self, statistic: str, step: int, vector: Tensor) -> None:
        assert statistic in STATISTICS, statistic  # noqa: S101  # a typo here would be our own
        pending = self._pending.setdefault(statistic, _Pending())
        pending.steps.append(step)
        pending.vectors.append(vector)

    def _record_gradients(self, per: str, step: int, gradients: Sequence[Tensor], *, scale: float) -> None:
        if not gradients:
            return
        sizes = [gradient.abs() for gradient in gradients]
        mean = torch.stack([size.mean(dtype=torch.float64) for size in sizes])
        self._put(f"{per}_grad_mean_abs", step, mean * scale)
        self._put(f"{per}_grad_max_abs", step, torch.stack([size.amax() for size in sizes]).double() * scale)
        self._put(f"{per}_grad_zero_fraction", step, _stacked([(size == 0).double().mean() for size in sizes]))
        nonfinite = _stacked([(~torch.isfinite(size)).sum() for size in sizes])
        self._put(f"{per}_grad_nonfinite_count", step, nonfinite)
        if per == "site":
            tiny = [((size > 0) & (size < NORMAL[size.dtype])).double().mean() for size in sizes]
            self._put("site_grad_underflow_fraction", step, _stacked(tiny))

    def _record_activations(self, observation: Observation) -> None:
        if not self._sites:
            return
        step, values = observation.step, observation.values
        before = [values[site.before or site.tap].detach() for site in self._sites]
        after = [values[site.output].detach() if site.output else values[site.tap].detach() for site in self._sites]
        self._put("preactivation_rms", step, _rms(before))
        self._put("preactivation_mean", step, _stacked([value.mean(dtype=torch.float64) for value in before]))
        self._put("activation_rms", step, _rms(after))
        spread = [value.double().var(dim=0, correction=0).mean().sqrt() for value in after]
        self._put("activation_batch_std", step, _stacked(spread))
        saturated = [_saturated_fraction(site, value) for site, value in zip(self._sites, before, strict=True)]
        self._put("saturated_fraction", step, _stacked(saturated))
        self._put("beyond_5_fraction", step, _stacked([(value.abs() > 5).double().mean() for value in before]))

    def _record_weights(self, step: int) -> None:
        weights = [weight.detach() for weight in self._weights]
        self._put("weight_norm_l2", step, norms_of(weights))
        self._put("distance_from_start", step, norms_of(torch._foreach_sub(weights, self._start)))

    def _record_cosine(self, step: int) -> None:
        if self._previous is None:
            return
        now = [_gradient(weight) for weight in self._weights]
        products = [(a.double() * b.double()).sum() for a, b in zip(now, self._previous, strict=True)]
        lengths = norms_of(now).norm() * norms_of(self._previous).norm()
        self._put("grad_cosine", step, (_stacked(products).sum() / lengths).reshape(1))


def _describe(site: Site, out_shapes: Mapping[str, tuple[int, ...]]) -> SiteInfo:
    shape = out_shapes[site.group or site.tap]
    activation = site.activation
    return SiteInfo(
        name=site.name,
        kind=site.kind,
        in_profile=site.in_profile,
        units=shape[0] if site.unit_axis == 1 else shape[-1],
        activation=activation.name if activation else None,
        bounded=activation.bounded if activation else False,
        can_die=activation.can_die() if activation else False,
        group=site.group,
    )


def _gradient(tensor: Tensor) -> Tensor:
    """The tensor's gradient; zeros where nothing flowed back to it (a frozen layer, a unit nobody reads)."""
    return tensor.grad if tensor.grad is not None else torch.zeros_like(tensor)


def _stacked(scalars: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(scalars)).double()


def _rms(tensors: Sequence[Tensor]) -> Tensor:
    counts = torch.tensor([tensor.numel() for tensor in tensors], dtype=torch.float64)
    return norms_of(tensors) / counts.sqrt().to(tensors[0].device)


def _saturated_fraction(site: Site, value: Tensor) -> Tensor:
    """Share of entries beyond the activation's saturation bounds; NaN where no activation takes the site."""
    if site.activation is None:
        return value.new_tensor(float("nan"), dtype=torch.float64)
    low, high = site.activation.saturation_bounds()
    return ((value < low) | (value > high)).double().mean()


def _dead_fraction(site: Site, value: Tensor) -> Tensor:
    """Share of units whose phi' is exactly 0 on every sample and position; NaN where no activation takes the site."""
    if site.activation is None:
        return value.new_tensor(float("nan"), dtype=torch.float64)
    if not site.activation.can_die():
        return value.new_zeros((), dtype=torch.float64)
    low, high = site.activation.zero_gradient
    off = (value <= low) | (value >= high)
    others = [axis for axis in range(value.ndim) if axis != site.unit_axis % value.ndim]
    return off.all(dim=others).double().mean()
