import math

import pytest

from .computed import check, entries, tensors


@pytest.mark.parametrize("factor", [1.0, 1e-25, 1e25])
def test_it_is_the_root_of_the_mean_square_even_where_float32_loses_the_squares(factor):
    check(
        ["preactivation_rms", "activation_rms"],
        lambda tensor: math.sqrt(sum(value**2 for value in entries(tensor)) / tensor.numel()),
        given=[factor * each for each in tensors()],
        rel=1e-6,
    )
