"""The two ways to list a bucket: folder by folder (v1), and flat with a cursor (v2)."""

import base64
import re

from dev.standins.storage.fields import Fields
from dev.standins.storage.objects import Bucket, ObjectRow, ObjectStore
from dev.standins.storage.problems import invalid_request

LIST_CAP = 1500
LIST_V2_CAP = 1000
SORT_COLUMNS = ("name", "updated_at", "created_at", "last_accessed_at")


def object_json(row: ObjectRow, name: str | None = None) -> dict[str, object]:
    """Return an object as listings tell it, under its full key or its name within the folder."""
    return {
        "name": row.name if name is None else name,
        "id": row.id,
        "updated_at": row.updated_at,
        "created_at": row.created_at,
        "last_accessed_at": row.updated_at,
        "metadata": {
            "eTag": row.etag,
            "size": row.size_bytes,
            "mimetype": row.mime_type,
            "cacheControl": row.cache_control,
            "lastModified": row.updated_at,
            "contentLength": row.size_bytes,
            "httpStatusCode": 200,
        },
    }


def _folder_json(name: str) -> dict[str, object]:
    nothing = dict.fromkeys(("id", "updated_at", "created_at", "last_accessed_at", "metadata"))
    return {"name": name, **nothing}


def list_folder(store: ObjectStore, bucket: Bucket | None, body: Fields) -> list[dict[str, object]]:
    """List one level: folders first, then objects; never more than 1500, however many were asked for."""
    limit = min(body.whole("limit", 100, minimum=1), LIST_CAP)
    offset = body.whole("offset", 0)
    sort = body.fields("sortBy")
    column, order = sort.text("column", "name"), sort.text("order", "asc")
    if column not in SORT_COLUMNS or order not in ("asc", "desc"):
        raise invalid_request("body/sortBy must be equal to one of the allowed values")
    prefix = body.required_text("prefix").lstrip("/")
    if prefix and not prefix.endswith("/"):
        prefix += "/"
    # The server matches with ILIKE: prefix and search without regard to case.
    wanted = (prefix + body.text("search")).lower()
    folders: dict[str, None] = {}
    objects: list[tuple[str, ObjectRow]] = []
    for row in store.rows(bucket) if bucket else []:
        if row.name.lower().startswith(wanted):
            name, slash, _ = row.name[len(prefix) :].partition("/")
            if slash:
                folders[name] = None
            else:
                objects.append((name, row))
    objects.sort(key=lambda pair: _sort_value(pair, column), reverse=order == "desc")
    found = [_folder_json(name) for name in sorted(folders, reverse=column == "name" and order == "desc")]
    found += [object_json(row, name) for name, row in objects]
    return found[offset : offset + limit]


def _sort_value(named: tuple[str, ObjectRow], column: str) -> str:
    name, row = named
    return {"name": name, "created_at": row.created_at}.get(column, row.updated_at)


def list_flat(store: ObjectStore, bucket: Bucket | None, body: Fields) -> dict[str, object]:
    """List by key across folders, a page of at most 1000 and a cursor for the next."""
    limit = min(body.whole("limit", LIST_V2_CAP, minimum=1), LIST_V2_CAP)
    prefix = body.text("prefix")
    after = _from_cursor(body.text("cursor"))
    with_delimiter = body.flag("with_delimiter", default=False)
    folders: dict[str, None] = {}
    objects: list[ObjectRow] = []
    last = ""
    for row in _like(store, bucket, prefix, after) if bucket else []:
        rest = row.name[len(prefix) :]
        folder = prefix + rest.partition("/")[0] + "/" if with_delimiter and "/" in rest else None
        if folder is not None and (folder in folders or folder == after):
            continue
        if len(folders) + len(objects) == limit:
            return _page(folders, objects, cursor=_to_cursor(last))
        last = folder or row.name
        if folder is None:
            objects.append(row)
        else:
            folders[folder] = None
    return _page(folders, objects, cursor=None)


def _like(store: ObjectStore, bucket: Bucket, prefix: str, after: str) -> list[ObjectRow]:
    # The server asks Postgres for LIKE 'prefix%', where "_" in the prefix stands for any character.
    literal, wildcard, _ = prefix.partition("_")
    rows = store.rows(bucket, literal, after)
    if not wildcard:
        return rows
    pattern = re.compile(re.escape(prefix).replace("_", "."))
    return [row for row in rows if pattern.match(row.name)]


def _page(folders: dict[str, None], objects: list[ObjectRow], cursor: str | None) -> dict[str, object]:
    page: dict[str, object] = {
        "hasNext": cursor is not None,
        "folders": [{"name": name, "key": name} for name in folders],
        "objects": [{**object_json(row), "key": row.name} for row in objects],
    }
    return page if cursor is None else {**page, "nextCursor": cursor}


def _to_cursor(name: str) -> str:
    return base64.b64encode(f"l:{name}".encode()).decode()


def _from_cursor(cursor: str) -> str:
    if not cursor:
        return ""
    try:
        return base64.b64decode(cursor, validate=True).decode().removeprefix("l:")
    except ValueError:
        raise invalid_request("the continuation token is invalid") from None
