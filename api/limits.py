"""How often one account, or one address without an account, may ask.

The generic cell rate algorithm (ITU-T I.371, annex A) as one Lua script in Redis: one key, one number, no
window edges to exploit. When Redis is away everybody is let through, and a metric says so. The headers follow
draft-ietf-httpapi-ratelimit-headers-10.

Who asks quickly is counted in small advances: some requests are taken from Redis at once and spent here within a
second, so that neither a poll nor a submit costs a round trip. Advances are at most a second's share of the quota, and
single requests for whoever asks slowly, so nobody loses a noticeable part of their quota. Uploads are counted singly:
each costs so much more than its round trip.
"""

import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from flask import Response, g

from shared import metrics
from shared.cache import Cache, Script
from shared.errors import CacheUnavailable, RateLimited
from shared.settings import Settings

WINDOW_SECONDS = 60

MOST_ADVANCE = 1_000
ADVANCE_SECONDS = 1.0
MOST_KEPT = 20_000

# The key holds the theoretical arrival time in microseconds. Takes the interval, the quota and how many requests to
# count. Returns: allowed, remaining, microseconds until the quota is whole again, microseconds until one is allowed.
_GCRA = Script("""
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval = tonumber(ARGV[1])
local window = interval * tonumber(ARGV[2])
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local later = arrival + interval * tonumber(ARGV[3]) - now
if later > window then
  return {0, math.max(0, math.floor((window - arrival + now) / interval)), arrival - now, later - window}
end
redis.call('SET', KEYS[1], string.format('%.0f', now + later), 'PX', math.ceil(later / 1000))
return {1, math.floor((window - later) / interval), later, 0}
""")


class Limit(StrEnum):
    """The limit a route counts against. `none` is for probes, which must not depend on Redis."""

    READS = "reads"
    UPLOADS = "uploads"
    GUESTS = "guests"
    JOBS = "jobs"
    NONE = "none"


def quota(limit: Limit, settings: Settings) -> int:
    """Requests a minute under this limit."""
    match limit:
        case Limit.UPLOADS:
            return settings.uploads_per_minute
        case Limit.GUESTS:
            return settings.guest_uploads_per_minute
        case Limit.JOBS:
            return settings.jobs_per_minute
        case Limit.READS | Limit.NONE:
            return settings.requests_per_minute


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a caller stands: the limit, its quota, what is left of it, and seconds until it is whole again."""

    limit: Limit
    quota: int
    remaining: int
    reset_seconds: int

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The same for the caller."""
        return [
            ("RateLimit-Policy", f'"{self.limit}";q={self.quota};w={WINDOW_SECONDS}'),
            ("RateLimit", f'"{self.limit}";r={self.remaining};t={self.reset_seconds}'),
        ]


class TooOften(RateLimited):
    """A limit is reached."""

    def __init__(self, standing: Standing, pause_seconds: int) -> None:
        super().__init__(
            f"{standing.quota} requests a minute are allowed here; try again in {pause_seconds} s.",
            retry_after_seconds=pause_seconds,
        )
        self.standing = standing


class _Advance:
    """Requests already counted in Redis and not yet made."""

    def __init__(self, size: int, standing: Standing) -> None:
        self.left = size - 1
        self.size = size
        self.until = time.monotonic() + ADVANCE_SECONDS
        self.standing = standing


class Limits:
    """Counts requests for one process; safe to share between threads."""

    def __init__(self, settings: Settings, cache: Cache) -> None:
        self._quotas = {limit: quota(limit, settings) for limit in Limit}
        self._cache = cache
        self._lock = threading.Lock()
        self._advances: dict[tuple[Limit, str], _Advance] = {}

    def spend(self, limit: Limit, who: str) -> Standing | None:
        """Count a request against what was taken in advance; None when there is nothing left of it."""
        advance = self._advances.get((limit, who))
        if advance is None:
            return None
        with self._lock:
            if advance.left <= 0 or advance.until < time.monotonic():
                return None
            advance.left -= 1
            standing = advance.standing
            return Standing(limit, standing.quota, standing.remaining + advance.left, standing.reset_seconds)

    def take(self, limit: Limit, who: str) -> Standing | None:
        """Count a request of `who`; None when nobody counts. Raises RateLimited when there were too many."""
        if limit is Limit.NONE:
            return None
        standing = self.spend(limit, who)
        if standing is not None:
            return standing
        try:
            size = self._next_size(limit, who)
            passed, standing, pause = self._count(limit, who, size)
            if not passed and size > 1:
                size = 1
                passed, standing, pause = self._count(limit, who, 1)
        except CacheUnavailable:
            metrics.LIMITS_OPEN.inc()
            return None
        if not passed:
            raise TooOften(standing, pause)
        self._keep(limit, who, size, standing)
        return Standing(limit, standing.quota, standing.remaining + size - 1, standing.reset_seconds)

    def _count(self, limit: Limit, who: str, size: int) -> tuple[bool, Standing, int]:
        allowed = self._quotas[limit]
        interval = WINDOW_SECONDS * 1_000_000 // allowed
        passed, remaining, reset, pause = self._cache.run_script(
            _GCRA, [f"limit:{limit}:{who}"], [interval, allowed, size]
        )
        standing = Standing(limit, allowed, remaining, ceil(reset / 1_000_000))
        return bool(passed), standing, max(1, ceil(pause / 1_000_000))

    def _next_size(self, limit: Limit, who: str) -> int:
        """Twice as many as last time if those were used up quickly, else one."""
        last = self._advances.get((limit, who))
        if limit in (Limit.UPLOADS, Limit.GUESTS) or last is None or last.left > 0 or last.until < time.monotonic():
            return 1
        return max(1, min(last.size * 2, self._quotas[limit] // WINDOW_SECONDS, MOST_ADVANCE))

    def _keep(self, limit: Limit, who: str, size: int, standing: Standing) -> None:
        with self._lock:
            while len(self._advances) >= MOST_KEPT:
                del self._advances[next(iter(self._advances))]
            self._advances[limit, who] = _Advance(size, standing)


def add_headers(response: Response) -> None:
    """Say where the caller stands."""
    standing: Standing | None = g.get("standing")
    if standing is not None:
        response.headers.extend(standing.headers)
