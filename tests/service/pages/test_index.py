def test_the_list_can_be_narrowed_to_what_is_wrong(clinic):
    text = clinic.page("/?condition=vanishing_gradients")
    assert f"/runs/{clinic.sick}" in text
    assert f"/runs/{clinic.broken}" not in text
