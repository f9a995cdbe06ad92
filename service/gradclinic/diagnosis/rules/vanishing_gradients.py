from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np

from ...kernel.vocabulary import Blame
from ...measurements.profile import Profile
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import (
    BATCH_NORM,
    GATED_CELL,
    KAIMING,
    LAYER_NORM,
    ORTHOGONAL,
    ORTHOGONAL_SMALL_INPUT,
    RELU,
    XAVIER,
    adam,
    rate,
    skips,
    starved_gradient,
)
from ...remedies.network import Network
from ..confidence import above, share_above, slope_beyond
from ..culprits import Culprits, along_depth
from ..features import Features
from ..finding import Evidence, Finding
from ..initial_weights import typical_gain
from ..outcome import NOTHING_LEARNED, blown_up, enough, failed, narrow, replaced_at_first, still_falling
from ..phrase import all_named, loss_evidence, outcome_in_words, percent, too_narrow
from ..slope import NEAR
from ..thresholds import Thresholds
from .base import Order, Rule


class VanishingGradients(Rule):
    """Gradients shrink by orders of magnitude from the output to the input, so the first layers cannot learn."""

    condition: Literal["vanishing_gradients"] = "vanishing_gradients"
    says_first: ClassVar[bool] = True
    usual_blames: ClassVar[tuple[Blame, ...]] = ("hidden_activation", "initialization", "architecture", "normalization")
    source: ClassVar[str] = (
        "gradclinic: slope over the depth of activation gradients; Hochreiter 1991; Glorot and Bengio 2010, AISTATS; "
        "Schoenholz et al. 2017, arXiv:1611.01232"
    )
    uses: ClassVar[tuple[str, ...]] = ("depth_slope", "learned", "min_steps", "min_records", "large_update")
    may_stop: ClassVar[bool] = True
    labels: ClassVar[Mapping[str, str]] = {
        "loss_at_one_layer": "gradient lost at one layer alone",
        "factor_per_layer": "fraction that a typical layer passes on",
        "factor_at_worst_layer": "fraction that the worst layer passes on",
    }

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        profile = features.profile
        if profile is None or not enough(features, thresholds) or blown_up(features, thresholds):
            return None
        lasting, late = self._lasting(features, thresholds), self._late(features, thresholds)
        start, early = _steepness(features)
        tau = thresholds.depth_slope
        if not lasting and not late and max(start, early) < tau:
            return None
        late = late and not lasting
        harm, blames = (
            failed(features, thresholds) and (lasting or late),
            self._blamed(features, record, thresholds, start),
        )
        culprits = along_depth(features, record, sign=1)
        slope = features.depth_slope_late if late else max(_known(features), default=0.0)
        steep = profile.steps[(profile.slope >= tau) | (profile.local_loss(sign=1) >= tau)]
        certainty = max(
            slope_beyond(profile, tau, sign=1, since=0.75 * features.steps_done, until=features.steps)
            if late
            else slope_beyond(profile, tau, sign=1, until=0.25 * features.steps),
            _lasting_from_the_start(features, thresholds),
            share_above(profile.local_loss(sign=1)[profile.steps < 0.25 * features.steps], tau),
        )
        return self.finding(
            features,
            harm=harm,
            confidence=min(certainty, 0.5) if _gates_as_usual(record, profile, culprits) else certainty,
            layers=culprits.layers,
            span=(int(steep[0]), int(steep[-1])) if len(steep) else None,
            evidence=(
                Evidence("depth_slope", slope or 0.0, "orders of magnitude", tau),
                *_evidence("depth_slope_start", features.depth_slope_start, tau),
                *_evidence("loss_at_one_layer", features.local_loss_start or None, tau),
                *_factors(slope or 0.0, culprits),
                *loss_evidence(features, thresholds),
            ),
            blames=blames,
            summary=_summary(
                features, record, thresholds, slope or 0.0, culprits, late=late, passing=not (lasting or late)
            ),
        )

    def _blamed(self, features: Features, record: RunRecord, thresholds: Thresholds, start: float) -> tuple[Blame, ...]:
        """Best first. What is near in time may be all that a recurrent network needs, if it learns; gradients that were
        not near the threshold before the first step were lost by the steps; so were those not beyond it before a first
        step that replaced the weights.
        """
        usual = self._of_layers(features, record, thresholds, start)
        if narrow(record) is None:
            return usual
        return ("architecture", *(blame for blame in usual if blame != "architecture"))

    def _of_layers(
        self, features: Features, record: RunRecord, thresholds: Thresholds, start: float
    ) -> tuple[Blame, ...]:
        """The same for layers that are wide enough."""
        learning = (features.relative_train_loss or 0.0) < NOTHING_LEARNED and still_falling(features)
        if features.profile is not None and features.profile.group and learning:
            return ("learning_rate", "steps", *self.usual_blames)
        known = [site for site in record.sites if site.activation not in (None, "identity")]
        unbounded = bool(known) and not any(site.bounded for site in known)
        usual = _UNBOUNDED if unbounded or _starts_in_the_line(record) else self.usual_blames
        limit = thresholds.depth_slope * (1.0 if replaced_at_first(record, thresholds) else NEAR)
        far = features.depth_slope_start is not None and start < limit
        return ("learning_rate", *usual) if far else usual

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.VANISHING if self._lasting(features, thresholds) else Order.VANISHING_LATE

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        if finding.blames[:1] == ("learning_rate",):
            return (rate(0.1), rate(0.01), *self._over_the_depth(network))
        return self._over_the_depth(network)

    def _over_the_depth(self, network: Network) -> Sequence[Remedy]:
        if network.recurrent:
            return (GATED_CELL, ORTHOGONAL_SMALL_INPUT, ORTHOGONAL, LAYER_NORM)
        if network.transformer:
            # No larger weights: without skips and norms, kaiming_normal lets a ReLU transformer of 6 blocks explode.
            return (skips(1.0), LAYER_NORM, adam(0.001))
        if network.bounded:
            return (BATCH_NORM, RELU, XAVIER, skips(network.branch), LAYER_NORM)
        return (KAIMING, BATCH_NORM, skips(network.branch), LAYER_NORM, adam(0.001))

    def combinations(self, network: Network) -> Sequence[Sequence[Remedy]]:
        return starved_gradient(network)

    def _lasting(self, features: Features, thresholds: Thresholds) -> bool:
        """Steep at the start or over the first quarter, and at least half as steep at the other."""
        start, early = _steepness(features)
        return max(start, early) >= thresholds.depth_slope and min(start, early) >= thresholds.depth_slope / 2

    def _late(self, features: Features, thresholds: Thresholds) -> bool:
        """Steep at the end of a training that failed: gradients that were sound at the start were lost on the way."""
        late = features.depth_slope_late
        return late is not None and late >= thresholds.depth_slope and failed(features, thresholds)


