import numpy as np
import pytest
import sklearn.datasets

from gradclinic.experiments.datasets.bundled import bundled
from gradclinic.experiments.datasets.digits import Digits


def test_it_is_read_once_and_is_what_the_library_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    bundled.cache_clear()
    inputs, targets = bundled("wine")
    bunch = sklearn.datasets.load_wine()
    np.testing.assert_array_equal(inputs, bunch.data.astype(np.float32))
    np.testing.assert_array_equal(targets, bunch.target)
    monkeypatch.setattr(sklearn.datasets, "load_wine", lambda: pytest.fail("it was read again"))
    assert bundled("wine")[0] is inputs


def test_whoever_changes_a_drawn_sample_changes_no_other() -> None:
    drawn = Digits().draw()
    drawn.train.inputs[:] = 0
    drawn.train.targets[:] = 0
    again = Digits().draw()
    assert again.train.inputs.any()
    assert again.train.targets.any()
    with pytest.raises(ValueError, match="read-only"):
        bundled("digits")[0][:] = 0
