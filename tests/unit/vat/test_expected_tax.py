"""Each case of VAT on an electronically supplied service, with the article that says so.

"The Directive" is Council Directive 2006/112/EC, "the Regulation" is Council Implementing Regulation (EU) 282/2011.
"""

from decimal import Decimal

import eu_vat_rates_data
import pytest

from shared.vat import Tax, VatRule, expected_tax, is_in_eu, standard_rate

NET = 3990


def tax(customer: str, *, seller: str = "DE", has_vat_id: bool = False, postal_code: str | None = None) -> Tax:
    return expected_tax(
        seller_country=seller, customer_country=customer, net=NET, has_vat_id=has_vat_id, postal_code=postal_code
    )


def test_a_consumer_at_home_pays_the_rate_of_home() -> None:
    """The Directive, article 58(1): where the consumer belongs, which is the seller's own state."""
    assert Tax("DE", Decimal("19.0"), 758, VatRule.DOMESTIC) == tax("DE")


def test_a_consumer_in_another_member_state_pays_the_rate_of_that_state() -> None:
    """The Directive, article 58(1), declared by the one-stop shop of articles 369a to 369k."""
    assert Tax("FR", Decimal("20.0"), 798, VatRule.DESTINATION) == tax("FR")
    assert Tax("HU", Decimal("27.0"), 1077, VatRule.DESTINATION) == tax("HU")


def test_a_rate_with_half_a_per_cent_is_exact() -> None:
    """The Directive, article 58(1); Finland's standard rate has been 25.5 per cent since September 2024."""
    assert Tax("FI", Decimal("25.5"), 1017, VatRule.DESTINATION) == tax("FI")


def test_a_business_in_another_member_state_accounts_for_the_tax_itself() -> None:
    """The Directive, articles 44 and 196: supplied where the business is, which owes the VAT (reverse charge)."""
    assert Tax("FR", Decimal(0), 0, VatRule.REVERSE_CHARGE) == tax("FR", has_vat_id=True)


def test_a_business_at_home_pays_the_rate_of_home() -> None:
    """The Directive, article 44 with article 193: seller and customer in one state, so the seller owes the VAT."""
    assert Tax("DE", Decimal("19.0"), 758, VatRule.DOMESTIC) == tax("DE", has_vat_id=True)


def test_a_business_without_a_vat_id_is_treated_as_a_consumer() -> None:
    """The Regulation, article 18(2): who gives no VAT number may be taken for a consumer."""
    assert VatRule.DESTINATION is tax("FR", has_vat_id=False).rule


@pytest.mark.parametrize("country", ["US", "CH", "NO", "GB", "BR", "GG"])
@pytest.mark.parametrize("has_vat_id", [True, False])
def test_a_customer_outside_the_union_pays_no_eu_vat(country: str, has_vat_id: bool) -> None:
    """The Directive, articles 44 and 58(1): supplied where the customer is, outside (article 5)."""
    assert Tax(country, Decimal(0), 0, VatRule.OUTSIDE_EU) == tax(country, has_vat_id=has_vat_id)


def test_northern_ireland_is_outside_for_services() -> None:
    """The Windsor Framework (Protocol on Ireland/Northern Ireland), article 8: Union VAT law applies there to goods."""
    assert VatRule.OUTSIDE_EU is tax("XI").rule


def test_greece_goes_by_its_iso_code() -> None:
    """The Directive, article 58(1); Greece is GR in ISO 3166 and EL in VAT ids (the Directive, article 215)."""
    assert Tax("GR", Decimal("24.0"), 958, VatRule.DESTINATION) == tax("GR")


def test_monaco_is_treated_as_france() -> None:
    """The Directive, article 7(1) and (2): transactions in Monaco are treated as transactions in France."""
    assert Tax("FR", Decimal("20.0"), 798, VatRule.DESTINATION) == tax("MC")
    assert VatRule.DOMESTIC is tax("MC", seller="FR").rule


@pytest.mark.parametrize(
    ("country", "postal_code"),
    [
        ("ES", "35001"),
        ("ES", "38001"),
        ("ES", "51001"),
        ("ES", "52001"),
        ("FI", "22100"),
        ("FR", "97100"),
        ("DE", "27498"),
        ("DE", "78266"),
        ("IT", "23041"),
        ("IT", "22061"),
        ("GR", "630 86"),
    ],
)
def test_parts_of_member_states_are_outside_the_territory(country: str, postal_code: str) -> None:
    """The Directive, article 6(1) and (2): Canaries, Ceuta, Melilla, Åland, French overseas departments, Heligoland,
    Büsingen, Livigno, Campione d'Italia and Mount Athos.
    """
    assert VatRule.OUTSIDE_EU is tax(country, postal_code=postal_code).rule
    assert VatRule.OUTSIDE_EU is not tax(country, postal_code="10000").rule


@pytest.mark.parametrize(
    ("country", "postal_code", "rate"),
    [("PT", "9000-001", "22"), ("PT", "9500-001", "16"), ("PT", "1000-001", "23"), ("AT", "6991", "19")],
)
def test_regions_with_a_rate_of_their_own(country: str, postal_code: str, rate: str) -> None:
    """The Directive, articles 104 (Jungholz and Mittelberg) and 105 (Madeira and the Azores)."""
    assert Decimal(rate) == standard_rate(country, postal_code)


def test_a_seller_outside_the_union_charges_consumers_in_it_all_the_same() -> None:
    """The Directive, article 58(1), declared by the non-Union one-stop shop of articles 358a to 369."""
    assert Tax("DE", Decimal("19.0"), 758, VatRule.DESTINATION) == tax("DE", seller="US")


def test_a_seller_outside_the_union_leaves_the_tax_to_businesses_in_it() -> None:
    """The Directive, article 196: the business owes the VAT, for the supplier is not established there."""
    assert Tax("DE", Decimal(0), 0, VatRule.REVERSE_CHARGE) == tax("DE", seller="US", has_vat_id=True)


def test_half_a_cent_is_rounded_up() -> None:
    """The Directive leaves rounding to the member states (Court of Justice, C-484/06 Ahold); we round half up."""
    assert 1 == expected_tax(seller_country="DE", customer_country="FR", net=3, has_vat_id=False).amount
    assert 3 == expected_tax(seller_country="DE", customer_country="BG", net=13, has_vat_id=False).amount


def test_every_member_state_has_a_rate_within_the_law() -> None:
    """The Directive, article 97: the standard rate shall not be lower than 15 per cent."""
    members = sorted(country for country in eu_vat_rates_data.get_all_rates() if is_in_eu(country))
    assert 27 == len(members)
    assert [] == [country for country in members if not 15 <= standard_rate(country) <= 27]
