from dataclasses import replace

from gradclinic.kernel.errors import RemedyDoesNotApply
from gradclinic.remedies import Remedy, against
from gradclinic.remedies.against import rate, skips, starved_gradient
from gradclinic.remedies.lower_learning_rate import LowerLearningRate
from gradclinic.remedies.network import Network
from gradclinic.remedies.set_learning_rate import SetLearningRate

from .experiments import mlp


def test_a_smaller_rate_is_the_remedy_called_so():
    assert rate(0.1) == LowerLearningRate(factor=0.1)
    assert rate(3.0) == SetLearningRate(factor=3.0)


def test_a_plain_deep_network_takes_every_remedy_of_the_table_that_is_not_for_another_kind():
    table = {name: value for name, value in vars(against).items() if isinstance(value, Remedy)}
    assert {name for name, remedy in table.items() if not _applies(remedy)} == {
        "BFLOAT16",
        "CONSTANT_RATE",
        "FLOAT32",
        "FORGET_BIAS",
        "GATED_CELL",
        "LESS_DECAY",
        "LESS_DROPOUT",
        "LEVEL_BRANCHES",
        "LOG_PROBABILITIES",
        "NORM_OF_EACH_SAMPLE",
        "NORM_OF_GROUPS",
        "NO_CLIPPING",
        "NO_DECAY",
        "PLAIN_OUTPUTS",
        "PRE_NORM",
        "SIGMOIDS",
        "STANDARDIZED",
        "STANDARDIZED_TARGETS",
        "USUAL_LOSS",
    }


def _applies(remedy):
    try:
        remedy.apply(mlp(depth=6, activation="sigmoid"))
    except RemedyDoesNotApply:
        return False
    return True


def test_a_rate_that_stays_or_grows_is_set():
    assert rate(1.0) == SetLearningRate(factor=1.0)
    assert rate(0.999) == LowerLearningRate(factor=0.999)


def test_against_a_starved_gradient_recurrent_networks_get_gates_and_others_branches_of_their_depth():
    deep = Network(recurrent=False, transformer=False, bounded=True, linear=False, depth=16)
    kinds = {remedy.kind for combination in starved_gradient(deep) for remedy in combination}
    assert {"add_batch_norm", "add_skip_connections"} <= kinds
    assert "use_gated_cell" not in kinds
    assert [skips(0.25)] in list(starved_gradient(deep))
    recurrent = starved_gradient(replace(deep, recurrent=True))
    assert {remedy.kind for combination in recurrent for remedy in combination} == {
        "set_initialization",
        "use_gated_cell",
        "change_optimizer",
    }
