"""Somebody tries it before signing in."""

from pathlib import Path

from tests.acceptance.browser.conftest import NewWindow
from tests.acceptance.conftest import NewCustomer


def test_what_was_uploaded_before_signing_in_is_theirs_afterwards(
    new_window: NewWindow, new_customer: NewCustomer, samples: Path
) -> None:
    new_customer("newcomer@example.com", "2")
    window = new_window()
    window.visit()
    window.button("Sign in").wait_for()
    window.upload(samples / "logo.png")
    window.sees("One step to your drawing")
    window.is_accessible("1-guest-popup")
    assert "logo.png" == window.page.locator("#editor-title").text_content()
    assert 0 == window.button("Make the drawing").count()
    window.page.get_by_label("Line art").check()
    window.page.reload()
    window.sees("One step to your drawing")
    window.press("Sign in to go on")
    window.page.get_by_label("E-mail address").fill("newcomer@example.com")
    window.press("Sign in")
    window.button("Make the drawing").wait_for()
    assert "line-art" == window.page.locator("[name=preset]:checked").input_value()
    window.press("Preview")
    window.sees("alike")
    window.is_accessible("2-claimed")


def test_a_guest_sees_nothing_of_anybody_else(new_window: NewWindow, new_customer: NewCustomer, samples: Path) -> None:
    image = new_customer("owner@example.com").upload(samples / "logo.png")
    window = new_window()
    window.visit(f"/?image={image['image_id']}")
    window.sees("Whose picture is this?")
    window.is_accessible("1-not-theirs")
