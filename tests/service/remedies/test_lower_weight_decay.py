from dataclasses import replace

from gradclinic.remedies.lower_weight_decay import LowerWeightDecay

from ..diagnosis.records import healthy_record
from ..diagnosis.seen import CLASSIFIER, but
from .experiments import applied, changes, mlp, refusal

DECAYED = {"kind": "adamw", "learning_rate": 0.01, "weight_decay": 0.5}


def test_it_removes_the_decay_or_multiplies_it_and_leaves_the_optimizer():
    decayed = mlp(experiment_changes={"optimizer": DECAYED})
    assert changes(LowerWeightDecay(), decayed) == ["/optimizer/weight_decay"]
    assert applied(LowerWeightDecay(), decayed).optimizer.weight_decay == 0
    assert applied(LowerWeightDecay(factor=0.1), decayed).optimizer.weight_decay == 0.05


def test_without_a_decay_it_is_refused_and_in_place():
    assert "no weight decay" in refusal(LowerWeightDecay(), mlp())
    record = replace(healthy_record(), preflight=but(CLASSIFIER, "optimizer", weight_decay=0.0))
    assert LowerWeightDecay().in_place(record)
    assert not LowerWeightDecay().in_place(replace(record, preflight=but(CLASSIFIER, "optimizer", weight_decay=0.1)))
