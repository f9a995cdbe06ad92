import pytest

from gradclinic.kernel.json_schema import phrase


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "number", "minimum": -1e6, "maximum": 1e6}, "a number from -1,000,000 to 1,000,000"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1e30}, "a number above 0 and at most 1e30"),
        ({"type": "number", "minimum": 1e-6, "exclusiveMaximum": 0.5}, "a number at least 1e-6 and below 0.5"),
        ({"type": "integer", "minimum": 0, "maximum": 2**31 - 1}, "an integer from 0 to 2,147,483,647"),
    ],
)
def test_bounds_are_written_as_people_write_them(schema, words):
    assert phrase(schema, schema) == words
