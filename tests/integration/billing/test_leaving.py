"""Somebody takes everything along and leaves: the export is complete, and afterwards nothing leads to them."""

import json
from datetime import timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from flask import Flask

from api.house import house_of
from api.session import Caller
from dev.standins.clerk.state import State
from shared import purges
from shared.clock import utc_now
from shared.ids import new_id
from shared.inbox import InboxProvider
from shared.periods import Span
from shared.sales import Sales, read_sales
from tests.columns import places_of
from tests.conftest import ClerkStandIn, TestDatabase
from tests.integration.billing.lives import Life, exported, leave, upload
from tests.integration.billing.test_people import post, told
from workers import payments as payment_tasks
from workers import privacy
from workers.resources import Resources, open_resources


def revenue(owner: psycopg.Connection) -> list[tuple[object, ...]]:
    """What reports of money are made of, everybody's."""
    return owner.execute(
        "SELECT transaction_type::text, currency, vat_info ->> 'country', vat_info ->> 'rate', count(*), sum(amount),"
        " sum((vat_info ->> 'amount')::integer), sum(available_delta) FROM transactions"
        " WHERE amount IS NOT NULL GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
    ).fetchall()


def sales(worker: Resources) -> Sales:
    """The report of everything that was ever sold."""
    now = utc_now()
    with worker.database.reports() as db:
        return read_sales(
            db, Span(now - timedelta(days=30), now + timedelta(days=1), ZoneInfo("UTC")), seller_country="DE"
        )


def test_after_a_purge_no_column_of_any_table_leads_to_the_person(
    life: Life, worker: Resources, as_owner: psycopg.Connection, database: TestDatabase, app: Flask
) -> None:
    exported(life)
    assert set(life.needles) - {"303265045"} <= set(places_of(database.owner_url, life.needles)) | {"Rosengasse"}
    before, report = revenue(as_owner), sales(worker)
    assert worker.storage.list_keys(f"{life.user_id}/")

    answer = life.buyer.ask("DELETE", "/v1/me")
    assert (202, life.user_id) == (answer.status_code, json.loads(answer.data)["user_id"])
    leave(worker, as_owner, life.user_id)

    assert {} == places_of(database.owner_url, life.needles)
    assert [] == worker.storage.list_keys(f"{life.user_id}/")
    assert (before, report) == (revenue(as_owner), sales(worker))
    assert report.totals
    house_of(app).callers.clear()
    for credential in (life.buyer.token, life.secret):
        refused = life.buyer.client.get("/v1/me", headers={"Authorization": f"Bearer {credential}"})
        assert 401 == refused.status_code
    assert {} == places_of(database.owner_url, life.needles)


def test_an_export_and_a_purge_are_in_the_audit_log(
    life: Life, worker: Resources, as_owner: psycopg.Connection
) -> None:
    exported(life)
    life.buyer.ask("DELETE", "/v1/me")
    leave(worker, as_owner, life.user_id)
    noted = as_owner.execute(
        "SELECT actor::text, action::text, details ->> 'stage' FROM audit_log WHERE user_id = %s"
        " AND action IN ('export', 'purge') ORDER BY audit_id",
        [life.user_id],
    ).fetchall()
    assert [("customer", "export", None), ("customer", "purge", "asked"), ("house", "purge", "done")] == noted


def test_of_a_business_the_books_keep_who_had_to_pay_the_tax_and_nothing_else(
    life: Life, worker: Resources, as_owner: psycopg.Connection
) -> None:
    life.buyer.ask("DELETE", "/v1/me")
    leave(worker, as_owner, life.user_id)
    rows = as_owner.execute("SELECT details FROM purchases WHERE user_id = %s", [life.user_id]).fetchall()
    kept = [worker.cashier.vault.open(row[0]) for row in rows if row[0] is not None]
    by_name = {frozenset(one["accounting"]) for one in kept if isinstance(one["accounting"], dict)}  # pyright: ignore[reportUnknownArgumentType]
    assert {
        frozenset({"invoice_number", "vat_id", "name"}), frozenset({"invoice_number"}), frozenset({"vat_id"}),
    } == by_name  # fmt: skip


def test_news_from_stripe_and_clerk_bring_nobody_back(
    life: Life, worker: Resources, as_owner: psycopg.Connection, database: TestDatabase, clerk: ClerkStandIn
) -> None:
    life.buyer.ask("DELETE", "/v1/me")
    leave(worker, as_owner, life.user_id)
    # Of the business, whose VAT id Stripe tells again.
    life.buyer.stripe.client().v1.refunds.create({"payment_intent": life.stripe_ids[1], "amount": 100})
    life.buyer.deliver(*life.buyer.stripe.events_about(*life.stripe_ids))
    rows = as_owner.execute("SELECT details FROM purchases WHERE user_id = %s", [life.user_id]).fetchall()
    assert {"accounting"} == {name for row in rows if row[0] for name in worker.cashier.vault.open(row[0])}
    user = State(clerk.state).user(life.email)
    for kind in ("user.updated", "user.created"):
        event_id = f"msg_{new_id().hex}"
        assert 200 == post(life.buyer.client, told(kind, user), event_id=event_id).status_code
        payment_tasks.handle(worker, InboxProvider.CLERK, event_id)
    assert {} == places_of(database.owner_url, life.needles)
    refunds = as_owner.execute(
        "SELECT sum(amount) FROM transactions WHERE user_id = %s AND transaction_type = 'refund'", [life.user_id]
    ).fetchone()
    assert (Decimal("6.00"),) == refunds


