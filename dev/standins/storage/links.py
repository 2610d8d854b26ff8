"""Signed links: HS256 tokens that name one object and one use.

They are signed with a key of their own that is kept with the data: as with the hosted service, links outlive a
rotation of the API keys.
"""

import secrets
import time
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import jwt

from dev.standins.storage.problems import invalid_jwt, invalid_signature

Scope = Literal["download", "upload"]
UPLOAD_LINK_SECONDS = 7200


class Links:
    """Makes and verifies the tokens of signed downloads and uploads."""

    def __init__(self, data: Path) -> None:
        kept = data / "link-signing-key"
        if not kept.exists():
            kept.write_text(secrets.token_hex(32))
            kept.chmod(0o600)
        self._key = kept.read_text()

    def make(self, bucket: str, name: str, scope: Scope, seconds: int, *, upsert: bool = False) -> tuple[str, str]:
        """Return the path of the link below the API and its token."""
        now = int(time.time())
        claims: dict[str, object] = {
            "url": f"{bucket}/{name}",
            "scope": scope,
            "iat": now,
            "exp": now + seconds,
        }
        if scope == "upload":
            claims["upsert"] = upsert
        token = jwt.encode(claims, self._key, algorithm="HS256")
        route = "object/sign" if scope == "download" else "object/upload/sign"
        return f"/{route}/{quote(f'{bucket}/{name}')}?token={token}", token

    def verify(self, token: str, bucket: str, name: str, scope: Scope) -> dict[str, object]:
        """Return the claims of a token made for this object and use."""
        try:
            claims: dict[str, object] = jwt.decode(token, self._key, algorithms=["HS256"])
        except jwt.ExpiredSignatureError:
            raise invalid_jwt('"exp" claim timestamp check failed') from None
        except jwt.InvalidTokenError:
            raise invalid_jwt("signature verification failed") from None
        if claims.get("url") != f"{bucket}/{name}" or claims.get("scope") != scope:
            raise invalid_signature()
        return claims
