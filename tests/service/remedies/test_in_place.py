"""What a recorded training has already, or what does not fit its loss, is not suggested to it."""

from dataclasses import replace

import numpy as np
import pytest

from gradclinic.measurements.preflight import NormFacts
from gradclinic.measurements.record import RunRecord
from gradclinic.remedies.against import (
    BATCH_NORM,
    LOG_PROBABILITIES,
    NO_CLIPPING,
    PLAIN_OUTPUTS,
    RELU,
    SIGMOIDS,
    STANDARDIZED,
    TANH,
    USUAL_LOSS,
    adam,
    rate,
)
from gradclinic.remedies.base import Remedy

from ..diagnosis.records import healthy_record, series_of
from ..diagnosis.seen import CLASSIFIER, REGRESSION, but

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


@pytest.mark.parametrize(
    ("takes", "fitting"),
    [
        ("logits", {PLAIN_OUTPUTS, USUAL_LOSS}),
        ("probabilities", {SIGMOIDS, USUAL_LOSS}),
        ("log_probabilities", {LOG_PROBABILITIES, USUAL_LOSS}),
        ("numbers", {PLAIN_OUTPUTS, SIGMOIDS, LOG_PROBABILITIES, USUAL_LOSS}),
        ("unknown", {PLAIN_OUTPUTS, SIGMOIDS, LOG_PROBABILITIES}),
    ],
)
def test_outputs_fit_what_the_loss_takes_and_no_loss_is_usual_for_one_of_the_programs_own(takes, fitting) -> None:
    record = replace(RECORD, preflight=but(CLASSIFIER, "loss", takes=takes))
    every = (PLAIN_OUTPUTS, SIGMOIDS, LOG_PROBABILITIES, USUAL_LOSS)
    assert {remedy for remedy in every if not remedy.misfits(record)} == fitting


@pytest.mark.parametrize(
    ("look", "fits"),
    [
        (CLASSIFIER, True),
        (REGRESSION, True),
        (but(CLASSIFIER, "outputs", columns=1), False),
        (but(CLASSIFIER, "targets", form="multi_hot"), False),
    ],
)
def test_cross_entropy_fits_one_class_a_row_and_one_output_a_class(look, fits) -> None:
    assert USUAL_LOSS.misfits(replace(RECORD, preflight=look)) != fits
