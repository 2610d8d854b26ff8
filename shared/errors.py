"""Everything that can go wrong, as classes with a slug and a title.

Two families: a PermanentError will fail the same way again, a TransientError may not. The HTTP
status of each lives in api/problems.py alone; docs/reference/problems.md has a section for each.
"""

from collections.abc import Mapping
from typing import ClassVar


class ProblemError(Exception):
    """A typed failure: `slug` names it for programs, `title` for people, `detail` says what to do.

    `extra` carries further members of the problem body (RFC 9457 section 3.2): JSON values only.
    """

    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something went wrong on our side"

    def __init__(self, detail: str | None = None, **extra: object) -> None:
        self.detail = detail or self.title
        self.extra: Mapping[str, object] = extra
        super().__init__(self.detail)

    def as_record(self) -> dict[str, object]:
        """The problem as it is kept with a job or image and shown to its owner."""
        return {"slug": self.slug, "title": self.title, "detail": self.detail, **self.extra}

    def __reduce__(self) -> tuple[object, ...]:
        """Keep `extra` when the error crosses a process border."""
        return (_rebuild, (type(self), self.detail, dict(self.extra)))


def _rebuild(kind: type["ProblemError"], detail: str, extra: dict[str, object]) -> "ProblemError":
    return kind(detail, **extra)


class PermanentError(ProblemError):
    """Trying again cannot help; the caller has to change something."""


class TransientError(ProblemError):
    """Trying again later may well succeed."""


class InternalError(PermanentError):
    """An unforeseen failure: the cause is in our log, never in the answer."""

    slug = "internal-error"
    title = "Something went wrong on our side"


class Unauthenticated(PermanentError):
    """No valid credential came with the request."""

    slug = "unauthenticated"
    title = "Sign in first"


class AdminRequired(PermanentError):
    """The caller is known, but the route is for operators."""

    slug = "admin-required"
    title = "Only operators may do this"


class SignInUnavailable(TransientError):
    """The sign-in provider's keys cannot be fetched and none are cached."""

    slug = "sign-in-unavailable"
    title = "Sign-in cannot be checked at the moment"


class NotFound(PermanentError):
    """No such thing, or it belongs to somebody else."""

    slug = "not-found"
    title = "There is nothing here"


class MethodNotAllowed(PermanentError):
    """The address exists, the method does not."""

    slug = "method-not-allowed"
    title = "This address does not take that method"


class RequestInvalid(PermanentError):
    """The body, a parameter or a header is not what the OpenAPI document asks for."""

    slug = "request-invalid"
    title = "The request is not valid"


class OptionsInvalid(PermanentError):
    """A trace option is unknown or out of range."""

    slug = "options-invalid"
    title = "An option is not valid"


class RateLimited(TransientError):
    """Too many requests from one account or address."""

    slug = "rate-limited"
    title = "Too many requests"


class Overloaded(TransientError):
    """The queue is too deep to take more; nothing was reserved."""

    slug = "overloaded"
    title = "Too much work is waiting"


class IdempotencyKeyReused(PermanentError):
    """The same Idempotency-Key came with another body."""

    slug = "idempotency-key-reused"
    title = "This Idempotency-Key belongs to another request"


class IdempotencyKeyInFlight(TransientError):
    """The first request with this Idempotency-Key has not been answered yet."""

    slug = "idempotency-key-in-flight"
    title = "The first request with this Idempotency-Key is still being worked on"


class VatIdInvalid(PermanentError):
    """The VAT id is malformed, or not one of the customer's country, or the Commission's VIES does not know it."""

    slug = "vat-id-invalid"
    title = "The VAT id is not valid"


class PaymentsUnavailable(TransientError):
    """The payment provider did not answer, or answered with a fault of its own."""

    slug = "payments-unavailable"
    title = "Payments cannot be reached at the moment"


class PaymentsRefused(PermanentError):
    """The payment provider refused what we asked of it: a fault in our request or its settings."""

    slug = "payments-refused"
    title = "The payment provider refused the request"


class PaymentNotOurs(PermanentError):
    """Money that cannot be explained by a purchase of ours: set aside for an operator, never credited."""

    slug = "payment-not-ours"
    title = "This payment belongs to no purchase of ours"


class WebhookInvalid(PermanentError):
    """The signature is missing or wrong, the timestamp is too old or in the future, or the mode is not ours."""

    slug = "webhook-invalid"
    title = "This webhook cannot be trusted"


