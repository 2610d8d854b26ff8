"""One browser window and what a person does in it."""

from dataclasses import dataclass, field
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page

DESKTOP = (1280, 860)
PHONE = (390, 844)
# WCAG 2.2 on the levels A and AA, as axe-core names their rules.
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_AXE = Axe()


@dataclass(slots=True)
class Window:
    """A page with the address of the house; `expected` are the faults that a test provokes itself."""

    page: Page
    url: str
    pictures: Path
    expected: list[str] = field(default_factory=list[str])

    def visit(self, path: str = "/") -> None:
        self.page.goto(f"{self.url}{path}")

    def button(self, name: str, *, exact: bool = False) -> Locator:
        return self.page.get_by_role("button", name=name, exact=exact)

    def press(self, name: str, *, exact: bool = False) -> None:
        self.button(name, exact=exact).first.click()

    def sees(self, text: str) -> None:
        """Wait until something says this."""
        self.page.get_by_text(text).first.wait_for()

    def sign_in(self, who: str) -> None:
        """On the sign-in provider's page, wherever the window was."""
        self.press("Sign in")
        self.page.get_by_label("E-mail address").fill(who)
        self.press("Sign in")
        self.button("Account").wait_for()

    def upload(self, picture: Path) -> None:
        self.page.set_input_files("#file", picture)

    def picture(self, name: str) -> None:
        """Keep a screenshot, once everything in sight has loaded."""
        self.pictures.mkdir(parents=True, exist_ok=True)
        self.page.evaluate("() => Promise.all([...document.images].map((one) => one.decode().catch(() => 0)))")
        self.page.screenshot(path=self.pictures / f"{name}.png")

    def is_accessible(self, name: str) -> None:
        """Keep a screenshot, and let axe-core judge what is there now."""
        self.picture(name)
        found = _AXE.run(self.page, options={"runOnly": {"type": "tag", "values": LEVELS}})
        wrong = [
            f"{rule['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
            for rule in found.response["violations"]
            for node in rule["nodes"]
        ]
        assert [] == wrong, f"{name}: {wrong}"
