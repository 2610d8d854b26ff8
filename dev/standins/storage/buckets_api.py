"""The `/bucket` routes."""

from dataclasses import asdict, replace

from dev.standins.storage.fields import Fields
from dev.standins.storage.keys import Role
from dev.standins.storage.objects import BucketRow, ObjectStore, timestamp
from dev.standins.storage.problems import access_denied, bucket_not_empty, bucket_not_found
from dev.standins.storage.rules import check_bucket, check_bucket_name


class BucketsApi:
    """Makes, changes, empties and deletes buckets; only the service role sees them, as without policies."""

    def __init__(self, store: ObjectStore, global_limit_bytes: int) -> None:
        self._store = store
        self._global_limit_bytes = global_limit_bytes

    def list(self, role: Role) -> list[dict[str, object]]:
        """Return every bucket the role may see."""
        return [asdict(row) for row in self._store.buckets()] if role == "service_role" else []

    def get(self, role: Role, bucket_id: str) -> dict[str, object]:
        """Return one bucket."""
        self._see(role)
        return asdict(self._store.bucket(bucket_id).row)

    def create(self, role: Role, body: Fields) -> dict[str, object]:
        """Make a bucket, private unless it says otherwise."""
        name = body.required_text("name")
        bucket_id = body.text("id") or name
        check_bucket_name(bucket_id)
        if role != "service_role":
            raise access_denied()
        now = timestamp()
        row = BucketRow(bucket_id, name, public=False, created_at=now, updated_at=now)
        row = self._changed(row, body)
        self._store.create_bucket(row)
        return {"name": bucket_id}

    def update(self, role: Role, bucket_id: str, body: Fields) -> dict[str, object]:
        """Change the rules that the body names."""
        self._see(role)
        self._store.update_bucket(self._changed(self._store.bucket(bucket_id).row, body))
        return {"message": "Successfully updated"}

    def empty(self, role: Role, bucket_id: str) -> dict[str, object]:
        """Delete every object."""
        self._see(role)
        bucket = self._store.bucket(bucket_id)
        for row in self._store.rows(bucket):
            self._store.remove(bucket, row.name)
        return {"message": "Successfully emptied"}

    def delete(self, role: Role, bucket_id: str) -> dict[str, object]:
        """Delete a bucket, which must be empty."""
        self._see(role)
        if self._store.bucket(bucket_id).names:
            raise bucket_not_empty()
        self._store.delete_bucket(bucket_id)
        return {"message": "Successfully deleted"}

    def _see(self, role: Role) -> None:
        if role != "service_role":
            raise bucket_not_found()

    def _changed(self, row: BucketRow, body: Fields) -> BucketRow:
        changed = replace(
            row,
            public=body.flag("public", default=row.public),
            file_size_limit=body.whole_or_null("file_size_limit", row.file_size_limit),
            allowed_mime_types=body.texts("allowed_mime_types", row.allowed_mime_types),
            updated_at=timestamp(),
        )
        check_bucket(changed, self._global_limit_bytes)
        return changed
