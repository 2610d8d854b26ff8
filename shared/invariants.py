"""What must hold of money and jobs at every moment, one SQL statement each.

Used by the tests, the torture suite, `/metrics` and `python -m api invariants`. A statement returns one
text per violation: nothing is the good answer. They need the maintenance role, which sees every account.
"""

from collections.abc import Mapping
from typing import LiteralString

from shared.db import Connection

MOST_SHOWN = 20

INVARIANTS: Mapping[str, LiteralString] = {
    "balance_is_the_sum_of_the_ledger": """
        SELECT format('user %%s: balance %%s, ledger %%s', u.user_id, u.credit_balance, coalesce(l.total, 0))
        FROM users u LEFT JOIN
            (SELECT user_id, sum(available_delta) AS total FROM transactions GROUP BY user_id) l USING (user_id)
        WHERE u.credit_balance <> coalesce(l.total, 0)
    """,
    "reserved_is_the_sum_of_open_reservations": """
        SELECT format('user %%s: reserved %%s, open jobs %%s', u.user_id, u.credits_reserved, coalesce(j.total, 0))
        FROM users u LEFT JOIN
            (SELECT user_id, sum(price) AS total FROM jobs
             WHERE status IN ('queued', 'running') GROUP BY user_id) j USING (user_id)
        WHERE u.credits_reserved <> coalesce(j.total, 0)
    """,
    "every_job_is_reserved_once_at_its_price": """
        SELECT format('job %%s: %%s reservations of %%s', j.job_id, count(t.job_id), j.price)
        FROM jobs j LEFT JOIN transactions t ON t.job_id = j.job_id AND t.entry = 'reserve'
            AND t.reserved_delta = j.price AND t.user_id = j.user_id
        GROUP BY j.job_id HAVING count(t.job_id) <> 1
    """,
    "a_finished_job_is_settled_once_and_rightly": """
        SELECT format('job %%s is %%s: %%s captures, %%s releases', j.job_id, j.status,
            count(*) FILTER (WHERE t.entry = 'capture'), count(*) FILTER (WHERE t.entry = 'release'))
        FROM jobs j LEFT JOIN transactions t ON t.job_id = j.job_id AND t.entry IN ('capture', 'release')
        GROUP BY j.job_id
        HAVING count(*) FILTER (WHERE t.entry = 'capture') <> (j.status = 'succeeded')::integer
            OR count(*) FILTER (WHERE t.entry = 'release') <> (j.status IN ('failed', 'canceled'))::integer
    """,
    "only_refunds_and_disputes_leave_a_debt": """
        SELECT format('user %%s: available %%s (debt since %%s), reserved %%s, taken back %%s',
            u.user_id, u.credit_balance, u.debt_since, u.credits_reserved, coalesce(r.credits, 0))
        FROM users u LEFT JOIN
            (SELECT user_id, sum(credits) AS credits FROM reversals GROUP BY user_id) r USING (user_id)
        WHERE u.credits_reserved < 0 OR u.credit_balance < 0
            AND (u.debt_since IS NULL OR -u.credit_balance > coalesce(r.credits, 0))
    """,
    "a_paid_purchase_is_credited_once_and_no_other_is": """
        SELECT format('purchase %%s is %%s: %%s credits of %%s', p.purchase_id, p.status,
            count(t.transaction_id), p.credits)
        FROM purchases p LEFT JOIN transactions t ON t.purchase_id = p.purchase_id AND t.user_id = p.user_id
            AND t.transaction_type = 'purchase' AND t.available_delta = p.credits AND t.amount = p.total::numeric / 100
        GROUP BY p.purchase_id HAVING count(t.transaction_id) <> (p.status IN ('paid', 'refunded'))::integer
    """,
    "what_a_reversal_takes_back_is_in_the_ledger": """
        SELECT format('%%s takes back %%s credits, %%s cents and %%s of tax, the ledger says %%s, %%s and %%s',
            r.reversal_id, r.credits, r.amount, r.tax,
            coalesce(l.credits, 0), coalesce(l.amount, 0), coalesce(l.tax, 0))
        FROM reversals r LEFT JOIN
            (SELECT reversal_id, -sum(available_delta) AS credits, sum(m.sign * amount * 100)::bigint AS amount,
                sum(m.sign * (vat_info ->> 'amount')::bigint) AS tax
             FROM transactions t, LATERAL (SELECT CASE t.entry WHEN 'debit' THEN 1 ELSE -1 END AS sign) m
             WHERE reversal_id IS NOT NULL GROUP BY reversal_id) l USING (reversal_id)
        WHERE (r.credits, r.amount, r.tax) <> (coalesce(l.credits, 0), coalesce(l.amount, 0), coalesce(l.tax, 0))
    """,
    "no_purchase_gives_back_more_than_it_gave": """
        SELECT format('purchase %%s of %%s credits and %%s cents: %%s and %%s were taken back', p.purchase_id,
            p.credits, p.total, sum(r.credits), sum(r.amount))
        FROM purchases p JOIN reversals r USING (purchase_id)
        GROUP BY p.purchase_id HAVING sum(r.credits) > p.credits OR sum(r.amount) > p.total
    """,
    "no_job_outlives_its_lease_and_a_sweep": """
        SELECT format('job %%s has been stale since %%s', job_id, lease_until) FROM jobs
        WHERE status = 'running' AND lease_until < house_now() - interval '1 minute'
    """,
    "every_queued_job_has_a_wakeup": """
        SELECT format('job %%s is queued and nothing will wake it', job_id) FROM jobs
        WHERE status = 'queued' AND NOT EXISTS (SELECT FROM wakeups WHERE subject_id = job_id)
    """,
    "every_wakeup_has_something_to_wake": """
        SELECT format('wake-up of %%s for %%s', subject_id, task) FROM wakeups w
        WHERE NOT EXISTS (SELECT FROM jobs WHERE job_id = subject_id AND status = 'queued')
            AND NOT EXISTS (SELECT FROM images WHERE image_id = subject_id AND status = 'processing')
    """,
    "every_succeeded_job_has_its_results_until_they_expire": """
        SELECT format('job %%s lacks a result', j.job_id) FROM jobs j JOIN images i USING (image_id)
        WHERE j.status = 'succeeded' AND i.objects_gone_at IS NULL AND i.deleted_at IS NULL
            AND NOT EXISTS (SELECT FROM files f WHERE f.job_id = j.job_id AND f.kind = 'result')
    """,
}


