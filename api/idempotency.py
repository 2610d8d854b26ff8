"""`Idempotency-Key`: a request that may be repeated makes its thing once and is answered the same each time.

The key's row is written in the database transaction of what the request made. A repeated request finds it and is
given the first answer again; while the first is still being worked on, or was made with other content, it is refused.
"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from flask import Response, request

from api.answers import JSON, Made
from api.problems import field_problems
from api.session import Caller
from shared import idempotency
from shared.db import Connection
from shared.errors import IdempotencyKeyInFlight, IdempotencyKeyReused, RequestInvalid
from shared.idempotency import Answer, hash_of

HEADER = "Idempotency-Key"
PAUSES_SECONDS = (0.03, 0.1, 0.2, 0.4, 0.8)
"""Between looks at a key that is in flight: the first request takes milliseconds, and Postgres needs hardly longer to
notice that the API process which worked on it has died."""

_KEY = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?")


class Replay(Exception):
    """Leaves the database transaction of a repeated request: it is answered as it was the first time."""

    def __init__(self, first: Answer) -> None:
        super().__init__()
        self.first = first

    def response(self) -> Response:
        """The first answer again."""
        body = self.first.body
        text = body if isinstance(body, str) else json.dumps(body)
        headers = {**self.first.headers, "Idempotency-Replayed": "true"}
        return Response(text, self.first.status, headers, content_type=JSON)


@dataclass(frozen=True, slots=True)
class Once:
    """A request that may carry a key; without one nothing is looked up or kept."""

    user_id: UUID
    key: str | None
    request_hash: Callable[[], bytes] = field(repr=False)

    def begin(self, db: Connection) -> None:
        """Take hold of the key until the database transaction ends.

        Raises Replay when the request has been answered, IdempotencyKeyReused when the key belongs to another
        request, and IdempotencyKeyInFlight while the first is being worked on.
        """
        if self.key is None:
            return
        held, first = idempotency.select_answer(db, user_id=self.user_id, key_hash=hash_of(self.key))
        if first is not None:
            if first.request_hash != self.request_hash():
                raise IdempotencyKeyReused("This Idempotency-Key came with another request; use a fresh one for each.")
            raise Replay(first)
        if not held:
            raise _in_flight()

    def keep(self, db: Connection, made: Made) -> Made:
        """Keep the answer together with what was made."""
        if self.key is None:
            return made
        answer = Answer(self.request_hash(), made.status, made.headers, made.body.model_dump_json())
        if not idempotency.insert_answer(db, user_id=self.user_id, key_hash=hash_of(self.key), answer=answer):
            raise _in_flight()  # another was a moment faster: nothing of ours is saved, its answer will be found
        return made


def patient(work: Callable[[], Response]) -> Response:
    """Answer a request, again after each pause while its key is in flight; no database connection is held meanwhile.

    Raises IdempotencyKeyInFlight when the first request has no answer after all of them, and what `work` raises.
    """
    for pause_seconds in PAUSES_SECONDS:
        try:
            return work()
        except IdempotencyKeyInFlight:
            time.sleep(pause_seconds)
    return work()


def asked_once(caller: Caller, *content: str | bytes) -> Once:
    """The present request as one that may be repeated; `content` is what must not differ then.

    Raises RequestInvalid for a key that is none.
    """
    key = request.headers.get(HEADER)
    if key is not None and not _KEY.fullmatch(key):
        wrong = field_problems([(f"/{HEADER}", "1 to 255 printable ASCII characters")])
        raise RequestInvalid("The Idempotency-Key must be 1 to 255 printable ASCII characters.", **wrong)
    method, path = request.method, request.path
    return Once(caller.user_id, key, lambda: hash_of(method, path, *content))


def _in_flight() -> IdempotencyKeyInFlight:
    return IdempotencyKeyInFlight("The first request with this Idempotency-Key is not answered yet; repeat it shortly.")
