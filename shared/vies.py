"""The way out to VIES, the European Commission's register of VAT ids: asked where it can be reached, never waited for.

Many member states' parts of it are away every day, so its silence decides nothing: form and check digits do then.
What it answered is kept as evidence with the purchase.
"""

import json
import urllib.request
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.clock import utc_now
from shared.logging_setup import get_logger
from shared.settings import Settings

log = get_logger(__name__)

MOST_BYTES = 20_000


class VatIdStanding(StrEnum):
    """What is known of a VAT id. unchecked: VIES was not asked; unavailable: it was and did not answer."""

    VALID = "valid"
    INVALID = "invalid"
    UNAVAILABLE = "unavailable"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class ViesAnswer:
    """What VIES said and when; `consultation` is its number of the question, a proof of diligence."""

    standing: VatIdStanding
    asked_at: datetime
    consultation: str | None = None


class Vies:
    """Asks VIES (REST, version 2024) about VAT ids of member states."""

    def __init__(self, url: str | None, *, own_vat_id: str | None, timeout_seconds: float) -> None:
        """Ask at `url`, in the name of `own_vat_id`; without an address nothing is ever asked."""
        self._url = url
        self._own_vat_id = own_vat_id
        self._timeout_seconds = timeout_seconds

    def ask(self, vat_id: str) -> ViesAnswer:
        """What is known of a VAT id with its prefix. Never raises, and takes no longer than the timeout."""
        if self._url is None:
            return ViesAnswer(VatIdStanding.UNCHECKED, utc_now())
        question = {"countryCode": vat_id[:2], "vatNumber": vat_id[2:]}
        if self._own_vat_id:
            question |= {"requesterMemberStateCode": self._own_vat_id[:2], "requesterNumber": self._own_vat_id[2:]}
        try:
            answer = self._post(question)
        except (OSError, ValueError) as error:
            log.warning("vies_unavailable", error=type(error).__name__)
            return ViesAnswer(VatIdStanding.UNAVAILABLE, utc_now())
        is_valid = answer.get("valid")
        if not isinstance(is_valid, bool):
            log.warning("vies_unavailable", error="no verdict")
            return ViesAnswer(VatIdStanding.UNAVAILABLE, utc_now())
        consultation = str(answer.get("requestIdentifier") or "") or None
        return ViesAnswer(VatIdStanding.VALID if is_valid else VatIdStanding.INVALID, utc_now(), consultation)

    def _post(self, question: dict[str, str]) -> dict[str, object]:
        request = urllib.request.Request(  # noqa: S310 - the address comes from the settings
            f"{self._url}/check-vat-number",
            data=json.dumps(question).encode(),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=self._timeout_seconds) as answer:  # noqa: S310
            found = json.loads(answer.read(MOST_BYTES))
        return found if isinstance(found, dict) else {}


def open_vies(settings: Settings) -> Vies:
    """VIES as this installation reaches it."""
    return Vies(
        None if settings.vies_url is None else str(settings.vies_url).rstrip("/"),
        own_vat_id=settings.seller_vat_id,
        timeout_seconds=settings.vies_timeout_seconds,
    )
