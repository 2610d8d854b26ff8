"""The vectorization task: the drawing itself."""

from celery import shared_task

from shared.files import FileKind
from shared.jobs import JobKind
from shared.logging_setup import get_logger
from shared.messages import RunVectorization
from workers.job_attempt import SVG_TYPE, JobAttempt, run_job
from workers.resources import resources
from workers.task import Finish

log = get_logger(__name__)


@shared_task(name=RunVectorization.task)
def run_vectorization(job_id: str, user_id: str) -> None:
    """Work on the vectorization job whose turn it is: the message is worth one, of whichever account."""
    log.debug("woken", by_job=job_id, by_user=user_id)
    run_job(resources(), JobKind.VECTORIZATION, make_vectorization)


def make_vectorization(attempt: JobAttempt) -> Finish:
    """Trace, unless a preview has, and store the drawing."""
    trace = attempt.trace()
    with attempt.timed("put"):
        attempt.keep(attempt.object_key("svg"), trace.svg, SVG_TYPE)
    return attempt.succeeded(trace, [attempt.made(FileKind.RESULT, "svg", len(trace.svg), trace)])
