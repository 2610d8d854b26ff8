"""An attempt at a job: the claim, the picture and options it brings, its progress, and what it makes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import ValidationError
from typing_extensions import override

from shared import files, jobs, lifecycle, metrics, spans, uploads
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
from shared.jobs import Job, JobKind, JobStatus
from shared.lifecycle import Claim
from shared.logging_setup import get_logger, problem_fields
from shared.outputs import FORMATS, LARGEST_FILE_BYTES, Format
from shared.tracing import TraceOptions
from workers.engine_process import Watch
from workers.resources import Resources
from workers.task import Attempt, Finish, Lead, Outcome, carry_out

log = get_logger(__name__)

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

    def __init__(self, resources: Resources, claim: Claim, *, began_ns: int | None = None) -> None:
        lead = Lead(claim.job.traceparent, began_ns or spans.now_ns())
        super().__init__(resources, claim.job.user_id, kind=claim.job.kind.value, number=claim.job.attempts, lead=lead)
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

    def store(self, kind: FileKind, wanted: Format, data: bytes, trace: Trace | None = None) -> File:
        """Store an object of this attempt and give its row; one that is a trace as it is can serve other jobs too.

        No other attempt has this fence, so none can overwrite it.
        """
        name = f"{self.job.fence}-trace" if kind is FileKind.TRACE else f"{self.job.fence}"
        key = f"{uploads.image_prefix(self.user_id, self.image.image_id)}{self.job.job_id}-{name}.{wanted}"
        with self.timed("put"):
            self.keep(key, data, FORMATS[wanted].content_type)
        return File(
            storage_key=key,
            user_id=self.user_id,
            image_id=self.image.image_id,
            job_id=self.job.job_id,
            kind=kind,
            format=wanted,
            size=len(data),
            cache_key=None if trace is None else trace.cache_key,
            details=None if trace is None else trace.report,
        )

    def store_format(self, trace: Trace, wanted: Format) -> File:
        """Write the drawing in a format and store it as a result."""
        with self.timed("write"):
            data = written(self.resources, trace.svg, wanted, options_of(self.job), self.watch)
        return self.store(FileKind.RESULT, wanted, data, trace if data is trace.svg else None)

    def succeeded(self, trace: Trace, made: list[File]) -> Finish:
        """The good end: what was made is listed and the credits are spent, in one database transaction."""
        sizes = {file.format: file.size for file in made if file.kind is FileKind.RESULT}
        report = {**trace.report, "bytes": sizes.get("svg", len(trace.svg))}
        return lambda db: lifecycle.succeed(db, self.job, report=report, made=made)

    def trace(self) -> Trace:
        """The drawing of the job's picture: the one kept from a preview, or made now."""
        if self.image.status is ImageStatus.EXPIRED:
            raise ImageExpired("The image expired before the job was finished.")
        options = options_of(self.job)
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
        # The picture may be a reduced copy; the drawing is as large as what was uploaded.
        page = (self.image.width, self.image.height)
        arguments = {"options": options.model_dump(mode="json"), "limits": limits, "page": page}
        with self.timed("trace"):
            answer = self.resources.engines.run("trace", arguments, picture, self.watch)
        return Trace(answer.payload, without_fault(answer.header["report"]), cache_key, kept=False)


def without_fault(report: Mapping[str, Any]) -> dict[str, Any]:
    """A report for the customer. What made the engine's own method fail is told to the operators."""
    if fault := report.get("fault"):
        metrics.ENGINE_FALLBACKS.inc()
        log.warning("engine_fell_back", fault=fault)
    return {name: value for name, value in report.items() if name != "fault"}


def options_of(job: Job) -> TraceOptions:
    """What the job is to be traced with. Raises OptionsInvalid when a newer version allows it no longer."""
    try:
        return TraceOptions.model_validate(job.options)
    except ValidationError as error:
        raise OptionsInvalid("The job's options are not valid any more; submit it again.") from error


def written(resources: Resources, svg: bytes, wanted: Format, options: TraceOptions, watch: Watch) -> bytes:
    """A trace as it is sold in a format; what needs no change is the very same object.

    Raises what the engine raises.
    """
    if wanted == "svg" and options.is_plain():
        return svg
    arguments = {
        "format": wanted,
        "options": options.model_dump(mode="json"),
        "most_bytes": LARGEST_FILE_BYTES,
    }
    return resources.engines.run("write", arguments, svg, watch).payload


def run_job(resources: Resources, kind: JobKind, make: Callable[[JobAttempt], Finish]) -> Outcome | None:
    """Claim the job of this kind whose turn it is, as its customer, and carry it out; None when none waits."""
    began_ns = spans.now_ns()
    claim = _claim(resources, kind)
    if claim is None:
        return None
    job = claim.job
    if job.traceparent is not None and job.fence == 1:  # later claims have not waited since it was submitted
        submitted_ns = int(job.created_at.timestamp() * 1e9)
        spans.note_past("queue", started_ns=submitted_ns, ended_ns=began_ns, traceparent=job.traceparent)
    with structlog.contextvars.bound_contextvars(
        request_id=job.request_id, job_id=str(job.job_id), attempt=job.attempts
    ):
        attempt = JobAttempt(resources, claim, began_ns=began_ns)
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
