"""The resize task: an upload above the working size gets the raster that is traced instead."""

from uuid import UUID

import structlog
from celery import shared_task
from typing_extensions import override

from shared import images, preparation, uploads
from shared.db import Connection
from shared.errors import ProblemError, TransientError
from shared.images import Image, ImageStatus
from shared.logging_setup import get_logger, problem_fields
from shared.messages import AnalyseImage, ResizeImage
from workers.delivery import traceparent_of_message
from workers.engine_process import unwatched
from workers.resources import Resources, resources
from workers.task import Attempt, Finish, Lead, Outcome, carry_out

log = get_logger(__name__)


@shared_task(name=ResizeImage.task)
def resize_image(image_id: str, user_id: str) -> str:
    """Bring an image down to the working size."""
    return str(run_resize(resources(), UUID(image_id), UUID(user_id), Lead(traceparent_of_message())))


class ImageAttempt(Attempt):
    """A claimed image in this worker's hands."""

    def __init__(self, resources: Resources, image: Image, lead: Lead | None = None) -> None:
        super().__init__(resources, image.user_id, kind="resize", number=image.attempts, lead=lead or Lead())
        self.image = image

    @override
    def fail(self, db: Connection, problem: ProblemError) -> None:
        preparation.fail(db, self.image, problem)

    @override
    def retry(self, db: Connection, problem: ProblemError) -> None:
        settings = self.resources.settings
        preparation.retry(
            db,
            self.image,
            problem,
            max_attempts=settings.job_max_attempts,
            delay_seconds=settings.retry_delay_seconds,
        )

    @override
    def give_back(self, db: Connection) -> None:
        preparation.give_back(db, self.image)

    @override
    def is_settled(self, db: Connection) -> bool:
        image = images.select_image(db, self.image.image_id)
        return image is not None and image.fence == self.image.fence and image.status is not ImageStatus.PROCESSING

    @override
    def settled(self, outcome: Outcome, slug: str) -> None:
        if outcome is Outcome.GIVEN_BACK:
            self.resources.send(ResizeImage(image_id=self.image.image_id, user_id=self.user_id))
        elif outcome is Outcome.SUCCEEDED:
            self.resources.send(AnalyseImage(image_id=self.image.image_id, user_id=self.user_id))

    def resize(self) -> Finish:
        """Fetch the source, shrink it in the engine, store it under this claim's fence."""
        settings = self.resources.settings
        with self.timed("fetch"):
            source = self.resources.storage.get(self.image.file_url)
        arguments = {"max_pixels": settings.working_max_pixels, "max_source_pixels": settings.upload_max_pixels}
        with self.timed("resize"):
            small = self.resources.engines.run("resize", arguments, source, unwatched)
        prefix = uploads.image_prefix(self.user_id, self.image.image_id)
        key = f"{prefix}working-{self.image.fence}.png"
        with self.timed("put"):
            self.keep(key, small.payload, "image/png")
        width, height = int(small.header["width"]), int(small.header["height"])
        return lambda db: preparation.finish(
            db, self.image, storage_key=key, size=len(small.payload), width=width, height=height
        )


def run_resize(resources: Resources, image_id: UUID, user_id: UUID, lead: Lead | None = None) -> Outcome | None:
    """Claim an image as its customer and resize it; None when there was nothing to claim."""
    settings = resources.settings
    with structlog.contextvars.bound_contextvars(image_id=str(image_id)):
        try:
            with resources.database.transaction(user_id=user_id) as db:
                image = images.update_image_claimed(
                    db, image_id, lease_seconds=settings.lease_seconds, max_attempts=settings.job_max_attempts
                )
        except TransientError as problem:
            log.warning("claim_not_possible", **problem_fields(problem))
            return None
        if image is None:
            return None
        attempt = ImageAttempt(resources, image, lead)
        return carry_out(attempt, attempt.resize)
