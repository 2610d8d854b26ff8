"""Links to what a job made."""

from pathlib import PurePath

from api.house import House
from api.job_body import find_job
from api.session import Caller
from shared import events, files, images
from shared.db import Connection
from shared.errors import FormatNotMade, JobHasNoResult, JobNotFinished, ResultExpired, StorageObjectMissing
from shared.events import ActionType
from shared.files import File
from shared.ids import new_id
from shared.images import Image, ImageStatus
from shared.jobs import Job, JobKind, JobStatus


def result_link(house: House, caller: Caller, job_id: str, wanted: str | None) -> str:
    """A short-lived link to a result, which a browser saves instead of showing.

    Raises NotFound, JobNotFinished, JobHasNoResult, FormatNotMade, ResultExpired or StorageUnavailable.
    """
    with house.database.transaction(user_id=caller.user_id) as db:
        job = find_job(db, job_id)
        image = images.select_image(db, job.image_id)
        file = _find_file(db, job, image, wanted)
        events.insert_event(
            db,
            analytics_id=new_id(),
            user_id=caller.user_id,
            action_type=ActionType.DOWNLOAD,
            data={"kind": job.kind, "format": file.format},
        )
    try:
        return house.storage.signed_link(
            file.storage_key,
            seconds=house.settings.signed_link_seconds,
            download_name=_download_name(job, image, file),
        )
    except StorageObjectMissing:
        raise ResultExpired("The result has expired and its file is gone.") from None


def _find_file(db: Connection, job: Job, image: Image | None, wanted: str | None) -> File:
    if not job.status.is_terminal:
        raise JobNotFinished("The job is not finished; ask GET /v1/jobs/{job_id}?wait=20 first.")
    if job.status is not JobStatus.SUCCEEDED:
        raise JobHasNoResult(f"The job {job.status}; it has no result and cost nothing.")
    made = files.select_results(db, [job.job_id])
    if image is None or image.status is ImageStatus.EXPIRED or not made:
        raise ResultExpired("The result has expired and its file is gone.")
    for file in made:
        if wanted in (None, file.format):
            return file
    formats = ", ".join(file.format for file in made)
    raise FormatNotMade(f"The job made {formats}; it was not asked for {wanted}.")


def _download_name(job: Job, image: Image | None, file: File) -> str:
    stem = PurePath((image and image.file_name) or "image").stem or "image"
    return f"{stem}-preview.{file.format}" if job.kind is JobKind.PREVIEW else f"{stem}.{file.format}"