def test_a_process_that_still_knows_the_person_does_not_show_them(
    life: Life, app: Flask, worker: Resources, as_owner: psycopg.Connection
) -> None:
    def ask(method: str, body: object = None) -> int:
        house_of(app).callers.keep(f"Bearer {life.buyer.token}", Caller(UUID(life.user_id)), 60)
        return life.buyer.ask(method, "/v1/me", body).status_code

    life.buyer.ask("DELETE", "/v1/me")
    assert [401, 401] == [ask("GET"), ask("PATCH", {"name": "W."})]
    # That they left is announced, and may be heard just now: then the process knows them no longer.
    assert any(ask("DELETE") == 202 for _ in range(3))
    leave(worker, as_owner, life.user_id)


def test_deleting_the_sign_in_starts_the_same_purge(
    life: Life, worker: Resources, as_owner: psycopg.Connection, database: TestDatabase, clerk: ClerkStandIn
) -> None:
    event_id = f"msg_{new_id().hex}"
    user = State(clerk.state).user(life.email)
    post(life.buyer.client, told("user.deleted", user), event_id=event_id)
    payment_tasks.handle(worker, InboxProvider.CLERK, event_id)
    leave(worker, as_owner, life.user_id)
    assert {} == places_of(database.owner_url, life.needles)


def test_what_was_under_way_during_the_first_pass_is_gone_after_the_second(
    life: Life, worker: Resources, as_owner: psycopg.Connection, database: TestDatabase
) -> None:
    image = upload(life.buyer, "another.png")
    life.buyer.ask("DELETE", "/v1/me")
    assert privacy.purge(worker, UUID(life.user_id)) is not None
    as_owner.execute(
        "INSERT INTO images (image_id, user_id, status, file_name, file_url, file_type, file_size, width, height,"
        " working_key, working_width, working_height, sha256, expiry_timestamp) SELECT gen_random_uuid(), user_id,"
        " 'ready', 'geheimlogo.png', file_url, file_type, file_size, width, height, file_url, 1, 1, %s,"
        " house_now() + interval '1 day' FROM images WHERE image_id = %s",
        [life.sha256, image["image_id"]],
    )
    worker.storage.put(f"{life.user_id}/{new_id()}/late.svg", b"<svg/>", "image/svg+xml")
    as_owner.execute("UPDATE purges SET run_at = house_now() WHERE user_id = %s", [life.user_id])
    done = privacy.purge(worker, UUID(life.user_id))
    assert done is not None
    assert done.done_at is not None
    assert {} == places_of(database.owner_url, life.needles)
    assert [] == worker.storage.list_keys(f"{life.user_id}/")


def test_while_storage_is_away_a_purge_waits_and_then_goes_on(
    life: Life, worker: Resources, as_owner: psycopg.Connection
) -> None:
    life.buyer.ask("DELETE", "/v1/me")
    away = open_resources(worker.settings.model_copy(update={"supabase_url": "http://127.0.0.1:9"}))
    assert privacy.purge(away, UUID(life.user_id)) is None
    away.close()
    assert privacy.purge(worker, UUID(life.user_id)) is None  # claimed still
    as_owner.execute("UPDATE purges SET run_at = house_now() WHERE user_id = %s", [life.user_id])
    with worker.maintenance.transaction() as db:
        assert UUID(life.user_id) in purges.select_purges_due(db, limit=100)
    leave(worker, as_owner, life.user_id)


def test_the_operator_is_told_where_the_providers_know_the_person_until_it_is_seen_to(
    life: Life, worker: Resources, as_owner: psycopg.Connection
) -> None:
    life.buyer.ask("DELETE", "/v1/me")
    with worker.maintenance.transaction() as db:
        assert not purges.update_purge_seen_to(db, UUID(life.user_id))
    leave(worker, as_owner, life.user_id)
    with worker.maintenance.transaction() as db:
        (mine,) = [one for one in purges.select_purges_to_see_to(db, limit=100) if str(one.user_id) == life.user_id]
        notes = worker.cashier.vault.open(mine.notes)
        assert life.clerk_id == notes["clerk_id"]
        stripe_ids = notes["stripe"]
        assert isinstance(stripe_ids, list)
        assert set(life.stripe_ids) <= set(stripe_ids)  # pyright: ignore[reportUnknownArgumentType]
        assert purges.update_purge_seen_to(db, UUID(life.user_id))
        assert not [one for one in purges.select_purges_to_see_to(db, limit=100) if str(one.user_id) == life.user_id]


def test_an_export_never_outlives_its_person(life: Life, worker: Resources, as_owner: psycopg.Connection) -> None:
    export = json.loads(life.buyer.ask("POST", "/v1/me/exports").data)
    life.buyer.ask("DELETE", "/v1/me")
    leave(worker, as_owner, life.user_id)
    assert privacy.export(worker, UUID(export["export_id"]), UUID(life.user_id)) is None
    assert [] == worker.storage.list_keys(f"{life.user_id}/")
