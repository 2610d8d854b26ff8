"""Addresses as far as they say whose page it is."""

from urllib.parse import urlsplit


def origin_of(address: str) -> str:
    """Scheme, host and port of an address; empty when it is none, or hides somebody's name in it."""
    try:
        parts = urlsplit(address)
        is_plain = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}".lower() if is_plain else ""
