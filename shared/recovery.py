"""What happens when something did not: the sweep that finds expired leases and wake-ups nobody answered."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared import analyses, images, jobs, lifecycle, preparation, wakeups
from shared.db import Connection
from shared.errors import AttemptsExhausted, InternalError
from shared.jobs import Job
from shared.messages import BY_TASK, AnalyseImage, Message, ResizeImage, RunPreview, RunVectorization
from shared.wakeups import Wakeup

LONGEST_RESEND_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Recovered:
    """What one sweep did: messages to send again, and jobs it failed because their attempts were spent."""

    messages: Sequence[Message]
    ended: Sequence[Job]


def recover(db: Connection, *, max_attempts: int, resend_seconds: float, limit: int) -> Recovered:
    """One recovery sweep; the caller commits, then sends the messages and tells of the ended jobs.

    Takes back expired leases (ending what was tried often enough), repeats the wake-ups that nobody claimed, and sends
    for the looks at images that are due.
    """
    spent = AttemptsExhausted("The job was tried several times and did not finish.")
    ended = [
        job
        for job in jobs.select_stale_jobs(db, limit=limit)
        if not lifecycle.retry(db, job, spent, max_attempts=max_attempts, delay_seconds=0)
    ]
    unusable = AttemptsExhausted("The image could not be prepared.")
    for image in images.select_stale_images(db, limit=limit):
        preparation.retry(db, image, unusable, max_attempts=max_attempts, delay_seconds=0)
    due = wakeups.update_wakeups_sent(
        db, limit=limit, resend_seconds=resend_seconds, longest_seconds=LONGEST_RESEND_SECONDS
    )
    looks = analyses.update_analyses_due(
        db,
        limit=limit,
        resend_seconds=resend_seconds,
        longest_seconds=LONGEST_RESEND_SECONDS,
        max_attempts=max_attempts,
    )
    again = [AnalyseImage(image_id=look.image_id, user_id=look.user_id) for look in looks if look.is_due]
    return Recovered([*(_message(wakeup) for wakeup in due), *again], ended)


def _message(wakeup: Wakeup) -> Message:
    kind = BY_TASK[wakeup.task]
    if kind is ResizeImage:
        return ResizeImage(image_id=wakeup.subject_id, user_id=wakeup.user_id)
    if kind in (RunPreview, RunVectorization):
        return kind(job_id=wakeup.subject_id, user_id=wakeup.user_id)  # pyright: ignore[reportCallIssue]
    raise InternalError(f"{wakeup.task} is no task that a wake-up may name")
