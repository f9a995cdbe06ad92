"""The recorder of all lanes: what a lone run records, computed for all of them at once.

Each lane's own recorder and its plan decide what is measured, and when. At a flush, and before a lane leaves, that
recorder is given the lane's records and state.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from gradclinic.experiments.sites import Site
from gradclinic.measurements.record import KEPT_STEPS
from gradclinic_torch.measure.passed_steps import PassedStep
from gradclinic_torch.measure.recorder import Recorder
from gradclinic_torch.measure.step_statistics import Named, after_activation, before_activation

from .chosen import Chosen
from .parameters import LaneParameter
from .reductions import (
    Stacked,
    activation_statistics,
    cosines,
    dead_fraction,
    gradient_statistics,
    lane_norms,
    norms_and_distances,
)
from .rows import Rows


@dataclass
class LaneObservation:
    """What one step of all lanes showed while it ran."""

    steps: Sequence[int]
    """The step of each lane."""
    basic: Chosen
    sites: Chosen
    full: Chosen
    passed: Chosen
    """Lanes that record nothing of their step."""
    compared: Chosen
    """Lanes whose next step is compared with this one."""
    values: dict[str, Tensor] = field(default_factory=dict)
    """The tensors at the sites and after their activations, by tap, where a lane is recorded in full."""
    gradients: dict[str, Tensor] = field(default_factory=dict)
    """dL/d(site) by tap, where a lane records it."""

    def without(self, broken: Sequence[int]) -> "LaneObservation":
        """The same of the other lanes; the broken ones repeat the step alone."""
        if not broken:
            return self
        lanes, gone = len(self.steps), set(broken)

        def left(chosen: Chosen) -> Chosen:
            return Chosen([place for place in chosen.places if place not in gone], lanes=lanes)

        return LaneObservation(
            self.steps,
            left(self.basic),
            left(self.sites),
            left(self.full),
            left(self.passed),
            left(self.compared),
            self.values,
            self.gradients,
        )


class _Passed(NamedTuple):
    """A step that some lanes do not record."""

    chosen: frozenset[int]
    steps: Sequence[int]
    losses: Tensor
    totals: Tensor
    norms: Tensor


class LaneRecorder:
    """Watches all lanes train."""

    def __init__(
        self,
        recorders: Sequence[Recorder],
        sites: Sequence[Site],
        *,
        weights: Sequence[LaneParameter],
        columns: Sequence[int],
        batch_size: int,
    ) -> None:
        """Weights are the stacked ones that are recorded, columns their places among the trained parameters."""
        self._recorders, self._sites, self._batch_size = recorders, sites, batch_size
        self._weights = Stacked([weight.value for weight in weights])
        self._of_weights = Stacked(
            [torch.zeros_like(weight.value) if weight.gradient is None else weight.gradient for weight in weights]
        )
        self._columns = torch.tensor(columns, dtype=torch.int64)
        self._read = {name for site in sites for name in (site.tap, before_activation(site), after_activation(site))}
        self._taps = {site.tap for site in sites}
        first = recorders[0]
        self._mortal = [index for index, info in enumerate(first.site_infos) if info.can_die]
        self._probed = {before_activation(sites[index]) for index in self._mortal}
        self._unknown = torch.tensor([0.0 if site.activation else float("nan") for site in sites], dtype=torch.float64)
        self._start = Stacked([torch.stack(lanes) for lanes in zip(*(each.start for each in recorders), strict=True)])
        self._before = Stacked([])
        self._weight_norms = torch.zeros(0)
        self._rows = Rows()
        states = [each.state() for each in recorders]
        self._last: list[int] = [state["last"] for state in states]
        self._previous: list[Tensor | None] = [state["previous"] for state in states]
        self._earlier = [[PassedStep(*each) for each in state["passed"]] for state in states]
        """Steps that were passed before the lanes were together."""
        self._passed: deque[_Passed] = deque(maxlen=KEPT_STEPS + 1)

    @property
    def pending(self) -> int:
        """Records of the most frequent statistic that wait for a flush."""
        return self._rows.most_records

    # --- one step of all lanes ---

    def tap(self, observation: LaneObservation, name: str, output: Tensor) -> None:
        """Hold a site's tensor, or what its activation makes of it."""
        if name in self._read:
            observation.values[name] = output

    def gradient_tap(self, observation: LaneObservation, name: str, gradient: Tensor) -> None:
        """Hold the gradient of a site's tensor."""
        if name in self._taps:
            observation.gradients[name] = gradient

    @torch.no_grad()
    def after_backward(self, observation: LaneObservation, *, losses: Tensor, norms: Tensor, totals: Tensor) -> None:
        """Record what backward left, of the lanes that want it.

        Losses and totals are [lanes], norms [lanes, parameters].
        """
        steps, full = observation.steps, observation.full
        for place in full.places:
            if self._recorders[place].plan.alarmed(steps[place]):
                self._recall(place, until=steps[place])
        if observation.passed:
            chosen = frozenset(place for place in observation.passed.places if self._recorders[place].plan.adaptive)
            self._passed.append(_Passed(chosen, steps, losses, totals, norms))
        basic = observation.basic
        if basic:
            self._rows.put("train_loss", basic, steps, losses.unsqueeze(1))
            self._rows.put("grad_norm_l2", basic, steps, totals.unsqueeze(1))
            self._rows.put("weight_grad_norm_l2", basic, steps, self._by_weight(norms))
            for place in basic.places:
                self._last[place] = steps[place]
        self._put_sites(observation)
        if full:
            self._put_full(observation)
        self._compare_with_previous(observation)

    def _put_sites(self, observation: LaneObservation) -> None:
        """Record the gradients at the sites of the lanes that record these, but not everything."""
        everything = set(observation.full.places)
        places = [place for place in observation.sites.places if place not in everything]
        if places and self._sites:
            only = Chosen(places, lanes=len(observation.steps))
            self._put_chosen(only, observation.steps, {"site_grad_rms": self._site_rms(observation, only)})

    def _put_full(self, observation: LaneObservation) -> None:
        steps, full = observation.steps, observation.full
        if self._sites:
            gradients = Stacked([observation.gradients[site.tap] for site in self._sites])
            of_sites = gradient_statistics("site", gradients, full, sites=self._sites, scale=self._batch_size)
            self._put_chosen(full, steps, of_sites)
            of_values = activation_statistics(self._sites, observation.values, full, unknown=self._unknown)
            self._put_chosen(full, steps, of_values)
        self._put_chosen(full, steps, gradient_statistics("weight", self._of_weights, full, sites=[], scale=1.0))
        if self._weights:
            self._weight_norms, distances = norms_and_distances(self._weights, self._start, full)
            self._put_chosen(full, steps, {"weight_norm_l2": self._weight_norms, "distance_from_start": distances})

    @torch.no_grad()
    def after_clipping(
        self, observation: LaneObservation, *, clips: Chosen, clipped: Tensor | None, norms: Tensor, totals: Tensor
    ) -> None:
        """Record the gradients that the optimizers will see; `clipped` is [lanes], of the lanes that clip."""
        basic, full, steps = observation.basic, observation.full, observation.steps
        if basic:
            self._rows.put("grad_norm_l2_clipped", basic, steps, totals.unsqueeze(1))
            if clipped is not None:
                recorded = set(basic.places)
                both = Chosen([place for place in clips.places if place in recorded], lanes=len(steps))
                if both:
                    self._rows.put("clipped", both, steps, clipped.unsqueeze(1))
        if full and self._weights:
            self._rows.put("weight_grad_norm_l2_clipped", full, steps, self._by_weight(norms))
            self._before = Stacked([full.copied(weight) for weight in self._weights.tensors])

    @torch.no_grad()
    def after_step(self, observation: LaneObservation, *, learning_rates: Sequence[float]) -> None:
        """Record the steps that the optimizers took."""
        basic, full, steps = observation.basic, observation.full, observation.steps
        if basic:
            rates = torch.tensor(learning_rates, dtype=torch.float64).unsqueeze(1)
            self._rows.put("learning_rate", basic, steps, rates)
        if full and self._weights:
            _, moved = norms_and_distances(self._weights, self._before, full, compact=True)
            self._put_chosen(full, steps, {"update_to_weight_ratio": moved / self._weight_norms})
            self._before = Stacked([])

    @torch.no_grad()
    def after_probe(self, probed: Chosen, steps: Sequence[int], *, losses: Tensor) -> None:
        """Record the probes of some lanes, whose losses these are, and tell their plans."""
        self._put_chosen(probed, steps, {"probe_loss": losses.unsqueeze(1)})
        for place, shown in zip(probed.places, losses.tolist(), strict=True):
            self._recorders[place].plan.saw_probe(steps[place], shown)

    @property
    def can_die(self) -> bool:
        """Whether the units of some site can die."""
        return bool(self._mortal)

    def after_look(self, looks: Chosen, steps: Sequence[int], *, values: dict[str, Tensor]) -> None:
        """Record the dead units of some lanes, whose values these are."""
        if self._sites:
            dead = dead_fraction(self._sites, self._mortal, values, unknown=self._unknown, lanes=len(looks.places))
            self._put_chosen(looks, steps, {"dead_fraction": dead})

    def probe_tap(self, values: dict[str, Tensor], name: str, output: Tensor) -> None:
        """Keep the values that show whether a site's units are dead."""
        if name in self._probed:
            values[name] = output

    # --- handing over ---

    def hand_over(self) -> None:
        """Give each lane's own recorder what was recorded of the lane, and the state in which it is now."""
        for place, series in enumerate(self._rows.take(len(self._recorders))):
            self._recorders[place].adopt(
                series, previous=self._previous[place], passed=self._passed_by(place, after=-1, until=None)
            )

    # --- the statistics ---

    def _put_chosen(self, chosen: Chosen, steps: Sequence[int], named: Named) -> None:
        """Rows that were computed of the chosen lanes only."""
        for name, values in named.items():
            self._rows.put_of(name, chosen, steps, values)

    def _site_rms(self, observation: LaneObservation, chosen: Chosen) -> Tensor:
        """[k, L]: batch size times the RMS of dL/d(site), of the chosen lanes."""
        gradients = [observation.gradients[site.tap] for site in self._sites]
        roots = torch.tensor([each[0].numel() for each in gradients], dtype=torch.float64).sqrt()
        return lane_norms(Stacked(gradients), chosen) / roots * self._batch_size

    def _by_weight(self, norms: Tensor) -> Tensor:
        """[lanes, weights] of [lanes, parameters]; 0 for weights that are not trained."""
        return torch.cat([norms, norms.new_zeros(len(norms), 1)], dim=1)[:, self._columns]

    def _compare_with_previous(self, observation: LaneObservation) -> None:
        """Record the cosines with the previous step's gradients, and keep these gradients, where they are due."""
        steps, full = observation.steps, observation.full
        here = [*observation.basic.places, *observation.passed.places]
        keep = observation.compared.places
        compare = [place for place in full.places if self._previous[place] is not None] if self._weights else []
        wanted = sorted({*compare, *keep}) if self._weights else []
        now: dict[int, Tensor] = {}
        if wanted:
            chosen = Chosen(wanted, lanes=len(steps))
            rows = torch.cat([chosen.of(gradient).flatten(1) for gradient in self._of_weights.tensors], dim=1)
            now = dict(zip(wanted, rows, strict=True))
        if compare:
            before = [each for each in map(self._previous.__getitem__, compare) if each is not None]
            found = cosines([now[place] for place in compare], before)
            self._put_chosen(Chosen(compare, lanes=len(steps)), steps, {"grad_cosine": found})
        for place in here:
            self._previous[place] = None
        for place in keep:
            self._previous[place] = now.get(place)

    # --- steps that were passed ---

    def _recall(self, place: int, *, until: int) -> None:
        """Record the steps of a lane that were passed by since its last record."""
        since = max(self._last[place], until - KEPT_STEPS - 1)
        for step, loss, total, norms in self._passed_by(place, after=since, until=until):
            self._rows.put_one("train_loss", place, step, loss.detach().reshape(1))
            self._rows.put_one("grad_norm_l2", place, step, total.reshape(1))
            self._rows.put_one("weight_grad_norm_l2", place, step, self._by_weight(norms.unsqueeze(0))[0])
            self._last[place] = step

    def _passed_by(self, place: int, *, after: int, until: int | None) -> list[PassedStep]:
        """Steps of a lane that were not recorded, without those before its last record."""
        after = max(after, self._last[place])
        own = [
            PassedStep(each.steps[place], each.losses[place], each.totals[place], each.norms[place])
            for each in self._passed
            if place in each.chosen
        ]
        return [
            each
            for each in [*self._earlier[place], *own]
            if after < each.step and (until is None or each.step <= until)
        ]
