from gradclinic.experiments.layers import lower_sequence
from gradclinic.experiments.layers.repeat import Repeat
from gradclinic_workers.train.build import build

LINEAR = {"kind": "linear", "out_features": 5}


def repeat(times, *body):
    return {"kind": "repeat", "times": times, "body": list(body)}


def test_it_is_unrolled_each_time_with_weights_of_its_own():
    nodes, _ = lower_sequence([Repeat.model_validate(repeat(3, LINEAR))], (5,), pointer="/layers")
    assert [node.name for node in nodes] == ["0.linear", "1.linear", "2.linear"]
    assert {node.pointer for node in nodes} == {"/layers/0/body/0"}
    weights = [parameter for parameter in build(nodes).parameters() if parameter.ndim == 2]
    assert len({id(weight) for weight in weights}) == 3


def test_repeats_nest():
    nested = Repeat.model_validate(repeat(2, repeat(3, LINEAR), {"kind": "dropout"}))
    nodes, _ = lower_sequence([nested], (5,), pointer="/layers")
    assert [node.kind for node in nodes] == (["linear"] * 3 + ["dropout"]) * 2
    assert nodes[0].pointer == "/layers/0/body/0/body/0"


def test_it_is_counted_without_being_unrolled():
    huge = LINEAR
    for _ in range(4):
        huge = repeat(1000, huge)
    assert Repeat.model_validate(huge).count() == 10**12
