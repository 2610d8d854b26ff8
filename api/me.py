"""The caller's own account and API keys: `/v1/me`."""

from decimal import Decimal
from typing import Annotated

from flask import Response, request
from pydantic import BaseModel, Field, StringConstraints

from api.answers import Made, nothing, show
from api.fields import Body, Credits, Id, Page, Time
from api.house import House
from api.idempotency import asked_once
from api.routes import Gives, Nothing, Routes
from api.session import Caller
from shared import accounts, api_keys
from shared.api_keys import ApiKey
from shared.errors import NotFound
from shared.ids import new_id, parse_id

routes = Routes("account")


class MeBody(BaseModel, title="Account"):
    """The account that a credential belongs to."""

    user_id: Id
    email: str | None
    name: str | None
    is_admin: bool
    available: Credits
    reserved: Credits
    created_at: Time


@routes.operation("GET /v1/me", takes=Nothing, gives=Gives(200, MeBody))
def get_me(house: House, caller: Caller, _: Nothing) -> Response:
    """Show the caller's account."""
    with house.database.transaction(user_id=caller.user_id) as db:
        account = accounts.select_account(db, caller.user_id)
    if account is None:
        raise NotFound("There is no such account.")
    return show(
        MeBody(
            user_id=str(account.user_id), email=account.email, name=account.name, is_admin=caller.is_admin,
            available=max(account.credit_balance, Decimal(0)), reserved=account.credits_reserved,
            created_at=account.created_at,
        )
    )  # fmt: skip


class ApiKeyBody(BaseModel, title="ApiKey"):
    """A personal API key without its secret."""

    api_key_id: Id
    name: str
    hint: str = Field(description="the secret's first characters")
    created_at: Time
    last_used_at: Time | None


class NewApiKeyBody(ApiKeyBody, title="NewApiKey"):
    """A new key with its secret, which is shown this once."""

    secret: str | None = Field(
        description="send it as `Authorization: Bearer tv_...`; null in the answer to a repeated request"
    )


def _fields(key: ApiKey) -> dict[str, object]:
    return {
        "api_key_id": str(key.api_key_id),
        "name": key.name,
        "hint": key.hint,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
    }


@routes.operation("GET /v1/me/api-keys", takes=Nothing, gives=Gives(200, Page[ApiKeyBody]))
def list_api_keys(house: House, caller: Caller, _: Nothing) -> Response:
    """List the caller's API keys that still work, newest first."""
    with house.database.transaction(user_id=caller.user_id) as db:
        keys = api_keys.select_api_keys(db, caller.user_id)
    data = [ApiKeyBody.model_validate(_fields(key)) for key in keys]
    return show(Page[ApiKeyBody](data=data, next_cursor=None))


KeyName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00]+$")]


class ApiKeyAsked(Body):
    """What to call the key."""

    name: KeyName


class AddApiKey(BaseModel):
    """A key to be made."""

    body: ApiKeyAsked


@routes.operation("POST /v1/me/api-keys", takes=AddApiKey, gives=Gives(201, NewApiKeyBody), once=True)
def add_api_key(house: House, caller: Caller, ask: AddApiKey) -> Response:
    """Make an API key for scripts; its secret is in this answer and nowhere else."""
    once, secret, name = asked_once(caller, request.get_data()), api_keys.new_secret(), ask.body.name
    with house.database.transaction(user_id=caller.user_id) as db:
        once.begin(db)
        key = api_keys.insert_api_key(db, api_key_id=new_id(), user_id=caller.user_id, name=name, secret=secret)
        # What is kept for a repeated request leaves the secret out: it is shown once and kept nowhere.
        once.keep(db, Made(NewApiKeyBody.model_validate({**_fields(key), "secret": None}), 201))
    return Made(NewApiKeyBody.model_validate({**_fields(key), "secret": secret}), 201).response()


class OneApiKey(BaseModel):
    """Which key."""

    api_key_id: Id


@routes.operation("DELETE /v1/me/api-keys/{api_key_id}", takes=OneApiKey, gives=Gives(204), problems=(NotFound,))
def end_api_key(house: House, caller: Caller, ask: OneApiKey) -> Response:
    """End an API key; within seconds it works nowhere."""
    known = parse_id(ask.api_key_id)
    with house.database.transaction(user_id=caller.user_id) as db:
        if known is None or not api_keys.update_api_key_revoked(db, api_key_id=known, user_id=caller.user_id):
            raise NotFound("There is no such API key.")
    house.callers.clear()
    return nothing()
