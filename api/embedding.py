"""Results at addresses of our own, which pages may embed and caches may keep.

The address names the bytes by their SHA-256 and stays the same for a while. How long what is kept anywhere may outlive
a deletion: docs/decisions/0042-results-that-caches-keep.md.
"""

import hashlib
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime

from pydantic import TypeAdapter

from api.grants import Grant, end_of
from api.house import House
from api.links import LinkBody
from api.results import find_result, gone
from api.session import Caller
from shared.copies import DIGEST
from shared.errors import Overloaded, StorageObjectMissing, StorageUnavailable
from shared.outputs import Format

# The same result has the same address for so long, and no address lives longer than twice that.
PERIOD_SECONDS = 3_600
SLOT_SECONDS = 5.0
_DIGEST = TypeAdapter(str)


def embed_link(house: House, caller: Caller, job_id: str, wanted: Format | None) -> LinkBody:
    """An address of a result of the caller's, noted as a download.

    Raises what `results.find_result` raises, StorageUnavailable, and Overloaded.
    """
    result = find_result(house, caller, job_id, wanted)
    key, now = result.file.storage_key, time.time()
    ends = end_of(now, PERIOD_SECONDS, result.image.expiry_timestamp.timestamp())
    if ends <= now:
        raise gone()
    # No object ever changes, so its digest is true for as long as it is there.
    digest = house.copies.read(DIGEST, key, _DIGEST, lambda: hashlib.sha256(_fetched(house, key)).hexdigest())
    grant = house.grants.seal(Grant(caller.user_id, result.job.job_id, ends), digest, result.file.format)
    url = f"{str(house.settings.public_url).rstrip('/')}/v1/results/{digest}/{grant}.{result.file.format}"
    return LinkBody(url=url, expires_at=datetime.fromtimestamp(ends, UTC))


def fetch_named(house: House, key: str, digest: str) -> bytes:
    """The bytes of an object, which are those that the digest names.

    Raises ResultExpired, StorageUnavailable and Overloaded.
    """
    data = _fetched(house, key)
    if hashlib.sha256(data).hexdigest() != digest:
        raise StorageUnavailable("The file storage gave other bytes than were kept.")
    return data


def _fetched(house: House, key: str) -> bytes:
    with _slot(house):
        try:
            return house.storage.get(key)
        except StorageObjectMissing:
            raise gone() from None


@contextmanager
def _slot(house: House) -> Generator[None]:
    """Only so many files are fetched at once, however many are asked for."""
    if not house.result_slots.acquire(timeout=SLOT_SECONDS):
        raise Overloaded("Too many files are asked for at once; try again.", retry_after_seconds=1)
    try:
        yield
    finally:
        house.result_slots.release()
