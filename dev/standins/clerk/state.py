"""What the stand-in remembers, in one folder: users, signing keys, its issuer and the secret key of its backend API.

The server and `tokens.mint` use the folder at the same time, so every change holds a file lock and ends in a rename.
"""

import fcntl
import json
import secrets
import string
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

_BASE62 = string.ascii_letters + string.digits


class StateMissing(Exception):
    """The folder does not hold what was asked of it; the text says what to do."""


@dataclass(frozen=True, slots=True)
class User:
    """A person who may sign in."""

    id: str
    email: str
    name: str
    created_at_ms: int
    role: str | None = None
    updated_at_ms: int = 0

    @property
    def public_metadata(self) -> dict[str, str]:
        """What the session token carries as `metadata`."""
        return {"role": self.role} if self.role else {}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key and its name in the published set."""

    kid: str
    private_pem: str


def new_id(kind: str) -> str:
    """Return an id as Clerk makes them: `user_2ab…`, 27 letters and digits."""
    return kind + "_" + "".join(secrets.choice(_BASE62) for _ in range(27))


class State:
    """The folder, made when it is first used."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def _locked(self) -> Generator[None]:
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _write(self, name: str, text: str) -> None:
        temporary = self.folder / f"{name}.new"
        temporary.touch(mode=0o600)
        temporary.write_text(text)
        temporary.replace(self.folder / name)

    def _text(self, name: str) -> str | None:
        path = self.folder / name
        return path.read_text() if path.exists() else None

    def users(self) -> list[User]:
        """Return everybody, in the order they first signed in."""
        return [User(**fields) for fields in json.loads(self._text("users.json") or "[]")]

    def find_user(self, user_id: str) -> User | None:
        """Return the user of an id."""
        return next((user for user in self.users() if user.id == user_id), None)

    def user(self, email: str, name: str | None = None) -> User:
        """Return the user of an e-mail address, made when first asked for."""
        wanted = email.strip().lower()
        with self._locked():
            users = self.users()
            found = next((user for user in users if user.email == wanted), None)
            if found is None:
                name = name or wanted.partition("@")[0].replace(".", " ").title()
                found = User(new_id("user"), wanted, name, int(time.time() * 1000))
                self._write_users([*users, found])
            return found

    def set_role(self, user: User, role: str | None) -> User:
        """Give a user a role, or none, for this and every later token."""
        if user.role == role:
            return user
        with self._locked():
            changed = replace(user, role=role)
            self._write_users([changed if one.id == user.id else one for one in self.users()])
            return changed

    def change(self, user_id: str, *, email: str, name: str) -> User | None:
        """Give a user another address and name; None when there is none with this id."""
        with self._locked():
            found = self.find_user(user_id)
            if found is None:
                return None
            changed = replace(found, email=email.strip().lower(), name=name, updated_at_ms=int(time.time() * 1000))
            self._write_users([changed if one.id == user_id else one for one in self.users()])
            return changed

    def remove(self, user_id: str) -> User | None:
        """Forget a user; None when there is none with this id."""
        with self._locked():
            found = self.find_user(user_id)
            self._write_users([one for one in self.users() if one.id != user_id])
            return found

    def _write_users(self, users: list[User]) -> None:
        self._write("users.json", json.dumps([asdict(user) for user in users], indent=1))

    def keys(self) -> list[SigningKey]:
        """Return the signing keys, the one in use first; the first one is made when first asked for."""
        with self._locked():
            return self._read_keys() or self._add_key([])

    def rotate(self, *, keep_old: bool) -> list[SigningKey]:
        """Sign with a new key from now on; old ones stay published only if asked."""
        with self._locked():
            return self._add_key(self._read_keys() if keep_old else [])

    def _read_keys(self) -> list[SigningKey]:
        return [SigningKey(**fields) for fields in json.loads(self._text("keys.json") or "[]")]

    def _add_key(self, older: list[SigningKey]) -> list[SigningKey]:
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        keys = [SigningKey(new_id("ins"), pem), *older]
        self._write("keys.json", json.dumps([asdict(key) for key in keys]))
        return keys

    @property
    def issuer(self) -> str:
        """The address in the tokens' `iss`, as the server was last started with."""
        issuer = self._text("issuer")
        if issuer is None:
            raise StateMissing(f"No issuer in {self.folder}: start the sign-in stand-in once, or name an issuer.")
        return issuer

    def set_issuer(self, issuer: str) -> None:
        """Remember the address that tokens name as their issuer."""
        with self._locked():
            self._write("issuer", issuer.rstrip("/"))

    def secret_key(self) -> str:
        """Return the key of the backend API, made when first asked for."""
        with self._locked():
            if self._text("secret-key") is None:
                self._write("secret-key", "sk_test_" + secrets.token_hex(21))
        return self._text("secret-key") or ""
