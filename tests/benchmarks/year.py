"""A year of business to report on: a million jobs and events, written by the server itself."""

import psycopg
from psycopg import sql

DAYS = 365
ACCOUNTS = 20_000
IMAGES = 100_000
JOBS = 1_000_000
PURCHASES = 20_000


def write_year(owner: psycopg.Connection, *, share: int = 1) -> None:
    """Write the year that ends now, divided by `share`, as a superuser who checks no reference.

    Accounts sign up, upload, try and buy evenly over the year; one job in ten failed, one purchase in twenty went back.
    """
    counts = {
        "days": DAYS,
        "accounts": ACCOUNTS // share,
        "images": IMAGES // share,
        "jobs": JOBS // share,
        "purchases": PURCHASES // share,
    }
    with owner.transaction():
        owner.execute("SET LOCAL session_replication_role = replica")
        owner.execute("SET LOCAL synchronous_commit = off")
        owner.execute(
            "CREATE FUNCTION year_id(kind integer, number integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS"
            " $$SELECT (lpad(to_hex(1_700_000_000_000 + number * 60::bigint), 12, '0') || '7' ||"
            " lpad(to_hex(kind), 3, '0') || substr(md5(number::text), 1, 16))::uuid$$"
        )
        # The moment of the n-th of so many, evenly over the days.
        owner.execute(
            "CREATE FUNCTION year_moment(n integer, of integer, days integer) RETURNS timestamptz LANGUAGE sql STABLE"
            " AS $$SELECT now() - make_interval(secs => days * 86400.0 * (of - n) / of)$$"
        )
        owner.execute(
            "INSERT INTO users (user_id, clerk_id, created_at) SELECT year_id(1, n), 'year_' || n,"
            " year_moment(n, %(accounts)s, %(days)s) FROM generate_series(1, %(accounts)s) AS n",
            counts,
        )
        owner.execute(
            "INSERT INTO images (image_id, user_id, status, file_url, file_type, file_size, width, height, sha256,"
            " upload_timestamp, expiry_timestamp, objects_gone_at)"
            " SELECT year_id(2, n), year_id(1, (1 + n * 7919::bigint %% %(accounts)s)::integer),"
            " 'expired', 'gone/' || n,"
            " CASE n %% 3 WHEN 0 THEN 'png'::file_type ELSE 'jpeg' END, 1000 + n %% 900000, 64 + n %% 3000,"
            " 48 + n %% 2000, repeat('0', 64), moment, moment + interval '1 day', moment + interval '1 day'"
            " FROM generate_series(1, %(images)s) AS n,"
            " LATERAL (SELECT year_moment(n, %(images)s, %(days)s) AS moment)",
            counts,
        )
        owner.execute(
            "INSERT INTO jobs (job_id, user_id, image_id, kind, status, price, options, formats, attempts, fence,"
            " progress, stage, problem, report, created_at, started_at, finished_at)"
            " SELECT year_id(3, n), year_id(1, (1 + n * 7919::bigint %% %(accounts)s)::integer),"
            " year_id(2, 1 + n %% %(images)s),"
            " CASE n %% 3 WHEN 0 THEN 'vectorization'::job_kind ELSE 'preview' END,"
            " CASE n %% 10 WHEN 0 THEN 'failed'::job_status ELSE 'succeeded' END,"
            " CASE n %% 3 WHEN 0 THEN 1 ELSE 0.2 END, '{}', '{svg}', 1, 1, 1, 'done',"
            ' CASE n %% 10 WHEN 0 THEN \'{"slug": "too-complex"}\'::jsonb END,'
            " CASE n %% 10 WHEN 0 THEN NULL ELSE '{\"bytes\": 12345}'::jsonb END,"
            " moment, moment + interval '50 ms', moment + make_interval(secs => 0.1 + n %% 997 / 100.0)"
            " FROM generate_series(1, %(jobs)s) AS n, LATERAL (SELECT year_moment(n, %(jobs)s, %(days)s) AS moment)",
            counts,
        )
        owner.execute(
            "INSERT INTO transactions (transaction_id, user_id, transaction_type, entry, job_id, available_delta,"
            " reserved_delta, transaction_timestamp)"
            " SELECT gen_random_uuid(), user_id, CASE kind WHEN 'preview' THEN 'preview'::transaction_type"
            "  ELSE 'vectorize' END, e.entry::ledger_entry, job_id,"
            " CASE e.entry WHEN 'reserve' THEN -price WHEN 'release' THEN price ELSE 0 END,"
            " CASE e.entry WHEN 'reserve' THEN price ELSE -price END,"
            " CASE e.entry WHEN 'reserve' THEN created_at ELSE finished_at END"
            " FROM jobs, LATERAL (VALUES ('reserve'), (CASE status WHEN 'failed' THEN 'release' ELSE 'capture' END))"
            "  AS e (entry)"
        )
        owner.execute(
            "INSERT INTO purchases (purchase_id, user_id, package_id, status, credits, amount, currency, total, tax,"
            " created_at, paid_at) SELECT year_id(4, n), year_id(1, 1 + n %% %(accounts)s), 'starter', 'paid', 20, 990,"
            " 'eur', 1178, 188, moment, moment FROM generate_series(1, %(purchases)s) AS n,"
            " LATERAL (SELECT year_moment(n, %(purchases)s, %(days)s) AS moment)",
            counts,
        )
        owner.execute(
            "INSERT INTO transactions (transaction_id, user_id, transaction_type, entry, available_delta,"
            " reserved_delta, amount, currency, vat_info, transaction_timestamp, purchase_id, reversal_id,"
            " reversal_move) SELECT gen_random_uuid(), user_id, e.kind::transaction_type, e.entry::ledger_entry,"
            " e.credits, 0, 11.78, 'eur',"
            " jsonb_build_object('country', (ARRAY['DE', 'FR', 'ES', 'IT', 'PL', 'US'])[1 + n %% 6], 'rate', '19',"
            "  'reverse_charge', false, 'amount', 188), paid_at + e.later, purchase_id, e.reversal_id, e.move"
            " FROM (SELECT *, row_number() OVER (ORDER BY paid_at)::integer AS n FROM purchases) AS p,"
            " LATERAL (VALUES ('purchase', 'credit', 20, interval '0', NULL::text, NULL::integer),"
            "  ('refund', 'debit', -20, interval '1 day', 're_' || n, 1))"
            "  AS e (kind, entry, credits, later, reversal_id, move)"
            " WHERE e.kind = 'purchase' OR n %% 20 = 0",
            counts,
        )
        owner.execute(
            "INSERT INTO analytics (analytics_id, user_id, action_type, action_timestamp, additional_data)"
            " SELECT job_id, user_id, CASE status WHEN 'failed' THEN kind::text ELSE 'download' END, finished_at,"
            " jsonb_build_object('kind', kind, 'format', CASE kind WHEN 'preview' THEN 'png' ELSE 'svg' END) FROM jobs"
        )
    for table in ("users", "images", "jobs", "transactions", "purchases", "analytics"):
        owner.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(table)))
    owner.execute("CHECKPOINT")  # what was written above is not to be paid for while others are measured
