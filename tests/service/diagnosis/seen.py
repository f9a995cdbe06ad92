"""First batches as a look sees them: sound ones, to be changed where a test wants a fault."""

from dataclasses import replace

from gradclinic.measurements.preflight import (
    InputFacts,
    LossFacts,
    OptimizerFacts,
    OutputFacts,
    PrecisionFacts,
    Preflight,
    TargetFacts,
    WiringFacts,
)
from gradclinic.measurements.record import Outcome, RunRecord

from .records import changed, failed, healthy_record

INPUTS = InputFacts(
    rows=512, columns=8, rms=1.0, largest_std=1.1, typical_std=0.9, largest_offset=0.1, constant_columns=0,
    nonfinite_rows=0,
)  # fmt: skip
CLASSES = TargetFacts(
    rows=512, columns=1, form="indices", mean=4.5, std=2.9, low=0.0, high=9.0, outside_unit=0.8, whole=True,
    distinct=10, most_common=0.12, nonfinite_rows=0,
)  # fmt: skip
NUMBERS = CLASSES.model_copy(
    update={"form": "numbers", "mean": 0.1, "std": 1.0, "low": -3.0, "high": 3.0, "whole": False, "distinct": 400}
)
LOGITS = OutputFacts(
    columns=10, form="numbers", activation=None, rms=0.3, low=-1.0, high=1.0, unreachable=0.0, unreachable_error=0.0,
    constant=False,
)  # fmt: skip
CROSS_ENTROPY = LossFacts(name="CrossEntropyLoss", takes="logits", broadcasts=False, factor=1.0)
SQUARED_ERROR = LossFacts(name="MSELoss", takes="numbers", broadcasts=False, factor=1.0)
CLASSIFIER = Preflight(
    inputs=INPUTS,
    targets=CLASSES,
    outputs=LOGITS,
    loss=CROSS_ENTROPY,
    wiring=WiringFacts(),
    precision=PrecisionFacts(lowest="float32", scaled=False),
    optimizer=OptimizerFacts(name="Adam", learning_rate=0.001, weight_decay=0.0, momentum=0.9),
    batch_size=64,
)
REGRESSION = CLASSIFIER.model_copy(
    update={"targets": NUMBERS, "outputs": LOGITS.model_copy(update={"columns": 1}), "loss": SQUARED_ERROR}
)


def seen(look: Preflight, *, outcome: Outcome | None = None, record: RunRecord | None = None) -> RunRecord:
    """A training that learned nothing, unless it is told otherwise, whose first batches looked like that."""
    ended = record if record is not None else changed(healthy_record(), outcome=outcome or failed())
    return replace(ended, preflight=look)


def but(look: Preflight, part: str, **changes: object) -> Preflight:
    """The look with other facts in one of its parts."""
    return look.model_copy(update={part: getattr(look, part).model_copy(update=changes)})
