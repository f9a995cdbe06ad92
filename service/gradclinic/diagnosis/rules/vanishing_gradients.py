from typing import ClassVar, Literal

import numpy as np

from ...record import RunRecord
from ..confidence import slope_beyond
from ..culprits import Culprits, along_depth
from ..features import Features
from ..finding import Evidence, Finding
from ..thresholds import Thresholds
from .base import Precedence, Rule, blown_up, enough, failed, listed, loss_evidence, outcome_in_words


class VanishingGradients(Rule):
    """Gradients shrink by decades on their way from the output to the input, so the first layers cannot learn."""

    condition: Literal["vanishing_gradients"] = "vanishing_gradients"
    source: ClassVar[str] = (
        "gradclinic: slope over the depth of activation gradients; Hochreiter 1991; Glorot and Bengio 2010, AISTATS; "
        "Schoenholz et al. 2017, arXiv:1611.01232"
    )
    uses: ClassVar[tuple[str, ...]] = ("depth_slope", "learned", "min_steps", "min_records")

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        profile = features.profile
        if profile is None or not enough(features, thresholds) or blown_up(features, thresholds):
            return None
        early, late = self._early(features, thresholds), self._late(features, thresholds)
        if not early and not late:
            return None
        tau = thresholds.depth_slope
        slope = _steepest(features) if early else features.depth_slope_late
        assert slope is not None  # noqa: S101  # that it is there is what `early` and `late` say
        culprits = along_depth(features, record, sign=1)
        steep = profile.steps[profile.slope >= tau]
        return self.finding(
            features,
            harm=failed(features, thresholds),
            confidence=slope_beyond(profile, tau, sign=1, until=features.steps * (0.25 if early else 1.0)),
            layers=culprits.layers,
            span=(int(steep[0]), int(steep[-1])) if len(steep) else None,
            evidence=(
                Evidence("depth_slope", slope, "decades", tau),
                *(
                    (Evidence("depth_slope_start", features.depth_slope_start, "decades", tau),)
                    if features.depth_slope_start is not None
                    else ()
                ),
                Evidence("factor_per_layer", culprits.typical_factor, "ratio", 1.0),
                Evidence("factor_at_worst_layer", culprits.worst_factor, "ratio", 1.0),
                *loss_evidence(features, thresholds),
            ),
            summary=_summary(features, thresholds, slope, culprits, late=not early),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> Precedence:
        return Precedence.VANISHING if self._early(features, thresholds) else Precedence.VANISHING_LATE

    def _early(self, features: Features, thresholds: Thresholds) -> bool:
        """Steep at the start or over the first quarter, and at least half as steep at the other."""
        known = [slope for slope in (features.depth_slope_start, features.depth_slope_early) if slope is not None]
        tau = thresholds.depth_slope
        return bool(known) and max(known) >= tau and min(known) >= tau / 2

    def _late(self, features: Features, thresholds: Thresholds) -> bool:
        """Steep at the end of a training that failed: gradients that were sound at the start were lost on the way."""
        late = features.depth_slope_late
        return late is not None and late >= thresholds.depth_slope and failed(features, thresholds)


def _steepest(features: Features) -> float:
    """D at the start or over the first quarter, whichever is steeper."""
    return max(slope for slope in (features.depth_slope_start, features.depth_slope_early) if slope is not None)


def _summary(features: Features, thresholds: Thresholds, slope: float, culprits: Culprits, *, late: bool) -> str:
    recurrent = features.profile is not None and features.profile.group
    way = "from the last time step back to the first" if recurrent else "from output to input"
    if np.isinf(slope):
        loss = f"Gradients are exactly zero almost everywhere {way}"
    else:
        loss = f"Gradients lose {slope:.1f} decades {way}"
    when = " late in training, though not at the start" if late else ""
    if np.isinf(slope):
        where = f"; they stop at {listed(culprits.layers[:1])}" if culprits.layers else ""
    elif culprits.local:
        where = f", most of it at {listed(culprits.layers)} (only {culprits.worst_factor:.2g} of it passes there)"
    elif recurrent:
        where = f": each step of {listed(culprits.layers)} passes {culprits.typical_factor:.2g} of it"
    else:
        where = f": a typical layer passes only {culprits.typical_factor:.2g} of it"
    return f"{loss}{when}{where}; {outcome_in_words(features, thresholds)}."
