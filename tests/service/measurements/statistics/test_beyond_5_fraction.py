from .computed import check, entries, tensors


def test_it_counts_what_lies_beyond_5_on_both_sides_and_never_nan():
    check(
        ["beyond_5_fraction"],
        lambda tensor: sum(abs(value) > 5 for value in entries(tensor)) / tensor.numel(),
        given=tensors(special=True),
    )
