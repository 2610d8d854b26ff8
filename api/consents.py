"""What the caller has agreed to: `/v1/me/consents`."""

from typing import Annotated

from flask import Response
from pydantic import BaseModel, Field, StringConstraints

from api.answers import show
from api.fields import Body, Page, Time
from api.house import House
from api.routes import Gives, Nothing, Routes
from api.session import Caller
from shared import consents
from shared.consents import ConsentPurpose
from shared.db import Connection
from shared.ids import new_id

routes = Routes("account")

Version = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]


class ConsentGiven(Body):
    """One decision."""

    purpose: ConsentPurpose
    version: Version = Field(description="which text it is about", examples=["2026-05"])
    is_given: bool = Field(description="false takes a consent back")


class ConsentBody(ConsentGiven, title="Consent"):
    """A decision that counts, and since when."""

    decided_at: Time


def _shown(db: Connection, caller: Caller) -> Page[ConsentBody]:
    found = consents.select_consents(db, caller.user_id)
    data = [
        ConsentBody(purpose=one.purpose, version=one.version, is_given=one.is_given, decided_at=one.decided_at)
        for one in found
    ]
    return Page[ConsentBody](data=data, next_cursor=None)


@routes.operation("GET /v1/me/consents", takes=Nothing, gives=Gives(200, Page[ConsentBody]))
def list_consents(house: House, caller: Caller, _: Nothing) -> Response:
    """Show the decision that counts for each purpose."""
    with house.database.transaction(user_id=caller.user_id) as db:
        shown = _shown(db, caller)
    return show(shown)


class ConsentsGiven(Body):
    """Decisions; purposes that are left out stay as they are."""

    consents: list[ConsentGiven] = Field(min_length=1, max_length=len(ConsentPurpose))


class GiveConsents(BaseModel):
    """Decisions to be kept."""

    body: ConsentsGiven


@routes.operation("PUT /v1/me/consents", takes=GiveConsents, gives=Gives(200, Page[ConsentBody]))
def give_consents(house: House, caller: Caller, ask: GiveConsents) -> Response:
    """Keep decisions with their version and time. Those before are kept too; the same again changes nothing."""
    with house.database.transaction(user_id=caller.user_id) as db:
        for one in ask.body.consents:
            consents.insert_consent(
                db, consent_id=new_id(), user_id=caller.user_id, purpose=one.purpose, version=one.version,
                is_given=one.is_given,
            )  # fmt: skip
        shown = _shown(db, caller)
    return show(shown)
