"""An attempt at a job: the claim, the picture and options it brings, its progress, and what it makes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import ValidationError
from typing_extensions import override

from shared import files, jobs, lifecycle, metrics, uploads
from shared.clock import monotonic_seconds, utc_now
from shared.db import Connection
from shared.errors import (
    CommitUnknown,
    DatabaseUnavailable,
    ImageExpired,
    OptionsInvalid,
    ProblemError,
    StorageObjectMissing,
    TransientError,
)
from shared.files import File, FileKind
from shared.images import ImageStatus
from shared.jobs import JobKind, JobStatus
from shared.lifecycle import Claim
from shared.logging_setup import get_logger, problem_fields
from shared.tracing import TraceOptions
from workers.resources import Resources
from workers.task import Attempt, Finish, Outcome, carry_out

log = get_logger(__name__)

SVG_TYPE = "image/svg+xml"
PROGRESS_SECONDS = 0.5
LOOK_SECONDS = 2.0
"""A claim is looked after this often even when the engine tells nothing, so that a canceled job stops."""


@dataclass(frozen=True, slots=True)
class Trace:
    """An SVG and the engine's report of it; `kept` is whether it was there already."""

    svg: bytes
    report: dict[str, Any]
    cache_key: str
    kept: bool


class JobAttempt(Attempt):
    """A claimed job in this worker's hands."""

    def __init__(self, resources: Resources, claim: Claim) -> None:
        super().__init__(resources, claim.job.user_id, kind=claim.job.kind.value, number=claim.job.attempts)
        self.job = claim.job
        self.image = claim.image
        self._told_at = monotonic_seconds()
        self._told = (claim.job.stage, claim.job.progress)

    @override
    def fail(self, db: Connection, problem: ProblemError) -> None:
        lifecycle.fail(db, self.job, problem)

    @override
    def retry(self, db: Connection, problem: ProblemError) -> None:
        settings = self.resources.settings
        lifecycle.retry(
            db,
            self.job,
            problem,
            max_attempts=settings.job_max_attempts,
            delay_seconds=settings.retry_delay_seconds,
        )

    @override
    def give_back(self, db: Connection) -> None:
        lifecycle.give_back(db, self.job)

    @override
    def is_settled(self, db: Connection) -> bool:
        job = jobs.select_job(db, self.job.job_id)
        return job is not None and job.fence == self.job.fence and job.status is not JobStatus.RUNNING

    @override
    def settled(self, outcome: Outcome, slug: str) -> None:
        if outcome is Outcome.GIVEN_BACK:
            self.resources.send(lifecycle.message_for(self.job))
        elif outcome in (Outcome.SUCCEEDED, Outcome.FAILED):
            metrics.JOBS_FINISHED.labels(self.kind, outcome.value, slug).inc()
            waited = (utc_now() - self.job.created_at).total_seconds()
            metrics.JOB_SECONDS.labels(self.kind).observe(max(0.0, waited))
            self.resources.announce(self.job.job_id)

    def watch(self, stage: str | None, part: float) -> None:
        """Write progress down, at most twice a second, and notice within two seconds when the claim is over.

        Raises LeaseLost then. A database that is away is no reason to stop working.
        """
        now = monotonic_seconds()
        if stage is not None:
            self._told = (stage, part)
        if now - self._told_at < (LOOK_SECONDS if stage is None else PROGRESS_SECONDS):
            return
        self._told_at = now
        try:
            with self.resources.database.transaction(user_id=self.user_id) as db:
                lifecycle.report_progress(db, self.job, progress=self._told[1], stage=self._told[0])
        except TransientError as problem:
            log.warning("progress_not_written", **problem_fields(problem))

    def object_key(self, extension: str) -> str:
        """Where this attempt keeps an object: no other attempt has this fence, so none can be overwritten."""
        return f"{self._prefix}{self.job.job_id}-{self.job.fence}.{extension}"

    def made(self, kind: FileKind, extension: str, size: int, trace: Trace | None = None) -> File:
        """The row of an object that this attempt made."""
        return File(
            storage_key=self.object_key(extension),
            user_id=self.user_id,
            image_id=self.image.image_id,
            job_id=self.job.job_id,
            kind=kind,
            format=extension,
            size=size,
            cache_key=None if trace is None else trace.cache_key,
            details=None if trace is None else trace.report,
        )

    def succeeded(self, trace: Trace, made: list[File]) -> Finish:
        """The good end: what was made is listed and the credits are spent, in one database transaction."""
        return lambda db: lifecycle.succeed(db, self.job, report=trace.report, made=made)

    def trace(self) -> Trace:
        """The drawing of the job's picture: the one kept from a preview, or made now."""
        if self.image.status is ImageStatus.EXPIRED:
            raise ImageExpired("The image expired before the job was finished.")
        options = self._options()
        cache_key = options.cache_key(self.image.sha256, self.resources.engines.version)
        return self._kept_trace(cache_key) or self._new_trace(options, cache_key)

    def preview(self, trace: Trace, label: str) -> bytes:
        """The drawing as a watermarked PNG."""
        arguments = {"max_side": self.resources.settings.preview_max_side, "label": label}
        with self.timed("preview"):
            return self.resources.engines.run("preview", arguments, trace.svg, self.watch).payload

    def _kept_trace(self, cache_key: str) -> Trace | None:
        with self.resources.database.transaction(user_id=self.user_id) as db:
            kept = files.select_kept_trace(db, self.user_id, cache_key)
        if kept is None or kept.details is None:
            return None
        try:
            with self.timed("fetch"):
                return Trace(self.resources.storage.get(kept.storage_key), dict(kept.details), cache_key, kept=True)
        except StorageObjectMissing:
            return None  # removed a moment ago, with its image

    def _new_trace(self, options: TraceOptions, cache_key: str) -> Trace:
        settings = self.resources.settings
        with self.timed("fetch"):
            picture = self.resources.storage.get(self.image.working_key or self.image.file_url)
        limits = {
            "max_pixels": settings.upload_max_pixels,
            "working_pixels": settings.working_max_pixels,
            "max_output_bytes": settings.engine_max_output_bytes,
            "max_paths": settings.engine_max_paths,
        }
        arguments = {"options": options.model_dump(mode="json"), "limits": limits}
        with self.timed("trace"):
            answer = self.resources.engines.run("trace", arguments, picture, self.watch)
        return Trace(answer.payload, dict(answer.header["report"]), cache_key, kept=False)

    def _options(self) -> TraceOptions:
        try:
            return TraceOptions.model_validate(self.job.options)
        except ValidationError as error:
            raise OptionsInvalid("The job's options are not valid any more; submit it again.") from error

    @property
    def _prefix(self) -> str:
        return uploads.image_prefix(self.user_id, self.image.image_id)


def run_job(resources: Resources, kind: JobKind, make: Callable[[JobAttempt], Finish]) -> Outcome | None:
    """Claim the job of this kind whose turn it is, as its customer, and carry it out; None when none waits."""
    claim = _claim(resources, kind)
    if claim is None:
        return None
    with structlog.contextvars.bound_contextvars(job_id=str(claim.job.job_id), attempt=claim.job.attempts):
        attempt = JobAttempt(resources, claim)
        return carry_out(attempt, lambda: make(attempt))


def _claim(resources: Resources, kind: JobKind) -> Claim | None:
    """A claim, or None: nobody waits, or the database is away (then the sweep repeats the message)."""
    settings = resources.settings
    for last in (False, True):
        try:
            with resources.database.transaction() as db:
                return lifecycle.take_turn(
                    db,
                    kind,
                    lease_seconds=settings.lease_seconds,
                    max_attempts=settings.job_max_attempts,
                    share=settings.fair_share_jobs,
                )
        except CommitUnknown:
            # Only the lease can tell now whether a claim is ours or the next worker's.
            break
        except DatabaseUnavailable:
            if last:
                break  # the first may only have been a connection that a restarted server had closed
    log.warning("claim_not_possible")
    return None
