"""A job as its owner sees it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from api.fields import Credits, Id, Time
from api.house import House
from api.problems import shown_problem
from shared import files, images, jobs
from shared.db import Connection
from shared.errors import NotFound
from shared.files import File
from shared.ids import parse_id
from shared.jobs import Job, JobKind, JobStatus

REMEMBERED_SECONDS = 600.0


class CreditsState(StrEnum):
    """What became of the price: held while the job is open, then spent or given back."""

    RESERVED = "reserved"
    CAPTURED = "captured"
    RELEASED = "released"


_CREDITS_OF: Mapping[JobStatus, CreditsState] = {
    JobStatus.QUEUED: CreditsState.RESERVED,
    JobStatus.RUNNING: CreditsState.RESERVED,
    JobStatus.SUCCEEDED: CreditsState.CAPTURED,
    JobStatus.FAILED: CreditsState.RELEASED,
    JobStatus.CANCELED: CreditsState.RELEASED,
}


class ResultFile(BaseModel):
    """One file of a result; `url` redirects to a short-lived link."""

    size: int = Field(description="in bytes")
    url: str


class ResultBody(BaseModel, title="Result"):
    """What a job made."""

    formats: dict[str, ResultFile]
    report: dict[str, Any] = Field(
        description="paths, segments, colors, width, height, bytes, similarity, ssim, color_error"
    )


class JobBody(BaseModel, title="Job"):
    """A paid request. `price` in credits, `progress` from 0 to 1."""

    job_id: Id
    image_id: Id
    kind: JobKind
    status: JobStatus
    progress: float = Field(ge=0, le=1)
    stage: str
    options: dict[str, Any]
    formats: list[str]
    price: Credits
    credits: CreditsState
    attempts: int
    created_at: Time
    started_at: Time | None
    finished_at: Time | None
    expires_at: Time
    problem: dict[str, object] | None = Field(description="why it failed: type, slug, title and detail")
    result: ResultBody | None


def find_job(db: Connection, job_id: str) -> Job:
    """The caller's job with this id. Raises NotFound, also for somebody else's."""
    known = parse_id(job_id)
    job = None if known is None else jobs.select_job(db, known)
    if job is None:
        raise NotFound("There is no such job.")
    return job


def job_body(house: House, db: Connection, job: Job) -> JobBody:
    """One job with its result."""
    return job_bodies(house, db, [job])[0]


def job_bodies(house: House, db: Connection, found: Sequence[Job]) -> list[JobBody]:
    """Jobs with their results, in the same order."""
    succeeded = [job.job_id for job in found if job.status is JobStatus.SUCCEEDED]
    results = files.select_results(db, succeeded) if succeeded else []
    expiries = _expiries(house, db, {job.image_id for job in found})
    return [
        JobBody(
            job_id=str(job.job_id),
            image_id=str(job.image_id),
            kind=job.kind,
            status=job.status,
            progress=round(job.progress, 3),
            stage=job.stage,
            options=dict(job.options),
            formats=list(job.formats),
            price=job.price,
            credits=_CREDITS_OF[job.status],
            attempts=job.attempts,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            expires_at=expiries[job.image_id],
            problem=shown_problem(job.problem),
            result=_result(job, [file for file in results if file.job_id == job.job_id]),
        )
        for job in found
    ]


def _expiries(house: House, db: Connection, image_ids: set[UUID]) -> dict[UUID, datetime]:
    """When these images expire, which is decided at upload and never changes."""
    known = {image_id: house.expiries.get(image_id) for image_id in image_ids}
    missing = [image_id for image_id, expires_at in known.items() if expires_at is None]
    found = images.select_expiries(db, missing) if missing else {}
    for image_id, expires_at in found.items():
        house.expiries.keep(image_id, expires_at, REMEMBERED_SECONDS)
    return {image_id: expires_at for image_id, expires_at in {**known, **found}.items() if expires_at is not None}


def _result(job: Job, made: Sequence[File]) -> ResultBody | None:
    if job.report is None:
        return None
    return ResultBody(
        formats={file.format: ResultFile(size=file.size, url=_url(job.job_id, file.format)) for file in made},
        report=dict(job.report),
    )


def _url(job_id: UUID, name: str) -> str:
    return f"/v1/jobs/{job_id}/result?format={name}"
