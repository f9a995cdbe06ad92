"""A test whether targets depend on inputs, against the definition, and over kinds of data that do or do not."""

from math import sqrt

import pytest
import torch
from torch import Tensor, nn

from gradclinic.measurements.preflight import PairingFacts
from gradclinic_torch.preflight.pairing import Pairing, distance_correlation, p_value


def numbers(rows: int, columns: int, *, seed: int = 0) -> Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))


def of(inputs: Tensor, targets: Tensor, *, batch: int = 64) -> PairingFacts | None:
    """What is found of a training on these samples, batch by batch."""
    pairing = Pairing()
    for start in range(0, len(inputs), batch):
        pairing.before_forward((inputs[start : start + batch],), {})
        pairing.after_loss(targets[start : start + batch])
    return pairing.facts()


def by_definition(one: Tensor, other: Tensor) -> float:
    """Szekely and Rizzo 2014, Partial distance correlation, (2.7) and definition 2: entry by entry."""

    def centered(rows: Tensor) -> list[list[float]]:
        n = len(rows)
        d = [[float((rows[i] - rows[j]).square().sum().sqrt()) for j in range(n)] for i in range(n)]
        sums, total = [sum(row) for row in d], sum(map(sum, d))
        return [
            [0.0 if i == j else d[i][j] - (sums[i] + sums[j]) / (n - 2) + total / ((n - 1) * (n - 2)) for j in range(n)]
            for i in range(n)
        ]

    a, b = centered(one), centered(other)

    def product(p: list[list[float]], q: list[list[float]]) -> float:
        return sum(p[i][j] * q[i][j] for i in range(len(p)) for j in range(len(p)))

    return product(a, b) / sqrt(product(a, a) * product(b, b))


def test_the_correlation_is_that_of_the_definition():
    inputs = numbers(12, 3).double()
    targets = inputs[:, :1].square() + 0.1 * numbers(12, 1, seed=1).double()
    assert distance_correlation(inputs, targets) == pytest.approx(by_definition(inputs, targets))
    assert distance_correlation(inputs, inputs) == pytest.approx(1.0)
    assert distance_correlation(inputs, torch.ones(12, 1, dtype=torch.float64)) is None


def test_the_p_value_is_that_of_a_chi_square_with_one_degree_of_freedom():
    """P(X > 1) = .3173, P(X > 3.841) = .05."""
    assert p_value(0.0, 100) == pytest.approx(0.3173, abs=1e-4)
    assert p_value(0.02841, 100) == pytest.approx(0.05, abs=1e-4)
    assert p_value(-0.5, 100) == 1.0


@pytest.mark.parametrize(
    "targets",
    [
        lambda x: (x[:, 0] + x[:, 1] > 0).long(),
        lambda x: (x[:, :1] ** 2).sin(),
        lambda x: (x[:, 0] * x[:, 1] > 0).float(),
        lambda x: nn.functional.one_hot((x[:, 0] > 0).long() + (x[:, 1] > 0).long(), 3).float(),
        lambda x: x,
    ],
)
def test_targets_of_their_own_inputs_depend_on_them_and_those_of_others_do_not(targets):
    inputs = numbers(512, 4)
    own = targets(inputs)
    assert of(inputs, own).p_value < 0.01
    assert of(inputs, own.roll(5, 0)).p_value > 0.02


def test_of_pictures_and_symbols_as_well():
    pictures = numbers(300, 256).reshape(300, 1, 16, 16)
    bright = torch.arange(300) % 3
    pictures[bright == 2] += 0.5
    found = of(pictures, bright)
    assert (found.samples, found.amounts) == (300, True)
    assert found.p_value < 1e-6
    words = torch.randint(20, (300, 6), generator=torch.Generator().manual_seed(2))
    found = of(words, (words == 3).any(1).long())
    assert not found.amounts
    assert found.p_value < 1e-3


def test_no_more_samples_than_enough_are_compared_and_one_that_comes_again_counts_once():
    inputs, targets = numbers(1200, 4), numbers(1200, 1, seed=3)
    assert of(inputs, targets).samples == 512
    again = of(inputs[:64].repeat(8, 1), targets[:64].repeat(8, 1))
    assert again.samples == 64
    assert again.p_value > 0.02
    assert of(inputs[:16].repeat(8, 1), targets[:16].repeat(8, 1)) is None


def test_rows_that_are_not_finite_are_left_out():
    inputs, targets = numbers(64, 4), numbers(64, 1, seed=3)
    inputs[0, 0] = float("nan")
    assert of(inputs, targets).samples == 63


def test_without_one_target_for_each_sample_nothing_is_known():
    inputs = numbers(256, 4)
    assert of(inputs, torch.zeros(256)) is None
    assert Pairing().facts() is None
    pairing = Pairing()
    for batch in inputs.split(32):
        pairing.before_forward((batch,), {})
        pairing.before_forward((batch.flip(0),), {})
        pairing.after_loss(batch[:, :1])
    assert pairing.facts() is None


def test_inputs_of_several_arguments_count_together():
    one, other = numbers(256, 2), numbers(256, 2, seed=4)
    pairing = Pairing()
    for start in range(0, 256, 64):
        rows = slice(start, start + 64)
        pairing.before_forward((one[rows],), {"more": other[rows], "training": True})
        pairing.after_loss(other[rows, :1])
    found = pairing.facts()
    assert found is not None
    assert found.p_value < 1e-6


def test_whether_two_things_are_alike_depends_on_both():
    things = numbers(512, 24).reshape(512, 2, 12)
    alike = torch.arange(512) % 2 == 0
    things[alike, 1] = things[alike, 0] + 0.3 * things[alike, 1]
    assert of(things, alike.float()).p_value < 1e-6
    assert of(things, alike.float()[torch.randperm(512, generator=torch.Generator().manual_seed(0))]).p_value > 0.02
    pairing = Pairing()
    for start in range(0, 512, 64):
        rows = slice(start, start + 64)
        pairing.before_forward((things[rows, 0], things[rows, 1]), {})
        pairing.after_loss(alike[rows])
    assert pairing.facts().p_value < 1e-6


def unexplained_of(inputs: Tensor, targets: Tensor) -> float | None:
    pairing = Pairing()
    pairing.before_forward((inputs,), {})
    pairing.after_loss(targets)
    return pairing.unexplained()


def test_what_targets_of_equal_inputs_differ_by_no_function_explains():
    """Inputs 0 and 1, 20 samples each: -1 or 1 around 0, and around 2, have a variance of 1 within and of 1 between."""
    inputs = torch.arange(40)[:, None] % 2
    sign = torch.where(torch.arange(40) % 4 < 2, 1.0, -1.0)
    assert unexplained_of(inputs, (2.0 * inputs[:, 0] + sign)[:, None] / 3) == pytest.approx(0.5)
    assert unexplained_of(inputs, inputs.float()) == 0.0
    assert unexplained_of(torch.zeros(40, 3), sign[:, None]) == 1.0


def test_samples_that_come_again_with_their_target_or_that_are_few_or_alike_tell_nothing():
    inputs, targets = numbers(40, 3), numbers(40, 1, seed=1)
    assert unexplained_of(inputs.repeat(2, 1), targets.repeat(2, 1)) == pytest.approx(0.0, abs=1e-12)
    assert unexplained_of(inputs[:31], targets[:31]) is None
    assert unexplained_of(inputs, torch.ones(40, 1)) is None
    assert Pairing().unexplained() is None
