"""EU VAT for electronically supplied services: what a customer should expect to pay, and whether a VAT id is one.

Rules after Council Directive 2006/112/EC ("the Directive") and Council Implementing Regulation (EU) 282/2011; the
tests name the article of each case. Rates are the European Commission's (TEDB), as eu-vat-rates-data ships them.
Stripe Tax decides what is charged; this is for the price shown before, and for noticing a difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

import eu_vat_rates_data
from stdnum import get_cc_module
from stdnum.exceptions import ValidationError

from shared.errors import VatIdInvalid

# The territory of France for VAT includes Monaco (the Directive, article 7).
TREATED_AS: Mapping[str, str] = {"MC": "FR"}
# VAT ids of Greece begin with EL, not with the country's ISO code.
PREFIX: Mapping[str, str] = {"GR": "EL"}
# Outside the EU only these countries' VAT ids are known well enough to be checked.
OTHER_KINDS: Mapping[str, str] = {"GB": "vat", "CH": "vat", "NO": "mva"}
# Parts of member states where the Directive does not apply (article 6), by the beginning of the postal code.
OUTSIDE: Mapping[str, tuple[str, ...]] = {
    "DE": ("27498", "78266"),  # Heligoland, Büsingen
    "ES": ("35", "38", "51", "52"),  # the Canary Islands, Ceuta, Melilla
    "FI": ("22",),  # Åland
    "FR": ("971", "972", "973", "974", "976"),  # the overseas departments
    "GR": ("63086",),  # Mount Athos
    "IT": ("23041", "22061"),  # Livigno, Campione
}
# Parts with a standard rate of their own (articles 104 and 105), in per cent.
REGIONAL_RATES: Mapping[str, Mapping[str, Decimal]] = {
    "AT": {"6691": Decimal(19), "6991": Decimal(19), "6992": Decimal(19), "6993": Decimal(19)},
    "PT": {"90": Decimal(22), "91": Decimal(22), "92": Decimal(22), "93": Decimal(22)}
    | {f"9{digit}": Decimal(16) for digit in range(5, 10)},
}


class VatRule(StrEnum):
    """Why a rate applies."""

    DESTINATION = "destination"
    DOMESTIC = "domestic"
    REVERSE_CHARGE = "reverse_charge"
    OUTSIDE_EU = "outside_eu"


@dataclass(frozen=True, slots=True)
class Tax:
    """VAT on a price: `rate` in per cent, `amount` in minor units; `country` is where it is due."""

    country: str
    rate: Decimal
    amount: int
    rule: VatRule


def expected_tax(
    *, seller_country: str, customer_country: str, net: int, has_vat_id: bool = False, postal_code: str | None = None
) -> Tax:
    """The VAT that a customer of this country (ISO 3166-1 alpha-2) should expect on a net price in minor units.

    `has_vat_id`: the customer gave a valid VAT id of their country. A business without one is a consumer to us.
    """
    seller = TREATED_AS.get(seller_country, seller_country)
    country = TREATED_AS.get(customer_country, customer_country)
    if not is_in_eu(country) or _begins(postal_code, OUTSIDE.get(country, ())):
        return Tax(customer_country, Decimal(0), 0, VatRule.OUTSIDE_EU)
    if has_vat_id and country != seller:
        return Tax(country, Decimal(0), 0, VatRule.REVERSE_CHARGE)
    rate = standard_rate(country, postal_code)
    amount = int((net * rate / 100).quantize(Decimal(1), ROUND_HALF_UP))
    return Tax(country, rate, amount, VatRule.DOMESTIC if country == seller else VatRule.DESTINATION)


def is_in_eu(country: str) -> bool:
    """Whether it is a member state; Northern Ireland (XI) is one for goods alone."""
    return eu_vat_rates_data.is_eu_member(country)


def standard_rate(country: str, postal_code: str | None = None) -> Decimal:
    """A member state's standard rate in per cent, or that of one of its regions."""
    regional = REGIONAL_RATES.get(country, {})
    for beginning, rate in regional.items():
        if _begins(postal_code, (beginning,)):
            return rate
    return Decimal(str(eu_vat_rates_data.get_standard_rate(country)))


def check_vat_id(country: str, text: str) -> str:
    """The VAT id in its compact form with its prefix, such as DE136695976.

    Raises VatIdInvalid when its form or checksum is wrong, when it is not one of this country (ISO code), or when we
    cannot know what that country's ids look like.
    """
    home = TREATED_AS.get(country, country)
    kind = "vat" if is_in_eu(home) else OTHER_KINDS.get(home)
    module = None if kind is None else get_cc_module(home.lower(), kind)
    if module is None:
        raise VatIdInvalid(f"Customers in {country} have no VAT id that we can check; leave it out.")
    prefix = PREFIX.get(home, home)
    given = "".join(text.split()).upper()
    if given[:2] not in (prefix, home) and _is_prefix(given[:2]):
        raise VatIdInvalid(f"This VAT id is not one of {country}; those begin with {prefix}.")
    try:
        compact = str(module.validate(text))
    except ValidationError:
        raise VatIdInvalid(f"This is no valid VAT id of {country}: its form or its check digits are wrong.") from None
    return compact if not is_in_eu(home) else prefix + compact.removeprefix(prefix).removeprefix(home)


def stripe_tax_id_type(country: str) -> str:
    """What Stripe calls the VAT ids of this country."""
    home = TREATED_AS.get(country, country)
    return "eu_vat" if is_in_eu(home) else f"{home.lower()}_vat"


def _is_prefix(letters: str) -> bool:
    return letters in {"EL", "XI", *OTHER_KINDS} or is_in_eu(letters)


def _begins(postal_code: str | None, beginnings: tuple[str, ...]) -> bool:
    return postal_code is not None and "".join(postal_code.split()).removeprefix("AX-").startswith(beginnings)
