from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np

from ...kernel.vocabulary import Blame
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import BATCH_NORM, KAIMING, LEAKIER_RELU, LEAKY_RELU, ORTHOGONAL, STANDARDIZED, rate
from ...remedies.network import Network
from ..confidence import agreement
from ..culprits import dead_layers
from ..features import Features
from ..finding import Evidence, Finding
from ..initial_weights import starts_too_large
from ..momentum import blamed_first, in_words
from ..outcome import enough, failed, narrow, stands_still
from ..phrase import all_named, loss_evidence, outcome_in_words, percent, too_narrow
from ..thresholds import Thresholds
from .base import Order, Rule

_TOO_FEW: tuple[Blame, ...] = ("architecture", "initialization", "hidden_activation")
"""Of one, two or three units, all are often dead by chance before the first step; of 32, hardly ever."""
_BORN_DEAD: tuple[Blame, ...] = ("initialization", "hidden_activation", "input_scaling")
_DIED: tuple[Blame, ...] = ("learning_rate", "initialization", "hidden_activation")
"""Units that were alive before the first step died of a step."""
_DIED_OF_LARGE_WEIGHTS: tuple[Blame, ...] = ("initialization", "learning_rate", "hidden_activation")
"""The step was large because the initial weights made the outputs, and with them the gradients, large."""


class DeadUnits(Rule):
    """Units whose activation has slope 0 on every sample: they pass no gradient and cannot recover by themselves."""

    condition: Literal["dead_units"] = "dead_units"
    says_first: ClassVar[bool] = True
    source: ClassVar[str] = (
        "gradclinic; Lu et al. 2020, Dying ReLU and initialization, arXiv:1903.06733; limits as in SageMaker "
        "Debugger's DeadRelu"
    )
    uses: ClassVar[tuple[str, ...]] = ("dead_layer", "dead_mean", "learned", "min_steps", "min_records")
    may_stop: ClassVar[bool] = True
    labels: ClassVar[Mapping[str, str]] = {
        "dead_fraction_worst_layer": "dead units of the worst layer",
        "dead_fraction_mean": "dead units, mean of the layers",
    }

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        worst, mean = features.dead_max, features.dead_mean
        if worst is None or mean is None or not (features.diverged or enough(features, thresholds)):
            return None
        if worst < thresholds.dead_layer and mean < thresholds.dead_mean:
            return None
        layers = dead_layers(features.dead, record, layer=thresholds.dead_layer, share=thresholds.dead_mean)
        met, probed = _met(features, record, thresholds)
        blames = self._blames(features, record, thresholds)
        constant = _makes_constant(features, record)
        return self.finding(
            features,
            harm=failed(features, thresholds) or constant,
            confidence=agreement(met[probed.searchsorted(0.5 * features.steps_done) :].astype(float)),
            layers=layers,
            span=(int(probed[met][0]), int(probed[met][-1])) if met.any() else None,
            evidence=(
                Evidence("dead_fraction_worst_layer", worst, "fraction", thresholds.dead_layer),
                Evidence("dead_fraction_mean", mean, "fraction", thresholds.dead_mean),
                *loss_evidence(features, thresholds),
            ),
            summary=_summary(features, record, thresholds, layers)
            + (in_words(record) if "optimizer" in blames else ""),
            blames=blames,
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        """Units that were alive while gradients were broken over the depth from the start died of that."""
        slope = features.depth_slope_start
        broken = slope is not None and abs(slope) >= thresholds.depth_slope
        cause = not broken or self._from_start(features, thresholds)
        return Order.DEAD if cause else Order.DEAD_AS_CONSEQUENCE

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        if network.recurrent:
            return (ORTHOGONAL, LEAKIER_RELU, rate(0.1))
        if finding.blames[:1] in (("learning_rate",), ("optimizer",)):
            return (rate(0.1), KAIMING, LEAKIER_RELU, BATCH_NORM, STANDARDIZED)
        return (KAIMING, LEAKIER_RELU, BATCH_NORM, rate(0.1), STANDARDIZED)

    def combinations(self, network: Network) -> Sequence[Sequence[Remedy]]:
        return (
            [KAIMING],
            [rate(0.1)],
            [rate(0.01)],
            [LEAKY_RELU, KAIMING],
            [rate(0.003)],
            [BATCH_NORM],
            [KAIMING, rate(0.1)],
        )

    def _blames(self, features: Features, record: RunRecord, thresholds: Thresholds) -> tuple[Blame, ...]:
        if self._from_start(features, thresholds):
            return _BORN_DEAD if narrow(record) is None else _TOO_FEW
        return _DIED_OF_LARGE_WEIGHTS if starts_too_large(record) else blamed_first(_DIED, record)

    def _from_start(self, features: Features, thresholds: Thresholds) -> bool:
        known = features.dead_start[~np.isnan(features.dead_start)]
        return bool(len(known)) and bool(known.max() >= thresholds.dead_layer or known.mean() >= thresholds.dead_mean)


def _makes_constant(features: Features, record: RunRecord) -> bool:
    """Whether a layer is dead as a whole, and nothing passes it by: a low loss is then no sign of learning."""
    return (features.dead_max or 0.0) > _ALL and not features.diverged and stands_still(record)


_ALL = 0.9995


def _met(features: Features, record: RunRecord, thresholds: Thresholds) -> tuple[np.ndarray, np.ndarray]:
    """For each probe, whether the condition held; and the probes' steps."""
    series = record.get("dead_fraction")
    values = series.values[:, ~np.isnan(features.dead)].astype(np.float64)
    met = (values.max(axis=1) >= thresholds.dead_layer) | (values.mean(axis=1) >= thresholds.dead_mean)
    return met, series.steps


def _summary(features: Features, record: RunRecord, thresholds: Thresholds, layers: tuple[str, ...]) -> str:
    worst, mean = features.dead_max or 0.0, features.dead_mean or 0.0
    kinds = sorted({site.activation for site in record.sites if site.can_die and site.activation})
    units = f"{'/'.join(kinds)} units" if kinds else "units"
    if worst >= thresholds.dead_layer:
        share = "All" if worst > _ALL else f"{percent(worst)} of the"
        where = all_named(layers[:1], record) or "one layer"
        text = f"{share} {units} of {where} are dead, off for every sample, so no signal passes and no gradient returns"
    else:
        where = f" (worst: {all_named(layers, record)})" if layers else ""
        text = f"{percent(mean)} of all {units} are dead{where}, off for every sample, so they pass no gradient"
    if _makes_constant(features, record):
        text += ", and at the end the outputs are the same for all inputs"
    return f"{text}; {outcome_in_words(features, thresholds)}{too_narrow(record)}."
