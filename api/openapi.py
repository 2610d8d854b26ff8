"""The OpenAPI 3.1 document, made from the routes and their types: it cannot say what the code does not do."""

import inspect
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from api.auth import GUEST_COOKIE
from api.limits import Limit
from api.problems import MEDIA_TYPE, status_of
from api.routes import Access, Gives, Nothing, Route
from shared import errors
from shared.errors import ProblemError, TransientError

Schema = dict[str, Any]

VERSION = "1.0.0"
_REF = "#/components/schemas/{model}"
_DESCRIPTION = (
    "Raster logos, drawings and photos in, clean vector files out. Upload an image, ask for a preview or a"
    " vectorization, wait for the job, download the result. Failures are problems as in RFC 9457; each `type` leads to"
    " its page. Every answer carries `X-Request-Id`."
)
_HEADERS: Mapping[str, str] = {
    "Location": "where to look next",
    "Cache-Control": "how long it may be kept, and by whom",
    "Retry-After": "seconds to wait before asking again",
    "ETag": "send it as If-None-Match to learn cheaply that nothing changed",
    "X-Request-Id": "quote it when something went wrong",
    "RateLimit": "what is left of the limit this request counted against (draft-ietf-httpapi-ratelimit-headers)",
    "RateLimit-Policy": "that limit: requests (q) per seconds (w)",
    "WWW-Authenticate": "how to authenticate",
    "Idempotency-Replayed": "`true` when this is the first answer, given again",
    "Allow": "the methods this address takes",
}


class FieldProblem(BaseModel):
    """A field that is not valid."""

    pointer: str = Field(description="JSON pointer (RFC 6901) into the body, or to the parameter")
    detail: str


class Problem(BaseModel):
    """A failure, as in RFC 9457. Some problems carry further members, such as `required` and `available`."""

    type: str = Field(description="the address of this problem's page")
    slug: str = Field(description="the problem's name, for programs")
    title: str
    status: int
    detail: str = Field(description="what happened and what to do about it")
    instance: str
    request_id: str
    errors: list[FieldProblem] | None = None


def openapi_document(routes: tuple[Route, ...], public_url: str) -> Schema:
    """The whole document."""
    schemas = _schemas(routes)
    paths: dict[str, Schema] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "tovector", "version": VERSION, "description": _DESCRIPTION, "license": {"name": "MIT"}},
        "servers": [{"url": public_url.rstrip("/")}],
        "security": [{"session": []}, {"api_key": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {
                "session": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A session token of the sign-in provider (Clerk)",
                },
                "api_key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A personal API key, `tv_...`, made by POST /v1/me/api-keys",
                },
                "guest": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": GUEST_COOKIE,
                    "description": "A guest's secret, set by POST /v1/guests",
                },
            },
            "headers": {name: {"description": text, "schema": {"type": "string"}} for name, text in _HEADERS.items()},
        },
    }


class _Schemas:
    """Every type of the interface as JSON schema, and how to point at it."""

    def __init__(self, taken: set[type[BaseModel]], given: set[type[BaseModel]]) -> None:
        modes: list[tuple[type[BaseModel], Any]] = [(kind, "validation") for kind in sorted(taken, key=str)]
        modes += [(kind, "serialization") for kind in sorted(given, key=str)]
        self.references, document = models_json_schema(modes, ref_template=_REF)
        self.components: dict[str, Schema] = document["$defs"]

    def given(self, kind: type[BaseModel]) -> Schema:
        """A reference to what is answered."""
        return dict(self.references[kind, "serialization"])

    def taken(self, kind: type[BaseModel]) -> Schema:
        """What is asked for, in full: its fields become parameters."""
        name = self.references[kind, "validation"]["$ref"].rsplit("/", 1)[1]
        return self.components[name]


def _schemas(routes: tuple[Route, ...]) -> _Schemas:
    taken = {route.takes for route in routes if route.takes is not Nothing}
    given = {body for route in routes for body in (route.gives.body, route.gives.later) if isinstance(body, type)}
    return _Schemas(taken, given | {Problem})


def _operation(route: Route, schemas: _Schemas) -> Schema:
    summary, _, description = inspect.cleandoc(route.handler.__doc__ or "").partition("\n")
    operation: Schema = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": summary.rstrip("."),
        "description": _one_line(description) or summary,
        "parameters": _parameters(route, schemas),
        "responses": _responses(route, schemas),
    }
    if route.access is Access.OPEN:
        operation["security"] = [{}, {"session": []}, {"api_key": []}] if route.limit is not Limit.NONE else []
    elif route.access is Access.ADMIN:
        operation["security"] = [{"session": []}]
    elif route.guests:
        operation["security"] = [{"session": []}, {"api_key": []}, {"guest": []}]
    if body := _request_body(route, schemas):
        operation["requestBody"] = body
    return operation


def _parameters(route: Route, schemas: _Schemas) -> list[Schema]:
    fields: dict[str, Schema] = {} if route.takes is Nothing else schemas.taken(route.takes).get("properties", {})
    parameters = [_parameter(name, "path", fields[name]) for name in route.path_fields]
    parameters += [_parameter(name, "query", fields[name]) for name in route.query_fields]
    if route.once:
        parameters.append(_header("Idempotency-Key", "makes repeating safe: the first answer is given again for a day"))
    if _reads(route):
        parameters.append(_header("If-None-Match", "the ETag of what the caller has"))
    return parameters


