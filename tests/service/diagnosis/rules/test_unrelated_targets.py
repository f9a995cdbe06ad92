import numpy as np
import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.rules.unrelated_targets import are_related
from gradclinic.measurements.preflight import PairingFacts

from ..records import changed, failed, healthy_record, outcome
from ..seen import CLASSIFIER, seen

UNRELATED = PairingFacts(samples=512, correlation=0.0, p_value=0.4, amounts=True)


def found(*, ended=None, **changes):
    look = CLASSIFIER.model_copy(update={"pairing": UNRELATED.model_copy(update=changes)})
    return {each.condition: each for each in diagnose(seen(look, outcome=ended)).findings}


def test_targets_that_do_not_depend_on_the_inputs_are_why_nothing_was_learned():
    finding = found()["unrelated_targets"]
    assert (finding.harm, finding.blames[:2]) == (True, ("labels", "data"))
    assert "check that each input is paired with its own target" in finding.summary
    assert finding.confidence > 0.5
    assert found(amounts=False)["unrelated_targets"].confidence == 0.5  # a possibility, which does not lead


@pytest.mark.parametrize(
    ("changes", "there"),
    [({"p_value": 0.051}, True), ({"p_value": 0.05}, False), ({"samples": 99}, False), ({"samples": 100}, True)],
)
def test_a_dependence_of_one_in_twenty_is_enough_and_fewer_than_a_hundred_samples_are_not(changes, there):
    assert ("unrelated_targets" in found(**changes)) is there


def test_a_network_that_learned_them_may_have_learned_by_heart_so_it_is_healthy_only_perhaps():
    diagnosis = found(ended=outcome())
    assert not diagnosis["unrelated_targets"].harm
    assert diagnosis["healthy"].confidence == 0.5
    assert found(ended=outcome(), amounts=False)["healthy"].confidence > 0.5
    assert found(ended=outcome(), p_value=1e-9)["healthy"].confidence > 0.5
    symbols = found(amounts=False, ended=outcome())
    assert (symbols["healthy"].confidence, symbols["unrelated_targets"].harm) == (0.67, False)


def test_pictures_that_are_turned_without_their_maps_are_named():
    finding = found(p_value=1e-9, turned="mirrored")["unrelated_targets"]
    assert (finding.harm, finding.blames[0]) == (True, "data")
    assert "The pictures are mirrored" in finding.summary
    assert not found(p_value=1e-9, turned="mirrored", ended=outcome())["unrelated_targets"].harm


def test_without_the_test_nothing_is_known():
    assert "unrelated_targets" not in {each.condition for each in diagnose(seen(CLASSIFIER)).findings}
    assert not are_related(seen(CLASSIFIER))


@pytest.mark.parametrize(
    ("dead", "amounts", "first"),
    [(0.6, True, "unrelated_targets"), (0.6, False, "dead_units"), (1.0, True, "dead_units")],
)
def test_a_part_of_the_units_dies_where_there_is_nothing_to_learn_and_all_die_of_something_else(dead, amounts, first):
    look = CLASSIFIER.model_copy(update={"pairing": UNRELATED.model_copy(update={"amounts": amounts})})
    level = {"dead_fraction": lambda steps: np.where(steps == 0, 0.1, dead)}
    record = changed(healthy_record(), level, outcome=failed())
    assert diagnose(seen(look, record=record)).primary == first


@pytest.mark.parametrize(("others", "there"), [(2, False), (3, True)])
def test_targets_that_are_next_steps_of_other_samples_do_harm_whatever_was_learned(others, there):
    finding = found(ended=outcome(), of_others=others, p_value=1e-9).get("unrelated_targets")
    assert (finding is not None) is there
    if finding is not None:
        assert (finding.harm, finding.blames[0]) == (True, "labels")
        assert "are the next steps of other samples" in finding.summary
