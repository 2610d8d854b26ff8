"""Who is asking: a person signed in by session token, their script with a personal API key, or a guest by cookie."""

import time
from dataclasses import dataclass
from uuid import UUID

from flask import request
from pydantic import TypeAdapter

from api.house import House
from api.recent import Recent
from api.session import Caller, Session
from shared import audit, guests, membership
from shared.api_keys import PREFIX, hash_secret, update_api_key_used
from shared.audit import AuditAction, AuditActor
from shared.copies import ACCOUNT
from shared.db import act_as
from shared.errors import Unauthenticated
from shared.ids import new_id

SESSION_SECONDS = 30.0
API_KEY_SECONDS = 5.0
GUEST_COOKIE = "tovector_guest"


@dataclass(frozen=True, slots=True)
class Entered:
    """Whose a sign-in is, and the session that was noted when that was read."""

    user_id: UUID
    session_hash: str


_ENTERED = TypeAdapter(Entered)


def find_caller(house: House, authorization: str | None) -> Caller:
    """The caller that an Authorization header proves. Raises Unauthenticated or SignInUnavailable.

    Remembered for half a minute (a session, never past its expiry) or some seconds (a key). Every process forgets
    everybody when a key or an account ends, if Redis is there to tell it: docs/decisions/0051-copies.md.
    """
    if not authorization:
        raise Unauthenticated("Send `Authorization: Bearer <session token or API key>`.")
    known = house.callers.get(authorization)
    if known is not None:
        return known
    scheme, _, credential = authorization.partition(" ")
    credential = credential.strip()
    if scheme.lower() != "bearer" or not credential:
        raise Unauthenticated("Send `Authorization: Bearer <session token or API key>`.")
    caller, seconds = (
        _by_api_key(house, credential) if credential.startswith(PREFIX) else _by_session(house, credential)
    )
    house.cache.is_hearing()  # or nobody would tell this process that a credential has ended
    house.callers.keep(authorization, caller, seconds)
    return caller


def forget_caller(house: House, user_id: UUID, clerk_id: str | None = None) -> None:
    """Have every process forget an account, and whose this sign-in is: call it after the commit that ended something.

    An account alone, and not everybody: or whoever ends keys all day would have everybody looked up all day.
    """
    if clerk_id is not None:
        house.copies.forget(ACCOUNT, clerk_id)
    forget_known(house.callers, user_id)
    house.cache.announce_caller(user_id)


def forget_known(callers: Recent[str, Caller], user_id: UUID) -> None:
    """This process knows none of the account's credentials any longer."""
    callers.forget_all(lambda caller: caller.user_id == user_id)


def _by_session(house: House, token: str) -> tuple[Caller, float]:
    session = house.sessions.verify(token)
    entered = house.copies.read(ACCOUNT, session.clerk_id, _ENTERED, lambda: _enter(house, session))
    if entered.session_hash != session.session_hash:
        _enter(house, session)  # at the first sight of each session, it is noted
    return Caller(entered.user_id, session.is_admin), min(SESSION_SECONDS, session.expires_at - time.time())


def _enter(house: House, session: Session) -> Entered:
    with house.database.transaction(clerk_id=session.clerk_id) as db:
        account = membership.enter(
            db,
            clerk_id=session.clerk_id,
            email=session.email,
            name=session.name,
            grant=house.settings.signup_grant_credits,
        )
        act_as(db, account.user_id)
        audit.insert_sign_in(db, audit_id=new_id(), user_id=account.user_id, session_hash=session.session_hash)
    return Entered(account.user_id, session.session_hash)


def _by_api_key(house: House, secret: str) -> tuple[Caller, float]:
    key_hash = hash_secret(secret)
    with house.database.transaction(api_key_hash=key_hash) as db:
        use = update_api_key_used(db, key_hash)
        if use is not None and use.is_first_this_hour:
            act_as(db, use.user_id)
            audit.insert_audit(
                db,
                audit_id=new_id(),
                user_id=use.user_id,
                actor=AuditActor.CUSTOMER,
                action=AuditAction.KEY_USE,
                details={"api_key_id": str(use.api_key_id)},
            )
    if use is None:
        raise Unauthenticated("This API key is unknown or has been ended.")
    return Caller(use.user_id), API_KEY_SECONDS


def note_admin_read(house: House, caller: Caller, route: str) -> None:
    """An operator is about to see what belongs to others: that is written down first, or they do not see it."""
    with house.database.transaction(user_id=caller.user_id) as db:
        audit.insert_audit(
            db,
            audit_id=new_id(),
            user_id=caller.user_id,
            actor=AuditActor.OPERATOR,
            action=AuditAction.ADMIN_READ,
            details={"route": route},
        )


def guest_secret() -> str | None:
    """The secret in the cookie of a guest, if one came along."""
    return request.cookies.get(GUEST_COOKIE) or None


def find_guest(house: House) -> Caller | None:
    """The guest whose cookie came along; None without one, or when its time is over."""
    secret = guest_secret()
    if secret is None:
        return None
    token_hash = hash_secret(secret)
    with house.database.transaction(guest_hash=token_hash) as db:
        guest = guests.select_guest(db, token_hash)
    return None if guest is None else Caller(guest.user_id, is_guest=True)
