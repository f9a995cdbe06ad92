from gradclinic.remedies.train_longer import TrainLonger

from .experiments import applied, changes, mlp, refusal


def test_it_multiplies_the_steps_and_changes_nothing_else():
    assert changes(TrainLonger(), mlp()) == ["/training/steps"]
    assert applied(TrainLonger(factor=2.5), mlp()).training.steps == 750


def test_more_steps_than_a_run_can_have_are_refused():
    longest = mlp(experiment_changes={"training": {"steps": 500_000}})
    assert applied(TrainLonger(factor=2.0), longest).training.steps == 1_000_000
    long = mlp(experiment_changes={"training": {"steps": 600_000}})
    assert "more than 1,000,000" in refusal(TrainLonger(factor=2.0), long)


def test_a_factor_that_adds_no_step_is_refused():
    short = mlp(experiment_changes={"training": {"steps": 1}})
    assert "no more than 1 steps" in refusal(TrainLonger(factor=1.2), short)
