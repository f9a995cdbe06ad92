"""The benchmark over programs as people write them counts what it should, and its programs train."""

from dataclasses import replace

import pytest
from benchmarks.diagnosis.wild import tabular
from benchmarks.diagnosis.wild.program import Fault, Origin
from benchmarks.diagnosis.wild.report import KINDS, MAKERS, Told, by_chance, figures, missed, tell

from gradclinic.kernel.vocabulary import Blame
from gradclinic.measurements.origin import NonFiniteOrigin


def told(*kinds: Blame, true: tuple[Blame, ...] | None, sick: bool = True, held_out: bool = True) -> Told:
    fault = None if true is None else Fault("a fault", true, lambda program: program, "somewhere")
    return Told(
        "p", held_out, fault, 0.1, sick, kinds, "a condition", 0.9, kinds[:3], {"autotrainer": False, "sagemaker": True}
    )


FOUND = [
    told("loss", "labels", true=("loss",)),
    told("steps", "schedule", "labels", "loss", true=("labels", "data")),
    told("steps", true=("loss",)),
    told(true=("loss",), sick=False),
    told(true=None, sick=False),
    told("steps", true=None),
    told("loss", true=("loss",), held_out=False),
]


def test_rates_are_of_the_programs_held_out_and_of_the_others_apart():
    rows = {(str(row["subject"]), str(row["configuration"])): row["value"] for row in figures(FOUND)}
    assert rows["faulty: fault found", "held-out programs, 4"] == 0.75
    assert rows["faulty: true kind named first", "held-out programs, 4"] == 0.25
    assert rows["faulty: true kind in first three", "held-out programs, 4"] == 0.5
    assert rows["correct: false alarm", "held-out programs, 2"] == 0.5
    assert rows["faulty: fault found, sagemaker", "held-out programs, 4"] == 1.0
    assert rows["faulty: fault found, autotrainer", "held-out programs, 4"] == 0.0
    assert rows["faulty: kinds named", "held-out programs, 4"] == pytest.approx((2 + 3 + 1 + 0) / 4)
    assert rows["faulty: true kind named first", "programs used to develop the rules, 1"] == 1.0


@pytest.mark.parametrize(
    ("named", "right"),
    [
        (NonFiniteOrigin(step=1, where="forward", module="0", operation="_softmax"), True),
        (NonFiniteOrigin(step=1, where="forward", module="1", operation="softmax"), False),
        (NonFiniteOrigin(step=1, where="forward", module="0", operation="div"), False),
        (NonFiniteOrigin(step=1, where="backward", module="0", operation="softmax"), False),
        (None, False),
    ],
)
def test_an_origin_is_right_if_its_place_operation_and_module_are(named, right):
    assert Origin("forward", "softmax", "0").is_named_by(named) == right


def test_origins_are_counted_where_one_was_asked_for():
    asked = [replace(told("loss", true=("loss",)), origin_right=right) for right in (True, False, None)]
    (row,) = [row for row in figures(asked) if "origin" in str(row["subject"])]
    assert (row["value"], row["configuration"]) == (0.5, "held-out programs, 2")


def test_chance_is_that_of_drawing_kinds_without_looking():
    """One true kind of all, then three draws without putting back; two true kinds and one draw."""
    assert by_chance([told(true=("loss",))], 1) == pytest.approx(1 / KINDS)
    assert by_chance([told(true=("loss",))], 3) == pytest.approx(3 / KINDS)
    assert by_chance([told(true=("loss", "labels"))], 1) == pytest.approx(2 / KINDS)
    assert by_chance([told(true=None)], 3) == 0.0


def test_what_was_missed_is_listed_with_what_is_true():
    lines = missed(FOUND)
    assert len(lines) == 4
    assert any("sound" in line for line in lines)
    assert any("nothing; true: loss" in line for line in lines)


def test_programs_have_names_and_faults_of_their_own():
    made = [make() for make in MAKERS]
    assert len({program.name for program, _ in made}) == len(made)
    for program, faults in made:
        assert len({fault.name for fault in faults}) == len(faults), program.name
    assert sum(len(faults) for _, faults in made) >= 60
    assert {program.held_out for program, _ in made} == {True, False}


def test_a_program_is_trained_sound_and_with_a_fault():
    sound, faults = tabular.wines()
    healthy = tell(sound.but(steps=100), None, seed=0)
    assert (healthy.sick, healthy.score > 0.9) == (False, True)
    softmax = next(fault for fault in faults if "softmax" in fault.name)
    faulty = tell(sound.but(steps=100), softmax, seed=0)
    assert (faulty.first, faulty.kinds[0]) == (True, "output_activation")


def test_a_confidence_is_held_against_whether_the_primary_finding_blames_a_true_part():
    rows = {(str(row["subject"]), str(row["configuration"])): row["value"] for row in figures(FOUND)}
    assert rows["right at confidence 0.90 to 0.95", "held-out programs, 6"] == pytest.approx(3 / 6)
    assert rows["confidence above the fraction right, mean", "held-out programs, 6"] == pytest.approx(0.9 - 0.5)
