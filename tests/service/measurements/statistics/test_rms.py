import math

from .computed import check, entries, tensors


def test_it_is_the_root_of_the_mean_square_even_where_float32_loses_the_squares():
    check(
        ["preactivation_rms", "activation_rms"],
        lambda tensor: math.sqrt(sum(value**2 for value in entries(tensor)) / tensor.numel()),
        given=[1e-25 * each for each in tensors()],
    )
