from collections.abc import Mapping, Sequence
from math import isfinite
from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import (
    BATCH_NORM,
    CLIPPING,
    GATED_CELL,
    KAIMING,
    LAYER_NORM,
    LEVEL_BRANCHES,
    ORTHOGONAL,
    XAVIER,
    adam,
    rate,
    skips,
)
from ...remedies.network import Network
from ..batch_norm import explains_growth
from ..confidence import above, slope_beyond
from ..culprits import Culprits, along_depth
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import blown_up, enough, failed, is_adaptive, onset_of_blow_up, overflows_float16, replaced_at_first
from ..phrase import all_named, loss_evidence, outcome_in_words
from ..thresholds import Thresholds
from .base import Order, Rule
from .non_finite_origin import breaks_at_one_place

_PERHAPS = 0.5
"""Confidence where batch norm explains the growth, which networks that train well have, too. A judgement."""


class ExplodingGradients(Rule):
    """Gradients grow by orders of magnitude on their way from the output to the input."""

    condition: Literal["exploding_gradients"] = "exploding_gradients"
    says_first: ClassVar[bool] = True
    usual_blames: ClassVar[tuple[Blame, ...]] = ("initialization", "architecture", "normalization", "learning_rate")
    source: ClassVar[str] = (
        "gradclinic: slope over the depth of activation gradients; Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063; "
        "Schoenholz et al. 2017, arXiv:1611.01232"
    )
    uses: ClassVar[tuple[str, ...]] = ("depth_slope", "blown_up", "learned", "min_steps", "min_records", "large_update")
    may_stop: ClassVar[bool] = True
    labels: ClassVar[Mapping[str, str]] = {
        "gain_at_one_layer": "gradient gained at one layer alone",
        "growth_per_layer": "growth at a typical layer",
        "growth_at_worst_layer": "growth at the worst layer",
    }

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        start, early = features.depth_slope_start, features.depth_slope_early
        tau = thresholds.depth_slope
        ended = blown_up(features, thresholds)
        steep_start = (start is not None and start <= -tau) or features.local_gain_start >= tau
        steep_early = early is not None and early <= -tau
        steepest = min((slope for slope in (start, early) if slope is not None), default=0.0)
        normal = features.local_gain_start < tau and explains_growth(record, steepest)
        if ended and (not steep_start or normal):
            return None  # what happens to the profile while the loss runs away is an effect, not a cause
        broken = overflows_float16(features, record) or breaks_at_one_place(features, record)
        if broken and not isfinite(start or 0.0):
            return None  # a step that overflows in float16, or breaks at one place, has no profile
        if not ended and (not enough(features, thresholds) or not (steep_start or steep_early)):
            return None
        shown = start if steep_start and start is not None else steepest
        culprits = along_depth(features, record, sign=-1)
        harm = failed(features, thresholds) or ended
        replaced = replaced_at_first(record, thresholds)
        # The first step left other weights behind: of an adaptive optimizer, whatever the gradient was.
        of_rate = replaced and start is not None and (not steep_start or is_adaptive(record))
        return self.finding(
            features,
            harm=harm,
            confidence=min(_PERHAPS if normal else 1.0, self._confidence(features, thresholds, ended=ended)),
            layers=culprits.layers,
            span=self._span(features, record, thresholds, ended=ended),
            evidence=(
                Evidence("depth_slope", shown, "orders of magnitude", -tau),
                *((Evidence("depth_slope_start", start, "orders of magnitude", -tau),) if start is not None else ()),
                *(
                    (Evidence("depth_slope_early", early, "orders of magnitude", -tau),)
                    if early is not None and isfinite(early)
                    else ()
                ),
                *(
                    (Evidence("gain_at_one_layer", features.local_gain_start, "orders of magnitude", tau),)
                    if features.local_gain_start
                    else ()
                ),
                *_factors(shown, culprits),
                *loss_evidence(features, thresholds),
            ),
            blames=("learning_rate", *self.usual_blames[:-1]) if of_rate else self.usual_blames,
            summary=_summary(features, record, thresholds, shown, culprits),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.BLOWN_UP if blown_up(features, thresholds) else Order.EXPLODING

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        if finding.blames[:1] == ("learning_rate",):
            return (rate(0.1), rate(0.01), CLIPPING)
        if network.recurrent:
            return (ORTHOGONAL, GATED_CELL, CLIPPING, rate(0.1))
        scheme, branch = _scheme(network), network.branch
        return (LEVEL_BRANCHES, scheme, skips(branch), BATCH_NORM, LAYER_NORM, rate(0.1), CLIPPING)

    def combinations(self, network: Network) -> Sequence[Sequence[Remedy]]:
        if network.recurrent:
            return ([GATED_CELL, adam(0.01)], [ORTHOGONAL], [ORTHOGONAL, CLIPPING], [GATED_CELL])
        scheme = _scheme(network)
        return (
            [scheme],
            [BATCH_NORM],
            [LEVEL_BRANCHES, scheme],
            [LEVEL_BRANCHES, rate(0.1)],
            [scheme, rate(0.1)],
            [BATCH_NORM, scheme],
            [LEVEL_BRANCHES],
            [CLIPPING, rate(0.1)],
        )

    def _confidence(self, features: Features, thresholds: Thresholds, *, ended: bool) -> float:
        profile, tau = features.profile, thresholds.depth_slope
        if profile is None or features.depth_slope_start is None:
            return 0.5
        at_start = 0.99 * above(-features.depth_slope_start, tau, error=max(float(profile.slope_error[0]), 0.1))
        if features.local_gain_start >= tau:
            at_start = 0.99
        # Steep at the start is enough: what comes after a first step that is too large may be anything.
        return at_start if ended else max(at_start, slope_beyond(profile, tau, sign=-1, until=0.25 * features.steps))

    def _span(
        self, features: Features, record: RunRecord, thresholds: Thresholds, *, ended: bool
    ) -> tuple[int, int] | None:
        profile = features.profile
        if profile is None:
            return None
        tau = thresholds.depth_slope
        steep = profile.steps[(profile.slope <= -tau) | (profile.local_loss(sign=-1) >= tau)]
        if not len(steep):
            return None
        last = int(steep[-1])
        return int(steep[0]), max(last, onset_of_blow_up(features, record)) if ended else last


def _scheme(network: Network) -> Remedy:
    return XAVIER if network.bounded else KAIMING


def _factors(slope: float, culprits: Culprits) -> tuple[Evidence, ...]:
    """By how much gradients grow; where they overflow there is nothing to divide."""
    if not isfinite(slope):
        return ()
    return (
        Evidence("growth_per_layer", culprits.typical_factor, "ratio", 1.0),
        Evidence("growth_at_worst_layer", culprits.worst_factor, "ratio", 1.0),
    )


def _summary(features: Features, record: RunRecord, thresholds: Thresholds, slope: float, culprits: Culprits) -> str:
    recurrent = features.profile is not None and features.profile.group
    way = "from the last time step back to the first" if recurrent else "from output to input"
    if slope <= -45:
        return f"Activations or gradients overflow within the network; {outcome_in_words(features, thresholds)}."
    growth = f"Gradients grow by a factor of 10^{-slope:.1f} {way}"
    if culprits.local:
        where = f", most of it at {all_named(culprits.layers, record)} (a factor of {culprits.worst_factor:.3g} there)"
    elif recurrent:
        where = f", by {culprits.typical_factor:.3g} at each step of {all_named(culprits.layers, record)}"
    else:
        where = f", by {culprits.typical_factor:.3g} at a typical layer"
    return f"{growth}{where}; {outcome_in_words(features, thresholds)}."
