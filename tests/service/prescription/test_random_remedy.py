from gradclinic.experiments.experiment import Experiment
from gradclinic.prescription.random_remedy import random_remedy
from gradclinic.remedies.network import Network
from gradclinic.remedies.pool import pool

EXPERIMENT = Experiment.model_validate(
    {
        "model": {"kind": "mlp", "depth": 4, "width": 16, "activation": "tanh"},
        "data": {"kind": "moons"},
        "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    }
)


def test_the_same_seed_draws_the_same_remedy():
    assert random_remedy(EXPERIMENT, seed=7) == random_remedy(EXPERIMENT, seed=7)


def test_many_seeds_draw_many_kinds_and_each_changes_the_experiment():
    drawn = [random_remedy(EXPERIMENT, seed=seed) for seed in range(60)]
    assert all(remedy.apply(EXPERIMENT) != EXPERIMENT for remedy in drawn)
    assert len({remedy.kind for remedy in drawn}) >= 5


def test_no_listed_arm_is_drawn_whatever_it_is_called():
    first = random_remedy(EXPERIMENT, seed=3)
    assert random_remedy(EXPERIMENT, seed=3, listed=[[first]]) not in (None, first)


def test_every_remedy_listed_leaves_nothing_to_draw():
    listed = [[remedy] for remedy in pool(Network.declared(EXPERIMENT)).values()]
    assert random_remedy(EXPERIMENT, seed=0, listed=listed) is None
