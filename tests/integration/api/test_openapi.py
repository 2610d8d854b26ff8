"""The OpenAPI document and the pages that explain the interface."""

import re

from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.app import ROUTES
from api.problems import STATUS
from tests.integration.api.conftest import shown


def test_the_openapi_document_is_valid(client: FlaskClient) -> None:
    document = shown(client.get("/openapi.json"))
    assert document["openapi"] == "3.1.0"
    assert [] == list(OpenAPIV31SpecValidator(document).iter_errors())


def test_every_route_of_the_app_is_in_the_document(app: Flask, client: FlaskClient) -> None:
    document = shown(client.get("/openapi.json"))
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    served = {
        (method, re.sub(r"<(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert served == described
    assert {(route.method, route.path) for route in ROUTES} == described


def test_problems_are_described_as_problem_json(client: FlaskClient) -> None:
    document = shown(client.get("/openapi.json"))
    for path, item in document["paths"].items():
        for operation in item.values():
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"], (path, status)


def test_an_upload_is_described_as_a_form_with_a_file(client: FlaskClient) -> None:
    operation = shown(client.get("/openapi.json"))["paths"]["/v1/images"]["post"]
    form = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["file"]["format"] == "binary"
    assert {"201", "401", "409", "413", "415", "422", "429", "500", "503"} == set(operation["responses"])


def test_the_docs_page_loads_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert addresses
    assert [] == [address for address in addresses if not address.startswith("/docs/assets/")]
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    for address in addresses:
        with client.get(address) as asset:
            assert asset.status_code == 200


def test_an_unknown_asset_is_not_found(client: FlaskClient) -> None:
    assert client.get("/docs/assets/oauth2-redirect.html").status_code == 404
    assert client.get("/docs/assets/..%2f..%2fapp.py").status_code == 404


def test_every_problem_has_its_place_on_the_problems_page(client: FlaskClient) -> None:
    page = client.get("/docs/problems").text
    ids = set(re.findall(r'<h2 id="([a-z-]+)">', page))
    assert {kind.slug for kind in STATUS} == ids
