import pytest
from pydantic import ValidationError

from gradclinic.experiments.clipping.norm import NormClipping


def test_it_needs_a_positive_limit():
    assert NormClipping(max_norm=2.0).to_json() == {"kind": "norm", "max_norm": 2.0}
    for limit in (0.0, -1.0):
        with pytest.raises(ValidationError):
            NormClipping(max_norm=limit)
