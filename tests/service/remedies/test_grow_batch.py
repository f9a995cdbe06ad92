from gradclinic.remedies.grow_batch import GrowBatch

from .experiments import applied, changes, mlp, refusal


def test_it_changes_the_batch_size_and_nothing_else():
    assert changes(GrowBatch(), mlp()) == ["/training/batch_size"]
    assert applied(GrowBatch(factor=2), mlp()).training.batch_size == 128


def test_a_batch_too_large_for_any_service_is_refused():
    assert (
        applied(GrowBatch(), mlp(experiment_changes={"training": {"batch_size": 16_384}})).training.batch_size == 65_536
    )
    large = mlp(experiment_changes={"training": {"batch_size": 60_000}})
    assert "more than 65,536" in refusal(GrowBatch(), large)
