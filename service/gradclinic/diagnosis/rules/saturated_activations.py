from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np

from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import (
    BATCH_NORM,
    GATED_CELL,
    LAYER_NORM,
    ORTHOGONAL,
    ORTHOGONAL_SMALL_INPUT,
    RELU,
    STANDARDIZED,
    XAVIER,
    starved_gradient,
)
from ...remedies.network import Network
from ..confidence import agreement
from ..culprits import saturated_layers
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import enough, failed
from ..phrase import all_named, loss_evidence, outcome_in_words, percent
from ..thresholds import Thresholds
from .base import Order, Rule


class SaturatedActivations(Rule):
    """Bounded activations are on their flat ends, where the slope is below 5 % of its maximum."""

    condition: Literal["saturated_activations"] = "saturated_activations"
    says_first: ClassVar[bool] = True
    source: ClassVar[str] = (
        "gradclinic; Glorot and Bengio 2010, AISTATS; limit on the share as in DeepDiagnosis (Wardat et al. 2022)"
    )
    uses: ClassVar[tuple[str, ...]] = ("saturated_mean", "saturated_layer", "learned", "min_steps", "min_records")
    may_stop: ClassVar[bool] = True
    labels: ClassVar[Mapping[str, str]] = {
        "saturated_fraction_worst_layer": "saturated values of the worst layer",
        "saturated_fraction_mean": "saturated values, mean of the layers",
    }

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        if not enough(features, thresholds) and not features.diverged:
            return None
        from_start = self._from_start(features, thresholds)
        if not from_start and not self._late(features, thresholds):
            return None
        fractions = features.saturated_start if from_start else features.saturated_late
        mean, worst = float(np.nanmean(fractions)), float(np.nanmax(fractions))
        share = thresholds.saturated_mean if mean >= thresholds.saturated_mean else thresholds.saturated_layer
        layers = saturated_layers(fractions, record, share=share)
        met, steps = _met(record, thresholds)
        return self.finding(
            features,
            harm=failed(features, thresholds),
            confidence=agreement(met[steps >= (0 if from_start else 0.5 * features.steps_done)].astype(float)),
            layers=layers,
            span=_span(features, met, steps),
            evidence=(
                Evidence("saturated_fraction_mean", mean, "fraction", thresholds.saturated_mean),
                Evidence("saturated_fraction_worst_layer", worst, "fraction", thresholds.saturated_layer),
                *loss_evidence(features, thresholds),
            ),
            summary=_summary(features, record, thresholds, layers, mean=mean, worst=worst, from_start=from_start),
            blames=("initialization", "input_scaling") if from_start else ("learning_rate", "hidden_activation"),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        if self._from_start(features, thresholds):
            return Order.SATURATED
        return Order.SATURATED_LATE

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        if network.recurrent:
            return (ORTHOGONAL_SMALL_INPUT, ORTHOGONAL, STANDARDIZED, GATED_CELL)
        return (XAVIER, STANDARDIZED, BATCH_NORM, RELU, LAYER_NORM)

    def combinations(self, network: Network) -> Sequence[Sequence[Remedy]]:
        return starved_gradient(network)

    def _from_start(self, features: Features, thresholds: Thresholds) -> bool:
        mean, worst = features.saturated_start_mean, features.saturated_start_max
        if mean is None or worst is None:
            return False
        return mean >= thresholds.saturated_mean or worst >= thresholds.saturated_layer

    def _late(self, features: Features, thresholds: Thresholds) -> bool:
        mean = features.saturated_late_mean
        return mean is not None and mean >= thresholds.saturated_mean


def _span(features: Features, met: np.ndarray, steps: np.ndarray) -> tuple[int, int] | None:
    """From the first record that meets the condition to the last; to the end where that is the last one of all."""
    if not met.any():
        return None
    return int(steps[met][0]), max(0, features.steps_done - 1) if met[-1] else int(steps[met][-1])


def _met(record: RunRecord, thresholds: Thresholds) -> tuple[np.ndarray, np.ndarray]:
    """For each full record, whether the condition held; and the records' steps."""
    series = record.get("saturated_fraction")
    values = series.values[:, [site.bounded for site in record.sites]].astype(np.float64)
    met = (values.mean(axis=1) >= thresholds.saturated_mean) | (values.max(axis=1) >= thresholds.saturated_layer)
    return met, series.steps


def _summary(
    features: Features,
    record: RunRecord,
    thresholds: Thresholds,
    layers: tuple[str, ...],
    *,
    mean: float,
    worst: float,
    from_start: bool,
) -> str:
    kinds = "/".join(sorted({site.activation for site in record.sites if site.bounded and site.activation}))
    when = "from the start" if from_start else "in the second half of training"
    if mean >= thresholds.saturated_mean:
        what = f"{percent(mean)} of the {kinds} activations are saturated {when}"
        where = f" (worst: {all_named(layers, record)})" if layers else ""
    else:
        what = f"{percent(worst)} of the {kinds} activations of {all_named(layers, record)} are saturated {when}"
        where = ""
    return f"{what}{where}, where the slope is almost zero; {outcome_in_words(features, thresholds)}."
