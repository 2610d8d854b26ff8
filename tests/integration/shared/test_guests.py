"""The one way in which an image changes hands, each of its guards alone."""

from decimal import Decimal
from uuid import UUID

import pytest

from shared import files, guests, images
from shared.accounts import Account
from shared.api_keys import hash_secret
from shared.clock import utc_now
from shared.files import File, FileKind
from shared.ids import new_id
from shared.images import Image
from tests.conftest import Connection
from tests.factories import act_for, make_account, make_image


@pytest.fixture
def token_hash() -> bytes:
    return hash_secret(guests.new_token())


def make_guest(db: Connection, token_hash: bytes, *, hours: int = 25) -> UUID:
    user_id = new_id()
    act_for(db, user_id=user_id)
    return guests.insert_guest(db, user_id=user_id, token_hash=token_hash, hours=hours).user_id


def upload(db: Connection, guest: UUID, *, ready: bool = True, lifetime_hours: int = 24) -> Image:
    """An image of the guest, with its file listed."""
    act_for(db, user_id=guest)
    owner = Account(guest, None, None, None, Decimal(0), Decimal(0), utc_now())
    image = make_image(db, owner, ready=ready, lifetime_hours=lifetime_hours)
    files.insert_file(db, File(image.file_url, guest, image.image_id, None, FileKind.SOURCE, "png", 1_000))
    return image


def test_an_image_changes_hands_with_its_files_and_keys(db: Connection, token_hash: bytes) -> None:
    image = upload(db, make_guest(db, token_hash))
    account = make_account(db)
    assert guests.update_image_claimed(db, image.image_id, token_hash)
    moved = images.select_image(db, image.image_id)
    assert moved is not None
    key = f"{account.user_id}/{image.image_id}/source.png"
    assert (account.user_id, key, key) == (moved.user_id, moved.file_url, moved.working_key)
    assert [(key, account.user_id)] == [
        (one.storage_key, one.user_id) for one in files.select_files(db, image.image_id)
    ]
    assert not guests.update_image_claimed(db, image.image_id, token_hash)


def test_another_secret_moves_nothing(db: Connection, token_hash: bytes) -> None:
    image = upload(db, make_guest(db, token_hash))
    other = hash_secret(guests.new_token())
    make_guest(db, other)
    make_account(db)
    assert not guests.update_image_claimed(db, image.image_id, other)
    assert not guests.update_image_claimed(db, image.image_id, hash_secret("nobody's"))


def test_the_image_of_an_account_cannot_be_claimed(db: Connection, token_hash: bytes) -> None:
    image = make_image(db, make_account(db))
    make_guest(db, token_hash)
    make_account(db)
    assert not guests.update_image_claimed(db, image.image_id, token_hash)


@pytest.mark.parametrize(
    ("guest_hours", "image_hours", "ready", "moves"), [(25, 24, True, True), (0, 24, True, False), (25, 0, True, False),
                                                       (25, 24, False, False)],
)  # fmt: skip
def test_only_what_is_ready_and_in_time_moves(
    db: Connection, token_hash: bytes, guest_hours: int, image_hours: int, ready: bool, moves: bool
) -> None:
    guest = make_guest(db, token_hash, hours=guest_hours)
    image = upload(db, guest, ready=ready, lifetime_hours=image_hours)
    make_account(db)
    assert moves is guests.update_image_claimed(db, image.image_id, token_hash)


def test_what_was_deleted_stays_deleted(db: Connection, token_hash: bytes) -> None:
    image = upload(db, make_guest(db, token_hash))
    assert images.update_image_deleted(db, image.image_id)
    make_account(db)
    assert not guests.update_image_claimed(db, image.image_id, token_hash)


def test_nobody_and_no_guest_can_take_an_image(db: Connection, token_hash: bytes) -> None:
    image = upload(db, make_guest(db, token_hash))
    act_for(db)
    assert not guests.update_image_claimed(db, image.image_id, token_hash)
    make_guest(db, hash_secret(guests.new_token()))
    assert not guests.update_image_claimed(db, image.image_id, token_hash)


def test_secrets_whose_time_is_over_are_forgotten(db: Connection, db_owner: Connection, token_hash: bytes) -> None:
    make_guest(db, token_hash, hours=0)
    fresh = hash_secret(guests.new_token())
    make_guest(db, fresh)
    db.commit()
    assert 1 == guests.delete_guests(db_owner, limit=10)
    db.execute("SELECT set_config('app.guest_hash', %s, true)", [fresh.hex()])
    assert guests.select_guest(db, fresh) is not None
