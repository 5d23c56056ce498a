import re
from pathlib import Path
from typing import Any

import pytest
from datatrove.pipeline.formatters import PIIFormatter
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.score_cost import extract, read
from filters.pii import KINDS, PersonalData

TEXT = (
    "Mail jo@gmx.net or ann@gmx.net, call +44 20 7946 0958, pay to DE89 3704 0044 0532 0130 00"
    " or by 4111 1111 1111 1111. Served to 8.8.8.8 by 10.0.0.1."
)
FINEWEB = PersonalData(
    kinds=("email", "ip"), placeholders={"email": "email@example.com", "ip": "22.214.171.124"}
)
DATATROVE = PIIFormatter(email_replacement="email@example.com", ip_replacement="22.214.171.124")


def test_each_kind_is_replaced_and_counted() -> None:
    edited = PersonalData().apply(TEXT)
    assert edited.text == (
        "Mail [EMAIL] or [EMAIL], call [PHONE], pay to [IBAN] or by [CARD]."
        " Served to [IP] by 10.0.0.1."
    )
    assert edited.counts == {
        "pii.email_count": 2,
        "pii.iban_count": 1,
        "pii.card_count": 1,
        "pii.ip_count": 1,
        "pii.phone_count": 1,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_is_asked_for_is_replaced(kind: Any) -> None:
    edited = PersonalData(kinds=(kind,), placeholders={kind: ""}).apply(TEXT)
    [(name, count)] = edited.counts.items()
    assert name == f"pii.{kind}_count"
    assert count == (2 if kind == "email" else 1)
    assert len(edited.text) < len(TEXT)


def test_private_addresses_go_if_asked_for() -> None:
    edited = PersonalData(kinds=("ip",), public_ips_only=False).apply(TEXT)
    assert edited.text.endswith("Served to [IP] by [IP].")


def test_a_number_that_is_of_two_kinds_is_counted_once() -> None:
    # A card number with its checksum, in the form of a telephone number.
    edited = PersonalData(phone_regions=("US",)).apply(
        "+4 111 1111 1111 1111 +1 212 555 1234@gmx.net"
    )
    assert edited.counts["pii.email_count"] == 1
    assert edited.counts["pii.phone_count"] == 0
    assert edited.text.endswith("555 [EMAIL]")


def test_a_placeholder_is_left_alone_and_not_counted() -> None:
    once = FINEWEB.apply("From jo@gmx.net at 8.8.8.8 to email@example.com.")
    assert once.text == "From email@example.com at 22.214.171.124 to email@example.com."
    assert once.counts == {"pii.email_count": 1, "pii.ip_count": 1}
    again = FINEWEB.apply(once.text)
    assert (again.text, set(again.counts.values())) == (once.text, {0})


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"kinds": ()}, "kinds is empty"),
        ({"kinds": ("email", "name")}, "no kind `name`; there are: email, iban, card, ip, phone"),
        ({"placeholders": {"mail": "x"}}, "no kind `mail`"),
        ({"phone_regions": ("UK",)}, "phone_regions: no country `UK` in ISO 3166"),
    ],
)
def test_a_wrong_parameter_is_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PersonalData(**parameters)


atoms = st.from_regex(r"\A[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,6}\Z", fullmatch=True)
labels = st.from_regex(r"\A[A-Za-z0-9]([a-z0-9-]{0,4}[a-z0-9])?\Z", fullmatch=True)
addresses = st.builds(
    lambda local, domain, top: f"{'.'.join(local)}@{'.'.join(domain)}.{top}",
    st.lists(atoms, min_size=1, max_size=3),
    st.lists(labels, min_size=1, max_size=3),
    st.sampled_from(["com", "de", "museum"]),
)
numbers = st.lists(st.integers(0, 255), min_size=3, max_size=4).map(
    lambda octets: ".".join(map(str, octets))
)
marks = st.sampled_from(["", " ", ". ", ", ", "(", ")", "<", ">", ":", "\n", '"', "@ "])
texts = st.lists(
    st.tuples(marks, addresses | numbers | st.sampled_from(["word", "été", "@", "."]), marks)
).map(lambda parts: " ".join(map("".join, parts)))


@settings(max_examples=400)
@given(text=texts)
def test_mail_and_public_addresses_go_as_in_datatrove(text: str) -> None:
    assert FINEWEB.apply(text).text == DATATROVE.format(text)


@pytest.mark.parametrize(
    ("text", "ours", "datatroves"),
    [
        # A version is no address.
        ("react@16.8.0", "react@16.8.0", "email@example.com"),
        ("8.8.8.8888", "8.8.8.8888", "22.214.171.12488"),
        ("v1.2.3.4", "v1.2.3.4", "v22.214.171.124"),
        ("256.1.1.1", "256.1.1.1", "222.214.171.124"),
        # Chinese has no space before an address, and letters are not ASCII alone.
        ("联系jo@gmx.net", "联系email@example.com", "联系jo@gmx.net"),
        ("jürgen@gmx.de", "email@example.com", "jürgen@gmx.de"),
        # The address at the end of a long query is no part of the query.
        (
            f"x.org/{'a' * 70}?to=jo@gmx.net",
            f"x.org/{'a' * 70}?email@example.com",
            "email@example.com",
        ),
        ("2606:4700::1111", "22.214.171.124", "2606:4700::1111"),
    ],
)
def test_where_datatrove_is_wrong(text: str, ours: str, datatroves: str) -> None:
    assert FINEWEB.apply(text).text == ours
    assert DATATROVE.format(text) == datatroves


# A version of the kinds above, or a domain that ends in a number or a single letter.
NO_ADDRESS = re.compile(r"(?:\d+\.){3}(?:\d{4}|[3-9]\d\d)|(?:\d+\.){4}\d|@[\w.]*\.\w?\W|@[\d.]+")


@pytest.mark.real_data
def test_real_pages_differ_from_datatroves_in_what_is_no_address(real_data: Path) -> None:
    folder = real_data / "warc" / "chatnoir_copycat_commoncrawl"
    archives = [*folder.glob("*.from-arc.warc.gz"), *(real_data / "warc/oduwsdl_ipwb").glob("*.gz")]
    changed = 0
    for record in read(sorted(archives)):
        text = extract(record)
        ours, theirs = FINEWEB.apply(text).text, DATATROVE.format(text)
        changed += ours != text
        lines = zip(*(of.split("\n") for of in (text, ours, theirs)), strict=True)
        assert [of for of, our, their in lines if our != their and not NO_ADDRESS.search(of)] == []
    assert changed > 20
