import pytest
from pydantic import ValidationError

from gradclinic.remedies.set_learning_rate import SetLearningRate

from .experiments import applied, changes, mlp, refusal


def test_it_sets_a_value_or_multiplies():
    assert applied(SetLearningRate(value=3.0), mlp()).optimizer.learning_rate == 3.0
    assert applied(SetLearningRate(factor=20.0), mlp()).optimizer.learning_rate == pytest.approx(2.0)
    assert changes(SetLearningRate(value=3.0), mlp()) == ["/optimizer/learning_rate"]


@pytest.mark.parametrize("fields", [{}, {"value": 1.0, "factor": 2.0}, {"value": 0.0}])
def test_it_needs_exactly_one_of_both(fields):
    with pytest.raises(ValidationError):
        SetLearningRate.model_validate(fields)


def test_the_same_rate_and_no_rate_at_all_are_refused():
    assert "already" in refusal(SetLearningRate(value=0.1), mlp())
    assert "already" in refusal(SetLearningRate(factor=1.0), mlp())
    assert "not between" in refusal(SetLearningRate(factor=1e-30), mlp())


@pytest.mark.parametrize("value", [1e-30, 1e30])
def test_the_bounds_of_a_rate_are_rates(value):
    assert applied(SetLearningRate(value=value), mlp()).optimizer.learning_rate == value
