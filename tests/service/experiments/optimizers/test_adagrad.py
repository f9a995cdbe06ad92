import pytest
from pydantic import ValidationError

from gradclinic.experiments.optimizers.adagrad import Adagrad


def test_it_names_torchs_arguments():
    call = Adagrad(learning_rate=0.5, lr_decay=0.1, eps=1e-6).call()
    assert call.target == "optim.Adagrad"
    assert call.kwargs == {"lr": 0.5, "lr_decay": 0.1, "eps": 1e-6, "weight_decay": 0.0}


def test_an_unknown_knob_is_refused():
    with pytest.raises(ValidationError, match="Extra inputs"):
        Adagrad.model_validate({"learning_rate": 0.5, "amsgrad": True})
