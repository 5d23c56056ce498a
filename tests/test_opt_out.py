"""Whether a page is to be left out: by the recipe's list, or by what it says itself."""

from pathlib import Path

import pytest

from filters.declarations import Declarations
from filters.opt_out import OptOut
from filters.text_view import TextView


def values(family: OptOut, **view: object) -> dict[str, object]:
    found = family.compute(TextView("A page.", **view))  # type: ignore[arg-type]
    return {name.removeprefix("opt_out."): value for name, value in found.items()}


def test_what_is_not_known_is_null() -> None:
    names = ["listed", "noai", "tdm_reserved", "noimageai", "noindex", "noarchive"]
    assert values(OptOut(), url="https://example.org/") == dict.fromkeys(names)


def test_what_a_page_declares() -> None:
    declared = Declarations(directives=frozenset({"noai", "none"}), tdm_reserved=True)
    assert values(OptOut(), declared=declared) == {
        "listed": None,
        "noai": True,
        "tdm_reserved": True,
        "noimageai": False,
        "noindex": True,
        "noarchive": False,
    }
    assert set(values(OptOut(), declared=Declarations()).values()) == {None, False}


@pytest.mark.parametrize(
    ("url", "listed"),
    [
        ("https://www.example.org/a", True),
        ("https://b.example/page/", True),
        ("https://b.example/other", False),
        ("https://notexample.org/", False),
        ("no address", False),
        ("", None),
        (None, None),
    ],
)
def test_a_list_has_domains_and_pages(tmp_path: Path, url: str | None, listed: bool | None) -> None:
    (tmp_path / "domains.txt").write_text("# asked in May\nexample.org\n")
    (tmp_path / "pages.txt").write_text("https://b.example/page\n")
    family = OptOut(domains=str(tmp_path / "domains.txt"), urls=str(tmp_path / "pages.txt"))
    family.load()
    assert values(family, url=url)["listed"] is listed


def test_a_list_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("# nobody\n")
    with pytest.raises(ValueError, match="no line of it names a domain"):
        OptOut(domains=str(tmp_path / "empty.txt")).load()
