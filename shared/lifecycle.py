"""What happens to a job, from submit to its one terminal state. No SQL here: the records hold it.

Every function works inside the caller's database transaction; the caller commits, then sends or announces.
A worker's claim is a lease (a time) and a fence (a number): whoever finishes a job must name the fence
it was given, so of two workers that hold the same job exactly one can end it, and exactly one settlement
follows (Kleppmann, "How to do distributed locking", 2016: fencing tokens).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from shared import accounts, credits, events, files, images, jobs, wakeups
from shared.db import Connection, act_as
from shared.errors import (
    ImageExpired,
    ImageNotReady,
    ImageNotUsable,
    InsufficientCredits,
    InternalError,
    JobAlreadyFinished,
    LeaseLost,
    NotFound,
    Overloaded,
    ProblemError,
)
from shared.events import ActionType
from shared.files import File
from shared.ids import new_id
from shared.images import Image, ImageStatus
from shared.jobs import Job, JobKind
from shared.messages import Message, RunPreview, RunVectorization

MESSAGE_OF_KIND: Mapping[JobKind, type[RunPreview] | type[RunVectorization]] = {
    JobKind.PREVIEW: RunPreview,
    JobKind.VECTORIZATION: RunVectorization,
}
ACTION_OF_KIND: Mapping[JobKind, ActionType] = {
    JobKind.PREVIEW: ActionType.PREVIEW,
    JobKind.VECTORIZATION: ActionType.VECTORIZE,
}


@dataclass(frozen=True, slots=True)
class Submission:
    """What a customer asks for; `price` in credits. A balance that falls below `low_balance` is noted as an event.

    `request_id` and `traceparent` say by which request, for the worker's log and spans.
    """

    user_id: UUID
    image_id: UUID
    kind: JobKind
    price: Decimal
    options: Mapping[str, object]
    formats: Sequence[str]
    low_balance: Decimal = Decimal(0)
    request_id: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's hold on a job: the job as claimed (its fence included) and its image."""

    job: Job
    image: Image


def submit(db: Connection, submission: Submission, *, job_id: UUID, resend_seconds: float) -> Job:
    """Make a job and hold its price, all or nothing.

    Raises NotFound, ImageExpired, ImageNotReady, ImageNotUsable or InsufficientCredits; then nothing
    was changed.
    """
    job = credits.reserve(
        db,
        credits.NewJob(
            job_id=job_id,
            transaction_id=new_id(),
            user_id=submission.user_id,
            image_id=submission.image_id,
            kind=submission.kind,
            price=submission.price,
            options=submission.options,
            formats=submission.formats,
            task=MESSAGE_OF_KIND[submission.kind].task,
            resend_seconds=resend_seconds,
            low_balance=submission.low_balance,
            request_id=submission.request_id,
            traceparent=submission.traceparent,
        ),
    )
    if job is None:
        raise _why_refused(db, submission)
    return job


def _why_refused(db: Connection, submission: Submission) -> ProblemError:
    image = images.select_image(db, submission.image_id)
    if image is None or image.user_id != submission.user_id:
        return NotFound("There is no such image.")
    match image.status:
        case ImageStatus.EXPIRED:
            return ImageExpired("The image has expired; upload it again.")
        case ImageStatus.PROCESSING:
            return ImageNotReady("The image is still being prepared; try again in a moment.")
        case ImageStatus.FAILED:
            return ImageNotUsable("The image could not be prepared; upload another file.")
        case ImageStatus.READY:
            account = accounts.select_account(db, submission.user_id)
            available = Decimal(0) if account is None else max(account.credit_balance, Decimal(0))
            return InsufficientCredits(
                f"This costs {submission.price} credits and {available} are available; buy credits to go on.",
                required=str(submission.price),
                available=str(available),
            )


def message_for(job: Job) -> Message:
    """The wake-up of a job's worker."""
    return MESSAGE_OF_KIND[job.kind](job_id=job.job_id, user_id=job.user_id)


def start(db: Connection, job_id: UUID, *, lease_seconds: float, max_attempts: int) -> Claim | None:
    """Claim a job for one attempt; None when it is finished, claimed by another, or not to be run yet."""
    job = jobs.update_job_claimed(db, job_id, lease_seconds=lease_seconds, max_attempts=max_attempts)
    if job is None:
        return None
    image = images.select_image(db, job.image_id)
    if image is None:
        raise InternalError(f"job {job_id} is open, its image is deleted")
    return Claim(job, image)


def take_turn(db: Connection, kind: JobKind, *, lease_seconds: float, max_attempts: int, share: int) -> Claim | None:
    """Claim the job of this kind whose turn it is, and act for its owner from here on; None when none waits.

    The message that woke the worker named a job, but is worth one turn, whoever's: a flood from one account
    cannot starve the others. Messages and jobs stay equal in number, so every job gets its turn.
    """
    turn = jobs.update_turn_claimed(db, kind, lease_seconds=lease_seconds, max_attempts=max_attempts, share=share)
    if turn is None:
        return None
    job_id, user_id = turn
    act_as(db, user_id)
    job = jobs.select_job(db, job_id)
    image = None if job is None else images.select_image(db, job.image_id)
    if job is None or image is None:
        raise InternalError(f"job {job_id} was claimed, but it or its image is gone")
    return Claim(job, image)


