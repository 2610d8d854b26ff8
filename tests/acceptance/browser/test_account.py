"""The account in a real browser: consents, keys for scripts, one's own data, and the way out."""

import io
import json
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.acceptance.browser.conftest import NewWindow
from tests.acceptance.browser.window import Window
from tests.acceptance.conftest import NewCustomer
from tests.acceptance.stacks import Stack, eventually

WHO = "settler@example.com"
PURPOSE = "Write to me about what is new"


@pytest.fixture
def window(new_window: NewWindow) -> Window:
    window = new_window()
    window.visit()
    return window


def open_account(window: Window) -> None:
    window.press("Account")
    window.page.get_by_label(PURPOSE).wait_for()


def test_a_consent_is_remembered_until_it_is_taken_back(window: Window) -> None:
    window.sign_in(WHO)
    for is_given in (True, False):
        open_account(window)
        assert window.page.get_by_label(PURPOSE).is_checked() is not is_given
        window.page.get_by_label(PURPOSE).set_checked(is_given)
        window.sees("Noted.")
        window.page.reload()
    open_account(window)
    assert not window.page.get_by_label(PURPOSE).is_checked()


def test_a_key_is_shown_once_works_and_can_be_ended(window: Window, house: Stack) -> None:
    window.sign_in(WHO)
    open_account(window)
    window.page.get_by_label("Name").fill("my shop")
    window.press("Make a key")
    secret = window.page.locator(".secret").text_content() or ""
    window.is_accessible("1-key")
    with httpx.Client(base_url=house.url, headers={"Authorization": f"Bearer {secret}"}) as script:
        assert WHO == script.get("/v1/me").raise_for_status().json()["email"]
        window.page.reload()
        open_account(window)
        window.sees("my shop")
        assert secret not in window.page.content()
        window.press("End", exact=True)
        window.is_accessible("2-end-the-key")
        window.press("End it")
        window.page.get_by_role("listitem").filter(has_text="my shop").wait_for(state="detached")
        assert eventually(lambda: script.get("/v1/me").status_code == 401, 10)


def test_everything_held_can_be_taken_along_and_then_deleted(
    window: Window, new_customer: NewCustomer, samples: Path
) -> None:
    customer = new_customer("leaver@example.com", "3")
    image = customer.upload(samples / "logo.png")
    customer.finish(customer.submit(image["image_id"], "vectorizations"))
    window.sign_in("leaver@example.com")
    open_account(window)
    window.press("Export my data")
    part = window.page.get_by_role("link", name="part 1")
    part.wait_for()
    window.is_accessible("1-export")
    archive = zipfile.ZipFile(io.BytesIO(httpx.get(part.get_attribute("href") or "").raise_for_status().content))
    texts = [archive.read(name) for name in archive.namelist() if name.endswith(".json")]
    assert any(b"leaver@example.com" in text for text in texts)
    assert (samples / "logo.png").read_bytes() in [archive.read(name) for name in archive.namelist()]
    assert all(json.loads(text) is not None for text in texts)
    window.press("Delete my data")
    window.sees("cannot be undone")
    window.is_accessible("2-leaving")
    window.page.get_by_role("dialog").last.get_by_role("button", name="Delete my data").click()
    window.button("Sign in").wait_for()
    assert eventually(
        lambda: customer.http.get(f"/v1/images/{image['image_id']}").status_code in (401, 403, 404, 410), 30
    )
