"""From a picture to a drawing in a real browser, on the real stack."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Route

from tests.acceptance.browser.conftest import NewWindow
from tests.acceptance.browser.window import PHONE, Window
from tests.acceptance.conftest import NewCustomer
from tests.acceptance.pictures import noise
from tests.acceptance.stacks import Stack

MOST_FIRST_LOAD_BYTES = 100_000


@pytest.fixture
def window(new_window: NewWindow) -> Window:
    return new_window()


def balance(window: Window) -> Locator:
    return window.page.locator("#balance")


def drawn(window: Window) -> None:
    """Wait for the drawing itself."""
    window.page.locator("[data-save=svg]").wait_for()


def test_a_picture_becomes_a_drawing_bought_saved_and_deleted(
    window: Window, new_customer: NewCustomer, samples: Path
) -> None:
    new_customer("browser@example.com", "0.5")
    window.visit()
    window.is_accessible("1-signed-out")
    window.sign_in("browser@example.com")
    window.upload(samples / "logo.png")
    window.button("Make the drawing").wait_for()
    window.sees("This looks like a logo")
    window.is_accessible("2-popup")
    window.press("Preview")
    window.sees("alike")
    assert "0.3" == balance(window).text_content()
    window.is_accessible("3-preview")
    window.press("Make the drawing")
    buy(window)
    assert "20.3" == balance(window).text_content()
    window.press("Make the drawing")
    drawn(window)
    assert "19.3" == balance(window).text_content()
    look_closely(window)
    for kind, beginning in (("svg", b"<svg"), ("pdf", b"%PDF"), ("dxf", b"")):
        with window.page.expect_download() as saved:
            window.page.locator(f"[data-save={kind}]").click()
        assert f"logo.{kind}" == saved.value.suggested_filename
        assert saved.value.path().read_bytes().startswith(beginning)
    window.press("Delete")
    window.is_accessible("8-delete")
    window.press("Delete it")
    window.sees("are deleted")
    window.page.locator(".card").wait_for(state="detached")


def buy(window: Window) -> None:
    """The smallest package, paid on Stripe's page, and back to the picture."""
    window.page.locator(".package").first.wait_for()
    window.is_accessible("4-packages")
    window.page.get_by_label("Country").select_option("DE")
    window.press("Continue")
    window.page.locator("#pay").wait_for()
    assert "€11.78" in (window.page.locator("#pay").text_content() or "")
    window.is_accessible("5-bill")
    window.page.locator("#pay").click()
    window.press("Pay", exact=True)
    window.sees("are yours")
    window.is_accessible("6-paid")
    window.press("Go on")


def look_closely(window: Window) -> None:
    """Zoom by keys, and move the slider by keys."""
    view = window.page.get_by_role("group", name="Picture.")
    view.focus()
    for _ in range(4):
        window.page.keyboard.press("+")
    assert re.fullmatch(r"[4-9]\d\d %", window.page.get_by_label("Zoom", exact=True).text_content() or "")
    slider = window.page.get_by_label("How much of the picture before is shown")
    slider.focus()
    window.page.keyboard.press("ArrowLeft")
    assert "49" == slider.input_value()
    window.is_accessible("7-drawing")


@pytest.mark.parametrize(("dark", "size"), [(True, (1280, 860)), (False, PHONE), (True, PHONE)])
def test_it_is_as_usable_in_the_dark_and_on_a_phone(
    new_window: NewWindow, new_customer: NewCustomer, samples: Path, dark: bool, size: tuple[int, int]
) -> None:
    new_customer("night@example.com", "3")
    window = new_window(size, dark=dark, touch=size == PHONE)
    name = f"{'dark' if dark else 'light'}-{'phone' if size == PHONE else 'desktop'}"
    window.visit()
    window.sign_in("night@example.com")
    window.upload(samples / "harbor.jpg")
    window.button("Make the drawing").wait_for()
    window.sees("This looks like")
    window.is_accessible(f"{name}-1-popup")
    window.press("Make the drawing")
    drawn(window)
    window.is_accessible(f"{name}-2-drawing")
    window.press("Close")
    window.page.locator(".card img").first.wait_for()
    window.is_accessible(f"{name}-3-home")
    window.press("Account")
    window.sees("Keys for scripts")
    window.is_accessible(f"{name}-4-account")
    assert 0 == window.page.evaluate("() => document.documentElement.scrollWidth - innerWidth")


