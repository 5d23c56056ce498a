"""Where in a text personal data stand that can be told by their form.

Each search first looks for a cheap sign (an ``@``, a long number) and then tries candidates of
bounded length, so that its work is linear in the text, whatever the text is.
"""

import ipaddress
import re
from collections.abc import Iterator, Sequence

import regex

from filters.segmentation import UNSPACED

Span = tuple[int, int]
"""The place of a find: from the first character to behind the last."""

# RFC 5321, section 4.5.3.1: octets before the @, and behind it.
_LONGEST_LOCAL_PART = 64
_LONGEST_DOMAIN = 255
# As in RFC 5322 and, for the letters of other alphabets, RFC 6531. A script without spaces has no
# end of a word: there the letters next to an address are not part of it.
_ATOM = rf"[[\w!#$%\&'*+/=?\^`{{\|}}\~\-]--{UNSPACED}]++"
_LETTER = rf"[[\w--_]--{UNSPACED}]"
_LABEL = rf"{_LETTER}++(?:-++{_LETTER}++)*+"
_LOCAL_PART_BACKWARDS = regex.compile(rf"(?V1){_ATOM}(?:\.{_ATOM})*+")
_DOMAIN = regex.compile(rf"(?V1){_LABEL}(?:\.{_LABEL})++|\[[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}\]")
_TO_FIRST_WORD = regex.compile(r"\W++")
_TO_SECOND_WORD = regex.compile(r"\w*+\W++")

# The patterns below begin with the character that they look for, and look behind it afterwards:
# so the search skips to the next such character, at a fifth of the cost.
_NUMBER_SIGN = re.compile(r"[0-9][0-9 .()/\-\xa0\u2010-\u2015]{5}")
_IPV4_SIGN = re.compile(r"\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]")
_IPV6_SIGN = re.compile(r":[0-9A-Fa-f]{0,4}:")

_IPV4 = re.compile(r"[0-9](?<![0-9A-Za-z_.].)[0-9]{0,2}(?:\.[0-9]{1,3}){3}(?![0-9A-Za-z_]|\.[0-9])")
# The first digit of what is assigned (2000::/3), and of what is private or link-local.
_IPV6 = re.compile(r"[23Ff](?<![0-9A-Za-z_:.].)[0-9A-Fa-f]{3}(?::[0-9A-Fa-f]{0,4}){2,7}+")
_ASSIGNED_IPV6 = ipaddress.IPv6Network("2000::/3")

_IBAN = re.compile(r"[A-Z](?<![0-9A-Za-z].)[A-Z][0-9]{2}(?: ?[0-9A-Z]{1,4}){3,8}(?![0-9A-Za-z])")
_SHORTEST_IBAN = 15

# In groups of four, or of American Express and Diners Club, or in one.
_CARD = re.compile(
    r"[0-9](?<![0-9A-Za-z].)(?<![0-9][.,\-].)"
    r"(?:[0-9]{13,18}|[0-9]{3}([ -])[0-9]{4}(?:\1[0-9]{4}){2}"
    r"|[0-9]{3}([ -])[0-9]{6}\2[0-9]{4,5})"
    r"(?![0-9A-Za-z]|[.,\-][0-9])"
)
# ISO/IEC 7812-1, as the issuers have made known which numbers are theirs: Visa, Mastercard,
# American Express, Diners Club, JCB, Discover, UnionPay.
_ISSUED = re.compile(
    r"4(?:\d{15}|\d{18})|(?:5[1-5]|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d+|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d|9\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}|6(?:011|4[4-9]\d|5\d\d)\d{12}"
    r"|62\d{14,17}",
    re.ASCII,
)

_PHONE = re.compile(
    r"[0-9+(](?<![0-9A-Za-z_+].)(?<![0-9][ .,/\-].)"
    r"\(?(?:[ .()/\-\xa0\u2010-\u2015]{0,3}[0-9]){6,15}"
    r"(?![0-9A-Za-z_]|[.,/\-][0-9])"
)
_SEPARATORS = re.compile(r"[^0-9]+")
_DATE = re.compile(
    r"(?:[12][0-9]{3}([\-/.])[0-9]{1,2}\1[0-9]{1,2}|[0-9]{1,2}([\-/.])[0-9]{1,2}\2[0-9]{2,4})"
    r"(?![0-9]|[\-/.][0-9])"
)


def has_numbers(text: str) -> bool:
    """Say whether the text has six digits and separators in a row.

    Without, there is neither an IBAN in it nor the number of a card or a telephone.
    """
    return _NUMBER_SIGN.search(text) is not None


def emails(text: str) -> Iterator[Span]:
    """Yield where addresses of electronic mail stand."""
    read_to = 0
    at = text.find("@")
    while at >= 0:
        end = _end_of_domain(text, at + 1)
        start = _start_of_local_part(text, read_to, at) if end else at
        if end and start < at:
            yield start, end
            read_to = end
        at = text.find("@", max(at + 1, read_to))


