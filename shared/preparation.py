"""What happens to an image that is too large to be traced as it is: claimed, resized, made ready or given up.

The claim is the same lease and fence as a job's; there is nothing to pay and so nothing to settle.
"""

from shared import files, images, wakeups
from shared.db import Connection
from shared.errors import LeaseLost, ProblemError
from shared.files import File, FileKind
from shared.images import Image
from shared.messages import ResizeImage


def finish(db: Connection, image: Image, *, storage_key: str, size: int, width: int, height: int) -> None:
    """Make a claimed image ready: list its working raster (bytes, px). Raises LeaseLost when the claim is over."""
    if not images.update_image_ready(
        db, image.image_id, image.fence, working_key=storage_key, working_width=width, working_height=height
    ):
        raise _lost(image)
    working = File(storage_key, image.user_id, image.image_id, None, FileKind.WORKING, "png", size)
    files.insert_file(db, working)


def fail(db: Connection, image: Image, problem: ProblemError) -> None:
    """Give up on a claimed image and say why. Raises LeaseLost when the claim is over."""
    if not images.update_image_failed(db, image.image_id, image.fence, problem=problem.as_record()):
        raise _lost(image)


def retry(db: Connection, image: Image, problem: ProblemError, *, max_attempts: int, delay_seconds: float) -> bool:
    """After a transient problem: let a claimed image be tried again, or give up when its attempts are spent.

    The pause doubles with each attempt. Returns whether it will be tried again; raises LeaseLost when the claim
    is over.
    """
    if image.attempts >= max_attempts:
        fail(db, image, problem)
        return False
    delay = delay_seconds * 2 ** (image.attempts - 1)
    if not images.update_image_retried(db, image.image_id, image.fence, delay_seconds=delay):
        raise _lost(image)
    _wake(db, image, delay)
    return True


def give_back(db: Connection, image: Image) -> None:
    """Hand a claimed image back uncounted, because its worker stops. Raises LeaseLost when the claim is over."""
    if not images.update_image_given_back(db, image.image_id, image.fence):
        raise _lost(image)
    _wake(db, image, 0)


def _wake(db: Connection, image: Image, seconds: float) -> None:
    wakeups.insert_wakeup(
        db, subject_id=image.image_id, user_id=image.user_id, task=ResizeImage.task, send_in_seconds=seconds
    )


def _lost(image: Image) -> LeaseLost:
    return LeaseLost(f"fence {image.fence} of image {image.image_id} is over")
