"""The API against its own OpenAPI document: whatever is asked, no 5xx and no answer that the document does not know.

schemathesis makes requests from the document, allowed ones and others, from a fixed seed: the same each time.
"""

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import ROUTES
from api.routes import Route
from tests.integration.api.conftest import Person

EXAMPLES = 12
# What is beneath may be away, and that is documented: nobody plays Stripe here.
AWAY = 503
CHECKS: list[Callable[..., bool | None]] = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def document(app: Flask) -> BaseSchema:
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


@pytest.mark.parametrize("route", ROUTES, ids=[f"{route.method} {route.path}" for route in ROUTES])
def test_every_answer_is_one_that_the_document_knows(document: BaseSchema, alice: Person, route: Route) -> None:
    operation = document[route.path][route.method]
    asked = st.one_of([operation.as_strategy(generation_mode=mode) for mode in GenerationMode])

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    @given(case=asked)
    def ask(case: Any) -> None:
        answer = case.call(headers={"Authorization": f"Bearer {alice.token}"})
        checks = CHECKS if answer.status_code == AWAY else [*CHECKS, not_a_server_error]
        case.validate_response(answer, checks=checks)

    ask()
