import pytest
from pydantic import ValidationError

from gradclinic.experiments.layers.activation import ActivationLayer

from .built import lowered


def test_it_keeps_the_shape_whatever_it_is():
    for shape in ((5,), (3, 5), (2, 3, 4)):
        assert lowered(ActivationLayer.model_validate({"activation": "tanh"}), *shape).out_shape == shape


def test_a_name_and_an_object_mean_the_same():
    named = ActivationLayer.model_validate({"activation": "elu"})
    assert named == ActivationLayer.model_validate({"activation": {"name": "elu", "alpha": 1.0}})
    assert named.to_json() == {"kind": "activation", "activation": "elu"}


def test_prelu_learns_its_slope_and_is_still_no_weighted_layer():
    node = lowered(ActivationLayer.model_validate({"activation": "prelu"}), 5)
    assert [parameter.size for parameter in node.parameters] == [1]
    assert not node.weighted


def test_an_unknown_activation_is_refused_with_those_there_are():
    with pytest.raises(ValidationError, match="'relu6'"):
        ActivationLayer.model_validate({"activation": "swish"})
