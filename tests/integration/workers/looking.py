"""What a test asks about the looks at an image."""

from shared import analyses
from shared.analyses import Analysis
from shared.images import Image
from shared.suggestions import ContentClass
from tests.integration.workers.given import Given


def told(given: Given, image: Image) -> Analysis:
    """What the image's owner sees."""
    with given.resources.database.transaction(user_id=image.user_id) as db:
        return analyses.select_analysis(db, image.image_id)


def content(given: Given, image: Image) -> ContentClass | None:
    """What kind of picture its owner is told it is."""
    suggestion = told(given, image).suggestion
    return None if suggestion is None else suggestion.content_class


def is_sent_for(given: Given, image: Image) -> bool:
    """Whether a sweep that comes now sends for a look at the image."""
    with given.resources.maintenance.transaction() as db:
        due = analyses.update_analyses_due(db, limit=500, resend_seconds=5, longest_seconds=60, max_attempts=3)
    return any(one.image_id == image.image_id and one.is_due for one in due)


def let_its_time_come(given: Given, image: Image) -> None:
    """Make the image's next look due now."""
    given.as_owner(
        "UPDATE images SET analyse_at = house_now() WHERE image_id = %s AND analyse_at IS NOT NULL", image.image_id
    )


def attempts(given: Given, image: Image) -> tuple[object, ...]:
    """How many looks at the image were begun."""
    with given.resources.maintenance.transaction() as db:
        row = db.execute("SELECT analysis_attempts FROM images WHERE image_id = %s", [image.image_id]).fetchone()
    assert row is not None
    return row


def seconds_until_due(given: Given, image: Image) -> float:
    """How long the sweep waits before it sends for the next look."""
    with given.resources.maintenance.transaction() as db:
        row = db.execute(
            "SELECT extract(epoch FROM analyse_at - house_now())::float8 FROM images WHERE image_id = %s",
            [image.image_id],
        ).fetchone()
    assert row is not None
    return row[0]
