from gradclinic.remedies.lower_dropout import LowerDropout

from .experiments import READOUT, activation, applied, changes, layers, linear, mlp, refusal

TWICE = {"kind": "repeat", "times": 2, "body": [{"kind": "dropout", "p": 0.8}]}
DROPPING = layers(linear(), activation(), TWICE, READOUT)


def test_it_multiplies_the_fraction_of_every_dropout_also_of_those_within_others():
    assert changes(LowerDropout(), DROPPING) == ["/model/layers/2/body/0/p"]
    assert applied(LowerDropout(), DROPPING).model.layers[2].body[0].p == 0.2
    assert applied(LowerDropout(factor=0.0), DROPPING).model.layers[2].body[0].p == 0


def test_without_dropout_it_is_refused():
    assert "there is no dropout" in refusal(LowerDropout(), mlp())
    assert "there is no dropout" in refusal(LowerDropout(), applied(LowerDropout(factor=0.0), DROPPING))
