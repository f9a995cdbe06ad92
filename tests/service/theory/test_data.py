"""What the theory takes of a network's inputs, against a loop over the samples themselves."""

import numpy as np
import pytest

from gradclinic.experiments.datasets.adding_problem import AddingProblem
from gradclinic.experiments.datasets.digits import Digits
from gradclinic.theory import data as theory_data
from gradclinic.theory.data import input_batch, input_signal, input_sizes


def test_standardized_inputs_are_not_sampled() -> None:
    signal, origin = input_signal(Digits(), "flat")
    assert (float(signal.second), float(signal.mean)) == (1.0, 0.0)
    assert "standardized" in origin


@pytest.mark.parametrize("layout", ["flat", "image"])
def test_other_inputs_have_the_moments_of_their_samples(layout) -> None:
    data = Digits(standardize=False, scale=3.0, shift=0.5)
    signal, origin = input_signal(data, layout)
    samples = data.sample(layout).train.inputs.astype(np.float64)
    assert "sampled" in origin
    if layout == "flat":
        assert float(signal.second) == pytest.approx(np.mean([np.mean(each**2) for each in samples]))
        assert float(signal.shared) == pytest.approx(np.mean(sum(samples) ** 2) / len(samples) ** 2)
        return
    assert signal.second.shape == samples.shape[2:]
    for row, column in ((0, 0), (3, 5), (7, 2)):
        pixel = samples[:, :, row, column]
        assert signal.second[row, column] == pytest.approx(np.mean(pixel**2))
        assert signal.shared[row, column] == pytest.approx(np.mean(np.mean(pixel, axis=0) ** 2))


def test_each_step_of_a_sequence_has_moments_of_its_own() -> None:
    data = AddingProblem(standardize=False)
    signal, _ = input_signal(data, "sequence")
    samples = data.sample("sequence").train.inputs.astype(np.float64)
    assert signal.second.shape == samples.shape[1:2]
    for step in (0, samples.shape[1] - 1):
        values = samples[:, step]
        assert signal.second[step] == pytest.approx(np.mean(values**2))
        assert signal.shared[step] == pytest.approx(np.mean(np.mean(values, axis=0) ** 2))


def test_a_batch_has_the_products_of_its_samples_and_follows_at_most_so_many() -> None:
    data = Digits(standardize=False, scale=3.0)
    samples = data.sample("flat").train.inputs.astype(np.float64)
    signal, origin = input_batch(data, 500)
    assert "from the data" in origin
    assert signal.batch is not None
    assert (signal.batch.kernel.shape, signal.batch.size) == ((128, 128), 500)
    for row, column in ((0, 0), (3, 100), (127, 5)):
        assert signal.batch.kernel[row, column] == pytest.approx(np.mean(samples[row] * samples[column]))


def test_a_batch_is_drawn_up_to_so_many_values(monkeypatch: pytest.MonkeyPatch) -> None:
    data = Digits()
    values = sum(data.size()) * 64
    for most, drawn in ((values, True), (values - 1, False)):
        monkeypatch.setattr(theory_data, "MOST_SAMPLED", most)
        input_batch.cache_clear()
        assert ("from the data" in input_batch(data, 8)[1]) is drawn
    input_batch.cache_clear()


def test_each_sample_of_a_sequence_has_sizes_of_its_own() -> None:
    data = AddingProblem(standardize=False)
    samples = data.sample("sequence").train.inputs.astype(np.float64)
    sizes, _, certain = input_sizes(data)
    assert certain
    assert sizes.shape == (min(len(samples), 1024), samples.shape[1])
    assert sizes[3, 2] == pytest.approx((samples[3, 2, 0] ** 2 + samples[3, 2, 1] ** 2) / 2)
