"""The price list: the table `credit_packages`."""

from dataclasses import dataclass
from decimal import Decimal
from typing import LiteralString

from psycopg.rows import class_row

from shared.db import Connection

_COLUMNS: LiteralString = "package_id, name, credits, price, currency, is_active, stripe_price_id"


@dataclass(frozen=True, slots=True)
class Package:
    """What can be bought: so many credits at a price in minor units (cents), before tax."""

    package_id: str
    name: str
    credits: Decimal
    price: int
    currency: str
    is_active: bool
    stripe_price_id: str | None


def select_active_packages(db: Connection) -> list[Package]:
    """Everything on sale, the smallest first."""
    return (
        db.cursor(row_factory=class_row(Package))
        .execute("SELECT " + _COLUMNS + " FROM credit_packages WHERE is_active ORDER BY currency, price, package_id")
        .fetchall()
    )


def select_all_packages(db: Connection) -> list[Package]:
    """Everything that is or was on sale; for operators."""
    return (
        db.cursor(row_factory=class_row(Package))
        .execute("SELECT " + _COLUMNS + " FROM credit_packages ORDER BY is_active DESC, currency, price, package_id")
        .fetchall()
    )


def select_active_package(db: Connection, package_id: str) -> Package | None:
    """The package with this id, if it is on sale."""
    return (
        db.cursor(row_factory=class_row(Package))
        .execute(
            "SELECT " + _COLUMNS + " FROM credit_packages WHERE package_id = %(package_id)s AND is_active",
            {"package_id": package_id},
        )
        .fetchone()
    )


def insert_package(db: Connection, package: Package) -> None:
    """Put a package on the price list, or replace what it says of this one; purchases keep what they were made with."""
    db.execute(
        "INSERT INTO credit_packages (package_id, name, credits, price, currency, is_active, stripe_price_id)"
        " VALUES (%(package_id)s, %(name)s, %(credits)s, %(price)s, %(currency)s, %(is_active)s, %(stripe_price_id)s)"
        " ON CONFLICT (package_id) DO UPDATE SET name = excluded.name, credits = excluded.credits,"
        " price = excluded.price, currency = excluded.currency, is_active = excluded.is_active,"
        " stripe_price_id = excluded.stripe_price_id",
        {
            "package_id": package.package_id,
            "name": package.name,
            "credits": package.credits,
            "price": package.price,
            "currency": package.currency,
            "is_active": package.is_active,
            "stripe_price_id": package.stripe_price_id,
        },
    )


def update_package_retired(db: Connection, package_id: str) -> bool:
    """Take a package off the price list; False when there is none on sale with this id."""
    result = db.execute(
        "UPDATE credit_packages SET is_active = false WHERE package_id = %(package_id)s AND is_active",
        {"package_id": package_id},
    )
    return result.rowcount == 1
