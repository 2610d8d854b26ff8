"""Copies in Redis of what was read from Postgres moments ago, for every process of the house.

Never needed: with Redis away everything is read where it is true. Never trusted further than our keys: a copy is sealed
with its name (AES-SIV, RFC 5297), so whoever can write to Redis can neither read nor forge nor swap one.

Whoever finds no copy gets the only permission to keep one, and the others wait for it. Forgetting takes the permission
away as well, so that what was read before a change cannot be kept after it. Both are the leases of Nishtala and others,
"Scaling Memcache at Facebook", NSDI 2013, section 3.2.1.
"""

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, TypeVar
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from pydantic import TypeAdapter, ValidationError

from shared import metrics
from shared.cache import Cache, Script
from shared.clock import monotonic_seconds
from shared.errors import CacheUnavailable

Value = TypeVar("Value")

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.005, 0.1

# The copy, marked c; the permission of another, marked r; or nothing, and the permission is ours.
_LOOK = Script("""
local found = redis.call('GET', KEYS[1])
if not found then
  redis.call('SET', KEYS[1], 'r' .. ARGV[1], 'PX', ARGV[2])
end
return found
""")
_KEEP = Script("""
if redis.call('GET', KEYS[1]) ~= 'r' .. ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], 'c' .. ARGV[2], 'PX', ARGV[3])
return 1
""")
_GIVE_BACK = Script("""
if redis.call('GET', KEYS[1]) ~= 'r' .. ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
""")


@dataclass(frozen=True, slots=True)
class Copied:
    """A sort of copy: how old one may be at most, counted from before it was read.

    Others wait so long for whoever reads, and then read for themselves; what takes longer than `reading_seconds` is not
    kept, for then somebody else has begun.
    """

    name: str
    seconds: float
    patience_seconds: float = 1.0
    reading_seconds: float = 5.0


# How stale each may be, and what that can and cannot do: docs/decisions/0051-copies.md.
ACCOUNT: Final = Copied("account", seconds=30)
IMAGE: Final = Copied("image", seconds=15)
PACKAGES: Final = Copied("packages", seconds=60)
DASHBOARD: Final = Copied("dashboard", seconds=30, patience_seconds=10, reading_seconds=40)
DIGEST: Final = Copied("digest", seconds=3_600, patience_seconds=10, reading_seconds=40)
ALL: Final = (ACCOUNT, IMAGE, PACKAGES, DASHBOARD, DIGEST)


def image_key(user_id: UUID, image_id: UUID) -> str:
    """What names the copy of an image, for its owner alone: nobody else's request leads to it."""
    return f"{user_id}:{image_id}"


class Copies:
    """The copies of one installation; safe to share between threads."""

    def __init__(self, cache: Cache, key: bytes) -> None:
        """Take a key of 64 bytes that every process of the installation has."""
        self._cache = cache
        self._key = key
        self._cipher = AESSIV(key)

    def read(
        self,
        sort: Copied,
        key: str,
        form: TypeAdapter[Value],
        read: Callable[[], Value],
        *,
        is_kept: Callable[[Value], bool] = lambda _: True,
    ) -> Value:
        """The copy under a key, or else what `read` finds, which is kept if it is worth it.

        Raises what `read` raises; nothing is kept then.
        """
        name, token = self._name(sort, key), secrets.token_hex(8)
        found, outcome = self._look(sort, name, token, form)
        metrics.CACHE_READS.labels(sort.name, outcome).inc()
        if found is not None:
            return found
        started = monotonic_seconds()
        kept: bytes | None = None
        try:
            value = read()
            if outcome == "miss" and is_kept(value):
                kept = self._cipher.encrypt(form.dump_json(value), [name.encode()])
            return value
        finally:
            if outcome == "miss":
                self._end(name, token, kept, sort.seconds - (monotonic_seconds() - started))

    def forget(self, sort: Copied, *keys: str) -> None:
        """Give these copies no longer, nor what is being read now: call it after the commit that changed the truth.

        When Redis is away it forgets by itself, once the sort's time is over.
        """
        if not keys:
            return
        try:
            self._cache.delete([self._name(sort, key) for key in keys])
        except CacheUnavailable:
            metrics.CACHE_UNFORGOTTEN.labels(sort.name).inc(len(keys))

    def _name(self, sort: Copied, key: str) -> str:
        """Where a copy is kept: says nothing of the key, which may be personal."""
        return f"copy:{sort.name}:{blake2b(key.encode(), key=self._key, digest_size=16).hexdigest()}"

    def _look(self, sort: Copied, name: str, token: str, form: TypeAdapter[Value]) -> tuple[Value | None, str]:
        """The copy, and how it was found; without one, `miss` when it is for us to keep one."""
        until = monotonic_seconds() + sort.patience_seconds
        reading_ms, pause, outcome = round(sort.reading_seconds * 1000), _FIRST_PAUSE_SECONDS, "hit"
        try:
            while (found := self._cache.run_script(_LOOK, [name], [token, reading_ms])) is not None:
                if found[:1] == b"c":
                    return self._opened(name, found[1:], form, outcome)
                if monotonic_seconds() > until:
                    return None, "unread"
                outcome = "waited"
                time.sleep(pause)
                pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
        except CacheUnavailable:
            return None, "away"
        return None, "miss"

    def _opened(self, name: str, sealed: bytes, form: TypeAdapter[Value], outcome: str) -> tuple[Value | None, str]:
        """What was sealed, unless another key or another version of the house did it, or nobody of ours."""
        try:
            return form.validate_json(self._cipher.decrypt(sealed, [name.encode()])), outcome
        except (InvalidTag, ValidationError):
            return None, "unread"

    def _end(self, name: str, token: str, kept: bytes | None, seconds: float) -> None:
        """Use the permission or give it back."""
        with suppress(CacheUnavailable):
            if kept is None or seconds <= 0:
                self._cache.run_script(_GIVE_BACK, [name], [token])
            else:
                self._cache.run_script(_KEEP, [name], [token, kept, max(1, round(seconds * 1000))])
