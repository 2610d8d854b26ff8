"""`?wait=`: a client waits for the end of a job without a database connection being held for it."""

import time
from uuid import UUID

from api.house import House
from api.job_body import JobBody, find_job, job_body
from api.session import Caller
from shared.errors import NotFound
from shared.ids import parse_id


def awaited_job(house: House, caller: Caller, job_id: str, seconds: float) -> JobBody:
    """The job now, or as soon as it has ended, or once the wait is over. Raises NotFound."""
    known = parse_id(job_id)
    if known is None:
        raise NotFound("There is no such job.")
    if seconds > 0:
        return _wait(house, caller, known, min(seconds, house.settings.wait_max_seconds))
    return _read(house, caller, job_id)


def _wait(house: House, caller: Caller, job_id: UUID, seconds: float) -> JobBody:
    until = time.monotonic() + seconds
    with house.cache.wait_for_job(job_id) as waiter:
        while True:
            # Read after listening has begun, or an end in between would be missed.
            job = _read(house, caller, str(job_id))
            left = until - time.monotonic()
            if job.status.is_terminal or left <= 0 or not waiter.wait(left):
                return job


def _read(house: House, caller: Caller, job_id: str) -> JobBody:
    with house.database.transaction(user_id=caller.user_id) as db:
        return job_body(house, db, find_job(db, job_id))
