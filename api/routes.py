"""What a route is: address, who may call it, what it takes and gives. Routing and the OpenAPI document read the same.

A handler takes the house, the caller and one request type, which stands right above it. Fields of that type named in
the address come from the path, the field `body` is the JSON body, the others are query parameters.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar, cast

from flask import Flask, Response, g, request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from api import limits
from api.auth import find_caller, find_guest, note_admin_read
from api.house import House, here
from api.idempotency import Replay, patient
from api.limits import Limit
from api.problems import field_problems
from api.receiving import received_body
from api.session import Caller
from shared.errors import AdminRequired, NotFound, OptionsInvalid, ProblemError, RequestInvalid, Unauthenticated

Taken = TypeVar("Taken", bound=BaseModel)
KnownHandler = Callable[[House, Caller, Taken], Response]
OpenHandler = Callable[[House, Caller | None, Taken], Response]


class Access(StrEnum):
    """customer: a session or an API key; admin: a session with the admin role; open: anybody, known or not."""

    CUSTOMER = "customer"
    ADMIN = "admin"
    OPEN = "open"


class Nothing(BaseModel):
    """A request without parameters."""


@dataclass(frozen=True, slots=True)
class Gives:
    """One good answer: its status, body and headers. `body` may be a media type instead of a JSON body's type.

    `files` are media types of the same as a file, where the caller may choose. `later` is the body of a 202, where a
    worker may have to do the work.
    """

    status: int
    body: type[BaseModel] | str | None = None
    headers: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    later: type[BaseModel] | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One address and method of the interface."""

    method: str
    path: str
    handler: Callable[[House, Any, Any], Response]
    takes: type[BaseModel]
    gives: Gives
    access: Access
    limit: Limit
    problems: tuple[type[ProblemError], ...]
    tag: str
    takes_file: bool = False
    once: bool = False
    guests: bool = False

    @property
    def path_fields(self) -> list[str]:
        """The request's fields that come from the path."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def query_fields(self) -> list[str]:
        """The request's fields that come from the query."""
        fields = self.takes.model_fields.items()
        return [field.alias or name for name, field in fields if name != "body" and name not in self.path_fields]

    @property
    def name(self) -> str:
        """The handler's name: the operation's id, and the route's name in metrics and logs."""
        return self.handler.__name__


