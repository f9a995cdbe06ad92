"""What is true of every data set; each test adds what is its own."""

import numpy as np

from gradclinic.experiments.datasets import Dataset, Split
from gradclinic.experiments.losses.cross_entropy import CrossEntropy
from gradclinic.experiments.losses.mse import MeanSquaredError


def check_samples(data: Dataset) -> None:
    """Sizes, shapes and types are as declared, in every layout; the data's own seed decides, and nothing else."""
    for layout, shape in data.forms().items():
        split = data.sample(layout)
        assert (len(split.train), len(split.validation)) == data.size()
        for half in (split.train, split.validation):
            assert half.inputs.shape == (len(half), *shape)
            assert half.inputs.dtype == (np.int64 if layout == "tokens" else np.float32)
            assert np.isfinite(half.inputs).all()
            if data.task == "classification":
                assert half.targets.dtype == np.int64
                assert half.targets.min() >= 0
                assert half.targets.max() < data.outputs()
            else:
                assert half.targets.dtype == np.float32
                assert half.targets.shape == (len(half), data.outputs())
        usual = CrossEntropy() if data.task == "classification" else MeanSquaredError()
        assert 0 < usual.constant(split.train.targets) < 10
        same(split, data.sample(layout))


def same(one: Split, other: Split) -> None:
    """Two draws are equal to the bit."""
    for a, b in ((one.train, other.train), (one.validation, other.validation)):
        np.testing.assert_array_equal(a.inputs, b.inputs)
        np.testing.assert_array_equal(a.targets, b.targets)


def differs_by_seed(data: Dataset) -> bool:
    """Whether another seed draws other samples."""
    layout = next(iter(data.forms()))
    other = data.model_copy(update={"seed": 1})
    return not np.array_equal(data.sample(layout).train.inputs, other.sample(layout).train.inputs)


def check_standard(data: Dataset, layout: str = "flat") -> None:
    """The training inputs have mean 0 and variance 1: all together where one scalar is used, else each by itself."""
    inputs = data.sample(layout).train.inputs.astype(np.float64)
    axis = None if data.one_scalar else 0
    np.testing.assert_allclose(inputs.mean(axis=axis), 0, atol=1e-5)
    deviation = inputs.std(axis=axis)
    np.testing.assert_allclose(deviation[deviation > 0] if data.one_scalar is False else deviation, 1, atol=1e-4)


def nearest_neighbour_accuracy(split: Split, train: int = 1000, validation: int = 200) -> float:
    """Validation accuracy of the nearest training sample's class: what can be learned at all."""
    x = split.train.inputs[:train].reshape(train if len(split.train) > train else len(split.train), -1)
    y = split.validation.inputs[:validation].reshape(len(split.validation.inputs[:validation]), -1)
    distance = ((y[:, None, :] - x[None, :, :]) ** 2).sum(axis=2)
    guess = split.train.targets[: len(x)][distance.argmin(axis=1)]
    return float((guess == split.validation.targets[:validation]).mean())
