import pytest
from pydantic import ValidationError

from gradclinic.experiments.optimizers.adamw import AdamW


def test_it_names_torchs_arguments():
    call = AdamW(learning_rate=0.5, beta1=0.8, beta2=0.99, eps=1e-6, weight_decay=0.1).call()
    assert call.target == "optim.AdamW"
    assert call.kwargs == {"lr": 0.5, "betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.1}


def test_an_unknown_knob_is_refused():
    with pytest.raises(ValidationError, match="Extra inputs"):
        AdamW.model_validate({"learning_rate": 0.5, "amsgrad": True})
