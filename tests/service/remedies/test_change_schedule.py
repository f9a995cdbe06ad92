from gradclinic.experiments.lr_schedules.cosine import Cosine
from gradclinic.remedies.change_schedule import ChangeSchedule

from .experiments import applied, changes, mlp, refusal

EARLY = mlp(experiment_changes={"schedule": {"kind": "step", "every": 10, "gamma": 0.1}})


def test_by_default_the_rate_stays_as_it_is():
    assert "/schedule/kind" in changes(ChangeSchedule(), EARLY)
    schedule = applied(ChangeSchedule(), EARLY).schedule
    assert {schedule.factor(step, 300) for step in range(300)} == {1.0}


def test_any_schedule_can_be_named():
    assert applied(ChangeSchedule(schedule=Cosine(warmup_steps=20)), EARLY).schedule == Cosine(warmup_steps=20)


def test_the_same_schedule_is_refused():
    assert "already constant" in refusal(ChangeSchedule(), mlp())
