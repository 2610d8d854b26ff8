"""The pages: what they may load, how they are sent, and that they hold what they need."""

import gzip
import re
from collections.abc import Callable

import httpx
import pytest
from flask.testing import FlaskClient

from api.pages import WEB
from api.problems import STATUS
from shared import countries
from shared.settings import Settings
from tests.integration.api.conftest import Person, png, shown, slug_of

PAGES = ("/", "/admin")
MOST_PACKED_BYTES = 100_000


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_its_own_scripts_and_styles_alone(client: FlaskClient, settings: Settings, path: str) -> None:
    page = client.get(path)
    rules = dict(rule.strip().split(" ", 1) for rule in page.headers["Content-Security-Policy"].split(";"))
    assert (200, "'none'") == (page.status_code, rules["default-src"])
    assert f"'self' {settings.issuer}" == rules["script-src"] == rules["connect-src"]
    assert "'self'" == rules["style-src"]
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page.text)


@pytest.mark.parametrize("path", PAGES)
def test_everything_that_a_page_names_is_there(client: FlaskClient, path: str) -> None:
    addresses = set(re.findall(r'(?:src|href)="(/assets/[^"]+)"', client.get(path).text))
    seen = set[str]()
    while addresses - seen:
        address = (addresses - seen).pop()
        answer = client.get(address)
        assert 200 == answer.status_code, address
        seen.add(address)
        addresses |= set(re.findall(r'["`](/assets/[\w.-]+)["`]', answer.text))
    assert len(seen) > 8


def test_no_file_of_the_pages_is_left_over(client: FlaskClient) -> None:
    text = "".join(path.read_text("utf-8") for path in WEB.iterdir()) + "buy.js account.js"
    presets = {f"preset-{one['preset']}.svg" for one in shown(client.get("/v1/images/x/editor"))["presets"]}
    assert presets == {path.name for path in WEB.glob("preset-*.svg")}
    assert [] == [path.name for path in WEB.iterdir() if path.name not in text and path.name not in presets
                  and path.suffix != ".html"]  # fmt: skip


def test_a_file_is_packed_for_whoever_takes_that_and_sent_once(client: FlaskClient) -> None:
    plain = client.get("/assets/base.css")
    packed = client.get("/assets/base.css", headers={"Accept-Encoding": "gzip"})
    assert plain.data == gzip.decompress(packed.data) == (WEB / "base.css").read_bytes()
    assert ("gzip", "Accept-Encoding") == (packed.headers["Content-Encoding"], packed.headers["Vary"])
    again = client.get("/assets/base.css", headers={"If-None-Match": plain.headers["ETag"]})
    assert (304, b"") == (again.status_code, again.data)


def test_all_pages_together_are_light() -> None:
    assert sum(len(gzip.compress(path.read_bytes())) for path in WEB.iterdir()) < MOST_PACKED_BYTES


@pytest.mark.parametrize("name", ["pages.py", "..%2fapp.py", "index.html", "nothing.js"])
def test_nothing_but_files_of_the_pages_is_sent(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/assets/{name}")
    assert (404, "not-found") == (answer.status_code, slug_of(answer))


def test_the_page_knows_every_country() -> None:
    block = re.search(r"COUNTRIES = \((.*?)\)", (WEB / "buy.js").read_text("utf-8"), re.DOTALL)
    assert block is not None
    assert set(re.findall(r"\b[A-Z]{2}\b", block[1])) == countries.CODES


def test_the_page_has_words_for_problems_that_exist() -> None:
    block = re.search(r"const WORDS = \{(.*?)\n\}", (WEB / "words.js").read_text("utf-8"), re.DOTALL)
    assert block is not None
    assert {"offline", "canceled"} == set(re.findall(r'^  "([a-z-]+)":', block[1], re.MULTILINE)) - {
        kind.slug for kind in STATUS
    }


def test_a_page_is_told_where_a_source_is(alice: Person, stranger: Person) -> None:
    address = f"/v1/images/{shown(alice.upload(png()))['image_id']}/source/link"
    link = shown(alice.get(address))
    assert png() == httpx.get(link["url"]).content
    assert "Z" == link["expires_at"][-1]
    assert 404 == stranger.get(address).status_code


def test_the_queues_are_for_operators(alice: Person, sign_in: Callable[..., Person]) -> None:
    assert (403, "admin-required") == ((answer := alice.get("/v1/queues")).status_code, slug_of(answer))
    found = shown(sign_in(admin=True).get("/v1/queues"))["data"]
    assert [("preview", True), ("vectorization", True)] == [(one["kind"], one["waiting"] >= 0) for one in found]
