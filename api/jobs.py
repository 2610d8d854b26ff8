"""Paid work on images: `/v1/images/{image_id}/previews`, `/vectorizations` and `/v1/jobs`."""

from typing import Annotated, Literal

from flask import Response, request
from pydantic import BaseModel, Field, field_validator

from api.answers import next_cursor, read_cursor, send_to, show, show_text
from api.embedding import embed_link
from api.fields import Body, Id, Page, PageAsked
from api.house import House
from api.idempotency import asked_once
from api.job_body import JobBody, find_job, job_bodies, job_body
from api.limits import Limit
from api.links import LinkBody, link_body
from api.polls import remember_told
from api.results import result_link
from api.routes import Gives, Routes
from api.session import Caller
from api.submitting import RETRY_SECONDS, submit
from api.waiting import awaited_job
from shared import jobs, lifecycle, metrics
from shared.errors import (
    AttemptsExhausted,
    EngineCrashed,
    FormatNotMade,
    FormatNotReady,
    ImageExpired,
    ImageNotReady,
    ImageNotUsable,
    InsufficientCredits,
    JobAlreadyFinished,
    JobHasNoResult,
    JobNotFinished,
    NotFound,
    OptionsInvalid,
    Overloaded,
    ResultExpired,
    StorageUnavailable,
    TooComplex,
)
from shared.ids import parse_id
from shared.jobs import JobKind, JobStatus
from shared.outputs import FORMATS, Format
from shared.tracing import TraceOptions

routes = Routes("jobs")

_SUBMIT_PROBLEMS = (
    NotFound, InsufficientCredits, ImageNotReady, ImageNotUsable, ImageExpired, OptionsInvalid, Overloaded,
)  # fmt: skip
_RESULT_PROBLEMS = (
    NotFound, FormatNotMade, FormatNotReady, JobNotFinished, JobHasNoResult, ResultExpired, OptionsInvalid, TooComplex,
    EngineCrashed, AttemptsExhausted, StorageUnavailable, Overloaded,
)  # fmt: skip


class PreviewBody(Body):
    """What the preview is to be traced with."""

    options: TraceOptions = TraceOptions()


class SubmitPreview(BaseModel):
    """Which image, and how."""

    image_id: Id
    body: PreviewBody


@routes.operation(
    "POST /v1/images/{image_id}/previews",
    takes=SubmitPreview,
    gives=Gives(202, JobBody, headers=("Location", "Retry-After")),
    limit=Limit.JOBS,
    problems=_SUBMIT_PROBLEMS,
    once=True,
)
def submit_preview(house: House, caller: Caller, ask: SubmitPreview) -> Response:
    """Ask for a preview: the true result as a watermarked picture. Its price is reserved, and spent if it succeeds."""
    once = asked_once(caller, request.get_data())
    made = submit(house, caller, ask.image_id, JobKind.PREVIEW, ask.body.options, formats=["png"], once=once)
    return made.response()


class VectorizationBody(Body):
    """What the image is to be traced with, and the files wanted."""

    options: TraceOptions = TraceOptions()
    formats: Annotated[list[Format], Field(min_length=1, max_length=len(FORMATS))] = Field(
        default=["svg"], description="made by the job itself, for one price; others when they are first asked for"
    )

    @field_validator("formats")
    @classmethod
    def each_format_once(cls, value: list[Format]) -> list[Format]:
        """Refuse a format that is named twice."""
        if len(set(value)) < len(value):
            raise ValueError("names a format twice")
        return value


class SubmitVectorization(BaseModel):
    """Which image, and how."""

    image_id: Id
    body: VectorizationBody


@routes.operation(
    "POST /v1/images/{image_id}/vectorizations",
    takes=SubmitVectorization,
    gives=Gives(202, JobBody, headers=("Location", "Retry-After")),
    limit=Limit.JOBS,
    problems=_SUBMIT_PROBLEMS,
    once=True,
)
def submit_vectorization(house: House, caller: Caller, ask: SubmitVectorization) -> Response:
    """Ask for the vector file, in as many formats as are wanted. Its price is reserved, and spent if it succeeds."""
    once, kind = asked_once(caller, request.get_data()), JobKind.VECTORIZATION
    made = submit(house, caller, ask.image_id, kind, ask.body.options, formats=ask.body.formats, once=once)
    return made.response()


