"""Which server, and which API key: from the environment, else from what `tovector login` has kept.

Keys are kept per server, so none is ever sent to another one.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit

from tovector.problems import Exit, SignInNeeded, TovectorError
from tovector.saving import save

KEY_PREFIX = "tv_"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class AddressUnusable(TovectorError):
    """No server is named, or not by an address."""

    exit_code = Exit.USAGE
    ends_the_run = True


class _Kept(TypedDict):
    """The file: the usual server, and the key of each."""

    server: str
    keys: dict[str, str]


@dataclass(frozen=True, slots=True)
class Access:
    """A server's address and the key to it."""

    url: str
    api_key: str = field(repr=False)


def kept_in(environment: Mapping[str, str] = os.environ) -> Path:
    """The file that keys are kept in: in `$XDG_CONFIG_HOME`, by default `~/.config` (XDG Base Directory 0.8)."""
    given = Path(environment.get("XDG_CONFIG_HOME", ""))
    folder = given if given.is_absolute() else Path.home() / ".config"
    return folder / "tovector" / "credentials.json"


def find_access(url: str | None = None, environment: Mapping[str, str] = os.environ) -> Access:
    """Where to go and with which key: `TOVECTOR_URL` and `TOVECTOR_API_KEY` go before what is kept.

    Raises AddressUnusable when no server is named, SignInNeeded when there is no key for it.
    """
    kept = _read(kept_in(environment))
    address = find_url(url, environment)
    api_key = environment.get("TOVECTOR_API_KEY", "").strip() or kept["keys"].get(address)
    if not api_key:
        raise SignInNeeded(f"There is no API key for {address}. Run `tovector login`, or set TOVECTOR_API_KEY.")
    return Access(address, checked_key(api_key))


def find_url(url: str | None = None, environment: Mapping[str, str] = os.environ) -> str:
    """Where to go. Raises AddressUnusable when no server is named."""
    address = url or environment.get("TOVECTOR_URL") or _read(kept_in(environment))["server"]
    if not address:
        raise AddressUnusable("Which server? Run `tovector login --url https://…`, or set TOVECTOR_URL.")
    return checked_url(address)


def keep_access(access: Access, environment: Mapping[str, str] = os.environ) -> Path:
    """Keep a key for its server, which becomes the usual one; returns the file, readable by its owner alone."""
    path = kept_in(environment)
    kept = _read(path)
    _write(path, {"server": access.url, "keys": kept["keys"] | {access.url: access.api_key}})
    return path


def forget_access(url: str | None = None, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Forget the key for a server, without one all of them; returns the servers whose key was there."""
    path = kept_in(environment)
    kept = _read(path)
    gone = [server for server in kept["keys"] if url is None or server == url]
    if gone:
        left = {server: key for server, key in kept["keys"].items() if server not in gone}
        _write(path, {"server": kept["server"] if kept["server"] in left else "", "keys": left})
    return gone


def checked_url(text: str) -> str:
    """An address as it is kept: scheme, host and path, no slash at its end. Raises AddressUnusable."""
    try:
        parts = urlsplit(text.strip())
        is_good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        parts, is_good = urlsplit(""), False
    if not is_good or parts.username or parts.query or parts.fragment:
        raise AddressUnusable(f"{text} is no address of a server: say one such as https://tovector.example.")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def is_open_to_listeners(url: str) -> bool:
    """Whether the key would travel unencrypted, and not only within this machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in _LOOPBACK


def checked_key(text: str) -> str:
    """An API key by its form; never part of a message. Raises SignInNeeded."""
    key = text.strip()
    if not key.startswith(KEY_PREFIX) or not key.isascii() or not key.isprintable() or " " in key:
        raise SignInNeeded(f"That is no API key: one begins with {KEY_PREFIX} and is one word.")
    return key


def _read(path: Path) -> _Kept:
    try:
        kept = json.loads(path.read_text("utf-8"))
        return _Kept(server=str(kept["server"]), keys={str(url): str(key) for url, key in kept["keys"].items()})
    except FileNotFoundError:
        return _Kept(server="", keys={})
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise SignInNeeded(
            f"{path} cannot be read ({type(error).__name__}): remove it and run `tovector login`."
        ) from None


def _write(path: Path, kept: _Kept) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        save(path, json.dumps(kept, indent=2).encode(), mode=0o600)
    except OSError as error:
        raise AddressUnusable(
            f"The key cannot be kept in {path}: {error.strerror}. Use TOVECTOR_API_KEY instead."
        ) from None
