"""What is sealed can be read with a key, and only with one."""

import pytest
from pydantic import SecretStr

from shared.errors import InternalError
from shared.vault import Vault, new_key

SECRET = {"name": "Alice", "address": {"city": "Köln"}}


def test_what_is_sealed_is_opened_again_and_shows_nothing() -> None:
    vault = Vault(SecretStr(new_key()))
    sealed = vault.seal(SECRET)
    assert vault.open(sealed) == SECRET
    assert b"Alice" not in sealed
    assert {} == vault.open(None)


def test_an_older_key_still_opens_and_no_longer_seals() -> None:
    old, new = new_key(), new_key()
    sealed = Vault(SecretStr(old)).seal(SECRET)
    both = Vault(SecretStr(f"{new}, {old}"))
    assert SECRET == both.open(sealed)
    assert SECRET == Vault(SecretStr(new)).open(both.seal(SECRET))


def test_renewing_makes_an_old_key_unneeded() -> None:
    old, new = new_key(), new_key()
    renewed = Vault(SecretStr(f"{new},{old}")).renew(Vault(SecretStr(old)).seal(SECRET))
    assert SECRET == Vault(SecretStr(new)).open(renewed)


def test_a_strange_key_opens_nothing() -> None:
    sealed = Vault(SecretStr(new_key())).seal(SECRET)
    with pytest.raises(InternalError):
        Vault(SecretStr(new_key())).open(sealed)
    with pytest.raises(InternalError):
        Vault(SecretStr(new_key())).renew(b"nonsense")
