"""A batch's kernel, against samples written out, Hermite series of polynomials, and normalized draws."""

from typing import Literal

import numpy as np
import pytest
from numpy.polynomial import hermite_e

from gradclinic.experiments.activations.base import Activation
from gradclinic.experiments.activations.identity import Identity
from gradclinic.experiments.activations.rrelu import RReLU
from gradclinic.kernel.calls import Call
from gradclinic.theory.batch import Batch
from gradclinic.theory.closed_form import NoClosedForm


class Series(Activation):
    """A polynomial, by its coefficients in the Hermite polynomials He_0 to He_4."""

    name: Literal["series"] = "series"
    coefficients: tuple[float, ...] = ()

    def call(self) -> Call:
        raise AssertionError("the tests here take values only")

    def value(self, z: np.ndarray) -> np.ndarray:
        return np.asarray(hermite_e.hermeval(z, self.coefficients))

    def derivative(self, z: np.ndarray) -> np.ndarray:
        return np.asarray(hermite_e.hermeval(z, hermite_e.hermeder(self.coefficients)))


def sampled(h: np.ndarray, **fields: float) -> Batch:
    """The batch of samples [m, units] whose units have the same mean in each sample."""
    return Batch(h @ h.T / h.shape[1], len(h), mean=float(h[0].mean()), **fields)


def samples(mean: float, *, seed: int, across: np.ndarray | None = None) -> np.ndarray:
    """[3, 200] with this mean over the units of each; their deviations are orthogonal to those of others."""
    h = np.random.default_rng(seed).normal(size=(3, 200)) * np.array([[0.5], [1.0], [1.5]])
    basis = np.ones((200, 1)) if across is None else np.concatenate([np.ones((1, 200)), across]).T
    return np.asarray(h - h @ basis @ np.linalg.pinv(basis) + mean)


def test_the_second_moment_is_that_of_one_sample_and_the_shared_one_that_of_two() -> None:
    h = samples(0.4, seed=1)
    batch = sampled(h)
    assert batch.second == pytest.approx((h**2).mean())
    assert batch.shared == pytest.approx(np.mean([(h[i] * h[j]).mean() for i, j in ((0, 1), (0, 2), (1, 2))]))


def test_a_linear_layer_multiplies_the_kernel_and_adds_what_its_biases_share() -> None:
    after = Batch(np.array([[2.0, 0.5], [0.5, 1.0]]), 2, mean=0.3, chance=0.1, spread=0.2).linear(1.5, (0.25, 0.4))
    assert after.kernel == pytest.approx(np.array([[3.25, 1.0], [1.0, 1.75]]))
    assert (after.mean, after.chance, after.spread) == (0.4, 0.1, 0.0)


@pytest.mark.parametrize("centred", [True, False])
def test_multiplied_samples_have_the_multiplied_kernel(centred: bool) -> None:
    h = samples(0.7, seed=2)
    expected = sampled((h - (0.7 if centred else 0.0)) * np.sqrt(3.0))
    after = sampled(h, spread=0.1).times(3.0, centred=centred)
    assert after.kernel == pytest.approx(expected.kernel)
    assert (after.mean, after.spread) == (pytest.approx(expected.mean, abs=1e-12), 0.0)


def test_dropout_adds_to_each_samples_own_square_and_to_nothing_shared() -> None:
    after = Batch(np.array([[2.0, 0.5], [0.5, 1.0]]), 2, mean=0.3, spread=0.1).dropped(0.8)
    assert after.kernel == pytest.approx(np.array([[2.5, 0.5], [0.5, 1.25]]))
    assert (after.mean, after.spread) == (0.3, 0.0)


def test_a_branch_is_added_like_samples_whose_units_deviate_independently() -> None:
    h = samples(0.7, seed=3)
    branch = samples(-0.4, seed=4, across=h - 0.7)
    after = sampled(h, spread=0.1).plus(sampled(branch), 0.6)
    expected = sampled(h + 0.6 * branch)
    assert after.kernel == pytest.approx(expected.kernel)
    assert (after.mean, after.spread) == (pytest.approx(expected.mean), 0.0)


