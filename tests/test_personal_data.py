import ipaddress
import re
from collections.abc import Callable, Iterator
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import iban, luhn

from filters import personal_data
from filters.personal_data import Span, cards, emails, has_numbers, ibans, ips, phones


def found(spans: Callable[..., Iterator[Span]], text: str, **options: Any) -> list[str]:
    return [text[start:end] for start, end in spans(text, **options)]


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("Write to jo.doe+list@mail.example.co.uk.", ["jo.doe+list@mail.example.co.uk"]),
        ("<a@b.de>,(c@d.fr);'e@f.it'", ["a@b.de", "c@d.fr", "e@f.it"]),
        ("mailto:jo@gmx.net?subject=x", ["jo@gmx.net"]),
        ("联系jo@gmx.net或致电", ["jo@gmx.net"]),
        ("jürgen@müller.de и почта@пример.рф", ["jürgen@müller.de", "почта@пример.рф"]),
        ("jo@xn--mller-kva.de, jo@[192.0.2.1]", ["jo@xn--mller-kva.de", "jo@[192.0.2.1]"]),
        ("a@b.com@c.com and a@b@c.com", ["a@b.com", "b@c.com"]),
        ("..jo@gmx.net jo..doe@gmx.net -jo@gmx.net-", ["jo@gmx.net", "doe@gmx.net", "jo@gmx.net"]),
        (f"https://x.org/{'a' * 70}?to=jo@gmx.net", ["to=jo@gmx.net"]),
        ("react@16.8.0 1@2.3 @gmx.net jo@ jo@localhost jo@gmx. jo @gmx.net jo.@gmx.net", []),
        (f"{'a' * 65}@gmx.net jo@-gmx.net ***@gmx.net", []),
    ],
)
def test_mail_addresses(text: str, addresses: list[str]) -> None:
    assert found(emails, text) == addresses


@pytest.mark.parametrize(
    ("text", "public", "others"),
    [
        ("from 8.8.8.8, port 1.1.1.1:53 and 9.9.9.9/24.", ["8.8.8.8", "1.1.1.1", "9.9.9.9"], []),
        ("10.0.0.1 192.168.1.1 127.0.0.1 192.0.2.7", [], ["10.0.0.1", "192.168.1.1"]),
        ("v1.2.3.4 1.2.3.4.5 8.8.8.8888 256.1.1.1 08.8.8.8 1.2.3.4a 59.0.3071.125", [], []),
        ("用8.8.8.8查询", ["8.8.8.8"], []),
        ("at 2001:4860:4860::8888: [2606:4700::1111]", ["2001:4860:4860::8888"], []),
        ("2001:4860:4860:0:0:0:0:8844.", ["2001:4860:4860:0:0:0:0:8844"], []),
        ("fe80::1 fd00::2 2001:db8::1", [], ["fe80::1", "fd00::2", "2001:db8::1"]),
        ("std::vector a::b Add::Face 12:30:45 :: 2001:zz:: 20:21:22:23", [], []),
    ],
)
def test_internet_addresses(text: str, public: list[str], others: list[str]) -> None:
    assert found(ips, text, public_only=True)[: len(public) or None] == public
    with_others = found(ips, text, public_only=False)
    assert set(public) | set(others) <= set(with_others)
    if not others:
        assert with_others == found(ips, text, public_only=True)


@settings(max_examples=200)
@given(address=st.ip_addresses(v=4) | st.ip_addresses(v=6, network="2000::/3"))
def test_an_address_is_found_if_it_is_public(address: Any) -> None:
    text = f"from {address}, at noon"
    assert found(ips, text, public_only=True) == ([str(address)] if address.is_global else [])
    assert found(ips, text, public_only=False) == [str(address)]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Visa 4111 1111 1111 1111, ok", ["4111 1111 1111 1111"]),
        ("4111-1111-1111-1111 5555555555554444", ["4111-1111-1111-1111", "5555555555554444"]),
        ("3782 822463 10005 and 378282246310005", ["3782 822463 10005", "378282246310005"]),
        ("30569309025904 3530111333300000", ["30569309025904", "3530111333300000"]),
        ("6011111111111117 6250941006528599", ["6011111111111117", "6250941006528599"]),
        ("4111 1111 1111 1111 123", ["4111 1111 1111 1111"]),
        # One digit is wrong; nobody has issued it; it is part of a longer number.
        ("4111 1111 1111 1112 0000 0000 0000 0000 14111 1111 1111 1111", []),
        ("978-3-16-148410-0, 4111-1111-1111-1111-1 and 1.4111111111111111", []),
    ],
)
def test_card_numbers(text: str, numbers: list[str]) -> None:
    assert found(cards, text) == numbers


@settings(max_examples=200)
@given(body=st.from_regex(r"\A4[0-9]{14}\Z", fullmatch=True), wrong=st.integers(1, 9))
def test_a_wrong_digit_is_no_card(body: str, wrong: int) -> None:
    digit = int(luhn.calc_check_digit(body))
    assert found(cards, f"card {body}{digit}.") == [f"{body}{digit}"]
    assert found(cards, f"card {body}{(digit + wrong) % 10}.") == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("DE89 3704 0044 0532 0130 00 BIC X", ["DE89 3704 0044 0532 0130 00"]),
        ("BE68 5390 0754 7034 BIC", ["BE68 5390 0754 7034"]),
        ("GB29NWBK60161331926819.", ["GB29NWBK60161331926819"]),
        ("NO93 8601 1117 947", ["NO93 8601 1117 947"]),
        ("DE88 3704 0044 0532 0130 00", []),
        ("XX89 3704 0044 0532 0130 00 AB12 3456 7890", []),
    ],
)
def test_account_numbers(text: str, numbers: list[str]) -> None:
    assert found(ibans, text) == numbers


