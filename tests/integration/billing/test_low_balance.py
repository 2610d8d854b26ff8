"""A balance that falls low is noted, once each time it falls."""

from decimal import Decimal

import pytest

from shared import lifecycle, membership
from shared.errors import InsufficientCredits
from shared.ids import new_id
from shared.jobs import JobKind
from shared.lifecycle import Submission
from tests.conftest import Connection
from tests.factories import Scene, make_scene


def use(db: Connection, scene: Scene, price: str) -> None:
    wish = Submission(
        scene.account.user_id, scene.image.image_id, JobKind.PREVIEW, Decimal(price), {}, ["png"], Decimal("1.0")
    )
    lifecycle.submit(db, wish, job_id=new_id(), resend_seconds=5)


def noted(db: Connection, scene: Scene) -> list[str]:
    rows = db.execute(
        "SELECT additional_data ->> 'available' FROM analytics WHERE action_type = 'low_balance' AND user_id = %s"
        " ORDER BY analytics_id",
        [scene.account.user_id],
    ).fetchall()
    return [row[0] for row in rows]


def test_falling_below_the_threshold_is_noted_once(db: Connection) -> None:
    scene = make_scene(db, credits="1.5")
    seen: list[list[str]] = []
    for _ in range(4):
        use(db, scene, "0.2")
        seen.append(noted(db, scene))
    assert [[], [], ["0.9"], ["0.9"]] == seen


def test_it_is_noted_again_after_the_account_was_filled(db: Connection) -> None:
    scene = make_scene(db, credits="1.0")
    use(db, scene, "0.2")
    membership.grant_credits(db, user_id=scene.account.user_id, amount=Decimal(1), reason="filled")
    use(db, scene, "1.0")
    assert ["0.8", "0.8"] == noted(db, scene)


def test_a_refused_job_notes_nothing(db: Connection) -> None:
    scene = make_scene(db, credits="1.0")
    with pytest.raises(InsufficientCredits):
        use(db, scene, "1.1")
    assert [] == noted(db, scene)
