"""Links to what a job made, and to formats that are made when somebody first asks for them."""

import time
from dataclasses import dataclass
from pathlib import PurePath
from typing import cast
from uuid import UUID

from api.house import House
from api.job_body import find_job
from api.session import Caller
from shared import events, files, images, rendering
from shared.db import Connection
from shared.errors import (
    FormatNotMade,
    FormatNotReady,
    JobHasNoResult,
    JobNotFinished,
    ResultExpired,
    StorageObjectMissing,
)
from shared.events import ActionType
from shared.files import File
from shared.ids import new_id
from shared.images import Image, ImageStatus
from shared.jobs import Job, JobKind, JobStatus
from shared.outputs import Format


@dataclass(frozen=True, slots=True)
class Found:
    """A result as it was found: its file, or None while that is being made."""

    job: Job
    image: Image
    format: Format
    file: File | None


@dataclass(frozen=True, slots=True)
class Result:
    """A file that a job made, and the name to save it under."""

    job: Job
    image: Image
    file: File
    download_name: str


def result_link(house: House, caller: Caller, job_id: str, wanted: Format | None, *, to_save: bool = True) -> str:
    """A short-lived link to a result, which a browser saves when it is sent there.

    It is noted as a download unless it is not `to_save` but to be shown in a page. Raises what `find_result` raises,
    and StorageUnavailable.
    """
    result = find_result(house, caller, job_id, wanted, to_save=to_save)
    seconds = house.settings.signed_link_seconds
    try:
        return house.storage.signed_link(result.file.storage_key, seconds=seconds, download_name=result.download_name)
    except StorageObjectMissing:
        raise gone() from None


def find_result(house: House, caller: Caller, job_id: str, wanted: Format | None, *, to_save: bool = True) -> Result:
    """A result of the caller's, noted as a download if it is `to_save`.

    A format that is not made yet is asked of a worker, and waited for as long as a job may be. Raises NotFound,
    JobNotFinished, JobHasNoResult, FormatNotMade, FormatNotReady, ResultExpired, and the problem for which the format
    cannot be made.
    """
    found = _find(house, caller, job_id, wanted, to_save=to_save)
    if found.file is None:
        found = _wait(house, caller, found.job, wanted, to_save=to_save)
    if found.file is None:
        raise FormatNotReady("The file is still being made; ask again in a moment.")
    return Result(found.job, found.image, found.file, _download_name(found.job, found.image, found.file))


def find_made(house: House, user_id: UUID, job_id: UUID, wanted: Format) -> Result:
    """A result of an account that had been made before. Raises NotFound and ResultExpired."""
    with house.database.transaction(user_id=user_id) as db:
        job = find_job(db, str(job_id))
        image = images.select_image(db, job.image_id)
        found = _look(db, job, image, wanted)
    if found.file is None:
        raise gone()
    return Result(found.job, found.image, found.file, _download_name(found.job, found.image, found.file))


def gone() -> ResultExpired:
    """The answer about a result that was there."""
    return ResultExpired("The result has expired and its file is gone.")


def _wait(house: House, caller: Caller, job: Job, wanted: Format | None, *, to_save: bool) -> Found:
    """Look again as soon as the file is there, until the wait is over."""
    until = time.monotonic() + house.settings.wait_max_seconds
    with house.cache.wait_for_job(job.job_id) as waiter:
        while True:
            found = _find(house, caller, str(job.job_id), wanted, to_save=to_save)
            left = until - time.monotonic()
            if found.file is not None or left <= 0 or not waiter.wait(left):
                return found


def _find(house: House, caller: Caller, job_id: str, wanted: Format | None, *, to_save: bool) -> Found:
    """Look for the file and note the download; what is not there is asked of a worker, after the commit."""
    message = None
    with house.database.transaction(user_id=caller.user_id) as db:
        job = find_job(db, job_id)
        image = images.select_image(db, job.image_id)
        found = _look(db, job, image, wanted)
        if found.file is None:
            resend_seconds = house.settings.wakeup_resend_seconds
            message = rendering.ask(db, job, found.format, resend_seconds=resend_seconds)
        elif to_save:
            events.insert_event(
                db,
                analytics_id=new_id(),
                user_id=caller.user_id,
                action_type=ActionType.DOWNLOAD,
                data={"kind": job.kind, "format": found.file.format},
            )
    if message is not None:
        house.publisher.publish(message)
    return found


def _look(db: Connection, job: Job, image: Image | None, wanted: Format | None) -> Found:
    if not job.status.is_terminal:
        raise JobNotFinished("The job is not finished; ask GET /v1/jobs/{job_id}?wait=20 first.")
    if job.status is not JobStatus.SUCCEEDED:
        raise JobHasNoResult(f"The job {job.status}; it has no result and cost nothing.")
    made = {file.format: file for file in files.select_results(db, [job.job_id])}
    if image is None or image.status is ImageStatus.EXPIRED or not made:
        raise gone()
    asked = wanted or cast("Format", job.formats[0])
    if asked not in made and job.kind is JobKind.PREVIEW:
        raise FormatNotMade(f"A preview is {', '.join(made)}; {asked} comes with a vectorization.")
    return Found(job, image, asked, made.get(asked))


def _download_name(job: Job, image: Image, file: File) -> str:
    stem = PurePath(image.file_name or "image").stem or "image"
    return f"{stem}-preview.{file.format}" if job.kind is JobKind.PREVIEW else f"{stem}.{file.format}"
