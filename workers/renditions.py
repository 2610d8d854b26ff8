"""The task that makes a format which was first asked for after its job had succeeded."""

from uuid import UUID

import structlog
from celery import shared_task
from typing_extensions import override

from shared import files, images, jobs, rendering, renditions, uploads
from shared.db import Connection
from shared.errors import ProblemError, ResultExpired, StorageObjectMissing, TransientError
from shared.files import File, FileKind
from shared.logging_setup import get_logger, problem_fields
from shared.messages import MakeFormat
from shared.outputs import FORMATS, check_output
from shared.renditions import Rendition
from workers.delivery import traceparent_of_message
from workers.engine_process import unwatched
from workers.job_attempt import options_of, written
from workers.resources import Resources, resources
from workers.task import Attempt, Finish, Lead, Outcome, carry_out

log = get_logger(__name__)


@shared_task(name=MakeFormat.task)
def make_format(job_id: str, user_id: str, format: str) -> str:
    """Make a format of a drawing that is paid for."""
    lead = Lead(traceparent_of_message())
    return str(run_rendition(resources(), UUID(job_id), UUID(user_id), format, lead))


class RenditionAttempt(Attempt):
    """A claimed rendition in this worker's hands."""

    def __init__(self, resources: Resources, claimed: Rendition, lead: Lead | None = None) -> None:
        super().__init__(resources, claimed.user_id, kind="format", number=claimed.attempts, lead=lead or Lead())
        self.claimed = claimed
        prefix = uploads.image_prefix(claimed.user_id, claimed.image_id)
        self.key = f"{prefix}{claimed.job_id}-asked-{claimed.fence}.{claimed.format}"

    @override
    def fail(self, db: Connection, problem: ProblemError) -> None:
        rendering.fail(db, self.claimed, problem)

    @override
    def retry(self, db: Connection, problem: ProblemError) -> None:
        settings = self.resources.settings
        rendering.retry(
            db,
            self.claimed,
            problem,
            max_attempts=settings.job_max_attempts,
            delay_seconds=settings.retry_delay_seconds,
        )

    @override
    def give_back(self, db: Connection) -> None:
        rendering.give_back(db, self.claimed)

    @override
    def is_settled(self, db: Connection) -> bool:
        known = renditions.select_rendition(db, self.claimed.job_id, self.claimed.format)
        if known is not None:
            return known.fence == self.claimed.fence and known.problem is not None
        return any(file.storage_key == self.key for file in files.select_results(db, [self.claimed.job_id]))

    @override
    def settled(self, outcome: Outcome, slug: str) -> None:
        if outcome is Outcome.GIVEN_BACK:
            claimed = self.claimed
            self.resources.send(MakeFormat(job_id=claimed.job_id, user_id=self.user_id, format=claimed.format))
        elif outcome in (Outcome.SUCCEEDED, Outcome.FAILED):
            self.resources.announce(self.claimed.job_id)

    def make(self) -> Finish:
        """Fetch the job's trace, write the format in the engine, store it under this claim's fence."""
        claimed = self.claimed
        with self.resources.database.transaction(user_id=self.user_id) as db:
            job, trace = jobs.select_job(db, claimed.job_id), files.select_trace_of(db, claimed.job_id)
            image = images.select_image(db, claimed.image_id)
        if job is None or trace is None or image is None:
            raise ResultExpired("The result has expired and its file is gone.")
        options = options_of(job)
        check_output(options, image.width, image.height, png=claimed.format == "png")
        try:
            with self.timed("fetch"):
                svg = self.resources.storage.get(trace.storage_key)
        except StorageObjectMissing:
            raise ResultExpired("The result has expired and its file is gone.") from None
        with self.timed("write"):
            data = written(self.resources, svg, claimed.format, options, unwatched)
        with self.timed("put"):
            self.keep(self.key, data, FORMATS[claimed.format].content_type)
        file = File(
            self.key, self.user_id, claimed.image_id, claimed.job_id, FileKind.RESULT, claimed.format, len(data)
        )
        return lambda db: rendering.finish(db, claimed, file)


def run_rendition(
    resources: Resources, job_id: UUID, user_id: UUID, wanted: str, lead: Lead | None = None
) -> Outcome | None:
    """Claim a rendition as its customer and make it; None when there was nothing to claim."""
    settings = resources.settings
    with structlog.contextvars.bound_contextvars(job_id=str(job_id), format=wanted):
        try:
            with resources.database.transaction(user_id=user_id) as db:
                claimed = rendering.claim(
                    db,
                    job_id,
                    wanted,
                    lease_seconds=settings.lease_seconds,
                    max_attempts=settings.job_max_attempts,
                )
        except TransientError as problem:
            log.warning("claim_not_possible", **problem_fields(problem))
            return None
        if claimed is None:
            return None
        attempt = RenditionAttempt(resources, claimed, lead)
        return carry_out(attempt, attempt.make)
