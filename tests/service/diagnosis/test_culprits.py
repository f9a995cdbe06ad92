"""Which layers are named as dead or saturated, by hand."""

from dataclasses import replace
from math import nan

import numpy as np

from gradclinic.diagnosis.culprits import dead_layers, saturated_layers

from .records import healthy_record

RECORD = healthy_record(layers=4)


def dead(*fractions):
    return dead_layers(np.array(fractions), RECORD, layer=0.99, share=0.5)


def saturated(*fractions, record=RECORD):
    return saturated_layers(np.array(fractions), record, share=0.5)


def test_layers_of_which_half_is_dead_are_named_worst_first():
    assert dead(0.5, 0.7, 0.49, 0.6) == ("2.linear", "6.linear", "0.linear")


def test_a_layer_behind_one_that_passes_nothing_on_is_only_silent():
    assert dead(0.99, 1.0, 0.6, 0.9) == ("0.linear", "6.linear")
    assert dead(0.98, 1.0, 0.6, 0.1) == ("2.linear", "0.linear")


def test_a_layer_that_cannot_die_passes_on_what_it_gets():
    assert dead(1.0, nan, 0.8, 0.8) == ("0.linear", "6.linear")


def test_layers_of_which_half_is_saturated_are_named_worst_first():
    assert saturated(0.5, 0.9, 0.49, nan) == ("2.linear", "0.linear")


def test_the_time_steps_of_a_recurrent_layer_count_as_the_worst_of_them():
    sites = tuple(replace(site, group="rnn") if index < 2 else site for index, site in enumerate(RECORD.sites))
    assert saturated(0.6, 0.9, 0.7, 0.1, record=replace(RECORD, sites=sites)) == ("rnn", "4.linear")
    assert saturated(0.9, 0.6, 0.7, 0.1, record=replace(RECORD, sites=sites)) == ("rnn", "4.linear")
