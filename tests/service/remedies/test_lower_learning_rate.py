import pytest
from pydantic import ValidationError

from gradclinic.remedies.lower_learning_rate import LowerLearningRate

from .experiments import applied, changes, mlp, refusal


def test_it_divides_by_ten_unless_told_otherwise():
    assert changes(LowerLearningRate(), mlp()) == ["/optimizer/learning_rate"]
    assert applied(LowerLearningRate(), mlp()).optimizer.learning_rate == pytest.approx(0.01)
    assert applied(LowerLearningRate(factor=0.5), mlp()).optimizer.learning_rate == pytest.approx(0.05)


def test_a_factor_that_does_not_lower_is_refused():
    for factor in (1.0, 2.0, 0.0):
        with pytest.raises(ValidationError):
            LowerLearningRate(factor=factor)


def test_a_rate_that_would_be_none_any_more_is_refused():
    tiny = mlp(experiment_changes={"optimizer": {"kind": "sgd", "learning_rate": 1e-30}})
    assert "not between" in refusal(LowerLearningRate(), tiny)
