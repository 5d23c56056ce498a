"""What the header of a Project Gutenberg book says of it: title, people, date, language.

The headers of fifty years differ; the fields are read by the names that they all share, and from
the first line ("The Project Gutenberg Etext of X, by Y") where an early header has no fields.
"""

import re
from datetime import date, datetime

__all__ = ["EBOOK_NUMBER", "FIELD", "header_fields", "language_codes"]

PEOPLE = (
    "author|authors|translator|editor|illustrator|commentator|compiler|contributor|annotator|"
    "photographer|composer|adapter"
)
FIELD = re.compile(
    rf"\s*(?P<name>title|subtitle|{PEOPLE}|release date|posting date|first posted|last updated|"
    r"most recently updated|language|cha[rt]acter set encoding|original publication|credits|"
    r"edition)\s*:\s*(?P<value>.*)",
    re.I,
)
EBOOK_NUMBER = re.compile(r"\[\s*e-?(?:book|text)\s*#\s*(\d{1,6})\s*\]", re.I)
OLD_DATE = re.compile(
    r"^\s*([A-Z][a-z]{2,8},? (?:\d{1,2}, ?)?\d{4})\s*\[e-?(?:book|text)", re.I | re.M
)
FIRST_LINE = re.compile(
    r"\W*(?:the )?project gutenberg(?:['’]s|,? e-?(?:book|text))(?:,| of)?\s+"
    r"(?P<title>.{1,400}?)(?:,? by (?P<author>.{1,200}))?$",
    re.I | re.S,
)
COPYRIGHTED = "Copyrighted. Read the copyright notice inside this book for details."
"""The words of the catalogue's ``dcterms:rights`` for a book that is not in the public domain."""


def header_fields(header: str) -> dict[str, str]:
    r"""Read what a header says of its book.

    Args:
        header: :attr:`Book.header`, of any year.

    Returns:
        The fields that are there: ``id`` (the number alone), ``title``, ``author`` and other people
        (several joined by ``; ``), ``language`` (ISO 639 codes joined by ``; ``, or the name where
        it has none), ``language_name``, ``release_date`` (ISO 8601), ``encoding``,
        ``original_publication``, ``credits``, ``rights`` and what else the header names.

    >>> header_fields("Title: If\nRelease Date: May, 1996 [Etext #7]\nLanguage: English\n")
    ... # doctest: +NORMALIZE_WHITESPACE
    {'title': 'If', 'release_date': '1996-05-01', 'id': '7', 'language': 'en',
     'language_name': 'English'}
    """
    fields: dict[str, str] = {}
    for name, values in _raw_fields(header):
        if name in fields or not values:
            continue
        separator = "; " if re.fullmatch(PEOPLE, name) else " "
        fields[name] = separator.join(values)
        if name == "release_date":
            fields.pop("release_date")
            if day := _parse_date(values[0]):
                fields["release_date"] = day.isoformat()
            if number := EBOOK_NUMBER.search(values[0]):
                fields["id"] = number[1]
    if "id" not in fields and (number := EBOOK_NUMBER.search(header)):
        fields["id"] = number[1]
    old = OLD_DATE.search(header)
    if "release_date" not in fields and old and (day := _parse_date(old[1])):
        fields["release_date"] = day.isoformat()
    if "title" not in fields:
        fields.update(_first_line(header))
    if "authors" in fields:
        fields.setdefault("author", fields.pop("authors"))
    if "language" in fields:
        fields["language_name"] = fields["language"]
        fields["language"] = language_codes(fields["language"])
    if re.search(r"this is a copyrighted project gutenberg", header, re.I):
        fields["rights"] = COPYRIGHTED
    return fields


def _raw_fields(header: str) -> list[tuple[str, list[str]]]:
    """Each field with its lines: a value goes on until a blank line or the next field."""
    found: list[tuple[str, list[str]]] = []
    in_value = False
    for line in header.split("\n"):
        if match := FIELD.match(line):
            name = match["name"].lower().replace(" ", "_")
            name = re.sub("cha[rt]acter_set_", "", name)
            found.append((name, [match["value"].strip()] if match["value"].strip() else []))
            in_value = True
        elif not line.strip():
            # "Character set encoding:" may stand over its value, but a title never does.
            in_value = False
        elif in_value and not line.lstrip().startswith(("*", "[")):
            found[-1][1].append(line.strip())
    return found