class OneJob(BaseModel):
    """Which job, and how long to wait for its end."""

    job_id: Id
    wait: float = Field(default=0, ge=0, le=60, description="seconds to wait for the job's end; more than 20 is 20")


@routes.operation(
    "GET /v1/jobs/{job_id}",
    takes=OneJob,
    gives=Gives(200, JobBody, headers=("Retry-After",)),
    problems=(NotFound,),
)
def get_job(house: House, caller: Caller, ask: OneJob) -> Response:
    """Show a job: at once, or as soon as it has ended or `wait` is over."""
    job = awaited_job(house, caller, ask.job_id, ask.wait)
    text = job.model_dump_json().encode()
    remember_told(house, caller, job, text)
    return show_text(text) if job.status.is_terminal else show_text(text, Retry_After=str(RETRY_SECONDS))


class CancelJob(BaseModel):
    """Which job."""

    job_id: Id


@routes.operation(
    "POST /v1/jobs/{job_id}/cancel", takes=CancelJob, gives=Gives(200, JobBody), problems=(NotFound, JobAlreadyFinished)
)
def cancel_job(house: House, caller: Caller, ask: CancelJob) -> Response:
    """Cancel a job that has not ended: its price is given back, and a result that comes late is thrown away."""
    with house.database.transaction(user_id=caller.user_id) as db:
        job = find_job(db, ask.job_id)
        lifecycle.cancel(db, job)
        body = job_body(house, db, find_job(db, ask.job_id))
    metrics.JOBS_FINISHED.labels(job.kind.value, JobStatus.CANCELED.value, "").inc()
    house.cache.announce_job(job.job_id)
    return show(body)


class ListJobs(PageAsked):
    """Which of the caller's jobs."""

    status: JobStatus | None = None
    kind: JobKind | None = None
    image_id: Id | None = None


@routes.operation("GET /v1/jobs", takes=ListJobs, gives=Gives(200, Page[JobBody]))
def list_jobs(house: House, caller: Caller, ask: ListJobs) -> Response:
    """List the caller's jobs, newest first."""
    image_id = None if ask.image_id is None else parse_id(ask.image_id)
    if ask.image_id is not None and image_id is None:
        return show(Page[JobBody](data=[], next_cursor=None))
    with house.database.transaction(user_id=caller.user_id) as db:
        found = jobs.select_jobs(
            db, caller.user_id, limit=ask.limit, before=read_cursor(ask.cursor),
            status=ask.status, kind=ask.kind, image_id=image_id,
        )  # fmt: skip
        bodies = job_bodies(house, db, found)
    return show(Page[JobBody](data=bodies, next_cursor=next_cursor([job.job_id for job in found], ask.limit)))


class OneResult(BaseModel):
    """Which file of which job."""

    job_id: Id
    format: Format | None = Field(default=None, description="by default the first that the job was asked for")


@routes.operation(
    "GET /v1/jobs/{job_id}/result",
    takes=OneResult,
    gives=Gives(302, headers=("Location",)),
    problems=_RESULT_PROBLEMS,
)
def get_result(house: House, caller: Caller, ask: OneResult) -> Response:
    """Download what a job made: a redirect to a link that works for some minutes.

    A vectorization has every format. One that the job was not asked for is made now, for nothing more, and kept.
    """
    return send_to(result_link(house, caller, ask.job_id, ask.format))


class ResultLink(OneResult):
    """Which file of which job, and what for."""

    purpose: Literal["save", "show", "embed"] = Field(
        default="save",
        description="`save` counts as a download; `show` is for a page that shows the file; `embed` counts as one too,"
        " and gives an address that stays the same for a while and that any cache may keep, for pages of your own",
    )


@routes.operation(
    "GET /v1/jobs/{job_id}/result/link",
    takes=ResultLink,
    gives=Gives(200, LinkBody),
    problems=_RESULT_PROBLEMS,
)
def get_result_link(house: House, caller: Caller, ask: ResultLink) -> Response:
    """Show a link to what a job made.

    For pages: a script that sends a credential cannot read where a redirect leads.
    """
    if ask.purpose == "embed":
        return show(embed_link(house, caller, ask.job_id, ask.format))
    link = result_link(house, caller, ask.job_id, ask.format, to_save=ask.purpose == "save")
    return show(link_body(house, link))
