from .computed import check, entries, tensors


def test_it_is_the_mean_over_batch_and_units():
    check(
        ["preactivation_mean"],
        lambda tensor: sum(entries(tensor)) / tensor.numel(),
        given=[1e-25 * each for each in tensors()],
        rel=1e-6,
    )
