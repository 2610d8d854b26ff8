"""What must not be committed is found before it is."""

from pathlib import Path

import pytest

from dev.leaks import KNOWN, PASSED_OVER, committed, found_in

# The bars are taken out before the scan, or this file would be found itself.
LEAKS = {
    "a key of Stripe's": "key = 'sk_|live_|4eC39HqLyjWDarjtT1zdp7dc'",
    "a private key": "-----BEGIN |RSA PRIVATE KEY-----",
    "a key of Amazon's": "AWS = 'AKIA|IOSFODNN7EXAMPLA'",
    "a service_role key": "k = 'eyJhbGciOi|JIUzI1NiJ9.eyJyb2xlIjoic2V|ydmljZV9yb2xlIn0.c2lnbmF0d|XJlLW9mLXRo'",
    "an address and who logs in there": "postgresql:/|/tovector:wQ7b2nXk@db.example.com/postgres",
    "a token of GitHub's": "ghp_|wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx",
    "a password": "pass|word = 'Vk7x-sadly-real'",
}


@pytest.mark.parametrize("text", LEAKS.values(), ids=LEAKS)
def test_a_leak_is_found(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.py"
    path.write_text("import os\n" + text.replace("|", "") + "\n")
    assert {2} == {line for _, line in found_in([str(path)])}


def test_nothing_is_passed_over_but_checksums_and_pictures() -> None:
    names = committed()
    if not names:
        pytest.skip("this is no git checkout")
    assert {"shared/settings.py", ".env.example", "docker-compose.yml"} <= set(names)
    assert ("requirements.lock", "samples/", "docs/pictures/", str(KNOWN.relative_to(KNOWN.parents[1]))) == PASSED_OVER
