"""Backups made, checked, copied, rotated and restored, with the real pg_dump and pg_restore."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import psycopg
import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from api.cli import operate
from dev.postgres import binary, drop_database
from shared import privacy, restoring
from shared.backups import (
    OBJECTS,
    Keeper,
    check_dump,
    dump,
    held,
    list_backups,
    make_backup,
    mirror_objects,
    mirrored_object,
    open_keeper,
)
from shared.errors import InternalError, NotFound, ProblemError
from shared.ids import new_id
from shared.jobs import JobKind
from shared.purges import Asker
from shared.settings import Settings
from shared.shelves import Folder, open_shelf
from shared.vault import new_key
from tests.conftest import StorageStandIn, TestDatabase
from tests.factories import travel
from tests.integration.workers.given import Given, logo, shown_age
from workers import retention
from workers.backups import keep_backups
from workers.job_attempt import run_job
from workers.privacy import purge
from workers.resources import Resources, open_resources
from workers.vectorize import make_vectorization


@pytest.fixture(scope="module")
def backup_bucket(storage: StorageStandIn) -> str:
    headers = {"Authorization": f"Bearer {storage.service_key}", "apikey": storage.service_key}
    httpx.post(f"{storage.url}/storage/v1/bucket", headers=headers, json={"name": "backups"}).raise_for_status()
    return "bucket:backups"


@pytest.fixture
def resources(settings: Settings, tmp_path: Path, backup_bucket: str) -> Iterator[Resources]:
    """A worker of an installation that keeps backups in a folder, and copies of them in a bucket."""
    # The other databases of the tests keep their objects in the same bucket, which is mirrored as a whole.
    opened = open_resources(
        settings.model_copy(
            update={
                "backup_folder": str(tmp_path / "backups"),
                "backup_copy": backup_bucket,
                "backup_keys": SecretStr(new_key()),
                "postgres_programs": str(Path(binary("pg_dump")).parent),
            }
        )
    )
    yield opened
    opened.close()


@pytest.fixture
def keeper(resources: Resources) -> Iterator[Keeper]:
    keeper = open_keeper(resources.settings)
    yield keeper
    assert keeper.copy is not None
    keeper.copy.remove(keeper.copy.list_keys())
    keeper.close()


def scratch() -> str:
    return f"restored_{new_id().hex[-8:]}"


def test_a_backup_is_restored_whole(resources: Resources, given: Given, keeper: Keeper, database: TestDatabase) -> None:
    image = given.image(given.account(), logo())
    job = given.job(image)
    run_job(resources, JobKind.VECTORIZATION, make_vectorization)
    backup = make_backup(keeper, resources.storage)
    found = restoring.drill(keeper, keeper.folder, backup, scratch())
    assert ([], [], {}) == (found.faults, found.pending, found.violations)
    assert backup.rows == found.rows
    assert found.rows["jobs"] >= 1
    assert found.objects.rows >= 2

    name = scratch()
    restoring.restore(keeper, keeper.folder, backup, name)
    url = restoring.url_of(database.owner_url, name)
    # Everything that holds in the original holds here: grants, policies, the immutable ledger.
    with psycopg.connect(url) as db:
        assert (1,) == db.execute("SELECT count(*) FROM jobs WHERE job_id = %s", [job.job_id]).fetchone()
        with pytest.raises(psycopg.errors.RestrictViolation):
            db.execute("DELETE FROM transactions")
    with psycopg.connect(url.replace("tovector_owner", "tovector_api")) as db:
        assert (0,) == db.execute("SELECT count(*) FROM jobs").fetchone()
    with pytest.raises(InternalError, match="already exists"):
        restoring.restore(keeper, keeper.folder, backup, name)
    drop_database(database.owner_url, name)


def test_a_backup_shows_nothing_to_who_has_no_key(resources: Resources, keeper: Keeper) -> None:
    backup = make_backup(keeper, resources.storage)
    path = keeper.folder.path / f"{backup.name}.sealed"
    assert 0o600 == path.stat().st_mode & 0o777
    assert b"PGDMP" not in path.read_bytes()
    stranger = Keeper(keeper.database_url, keeper.programs, [new_key()], keeper.folder, None)
    with pytest.raises(InternalError, match="no key opens"):
        restoring.drill(stranger, keeper.folder, backup, scratch())


def test_a_dump_without_the_rows_of_a_table_is_none(resources: Resources, keeper: Keeper, tmp_path: Path) -> None:
    path = tmp_path / "dump"
    assert dump(keeper, path) > 0
    assert 64 == len(check_dump(keeper, path, {"users", "transactions"}))
    with pytest.raises(InternalError, match="lacks the rows of forgotten"):
        check_dump(keeper, path, {"users", "forgotten"})


def test_the_copy_alone_is_enough(resources: Resources, keeper: Keeper) -> None:
    backup = make_backup(keeper, resources.storage)
    assert keeper.copy is not None
    for path in (keeper.folder.path / "dumps").iterdir():
        path.unlink()
    assert [backup] == list_backups(keeper.copy)
    assert [] == restoring.drill(keeper, keeper.copy, restoring.find_backup(keeper.copy, None), scratch()).faults
    with pytest.raises(NotFound):
        restoring.find_backup(keeper.folder, None)


def test_a_damaged_backup_is_not_restored_and_leaves_no_database(
    resources: Resources, keeper: Keeper, database: TestDatabase
) -> None:
    backup = make_backup(keeper, resources.storage)
    path = keeper.folder.path / f"{backup.name}.sealed"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    name = scratch()
    with pytest.raises(InternalError):
        restoring.drill(keeper, keeper.folder, backup, name)
    with psycopg.connect(database.owner_url) as db:
        assert (0,) == db.execute("SELECT count(*) FROM pg_database WHERE datname = %s", [name]).fetchone()


@pytest.mark.parametrize(
    "update",
    [
        {"database_url": "postgresql://tovector_owner@127.0.0.1:9/nowhere"},
        {"programs": "/nowhere"},
    ],
)
def test_a_backup_that_fails_leaves_nothing_that_counts(
    resources: Resources, keeper: Keeper, update: dict[str, str]
) -> None:
    with pytest.raises(ProblemError):
        make_backup(replace(keeper, **update), resources.storage)
    assert [] == list_backups(keeper.folder)
    assert [] == [path.name for path in keeper.folder.path.iterdir() if path.name.startswith(".making")]


def test_a_role_that_policies_bind_cannot_make_half_a_backup(
    resources: Resources, keeper: Keeper, database: TestDatabase
) -> None:
    with pytest.raises(ProblemError):
        make_backup(replace(keeper, database_url=database.operator_url), resources.storage)
    assert [] == list_backups(keeper.folder)


def test_beat_makes_one_a_day_and_makes_up_for_missed_days(
    resources: Resources, keeper: Keeper, database: TestDatabase
) -> None:
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        made: list[tuple[bool, int]] = []
        for hours in (0, 1, 23, 24, 25, 120):
            travel(owner, f"{hours} hours")
            made.append((keep_backups(resources) is not None, round(shown_age(resources) / 3600)))
        travel(owner, "0 seconds")
    assert [(True, 0), (False, 1), (False, 23), (True, 0), (False, 1), (True, 0)] == made
    assert 3 == len(list_backups(keeper.folder))


def test_of_two_at_once_one_makes_the_backup(resources: Resources, keeper: Keeper) -> None:
    with held(keeper) as first:
        assert first
        assert keep_backups(resources) is None
    made: list[object] = []
    threads = [threading.Thread(target=lambda: made.append(keep_backups(resources))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 == len([one for one in made if one is not None])


def test_old_backups_go_in_both_places_and_what_broke_off_goes_too(
    resources: Resources, keeper: Keeper, database: TestDatabase
) -> None:
    keeper.folder.put("dumps/20300101T000000Z.sealed", b"half")
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        made: list[str] = []
        for days in range(9):
            travel(owner, f"{days} days")
            made.append(make_backup(keeper, resources.storage).name)
        travel(owner, "0 seconds")
    assert keeper.copy is not None
    for shelf in (keeper.folder, keeper.copy):
        names = {one.name for one in list_backups(shelf)}
        assert 7 <= len(names) <= 9
        assert made[-1] in names
        assert {key.partition(".")[0] for key in shelf.list_keys("dumps/")} == names


def test_the_mirror_of_storage_is_sealed_and_follows_it(
    resources: Resources, given: Given, keeper: Keeper, database: TestDatabase
) -> None:
    image = given.image(given.account(), logo())
    mirror_objects(keeper, resources.storage)
    assert logo() == mirrored_object(keeper, image.file_url)
    assert logo() != keeper.folder.get(OBJECTS + image.file_url)
    assert (0, 0) == mirror_objects(keeper, resources.storage)
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        travel(owner, "25 hours")
        retention.sweep(resources)
        travel(owner, "0 seconds")
    mirror_objects(keeper, resources.storage)
    assert OBJECTS + image.file_url not in keeper.folder.list_keys()


def test_without_a_folder_there_are_none(resources: Resources) -> None:
    bare = open_resources(resources.settings.model_copy(update={"backup_folder": None}))
    assert keep_backups(bare) is None
    bare.close()
    with pytest.raises(InternalError, match="BACKUP_FOLDER"):
        open_keeper(bare.settings)


def test_a_second_folder_may_be_the_second_place(resources: Resources, tmp_path: Path) -> None:
    shelf = open_shelf(resources.settings, str(tmp_path / "elsewhere"))
    assert isinstance(shelf, Folder)
    shelf.put("dumps/one.json", b"{}")
    assert ["dumps/one.json"] == shelf.list_keys("dumps/")
    with pytest.raises(ProblemError):
        shelf.put("../outside", b"")


def test_an_operator_makes_looks_takes_away_and_rehearses(
    resources: Resources, keeper: Keeper, tmp_path: Path, operator: Callable[..., str]
) -> None:
    with resources.maintenance.transaction() as db:
        db.execute("DELETE FROM figures")
    assert "0 missing" not in operator("backup", "--to", str(tmp_path / "weekly"))
    assert 0 <= shown_age(resources) < 60
    assert 3 == len(list((tmp_path / "weekly").iterdir()))
    assert "1 backups" in operator("backups")
    assert "1 backups" in operator("backups", "--from-copy")
    said = operator("restore-drill")
    assert "nothing is missing, every invariant holds" in said
    assert "restored in" in said


@pytest.fixture
def operator(resources: Resources) -> Callable[..., str]:
    """Runs an operator's command with this installation's settings; returns what it said."""
    from tests.integration.workers.running import environment_of

    def run(*arguments: str) -> str:
        done = CliRunner(env=environment_of(resources.settings)).invoke(operate, list(arguments))
        assert 0 == done.exit_code, f"{done.output}{done.exception}"
        return done.output

    return run


def test_who_was_purged_after_the_backup_is_named_when_it_is_restored(
    resources: Resources, given: Given, keeper: Keeper, database: TestDatabase
) -> None:
    user_id, other = given.account(), given.account()
    backup = make_backup(keeper, resources.storage)
    for leaver in (user_id, other):
        with resources.maintenance.transaction() as db:
            privacy.leave(db, resources.cashier.vault, leaver, asker=Asker.OPERATOR)
        purge(resources, leaver)
    name = scratch()
    restoring.restore(keeper, keeper.folder, backup, name)
    assert {user_id, other} == set(restoring.people_to_purge_again(keeper, name))
    assert [] == restoring.people_to_purge_again(keeper, database.name)
    drop_database(database.owner_url, name)
