from gradclinic.kernel.duplicate import first_duplicate


def test_the_first_name_that_comes_again_is_found():
    assert first_duplicate(["a", "b", "c", "b", "a"]) == "b"
    assert first_duplicate(["a", "b"]) is None
    assert first_duplicate([]) is None