class UploadTooLarge(PermanentError):
    """More bytes than an upload may have."""

    slug = "upload-too-large"
    title = "The file is too large"


class TooManyPixels(PermanentError):
    """More pixels than an upload may have, judged from the header."""

    slug = "too-many-pixels"
    title = "The image has too many pixels"


class UnsupportedMediaType(PermanentError):
    """Neither a PNG nor a JPEG by content."""

    slug = "unsupported-media-type"
    title = "Only PNG and JPEG images can be vectorized"


class AnimatedImage(PermanentError):
    """An animated PNG."""

    slug = "animated-image"
    title = "Animated images cannot be vectorized"


class ImageUndecodable(PermanentError):
    """Truncated or damaged image data."""

    slug = "image-undecodable"
    title = "The image cannot be read"


class ImageNotReady(TransientError):
    """The image is still being prepared by the resize task."""

    slug = "image-not-ready"
    title = "The image is still being prepared"


class ImageNotUsable(PermanentError):
    """The image could not be prepared, so no job can run on it."""

    slug = "image-not-usable"
    title = "The image cannot be used"


class ImageExpired(PermanentError):
    """The image's time is over; it and everything made from it are gone."""

    slug = "image-expired"
    title = "The image has expired"


class InsufficientCredits(PermanentError):
    """The available balance does not cover the price; `required` and `available` are in `extra`."""

    slug = "insufficient-credits"
    title = "Not enough credits"


class JobNotFinished(TransientError):
    """The result was asked for before the job succeeded."""

    slug = "job-not-finished"
    title = "The job has no result yet"


class JobHasNoResult(PermanentError):
    """The job failed or was canceled, so there is no result to fetch."""

    slug = "job-has-no-result"
    title = "The job ended without a result"


class JobAlreadyFinished(PermanentError):
    """A finished job cannot be canceled."""

    slug = "job-already-finished"
    title = "The job is already finished"


class FormatNotMade(PermanentError):
    """A job of this kind does not make this format."""

    slug = "format-not-made"
    title = "This job has no such format"


class FormatNotReady(TransientError):
    """The format is being made, and not ready within the time a request may wait."""

    slug = "format-not-ready"
    title = "The file is still being made"


class ResultExpired(PermanentError):
    """The result's time is over."""

    slug = "result-expired"
    title = "The result has expired"


class AttemptsExhausted(PermanentError):
    """The job was tried as often as allowed and never finished."""

    slug = "attempts-exhausted"
    title = "The job was tried several times and did not finish"


class LeaseLost(PermanentError):
    """This worker's claim on the job is over; whatever it made is thrown away."""

    slug = "lease-lost"
    title = "Another attempt has taken over this job"


class TooComplex(PermanentError):
    """The trace would exceed its budget of seconds, memory, paths or bytes."""

    slug = "too-complex"
    title = "The image is too complex to vectorize"


class EngineCrashed(PermanentError):
    """The engine's process died while tracing this image."""

    slug = "engine-crashed"
    title = "The image could not be vectorized"


class StorageUnavailable(TransientError):
    """The object storage did not answer, or answered with a fault of its own."""

    slug = "storage-unavailable"
    title = "The file storage does not answer"


class StorageRefused(PermanentError):
    """The object storage refused what we asked of it: a fault in our request or its settings."""

    slug = "storage-refused"
    title = "The file storage refused the request"


class StorageObjectMissing(PermanentError):
    """The object is not there."""

    slug = "storage-object-missing"
    title = "The file is gone"


class DatabaseUnavailable(TransientError):
    """Postgres did not answer in time."""

    slug = "database-unavailable"
    title = "The service is not available at the moment"


class CommitUnknown(TransientError):
    """The connection broke during COMMIT: saved or not, only reading again by key can tell."""

    slug = "commit-unknown"
    title = "It is not known whether the change was saved"


class CacheUnavailable(TransientError):
    """Redis did not answer in time."""

    slug = "cache-unavailable"
    title = "The cache does not answer"


def restored(record: Mapping[str, object]) -> ProblemError:
    """The problem that `as_record` made a record of."""
    extra = {name: value for name, value in record.items() if name not in ("slug", "title", "detail")}
    return _by_slug(ProblemError).get(str(record["slug"]), InternalError)(str(record["detail"]), **extra)


def _by_slug(family: type[ProblemError]) -> dict[str, type[ProblemError]]:
    kinds = {kind.slug: kind for child in family.__subclasses__() for kind in _by_slug(child).values()}
    return kinds or {family.slug: family}
