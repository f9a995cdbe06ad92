"""Records layerwise gradient statistics; observes only, and never waits for the device inside the loop.

Training is bit-for-bit unaffected: the recorder draws no random numbers, changes no tensor that training reads, and
only looks at gradients that autograd computes anyway. Each record stays on the device as one vector until the window is
flushed.

Of the steps that the plan leaves out it holds the loss and the gradient norms, which training computes anyway, for
as long as an event may still make them worth recording.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn

from gradclinic.experiments.sites import Site
from gradclinic.measurements.record import KEPT_STEPS, Series, SiteInfo, WeightInfo

from ..model.dtype import name_of
from .observation import Observation
from .parts import Parts
from .passed_steps import PassedStep, PassedSteps
from .previous_gradient import PreviousGradient
from .recording_steps import RecordingSteps
from .reductions import norms_of
from .series_buffer import SeriesBuffer
from .step_statistics import (
    Named,
    activation_statistics,
    after_activation,
    at_places,
    before_activation,
    dead_fraction,
    gradient_of,
    gradient_statistics,
)
from .weight_motion import WeightMotion


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
        sharded: bool = False,
        norm_is_known: bool = True,
    ) -> None:
        """sharded: parameters are sharded over several processes, so that the records of each are parts (`Parts`)."""
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
        self._columns = torch.tensor(columns, dtype=torch.long, device=device)
        self._kept = {site.tap for site in self._sites}
        self._read = {
            name for site in self._sites for name in (site.tap, before_activation(site), after_activation(site))
        }
        activations = [site.activation for site in self._sites]
        self._unknown = torch.tensor(
            [0.0 if activation else float("nan") for activation in activations], dtype=torch.float64, device=device
        )
        self._mortal = [index for index, info in enumerate(self.site_infos) if info.can_die]
        self._probed = {before_activation(self._sites[index]) for index in self._mortal}
        self._entries: list[int] = []
        self._root_entries = torch.zeros(0)
        self._parts = Parts.of(self._weights) if sharded else None
        self._motion = WeightMotion(self._weights)
        self._previous = PreviousGradient(self._weights)
        self._unseen_probes: list[tuple[int, Tensor]] = []
        self._passed = PassedSteps(most=KEPT_STEPS + plan.look_every)
        of_weights = ("weight_grad_norm_l2", "weight_grad_norm_l2_clipped")
        self._buffer = SeriesBuffer(dict.fromkeys(of_weights, self._columns))

    def note_precision(self, dtypes: Mapping[str, torch.dtype]) -> None:
        """Keep in which precision each site's tensor is, by the name of its tap."""
        self.site_infos = [
            replace(info, dtype=name_of(dtypes[site.tap])) if site.tap in dtypes else info
            for site, info in zip(self._sites, self.site_infos, strict=True)
        ]

    @property
    def taps(self) -> frozenset[str]:
        """The names of the taps of all sites."""
        return frozenset(self._kept)

    # --- one training step, in the order in which things happen ---

    def observe(self, step: int) -> Observation | None:
        """Begin a step; None where the plan does not record it."""
        if not self.plan.basic(step):
            return None
        return Observation(step, self.plan.full(step), sites=self.plan.sites(step))

    def tap(self, observation: Observation, name: str, output: Tensor) -> None:
        """Hold a site's tensor and its gradient, even below a frozen layer; or only the norm of the gradient."""
        if name in self._kept:
            if not output.requires_grad:
                output.requires_grad_(True)  # noqa: FBT003  # torch's own signature
            observation.catch(name, output)
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
        they mean. Of sites that are not among the values of an observation, nothing is known in that step: NaN, or no
        record at all where none of them was seen.
        """
        step, sites_scale = observation.step, (observation.batch_size or self._batch_size) / loss_scale
        if self.plan.alarmed(step):
            self._recall(until=step)
        known = [index for index, site in enumerate(self._sites) if site.tap in observation.values]
        sites, seen = [self._sites[index] for index in known], bool(known)
        gradients = [observation.gradient_at(site.tap) for site in sites]
        self._put_norms(PassedStep(step, loss, total_norm, norms))
        rms = None if observation.full and seen else self._site_rms(observation, gradients)
        if rms is not None:
            self._buffer.put("site_grad_rms", step, rms * sites_scale)
        of_weights = [gradient_of(weight) for weight in self._weights] if observation.full else []
        if observation.full:
            of_sites = gradient_statistics("site", gradients, sites=sites, scale=sites_scale)
            self._put_all(step, at_places(of_sites, known, count=len(self._sites)))
            self._put_parts(step, gradient_statistics("weight", of_weights, sites=[], scale=1 / weights_scale))
            if seen:
                unknown = self._unknown if len(known) == len(self._sites) else self._unknown[known]
                of_values = activation_statistics(sites, observation.values, unknown=unknown)
                self._put_all(step, at_places(of_values, known, count=len(self._sites)))
            self._put_parts(step, self._motion.norms())
            self._put_all(step, observation.own)
        self._compare_with_previous(step, wanted=bool(of_weights))

    def _site_rms(self, observation: Observation, gradients: Sequence[Tensor]) -> Tensor | None:
        """[L]: RMS of dL/d(site); None if the sites were not seen."""
        if observation.site_rms is not None:
            return observation.site_rms
        if gradients:
            return norms_of(gradients) / self._roots([gradient.numel() for gradient in gradients])
        if not observation.entries:
            return None
        zero = self._columns.new_zeros((), dtype=torch.float64)
        norms = torch.stack([observation.norms.get(site.tap, zero) for site in self._sites])
        return norms / self._roots([observation.entries[site.tap] for site in self._sites])

    def _roots(self, entries: list[int]) -> Tensor:
        """[L]: root of each gradient's number of entries, which only a batch of another size changes."""
        if entries != self._entries:
            self._entries = entries
            unit = self._columns.new_ones((), dtype=torch.float64)
            self._root_entries = torch.stack([unit.new_full((), sqrt(number)) for number in entries])
        return self._root_entries

    def pass_by(self, step: int, *, loss: Tensor, norms: Tensor, total_norm: Tensor) -> None:
        """Note a step that the plan does not record, after its backward pass."""
        if self.plan.adaptive:
            self._passed.add(PassedStep(step, loss.detach(), total_norm, norms))
        self._compare_with_previous(step, wanted=False)

    def after_light_step(self, step: int, *, loss: Tensor) -> None:
        """Record only the loss of a step, after its backward pass."""
        self._buffer.put("train_loss", step, loss)
        self._compare_with_previous(step, wanted=False)

    def after_clipping(
        self, observation: Observation, *, clipped: Tensor | None, norms: Tensor, total_norm: Tensor
    ) -> None:
        """Record the gradient that the optimizer will see: its norm by trained parameter, and over all of them."""
        step = observation.step
        if self._norm_is_known:
            self._buffer.put("grad_norm_l2_clipped", step, total_norm)
        if clipped is not None and self._norm_is_known:
            self._buffer.put("clipped", step, clipped)
        if observation.full and self._weights:
            self._buffer.put("weight_grad_norm_l2_clipped", step, norms)
            self._motion.before_step()

    def after_step(self, observation: Observation, *, learning_rate: float | None) -> None:
        """Record the step that the optimizer took. learning_rate: None where the optimizer does not tell it."""
        if learning_rate is not None:
            self._buffer.put("learning_rate", observation.step, learning_rate)
        if observation.full:
            self._put_all(observation.step, self._motion.after_step())

    def after_probe(self, step: int, *, loss: Tensor) -> None:
        """Record the probe's loss."""
        self._buffer.put("probe_loss", step, loss)
        self._unseen_probes.append((step, loss))

    def see_probes(self) -> None:
        """Tell the plan the losses of the last probes; waits for the device, if there are any."""
        for step, loss in self._unseen_probes:
            self.plan.saw_probe(step, float(loss))
        self._unseen_probes.clear()

    @property
    def can_die(self) -> bool:
        """Whether the units of some site can die."""
        return bool(self._mortal)

    @torch.no_grad()
    def after_look(self, step: int, *, values: Mapping[str, Tensor]) -> None:
        """Record the units that are dead on all of the samples whose values were seen at the sites."""
        if self._sites:
            self.put_dead(step, dead_fraction(self._sites, self._mortal, values, unknown=self._unknown))

    def put_dead(self, step: int, dead: Tensor) -> None:
        """Record each site's fraction of dead units, [L], NaN where units cannot die."""
        self._buffer.put("dead_fraction", step, dead)

    def probe_tap(self, values: dict[str, Tensor], name: str, output: Tensor) -> None:
        """Keep the values that show whether a site's units are dead."""
        if name in self._probed:
            values[name] = output

    # --- windows and resume ---

    def broke(self, step: int) -> None:
        """Forget what came after the step that broke, if training went on, and record the steps passed by before it."""
        self._buffer.drop_after(step)
        self._recall(until=step)

    def go_back(self, step: int, state: Mapping[str, Any]) -> None:
        """Return to the state at the start of a step, and forget what was recorded of it and of later ones."""
        self._buffer.drop_after(step - 1)
        self._unseen_probes.clear()
        self.resume(state)

    def drop(self, step: int) -> None:
        """Forget the last step, which is recorded anew."""
        self._buffer.drop_after(step - 1)

    def take_back(self, step: int) -> None:
        """Forget the last step, and that its gradient was seen: another backward follows, or it was never taken."""
        self.drop(step)
        self._passed.forget_from(step)
        self._previous.take_back()

    @property
    def pending(self) -> int:
        """Records of the most frequent statistic that wait for a flush."""
        return self._buffer.most_records

    def flush(self) -> dict[str, Series]:
        """Everything recorded since the last flush; this is the only place that waits for the device."""
        return self._buffer.flush()

    @property
    def start(self) -> Sequence[Tensor]:
        """The recorded weights as they were at the start."""
        return self._motion.start

    def adopt(self, series: Mapping[str, Series], *, previous: Tensor | None, passed: Sequence[PassedStep]) -> None:
        """Go on from what another recorder of the run recorded since the last flush, and from the state that it left.

        previous: the flat gradient of the last step, if the next one is compared with it. passed: the latest steps that
        were not recorded, oldest first.
        """
        self._buffer.adopt(series)
        self._previous.flat = None if previous is None else previous.clone()
        kept = [(each.step, each.loss.clone(), each.total_norm.clone(), each.norms.clone()) for each in passed]
        self._passed.resume(kept, device=self._columns.device)

    def state(self) -> dict[str, Any]:
        """The state that a resumed recorder needs besides the weights, after a flush."""
        return {
            "previous": None if self._previous.flat is None else self._previous.flat.clone(),
            "passed": self._passed.state(),
            "last": self._buffer.last_flushed,
            "plan": self.plan.state(),
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Continue from the state of another recorder of the same run."""
        device, previous = self._columns.device, state["previous"]
        self._previous.flat = None if previous is None else previous.to(device, copy=True)
        self._passed.resume(state["passed"], device=device)
        self._buffer.last_flushed = state["last"]
        self.plan.resume(state["plan"])

    def _recall(self, *, until: int) -> None:
        """Record the steps passed by since the last record."""
        since = max(self._buffer.last_step, until - KEPT_STEPS - 1)
        for passed in self._passed.take(after=since, until=until):
            self._put_norms(passed)

    # --- the statistics ---

    def _put_all(self, step: int, named: Named) -> None:
        for name, vector in named.items():
            self._buffer.put(name, step, vector)

    def _put_parts(self, step: int, named: Named) -> None:
        self._put_all(step, named if self._parts is None else self._parts.of_all(named))

    def _put_norms(self, of: PassedStep) -> None:
        self._buffer.put("train_loss", of.step, of.loss.detach())
        if self._norm_is_known:
            self._buffer.put("grad_norm_l2", of.step, of.total_norm)
        if self._weights:
            self._buffer.put("weight_grad_norm_l2", of.step, of.norms)

    def _compare_with_previous(self, step: int, *, wanted: bool) -> None:
        """Record the cosine between this step's gradient and the one before, and keep this one, where they are due.

        That of a whole gradient does not follow from those of its parts.
        """
        if self._parts is not None:
            return
        compared = self._previous.compare(wanted=wanted, keep=self.plan.foreseen(step + 1))
        if compared is not None:
            self._buffer.put("grad_cosine", step, compared)
