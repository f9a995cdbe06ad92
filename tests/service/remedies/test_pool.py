from dataclasses import replace

from gradclinic.remedies import REMEDIES
from gradclinic.remedies.against import BATCH_NORM, LEVEL_BRANCHES, rate, skips
from gradclinic.remedies.network import Network
from gradclinic.remedies.pool import name_of, pool
from gradclinic.remedies.train_longer import TrainLonger

DEEP = Network(recurrent=False, transformer=False, bounded=True, linear=False, depth=16)


def test_it_has_every_kind_of_the_catalogue_and_no_remedy_twice():
    remedies = list(pool(DEEP).values())
    assert {remedy.kind for remedy in remedies} == set(REMEDIES)
    assert len(set(remedies)) == len(remedies)


def test_each_remedy_is_found_again_by_its_name():
    assert all(name_of(remedy, DEEP) == name for name, remedy in pool(DEEP).items())


def test_skips_of_a_scale_that_follows_the_depth_have_one_name_for_every_depth():
    shallow = replace(DEEP, depth=4)
    assert name_of(skips(0.25), DEEP) == name_of(skips(0.5), shallow) == "add skip connections (scale 1 / sqrt(depth))"
    assert name_of(skips(0.25), shallow) is None


def test_names_are_words_and_other_parameters_have_none():
    assert name_of(BATCH_NORM, DEEP) == "add batch norm"
    assert name_of(rate(0.1), DEEP) == "lower learning rate (factor 0.1)"
    assert name_of(LEVEL_BRANCHES, DEEP) == "scale residual branches"
    assert name_of(TrainLonger(factor=7.0), DEEP) is None
