"""What happens to a format that is asked for after its job has succeeded: asked for, claimed, made or given up.

It costs nothing, so there is nothing to settle. Only whoever asks is owed an answer: a message that is lost is sent
again by the next request, so it needs no wake-up. The claim is the same lease and fence as a job's.
"""

from uuid import UUID

from shared import files, renditions
from shared.db import Connection
from shared.errors import AttemptsExhausted, LeaseLost, ProblemError, TransientError, restored
from shared.files import File
from shared.jobs import Job
from shared.messages import MakeFormat
from shared.outputs import Format
from shared.renditions import Rendition


def ask(db: Connection, job: Job, wanted: Format, *, resend_seconds: float) -> MakeFormat | None:
    """Ask for a format of a succeeded vectorization; gives the message to be sent after the commit, if any is due.

    Raises the problem for which it cannot be made.
    """
    known = renditions.select_rendition(db, job.job_id, wanted)
    if known is not None and known.problem is not None:
        raise restored(known.problem)
    is_due = renditions.insert_rendition(
        db, job.job_id, wanted, user_id=job.user_id, image_id=job.image_id, resend_seconds=resend_seconds
    )
    return MakeFormat(job_id=job.job_id, user_id=job.user_id, format=wanted) if is_due else None


def claim(db: Connection, job_id: UUID, wanted: str, *, lease_seconds: float, max_attempts: int) -> Rendition | None:
    """Claim it for one attempt; None when it is made, given up, in other hands, or not to be tried yet.

    Attempts that ended with their worker count too: after the last one it is given up.
    """
    claimed = renditions.update_rendition_claimed(db, job_id, wanted, lease_seconds=lease_seconds)
    if claimed is not None and claimed.attempts > max_attempts:
        fail(db, claimed, AttemptsExhausted("The file was tried several times and could not be made."))
        return None
    return claimed


def finish(db: Connection, claimed: Rendition, file: File) -> None:
    """List what was made. Raises LeaseLost when the claim is over, or the image is gone."""
    if not renditions.delete_rendition(db, claimed):
        raise _lost(claimed)
    files.insert_file(db, file)


def fail(db: Connection, claimed: Rendition, problem: ProblemError) -> None:
    """Give it up and say why. Raises LeaseLost when the claim is over."""
    if not renditions.update_rendition_failed(db, claimed, problem=problem.as_record()):
        raise _lost(claimed)


def retry(
    db: Connection, claimed: Rendition, problem: ProblemError, *, max_attempts: int, delay_seconds: float
) -> None:
    """After a transient problem: let it be tried again after a pause that doubles. Raises LeaseLost.

    When its attempts are spent on something that passes, the next request begins anew; a fault of ours is kept.
    """
    if claimed.attempts < max_attempts:
        delay = delay_seconds * 2 ** (claimed.attempts - 1)
        is_ours = renditions.update_rendition_put_off(db, claimed, attempts=claimed.attempts, delay_seconds=delay)
    elif isinstance(problem, TransientError):
        is_ours = renditions.update_rendition_put_off(db, claimed, attempts=0, delay_seconds=delay_seconds)
    else:
        fail(db, claimed, problem)
        is_ours = True
    if not is_ours:
        raise _lost(claimed)


def give_back(db: Connection, claimed: Rendition) -> None:
    """Hand it back uncounted, because its worker stops. Raises LeaseLost when the claim is over."""
    attempts = max(claimed.attempts - 1, 0)
    if not renditions.update_rendition_put_off(db, claimed, attempts=attempts, delay_seconds=0):
        raise _lost(claimed)


def _lost(claimed: Rendition) -> LeaseLost:
    return LeaseLost(f"fence {claimed.fence} of {claimed.format} of job {claimed.job_id} is over")