class Routes:
    """The routes of one noun, in the order they are written."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.all: list[Route] = []

    def operation(
        self,
        where: str,
        *,
        takes: type[Taken],
        gives: Gives,
        limit: Limit = Limit.READS,
        admin: bool = False,
        problems: tuple[type[ProblemError], ...] = (),
        takes_file: bool = False,
        once: bool = False,
        guests: bool = False,
    ) -> Callable[[KnownHandler[Taken]], KnownHandler[Taken]]:
        """A route for customers (or operators): `where` is a method and an address; `once` obeys Idempotency-Key.

        `guests` lets in who is known by a guest's cookie alone.
        """

        def add(handler: KnownHandler[Taken]) -> KnownHandler[Taken]:
            method, path = where.split()
            access = Access.ADMIN if admin else Access.CUSTOMER
            self.all.append(
                Route(method, path, handler, takes, gives, access, limit, problems, self.tag, takes_file, once, guests)
            )
            return handler

        return add

    def open_operation(
        self,
        where: str,
        *,
        takes: type[Taken],
        gives: Gives,
        limit: Limit = Limit.READS,
        problems: tuple[type[ProblemError], ...] = (),
        guests: bool = False,
    ) -> Callable[[OpenHandler[Taken]], OpenHandler[Taken]]:
        """A route for anybody; who shows no credential has no caller, who shows a bad one is refused."""

        def add(handler: OpenHandler[Taken]) -> OpenHandler[Taken]:
            method, path = where.split()
            self.all.append(
                Route(
                    method,
                    path,
                    handler,
                    takes,
                    gives,
                    Access.OPEN,
                    limit,
                    problems,
                    self.tag,
                    takes_file=False,
                    once=False,
                    guests=guests,
                )
            )
            return handler

        return add


def mount(app: Flask, route: Route) -> None:
    """Let the app answer a route."""
    path_fields = frozenset(route.path_fields)

    def view(**path: str) -> Response:
        house = here()
        caller = _admit(house, route)
        ask = _parse(route, path_fields, path)
        try:
            if route.once and not route.takes_file:  # a file has been read when its key is looked at
                return patient(lambda: route.handler(house, caller, ask))
            return route.handler(house, caller, ask)
        except Replay as replay:
            return replay.response()

    app.add_url_rule(
        re.sub(r"{(\w+)}", r"<\1>", route.path),
        route.name,
        view,
        methods=[route.method],
        provide_automatic_options=True,
    )


def _admit(house: House, route: Route) -> Caller | None:
    """Who calls, if they may. Strangers count by address, so that guessing credentials is limited too.

    Machines, such as probes and providers, are not counted and no accounts are looked up for what they show.
    """
    authorization = request.headers.get("Authorization")
    if authorization is None and route.guests and (guest := find_guest(house)) is not None:
        # By address: a new guest costs nothing, so counting each by itself would be no limit.
        limit = Limit.GUESTS if route.limit is Limit.UPLOADS else route.limit
        _count(house, limit, request.remote_addr or "nowhere")
        return guest
    if route.access is Access.OPEN and (authorization is None or route.limit is Limit.NONE):
        _count(house, route.limit, request.remote_addr or "nowhere")
        return None
    try:
        caller = find_caller(house, authorization)
    except Unauthenticated:
        _count(house, Limit.READS, request.remote_addr or "nowhere")
        raise
    _count(house, route.limit, str(caller.user_id))
    if route.access is Access.ADMIN and not caller.is_admin:
        raise AdminRequired("This address is for operators.")
    if route.access is Access.ADMIN:
        note_admin_read(house, caller, route.name)
    return caller


def _count(house: House, limit: Limit, who: str) -> None:
    """Count the request, and let the answer say where the caller stands, also when it is refused."""
    try:
        g.standing = house.limits.take(limit, who)
    except limits.TooOften as refusal:
        g.standing = refusal.standing
        raise


def _parse(route: Route, path_fields: frozenset[str], path: Mapping[str, str]) -> BaseModel:
    if route.takes is Nothing:
        return _NOTHING
    values: dict[str, object] = {name: text for name, text in request.args.items() if name not in path_fields}
    values |= path
    if any("\0" in str(value) for value in values.values()):
        raise RequestInvalid(_NO_NUL)
    values.pop("body", None)
    if "body" in route.takes.model_fields:
        values["body"] = _read_json()
    try:
        return route.takes.model_validate(values)
    except ValidationError as error:
        raise _refusal(error, path_fields) from None


_NOTHING = Nothing()
_NO_NUL = "Text must not contain the character NUL."  # Postgres keeps none


def _read_json() -> object:
    data = received_body(request)
    if not data.strip():
        return {}
    try:
        body = from_json(data, allow_inf_nan=False)
    except ValueError:
        raise RequestInvalid("The body is not JSON in UTF-8.") from None
    if b"\\u0000" in data and (places := list(_places_of_nul(body, ()))):
        raise RequestInvalid(_NO_NUL, **field_problems([("".join(_steps(place)), _NO_NUL) for place in places]))
    return body


def _places_of_nul(value: object, place: tuple[int | str, ...]) -> Iterator[tuple[int | str, ...]]:
    """Where in a JSON value a text, or a name, holds the character."""
    if isinstance(value, str) and "\0" in value:
        yield place
    elif isinstance(value, list):
        for number, item in enumerate(cast("list[object]", value)):
            yield from _places_of_nul(item, (*place, number))
    elif isinstance(value, dict):
        for name, item in cast("dict[str, object]", value).items():
            yield from _places_of_nul(name, place)
            yield from _places_of_nul(item, (*place, name))


def _refusal(error: ValidationError, path_fields: frozenset[str]) -> ProblemError:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if any(entry["loc"] and entry["loc"][0] in path_fields for entry in found):
        return NotFound()
    wrong = [(_pointer(entry["loc"]), _sentence(entry["msg"])) for entry in found]
    detail = "; ".join(f"{pointer or 'the body'}: {sentence}" for pointer, sentence in wrong[:3])
    about_options = all(pointer.startswith("/options") for pointer, _ in wrong)
    return (OptionsInvalid if about_options else RequestInvalid)(f"{detail}.", **field_problems(wrong))


def _pointer(place: tuple[int | str, ...]) -> str:
    """A JSON pointer (RFC 6901) into the body, or to the query parameter."""
    parts = place[1:] if place and place[0] == "body" else place
    return "".join(_steps(parts))


def _steps(parts: tuple[int | str, ...]) -> Iterator[str]:
    for part in parts:
        yield "/" + str(part).replace("~", "~0").replace("/", "~1")


def _sentence(message: str) -> str:
    text = message.removeprefix("Value error, ").rstrip(".")
    return text[:1].lower() + text[1:]
