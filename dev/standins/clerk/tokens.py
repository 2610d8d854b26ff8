"""Makes session tokens and publishes the keys they are checked with."""

import secrets
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import RSAAlgorithm

from dev.standins.clerk.state import SigningKey, State, User, new_id

DAY_SECONDS = 86_400
ADMIN_ROLE = "admin"


def mint(
    state_dir: Path,
    email: str,
    *,
    admin: bool = False,
    lifetime_seconds: int = DAY_SECONDS,
    authorized_party: str | None = None,
    issuer: str | None = None,
    claims: Mapping[str, object | None] | None = None,
) -> str:
    """Return a session token for the person of an e-mail address, who is made if new and gets exactly this role.

    `authorized_party` is the origin the person signed in at (`azp`); Clerk leaves it out where there is none.
    `claims` replaces claims, or removes those given as None, so that tests can make tokens that must be refused.
    """
    state = State(state_dir)
    user = state.set_role(state.user(email), ADMIN_ROLE if admin else None)
    made = session_claims(user, issuer or state.issuer, lifetime_seconds, authorized_party)
    made.update(claims or {})
    return sign({name: value for name, value in made.items() if value is not None}, state.keys()[0])


def session_claims(
    user: User, issuer: str, lifetime_seconds: int, authorized_party: str | None = None
) -> dict[str, object | None]:
    """Return the claims of a version 2 session token, valid from now."""
    now = int(time.time())
    return {
        "azp": authorized_party,
        "exp": now + lifetime_seconds,
        "fva": [0, -1],  # minutes since the first factor was checked; no second factor
        "iat": now,
        "iss": issuer,
        "jti": secrets.token_hex(10),
        "nbf": now - 10,
        "sid": new_id("sess"),
        "sts": "active",
        "sub": user.id,
        "v": 2,
        "email": user.email,
        "name": user.name,
        "metadata": user.public_metadata,
    }


def sign(claims: Mapping[str, object], key: SigningKey) -> str:
    """Return the claims as a token signed with RS256."""
    return jwt.encode(dict(claims), _private_key(key.private_pem), algorithm="RS256", headers={"kid": key.kid})


def published_keys(keys: list[SigningKey]) -> dict[str, object]:
    """Return the public halves as a JSON Web Key Set."""
    return {
        "keys": [
            {
                **RSAAlgorithm.to_jwk(_private_key(key.private_pem).public_key(), as_dict=True),
                "kid": key.kid,
                "use": "sig",
                "alg": "RS256",
                "key_ops": ["verify"],
            }
            for key in keys
        ]
    }


@lru_cache(maxsize=8)
def _private_key(private_pem: str) -> RSAPrivateKey:
    key = load_pem_private_key(private_pem.encode(), password=None)
    assert isinstance(key, RSAPrivateKey)
    return key
