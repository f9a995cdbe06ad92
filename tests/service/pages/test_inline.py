import re
from xml.etree import ElementTree

import pytest

from gradclinic.pages.figures import Line, curves, profile, ranking
from gradclinic.pages.inline import inline

from .test_figures import FIGURES, arm, comparison, curve, ratio


def drawn(name: str) -> str:
    return str(inline(FIGURES[name](), name="c0", label="What it shows"))


@pytest.mark.parametrize("name", FIGURES)
def test_a_drawing_brings_no_style_no_script_and_no_address(name):
    for element in ElementTree.fromstring(f"<both>{drawn(name)}</both>").iter():
        assert element.tag not in ("style", "script", "metadata", "foreignObject", "a")
        for attribute, value in element.attrib.items():
            assert attribute != "style"
            assert not attribute.startswith("on")
            assert attribute != "href" or value.startswith(("#", "data:image/png;base64,"))
            assert "//" not in value or value.startswith("data:image/png;base64,")


def test_words_and_axes_are_in_the_ink_of_the_page_and_words_are_words():
    text = drawn("ranking")
    assert "currentColor" in text
    assert "#010203" not in text
    assert "norm</text>" in text
    assert not re.search(r'fill="(#ffffff|white|#000000|black)"', text)


def words(name: str, figure: dict) -> set[str]:
    both = ElementTree.fromstring(f"<both>{inline(figure, name=name, label='')}</both>")
    return {"".join(text.itertext()) for text in both.iter("text")}


def test_a_logarithmic_axis_over_less_than_a_decade_has_marks_all_the_same():
    assert {"0.2", "0.5"} <= words("c", curves({"grad_norm_l2": curve([0.15, 0.3, 0.9])}))
    assert sum(word.startswith("0.30") for word in words("c", curves({"grad_norm_l2": curve([0.3, 0.31])}))) > 1
    close = arm(1, "a", final_validation_loss=ratio(1.0, (0.9, 1.1)))
    assert {"0.9", "1", "1.1"} <= words("c", ranking(comparison(close)))


def test_many_arms_of_a_deep_network_stay_small():
    layers = [f"{index}.linear" for index in range(300)]
    lines = [Line(str(arm), layers, [10.0 ** (-index / 100) * (1 + arm) for index in range(300)]) for arm in range(20)]
    assert len(inline(profile(lines, title=""), name="c", label="")) < 300_000


def test_what_is_referred_to_is_there_once_and_apart_from_other_drawings():
    both = ElementTree.fromstring(f"<both>{drawn('curves')}</both>")
    identifiers = [element.attrib["id"] for element in both.iter() if "id" in element.attrib]
    assert len(identifiers) == len(set(identifiers)) > 0
    assert all(identifier.startswith("c0") for identifier in identifiers)
    referred = re.findall(r'(?:href="#|url\(#)([^")]+)', drawn("curves"))
    assert set(referred) == set(identifiers)


def test_a_narrow_window_has_a_drawing_of_its_own_unless_panels_stand_side_by_side():
    assert [svg.attrib["class"] for svg in ElementTree.fromstring(f"<both>{drawn('profile')}</both>")] == [
        "drawing on-wide",
        "drawing on-narrow",
    ]
    assert [svg.attrib["class"] for svg in ElementTree.fromstring(f"<both>{drawn('map')}</both>")] == ["drawing broad"]


@pytest.mark.parametrize(
    "nasty",
    ["</svg><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "$x^2$ & <b>", "漢字 🦄", "\ufffe]]>"],
)
def test_what_a_person_typed_stays_text(nasty):
    figure = profile([Line(nasty, [nasty], [1.0])], title=nasty)
    both = ElementTree.fromstring(f"<both>{inline(figure, name='c0', label=nasty)}</both>".replace("\ufffe", ""))
    texts = ["".join(element.itertext()) for element in both.iter("text")]
    assert any(nasty.replace("\ufffe", "\ufffd")[:10] in text for text in texts), texts
    assert {element.tag for element in both.iter()} <= {
        "both", "svg", "defs", "g", "path", "use", "text", "tspan", "clipPath", "rect", "image"
    }  # fmt: skip
