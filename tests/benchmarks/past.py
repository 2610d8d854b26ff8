"""A past to measure with: a million rows, written by the server itself."""

import psycopg
from psycopg import sql

from tests.factories import Scene

ACCOUNTS = 1_000
IMAGES = 20_000
JOBS = 250_000
ONE_IN_A_HUNDRED = 100
"""Every hundredth job was the measured account's own: whoever polls has a past too."""


def write_past(owner: psycopg.Connection, scene: Scene, *, jobs: int = JOBS) -> None:
    """Write `jobs` ended jobs, two ledger entries and one event of each, as a superuser who checks no reference.

    Ids are time-ordered as the house's are; the balances of the accounts do not add up, and nobody asks them to.
    """
    mine = {"user": scene.account.user_id, "image": scene.image.image_id}
    with owner.transaction():
        owner.execute("SET LOCAL session_replication_role = replica")
        owner.execute("SET LOCAL synchronous_commit = off")
        owner.execute(
            "CREATE FUNCTION bench_id(kind integer, number integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS"
            " $$SELECT (lpad(to_hex(1_700_000_000_000 + number * 60::bigint), 12, '0') || '7' ||"
            " lpad(to_hex(kind), 3, '0') || substr(md5(number::text), 1, 16))::uuid$$"
        )
        owner.execute(
            "INSERT INTO users (user_id, clerk_id, email) SELECT bench_id(1, n), 'past_' || n, n || '@past.example.com'"
            " FROM generate_series(1, %(accounts)s) AS n",
            {"accounts": ACCOUNTS},
        )
        owner.execute(
            "INSERT INTO images (image_id, user_id, status, file_url, file_type, file_size, width, height, sha256,"
            " expiry_timestamp, objects_gone_at)"
            " SELECT bench_id(2, n), bench_id(1, 1 + n %% %(accounts)s), 'expired', 'gone/' || n, 'png', 1000, 64, 48,"
            " repeat('0', 64), now() - interval '1 day', now() FROM generate_series(1, %(images)s) AS n",
            {"accounts": ACCOUNTS, "images": IMAGES},
        )
        owner.execute(
            "INSERT INTO jobs (job_id, user_id, image_id, kind, status, price, options, formats, attempts, fence,"
            " progress, stage, report, created_at, started_at, finished_at)"
            " SELECT bench_id(3, n),"
            " CASE n %% %(own)s WHEN 0 THEN %(user)s ELSE bench_id(1, 1 + n %% %(accounts)s) END,"
            " CASE n %% %(own)s WHEN 0 THEN %(image)s ELSE bench_id(2, 1 + n %% %(images)s) END, 'vectorization',"
            " 'succeeded', 1, '{}', '{svg}', 1, 1, 1, 'done', '{\"paths\": 12}', moment, moment, moment"
            " FROM generate_series(1, %(jobs)s) AS n, LATERAL (SELECT now() - n * interval '1 second' AS moment)",
            mine | {"jobs": jobs, "own": ONE_IN_A_HUNDRED, "accounts": ACCOUNTS, "images": IMAGES},
        )
        owner.execute(
            "INSERT INTO transactions (transaction_id, user_id, transaction_type, entry, job_id, available_delta,"
            " reserved_delta, transaction_timestamp)"
            " SELECT bench_id(4 + step, row_number() OVER ()::integer), user_id, 'vectorize',"
            " CASE step WHEN 0 THEN 'reserve'::ledger_entry ELSE 'capture' END, job_id, step - 1, 1 - 2 * step,"
            " created_at FROM jobs, generate_series(0, 1) AS step WHERE status = 'succeeded'"
        )
        owner.execute(
            "INSERT INTO analytics (analytics_id, user_id, action_type, action_timestamp, additional_data)"
            " SELECT job_id, user_id, 'vectorize', created_at, '{\"outcome\": \"succeeded\"}' FROM jobs"
        )
    for table in ("users", "images", "jobs", "transactions", "analytics"):
        owner.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(table)))
    owner.execute("CHECKPOINT")  # what was written above is not to be paid for while others are measured


def write_month(owner: psycopg.Connection, rows: int) -> None:
    """A month of events long ago, as a partition of its own; what was there of it is replaced."""
    owner.execute("DROP TABLE IF EXISTS analytics_2020_01")
    with owner.transaction():
        owner.execute("SET LOCAL synchronous_commit = off")
        owner.execute(
            "CREATE TABLE analytics_2020_01 PARTITION OF analytics FOR VALUES FROM ('2020-01-01Z') TO ('2020-02-01Z')"
        )
        owner.execute(
            "INSERT INTO analytics (analytics_id, user_id, action_type, action_timestamp, additional_data)"
            " SELECT gen_random_uuid(), NULL, 'vectorize', timestamptz '2020-01-01Z' + n * interval '1 second',"
            ' \'{"outcome": "succeeded"}\' FROM generate_series(1, %(rows)s) AS n',
            {"rows": rows},
        )
    owner.execute("CHECKPOINT")
