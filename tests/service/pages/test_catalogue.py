import re


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
