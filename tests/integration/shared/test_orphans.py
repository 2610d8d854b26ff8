"""Objects that nothing lists: noted, left alone for the grace, then given to the sweep."""

from shared.files import File, FileKind, insert_file
from shared.orphans import delete_orphans, insert_orphans
from tests.conftest import Connection
from tests.factories import make_scene, travel


def test_an_unlisted_object_is_an_orphan_only_after_the_grace(db_owner: Connection) -> None:
    assert [] == insert_orphans(db_owner, ["a/b/lost.svg"], grace_seconds=60)
    travel(db_owner, "59 seconds")
    assert [] == insert_orphans(db_owner, ["a/b/lost.svg", "a/b/new.svg"], grace_seconds=60)
    travel(db_owner, "61 seconds")
    assert ["a/b/lost.svg"] == insert_orphans(db_owner, ["a/b/lost.svg", "a/b/new.svg"], grace_seconds=60)
    assert 1 == delete_orphans(db_owner, ["a/b/lost.svg"])


def test_a_listed_object_is_never_an_orphan(db_owner: Connection) -> None:
    scene = make_scene(db_owner)
    key = scene.image.file_url
    insert_orphans(db_owner, [key], grace_seconds=0)
    insert_file(
        db_owner,
        File(key, scene.account.user_id, scene.image.image_id, None, FileKind.SOURCE, "png", 1),
    )
    assert [] == insert_orphans(db_owner, [key], grace_seconds=0)
    assert 1 == delete_orphans(db_owner, [])
