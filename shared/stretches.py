"""What happened in a stretch of time, added up by day (UTC): the same statements sum it for good and read it live.

They are parts of the statements in shared/rollups.py and shared/report_dashboard.py, and take `Stretch.values()`.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import LiteralString

# Succeeded jobs are counted by the logarithm of their duration: quantiles within 2.5 % from sums that add up
# (Masson, Rim and Lee, "DDSketch", 2019). shared/sql/migrations has the same base in a comment.
BASE = 1.05

SALES: LiteralString = (
    "SELECT (t.transaction_timestamp AT TIME ZONE 'UTC')::date AS day, t.transaction_type,"
    " coalesce(t.vat_info ->> 'country', '') AS country, p.package_id, t.currency, count(*)::integer AS entries,"
    " sum(m.sign * (t.amount * 100)::bigint)::bigint AS gross,"
    " sum(m.sign * coalesce((t.vat_info ->> 'amount')::bigint, 0))::bigint AS tax, sum(t.available_delta) AS credits"
    " FROM transactions t JOIN purchases p USING (purchase_id),"
    " LATERAL (SELECT CASE t.entry WHEN 'debit' THEN -1 ELSE 1 END AS sign) AS m WHERE t.purchase_id IS NOT NULL"
    " AND t.transaction_timestamp >= %(start)s AND t.transaction_timestamp < %(end)s GROUP BY 1, 2, 3, 4, 5"
)
JOBS: LiteralString = (
    "SELECT (finished_at AT TIME ZONE 'UTC')::date AS day, kind, status, count(*)::integer AS jobs,"
    " coalesce(sum(price) FILTER (WHERE status = 'succeeded'), 0.0) AS credits"
    " FROM jobs WHERE finished_at >= %(start)s AND finished_at < %(end)s GROUP BY 1, 2, 3"
)
DURATIONS: LiteralString = (
    "SELECT (finished_at AT TIME ZONE 'UTC')::date AS day, kind,"
    " ceil(ln(greatest(extract(epoch FROM finished_at - created_at)::float8, 0.001)) / ln(%(base)s::float8))::smallint"
    " AS bucket, count(*)::integer AS jobs"
    " FROM jobs WHERE status = 'succeeded' AND finished_at >= %(start)s AND finished_at < %(end)s GROUP BY 1, 2, 3"
)
# Who does something for the first time is found by looking back once for each account and span, not for each action.
ACTIONS: LiteralString = (
    "WITH done AS (SELECT (at AT TIME ZONE 'UTC')::date AS day, action, user_id, count(*) AS actions FROM"
    "  (SELECT upload_timestamp AS at, 'upload' AS action, user_id FROM images"
    "   WHERE upload_timestamp >= %(start)s AND upload_timestamp < %(end)s"
    "  UNION ALL SELECT finished_at, CASE kind WHEN 'preview' THEN 'preview' ELSE 'vectorize' END, user_id FROM jobs"
    "   WHERE status = 'succeeded' AND finished_at >= %(start)s AND finished_at < %(end)s"
    "  UNION ALL SELECT transaction_timestamp, 'purchase', user_id FROM transactions WHERE purchase_id IS NOT NULL"
    "   AND transaction_type = 'purchase' AND transaction_timestamp >= %(start)s AND transaction_timestamp < %(end)s)"
    "  AS acts GROUP BY 1, 2, 3),"
    " firsts AS (SELECT action, user_id, min(day) AS day FROM done GROUP BY 1, 2),"
    " newcomers AS (SELECT action, user_id, day FROM firsts f WHERE CASE action"
    "  WHEN 'upload' THEN NOT EXISTS"
    "   (SELECT FROM images o WHERE o.user_id = f.user_id AND o.upload_timestamp < %(start)s)"
    "  WHEN 'purchase' THEN NOT EXISTS (SELECT FROM purchases o WHERE o.user_id = f.user_id AND o.paid_at < %(start)s)"
    "  ELSE NOT EXISTS (SELECT FROM jobs o WHERE o.user_id = f.user_id AND o.status = 'succeeded'"
    "   AND (o.kind = 'preview') = (f.action = 'preview') AND o.finished_at < %(start)s) END)"
    " SELECT day, action, '' AS detail, sum(actions)::integer AS actions,"
    " count(newcomers.user_id)::integer AS newcomers"
    " FROM done LEFT JOIN newcomers USING (day, action, user_id) GROUP BY 1, 2"
    " UNION ALL SELECT (created_at AT TIME ZONE 'UTC')::date, 'sign_up', '', count(*)::integer, count(*)::integer"
    "  FROM users WHERE created_at >= %(start)s AND created_at < %(end)s GROUP BY 1"
    " UNION ALL SELECT (action_timestamp AT TIME ZONE 'UTC')::date, 'download',"
    "  coalesce(additional_data ->> 'format', ''), count(*)::integer, 0 FROM analytics WHERE action_type = 'download'"
    "  AND action_timestamp >= %(start)s AND action_timestamp < %(end)s GROUP BY 1, 3"
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time, without its end."""

    start: datetime
    end: datetime

    def values(self) -> dict[str, object]:
        """The parameters of the statements that read rows."""
        return {"start": self.start, "end": self.end, "base": BASE}


def month_of(day: date, later: int) -> date:
    """The first day of the month of this day, or of a later one."""
    months = day.year * 12 + day.month - 1 + later
    return date(months // 12, months % 12 + 1, 1)
