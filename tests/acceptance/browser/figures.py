"""A month of figures as the reports answer them, so that every panel of the dashboard has something to show."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

FIRST, LAST = date(2030, 1, 1), date(2030, 1, 30)
DAYS = [(FIRST + timedelta(days=number)).isoformat() for number in range(30)]


def _sales(number: int) -> dict[str, Any]:
    purchases = (number * 7) % 5
    net = 990 * purchases
    return {
        "day": DAYS[number], "currency": "eur", "purchases": purchases, "sold": net * 119 // 100, "returned": 0,
        "net": net, "tax": net * 19 // 100, "gross": net * 119 // 100,
    }  # fmt: skip


DASHBOARD: Mapping[str, Any] = {
    "from": DAYS[0],
    "to": DAYS[-1],
    "data": {
        "summed_through": f"{DAYS[-1]}T00:00:00Z",
        "revenue": [
            {
                "currency": "eur", "purchases": 60, "reversals": 2, "net": 59400, "tax": 11286, "gross": 70686,
                "credits": "1180.0",
            }
        ],
        "sales_by_day": [_sales(number) for number in range(30)],
        "countries": [{"name": "DE", "currency": "eur", "purchases": 40, "net": 39600}],
        "packages": [{"name": "starter", "currency": "eur", "purchases": 60, "net": 59400}],
        "work": [
            {
                "kind": "preview", "succeeded": 812, "failed": 9, "canceled": 14, "credits": "162.4",
                "seconds_p50": 0.84, "seconds_p95": 2.9,
            },
            {
                "kind": "vectorization", "succeeded": 344, "failed": 4, "canceled": 2, "credits": "344.0",
                "seconds_p50": 1.12, "seconds_p95": 4.4,
            },
        ],
        "jobs_by_day": [
            {"day": day, "kind": "preview", "outcome": outcome, "jobs": jobs}
            for number, day in enumerate(DAYS)
            for outcome, jobs in (
                ("succeeded", 12 + (number * 5) % 21), ("failed", number % 3), ("canceled", number % 2),
            )
        ],
        "funnel": [
            {"action": "sign_up", "actions": 140, "newcomers": 140},
            {"action": "upload", "actions": 610, "newcomers": 121},
            {"action": "preview", "actions": 812, "newcomers": 96},
            {"action": "vectorize", "actions": 344, "newcomers": 71},
            {"action": "purchase", "actions": 60, "newcomers": 38},
        ],
        "people_by_day": [],
        "downloads": {"svg": 402, "pdf": 61, "dxf": 22, "png": 18},
    },
}  # fmt: skip
SALES: Mapping[str, Any] = {
    "data": {
        "countries": [
            {
                "country": country, "rate": rate, "rule": rule, "currency": "eur", "purchases": purchases,
                "reversals": 0, "net": net, "tax": tax, "gross": net + tax,
            }
            for country, rate, rule, purchases, net, tax in (
                ("DE", "19", "domestic", 40, 39600, 7524), ("FR", "20", "destination", 12, 11880, 2376),
                ("AT", "0", "reverse_charge", 5, 4950, 0), ("US", "0", "outside_eu", 3, 2970, 0),
            )
        ]
    }
}  # fmt: skip
USAGE: Mapping[str, Any] = {
    "data": {
        "problems": [
            {"kind": "preview", "problem": "too-complex", "jobs": 8},
            {"kind": "vectorization", "problem": "engine-crashed", "jobs": 3},
            {"kind": "preview", "problem": "attempts-exhausted", "jobs": 2},
        ]
    }
}
