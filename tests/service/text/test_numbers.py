import pytest

from gradclinic.text.numbers import factor, gradient_decay, short


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.001234, "0.00123"), (2.3, "2.3"), (12345.6, "12346"), (1e-7, "1e-07"), (0, "0"), (None, "-"), ("NaN", "NaN")],
)
def test_numbers_are_short(value: object, text: str) -> None:
    assert short(value) == text


def test_words_for_numbers() -> None:
    assert gradient_decay(9.26) == "shrinks by a factor of 10^9.3"
    assert gradient_decay(-0.2) == "grows by a factor of 10^0.2"
    assert gradient_decay("Infinity") == "becomes exactly zero"
    assert factor(0.999) == "1.00"
    assert factor(0.0123) == "0.012"
