from dataclasses import replace
from io import StringIO

from rich.console import Console

from gradclinic.remedies.words import in_words
from gradclinic.schemas.diagnosis import DiagnosisAnswer
from gradclinic.text.diagnosis import diagnosis_words

from ..diagnoses import diagnosis
from .examples import FINDING


def test_a_diagnosis_says_what_where_since_when_by_what_and_what_to_try() -> None:
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    console.print(diagnosis_words(DiagnosisAnswer.model_validate(diagnosis(FINDING)), layers=12, steps=300))
    text = console.export_text()
    console.file.close()
    for words in (
        "vanishing gradients  (critical; it hurt learning; 99 % sure)",
        "Gradients vanish.",
        "2 of 12: 2.linear, 10.linear",
        "all 300, from the first one on",
        "inf orders of magnitude",
        "threshold 1.5",
        "swap activation (relu), cured 14 of 17 like this; add warmup",
    ):
        assert words in text


def test_layers_whose_names_only_look_like_numbers_are_listed_without_a_place() -> None:
    finding = replace(FINDING, layers=("10.linear", "2.linear", "\u00b2"))
    console = Console(width=100, record=True, file=StringIO())
    console.print(diagnosis_words(DiagnosisAnswer.model_validate(diagnosis(finding)), layers=12, steps=300))
    assert "3 of 12: \u00b2, 2.linear, 10.linear" in console.export_text()


def test_a_remedy_reads_as_words() -> None:
    scheme = {"kind": "set_initialization", "initialization": {"scheme": "xavier_normal"}}
    assert in_words(scheme) == "set initialization (xavier_normal)"
    gain = {"kind": "set_initialization", "initialization": {"scheme": "orthogonal", "input_gain": 0.1}}
    assert in_words(gain) == "set initialization (orthogonal, input gain 0.1)"
    assert in_words({"kind": "add_skip_connections", "scale": 0.2887}) == "add skip connections (scale 0.289)"
