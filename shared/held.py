"""What is held about one person, table by table, for an export: one SQL statement each.

A test compares the tables with those that have a `user_id`, so that nothing that is added later is left out. What only
the house understands (fences, leases, hashes of secrets) is left out.
"""

from collections.abc import Iterator, Mapping
from typing import Any, LiteralString
from uuid import UUID

from shared.db import Connection

ROWS_AT_ONCE = 500

HELD: Mapping[str, LiteralString] = {
    "users": "SELECT to_jsonb(t) FROM users t WHERE user_id = %(user_id)s",
    "consents": "SELECT to_jsonb(t) FROM consents t WHERE user_id = %(user_id)s ORDER BY consent_id",
    "api_keys": "SELECT to_jsonb(t) - 'key_hash' FROM api_keys t WHERE user_id = %(user_id)s ORDER BY api_key_id",
    "images": """
        SELECT to_jsonb(t) - ARRAY['fence', 'lease_until', 'run_at', 'attempts', 'analyse_at', 'analysis_attempts']
        FROM images t WHERE user_id = %(user_id)s ORDER BY image_id
    """,
    "files": "SELECT to_jsonb(t) - 'cache_key' FROM files t WHERE user_id = %(user_id)s ORDER BY storage_key",
    "jobs": """
        SELECT to_jsonb(t) - ARRAY['fence', 'lease_until', 'run_at', 'traceparent'] FROM jobs t
        WHERE user_id = %(user_id)s ORDER BY job_id
    """,
    "renditions": """
        SELECT jsonb_build_object('job_id', job_id, 'format', format, 'asked_at', asked_at) FROM renditions
        WHERE user_id = %(user_id)s ORDER BY job_id, format
    """,
    "report_files": """
        SELECT to_jsonb(t) - ARRAY['fence', 'run_at', 'attempts'] FROM report_files t
        WHERE user_id = %(user_id)s ORDER BY report_file_id
    """,
    "transactions": "SELECT to_jsonb(t) FROM transactions t WHERE user_id = %(user_id)s ORDER BY transaction_id",
    "purchases": """
        SELECT to_jsonb(t) - 'version' || jsonb_build_object('details', encode(details, 'escape')) FROM purchases t
        WHERE user_id = %(user_id)s ORDER BY purchase_id
    """,
    "reversals": "SELECT to_jsonb(t) FROM reversals t WHERE user_id = %(user_id)s ORDER BY reversal_id",
    "analytics": "SELECT to_jsonb(t) FROM analytics t WHERE user_id = %(user_id)s ORDER BY action_timestamp",
    "audit_log": "SELECT to_jsonb(t) FROM audit_log t WHERE user_id = %(user_id)s ORDER BY happened_at",
    "idempotency_keys": """
        SELECT jsonb_build_object('status', status, 'body', body, 'created_at', created_at) FROM idempotency_keys
        WHERE user_id = %(user_id)s ORDER BY created_at
    """,
    "exports": "SELECT to_jsonb(t) - ARRAY['run_at', 'attempts'] FROM exports t WHERE user_id = %(user_id)s",
}


def select_held(db: Connection, table: str, user_id: UUID) -> Iterator[dict[str, Any]]:
    """A person's rows of one table, one after the other: however many there are, few are in memory."""
    with db.cursor(name="held") as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute(HELD[table], {"user_id": user_id})
        for row in cursor:
            yield row[0]
