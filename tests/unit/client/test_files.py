"""Manifest, pictures, places and keys on the disk."""

import fcntl
import os
import stat
from pathlib import Path
from typing import IO

import pytest

from tovector.arguments import find_target, read_options
from tovector.asking import Ask
from tovector.credentials import (
    Access,
    AddressUnusable,
    checked_url,
    find_access,
    forget_access,
    is_open_to_listeners,
    keep_access,
)
from tovector.manifest import Manifest, ManifestUnusable, Row, Status, held
from tovector.pictures import NothingToDo, Picture, find_pictures, place_drawings
from tovector.problems import OptionsRefused, SignInNeeded
from tovector.running import plan

ASK = Ask()


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode("utf-8", "surrogateescape"))


def names(pictures: list[Picture], folder: Path) -> list[str]:
    return [picture.path.relative_to(folder).as_posix() for picture in pictures]


def row(path: str, **more: object) -> Row:
    return Row(path=path, sha256="s", settings=ASK.settings, output="o", key="tovector.k.1", **more)  # pyright: ignore[reportArgumentType]


def test_a_manifest_is_read_as_it_was_written_whatever_a_file_is_called(tmp_path: Path) -> None:
    odd = [row('a "quoted", name.png'), row("line\nbreak.png", status=Status.DONE), row(os.fsdecode(b"\xff.png"))]
    with held(tmp_path / "m.csv") as manifest:
        manifest.put(*odd)
        manifest.save()
    assert {found.path: found for found in odd} == Manifest(tmp_path / "m.csv").rows
    assert ["m.csv"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"name,price\nlogo,3\n", b"\x00" * 40],
    ids=["empty", "no text", "another table", "zeros"],
)
def test_what_is_no_manifest_is_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(ManifestUnusable, match="is no manifest"), held(tmp_path / "m.csv"):
        pass
    assert content == (tmp_path / "m.csv").read_bytes()


@pytest.mark.parametrize(("old", "new"), [("waiting", "lost"), (",0,0,", ",none,0,"), (".k.1", ".k"), ("formats", "x")])
def test_a_damaged_line_is_noticed(tmp_path: Path, old: str, new: str) -> None:
    manifest = Manifest(tmp_path / "m.csv")
    manifest.put(row("a.png"))
    text = manifest.path.read_text("utf-8")
    assert old in text
    manifest.path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(ManifestUnusable):
        Manifest(manifest.path)


def test_two_runs_do_not_share_a_manifest(tmp_path: Path) -> None:
    with held(tmp_path / "m.csv"), pytest.raises(ManifestUnusable, match="Another run"), held(tmp_path / "m.csv"):
        pass
    with held(tmp_path / "m.csv"):
        pass