def test_chance_correlations_of_a_sum_are_weighted_by_the_variances_squared() -> None:
    # Variances 3 and 2^2 x 0.5 = 2 of 5: (9 x 0.1 + 4 x 0.3) / 25.
    one = Batch(4.0 * np.eye(2), 2, mean=1.0, chance=0.1)
    other = Batch(0.75 * np.eye(2), 2, mean=0.5, chance=0.3)
    assert one.plus(other, 2.0).chance == pytest.approx(0.084)


def test_batch_norm_of_uncorrelated_samples_divides_by_their_variance_over_the_batch() -> None:
    # Centred over m = 8 samples of the batch's 8: tr = 7 c, v = 7 c / 8 and tr(K^2) / tr(K)^2 = 1 / 7.
    after, factor = Batch(2.0 * np.eye(8), 8, mean=0.3).normalized(0.25)
    assert factor == pytest.approx((1 + 2 / 7) / 2.0)
    assert after.spread == pytest.approx(1 / 7)
    assert after.second == pytest.approx(1.75 / 2.0)
    assert after.shared == pytest.approx(-1.75 / 2.0 / 7)
    assert after.mean == 0.0
    assert after.unlike == pytest.approx(0.0, abs=1e-20)


def test_a_followed_part_stands_for_the_whole_batch_and_chance_adds_to_its_spread() -> None:
    after, factor = Batch(2.0 * np.eye(8), 100, chance=0.05).normalized(0.0)
    spread = 1 / 7 - 1 / 8 + 1 / 100 + 0.05
    assert after.spread == pytest.approx(spread)
    assert factor == pytest.approx((1 + 2 * spread) / (2.0 * 0.99))
    assert after.second == pytest.approx(2.0 * 7 / 8 / (2.0 * 0.99))


def test_batch_norm_does_to_unlike_samples_what_it_does_to_draws() -> None:
    generator = np.random.default_rng(5)
    m = 48
    mixed = generator.normal(size=(m, 200)) * np.sqrt(np.linspace(0.6, 1.6, m))[:, None] / np.sqrt(200)
    kernel = mixed @ mixed.T + 0.4
    z = generator.normal(size=(60_000, m)) @ np.linalg.cholesky(kernel).T
    centred = z - z.mean(axis=1, keepdims=True)
    y = centred / centred.std(axis=1, keepdims=True)
    after, factor = Batch(kernel, m).normalized(0.0)
    assert factor == pytest.approx(float((1 / centred.var(axis=1)).mean()), rel=5e-3)
    assert np.diag(after.kernel) == pytest.approx((y**2).mean(axis=0), rel=0.02)
    assert after.kernel == pytest.approx(y.T @ y / len(y), abs=0.02)
    assert after.spread == pytest.approx(
        0.5 * float(centred.var(axis=1).var() / centred.var(axis=1).mean() ** 2), rel=0.03
    )


def test_sizes_may_differ_but_not_grow_apart() -> None:
    kernel = np.diag([3.0, 0.2] * 16)
    first, _ = Batch(kernel, 32).normalized(0.0)
    assert first.unlike is not None
    assert first.unlike > 0.25
    again, _ = Batch(np.diag([2.0, 0.2] * 16), 32, unlike=first.unlike).normalized(0.0)
    assert again.unlike == first.unlike
    same, _ = Batch(kernel, 32, unlike=first.unlike).normalized(0.0)
    assert same.unlike == first.unlike
    with pytest.raises(NoClosedForm, match="diverge"):
        Batch(kernel, 32, unlike=0.9 * first.unlike).normalized(0.0)
    small, _ = Batch(np.diag([1.4, 0.8] * 16), 32, unlike=0.0).normalized(0.0)
    assert small.unlike == 0.0


def test_a_constant_batch_has_no_spread() -> None:
    after, _ = Batch(np.ones((4, 4)), 4).normalized(1e-5)
    assert (after.spread, after.second) == (0.0, pytest.approx(0.0))


def test_after_an_activation_that_gives_zero_chance_alone_is_left() -> None:
    passed = Batch(np.eye(2), 2, chance=0.1).activated(Series(coefficients=(0.0,)), 50)
    assert passed.batch.kernel == pytest.approx(np.zeros((2, 2)), abs=1e-12)
    assert (passed.slope, passed.kept, passed.batch.chance) == (0.0, 0.0, 1 / 50)


