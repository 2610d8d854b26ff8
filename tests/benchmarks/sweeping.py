"""The sweep of expired images, against removing as many objects and rows with nothing around it."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import psycopg

from dev.standins.storage.objects import BucketRow, Incoming, ObjectRow, ObjectStore, timestamp
from shared.storage import Storage
from tests.benchmarks.bench import Bench, Scratch
from tests.benchmarks.pairs import Pairs, seconds_of
from tests.benchmarks.table import Report, Row, at_most, markdown, shown
from tests.storages import BUCKET, start_storage
from workers import retention
from workers.resources import Resources, open_resources

IMAGES = 100_000
ROUNDS = 5
HURRY = 20
ACCOUNTS = 1_000
SIZE = 200
KEYS_AT_ONCE = 500
"""As many as shared/storage.py asks for at once."""


def sweep(bench: Bench) -> Report:
    """A hundred thousand images whose time is over are swept, and as many are removed by bare requests, in turns."""
    images, rounds = IMAGES // (HURRY if bench.quick else 1), 2 if bench.quick else ROUNDS
    each = images // rounds
    scratch = bench.database("bench_sweep")
    data = bench.folder / "swept"
    write_objects(data, keys := [f"{uuid4()}/{uuid4()}/source.png" for _ in range(2 * images)])
    write_rows(scratch.owner, keys)
    storage = start_storage(bench.children, data)
    own = open_resources(scratch.settings(bench.stack.running.settings))
    house = replace(own, storage=storage)
    sides: list[list[float]] = [[], []]
    for number in range(2 * rounds):
        batch = keys[number * each : (number + 1) * each]
        once = partial(_sweep, house, each) if number % 2 == 0 else partial(_bare, scratch, storage, batch)
        if number % 2 == 0:
            _end(scratch, batch)
        sides[number % 2].append(seconds_of(once))
    left = storage.list_keys()
    own.close()
    storage.close()
    assert left == [], f"{len(left)} objects are left"
    pairs = Pairs(*sides)
    a, b = sum(pairs.a), sum(pairs.b)
    name = f"sweep of {images:,} expired images ÷ bare requests and DELETE"
    pace = [("the sweep", shown(images / a, "/s")), ("bare", shown(images / b, "/s"))]
    return Report(
        [Row(name, shown(a, "s"), shown(b, "s"), pairs.ratio, at_most(3), rounds)],
        ["Images removed:\n\n" + markdown(("by", "pace"), pace)],
    )


def write_objects(data: Path, keys: list[str]) -> None:
    """Put an object under each key into a folder that a stand-in will serve."""
    now = timestamp()
    data.mkdir()
    store = ObjectStore(data)
    store.create_bucket(BucketRow(BUCKET, BUCKET, False, now, now))
    bucket = store.bucket(BUCKET)
    for key in keys:
        incoming = Incoming(data / "incoming" / uuid4().hex, SIZE, "")
        incoming.path.write_bytes(bytes(SIZE))
        found = ObjectRow(str(uuid4()), key, str(uuid4()), SIZE, "image/png", "no-cache", '""', now, now)
        store.keep(bucket, found, incoming, upsert=False)


def write_rows(owner: psycopg.Connection, keys: list[str]) -> None:
    """Write an image and its listed source for each key, all of them young; the key holds the image's id."""
    with owner.transaction():
        owner.execute("SET LOCAL session_replication_role = replica")
        owner.execute("CREATE TEMP TABLE given (number serial, key text)")
        with owner.cursor().copy("COPY given (key) FROM STDIN") as copy:
            for key in keys:
                copy.write_row([key])
        owner.execute(
            "INSERT INTO users (user_id, clerk_id) SELECT gen_random_uuid(), 'sweep_' || n"
            " FROM generate_series(1, %s) AS n",
            [ACCOUNTS],
        )
        owner.execute(
            "INSERT INTO images (image_id, user_id, status, file_name, file_url, working_key, working_width,"
            " working_height, file_type, file_size, width, height, sha256, expiry_timestamp)"
            " SELECT split_part(key, '/', 2)::uuid, user_id, 'ready', 'logo.png', key, key, 64, 48, 'png', 200, 64, 48,"
            " repeat('0', 64), now() + interval '1 day' FROM given"
            " JOIN (SELECT user_id, row_number() OVER () AS n FROM users) AS u ON n = 1 + number %% %s",
            [ACCOUNTS],
        )
        owner.execute(
            "INSERT INTO files (storage_key, user_id, image_id, kind, format, size)"
            " SELECT file_url, user_id, image_id, 'source', 'png', 200 FROM images"
        )
    owner.execute("VACUUM ANALYZE images")
    owner.execute("VACUUM ANALYZE files")
    owner.execute("CHECKPOINT")


def _end(scratch: Scratch, keys: list[str]) -> None:
    """Their time is over."""
    over = "UPDATE images SET expiry_timestamp = now() - interval '1 hour' WHERE image_id = ANY(%s)"
    scratch.owner.execute(over, [_ids(keys)])


def _sweep(house: Resources, images: int) -> None:
    gone = 0
    while gone < images:
        swept = retention.sweep(house)
        assert swept, "the sweep does not get on"
        gone += swept


def _bare(scratch: Scratch, storage: Storage, keys: list[str]) -> None:
    for start in range(0, len(keys), KEYS_AT_ONCE):
        storage.remove(keys[start : start + KEYS_AT_ONCE])
    ids = _ids(keys)
    scratch.owner.execute("DELETE FROM files WHERE image_id = ANY(%s)", [ids])
    scratch.owner.execute("DELETE FROM images WHERE image_id = ANY(%s)", [ids])


def _ids(keys: list[str]) -> list[UUID]:
    return [UUID(key.split("/")[1]) for key in keys]