def _header(name: str, description: str) -> Schema:
    schema = {"type": "string", "maxLength": 255}
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


def _parameter(name: str, place: str, schema: Schema) -> Schema:
    shown = {key: value for key, value in schema.items() if key not in ("title", "description")}
    parameter: Schema = {"name": name, "in": place, "required": place == "path", "schema": shown}
    return parameter | ({"description": schema["description"]} if "description" in schema else {})


def _request_body(route: Route, schemas: _Schemas) -> Schema | None:
    if route.takes_file:
        file = {"type": "string", "format": "binary", "description": "a PNG or JPEG, by content"}
        form = {"type": "object", "required": ["file"], "properties": {"file": file}}
        return {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    if "body" not in route.takes.model_fields:
        return None
    schema = schemas.taken(route.takes)["properties"]["body"]
    required = bool(schemas.components[schema["$ref"].rsplit("/", 1)[1]].get("required"))
    return {"required": required, "content": {"application/json": {"schema": schema}}}


def _responses(route: Route, schemas: _Schemas) -> Schema:
    responses: Schema = {str(route.gives.status): _good(route, route.gives, schemas)}
    if route.gives.later is not None:
        responses["202"] = _good(route, Gives(202, route.gives.later, ("Location", "Retry-After")), schemas)
    if _reads(route):
        responses["304"] = {"description": "Nothing changed since the ETag was given", "headers": _headers("ETag")}
    by_status: dict[int, list[type[ProblemError]]] = {}
    for kind in dict.fromkeys([*route.problems, *_implied(route)]):
        by_status.setdefault(status_of(kind), []).append(kind)
    for status, kinds in sorted(by_status.items()):
        responses[str(status)] = _bad(status, kinds, schemas)
    return responses


def _good(route: Route, gives: Gives, schemas: _Schemas) -> Schema:
    limited = [] if "Cache-Control" in gives.headers else _limited(route)  # what caches keep says nothing of a caller
    names = [*gives.headers, *(["ETag"] if _reads(route) else []), *limited, "X-Request-Id"]
    names += ["Idempotency-Replayed"] if route.once else []
    good: Schema = {"description": _MEANING.get(gives.status, "Done"), "headers": _headers(*names)}
    if isinstance(gives.body, str):
        kind = "object" if gives.body.endswith("json") else "string"
        good["content"] = {gives.body: {"schema": {"type": kind}}}
    elif gives.body is not None:
        good["content"] = {"application/json": {"schema": schemas.given(gives.body)}}
    if gives.files:
        good["content"] |= {kind: {"schema": _FILE} for kind in gives.files}
    return good


def _bad(status: int, kinds: list[type[ProblemError]], schemas: _Schemas) -> Schema:
    names = ["X-Request-Id"]
    names += ["Retry-After"] if any(issubclass(kind, TransientError) for kind in kinds) else []
    names += ["WWW-Authenticate"] if status == 401 else []
    return {
        "description": "; ".join(f"`{kind.slug}`: {kind.title}" for kind in kinds),
        "headers": _headers(*names),
        "content": {MEDIA_TYPE: {"schema": schemas.given(Problem), "examples": {k.slug: _example(k) for k in kinds}}},
    }


def _example(kind: type[ProblemError]) -> Schema:
    value = {
        "type": f"https://api.example.com/docs/problems#{kind.slug}",
        "slug": kind.slug,
        "title": kind.title,
        "status": status_of(kind),
        "detail": _one_line(inspect.getdoc(kind) or kind.title),
        "instance": "/v1/…",
        "request_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    }
    return {"summary": kind.title, "value": value}


def _implied(route: Route) -> list[type[ProblemError]]:
    """What every route of its sort may answer."""
    implied: list[type[ProblemError]] = []
    if route.limit is not Limit.NONE:
        implied += [errors.Unauthenticated, errors.RateLimited, errors.SignInUnavailable, errors.DatabaseUnavailable]
    if route.access is Access.ADMIN:
        implied.append(errors.AdminRequired)
    if route.query_fields or route.takes_file or "body" in route.takes.model_fields:
        implied.append(errors.RequestInvalid)
    if route.once:
        implied += [errors.IdempotencyKeyReused, errors.IdempotencyKeyInFlight]
    return [*implied, errors.InternalError]


def _reads(route: Route) -> bool:
    """Whether it is a read that carries an ETag."""
    is_read = route.method == "GET" and route.gives.status == 200
    return is_read and (isinstance(route.gives.body, type) or "ETag" in route.gives.headers)


def _limited(route: Route) -> list[str]:
    return [] if route.limit is Limit.NONE else ["RateLimit", "RateLimit-Policy"]


def _headers(*names: str) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


_FILE: Mapping[str, str] = {"type": "string", "format": "binary"}
_MEANING: Mapping[int, str] = {
    200: "As asked",
    201: "Made; Location says where it is",
    202: "Accepted; Location says where to look for the end",
    204: "Done, nothing to say",
    302: "The file is at Location, for some minutes",
}