def select_violations(db: Connection, name: str) -> list[str]:
    """What breaks one invariant, at most twenty lines of it."""
    rows = db.execute(INVARIANTS[name] + " LIMIT %(most)s", {"most": MOST_SHOWN}).fetchall()
    return [row[0] for row in rows]


def select_all_violations(db: Connection) -> dict[str, list[str]]:
    """Every broken invariant with what breaks it; an empty dictionary is the good answer."""
    found = {name: select_violations(db, name) for name in INVARIANTS}
    return {name: violations for name, violations in found.items() if violations}


def insert_checks(db: Connection, counts: Mapping[str, int]) -> None:
    """Keep how often each invariant is broken, as of now; invariants that are no more are forgotten."""
    db.execute(
        "WITH gone AS (DELETE FROM invariant_checks WHERE name <> ALL(%(names)s))"
        " INSERT INTO invariant_checks (name, violations)"
        " SELECT * FROM unnest(%(names)s::text[], %(counts)s::integer[])"
        " ON CONFLICT (name) DO UPDATE SET violations = excluded.violations, checked_at = house_now()",
        {"names": list(counts), "counts": list(counts.values())},
    )


def select_checks(db: Connection) -> list[tuple[str, int, float]]:
    """(invariant, violations, seconds since it was checked) of the last check."""
    return db.execute(
        "SELECT name, violations, extract(epoch FROM house_now() - checked_at)::double precision"
        " FROM invariant_checks ORDER BY name"
    ).fetchall()
