"""What the server tells of accounts, images and jobs, as far as the client needs it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Account:
    """Who the API key belongs to; credits that can be spent, and the price of a vectorization in credits."""

    who: str
    available: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class Image:
    """An uploaded image; `status` is processing, ready, failed or expired."""

    image_id: str
    status: str
    is_replayed: bool = False

    @classmethod
    def of(cls, body: Mapping[str, Any], *, is_replayed: bool = False) -> Self:
        """From the body of an answer."""
        return cls(str(body["image_id"]), str(body["status"]), is_replayed)


@dataclass(frozen=True, slots=True)
class Job:
    """A paid request; `price` in credits, `files` the bytes of each format once it has succeeded.

    `is_replayed`: an earlier request with the same key had made it.
    """

    job_id: str
    image_id: str
    status: str
    price: Decimal
    problem: Mapping[str, Any] | None
    files: Mapping[str, int]
    report: Mapping[str, Any]
    is_replayed: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it may still change."""
        return self.status in ("queued", "running")

    @classmethod
    def of(cls, body: Mapping[str, Any], *, is_replayed: bool = False) -> Self:
        """From the body of an answer."""
        result = body.get("result") or {}
        files = {str(name): int(file["size"]) for name, file in (result.get("formats") or {}).items()}
        return cls(
            job_id=str(body["job_id"]),
            image_id=str(body["image_id"]),
            status=str(body["status"]),
            price=Decimal(str(body["price"])),
            problem=body.get("problem"),
            files=files,
            report=result.get("report") or {},
            is_replayed=is_replayed,
        )


@dataclass(frozen=True, slots=True)
class Drawing:
    """A job that succeeded, and its files by format."""

    job: Job
    files: Mapping[str, bytes] = field(repr=False)
