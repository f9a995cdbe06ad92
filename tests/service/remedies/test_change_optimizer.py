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
