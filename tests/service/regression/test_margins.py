from math import log

import pytest
from pydantic import ValidationError

from gradclinic.comparison import METRICS
from gradclinic.regression.margins import Margins, limit_of


def test_a_check_looks_at_one_metric_at_least():
    with pytest.raises(ValidationError, match="at least one metric"):
        Margins()


def test_a_margin_of_nothing_is_a_margin():
    assert Margins(final_train_loss=0.0, steps_to_target=0.5).named() == {"final_train_loss": 0, "steps_to_target": 0.5}


def test_a_share_of_a_loss_is_a_difference_of_logarithms_and_a_fraction_is_itself():
    assert limit_of(METRICS["final_train_loss"], 0.1) == pytest.approx(log(1.1))
    assert limit_of(METRICS["final_validation_accuracy"], 0.02) == 0.02
