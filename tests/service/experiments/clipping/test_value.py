import pytest
from pydantic import ValidationError

from gradclinic.experiments.clipping.value import ValueClipping


def test_it_needs_a_positive_limit():
    assert ValueClipping(max_value=0.1).to_json() == {"kind": "value", "max_value": 0.1}
    with pytest.raises(ValidationError):
        ValueClipping(max_value=0.0)
