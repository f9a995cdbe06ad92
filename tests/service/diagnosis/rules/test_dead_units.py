import numpy as np
import pytest

from gradclinic.diagnosis import diagnose

from ..records import SICK, changed, failed, healthy_record


def test_layers_that_are_silent_because_the_one_before_died_are_not_blamed() -> None:
    finding = diagnose(SICK["dead_units"]()).findings[0]
    assert finding.layers == ("8.linear",)


@pytest.mark.parametrize(
    ("from_the_start", "blamed", "first"),
    [(True, "initialization", "set_initialization"), (False, "learning_rate", "lower_learning_rate")],
)
def test_units_that_were_alive_before_the_first_step_died_of_a_step(from_the_start, blamed, first) -> None:
    record = changed(
        healthy_record(),
        {"dead_fraction": lambda steps: np.where((steps == 0) & (not from_the_start), 0.02, 1.0)},
        outcome=failed(),
    )
    finding = next(each for each in diagnose(record).findings if each.condition == "dead_units")
    assert finding.blames[0] == blamed
    assert finding.suggested_remedies[0].kind == first
