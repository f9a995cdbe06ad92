import io
from dataclasses import replace

from rich.console import Console

from gradclinic.comparison import Comparison, compare
from gradclinic.diagnosis import Evidence
from gradclinic.schemas.comparison import ComparisonAnswer
from gradclinic.text.seeds import arm_lines, study_diagnosis_words

from ..comparison.runs import STUCK, arm
from ..diagnoses import diagnosis, finding
from .examples import FINDING


def answer(compared: Comparison) -> ComparisonAnswer:
    return ComparisonAnswer.model_validate(compared)


def test_what_the_seeds_say_is_a_line_for_each_arm_and_a_page_with_evidence() -> None:
    runs = [*STUCK, *arm("relu", [0.3, 0.3, 0.3, 0.31, 0.29])]
    compared = answer(compare(runs))
    assert [line.plain.split("(")[0] for line in arm_lines(compared)] == [
        "  baseline: Vanishing gradients in 5 of 5 seeds ",
        "  relu: Healthy in 5 of 5 seeds ",
    ]
    swept = replace(STUCK[0], sweep_point=(("/optimizer/learning_rate", 0.25),), diagnosis=diagnosis(FINDING))
    console = Console(width=110, record=True, file=io.StringIO())
    console.print(study_diagnosis_words(answer(compare([swept, *arm("relu", [0.3])]))))
    text = console.export_text()
    assert "baseline at learning_rate 0.25 (seed 0)" in text
    assert "10.linear (1), 2.linear (1)   (number of seeds that name it)" in text
    assert "(threshold 1.5)" in text


def test_a_gain_over_seeds_is_read_as_the_gain_of_a_run_is() -> None:
    gained = finding("exploding_gradients", evidence=(Evidence("depth_slope", -9.3, "orders of magnitude", -1.5),))
    runs = [replace(each, diagnosis=diagnosis(gained)) for each in STUCK]
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(study_diagnosis_words(answer(compare([*runs, *arm("relu", [0.3])]))))
    text = " ".join(console.export_text().split())
    assert "gradient gained from output to input 9.3 orders of magnitude" in text
    assert "94 %: 9.3 to 9.3 (threshold 1.5)" in text
