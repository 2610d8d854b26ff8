"""Makes and verifies the API keys: HS256 tokens that name a Postgres role, as Supabase's `anon` and `service_role`."""

from functools import lru_cache
from typing import Literal

import jwt

from dev.standins.storage.problems import access_denied, unknown_role

Role = Literal["anon", "authenticated", "service_role"]

# Fixed times make the key of a secret always the same, so a restarted stack keeps its settings.
ISSUED_AT = 1_735_689_600  # 2025-01-01
EXPIRES_AT = 4_102_444_800  # 2100-01-01


def make_key(jwt_secret: str, role: str) -> str:
    """Return the API key of a role; the same secret and role always give the same key."""
    claims = {"iss": "supabase", "ref": "local", "role": role, "iat": ISSUED_AT, "exp": EXPIRES_AT}
    return jwt.encode(claims, jwt_secret, algorithm="HS256")


def service_key(jwt_secret: str) -> str:
    """Return the key that bypasses row-level security; it belongs to the server side alone."""
    return make_key(jwt_secret, "service_role")


def anon_key(jwt_secret: str) -> str:
    """Return the key of the public role, which without policies may do nothing."""
    return make_key(jwt_secret, "anon")


def role_of(authorization: str, jwt_secret: str) -> Role:
    """Return the role of an `Authorization` header, or raise the refusal the real server gives."""
    role = _verified_role(authorization.removeprefix("Bearer ").strip(), jwt_secret)
    if role == "anon" or role == "authenticated" or role == "service_role":
        return role
    raise unknown_role(role)


@lru_cache(maxsize=256)
def _verified_role(token: str, jwt_secret: str) -> str:
    # Cached because every request carries the same key; a stand-in may notice an expiry late.
    try:
        claims = jwt.decode(token, jwt_secret, algorithms=["HS256"], options={"verify_aud": False})
    except jwt.ExpiredSignatureError:
        raise access_denied('"exp" claim timestamp check failed') from None
    except jwt.InvalidTokenError as error:
        raise access_denied(str(error)) from None
    return str(claims.get("role", "anon"))
