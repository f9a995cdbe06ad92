from gradclinic.experiments.optimizers.sgd import SGD
from gradclinic.remedies.change_optimizer import ChangeOptimizer

from .experiments import applied, mlp, refusal


def test_the_default_is_adam_with_a_rate_of_its_own():
    after = applied(ChangeOptimizer(), mlp())
    assert (after.optimizer.kind, after.optimizer.learning_rate) == ("adam", 0.001)


def test_any_optimizer_can_be_named():
    remedy = ChangeOptimizer.model_validate({"optimizer": {"kind": "sgd", "learning_rate": 0.1, "momentum": 0.9}})
    assert applied(remedy, mlp()).optimizer.momentum == 0.9


def test_the_same_optimizer_is_refused():
    remedy = ChangeOptimizer.model_validate({"optimizer": {"kind": "sgd", "learning_rate": 0.1}})
    assert "already" in refusal(remedy, mlp())


def test_the_weight_decay_stays_and_with_it_what_confounds():
    decayed = mlp(experiment_changes={"optimizer": {"kind": "adam", "learning_rate": 0.01, "weight_decay": 1.0}})
    by_sgd = ChangeOptimizer.model_validate({"optimizer": {"kind": "sgd", "learning_rate": 0.1}})
    assert applied(by_sgd, decayed).optimizer.weight_decay == 1.0
    assert applied(ChangeOptimizer(), decayed).optimizer.weight_decay == 1.0


def test_a_weight_decay_that_is_named_is_taken_also_where_it_is_none():
    decayed = mlp(experiment_changes={"optimizer": {"kind": "adam", "learning_rate": 0.01, "weight_decay": 1.0}})
    posted = ChangeOptimizer.model_validate({"optimizer": {"kind": "sgd", "learning_rate": 0.1, "weight_decay": 0.0}})
    assert posted.weight_decay == 0.0
    assert applied(posted, decayed).optimizer.weight_decay == 0.0
    assert applied(ChangeOptimizer(weight_decay=0.1), mlp()).optimizer.weight_decay == 0.1


def test_adam_without_a_decay_of_its_own_is_refused_to_who_has_it_with_one():
    decayed = mlp(experiment_changes={"optimizer": {"kind": "adam", "learning_rate": 0.001, "weight_decay": 0.1}})
    assert "already" in refusal(ChangeOptimizer(), decayed)


def test_a_weight_decay_of_an_optimizer_in_python_is_taken_where_it_was_named():
    assert ChangeOptimizer(optimizer=SGD(learning_rate=0.1, weight_decay=0.0)).weight_decay == 0.0
    assert ChangeOptimizer(optimizer=SGD(learning_rate=0.1)).weight_decay is None
    named = ChangeOptimizer(optimizer=SGD(learning_rate=0.1, weight_decay=0.5), weight_decay=0.2)
    assert named.weight_decay == 0.2
    assert ChangeOptimizer.model_validate({"optimizer": {"kind": "sgd", "learning_rate": 0.1}}).weight_decay is None
