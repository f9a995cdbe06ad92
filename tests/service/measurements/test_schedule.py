"""How often a run is recorded if its plan leaves it open."""

import pytest

from gradclinic.experiments.experiment import RecordingPlan
from gradclinic.experiments.lowering import lower
from gradclinic.measurements.schedule import planned, scheduled
from tests.workers import specs


def test_a_number_in_the_plan_is_kept():
    plan = RecordingPlan(every=2, sites_every=4, full_every=8, probe_every=16, units_every=32, dense_until=3)
    assert scheduled(plan, steps=300) == plan


@pytest.mark.parametrize(
    ("steps", "sites_every", "full_every", "probe_every", "units_every"),
    [
        (30, 1, 3, 1, 3),
        (300, 15, 30, 10, 30),
        (2000, 20, 70, 33, 200),
        (100_000, 20, 70, 1666, 10_000),
        (None, 15, 30, 10, 30),
    ],
)
def test_long_runs_are_recorded_as_often_as_their_cost_allows_and_short_ones_a_number_of_times(
    steps, sites_every, full_every, probe_every, units_every
):
    found = scheduled(RecordingPlan(), steps=steps)
    assert (found.sites_every, found.full_every) == (sites_every, full_every)
    assert (found.probe_every, found.units_every) == (probe_every, units_every)


@pytest.mark.parametrize(
    ("depth", "width", "batch_size", "steps", "rows"),
    [(3, 16, 64, 300, 256), (30, 128, 128, 300, 128), (30, 512, 64, 300, 64), (30, 128, 128, 2000, 256)],
)
def test_a_probe_has_as_many_samples_as_its_cost_allows(depth, width, batch_size, steps, rows):
    experiment = specs.mlp(depth=depth, width=width, data="digits", batch_size=batch_size, steps=steps)
    network = lower(experiment)
    assert planned(experiment, network).probe_rows == rows
    given = experiment.model_copy(update={"recording": RecordingPlan(probe_rows=100)})
    assert planned(given, network).probe_rows == 100
