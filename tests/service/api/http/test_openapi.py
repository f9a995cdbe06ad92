from fastapi import FastAPI
from pydantic import BaseModel

from gradclinic.api.http.openapi import document_of, operation_id


class Size(BaseModel):
    width: int = 3


class Parcel(BaseModel):
    size: Size = Size()
    default: Size
    weight: float = 1.5


def document() -> dict:
    app = FastAPI(generate_unique_id_function=operation_id)
    app.openapi = document_of(app)

    @app.post("/parcels")
    def send_many_parcels(body: Parcel) -> None: ...

    return app.openapi()


def test_an_operation_is_called_what_its_function_does():
    assert document()["paths"]["/parcels"]["post"]["operationId"] == "sendManyParcels"


def test_a_default_of_many_parts_is_told_in_words():
    fields = document()["components"]["schemas"]["Parcel"]["properties"]
    assert fields["size"] == {"$ref": "#/components/schemas/Size", "description": 'Default: `{"width": 3}`.'}
    assert fields["weight"]["default"] == 1.5


def test_a_field_called_default_stays_a_field():
    assert document()["components"]["schemas"]["Parcel"]["properties"]["default"]["$ref"]
