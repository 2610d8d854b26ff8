"""What Supabase Storage allows: names, types and sizes."""

import re

from dev.standins.storage.objects import BucketRow
from dev.standins.storage.problems import (
    invalid_bucket_name,
    invalid_key,
    invalid_mime_type,
    too_large,
)

OBJECT_KEY = re.compile(r"[A-Za-z0-9_/!.*'() &$@=;:+,?-]+")
BUCKET_NAME = re.compile(r"[A-Za-z0-9_!.*'() &$@=;:+,?-]{1,100}")
MIME_TYPE_RULE = re.compile(r"(\*|[A-Za-z0-9.+_-]+)/(\*|[A-Za-z0-9.+_-]+)")


def check_key(name: str) -> None:
    """Refuse a key with characters that S3 does not know as safe."""
    if not OBJECT_KEY.fullmatch(name):
        raise invalid_key(name)


def check_bucket_name(name: str) -> None:
    """Refuse a bucket name the hosted service would refuse."""
    if not BUCKET_NAME.fullmatch(name) or name != name.strip():
        raise invalid_bucket_name()


def check_bucket(row: BucketRow, global_limit_bytes: int) -> None:
    """Refuse a size limit above the server's own, and types that are no types."""
    if row.file_size_limit is not None and row.file_size_limit > global_limit_bytes:
        raise too_large()
    for rule in row.allowed_mime_types or []:
        if not MIME_TYPE_RULE.fullmatch(rule):
            raise invalid_mime_type(rule)


def check_mime_type(mime_type: str, bucket: BucketRow) -> None:
    """Refuse a type outside the bucket's list; the comparison is exact, parameters and case included."""
    rules = bucket.allowed_mime_types
    if not rules or mime_type in rules or "*/*" in rules:
        return
    family, _, rest = mime_type.partition("/")
    if f"{family}/*" not in rules or ";" in rest:
        raise invalid_mime_type(mime_type)


def size_limit_bytes(bucket: BucketRow, global_limit_bytes: int) -> int:
    """Return the most bytes an object of this bucket may have, inclusive."""
    if bucket.file_size_limit is None:
        return global_limit_bytes
    return min(bucket.file_size_limit, global_limit_bytes)