def test_the_first_load_is_light_and_asks_nobody_else(window: Window) -> None:
    window.visit()
    window.button("Sign in").wait_for()
    sizes: dict[str, int] = window.page.evaluate(
        "() => Object.fromEntries(performance.getEntries().filter((one) => one.transferSize)"
        ".map((one) => [one.name, one.transferSize]))"
    )
    assert len(sizes) > 8
    assert sum(sizes.values()) < MOST_FIRST_LOAD_BYTES, sizes


def test_what_is_refused_is_said_in_plain_words(window: Window, tmp_path: Path, samples: Path, house: Stack) -> None:
    window.expected += ["status of 415", "status of 413", "status of 503", "status of 429", "status of 409"]
    window.visit()
    window.sign_in("clumsy@example.com")
    (tmp_path / "letter.png").write_text("Dear tovector,")
    window.upload(tmp_path / "letter.png")
    window.sees("That is not a PNG or JPEG")
    window.is_accessible("not-a-picture")
    (tmp_path / "huge.png").write_bytes((samples / "logo.png").read_bytes() + bytes(21_000_000))
    window.upload(tmp_path / "huge.png")
    window.sees("Up to 20 MB can be uploaded")
    window.upload(samples / "logo.png")
    window.button("Make the drawing").wait_for()
    for status, slug, words in (
        (503, "overloaded", "Many pictures are waiting"), (429, "rate-limited", "A little too fast"),
        (409, "image-not-ready", "still being prepared"),
    ):  # fmt: skip
        answer_previews(window, status, slug)
        window.press("Preview")
        window.sees(words)
        window.page.unroute("**/previews")
    window.is_accessible("busy")
    window.press("Preview")
    window.sees("alike")


@pytest.mark.parametrize("dark", [False, True])
def test_before_anything_is_paid_a_picture_that_will_disappoint_is_warned_of(
    new_window: NewWindow, new_customer: NewCustomer, tmp_path: Path, dark: bool
) -> None:
    new_customer("warned@example.com", "1")
    window = new_window(PHONE if dark else (1280, 860), dark=dark, touch=dark)
    window.visit()
    window.sign_in("warned@example.com")
    (tmp_path / "grain.png").write_bytes(noise(900))
    window.upload(tmp_path / "grain.png")
    window.sees("A cleaner original gives a better one.")
    window.is_accessible("dark" if dark else "light")
    assert window.page.evaluate(
        "() => document.querySelector('.suggestion .callout').getBoundingClientRect().bottom"
        " < document.querySelector('.presets').getBoundingClientRect().top"
    )
    assert "1" == balance(window).text_content()


def answer_previews(window: Window, status: int, slug: str) -> None:
    """Answer in place of the API, as it would while it is overloaded."""

    def refuse(route: Route) -> None:
        body = json.dumps({"slug": slug, "status": status, "title": "", "detail": ""})
        headers = {"Content-Type": "application/problem+json", "Retry-After": "9"}
        route.fulfill(status=status, body=body, headers=headers)

    window.page.route("**/previews", refuse)


def test_everything_can_be_done_by_keyboard(window: Window, samples: Path, new_customer: NewCustomer) -> None:
    new_customer("keys@example.com", "3")
    window.visit()
    window.sign_in("keys@example.com")
    window.upload(samples / "logo.png")
    window.button("Make the drawing").wait_for()
    reach(window, 'document.activeElement.name === "preset"')
    window.page.keyboard.press("ArrowRight")
    assert "logo" == window.page.locator("[name=preset]:checked").input_value()
    reach(window, 'document.activeElement.dataset.action === "vectorization"')
    window.page.keyboard.press("Enter")
    drawn(window)
    window.page.keyboard.press("Escape")
    window.page.locator("#editor").wait_for(state="detached")


def reach(window: Window, condition: str) -> None:
    """Press Tab until something has the focus."""
    for _ in range(40):
        if window.page.evaluate(f"() => {condition}"):
            return
        window.page.keyboard.press("Tab")
    raise AssertionError(f"no key leads there: {condition}")