def test_a_lock_whose_file_is_removed_before_it_is_locked_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, flock = tmp_path / ".m.csv.lock", fcntl.flock

    def flock_once_another_run_has_ended(file: IO[str], how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        lock.unlink()
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", flock_once_another_run_has_ended)
    with held(tmp_path / "m.csv"), pytest.raises(ManifestUnusable, match="Another run"), held(tmp_path / "m.csv"):
        pass


def test_a_manifest_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    put(tmp_path, "file")
    with pytest.raises(ManifestUnusable, match="cannot be written"), held(tmp_path / "file" / "m.csv"):
        pass


def test_pictures_are_found_by_their_ending_and_each_once(tmp_path: Path) -> None:
    put(tmp_path, "b.PNG", "a.jpeg", "c.txt", ".hidden.png", "deep/d.jpg", ".git/e.png")
    found = find_pictures([tmp_path, tmp_path / "b.PNG"], is_recursive=False)
    assert ["a.jpeg", "b.PNG"] == names(found, tmp_path)
    found = find_pictures([tmp_path], is_recursive=True)
    assert ["a.jpeg", "b.PNG", "deep/d.jpg"] == names(found, tmp_path)
    assert ["c.txt"] == names(find_pictures([tmp_path / "c.txt"], is_recursive=False), tmp_path)
    for source, reason in ((tmp_path / "deep" / "none", "does not exist"), (tmp_path / ".git" / "..", "no PNG")):
        if reason == "no PNG":
            source = tmp_path / "empty"
            source.mkdir()
        with pytest.raises(NothingToDo, match=reason):
            find_pictures([source], is_recursive=False)


def test_no_drawing_is_written_over_a_picture_or_another_drawing(tmp_path: Path) -> None:
    put(tmp_path, "logo.png", "logo.jpg", "deep/logo.png")
    pictures = find_pictures([tmp_path], is_recursive=True)
    places = place_drawings(pictures, tmp_path / "out", ["svg"], {})
    assert ["deep/logo", "logo", "logo.png"] == sorted(
        place.relative_to(tmp_path / "out").as_posix() for place in places.values()
    )
    beside = place_drawings(pictures, None, ["png"], {})
    assert {"logo.jpg", "logo.png"} == {place.name for place in beside.values()}
    assert tmp_path / "logo.png" == beside[tmp_path / "logo.png"]
    known = {tmp_path / "logo.png": tmp_path / "out" / "logo"}
    again = place_drawings(pictures, tmp_path / "out", ["svg"], known)
    assert ("logo", "logo.jpg") == (again[tmp_path / "logo.png"].name, again[tmp_path / "logo.jpg"].name)


def test_somebodys_own_file_is_not_written_over(tmp_path: Path) -> None:
    put(tmp_path, "logo.png", "logo.svg")
    pictures = find_pictures([tmp_path], is_recursive=False)
    places = place_drawings(pictures, None, ["svg"], {})
    manifest = Manifest(tmp_path / "m.csv")
    for _ in range(2):  # having been told once is no permission
        planned = plan(pictures, places, manifest, ASK)
        assert (0, 1) == (len(planned.work), len(planned.failed))
        assert "--overwrite" in planned.failed[0].problem
        manifest.put(*planned.failed)
    assert 1 == len(plan(pictures, places, manifest, ASK, may_overwrite=True).work)


@pytest.mark.parametrize(
    ("source", "output", "formats", "place", "made"),
    [
        ("logo.png", "x/logo.svg", (), "x/logo", ("svg",)),
        ("logo.png", "logo.pdf", (), "logo", ("pdf",)),
        ("logo.png", "logo.svg", ("pdf", "svg"), "logo", ("pdf", "svg")),
        ("logo.png", None, ("dxf",), None, ("dxf",)),
        ("logo.png", "new", (), None, ("svg",)),
    ],
)
def test_where_one_drawing_goes(
    tmp_path: Path, source: str, output: str | None, formats: tuple[str, ...], place: str | None, made: tuple[str, ...]
) -> None:
    put(tmp_path, source)
    goes_to = None if output is None else Path(output)
    target = find_target((tmp_path / source,), goes_to, formats, is_recursive=False)
    assert (None if place is None else Path(place), made) == (target.place, target.formats)


def test_an_output_that_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "a.png", "b.png", "file.svg")
    with pytest.raises(OptionsRefused, match="does not end like"):
        find_target((tmp_path / "a.png",), Path("a.svg"), ("pdf",), is_recursive=False)
    with pytest.raises(OptionsRefused, match="need a folder"):
        find_target((tmp_path / "a.png", tmp_path / "b.png"), tmp_path / "file.svg", (), is_recursive=False)


def test_options_are_numbers_words_or_lists() -> None:
    pairs = (
        "colors=8",
        "gradients=false",
        "background=#fff",
        "palette=#f80",
        "palette=#000",
        'x=["#123"]',
        "minimum-area=4",
    )
    assert {
        "preset": "logo", "colors": 8, "gradients": False, "background": "#fff", "palette": ["#f80", "#000"],
        "x": ["#123"], "minimum_area": 4,
    } == read_options("logo", pairs)  # fmt: skip
    with pytest.raises(OptionsRefused, match="name=value"):
        read_options(None, ("colors",))


def test_a_key_goes_to_its_server_alone_and_the_environment_goes_first(tmp_path: Path) -> None:
    here = {"XDG_CONFIG_HOME": str(tmp_path)}
    with pytest.raises(AddressUnusable, match="Which server"):
        find_access(environment=here)
    path = keep_access(Access("https://one.example", "tv_1"), here)
    keep_access(Access("https://two.example", "tv_2"), here)
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert Access("https://two.example", "tv_2") == find_access(environment=here)
    assert Access("https://one.example", "tv_1") == find_access("https://ONE.example/", here)
    assert "tv_9" == find_access(environment=here | {"TOVECTOR_API_KEY": " tv_9\n"}).api_key
    with pytest.raises(SignInNeeded, match=r"three\.example"):
        find_access(environment=here | {"TOVECTOR_URL": "https://three.example"})
    with pytest.raises(SignInNeeded, match="begins with tv_") as caught:
        find_access(environment=here | {"TOVECTOR_API_KEY": "secret"})
    assert "secret" not in str(caught.value)
    assert "tv_2" not in repr(find_access(environment=here))
    assert ["https://one.example"] == forget_access("https://one.example", here)
    assert ["https://two.example"] == forget_access(None, here)
    assert [] == forget_access(None, here)
    path.write_text("{")
    with pytest.raises(SignInNeeded, match="remove it"):
        find_access(environment=here)


@pytest.mark.parametrize(
    "text", ["", "example.com", "ftp://x", "https://", "https://u:p@x", "http://x:port", "https://x?y=1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressUnusable):
        checked_url(text)


def test_a_key_in_the_clear_is_noticed() -> None:
    assert [True, False, False] == [
        is_open_to_listeners(url) for url in ("http://api.example", "http://127.0.0.1:8000", "https://api.example")
    ]
