from torch import nn

from gradclinic.remedies.lower_dropout import LowerDropout

from .programs import check, refusal


def dropping() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.8), nn.Linear(8, 3))


def test_every_dropout_layer_drops_less():
    assert check(LowerDropout(), make=dropping).model[2].p == 0.2


def test_without_dropout_it_is_refused():
    assert "no dropout layer" in refusal(LowerDropout())
