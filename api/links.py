"""Signed links as JSON, for pages: a script that sends a credential cannot read where a redirect leads."""

from datetime import timedelta

from pydantic import BaseModel, Field

from api.fields import Time
from api.house import House
from shared.clock import utc_now

SPARE_SECONDS = 5


class LinkBody(BaseModel, title="Link"):
    """An address that gives anyone the file, without a credential, until its time is over."""

    url: str
    expires_at: Time = Field(description="a little before the link ends")


def link_body(house: House, url: str) -> LinkBody:
    """A link that was signed just now."""
    seconds = house.settings.signed_link_seconds - SPARE_SECONDS
    return LinkBody(url=url, expires_at=utc_now() + timedelta(seconds=seconds))