def test_an_activation_maps_the_kernel_as_its_hermite_series_does() -> None:
    # E[He_k He_k'] = k! c^k. A spread t takes 6 t from E[He_4], and 2 t from Cov(He_2, He_2').
    p, a, q, b, r = 0.5, 0.8, 0.3, 0.0, 0.05
    t, correlation = 0.02, 0.4
    passed = Batch(np.array([[1.0, 0.4], [0.4, 1.0]]), 2, chance=0.1, spread=t).activated(
        Series(coefficients=(p, a, q, b, r)), 50
    )
    after = passed.batch
    shared = p**2 + a**2 * correlation + 2 * q**2 * correlation**2 + 24 * r**2 * correlation**4
    assert after.shared == pytest.approx(shared - 12 * t * p * r - 2 * t * q**2)
    square = hermite_e.hermemul((p, a, q, b, r), (p, a, q, b, r))
    assert after.second == pytest.approx(square[0] - 6 * t * square[4])
    assert after.mean == pytest.approx(p - 6 * t * r)
    slope = hermite_e.hermemul(*[hermite_e.hermeder((p, a, q, b, r))] * 2)
    assert passed.slope == pytest.approx(slope[0] - 6 * t * slope[4])
    variance = after.second - after.mean**2
    assert after.chance == pytest.approx((a**2 / variance) ** 2 * 0.1 + 1 / 50)
    assert passed.kept == pytest.approx(a**4 / variance / passed.slope)
    assert after.spread == 0.0


def test_a_batch_norm_before_it_removes_the_parts_of_a_gradient_along_1_and_y() -> None:
    # delta = phi'(y) g: of E[delta^2] = E[phi'^2] are lost E[phi']^2 + E[y phi']^2, less what sizes vary with y.
    passed = Batch(np.eye(2), 2).activated(Series(coefficients=(0.0, 0.8, 0.3)), 50)
    # phi' = 0.8 + 0.6 y, so E[phi'] = 0.8, E[y phi'] = 0.6, E[phi'^2] = 1 and E[(y^2 - 1) phi'^2] = 2 x 0.36.
    assert passed.removed == pytest.approx(2.0 - (0.64 + 0.36 - 0.72))


def test_samples_of_unlike_size_around_a_mean_are_squared_as_isserlis_says() -> None:
    mean, (s, u, c) = 0.5, (1.5, 0.6, 0.4)
    kernel = np.array([[s, c], [c, u]]) + mean**2
    passed = Batch(kernel, 2, mean=mean).activated(Series(coefficients=(1.0, 0.0, 1.0)), 10)  # z^2
    expected = (mean**2 + s) * (mean**2 + u) + 4 * mean**2 * c + 2 * c**2
    assert passed.batch.kernel[0, 1] == pytest.approx(expected)
    fourth = [mean**4 + 6 * mean**2 * v + 3 * v**2 for v in (s, u)]
    assert np.diag(passed.batch.kernel) == pytest.approx(fourth)
    assert passed.slope == pytest.approx(4 * np.mean([mean**2 + s, mean**2 + u]))


def test_the_identity_keeps_everything_and_a_finite_width_adds_chance() -> None:
    passed = Batch(np.array([[2.0, 0.5], [0.5, 1.0]]), 2, chance=0.1).activated(Identity(), 25)
    assert passed.batch.kernel == pytest.approx(np.array([[2.0, 0.5], [0.5, 1.0]]))
    assert passed.slope == pytest.approx(1.0)


def test_a_random_slope_counts_with_its_square_in_a_samples_own_size_only() -> None:
    rrelu = RReLU(lower=0.1, upper=0.7)
    after = Batch(2.0 * np.eye(2), 2).activated(rrelu, 10).batch
    square = (0.1**2 + 0.1 * 0.7 + 0.7**2) / 3
    assert after.second == pytest.approx(1.0 + square)
    assert after.shared == pytest.approx(((1 - 0.4) * np.sqrt(2.0 / (2 * np.pi))) ** 2)
