from gradclinic.experiments.lowering import lower
from gradclinic.remedies.replace_batch_norm import ReplaceBatchNorm

from .experiments import READOUT, activation, applied, changes, cnn, kinds, layers, linear, mlp, refusal

GROUPS = ReplaceBatchNorm(norm="group_norm", groups=2)


def test_a_preset_keeps_being_one_where_it_has_the_norm():
    assert changes(ReplaceBatchNorm(), mlp(normalization="batch_norm")) == ["/model/normalization"]
    assert applied(ReplaceBatchNorm(), cnn(normalization="batch_norm")).model.normalization == "layer_norm"


def test_each_batch_norm_of_a_list_is_replaced_where_it_stands():
    norm = layers(linear(), {"kind": "batch_norm"}, activation(), READOUT)
    assert kinds(applied(ReplaceBatchNorm(), norm)) == ["linear", "layer_norm", "activation", "linear"]
    assert kinds(applied(GROUPS, norm)) == ["linear", "group_norm", "activation", "linear"]


def test_with_it_a_network_trains_on_single_samples():
    norm = mlp(normalization="batch_norm", experiment_changes={"training": {"batch_size": 2}})
    one = applied(ReplaceBatchNorm(), norm)
    assert all(node.layer.smallest_batch(node.in_shape) == 1 for node in lower(one).walk())


def test_groups_that_do_not_divide_the_channels_are_refused():
    assert "group_norm does not fit" in refusal(
        ReplaceBatchNorm(norm="group_norm", groups=3), cnn(normalization="batch_norm")
    )


def test_without_a_batch_norm_it_is_refused():
    assert "no batch norm" in refusal(ReplaceBatchNorm(), mlp(normalization="layer_norm"))
