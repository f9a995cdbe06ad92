"""The base class of rules: condition, evidence, precedence, remedies, and whether a run may stop on it."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import ClassVar

from ...kernel.spec import Spec
from ...kernel.vocabulary import Blame, Severity
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.network import Network
from ..features import Features
from ..finding import Evidence, Finding
from ..thresholds import Thresholds


class Order(IntEnum):
    """The order from causes to symptoms: smaller values explain larger ones. A rule's precedence is one of these, or
    a number between two.
    """

    DATA_OR_WIRING = 2
    """Values below 10 are for what was wrong before the first step, such as unusable labels or weights that are not
    trained."""
    NON_FINITE_ORIGIN = 3
    LOSS_OR_OUTPUT = 4
    NO_SIGNAL = 5
    PRECISION = 6
    DECAY = 7
    NO_NONLINEARITY = 8
    SCALES = 9
    """The scales of inputs and targets."""
    BLOWN_UP = 10
    """The loss or the gradient grew until training stopped."""
    NO_NONLINEARITY_BLOWN_UP = 12
    SCALES_BLOWN_UP = 13
    """If training diverged after it began well, the divergence comes first, and the scales explain it."""
    SWINGS_THOUGH_LEARNED = 20
    SWINGS_UNDER_LARGE_STEPS = 30
    BATCH = 35
    DEAD = 40
    """Dead and saturated units also starve the gradient."""
    SATURATED = 50
    EXPLODING = 60
    SMALL_STEPS = 70
    NO_ORDER = 75
    """Of sequences; small steps explain a failure as well, and vanishing gradients may follow from it."""
    VANISHING = 80
    DEAD_AS_CONSEQUENCE = 85
    """Values from here on are for possible consequences of other conditions, and for what is left."""
    SWINGS = 90
    SATURATED_LATE = 91
    VANISHING_LATE = 92
    TOO_FEW_STEPS = 93
    NOTHING_ELSE = 94
    HEALTHY = 100
    """Values from here on are for runs in which nothing is wrong."""
    NOT_KNOWN = 110


class Rule(Spec):
    """One condition: a pure function of a run's features and record, and its place in the order."""

    condition: str
    source: ClassVar[str]
    uses: ClassVar[tuple[str, ...]]
    """Names of the thresholds that it uses."""
    may_stop: ClassVar[bool] = False
    """Whether a run may be asked to stop on it (`training.stop_when`)."""
    finds_nothing_wrong: ClassVar[bool] = False
    """Whether it is the condition of runs in which no other rule finds anything wrong."""
    only_alone: ClassVar[bool] = False
    """Whether its finding is omitted if another rule has a harmful one."""

    says_first: ClassVar[bool] = False
    """Whether the summary of a harmful finding says the first of the suggested remedies, after what is wrong."""

    usual_blames: ClassVar[tuple[Blame, ...]] = ()
    """The parts of the training that it blames by default, most likely first."""
    usual_severity: ClassVar[Severity] = "critical"
    """What the condition's name alone says on a page, where no finding is at hand."""
    labels: ClassVar[Mapping[str, str]] = {}
    """Labels of the rule's evidence by name; by default, the name with spaces."""

    @abstractmethod
    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        """The finding, without suggested remedies; None if the condition is absent or cannot be determined."""

    @abstractmethod
    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        """Position of a harmful finding of this rule in the order of primary conditions (`Order`)."""

    def explains(self, other: Finding, record: RunRecord) -> bool:
        """Whether another finding certainly follows from a harmful one of this rule, so that it needs no remedies."""
        return False

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        """The single remedies to suggest for a finding of this rule in this kind of network, best first."""
        return ()

    def combinations(self, network: Network) -> Sequence[Sequence[Remedy]]:
        """Remedies that a search tries together against the condition, the most promising first."""
        return ()

    def finding(
        self,
        features: Features,
        *,
        harm: bool,
        confidence: float,
        layers: tuple[str, ...] = (),
        span: tuple[int, int] | None = None,
        evidence: tuple[Evidence, ...],
        summary: str,
        blames: tuple[Blame, ...] | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """A finding of this rule; without a span, it applies to all recorded steps."""
        first, last = span if span is not None else (0, max(0, features.steps_done - 1))
        return Finding(
            condition=self.condition,
            severity=severity or ("critical" if harm else "warning"),
            harm=harm,
            confidence=round(min(max(confidence, 0.0), 1.0), 3),
            layers=layers,
            first_step=first,
            last_step=last,
            evidence=evidence,
            rule=self.condition,
            source=self.source,
            summary=summary,
            blames=self.usual_blames if blames is None else blames,
        )


SHARED_LABELS: Mapping[str, str] = {
    "depth_slope": "gradient lost from output to input",
    "depth_slope_start": "gradient lost, before the first step",
    "depth_slope_early": "gradient lost, first quarter of training",
    "relative_train_loss": "training loss relative to always predicting the average",
    "relative_initial_loss": "loss at the start relative to always predicting the average",
    "total_update": "all steps together / weights' size",
}
"""Labels of evidence that several rules have."""
