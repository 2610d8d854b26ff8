"""The sales report: what was sold, where its VAT is due, what went back. No SQL here.

Everything but the quarters is summed from one list of lines, so that no two tables can disagree.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

from shared.credits import NO_CREDITS
from shared.db import Connection
from shared.documents.model import Chart, Column, Kind, Table
from shared.periods import Granularity, Periods, Span, periods_between, quarter_name
from shared.report_sales import QuarterLine, SalesEntry, SalesLine, select_quarters, select_sales
from shared.vat import TREATED_AS, VatRule, is_in_eu

# A correction may be declared up to three years after the return that it corrects (the Directive, article 369g(4)).
CORRECTED_DAYS = 4 * 366
PURCHASE = "purchase"
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Sum:
    """Money in minor units, and credits; what went back is taken off. Counts are entries of the ledger."""

    purchases: int
    reversals: int
    net: int
    tax: int
    gross: int
    credits: Decimal


@dataclass(frozen=True, slots=True)
class SalesPeriod:
    """A period's sales in one currency; periods without any are there too."""

    period: date
    currency: str
    purchases: int
    reversals: int
    net: int
    tax: int
    gross: int
    credits: Decimal


@dataclass(frozen=True, slots=True)
class SalesCountry:
    """Sales by where the VAT is due (`country` None: not known), at which rate in per cent, and by which rule."""

    country: str | None
    rate: Decimal
    rule: VatRule
    currency: str
    purchases: int
    reversals: int
    net: int
    tax: int
    gross: int


@dataclass(frozen=True, slots=True)
class OssLine:
    """What the one-stop shop's return of a quarter asks for: consumers in other member states.

    `corrects` is the earlier quarter that had declared what went back in this one; None for the quarter's own sales.
    """

    quarter: str
    corrects: str | None
    country: str
    rate: Decimal
    currency: str
    net: int
    tax: int


@dataclass(frozen=True, slots=True)
class SalesPackage:
    """Sales of one package."""

    package_id: str
    package: str
    currency: str
    purchases: int
    reversals: int
    net: int
    tax: int
    gross: int
    credits: Decimal


@dataclass(frozen=True, slots=True)
class SalesKind:
    """Purchases, refunds or disputes in one currency."""

    kind: str
    currency: str
    entries: int
    net: int
    tax: int
    gross: int
    credits: Decimal


@dataclass(frozen=True, slots=True)
class SalesTotal:
    """Everything in one currency."""

    currency: str
    purchases: int
    reversals: int
    net: int
    tax: int
    gross: int
    credits: Decimal


@dataclass(frozen=True, slots=True)
class Sales:
    """The whole report."""

    totals: list[SalesTotal]
    periods: list[SalesPeriod]
    countries: list[SalesCountry]
    oss: list[OssLine]
    packages: list[SalesPackage]
    kinds: list[SalesKind]
    lines: list[SalesLine]


def read_sales(db: Connection, span: Span, *, seller_country: str) -> Sales:
    """The sales of a span, for a seller in this country (ISO 3166-1 alpha-2)."""
    lines = select_sales(db, span)
    totals = summed(lines, lambda line: line.currency)
    currencies = sorted(totals, key=lambda currency: -totals[currency].gross)
    return Sales(
        totals=[_total(currency, totals[currency]) for currency in currencies],
        periods=_periods(lines, span.periods, currencies),
        countries=[
            SalesCountry(country, rate, rule, currency, one.purchases, one.reversals, one.net, one.tax, one.gross)
            for (country, rate, rule, currency), one in _sorted(
                summed(lines, lambda line: (line.country, line.rate, _rule(line, seller_country), line.currency))
            )
        ],
        oss=_oss(db, span, seller_country),
        packages=[
            SalesPackage(*key, one.purchases, one.reversals, one.net, one.tax, one.gross, one.credits)
            for key, one in _sorted(summed(lines, lambda line: (line.package_id, line.package, line.currency)))
        ],
        kinds=[
            SalesKind(*key, one.purchases + one.reversals, one.net, one.tax, one.gross, one.credits)
            for key, one in _sorted(summed(lines, lambda line: (line.kind, line.currency)))
        ],
        lines=lines,
    )


def summed(lines: Iterable[SalesLine], key: Callable[[SalesLine], Key]) -> dict[Key, Sum]:
    """The lines added up by what they have in common."""
    sums: dict[Key, Sum] = {}
    for line in lines:
        so_far = sums.get(key(line), Sum(0, 0, 0, 0, 0, NO_CREDITS))
        sold = line.entries if line.kind == PURCHASE else 0
        sums[key(line)] = Sum(
            so_far.purchases + sold, so_far.reversals + line.entries - sold, so_far.net + line.net,
            so_far.tax + line.tax, so_far.gross + line.gross, so_far.credits + line.credits,
        )  # fmt: skip
    return sums


def _sorted(sums: dict[Key, Sum]) -> list[tuple[Key, Sum]]:
    return sorted(sums.items(), key=lambda item: [str(part or "") for part in _parts(item[0])])


def _parts(key: object) -> Sequence[object]:
    return key if isinstance(key, tuple) else (key,)


def _total(currency: str, one: Sum) -> SalesTotal:
    return SalesTotal(currency, one.purchases, one.reversals, one.net, one.tax, one.gross, one.credits)


