"""Records layerwise gradient statistics; observes only, and never waits for the device inside the loop.

Weights are equal to the bit with it on and off: it draws nothing, changes no tensor that training reads, and
asks autograd only to keep gradients that pass by anyway. Each record stays on the device as one vector until
the window is flushed. Squares accumulate in float64.

Of the steps that the plan leaves out it holds the loss and the gradient norms, which training computes anyway, for
as long as an event may still make them worth recording.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn

from gradclinic.experiments.lowering import Network
from gradclinic.experiments.sites import Site
from gradclinic.measurements.record import KEPT_STEPS, Series, SiteInfo, WeightInfo
from gradclinic.measurements.statistics import STATISTICS

from .placement import plain
from .recording_steps import RecordingSteps
from .reductions import cosine, norms_of, reduced, share_of_units_off, statistics_of
from .tapped import Sequence as Modules


@dataclass
class Observation:
    """What one training step showed while it ran: tensors that training made anyway, held until it is recorded."""

    step: int
    full: bool
    values: dict[str, Tensor] = field(default_factory=dict)
    batch_size: int | None = None
    """Samples of this step, where they are not those of the run."""
    site_rms: Tensor | None = None
    """[L]: RMS of dL/d(site), where whoever watches keeps no gradients at the sites until they are recorded."""


@dataclass
class _Pending:
    """Records of one statistic that wait for the flush: host steps, device vectors."""

    steps: list[int] = field(default_factory=list)
    vectors: list[Tensor] = field(default_factory=list)

    def series(self) -> Series:
        values = torch.stack(self.vectors).to("cpu", torch.float32).numpy()
        return Series(np.asarray(self.steps, np.int32), values)


class _Passed(NamedTuple):
    """A step that the plan leaves out: what training computed anyway."""

    step: int
    loss: Tensor
    total_norm: Tensor
    norms: Tensor


class Recorder:
    """Watches one network train. Statistics are defined in `gradclinic.measurements.statistics.STATISTICS`."""

    def __init__(
        self,
        sites: Sequence[tuple[Site, SiteInfo]],
        weights: Sequence[tuple[nn.Parameter, WeightInfo]],
        *,
        parameters: Sequence[nn.Parameter],
        plan: RecordingSteps,
        batch_size: int,
        norm_is_known: bool = True,
    ) -> None:
        self.plan = plan
        self._norm_is_known = norm_is_known
        self._batch_size = batch_size
        self._sites = [site for site, _ in sites]
        self._weights = [weight for weight, _ in weights]
        self.site_infos = [info for _, info in sites]
        self.weight_infos = [info for _, info in weights]
        device = parameters[0].device
        place = {id(parameter): index for index, parameter in enumerate(parameters)}
        columns = [place.get(id(weight), len(parameters)) for weight in self._weights]
        self._columns = torch.tensor(columns, device=device)
        self._kept = {site.tap for site in self._sites}
        self._read = {name for site in self._sites for name in (site.tap, _before(site), _after(site))}
        activations = [site.activation for site in self._sites]
        self._unknown = torch.tensor(
            [0.0 if activation else float("nan") for activation in activations], dtype=torch.float64, device=device
        )
        self._mortal = [index for index, info in enumerate(self.site_infos) if info.can_die]
        self._probed = {_before(self._sites[index]) for index in self._mortal}
        self._entries: list[int] = []
        self._root_entries = torch.zeros(0)
        self._start = [plain(weight).clone() for weight in self._weights]
        self._before: list[Tensor] = []
        self._norms_before = torch.zeros(0)
        self._previous: Tensor | None = None
        self._before_compared: Tensor | None = None
        self._passed: deque[_Passed] = deque(maxlen=KEPT_STEPS + plan.look_every)
        self._last = -1
        self._pending: dict[str, _Pending] = {}

    @classmethod
    def of(
        cls,
        network: Network,
        modules: Modules,
        *,
        parameters: Sequence[nn.Parameter],
        plan: RecordingSteps,
        batch_size: int,
    ) -> Self:
        """The recorder of a declared network."""
        by_name = dict(modules.named())
        weights = []
        readout = network.weighted[-1].name
        for node in network.weighted:
            names = [parameter.name for parameter in node.parameters if parameter.multiplies]
            for name in names:
                weight = by_name[node.name].get_parameter(name)
                label = node.name if len(names) == 1 else f"{node.name}.{name}"
                info = WeightInfo(label, tuple(weight.shape), node.name == readout, weight.requires_grad)
                weights.append((weight, info))
        shapes = {node.name: node.out_shape for node in network.walk()}
        sites = [(site, _describe(site, shapes)) for site in network.sites]
        return cls(sites, weights, parameters=parameters, plan=plan, batch_size=batch_size)

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
        self,
        observation: Observation,
        *,
        loss: Tensor,
        norms: Tensor,
        total_norm: Tensor,
        loss_scale: float = 1.0,
        weights_scale: float = 1.0,
    ) -> None:
        """Record what backward left: the gradients at the sites and of the weights, before clipping.

        `norms` holds the L2 norm of every trained parameter's gradient, `total_norm` that of all together. These are
        unscaled; the gradients at the sites are still `loss_scale`, those of the weights `weights_scale` times what
        they mean. An observation without values, of a step whose sites were not all seen, records none of them.
        """
        step, sites_scale = observation.step, (observation.batch_size or self._batch_size) / loss_scale
        if self.plan.alarmed(step):
            self._recall(until=step)
        seen = bool(observation.values)
        gradients = [_gradient(observation.values[site.tap]) for site in self._sites] if seen else []
        self._put_norms(_Passed(step, loss, total_norm, norms))
        if observation.site_rms is not None:
            self._put("site_grad_rms", step, observation.site_rms * sites_scale)
        elif gradients:
            self._put("site_grad_rms", step, norms_of(gradients) * sites_scale / self._roots(gradients))
        of_weights = [_gradient(weight) for weight in self._weights] if observation.full else []
        if observation.full:
            self._record_gradients("site", step, gradients, scale=sites_scale)
            self._record_gradients("weight", step, of_weights, scale=1 / weights_scale)
            if seen:
                self._record_activations(observation)
            self._record_weights(step)
        self._compare_with_previous(step, of_weights)

    def _roots(self, gradients: Sequence[Tensor]) -> Tensor:
        """[L]: root of each gradient's number of entries, which only a batch of another size changes."""
        entries = [gradient.numel() for gradient in gradients]
        if entries != self._entries:
            self._entries = entries
            self._root_entries = torch.tensor(entries, dtype=torch.float64).sqrt().to(gradients[0].device)
        return self._root_entries

    @torch.no_grad()
    def pass_by(self, step: int, *, loss: Tensor, norms: Tensor, total_norm: Tensor) -> None:
        """Take note of a step that the plan leaves out, after its backward."""
        if self.plan.adaptive:
            self._passed.append(_Passed(step, loss.detach(), total_norm, norms))
        self._compare_with_previous(step, [])

    @torch.no_grad()
    def after_clipping(
        self, observation: Observation, *, clipped: Tensor | None, total_norm: Tensor, weights_scale: float = 1.0
    ) -> None:
        """Record the gradient that the optimizer will see; `total_norm` is its norm over all parameters."""
        step = observation.step
        if self._norm_is_known:
            self._put("grad_norm_l2_clipped", step, total_norm.reshape(1))
        if clipped is not None and self._norm_is_known:
            self._put("clipped", step, clipped.reshape(1))
        if observation.full and self._weights:
            norms = norms_of([_gradient(weight) for weight in self._weights])
            self._put("weight_grad_norm_l2_clipped", step, norms / weights_scale)
            self._before = [plain(weight).clone() for weight in self._weights]

    @torch.no_grad()
    def after_step(self, observation: Observation, *, learning_rate: float) -> None:
        """Record the step that the optimizer took."""
        self._put("learning_rate", observation.step, torch.tensor([learning_rate], dtype=torch.float64))
        if observation.full and self._weights:
            now = [plain(weight) for weight in self._weights]
            moved = norms_of(torch._foreach_sub(now, self._before))
            self._put("update_to_weight_ratio", observation.step, moved / self._norms_before)
            self._before = []

    @torch.no_grad()
    def after_probe(self, step: int, *, loss: Tensor, values: Mapping[str, Tensor] | None) -> None:
        """Record the probe batch's loss, and the units that are dead on all of it, where it was seen at every site."""
        self._put("probe_loss", step, loss.reshape(1))
        if self._sites and values is not None:
            dead = self._unknown.clone()
            if self._mortal:
                sites = [self._sites[index] for index in self._mortal]
                bounds = [site.activation.zero_gradient for site in sites if site.activation]
                tensors = [values[_before(site)] for site in sites]
                dead[self._mortal] = share_of_units_off(tensors, bounds, [site.unit_axis for site in sites])
            self.put_dead(step, dead)

    def put_dead(self, step: int, dead: Tensor) -> None:
        """Record each site's share of dead units, [L], NaN where units cannot die."""
        self._put("dead_fraction", step, dead)

    def probe_tap(self, values: dict[str, Tensor], name: str, output: Tensor) -> None:
        """Hold what decides whether a site's units are dead, during a probe."""
        if name in self._probed:
            values[name] = output

    # --- windows and resume ---

    def broke(self, step: int) -> None:
        """Forget what came after the step that broke, if training went on, and record the steps passed by before it."""
        self._drop_after(step)
        self._recall(until=step)

    def drop(self, step: int) -> None:
        """Forget the last step, which is recorded anew."""
        self._drop_after(step - 1)

    def take_back(self, step: int) -> None:
        """Forget the last step, and that its gradient was seen: another backward follows, or it was never taken."""
        self.drop(step)
        while self._passed and self._passed[-1].step >= step:
            self._passed.pop()
        self._previous = self._before_compared

    @property
    def pending(self) -> int:
        """Records of the most frequent statistic that wait for a flush."""
        return max((len(pending.steps) for pending in self._pending.values()), default=0)

    def flush(self) -> dict[str, Series]:
        """Everything recorded since the last flush; here, and only here, the device is waited for."""
        self._last = self._last_recorded()
        series = {name: pending.series() for name, pending in self._pending.items() if pending.steps}
        self._pending = {}
        return series

    def state(self) -> dict[str, Any]:
        """What a resumed recorder needs beyond the weights, after a flush."""
        return {
            "previous": self._previous,
            "passed": [tuple(passed) for passed in self._passed],
            "last": self._last,
            "plan": self.plan.state(),
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Take up where another recorder of the same run left off."""
        device, previous = self._columns.device, state["previous"]
        self._previous = None if previous is None else previous.to(device)
        for step, *tensors in state["passed"]:
            self._passed.append(_Passed(step, *(tensor.to(device) for tensor in tensors)))
        self._last = state["last"]
        self.plan.resume(state["plan"])

    def _last_recorded(self) -> int:
        pending = self._pending.get("train_loss")
        return pending.steps[-1] if pending and pending.steps else self._last

    def _drop_after(self, step: int) -> None:
        for pending in self._pending.values():
            keep = sum(recorded <= step for recorded in pending.steps)
            del pending.steps[keep:], pending.vectors[keep:]

    def _recall(self, *, until: int) -> None:
        """Record the steps passed by since the last record."""
        since = max(self._last_recorded(), until - KEPT_STEPS - 1)
        for passed in self._passed:
            if since < passed.step <= until:
                self._put_norms(passed)
        self._passed.clear()

    # --- the statistics ---

    def _put(self, statistic: str, step: int, vector: Tensor) -> None:
        assert statistic in STATISTICS, statistic  # noqa: S101  # a typo here would be our own
        pending = self._pending.setdefault(statistic, _Pending())
        pending.steps.append(step)
        pending.vectors.append(vector)

    def _put_norms(self, of: _Passed) -> None:
        self._put("train_loss", of.step, of.loss.detach().reshape(1))
        if self._norm_is_known:
            self._put("grad_norm_l2", of.step, of.total_norm.reshape(1))
        with_frozen = torch.cat([of.norms, of.norms.new_zeros(1)])
        self._put("weight_grad_norm_l2", of.step, with_frozen[self._columns])

    def _record_gradients(
        self, per: Literal["site", "weight"], step: int, gradients: Sequence[Tensor], *, scale: float
    ) -> None:
        if not gradients:
            return
        wanted = statistics_of(per, "gradient")
        sites = [site.activation for site in self._sites] if per == "site" else [None] * len(gradients)
        found = reduced(gradients, {each.reduce: len(gradients) for each in wanted}, activations=sites)
        for each in wanted:
            self._put(each.name, step, found[each.reduce] * scale if each.grows else found[each.reduce])

    def _record_activations(self, observation: Observation) -> None:
        if not self._sites:
            return
        step, values = observation.step, observation.values
        before = [values[_before(site)].detach() for site in self._sites]
        apart = {index: _after(site) for index, site in enumerate(self._sites) if _after(site) != _before(site)}
        tensors = [*before, *(values[name].detach() for name in apart.values())]
        activations = [site.activation for site in self._sites]
        of_value, of_activation = statistics_of("site", "value"), statistics_of("site", "activation")
        wanted = {each.reduce: len(before) for each in of_value} | {each.reduce: len(tensors) for each in of_activation}
        found = reduced(tensors, wanted, activations=[*activations, *(activations[index] for index in apart)])
        after = list(range(len(before)))
        for column, index in enumerate(apart, start=len(before)):
            after[index] = column
        for each in of_value:
            vector = found[each.reduce][: len(before)]
            self._put(each.name, step, vector + self._unknown if each.needs_activation else vector)
        for each in of_activation:
            self._put(each.name, step, found[each.reduce][after])

    def _record_weights(self, step: int) -> None:
        if not self._weights:
            return
        weights = [plain(weight) for weight in self._weights]
        self._norms_before = norms_of(weights)
        self._put("weight_norm_l2", step, self._norms_before)
        self._put("distance_from_start", step, norms_of(torch._foreach_sub(weights, self._start)))

    def _compare_with_previous(self, step: int, gradients: Sequence[Tensor]) -> None:
        """Record the cosine between this step's gradient and the one before, and keep this one, where they are due."""
        self._before_compared = self._previous
        compared, keeps = bool(gradients) and self._previous is not None, self.plan.foreseen(step + 1)
        now = None
        if compared or keeps:
            now = torch.cat([_gradient(weight).flatten() for weight in self._weights])
        if compared and now is not None and self._previous is not None:
            self._put("grad_cosine", step, cosine(now, self._previous).reshape(1))
        self._previous = now if keeps else None


def _before(site: Site) -> str:
    """What is tapped as the argument of the site's activation."""
    return site.before or site.tap


def _after(site: Site) -> str:
    """What is tapped as phi(site); the site itself where no activation takes it."""
    return site.output or site.tap


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
    return plain(tensor.grad if tensor.grad is not None else torch.zeros_like(tensor))
