import io

from rich.console import Console, RenderableType

from gradclinic.schemas.claim import RulingAnswer
from gradclinic.text.claim import ruling_words, rulings_table

BARE = {
    "name": "bare",
    "value": 9.04,
    "unit": "orders of magnitude",
    "interval": None,
    "confidence": None,
    "n": 1,
    "of": "seeds",
}
SKIPS = {"name": "skips", "value": "NaN", "unit": "", "interval": None, "confidence": None, "n": 0, "of": "seeds"}


def ruling(*figures: dict[str, object]) -> RulingAnswer:
    return RulingAnswer.model_validate(
        {
            "id": "skips",
            "statement": "Skips help.",
            "source": "somebody 2015",
            "design": "Two networks.",
            "rule": "Supported if the one with skips loses less.",
            "quick": False,
            "runs": 6,
            "verdict": "supported",
            "explanation": "It lost 0.2 orders of magnitude, the other 9.",
            "figures": figures,
        }
    )


def shown(what: RenderableType, *, width: int = 110) -> str:
    console = Console(file=io.StringIO(), width=width, no_color=True, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        console.print(what)
    return capture.get()


def test_a_ruling_says_how_it_was_tested_and_lists_its_figures() -> None:
    text = shown(ruling_words(ruling(BARE, SKIPS), study="http://host/studies/study_1"))
    figures = ("9.04  orders of magnitude, 1 seed", "NaN")
    for words in ("Skips help.  supported", "6 trainings", "loses less", *figures, "study_1"):
        assert words in text
    assert "Skips help." in shown(rulings_table([ruling(BARE, SKIPS)]))


def test_an_interval_stands_beside_its_figure() -> None:
    figure = {**BARE, "interval": [8.5, "Infinity"], "confidence": 0.96875, "n": 6}
    assert "9.04  orders of magnitude [8.5, inf] (97 %), 6 seeds" in shown(ruling_words(ruling(figure), study=""))
