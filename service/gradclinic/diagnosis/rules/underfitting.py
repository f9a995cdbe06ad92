from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, NamedTuple

from ...kernel.vocabulary import Blame, Severity
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import LONGER, rate
from ...remedies.network import Network
from ..features import Features
from ..finding import Evidence, Finding
from ..learnable import fit_evidence, left_to_learn
from ..outcome import narrow
from ..phrase import against_constant, percent
from ..thresholds import Thresholds
from .base import Order, Rule


class Underfitting(Rule):
    """The network leaves much of the targets that a smooth function of the inputs predicts for samples it never saw."""

    condition: Literal["underfitting"] = "underfitting"
    source: ClassVar[str] = "Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, section 5.4.2"
    uses: ClassVar[tuple[str, ...]] = ("learned",)
    usual_severity: ClassVar[Severity] = "warning"
    labels: ClassVar[Mapping[str, str]] = {
        "curve_left": "variance that a smooth curve leaves, in samples it did not see",
        "line_left": "variance that a linear function leaves, in samples it did not see",
        "units": "units of the narrowest hidden layer",
    }

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        """It does harm where a layer is seen that is too narrow; elsewhere more steps or less dropout may be wanted."""
        left, width = left_to_learn(features, record), narrow(record)
        linear = record.preflight is not None and record.preflight.linear  # another rule says what it lacks
        if left is None or features.diverged or linear:
            return None
        cause = _ANY if width is None else _of_layer(width)
        return self.finding(
            features,
            harm=width is not None,
            severity="critical" if width is not None else "info",
            confidence=cause.confidence,
            evidence=(*cause.evidence, *fit_evidence(record)),
            summary=(
                f"A smooth function of the inputs predicts {percent(left)} more of the targets' variance than the"
                f" network, and that in samples which it did not see: {cause.advice}; the training loss ended at"
                f" {against_constant(features.relative_train_loss or 0.0)}."
            ),
            blames=cause.blames,
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.NO_NONLINEARITY

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        return () if finding.harm else (LONGER, rate(3.0))


class _Cause(NamedTuple):
    """Why the network leaves so much."""

    advice: str
    blames: tuple[Blame, ...]
    confidence: float
    evidence: tuple[Evidence, ...] = ()


_ANY = _Cause(
    "train for longer, take larger steps or a larger network, or regularize less",
    ("steps", "learning_rate", "architecture"),
    0.67,  # a judgement, as for what is left where nothing else is found (`slow_convergence`)
)
_NARROW_RIGHTLY = 0.67
"""By the rule of succession: in 1 of 1 training with a hidden layer of one unit, and in none of 66 correct ones."""


def _of_layer(width: int) -> _Cause:
    return _Cause(
        f"take more units than the {width} of the narrowest hidden layer",
        ("architecture",),
        _NARROW_RIGHTLY,
        (Evidence("units", float(width), "units"),),
    )
