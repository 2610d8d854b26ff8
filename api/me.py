"""The caller's own account and API keys: `/v1/me`."""

from decimal import Decimal
from typing import Annotated, Literal

from flask import Response, request
from pydantic import BaseModel, Field, StringConstraints

from api.answers import Made, nothing, show
from api.auth import forget_caller
from api.fields import Body, Credits, Id, Page, Time
from api.house import House
from api.idempotency import asked_once
from api.routes import Gives, Nothing, Routes
from api.session import Caller
from shared import accounts, api_keys, audit, privacy
from shared.accounts import Account
from shared.api_keys import ApiKey
from shared.audit import AuditAction, AuditActor
from shared.db import Connection
from shared.errors import NotFound, Unauthenticated
from shared.ids import new_id, parse_id
from shared.messages import PurgePerson
from shared.purges import Asker

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


def _shown(account: Account | None, caller: Caller) -> Response:
    if account is None or account.clerk_id is None:  # another process has seen to it a moment ago
        raise Unauthenticated("This account has been deleted.")
    return show(
        MeBody(
            user_id=str(account.user_id), email=account.email, name=account.name, is_admin=caller.is_admin,
            available=max(account.credit_balance, Decimal(0)), reserved=account.credits_reserved,
            created_at=account.created_at,
        )
    )  # fmt: skip


@routes.operation("GET /v1/me", takes=Nothing, gives=Gives(200, MeBody))
def get_me(house: House, caller: Caller, _: Nothing) -> Response:
    """Show the caller's account."""
    with house.database.transaction(user_id=caller.user_id) as db:
        account = accounts.select_account(db, caller.user_id)
    return _shown(account, caller)


PersonName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=320, pattern=r"^[^\x00]+$")
]


class MeChanges(Body):
    """What to change; the address belongs to the sign-in and is changed there."""

    name: PersonName | None = Field(description="what to call the person; null forgets the name")


class ChangeMe(BaseModel):
    """A change of the caller's account."""

    body: MeChanges


@routes.operation("PATCH /v1/me", takes=ChangeMe, gives=Gives(200, MeBody))
def change_me(house: House, caller: Caller, ask: ChangeMe) -> Response:
    """Change what the caller is called. A later change at the sign-in provider replaces it."""
    with house.database.transaction(user_id=caller.user_id) as db:
        account = accounts.update_account_name(db, caller.user_id, name=ask.body.name)
    return _shown(account, caller)


class PurgeBody(BaseModel, title="Purge"):
    """The caller is being forgotten."""

    user_id: Id = Field(description="what the ledger goes on to call the account; it leads to nobody")
    status: Literal["purging"]


@routes.operation("DELETE /v1/me", takes=Nothing, gives=Gives(202, PurgeBody), problems=(NotFound,))
def purge_me(house: House, caller: Caller, _: Nothing) -> Response:
    """Forget the caller: pictures, results, keys and everything personal, for good. Credits that are left are lost.

    Accounting law has the ledger kept, under an id that leads to nobody. The sign-in opens no account any more.
    """
    with house.database.transaction(user_id=caller.user_id) as db:
        clerk_id = privacy.leave(db, house.vault, caller.user_id, asker=Asker.CUSTOMER)
    forget_caller(house, caller.user_id, clerk_id)
    house.publisher.publish(PurgePerson(user_id=caller.user_id))
    return show(PurgeBody(user_id=str(caller.user_id), status="purging"), status=202)


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


def _note(db: Connection, caller: Caller, action: AuditAction, api_key_id: str) -> None:
    audit.insert_audit(
        db,
        audit_id=new_id(),
        user_id=caller.user_id,
        actor=AuditActor.CUSTOMER,
        action=action,
        details={"api_key_id": api_key_id},
    )


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
        _note(db, caller, AuditAction.KEY_MADE, str(key.api_key_id))
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
        _note(db, caller, AuditAction.KEY_ENDED, str(known))
    forget_caller(house, caller.user_id)
    return nothing()
