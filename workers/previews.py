"""The preview task: the true result, rendered at screen size under a watermark."""

from celery import shared_task

from shared.files import FileKind
from shared.jobs import JobKind
from shared.logging_setup import get_logger
from shared.messages import RunPreview
from workers.job_attempt import JobAttempt, run_job
from workers.resources import WATERMARK, resources
from workers.task import Finish

log = get_logger(__name__)


@shared_task(name=RunPreview.task)
def run_preview(job_id: str, user_id: str) -> str:
    """Work on the preview job whose turn it is: the message is worth one, of whichever account."""
    log.debug("woken", by_job=job_id, by_user=user_id)
    return str(run_job(resources(), JobKind.PREVIEW, make_preview))


def make_preview(attempt: JobAttempt) -> Finish:
    """Trace, keep the drawing for a vectorization to come, and store its watermarked picture."""
    trace = attempt.trace()
    picture = attempt.preview(trace, WATERMARK)
    made = [attempt.store(FileKind.RESULT, "png", picture)]
    if not trace.kept:
        made.append(attempt.store(FileKind.TRACE, "svg", trace.svg, trace))
    return attempt.succeeded(trace, made)