def refuse_overload(depth: int, oldest_seconds: float, *, most: int, longest_seconds: float) -> None:
    """Raises Overloaded when the line is too long to join; then nothing was reserved."""
    if depth >= most or oldest_seconds > longest_seconds:
        pause = min(60, max(5, round(oldest_seconds / 10)))
        raise Overloaded(
            f"Too much work is waiting; nothing was reserved. Try again in {pause} s.", retry_after_seconds=pause
        )


def report_progress(db: Connection, job: Job, *, progress: float, stage: str) -> None:
    """Say how far a claimed job is (0 to 1). Raises LeaseLost when the claim is over."""
    if not jobs.update_job_progress(db, job.job_id, job.fence, progress=progress, stage=stage):
        raise LeaseLost(f"fence {job.fence} of job {job.job_id} is over")


def succeed(db: Connection, job: Job, *, report: Mapping[str, object], made: Sequence[File]) -> None:
    """End a claimed job well: list what it made and spend its credits. Raises LeaseLost when the claim is over."""
    if not jobs.update_job_succeeded(db, job.job_id, job.fence, report=report):
        raise LeaseLost(f"fence {job.fence} of job {job.job_id} is over")
    for file in made:
        files.insert_file(db, file)
    if not credits.capture(db, transaction_id=new_id(), job_id=job.job_id):
        raise InternalError(f"job {job.job_id} was settled before it succeeded")
    _note(db, job, outcome="succeeded")


def fail(db: Connection, job: Job, problem: ProblemError) -> None:
    """End an open job badly, say why, and give its credits back. Raises LeaseLost when the claim is over."""
    if not jobs.update_job_failed(db, job.job_id, job.fence, problem=problem.as_record()):
        raise LeaseLost(f"fence {job.fence} of job {job.job_id} is over")
    _release(db, job)
    _note(db, job, outcome="failed", slug=problem.slug)


def retry(db: Connection, job: Job, problem: ProblemError, *, max_attempts: int, delay_seconds: float) -> bool:
    """After a transient problem: queue a claimed job again, or fail it when its attempts are spent.

    The pause doubles with each attempt. Returns whether it will be tried again; raises LeaseLost when the
    claim is over.
    """
    if job.attempts >= max_attempts:
        fail(db, job, problem)
        return False
    delay = delay_seconds * 2 ** (job.attempts - 1)
    if not jobs.update_job_requeued(db, job.job_id, job.fence, delay_seconds=delay):
        raise LeaseLost(f"fence {job.fence} of job {job.job_id} is over")
    task = MESSAGE_OF_KIND[job.kind].task
    wakeups.insert_wakeup(db, subject_id=job.job_id, user_id=job.user_id, task=task, send_in_seconds=delay)
    return True


def give_back(db: Connection, job: Job) -> None:
    """Hand a claimed job back uncounted, because its worker stops. Raises LeaseLost when the claim is over."""
    if not jobs.update_job_given_back(db, job.job_id, job.fence):
        raise LeaseLost(f"fence {job.fence} of job {job.job_id} is over")
    task = MESSAGE_OF_KIND[job.kind].task
    wakeups.insert_wakeup(db, subject_id=job.job_id, user_id=job.user_id, task=task, send_in_seconds=0)


def cancel(db: Connection, job: Job) -> None:
    """End an open job at its owner's wish and give its credits back. Raises JobAlreadyFinished."""
    if not jobs.update_job_canceled(db, job.job_id):
        raise JobAlreadyFinished("A finished job cannot be canceled.")
    _release(db, job)
    _note(db, job, outcome="canceled")


def delete_image(db: Connection, image_id: UUID) -> None:
    """Take an image out of sight and cancel its open jobs. Raises NotFound. Its objects are removed after."""
    if not images.update_image_deleted(db, image_id):
        raise NotFound("There is no such image.")
    for job in jobs.select_open_jobs(db, [image_id]):
        cancel(db, job)


def expire_images(db: Connection, image_ids: Sequence[UUID]) -> None:
    """Fail the open jobs of images whose time is over, giving their credits back."""
    for job in jobs.select_open_jobs(db, image_ids):
        fail(db, job, ImageExpired("The image expired before the job was finished."))


def _release(db: Connection, job: Job) -> None:
    if not credits.release(db, transaction_id=new_id(), job_id=job.job_id):
        raise InternalError(f"job {job.job_id} was settled before it ended")


def _note(db: Connection, job: Job, *, outcome: str, slug: str | None = None) -> None:
    events.insert_event(
        db,
        analytics_id=new_id(),
        user_id=job.user_id,
        action_type=ACTION_OF_KIND[job.kind],
        data={"outcome": outcome, "slug": slug} if slug else {"outcome": outcome},
    )
