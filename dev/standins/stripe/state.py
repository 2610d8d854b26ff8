"""What the stand-in remembers: Stripe's objects by id, in one folder, so that a restart forgets nothing."""

import json
import secrets
import string
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Fields = dict[str, Any]
_LETTERS = string.ascii_letters + string.digits
KINDS = {
    "cus": "customers",
    "cs": "sessions",
    "pi": "payment_intents",
    "ch": "charges",
    "re": "refunds",
    "du": "disputes",
    "in": "invoices",
    "evt": "events",
}


def new_id(prefix: str) -> str:
    """An id as Stripe makes them: `pi_3Q…`."""
    return f"{prefix}_" + "".join(secrets.choice(_LETTERS) for _ in range(24))


class State:
    """Objects by kind and id. Hold `lock` while reading and changing several."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self._path = folder / "stripe.json"
        kept = json.loads(self._path.read_text("utf-8")) if self._path.exists() else {}
        self.objects: dict[str, dict[str, Fields]] = {name: kept.get(name, {}) for name in KINDS.values()}
        self.answers: dict[str, Fields] = kept.get("answers", {})

    def save(self) -> None:
        """Write everything down; the lock covers the file too, for two writers would take each other's away."""
        with self.lock:
            new = self._path.with_suffix(".new")
            new.touch(mode=0o600)
            new.write_text(json.dumps({**self.objects, "answers": self.answers}), "utf-8")
            new.replace(self._path)

    def add(self, found: Fields) -> Fields:
        """Remember an object by its id."""
        self._of(found["id"])[found["id"]] = found
        return found

    def find(self, object_id: str, prefix: str) -> Fields | None:
        """The object with this id, if it is of that kind."""
        return self.objects[KINDS[prefix]].get(object_id)

    def newest(self, prefix: str) -> Iterator[Fields]:
        """Every object of a kind, the newest first."""
        return reversed(list(self.objects[KINDS[prefix]].values()))

    def _of(self, object_id: str) -> dict[str, Fields]:
        return self.objects[KINDS[object_id.partition("_")[0]]]


def now() -> int:
    """Seconds since 1970, as Stripe tells time."""
    return int(time.time())
