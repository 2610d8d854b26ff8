"""Every module of faults, in the order of the table."""

import importlib

GROUPS = ("workers", "api", "redis", "postgres", "storage", "pictures", "money", "clocks")


def register_all() -> None:
    """Import every module of faults, which registers what it holds."""
    for group in GROUPS:
        importlib.import_module(f"tests.torture.faults_{group}")
