"""How often a run is recorded if its plan leaves it open."""

import pytest

from gradclinic.experiments.experiment import RecordingPlan
from gradclinic.measurements.schedule import scheduled


def test_a_number_in_the_plan_is_kept():
    plan = RecordingPlan(every=2, sites_every=4, full_every=8, probe_every=16)
    assert scheduled(plan, steps=300) == plan


@pytest.mark.parametrize(
    ("steps", "sites_every", "probe_every"),
    [(30, 1, 1), (300, 5, 5), (2000, 10, 33), (100_000, 10, 1666), (None, 5, 5)],
)
def test_layer_outputs_are_recorded_60_times_and_in_long_runs_at_every_10th_step(steps, sites_every, probe_every):
    found = scheduled(RecordingPlan(), steps=steps)
    assert (found.sites_every, found.probe_every) == (sites_every, probe_every)
