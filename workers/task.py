"""One attempt at a job or an image: claimed, worked on, settled. The one place that turns errors into outcomes.

It knows two families only: a PermanentError ends the job and gives its credits back, a TransientError lets it be
tried again while it has attempts left. Whatever else goes wrong is our fault: logged with its traceback and tried
again like a transient problem. A worker that cannot even record the outcome leaves it to the lease and the sweep.
"""

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

import structlog

from shared import metrics, spans
from shared.clock import monotonic_seconds
from shared.db import Connection
from shared.errors import InternalError, LeaseLost, PermanentError, ProblemError, TransientError
from shared.logging_setup import get_logger, problem_fields
from workers.resources import Resources
from workers.stopping import Interrupted

log = get_logger(__name__)

Finish = Callable[[Connection], None]
Work = Callable[[], Finish]
SETTLE_PAUSES_SECONDS = (0.1, 0.5, 2.0, 5.0)
IDS = ("request_id", "job_id", "image_id", "task_id", "attempt", "format")
"""What is bound to an attempt's log lines says in its span which one it was."""


class Outcome(StrEnum):
    """What became of an attempt."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    QUEUED_AGAIN = "queued_again"
    GIVEN_BACK = "given_back"
    OVERTAKEN = "overtaken"
    UNSETTLED = "unsettled"


@dataclass(frozen=True, slots=True)
class Lead:
    """What leads to an attempt: the request's span, and when its worker began to claim it (see `spans.now_ns`)."""

    traceparent: str | None = None
    began_ns: int = field(default_factory=spans.now_ns)

    def span(self, kind: str) -> spans.Span:
        """The attempt's own span, which goes on where the request's was."""
        ids = {name: value for name, value in structlog.contextvars.get_contextvars().items() if name in IDS}
        return spans.beginning(
            f"attempt {kind}", ids, kind="CONSUMER", traceparent=self.traceparent, started_ns=self.began_ns
        )


class Attempt(ABC):
    """A claimed job or image in this worker's hands, and the objects made for it so far."""

    def __init__(self, resources: Resources, user_id: UUID, *, kind: str, number: int, lead: Lead) -> None:
        self.resources = resources
        self.user_id = user_id
        self.kind = kind
        self.lead = lead
        self.claimed_ns = spans.now_ns()
        self.is_last = number >= resources.settings.job_max_attempts
        self._kept: list[str] = []

    @abstractmethod
    def fail(self, db: Connection, problem: ProblemError) -> None:
        """End it badly and say why."""

    @abstractmethod
    def retry(self, db: Connection, problem: ProblemError) -> None:
        """Let it be tried again after a pause, or end it badly when it was tried often enough."""

    @abstractmethod
    def give_back(self, db: Connection) -> None:
        """Let another worker have it at once, this attempt uncounted."""

    @abstractmethod
    def is_settled(self, db: Connection) -> bool:
        """Whether this very claim has been settled already: the COMMIT whose answer was lost had been made."""

    @abstractmethod
    def settled(self, outcome: Outcome, slug: str) -> None:
        """The outcome is committed: tell whoever waits for it."""

    def keep(self, key: str, data: bytes, content_type: str) -> None:
        """Store an object; it is removed again if the attempt does not succeed."""
        self._kept.append(key)
        self.resources.storage.put(key, data, content_type)

    def discard(self) -> None:
        """Remove what was stored for nothing, best effort: retention removes the rest with the image."""
        kept, self._kept = self._kept, []
        with contextlib.suppress(ProblemError):
            self.resources.storage.remove(kept)

    @contextlib.contextmanager
    def timed(self, stage: str) -> Generator[None]:
        """Time a stage, for the metrics and spans."""
        started = monotonic_seconds()
        with spans.span(stage):
            yield
        metrics.JOB_STAGE_SECONDS.labels(self.kind, stage).observe(monotonic_seconds() - started)


def carry_out(attempt: Attempt, work: Work) -> Outcome:
    """Work, settle and tell; returns what became of it and never raises: a message is done when its task ends."""
    with attempt.lead.span(attempt.kind) as span:
        spans.note_past("claim", started_ns=attempt.lead.began_ns, ended_ns=attempt.claimed_ns)
        outcome = _carried_out(attempt, work, span)
        span.note({"outcome": outcome.value})
        return outcome


def _carried_out(attempt: Attempt, work: Work, span: spans.Span) -> Outcome:
    outcome, slug, finish = _worked(attempt, work)
    if slug:
        span.fail(slug)
    try:
        with attempt.timed("settle"):
            _settle(attempt, finish)
    except LeaseLost:
        outcome = Outcome.OVERTAKEN
    except TransientError as problem:
        log.warning("attempt_unsettled", **problem_fields(problem))
        return Outcome.UNSETTLED  # committed or not, only the database knows: the objects stay
    except Exception:
        log.exception("attempt_unsettled")
        return _recorded_as_ours(attempt)
    if outcome is not Outcome.SUCCEEDED:
        attempt.discard()
    log.info("attempt_over", outcome=outcome.value, slug=slug)
    metrics.ATTEMPTS.labels(attempt.kind, outcome.value, slug).inc()
    if outcome is not Outcome.OVERTAKEN:
        attempt.settled(outcome, slug)
    return outcome


def _worked(attempt: Attempt, work: Work) -> tuple[Outcome, str, Finish]:
    """Work, and how its end is to be written down."""
    try:
        return Outcome.SUCCEEDED, "", work()
    except Interrupted:
        return Outcome.GIVEN_BACK, "", attempt.give_back
    except LeaseLost as lost:
        return Outcome.OVERTAKEN, lost.slug, _raising(lost)
    except PermanentError as problem:
        return Outcome.FAILED, problem.slug, _with(attempt.fail, problem)
    except TransientError as problem:
        log.warning("attempt_failed", **problem_fields(problem))
        return _after_another(attempt), problem.slug, _with(attempt.retry, problem)
    except Exception:
        log.exception("attempt_failed")
        return _after_another(attempt), InternalError.slug, _with(attempt.retry, InternalError())


def _after_another(attempt: Attempt) -> Outcome:
    return Outcome.FAILED if attempt.is_last else Outcome.QUEUED_AGAIN


def _with(end: Callable[[Connection, ProblemError], None], problem: ProblemError) -> Finish:
    return lambda db: end(db, problem)


def _raising(lost: LeaseLost) -> Finish:
    def finish(_: Connection) -> None:
        raise lost

    return finish


def _settle(attempt: Attempt, finish: Finish) -> None:
    """Write the end down, again after each pause while the database is away.

    A COMMIT whose answer was lost may have been made: then the repeated one finds its claim over, and looks
    whether it was this claim that ended it.
    """
    was_unknown = False
    for pause in (*SETTLE_PAUSES_SECONDS, None):
        try:
            with attempt.resources.database.transaction(user_id=attempt.user_id) as db:
                if not (was_unknown and attempt.is_settled(db)):
                    finish(db)
        except TransientError:
            if pause is None:
                raise
            was_unknown = True
            time.sleep(pause)
        else:
            return


def _recorded_as_ours(attempt: Attempt) -> Outcome:
    """Settling failed in a way nobody foresaw: let the job be tried again, within its attempts."""
    try:
        _settle(attempt, _with(attempt.retry, InternalError()))
    except Exception:
        log.exception("attempt_left_to_the_sweep")
        return Outcome.UNSETTLED
    attempt.discard()
    return _after_another(attempt)
