"""What people have agreed to: the table `consents`. Decisions are added, never changed; the newest counts."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from psycopg.rows import class_row

from shared.db import Connection


class ConsentPurpose(StrEnum):
    """What a consent is about."""

    TERMS = "terms"
    PRIVACY = "privacy"
    MARKETING = "marketing"
    ANALYTICS = "analytics"


@dataclass(frozen=True, slots=True)
class Consent:
    """A decision; `version` names the text that it was about."""

    purpose: ConsentPurpose
    version: str
    is_given: bool
    decided_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "purpose", ConsentPurpose(self.purpose))


def insert_consent(
    db: Connection, *, consent_id: UUID, user_id: UUID, purpose: ConsentPurpose, version: str, is_given: bool
) -> bool:
    """Keep a decision; False when it is the one that counts already."""
    result = db.execute(
        "INSERT INTO consents (consent_id, user_id, purpose, version, is_given)"
        " SELECT %(consent_id)s, %(user_id)s, %(purpose)s::consent_purpose, %(version)s, %(is_given)s"
        " WHERE (%(version)s::text, %(is_given)s::boolean) IS DISTINCT FROM (SELECT (version, is_given) FROM consents"
        " WHERE user_id = %(user_id)s AND purpose = %(purpose)s::consent_purpose ORDER BY consent_id DESC LIMIT 1)",
        {
            "consent_id": consent_id,
            "user_id": user_id,
            "purpose": purpose,
            "version": version,
            "is_given": is_given,
        },
    )
    return result.rowcount == 1


def select_consents(db: Connection, user_id: UUID) -> list[Consent]:
    """The decision that counts for each purpose there is one for."""
    return (
        db.cursor(row_factory=class_row(Consent))
        .execute(
            "SELECT DISTINCT ON (purpose) purpose, version, is_given, decided_at FROM consents"
            " WHERE user_id = %(user_id)s ORDER BY purpose, consent_id DESC",
            {"user_id": user_id},
        )
        .fetchall()
    )


def delete_consents(db: Connection, user_id: UUID) -> int:
    """Forget every decision of a person; returns how many there were."""
    return db.execute("DELETE FROM consents WHERE user_id = %(user_id)s", {"user_id": user_id}).rowcount
