import pytest

from gradclinic.text.numbers import decades, factor, short


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.001234, "0.00123"), (2.3, "2.3"), (12345.6, "12346"), (1e-7, "1e-07"), (0, "0"), (None, "-"), ("NaN", "NaN")],
)
def test_numbers_are_short(value: object, text: str) -> None:
    assert short(value) == text


def test_words_for_numbers() -> None:
    assert decades(9.26) == "loses 9.3 decades"
    assert decades(-0.2) == "gains 0.2 decades"
    assert decades("Infinity") == "loses everything"
    assert factor(0.999) == "1.00"
    assert factor(0.0123) == "0.012"
