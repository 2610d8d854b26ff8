"""From a request for work to an accepted job: reserved, committed, and only then sent to a worker."""

from collections.abc import Sequence
from uuid import UUID

import structlog
from flask import g

from api.answers import Made
from api.house import House
from api.idempotency import Once
from api.job_body import job_body
from api.session import Caller
from shared import images, jobs, lifecycle, spans
from shared.db import Connection
from shared.errors import CommitUnknown, DatabaseUnavailable, NotFound
from shared.ids import new_id, parse_id
from shared.jobs import Job, JobKind
from shared.lifecycle import Submission
from shared.outputs import check_output
from shared.tracing import TraceOptions

RETRY_SECONDS = 1
LINE_SECONDS = 0.5  # how long the length of the line is believed


def submit(
    house: House,
    caller: Caller,
    image_id: str,
    kind: JobKind,
    options: TraceOptions,
    *,
    formats: Sequence[str],
    once: Once,
) -> Made:
    """Accept a job and wake its worker; nothing is changed when a problem is raised.

    Raises what `shared.lifecycle.submit` and `Once.begin` raise, OptionsInvalid, Overloaded, and DatabaseUnavailable.
    """
    known = parse_id(image_id)
    if known is None:
        raise NotFound("There is no such image.")
    price = house.settings.price_preview if kind is JobKind.PREVIEW else house.settings.price_vectorization
    low_balance = house.settings.low_balance_credits
    given = options.model_dump(mode="json")
    whence = g.get("request_id"), spans.current_traceparent()
    wish = Submission(caller.user_id, known, kind, price, given, formats, low_balance, *whence)
    job, made = _accept(house, wish, options, once, job_id=new_id())
    structlog.contextvars.bind_contextvars(job_id=str(job.job_id))  # this request's lines lead to the worker's
    message = lifecycle.message_for(job)
    with spans.span(f"send {message.queue}", {"job_id": str(job.job_id)}, kind="PRODUCER"):
        house.publisher.publish(message)
    return made


def _accept(house: House, wish: Submission, options: TraceOptions, once: Once, *, job_id: UUID) -> tuple[Job, Made]:
    try:
        with house.database.transaction(user_id=wish.user_id) as db:
            once.begin(db)
            _refuse_size(db, wish, options)
            _refuse_overload(house, db, wish.kind)
            job = lifecycle.submit(db, wish, job_id=job_id, resend_seconds=house.settings.wakeup_resend_seconds)
            return job, once.keep(db, _made(house, db, job))
    except CommitUnknown:
        # The answer to COMMIT was lost. Only the database knows; the id that we chose is the question.
        with house.database.transaction(user_id=wish.user_id) as db:
            job = jobs.select_job(db, job_id)
            if job is None:
                raise DatabaseUnavailable("The database does not answer; nothing was changed. Try again.") from None
            return job, _made(house, db, job)


def _made(house: House, db: Connection, job: Job) -> Made:
    headers = {"Location": f"/v1/jobs/{job.job_id}", "Retry-After": str(RETRY_SECONDS)}
    return Made(job_body(house, db, job), 202, headers)


def _refuse_size(db: Connection, wish: Submission, options: TraceOptions) -> None:
    """Raise OptionsInvalid when the output would be too large or too small, by the proportions of the image."""
    if not (options.width or options.height):
        return
    image = images.select_image(db, wish.image_id)
    if image is not None:
        is_png = wish.kind is JobKind.VECTORIZATION and "png" in wish.formats
        check_output(options, image.width, image.height, png=is_png)


def _refuse_overload(house: House, db: Connection, kind: JobKind) -> None:
    """Raise Overloaded when too much work waits already: better no than a job that would take for ever."""
    settings = house.settings
    line = house.lines.get(kind)
    if line is None:
        line = jobs.select_queue_state(db, kind, most=settings.queue_max_jobs)
        house.lines.keep(kind, line, LINE_SECONDS)
    lifecycle.refuse_overload(*line, most=settings.queue_max_jobs, longest_seconds=settings.queue_max_wait_seconds)