def _lasting_from_the_start(features: Features, thresholds: Thresholds) -> float:
    """Probability that the gradient is lost at the start, and at least half of that over the first quarter."""
    profile, start, tau = features.profile, features.depth_slope_start, thresholds.depth_slope
    if profile is None or start is None:
        return 0.0
    lost = above(start, tau, error=max(float(profile.slope_error[0]), 0.1))
    return lost * slope_beyond(profile, tau / 2, sign=1, until=0.25 * features.steps)


_GATES_PASS = 0.45
"""Part of the gradient that gates in the middle of their range (a sigmoid of 0 is 0.5) pass on at each step, at least.
So every LSTM or GRU starts, and most learn: one that passes on more fails as likely for another reason."""
_GATED = ("LSTM", "GRU", "LSTMCell", "GRUCell")


def _gates_as_usual(record: RunRecord, profile: Profile, culprits: Culprits) -> bool:
    """Whether the gradient is lost over time in a recurrent layer with gates that are as open as they start."""
    if not profile.group or culprits.typical_factor < _GATES_PASS:
        return False
    cell = [weight for weight in record.weights if weight.name.split(".weight")[0] == profile.group]
    return bool(cell) and all(weight.module in _GATED for weight in cell)


_UNBOUNDED: tuple[Blame, ...] = ("initialization", "architecture", "normalization", "hidden_activation")
"""Where no activation saturates, weights that are too small are the first suspect."""
_LOW_GAIN = 0.3
"""Half of the .58 that PyTorch's initialization gives a layer. From there on, tanh is a straight line from the second
layer, and each layer passes on as much of the gradient as its gain."""


def _starts_in_the_line(record: RunRecord) -> bool:
    """Whether tanh layers start with weights so small that nothing saturates; recurrent weights act once a step."""
    gain = typical_gain(record) if not any(site.group for site in record.sites) else None
    activations = {site.activation for site in record.sites if site.bounded}
    return activations == {"tanh"} and gain is not None and gain < _LOW_GAIN


def _steepness(features: Features) -> tuple[float, float]:
    """Orders of magnitude lost at the start and over the first quarter, over the depth or at one layer."""
    start, early = features.depth_slope_start, features.depth_slope_early
    over_time = max(early if early is not None else 0.0, features.local_loss_early)
    return (over_time if start is None else max(start, features.local_loss_start)), over_time


def _known(features: Features) -> list[float]:
    return [slope for slope in (features.depth_slope_start, features.depth_slope_early) if slope is not None]


def _evidence(name: str, value: float | None, threshold: float) -> tuple[Evidence, ...]:
    return () if value is None else (Evidence(name, value, "orders of magnitude", threshold),)


def _factors(slope: float, culprits: Culprits) -> tuple[Evidence, ...]:
    """What layers pass on; where gradients are exactly zero there is nothing to divide."""
    if np.isinf(slope):
        return ()
    return (
        Evidence("factor_per_layer", culprits.typical_factor, "ratio", 1.0),
        Evidence("factor_at_worst_layer", culprits.worst_factor, "ratio", 1.0),
    )


def _summary(
    features: Features,
    record: RunRecord,
    thresholds: Thresholds,
    slope: float,
    culprits: Culprits,
    *,
    late: bool,
    passing: bool,
) -> str:
    recurrent = features.profile is not None and features.profile.group
    way = "from the last time step back to the first" if recurrent else "from output to input"
    if np.isinf(slope):
        loss = f"Gradients are exactly zero almost everywhere {way}"
    else:
        loss = f"Gradients shrink by a factor of 10^{slope:.1f} {way}"
    when = (
        " late in training, though not at the start" if late else " at the start, and then recover" if passing else ""
    )
    if np.isinf(slope):
        where = f", and stop at {all_named(culprits.layers[:1], record)}" if culprits.layers else ""
    elif culprits.local:
        passes = percent(culprits.worst_factor)
        where = f", most of it at {all_named(culprits.layers, record)} (which passes on only {passes})"
    elif recurrent:
        where = f" (each step of {all_named(culprits.layers, record)} passes on {percent(culprits.typical_factor)})"
    else:
        where = f" (a typical layer passes on only {percent(culprits.typical_factor)})"
    return f"{loss}{when}{where}; {outcome_in_words(features, thresholds)}{too_narrow(record)}."
