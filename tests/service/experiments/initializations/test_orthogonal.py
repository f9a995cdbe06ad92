import pytest

from gradclinic.experiments.initializations.orthogonal import Orthogonal


def test_a_square_matrix_has_the_variance_of_lecun():
    assert Orthogonal().weight_variance(64, 64) == pytest.approx(1.0)


def test_a_matrix_that_widens_keeps_its_columns_orthonormal():
    assert Orthogonal(gain=2.0).deviation(16, 64) == pytest.approx(2 * 64**-0.5)
