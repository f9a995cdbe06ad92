from html import unescape

from .conftest import NASTY


def test_uploaded_rows_have_a_page_with_what_is_known_of_them(clinic):
    assert "gradclinic upload" in clinic.page("/datasets")
    table = f"x,y,{NASTY}\n" + "".join(f"{i % 7},{i},{'ab'[i % 2]}{NASTY}\n" for i in range(40))
    made = clinic.client.post("/v1/datasets", content=table, headers={"Content-Type": "text/csv"}).json()
    text = unescape(clinic.page("/datasets"))
    for words in (made["id"], "2 classes", "bytes", "UTC"):
        assert words in text
    assert NASTY not in clinic.page("/datasets")
    clinic.client.delete(f"/v1/datasets/{made['id']}")
    assert made["id"] not in clinic.page("/datasets")
