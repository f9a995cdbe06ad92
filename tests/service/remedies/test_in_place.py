"""What a recorded training has already is not suggested to it."""

from dataclasses import replace

import numpy as np
import pytest

from gradclinic.measurements.preflight import NormFacts
from gradclinic.measurements.record import RunRecord
from gradclinic.remedies.against import BATCH_NORM, NO_CLIPPING, RELU, STANDARDIZED, TANH, adam, rate
from gradclinic.remedies.base import Remedy

from ..diagnosis.records import healthy_record, series_of
from ..diagnosis.seen import CLASSIFIER, but

RECORD = replace(healthy_record(activation="relu"), preflight=CLASSIFIER)


def with_clipped(value: float) -> RunRecord:
    return replace(RECORD, series={**RECORD.series, "clipped": series_of(np.arange(3), value, 1)})


@pytest.mark.parametrize(
    ("remedy", "record", "there"),
    [
        (NO_CLIPPING, with_clipped(0.0), True),
        (NO_CLIPPING, with_clipped(1.0), False),
        (NO_CLIPPING, replace(RECORD, clipping={"kind": "norm", "max_norm": 1.0}), False),
        (adam(0.001), RECORD, True),
        (adam(0.001), replace(RECORD, preflight=but(CLASSIFIER, "optimizer", name="AdamW")), False),
        (adam(0.001), replace(RECORD, preflight=None), False),
        (STANDARDIZED, RECORD, True),
        (STANDARDIZED, replace(RECORD, preflight=but(CLASSIFIER, "inputs", largest_std=20.0)), False),
        (STANDARDIZED, replace(RECORD, preflight=but(CLASSIFIER, "inputs", typical_std=0.1)), False),
        (STANDARDIZED, replace(RECORD, preflight=but(CLASSIFIER, "inputs", largest_offset=2.0)), False),
        (RELU, RECORD, True),
        (TANH, RECORD, False),
        (BATCH_NORM, RECORD, False),
        (
            BATCH_NORM,
            replace(RECORD, preflight=CLASSIFIER.model_copy(update={"norm": NormFacts(layer="1", values=64)})),
            True,
        ),
        (rate(0.1), RECORD, False),
    ],
)
def test_a_remedy_that_is_there_or_has_nothing_to_change_is_in_place(
    remedy: Remedy, record: RunRecord, there: bool
) -> None:
    assert remedy.in_place(record) == there
