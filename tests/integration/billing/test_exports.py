"""Somebody takes along everything that is held about them."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import httpx
import psycopg

from shared.api_keys import hash_secret
from shared.exports import ExportStatus
from shared.held import HELD
from tests.integration.billing.conftest import Buyer
from tests.integration.billing.lives import Life, exported
from workers import privacy
from workers.resources import Resources

SELDOM = {"renditions", "report_files"}  # the life of these tests has none
# How far we are with somebody's wishes, which names nobody; and the secrets of guests, who have no sign-in.
NOT_HELD = {"purges", "wakeups", "guests"}


def test_an_export_holds_every_row_and_every_object(life: Life, as_owner: psycopg.Connection) -> None:
    archive = exported(life)
    assert archive.testzip() is None
    held = {name: json.loads(archive.read(f"{_file_of(name)}.json")) for name in HELD}
    for table, rows in held.items():
        count = as_owner.execute(f"SELECT count(*) FROM {table} WHERE user_id = %s".encode(), [life.user_id]).fetchone()
        assert (table, (len(rows),)) == (table, count)
        assert rows or table in SELDOM, table
    everything = b"".join(archive.read(name) for name in archive.namelist()).decode("utf-8", "replace")
    for needle in (life.email, life.clerk_id, "Zaunkoenig", "Rosengasse", "FR40303265045", "geheimlogo.png"):
        assert needle in everything
    assert life.secret not in everything
    assert hash_secret(life.secret).hex() not in everything
    keys = [row["storage_key"] for row in held["files"]]
    assert len(keys) >= 3
    for key in keys:
        assert life.buyer.worker.storage.get(key) == archive.read(f"files/{key.partition('/')[2]}")
    assert "left-out.json" not in archive.namelist()


def _file_of(table: str) -> str:
    return "account" if table == "users" else table.replace("_", "-")


def test_every_table_about_people_is_exported(as_owner: psycopg.Connection) -> None:
    rows = as_owner.execute(
        "SELECT relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE a.attname = 'user_id'"
        " AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace"
    ).fetchall()
    assert {row[0] for row in rows} - NOT_HELD == set(HELD)


def test_an_export_that_is_asked_for_twice_is_made_once(life: Life, as_owner: psycopg.Connection) -> None:
    first, second = (json.loads(life.buyer.ask("POST", "/v1/me/exports").data) for _ in range(2))
    assert first["export_id"] == second["export_id"]
    waiting = life.buyer.ask("GET", f"/v1/me/exports/{first['export_id']}")
    assert ("queued", "2") == (json.loads(waiting.data)["status"], waiting.headers["Retry-After"])
    assert ExportStatus.READY == privacy.export(life.buyer.worker, UUID(first["export_id"]), UUID(life.user_id))
    as_owner.execute("UPDATE exports SET run_at = house_now()")
    assert privacy.export(life.buyer.worker, UUID(first["export_id"]), UUID(life.user_id)) is None


def test_a_large_export_comes_in_several_parts(life: Life, worker: Resources) -> None:
    small = replace(worker, settings=worker.settings.model_copy(update={"export_part_bytes": 1}))
    export = json.loads(life.buyer.ask("POST", "/v1/me/exports").data)
    privacy.export(small, UUID(export["export_id"]), UUID(life.user_id))
    parts = life.buyer.get(f"/v1/me/exports/{export['export_id']}")["parts"]
    archives = [zipfile.ZipFile(io.BytesIO(httpx.get(part["url"]).content)) for part in parts]
    names = [name for archive in archives for name in archive.namelist()]
    assert len(archives) >= 4
    assert sorted(set(names)) == sorted(names)
    keys = worker.storage.list_keys(f"{life.user_id}/")
    assert {f"files/{key.partition('/')[2]}" for key in keys if "/exports/" not in key} <= set(names)


def test_nobody_sees_the_export_of_somebody_else(life: Life, new_buyer: Callable[[], Buyer]) -> None:
    export = json.loads(life.buyer.ask("POST", "/v1/me/exports").data)
    answer = new_buyer().ask("GET", f"/v1/me/exports/{export['export_id']}")
    assert 404 == answer.status_code
    assert 404 == life.buyer.ask("GET", "/v1/me/exports/nonsense").status_code
