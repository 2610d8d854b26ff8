"""VAT ids: form, checksum, and whose they are."""

import pytest

from shared.errors import VatIdInvalid
from shared.vat import check_vat_id, stripe_tax_id_type


@pytest.mark.parametrize(
    ("country", "given", "compact"),
    [
        ("DE", "DE 136,695 976", "DE136695976"),
        ("DE", "136695976", "DE136695976"),
        ("FR", "fr 40 303265045", "FR40303265045"),
        ("MC", "FR40303265045", "FR40303265045"),
        ("GR", "EL094259216", "EL094259216"),
        ("GR", "GR094259216", "EL094259216"),
        ("GR", "094259216", "EL094259216"),
        ("AT", "ATU13585627", "ATU13585627"),
        ("NL", "NL4495445B01", "NL004495445B01"),
        ("ES", "ES54362315K", "ES54362315K"),
        ("CH", "CHE-107.787.577 IVA", "CHE107787577IVA"),
        ("NO", "NO 995 525 828 MVA", "995525828MVA"),
        ("GB", "GB980780684", "980780684"),
    ],
)
def test_a_valid_id_is_shown_in_its_compact_form(country: str, given: str, compact: str) -> None:
    assert compact == check_vat_id(country, given)


@pytest.mark.parametrize(
    ("country", "given"),
    [
        ("DE", "DE136695977"),  # the check digit
        ("DE", "DE13669597"),  # too short
        ("DE", ""),
        ("FR", "DE136695976"),  # another country's
        ("GB", "XI110305878"),
        ("US", "US123456789"),  # no such thing
        ("FR", "FR40303265045; DROP TABLE users"),
        ("XI", "XI110305878"),  # a member for goods alone
    ],
)
def test_what_is_not_an_id_of_the_country_is_refused(country: str, given: str) -> None:
    with pytest.raises(VatIdInvalid):
        check_vat_id(country, given)


@pytest.mark.parametrize(("country", "kind"), [("FR", "eu_vat"), ("MC", "eu_vat"), ("GB", "gb_vat"), ("NO", "no_vat")])
def test_stripe_has_a_name_for_each_sort(country: str, kind: str) -> None:
    assert kind == stripe_tax_id_type(country)
