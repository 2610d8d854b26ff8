"""The vectorization task: the drawing itself."""

from celery import shared_task

from shared.files import FileKind
from shared.jobs import JobKind
from shared.logging_setup import get_logger
from shared.messages import RunVectorization
from shared.outputs import FORMATS
from workers.job_attempt import JobAttempt, run_job
from workers.resources import resources
from workers.task import Finish

log = get_logger(__name__)


@shared_task(name=RunVectorization.task)
def run_vectorization(job_id: str, user_id: str) -> str:
    """Work on the vectorization job whose turn it is: the message is worth one, of whichever account."""
    log.debug("woken", by_job=job_id, by_user=user_id)
    return str(run_job(resources(), JobKind.VECTORIZATION, make_vectorization))


def make_vectorization(attempt: JobAttempt) -> Finish:
    """Trace, unless a preview has, and store the drawing in every format asked for.

    The trace as it is stays with the job, so that other formats can be made of it until the image expires.
    """
    trace = attempt.trace()
    made = [attempt.store_format(trace, wanted) for wanted in FORMATS if wanted in attempt.job.formats]
    if not any(file.cache_key for file in made):
        made.append(attempt.store(FileKind.TRACE, "svg", trace.svg, trace))
    return attempt.succeeded(trace, made)