@pytest.mark.parametrize(
    ("text", "regions", "numbers"),
    [
        ("+41 44 826 76 76; +49 (0)40 / 49 07 11 06", [], ["+41 44 826 76 76"]),
        ("+442079460958, T:+1.510.643.5425", [], ["+442079460958", "+1.510.643.5425"]),
        ("(503) 270-4142 or 202.438.8436", ["US"], ["(503) 270-4142", "202.438.8436"]),
        ("(1-800-356-6357)", ["US"], ["1-800-356-6357"]),
        ("Tel. 020 7946 0958", ["GB"], ["020 7946 0958"]),
        ("(503) 270-4142", [], []),
        ("020 7946 0958", ["US"], []),
        ("2009-06-13 00 11.09.2011 06/13/2009 2006-2018", ["US", "DE", "GB"], []),
        ("53.36671 7.203167 1234567890 978-3960960010", ["US"], []),
        ("+12 +1 234 +999 123 456 789", ["US"], []),
        ("(123) 456-7890 1 2 3 4 5 6 7 8 9 10", ["US"], []),
    ],
)
def test_telephone_numbers(text: str, regions: list[str], numbers: list[str]) -> None:
    assert found(phones, text, regions=regions)[: len(numbers) or None] == numbers


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_the_example_of_every_country_is_found_with_its_country_code(region: str) -> None:
    example = phonenumbers.example_number(region)
    assert example is not None
    form = phonenumbers.PhoneNumberFormat.INTERNATIONAL
    number = phonenumbers.format_number(example, form)
    assert found(phones, f"Tel.: {number}, from nine", regions=[]) == [number]


def test_a_sign_is_there_wherever_a_number_is() -> None:
    for text in ("+41 44 826 76 76", "GB29 NWBK 6016 1331 9268 19", "3782 822463 10005"):
        assert has_numbers(text)
    assert not has_numbers("In 2024, 12 of 1000 had 3.5; none at 9:30.")


SEARCHED = (
    "_NUMBER_SIGN",
    "_IPV4_SIGN",
    "_IPV6_SIGN",
    "_IPV4",
    "_IPV6",
    "_IBAN",
    "_CARD",
    "_PHONE",
)


@pytest.mark.parametrize("name", SEARCHED)
def test_no_search_looks_further_than_a_line_from_where_it_stands(name: str) -> None:
    """So a search of n characters looks at no more than a fixed number of times n."""
    pattern: re.Pattern[str] = getattr(personal_data, name)
    _, widest = _parser.parse(pattern.pattern, pattern.flags).getwidth()
    assert widest <= 80


def test_every_pattern_that_searches_a_text_is_held_to_that() -> None:
    searching = {
        name
        for name, pattern in vars(personal_data).items()
        if isinstance(pattern, re.Pattern) and _parser.parse(pattern.pattern).getwidth()[1] > 80
    }
    # These two are for a number that another pattern has found.
    assert searching == {"_SEPARATORS", "_ISSUED"}


UNITS = [
    *("a@", "@", "a.", "a!", "1 ", "1.", "1.1.1.1 ", "2000:", "2001:0:", "DE89 3704 ", "AB12"),
    *("4111 ", "4111111111111111 ", "+1 ", "(1) ", "202-628-8500 ", "202 628 ", "a@b.c-", "a@b."),
]


@pytest.mark.parametrize("unit", UNITS)
def test_a_megabyte_made_to_be_slow_is_little_work(
    unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts what the searches hand to the checks behind them, in characters."""
    text = unit * (1_000_000 // len(unit))
    handed = [0]

    def counting(check: Callable[..., Any]) -> Callable[..., Any]:
        def counted(candidate: str, *others: Any, **options: Any) -> Any:
            handed[0] += len(candidate)
            return check(candidate, *others, **options)

        return counted

    class Counting:
        """A pattern that counts what it is let see of the text."""

        def __init__(self, pattern: Any) -> None:
            self.pattern = pattern

        def match(self, text: str, start: int = 0, end: int | None = None) -> Any:
            handed[0] += (len(text) if end is None else min(end, len(text))) - start
            return self.pattern.match(text, start, len(text) if end is None else end)

    monkeypatch.setattr(ipaddress, "IPv4Address", counting(ipaddress.IPv4Address))
    monkeypatch.setattr(ipaddress, "IPv6Address", counting(ipaddress.IPv6Address))
    monkeypatch.setattr(iban, "is_valid", counting(lambda number, check_country: False))
    monkeypatch.setattr(luhn, "is_valid", counting(luhn.is_valid))
    monkeypatch.setattr(personal_data, "_is_phone", counting(lambda number, region: False))
    for name in ("_LOCAL_PART_BACKWARDS", "_DOMAIN"):
        monkeypatch.setattr(personal_data, name, Counting(getattr(personal_data, name)))
    for _ in emails(text):
        pass
    looked_at_around_each_at = 65 + 255
    assert handed[0] <= text.count("@") * looked_at_around_each_at
    handed[0] = 0
    for spans in (ibans(text), cards(text), ips(text, public_only=False)):
        for _ in spans:
            pass
    for _ in phones(text, regions=["US"]):
        pass
    assert handed[0] <= 12 * len(text)
