"""What people did: the partitioned table `analytics`. Never any personal data in `additional_data`."""

from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

from psycopg.types.json import Jsonb

from shared.db import Connection


class ActionType(StrEnum):
    """The actions that reports count."""

    SIGN_UP = "sign_up"
    UPLOAD = "upload"
    PREVIEW = "preview"
    VECTORIZE = "vectorize"
    DOWNLOAD = "download"
    DELETE = "delete"
    CHECKOUT = "checkout"
    PURCHASE = "purchase"
    REFUND = "refund"
    DISPUTE = "dispute"
    LOW_BALANCE = "low_balance"
    PURGE = "purge"
    REPORT = "report"


def insert_event(
    db: Connection, *, analytics_id: UUID, user_id: UUID, action_type: ActionType, data: Mapping[str, object]
) -> None:
    """Note an action in the database transaction of what it records."""
    db.execute(
        "INSERT INTO analytics (analytics_id, user_id, action_type, additional_data)"
        " VALUES (%(analytics_id)s, %(user_id)s, %(action_type)s, %(data)s)",
        {"analytics_id": analytics_id, "user_id": user_id, "action_type": action_type, "data": Jsonb(data)},
    )


def prepare_partitions(db: Connection, *, months_ahead: int) -> int:
    """Make the coming months' partitions of every partitioned table; returns how many were missing."""
    row = db.execute("SELECT prepare_partitions(%(months)s)", {"months": months_ahead}).fetchone()
    assert row is not None
    return row[0]
