"""Types of the fields that customers see, and the words of their JSON schemas."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from shared.credits import TENTH

Item = TypeVar("Item")


def credits_text(amount: Decimal) -> str:
    """Credits as the interface spells them: exact, with one decimal place."""
    return str(amount.quantize(TENTH))


def time_text(moment: datetime) -> str:
    """A time as the interface spells it: RFC 3339 in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Credits = Annotated[
    Decimal,
    PlainSerializer(credits_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?\d+\.\d+$", "examples": ["0.2", "12.0"]}),
]
Time = Annotated[
    datetime,
    PlainSerializer(time_text, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2030-01-31T12:00:00.000Z"]}),
]
Id = Annotated[str, Field(description="opaque; cannot be guessed or counted", max_length=64)]
Limit = Annotated[int, Field(ge=1, le=100, description="most items of one page")]
Cursor = Annotated[str | None, Field(description="`next_cursor` of the page before", max_length=64)]


class Body(BaseModel):
    """The body of a request: what is unknown is refused, so that a typo never goes unnoticed."""

    model_config = ConfigDict(extra="forbid")


class Page(BaseModel, Generic[Item]):
    """One page of a list, newest first."""

    data: list[Item]
    next_cursor: str | None = Field(description="pass it as `cursor` for the next page; null at the end")


class PageAsked(BaseModel):
    """Which page of a list."""

    limit: Limit = 20
    cursor: Cursor = None
