import pytest
from pydantic import ValidationError

from gradclinic.experiments.optimizers.sgd import SGD


def test_it_names_torchs_arguments():
    call = SGD(learning_rate=0.1, momentum=0.9, nesterov=True, weight_decay=0.01).call()
    assert call.target == "optim.SGD"
    assert call.kwargs == {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(ValidationError, match="momentum > 0"):
        SGD(learning_rate=0.1, nesterov=True)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf"), "0.1"])
def test_what_is_no_learning_rate_is_refused(rate):
    with pytest.raises(ValidationError):
        SGD.model_validate({"learning_rate": rate})