def _first_line(header: str) -> dict[str, str]:
    """Title and author from "The Project Gutenberg Etext of X, by Y", where no field has them."""
    for paragraph in re.split(r"\n\s*\n", header.strip())[:3]:
        sentence = re.split(r"\n(?=PG has |\(?#|\*)", paragraph.strip())[0].replace("\n", " ")
        if match := FIRST_LINE.match(sentence):
            found = {"title": match["title"].strip(" ,*")}
            if match["author"]:
                found["author"] = match["author"].strip(" ,*")
            return found
    return {}


def _parse_date(text: str) -> date | None:
    """Read "November 13, 2006", "October, 1998" (the first of the month) or "2006-11-13"."""
    text = re.sub(r"^(?:\s*release date:)+", "", text, flags=re.I)  # some headers say it twice
    if match := re.match(r"\s*(\d{4}-\d{2}-\d{2})\b", text):
        forms = ((match[1], "%Y-%m-%d"),)
    elif match := re.match(
        r"\s*([A-Za-z]{3,9})[ ,]+(?:(\d{1,2})(?:st|nd|rd|th)?[ ,]+)?(\d{4})\b", text
    ):
        forms = ((f"{match[1][:3]} {match[2] or 1} {match[3]}", "%b %d %Y"),)
    else:
        return None
    try:
        return datetime.strptime(*forms[0]).date()
    except ValueError:
        return None


_LANGUAGES = """
Afrikaans af,Aleut ale,Arabic ar,Arapaho arp,Basque eu,Bodo brx,Breton br,Bulgarian bg,Catalan ca,
Cebuano ceb,Chinese zh,Croatian hr,Czech cs,Danish da,Dutch nl,English en,Esperanto eo,Estonian et,
Farsi fa,Finnish fi,French fr,Frisian fy,Friulian fur,Gaelic gd,Galician gl,Gamilaraay kld,
Gascon oc,German de,Greek el,Greek Ancient grc,Haida hai,Hebrew he,Hungarian hu,Icelandic is,
Iloko ilo,Indonesian id,Interlingua ia,Inuktitut iu,Irish ga,Italian it,Japanese ja,Kashubian csb,
Khasi kha,Korean ko,Latin la,Latvian lv,Lithuanian lt,Maori mi,Mayan Languages myn,
Middle English enm,Nahuatl nah,Napoletano-Calabrese nap,Navajo nv,North American Indian nai,
Norwegian no,Occitan oc,Ojibwa oj,Old English ang,Persian fa,Polish pl,Portuguese pt,Romanian ro,
Romany rom,Russian ru,Sanskrit sa,Scots sco,Scottish Gaelic gd,Serbian sr,Slovak sk,Slovenian sl,
Spanish es,Swedish sv,Tagabawa bgs,Tagalog tl,Telugu te,Turkish tr,Ukrainian uk,Vietnamese vi,
Welsh cy,Yiddish yi
"""
LANGUAGES = {
    name.lower(): code
    for name, code in (entry.strip().rsplit(" ", 1) for entry in _LANGUAGES.split(","))
}
"""Names that Project Gutenberg uses, to ISO 639-1 codes, or 639-3 where there is none."""


def language_codes(names: str) -> str:
    """ISO 639 codes of languages by their English names, joined by ``; ``.

    A name that is not known is left as it stands.

    >>> language_codes("English and Ancient Greek, Klingon")
    'en; grc; Klingon'
    """
    codes = []
    for name in re.split(r"\s*(?:,(?! ancient)|;|/|&|\band\b)\s*", names, flags=re.I):
        key = name.strip().lower().replace("ancient greek", "greek ancient").replace(",", "")
        if key:
            codes.append(key if key in LANGUAGES.values() else LANGUAGES.get(key, name.strip()))
    return "; ".join(dict.fromkeys(codes))