def _start_of_local_part(text: str, read_to: int, at: int) -> int:
    """Return where the part before the @ begins; ``at`` itself if there is none."""
    window = text[max(read_to, at - _LONGEST_LOCAL_PART - 1) : at]
    found = _LOCAL_PART_BACKWARDS.match(window[::-1])
    if not found:
        return at
    local_part = window[len(window) - found.end() :]
    # A longer one is a path or a query that the address is the end of.
    beyond = _TO_SECOND_WORD if len(local_part) > _LONGEST_LOCAL_PART else _TO_FIRST_WORD
    if skipped := beyond.match(local_part):
        local_part = local_part[skipped.end() :]
    return at - len(local_part) if len(local_part) <= _LONGEST_LOCAL_PART else at


def _end_of_domain(text: str, start: int) -> int | None:
    """Return where the domain that begins at ``start`` ends, or None if none does."""
    found = _DOMAIN.match(text, start, start + _LONGEST_DOMAIN)
    if not found or found.group().startswith("["):
        return found and found.end()
    labels = found.group().split(".")
    # No top-level domain is a number: `react@16.8.0` is a version.
    while len(labels) > 1 and not _is_top_level(labels[-1]):
        labels.pop()
    return start + len(".".join(labels)) if len(labels) > 1 else None


def _is_top_level(label: str) -> bool:
    return len(label) > 1 and (label.isalpha() or label.lower().startswith("xn--"))


def ibans(text: str) -> Iterator[Span]:
    """Yield where international bank account numbers stand whose checksum and length are right."""
    from stdnum import iban

    for found in _IBAN.finditer(text):
        # What follows may look like one more group of it.
        number = found.group()
        while len(number) >= _SHORTEST_IBAN:
            if iban.is_valid(number, check_country=False):
                yield found.start(), found.start() + len(number)
                break
            number = number.rpartition(" ")[0]


def cards(text: str) -> Iterator[Span]:
    """Yield where payment card numbers stand: of a known issuer, with a right checksum."""
    from stdnum import luhn

    for found in _CARD.finditer(text):
        digits = _SEPARATORS.sub("", found.group())
        if _ISSUED.fullmatch(digits) and luhn.is_valid(digits):
            yield found.span()


def ips(text: str, *, public_only: bool) -> Iterator[Span]:
    """Yield where internet addresses stand.

    Args:
        text: The text.
        public_only: Whether to leave out those that the registries of IANA call not global.
    """
    if _IPV4_SIGN.search(text):
        for found in _IPV4.finditer(text):
            if _is_ipv4(found.group(), public_only=public_only):
                yield found.span()
    if not _IPV6_SIGN.search(text):
        return
    for found in _IPV6.finditer(text):
        # A colon behind an address belongs to the sentence.
        address = found.group().removesuffix(":") if found.group()[-2:] != "::" else found.group()
        behind = text[found.start() + len(address) :][:1]
        if not behind.isalnum() and _is_ipv6(address, public_only=public_only):
            yield found.start(), found.start() + len(address)


def _is_ipv4(text: str, *, public_only: bool) -> bool:
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return address.is_global or not public_only


def _is_ipv6(text: str, *, public_only: bool) -> bool:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return False
    if address.is_global:
        return address in _ASSIGNED_IPV6
    return not public_only


def phones(text: str, *, regions: Sequence[str]) -> Iterator[Span]:
    """Yield where telephone numbers stand that are valid in their numbering plan.

    Args:
        text: The text.
        regions: Countries (ISO 3166) whose numbers are also found without the country's code, if
            they are written in groups as is usual there.
    """
    for found in _PHONE.finditer(text):
        start, number = found.start(), found.group()
        if number[0] == "(" and ")" not in number:
            start, number = start + 1, number[1:]
        tried: Sequence[str | None] = ()
        if number[0] == "+":
            tried = (None,)
        elif _may_be_national(number):
            tried = regions
        if any(_is_phone(number, region) for region in tried):
            yield start, found.end()


def _may_be_national(number: str) -> bool:
    # Digits in one or two groups are as often a price or a decimal; in three, often a date.
    in_groups = "(" in number or len(_SEPARATORS.findall(number)) > 1
    return in_groups and not _DATE.match(number)


def _is_phone(text: str, region: str | None) -> bool:
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return False
    # The search proper costs ten times as much: it is for those that may pass.
    if not phonenumbers.is_valid_number(number):
        return False
    if region is None:
        return True
    matcher = phonenumbers.PhoneNumberMatcher(
        text, region, leniency=phonenumbers.Leniency.STRICT_GROUPING
    )
    return any(True for _ in matcher)
