import pytest
from pydantic import ValidationError

from gradclinic.experiments.optimizers.rmsprop import RMSprop


def test_it_names_torchs_arguments():
    call = RMSprop(learning_rate=0.5, alpha=0.9, eps=1e-6, momentum=0.5).call()
    assert call.target == "optim.RMSprop"
    assert call.kwargs == {"lr": 0.5, "alpha": 0.9, "eps": 1e-6, "momentum": 0.5, "weight_decay": 0.0}


def test_an_unknown_knob_is_refused():
    with pytest.raises(ValidationError, match="Extra inputs"):
        RMSprop.model_validate({"learning_rate": 0.5, "amsgrad": True})
