"""What of the OWASP API Security Top 10 (2023) can be asked of every route at once; SECURITY.md names the rest."""

import re
import secrets

import pytest
from flask.testing import FlaskClient

from api.app import ROUTES
from api.routes import Access, Route
from tests.integration.api.conftest import Person, png, shown, slug_of


def named(routes: list[Route]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("route", routes, ids=[f"{route.method} {route.path}" for route in routes])


def address(route: Route) -> str:
    """The route's address with ids that nothing has."""
    return re.sub(r"{\w+}", "0198c5a4-3b6e-7000-8000-5f7a2b7d9e11", route.path)


@named([route for route in ROUTES if route.access is not Access.OPEN])
def test_no_route_of_customers_answers_a_stranger(client: FlaskClient, route: Route) -> None:
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": f"Bearer tv_{secrets.token_urlsafe(32)}"}):
        answer = client.open(address(route), method=route.method, headers=headers)
        assert (401, "unauthenticated") == (answer.status_code, slug_of(answer))


@named([route for route in ROUTES if route.access is Access.ADMIN])
def test_no_route_of_operators_answers_a_customer(alice: Person, route: Route) -> None:
    answer = alice.ask(route.method, address(route))
    assert (403, "admin-required") == (answer.status_code, slug_of(answer))


def test_a_body_cannot_set_what_is_not_the_customers_to_set(alice: Person, stranger: Person) -> None:
    image_id = shown(alice.upload(png()))["image_id"]
    other = shown(stranger.get("/v1/me"))["user_id"]
    for more in ({"price": "0"}, {"user_id": other}, {"status": "succeeded"}, {"role": "admin"}, {"is_admin": True}):
        answer = alice.post(f"/v1/images/{image_id}/previews", {"options": {}, **more})
        assert answer.status_code in {400, 422}, answer.text
    assert {"1.0"} == {shown(stranger.get("/v1/credits"))["available"]}


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "BREW"])
def test_methods_that_the_document_does_not_know_are_refused(client: FlaskClient, method: str) -> None:
    answer = client.open("/v1/me", method=method, headers={"X-Secret": "echo-me"})
    assert answer.status_code == 405
    assert "echo-me" not in answer.text


ELSEWHERE = ("http://169.254.169.254/meta-data/", "https://evil.example.com/", "file:///etc/passwd", "//x.example")


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_nobody_is_sent_to_an_address_that_a_customer_made_up(alice: Person, elsewhere: str) -> None:
    def open_checkout(back: str) -> int:
        body = {"package_id": "starter", "success_url": back, "cancel_url": back}
        return alice.post("/v1/checkout-sessions", body).status_code

    assert open_checkout(elsewhere) in {400, 422}
    assert 503 == open_checkout("http://127.0.0.1:8000/back"), "only Stripe is missing then"


def test_a_nul_is_refused_wherever_text_may_stand(alice: Person) -> None:
    assert 422 == alice.post("/v1/checkout-sessions", {"package_id": "star\0ter"}).status_code
    assert 422 == alice.get("/v1/images?cursor=%00").status_code
    assert alice.get("/v1/jobs/%00").status_code in {404, 422}
