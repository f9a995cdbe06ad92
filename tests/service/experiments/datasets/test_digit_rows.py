import numpy as np

from gradclinic.experiments.datasets.digit_rows import DigitRows

from .checks import check_samples


def test_its_samples_are_as_declared_and_fixed_by_its_own_seed():
    check_samples(DigitRows())


def test_a_step_is_a_row_of_the_picture():
    from gradclinic.experiments.datasets.digits import Digits

    rows, picture = DigitRows().sample("sequence"), Digits().sample("image")
    np.testing.assert_array_equal(rows.train.inputs[7, 3], picture.train.inputs[7, 0, 3])
