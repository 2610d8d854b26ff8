"""What is to be made of an image, and the name under which that is asked for once."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Ask:
    """Trace options as the API takes them, and the files wanted; the server judges both."""

    options: Mapping[str, object] = field(default_factory=dict[str, object])
    formats: tuple[str, ...] = ("svg",)

    @property
    def settings(self) -> str:
        """The same text for the same options and formats: what a manifest compares."""
        asked = {"formats": list(self.formats), "options": dict(self.options)}
        return json.dumps(asked, sort_keys=True, separators=(",", ":"))

    def key(self, sha256: str, file_name: str) -> str:
        """The Idempotency-Key under which this is made of a file of that SHA-256 and name, and charged once.

        It is made of what is asked for alone, so a run that lost everything it knew finds its jobs again. The server
        keeps keys for each account apart, for a day at least.
        """
        asked = json.dumps([sha256, file_name, self.settings]).encode()
        return f"tovector.{hashlib.sha256(asked).hexdigest()[:40]}.1"


def next_key(key: str) -> str:
    """The key of the next try, when the job of this one has failed and was paid back."""
    name, _, number = key.rpartition(".")
    return f"{name}.{int(number) + 1}"


def fresh_key(key: str) -> str:
    """A key that no run has used: what it asks for is made and charged anew."""
    name, _, _ = key.rpartition(".")
    return f"{name}.{secrets.token_hex(6)}.1"