def _periods(lines: list[SalesLine], periods: Periods, currencies: list[str]) -> list[SalesPeriod]:
    sums = summed(lines, lambda line: (line.currency, line.period))
    nothing = Sum(0, 0, 0, 0, 0, NO_CREDITS)
    found: list[SalesPeriod] = []
    for currency in currencies:
        for day in periods.days:
            one = sums.get((currency, day), nothing)
            found.append(
                SalesPeriod(day, currency, one.purchases, one.reversals, one.net, one.tax, one.gross, one.credits)
            )
    return found


def _rule(line: SalesLine | QuarterLine, seller_country: str) -> VatRule:
    """By which rule this VAT was charged, or not. Without a rate a member state counts as one of its parts outside."""
    country = TREATED_AS.get(line.country or "", line.country or "")
    if line.reverse_charge:
        return VatRule.REVERSE_CHARGE
    if country == TREATED_AS.get(seller_country, seller_country):
        return VatRule.DOMESTIC
    return VatRule.DESTINATION if line.rate > 0 and is_in_eu(country) else VatRule.OUTSIDE_EU


def _oss(db: Connection, span: Span, seller_country: str) -> list[OssLine]:
    """Corrections are told apart by the quarter they correct (Implementing Regulation (EU) 2020/194, annex III)."""
    quarters = periods_between(span.start - timedelta(days=CORRECTED_DAYS), span.end, span.zone, Granularity.QUARTER)
    found: dict[tuple[str, str | None, str, Decimal, str], tuple[int, int]] = {}
    for line in select_quarters(db, span, quarters):
        if _rule(line, seller_country) is not VatRule.DESTINATION or line.country is None:
            continue
        sold_in = "earlier" if line.sold_in is None else quarter_name(line.sold_in)
        corrects = None if line.sold_in == line.quarter else sold_in
        key = (quarter_name(line.quarter), corrects, line.country, line.rate, line.currency)
        net, tax = found.get(key, (0, 0))
        found[key] = (net + line.net, tax + line.tax)
    return [OssLine(*key, net, tax) for key, (net, tax) in sorted(found.items(), key=lambda item: str(item[0]))]


_MONEY = (
    Column("net", "Net", Kind.MONEY, adds=True),
    Column("tax", "VAT", Kind.MONEY, adds=True),
    Column("gross", "Gross", Kind.MONEY, adds=True),
)
_COUNTS = (
    Column("purchases", "Purchases", Kind.COUNT, adds=True),
    Column("reversals", "Reversals", Kind.COUNT, adds=True),
)
_CURRENCY = Column("currency", "Currency", Kind.TEXT)
_CREDITS = Column("credits", "Credits", Kind.CREDITS, adds=True)
_COUNTRY = (Column("country", "Country", Kind.TEXT), Column("rate", "VAT %", Kind.PERCENT))
_REVERSE = Column("reverse_charge", "Reverse charge", Kind.TEXT)
_PACKAGE = Column("package_id", "Package", Kind.TEXT)


def sales_tables(sales: Sales) -> list[Table]:
    """The report as tables, the lines last."""
    return [
        Table("kinds", "Purchases and reversals", (Column("kind", "Kind", Kind.WORD), _CURRENCY,
              Column("entries", "Entries", Kind.COUNT, adds=True), *_MONEY, _CREDITS), sales.kinds),
        Table("periods", "By period", (Column("period", "Period", Kind.DAY), _CURRENCY, *_COUNTS, *_MONEY, _CREDITS),
              sales.periods, "What went back is taken off in the period in which it went back."),
        Table("countries", "VAT by country and rate", (*_COUNTRY, Column("rule", "Rule", Kind.WORD), _CURRENCY,
              *_COUNTS, *_MONEY), sales.countries, "Where the VAT is due, and by which rule it was charged."),
        Table("oss", "EU one-stop shop", (Column("quarter", "Quarter", Kind.TEXT),
              Column("corrects", "Corrects", Kind.TEXT), *_COUNTRY, _CURRENCY, *_MONEY[:2]), sales.oss,
              "Consumers in other member states, by quarter of the return. A correction names the quarter that had"
              " declared the sale."),
        Table("packages", "By package", (_PACKAGE, Column("package", "Name", Kind.TEXT), _CURRENCY, *_COUNTS, *_MONEY,
              _CREDITS), sales.packages),
        Table("lines", "Lines", (Column("period", "Period", Kind.DAY), Column("kind", "Kind", Kind.WORD), *_COUNTRY,
              _REVERSE, _PACKAGE, _CURRENCY, Column("entries", "Entries", Kind.COUNT, adds=True), *_MONEY, _CREDITS),
              sales.lines),
    ]  # fmt: skip


def sales_chart(sales: Sales) -> Chart | None:
    """Revenue of each period in the currency in which most was sold."""
    if not sales.totals:
        return None
    currency = sales.totals[0].currency
    rows = sum(period.currency == currency for period in sales.periods)
    return Chart(f"Revenue, {currency.upper()}", "periods", "period", ("net", "tax"), rows)


def entries_table(rows: Iterable[SalesEntry]) -> Table:
    """Each entry of money as the ledger has it, for whoever has to account for it."""
    return Table("entries", "Entries of the ledger", (Column("at", "Time (UTC)", Kind.TIME),
          Column("kind", "Kind", Kind.WORD), Column("transaction_id", "Entry", Kind.ID),
          Column("purchase_id", "Purchase", Kind.ID), _PACKAGE, *_COUNTRY, _REVERSE,
          Column("vat_id", "VAT id", Kind.TEXT), _CURRENCY, *_MONEY, _CREDITS), rows)  # fmt: skip
