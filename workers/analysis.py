"""The task that looks at an image once it is ready, so that the editor can say what would suit it.

An image that cannot be looked at stays without a suggestion. It is as usable as before, and no job waits for this.
"""

from uuid import UUID

import structlog
from celery import shared_task
from pydantic import TypeAdapter
from typing_extensions import override

from shared import analyses
from shared.analyses import Look
from shared.db import Connection
from shared.errors import LeaseLost, ProblemError, TransientError
from shared.logging_setup import get_logger, problem_fields
from shared.messages import AnalyseImage
from shared.suggestions import Suggestion
from workers.delivery import traceparent_of_message
from workers.engine_process import unwatched
from workers.resources import Resources, resources
from workers.task import Attempt, Finish, Lead, Outcome, carry_out

log = get_logger(__name__)
_SUGGESTION = TypeAdapter(Suggestion)


@shared_task(name=AnalyseImage.task)
def analyse_image(image_id: str, user_id: str) -> str:
    """Find out what suits an image."""
    return str(run_analysis(resources(), UUID(image_id), UUID(user_id), Lead(traceparent_of_message())))


class AnalysisAttempt(Attempt):
    """An image that this worker looks at."""

    def __init__(self, resources: Resources, look: Look, lead: Lead | None = None) -> None:
        super().__init__(resources, look.user_id, kind="analysis", number=look.attempts, lead=lead or Lead())
        self.look = look

    @override
    def fail(self, db: Connection, problem: ProblemError) -> None:
        analyses.update_analysis_given_up(db, self.look.image_id)

    @override
    def retry(self, db: Connection, problem: ProblemError) -> None:
        settings = self.resources.settings
        analyses.update_analysis_put_off(
            db,
            self.look.image_id,
            delay_seconds=settings.retry_delay_seconds,
            max_attempts=settings.job_max_attempts,
        )

    @override
    def give_back(self, db: Connection) -> None:
        analyses.update_analysis_given_back(db, self.look.image_id)

    @override
    def is_settled(self, db: Connection) -> bool:
        return not analyses.select_analysis(db, self.look.image_id).is_pending

    @override
    def settled(self, outcome: Outcome, slug: str) -> None:
        if outcome is Outcome.GIVEN_BACK:
            self.resources.send(AnalyseImage(image_id=self.look.image_id, user_id=self.user_id))

    def analyse(self) -> Finish:
        """Fetch the raster that would be traced and have the engine look at it."""
        settings = self.resources.settings
        with self.timed("fetch"):
            picture = self.resources.storage.get(self.look.working_key)
        arguments = {"max_pixels": settings.upload_max_pixels, "working_pixels": settings.working_max_pixels}
        with self.timed("analyse"):
            answer = self.resources.engines.run("suggest", arguments, picture, unwatched)
        suggestion = _SUGGESTION.validate_python(answer.header["suggestion"])
        return lambda db: self._keep_suggestion(db, suggestion)

    def _keep_suggestion(self, db: Connection, suggestion: Suggestion) -> None:
        if not analyses.update_analysis(db, self.look.image_id, suggestion):
            raise LeaseLost(f"image {self.look.image_id} was looked at already, or is over")


def run_analysis(resources: Resources, image_id: UUID, user_id: UUID, lead: Lead | None = None) -> Outcome | None:
    """Look at an image as its customer; None when there was nothing to look at."""
    settings = resources.settings
    with structlog.contextvars.bound_contextvars(image_id=str(image_id)):
        try:
            with resources.database.transaction(user_id=user_id) as db:
                look = analyses.update_analysis_claimed(
                    db, image_id, lease_seconds=settings.lease_seconds, max_attempts=settings.job_max_attempts
                )
        except TransientError as problem:
            log.warning("claim_not_possible", **problem_fields(problem))
            return None
        if look is None:
            return None
        attempt = AnalysisAttempt(resources, look, lead)
        return carry_out(attempt, attempt.analyse)
