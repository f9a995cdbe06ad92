from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from gradclinic.regression import Report, check, junit_xml

from ..comparison.runs import NAN, arm, run
from .test_judge import LOSS, LOSSES

NASTY = "<b>&\"']]>\x00\x1b\ud800 ￿ ü"


@dataclass(frozen=True)
class Ended:
    report: Report | None
    status: str = "succeeded"
    id: str = "check_1"
    name: str | None = NASTY
    baseline: str = "main"
    created_at: datetime = datetime(2026, 11, 26, 3, tzinfo=UTC)
    ended_at: datetime | None = datetime(2026, 11, 26, 3, 1, 12, 345000, tzinfo=UTC)


def document(new):
    return ET.fromstring(junit_xml(Ended(check(arm("baseline", LOSSES), new, margins=LOSS))))


def test_each_metric_and_each_condition_is_a_test_case():
    root = document(arm("new", [NAN] * 5, "divergence"))
    assert {name: root.attrib[name] for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "2", "failures": "2", "errors": "0", "skipped": "0",
    }  # fmt: skip
    cases = {case.attrib["name"]: case for case in root.iter("testcase")}
    assert cases.keys() == {"final_validation_loss", "condition divergence"}
    assert cases["final_validation_loss"].attrib["classname"] == "gradclinic.main"
    failure = cases["final_validation_loss"].find("failure")
    assert "margin 0.1" in failure.text
    assert "seed 4: baseline 0.49, new NaN" in failure.text
    assert "5 of 5 new seeds" in cases["condition divergence"].find("failure").attrib["message"]


def test_a_pass_has_a_case_for_conditions_even_where_there_are_none():
    root = document(arm("new", LOSSES))
    assert [(case.attrib["name"], len(case)) for case in root.iter("testcase")] == [
        ("final_validation_loss", 0),
        ("conditions", 0),
    ]


def test_inconclusive_is_skipped_with_the_seeds_that_would_decide():
    root = document([*arm("new", LOSSES[:2]), run("new", 2, NAN, status="failed")])
    assert (root.attrib["skipped"], root.attrib["failures"]) == ("2", "0")
    assert "about 3 seeds would decide" in next(root.iter("skipped")).text
    (lost,) = [case for case in root.iter("testcase") if case.attrib["name"] == "every run trained"]
    assert "seed 2 failed" in lost.find("skipped").attrib["message"]


def test_the_suite_says_when_the_check_was_made():
    assert next(document(arm("new", LOSSES)).iter("testsuite")).attrib["timestamp"] == "2026-11-26T03:00:00"


def test_it_says_how_long_the_check_took_and_where_its_page_is():
    ended = Ended(check(arm("baseline", LOSSES), arm("new", [NAN] * 5, "divergence"), margins=LOSS))
    root = ET.fromstring(junit_xml(ended, page="http://clinic/checks/check_1"))
    assert [each.attrib["time"] for each in (root, root[0])] == ["72.345", "72.345"]
    of_cases = [float(each.attrib["time"]) for each in root.iter("testcase")]
    assert abs(sum(of_cases) - 72.345) <= 0.001 * len(of_cases)
    assert root.find(".//property[@name='url']").attrib["value"] == "http://clinic/checks/check_1"
    assert all(each.text.endswith("\nhttp://clinic/checks/check_1") for each in root.iter("failure"))


def test_a_check_without_a_verdict_is_an_error():
    root = ET.fromstring(junit_xml(Ended(Report(summary="no worker"), status="failed")))
    assert root.attrib["errors"] == "1"
    assert next(root.iter("error")).text == "no worker"


def test_whatever_a_person_typed_parses_and_reads_as_it_was_typed():
    root = document(arm("new", LOSSES))
    (name,) = [each.attrib["value"] for each in root.iter("property") if each.attrib["name"] == "name"]
    assert name == "<b>&\"']]>��� � ü"


def test_numbers_that_are_not_finite_and_those_that_are_missing_are_spelled_out():
    new = [run("new", seed, loss, "divergence") for seed, loss in enumerate([float("inf"), NAN, 0.9, 0.9, 0.9])]
    cases = {case.attrib["name"]: case for case in document(new).iter("testcase")}
    text = next(iter(cases["final_validation_loss"])).text
    assert "seed 0: baseline 0.5, new Infinity" in text
    assert "seed 1: baseline 0.52, new NaN" in text
    accuracy = {"final_validation_accuracy": 0.02}
    before = [run("baseline", seed, 0.5, final_validation_accuracy=0.9) for seed in range(4)]
    after = [run("new", seed, 0.5, final_validation_accuracy=0.9 if seed else None) for seed in range(4)]
    root = ET.fromstring(junit_xml(Ended(check(before, after, margins=accuracy))))
    assert "seed 0: baseline 0.9, new None" in next(root.iter("skipped")).text
    assert root.attrib["tests"] == "2"
