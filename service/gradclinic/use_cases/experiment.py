"""Validate and resolve an experiment with its remedies: what would be trained, and its cost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import jsonpatch

from ..diagnosis.stopping import check_stopping
from ..experiments.experiment import Experiment
from ..experiments.listing import listing
from ..experiments.lowering import MAX_LAYERS, Network, lower
from ..kernel.errors import InvalidRequest, InvalidSpec, RemedyDoesNotApply, TooLarge
from ..kernel.json import JsonObject
from ..measurements.estimate import Estimate, check, estimate
from ..remedies import AnyRemedy
from ..theory import Prediction, predict
from ..theory.data import MOST_SAMPLED
from .service import Service


@dataclass(frozen=True)
class Resolved:
    """A valid experiment, before and after its remedies, within the limits of this service."""

    experiment: Experiment
    """The experiment as posted."""
    resolved: Experiment
    """The experiment as trained."""
    estimate: Estimate

    @property
    def network(self) -> Network:
        """The lowered network."""
        return lower(self.resolved)

    @property
    def flops(self) -> int:
        """Floating-point operations of all steps."""
        return self.estimate.flops_per_step * self.resolved.training.steps

    def patch(self) -> list[JsonObject]:
        """The changes by the remedies, as a JSON Patch (RFC 6902)."""
        return list(jsonpatch.make_patch(self.experiment.to_json(), self.resolved.to_json()))

    def prediction(self) -> Prediction:
        """The mean-field prediction of the gradient profile before the first step, or the reason why there is none."""
        data = self.resolved.data
        if not data.standardize and sum(data.size()) * prod(self.network.input_shape) > MOST_SAMPLED:
            return Prediction((), None, None, "the data set is too large to sample for a prediction")
        return predict(self.resolved)

    def listing(self) -> str:
        """The resolved network as PyTorch code."""
        return listing(self.resolved)

    def listing_before(self) -> str:
        """The network as posted, as PyTorch code."""
        return listing(self.experiment)

    def warnings(self) -> list[str]:
        """Warnings to consider before training."""
        found = [sick] if (sick := self.prediction().warning) is not None else []
        train, _ = self.resolved.data.size()
        batch = self.resolved.training.batch_size
        if batch > train:
            found.append(f"a batch of {batch:,} is drawn with replacement from only {train:,} training samples")
        if self.resolved.training.steps < 20:
            found.append("fewer than 20 steps are too few to distinguish most conditions")
        sites = sum(site.in_profile for site in self.network.sites)
        if sites < 3:
            found.append(f"with {sites} hidden sites there is no gradient profile over depth to judge; 3 are needed")
        return found


def resolve(
    service: Service,
    experiment: Experiment,
    remedies: Sequence[AnyRemedy] = (),
    *,
    at: str = "/experiment",
    remedies_at: str = "/remedies",
) -> Resolved:
    """Apply the remedies in order, and check shapes and sizes at every step.

    `at` and `remedies_at` are the places of both in the request's body. Raises InvalidRequest with pointers there.
    """
    try:
        experiment = experiment.with_uploads(service.uploads)
        experiment.data.check_present()
        check_stopping(experiment)
        lower(experiment)
    except InvalidRequest as error:
        raise error.under(at) from None
    resolved = experiment
    for index, remedy in enumerate(remedies):
        resolved = _apply(remedy, resolved, at=f"{remedies_at}/{index}")
    found = estimate(resolved)
    try:
        check(resolved, found, service.limits)
    except InvalidRequest as error:
        raise error.under(at) from None
    return Resolved(experiment, resolved, found)


def _apply(remedy: AnyRemedy, experiment: Experiment, *, at: str) -> Experiment:
    try:
        applied = remedy.apply(experiment)
    except InvalidRequest as error:
        found = [replace(each, value=remedy.to_json()) if each.value is None else each for each in error.problems]
        raise type(error)(found).under(at) from None
    try:
        lower(applied)
    except TooLarge:
        raise TooLarge.at(
            at, f"with this remedy the model has more than {MAX_LAYERS:,} layers", allowed="a smaller depth"
        ) from None
    except InvalidSpec as error:
        raise RemedyDoesNotApply.at(at, f"with this remedy the model no longer fits: {error}") from None
    return applied
