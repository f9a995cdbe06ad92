import re

from gradclinic.pages.catalogue import found

from .document import Page


def test_names_in_the_catalogues_sentences_are_set_as_code(clinic):
    text = clinic.page("/catalogue")
    assert "<code>depth</code> hidden layers" in text
    assert "`" not in re.sub(r"<pre.*?</pre>", "", text, flags=re.DOTALL)


def test_the_catalogue_lists_what_the_api_lists(clinic):
    text = clinic.page("/catalogue")
    for section, entries in clinic.client.get("/v1/catalogue").json().items():
        if isinstance(entries, list):
            for entry in entries:
                assert f'id="{section}-{entry["kind"]}"' in text


def test_the_entries_are_folded_until_they_are_searched(clinic):
    assert not [each for each in Page(clinic.page("/catalogue")).all("details") if "open" in each]
    found = Page(clinic.page("/catalogue?search=elu")).all("details")
    assert all("open" in each for each in found if each["id"].startswith("entries-"))


def test_the_catalogue_is_searched_for_all_words_in_names_help_sources_and_parameters(clinic):
    assert [shown.entry.kind for shown in found("add batch norm remedies")["remedies"]] == ["add_batch_norm"]
    assert any(shown.entry.kind == "elu" for shown in found("ELU alpha")["activations"])
    assert found("nothing-like-this") == {}
    assert "No entry has all of these words." in clinic.page("/catalogue?search=nothing-like-this")
    assert "1 entry" in " ".join(clinic.page("/catalogue?search=add+batch+norm+remedies").split())


def test_a_parameter_says_what_it_is_what_is_allowed_and_its_default(clinic):
    (elu,) = [shown for shown in found("elu")["activations"] if shown.entry.kind == "elu"]
    (alpha,) = elu.parameters
    assert (alpha.name, alpha.default, alpha.allowed) == ("alpha", "1.0", "a number above 0 and at most 10")
    (norm,) = [shown for shown in found("clippings norm")["clippings"] if shown.entry.kind == "norm"]
    assert norm.parameters[0].default == ""
