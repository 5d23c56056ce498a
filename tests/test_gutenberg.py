import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filters.gutenberg import (
    UndecodableBookError,
    decode_book,
    is_web_page,
    strip_boilerplate,
)
from filters.gutenberg_header import header_fields, language_codes

START = "*** START OF THE PROJECT GUTENBERG EBOOK A BOOK ***"
END = "*** END OF THE PROJECT GUTENBERG EBOOK A BOOK ***"
HEADER = "The Project Gutenberg eBook of A Book\n\nTitle: A Book\n\nLanguage: English\n\n"
LICENCE = (
    "\n\nUpdated editions will replace the previous one--the old editions will be renamed.\n\n"
    + "START: FULL LICENSE\n\nTHE FULL PROJECT GUTENBERG LICENSE\n\n"
    + "You may copy it, give it away or re-use it under its terms.\n" * 340
)
SMALL_PRINT = (
    "Project Gutenberg Etext of A Book, by A Writer\n\nOctober, 1998 [Etext #1500]\n\n"
    "***START**THE SMALL PRINT!**FOR PUBLIC DOMAIN ETEXTS**START***\n"
    'Why is this "Small Print!" here?\n'
)

# Every form of header (with a last line of its own) and of footer that Project Gutenberg has used.
HEADERS = [
    HEADER + START,
    HEADER + "***START OF THIS PROJECT GUTENBERG EBOOK A BOOK***",
    HEADER + "* START OF THIS PROJECT GUTENBERG ETEXT A BOOK *",
    HEADER + "*** START OF THE PROJECT GUTENBERG EBOOK A VERY LONG TITLE, OR,\nWHAT YOU WILL ***",
    HEADER.upper() + START.lower(),
    START,
    HEADER + START + "\n\n\nProduced by A. Volunteer and the Online\nDistributed Proofreading Team",
    HEADER
    + START
    + "\n\nE-text prepared by A. Volunteer\n\n\nNote: Project Gutenberg also has an HTML "
    "version of this\n      file which includes the original illustrations.\n      See 1-h.htm:\n"
    "\n      Images of the original pages are available through\n      Internet Archive.",
    SMALL_PRINT + "*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*",
    SMALL_PRINT + "*END THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*\nVer.04.29.93*END*",
    SMALL_PRINT
    + "**END THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.08.01*END**\n[Portions of this"
    " header are copyright (C) 2001]\n\nThis etext was prepared by A. Volunteer",
    HEADER + START + "\n\n" + SMALL_PRINT + '["Small Print" V.12.08.93]',
]
FOOTERS = [
    END + LICENCE,
    "***END OF THIS PROJECT GUTENBERG EBOOK A BOOK***" + LICENCE,
    "*** END OF THE PROJECT GUTENBERG EBOOK A VERY LONG\nTITLE ***" + LICENCE,
    END.lower() + LICENCE,
    "End of the Project Gutenberg EBook of A Book, by A Writer\n\n\n" + END + LICENCE,
    "End of Project Gutenberg's A Book, by A Writer",
    "End of The Project Gutenberg Etext of A Book, by A Writer\nand Another",
    "Ende dieses Projekt Gutenberg Etextes A Book",
    "Fin de Project Gutenberg's A Book, by A Writer\n\n" + END + LICENCE,
    "End of this Etext of A Book",
    END,
]
FRAGMENTS = [
    "*** START",
    "*** START OF THE PROJECT",
    "START: FULL LICENSE",
    "*** END OF PART ONE ***",
    "* * * * *",
    "Produced by the sun, the light falls upon the sea.",
    "The End of the Project",
    "He read the Project Gutenberg License aloud.",
    "She saw *** START OF THE PROJECT GUTENBERG EBOOK X *** on the screen.",
    "END OF VOL. I.",
    "http://www.pgdp.net",
    "Title: a king",
    "small print!",
    "Internet Archive)",
]
# A character that str.strip takes for space at either end of the text would be trimmed with it.
words = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=60)
lines = st.one_of(words, st.sampled_from(FRAGMENTS), st.just(""))


def framed(header: str, body: str, footer: str, newline: str) -> str:
    return f"{header}\n\n\n{body}\n\n\n{footer}\n".replace("\n", newline)


@given(
    header=st.sampled_from(HEADERS),
    footer=st.sampled_from(FOOTERS),
    middle=st.lists(lines, max_size=30),
    newline=st.sampled_from(["\n", "\r\n"]),
)
@example(header=HEADERS[0], footer=FOOTERS[0], middle=[START, END], newline="\n")
def test_body_comes_back_exactly_from_any_header_and_footer(
    header: str, footer: str, middle: list[str], newline: str
) -> None:
    # 60 lines, so that the book is no smaller than the least share of its licence.
    verse = "    The first line of a verse is indented.\n" * 60
    body = verse + "\n".join(["", *middle, "", "It is the last line."])
    book = strip_boilerplate(framed(header, body, footer, newline))
    assert book.body == body
    assert book.warning is None


@given(st.lists(lines, max_size=30))
def test_text_without_markers_comes_back_whole(middle: list[str]) -> None:
    text = "\n".join(["A first line.", *middle, "A last line."])
    assert strip_boilerplate(text).body == text


@given(st.text(max_size=300))
def test_stripping_twice_is_stripping_once_and_never_leaves_nothing(text: str) -> None:
    once = strip_boilerplate(text).body
    assert strip_boilerplate(once).body == once
    assert bool(once.strip()) == bool(text.strip().strip("\ufeff").strip())


@pytest.mark.parametrize("count", [1, 5, 60, 99])
def test_footer_of_a_short_book_is_removed(count: int) -> None:
    body = "\n".join(
        f"Line {number} of a short poem that has not many lines." for number in range(count)
    )
    # SPGC's stripper looks for the end only after 100 lines.
    text = framed(HEADER + START, body, END + LICENCE[:4000], "\r\n")
    assert strip_boilerplate(text).body == body


def test_later_line_like_a_start_marker_deletes_nothing() -> None:
    body = (
        "A first chapter.\n\nProduced by\n\n" + START + "\n\nhttp://www.pgdp.net\n\nA second one."
    )
    assert strip_boilerplate(framed(HEADER + START, body, END, "\n")).body == body
    assert strip_boilerplate("A book about ebooks.\n\n" * 3 + START + "\n\nMore.").body.startswith(
        "A"
    )


def test_works_that_quote_the_markers_are_not_cut() -> None:
    # Id 100, the complete Shakespeare, was cut from 5.59 million characters to 5,000.
    notice = (
        "<<THIS ELECTRONIC VERSION OF THE COMPLETE WORKS OF WILLIAM\nSHAKESPEARE IS COPYRIGHT"
        " 1990-1993 BY WORLD LIBRARY, INC.  PROHIBITED COMMERCIAL\nDISTRIBUTION INCLUDES BY ANY"
        " SERVICE THAT"
        " CHARGES FOR DOWNLOAD TIME OR FOR MEMBERSHIP.>>"
    )
    play = "ACT I\n\n" + "Enter a king, and says a line.\n" * 3000
    plays = [f"{play}{END}\n{START}\nEnd of this Etext of The Complete Works\n" for _ in range(9)]
    text = framed(
        HEADER + START, f"\n\n{notice}\n\n".join(plays) + "\nTHE END", END + LICENCE, "\n"
    )
    book = strip_boilerplate(text)
    assert book.body.count("Enter a king") == 9 * 3000
    assert book.body.endswith("THE END")
    assert "MEMBERSHIP" not in book.body
    assert "\n\nACT I" in book.body


def test_nothing_is_never_what_is_left() -> None:
    # Id 4688, French, was stripped to nothing by gutenbergr.
    text = framed(HEADER + START, "", END + LICENCE, "\n")
    book = strip_boilerplate(text)
    assert book.body == text.strip("\n")
    assert book.warning == f"the markers would leave 0 of {len(text.strip())} characters"


def test_end_marker_far_above_the_end_is_not_the_footer() -> None:
    text = framed(
        HEADER + START, "One.\n" + END + "\n" + "The next volume goes on.\n" * 5000, "", "\n"
    )
    assert strip_boilerplate(text).body.count("The next volume") == 5000


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param(
            "The Project Gutenberg eBook of Faust\n    \nThis ebook is for anyone.\n\n"
            "Title: Faust: Der Tragödie\n        erster Teil\n\n"
            "Author: Johann Wolfgang von Goethe\n        Somebody Else\n\n"
            "Translator: A. Hayward\n\nRelease date: June 1, 2000 [eBook #2229]\n"
            "                Most recently updated: October 29, 2024\n\nLanguage: German\n\n"
            "Original publication: Leipzig, 1808\n\nCredits: Michael Pullen\n"
            "        and others\n\n" + START,
            {
                "title": "Faust: Der Tragödie erster Teil",
                "author": "Johann Wolfgang von Goethe; Somebody Else",
                "translator": "A. Hayward",
                "release_date": "2000-06-01",
                "id": "2229",
                "most_recently_updated": "October 29, 2024",
                "language": "de",
                "language_name": "German",
                "original_publication": "Leipzig, 1808",
                "credits": "Michael Pullen and others",
            },
            id="today",
        ),
        pytest.param(
            "The Project Gutenberg eBook, The Mirror, by Various\n\nTitle: The Mirror, Vol. 10,\n"
            "Issue 268\n\nAuthor:  Various\n\nPosting Date: September 20, 2010 [EBook #7000]\n"
            "Release Date: November, 2004\nFirst Posted: October 23, 2002\n\n"
            "Language: English and Latin\n\nChatacter set encoding: US-ASCII\n\n" + START,
            {
                "title": "The Mirror, Vol. 10, Issue 268",
                "author": "Various",
                "posting_date": "September 20, 2010 [EBook #7000]",
                "release_date": "2004-11-01",
                "first_posted": "October 23, 2002",
                "id": "7000",
                "language": "en; la",
                "language_name": "English and Latin",
                "encoding": "US-ASCII",
            },
            id="2003",
        ),
        pytest.param(
            "Project Gutenberg Etext of King Henry VI, Part 1, by Shakespeare\n"
            "PG has multiple editions of William Shakespeare's Complete Works\n\n"
            "IS AN IMPROVED EDITION OF THIS TITLE WHICH MAY BE VIEWED AS EBOOK\n(#100)\n\n"
            "October, 1998 [Etext #1500]\n",
            {
                "title": "King Henry VI, Part 1",
                "author": "Shakespeare",
                "release_date": "1998-10-01",
                "id": "1500",
            },
            id="1998",
        ),
        pytest.param(
            "*** This is a COPYRIGHTED Project Gutenberg eBook. Details Below. ***\n\nTitle: M\n",
            {
                "title": "M",
                "rights": "Copyrighted. Read the copyright notice inside this book for details.",
            },
            id="copyrighted",
        ),
        pytest.param("A letter.\n\nDear Sir,", {}, id="none"),
        pytest.param(
            "Release Date: Release Date: June 29, 2005 [EBook #16146]\nPosting Date: March 7\n",
            {"release_date": "2005-06-29", "id": "16146", "posting_date": "March 7"},
            id="said twice",
        ),
        pytest.param("Title:\n\nRelease Date: Maybe, 99999 [EBook #1]\n", {"id": "1"}, id="broken"),
    ],
)
def test_header_fields(header: str, expected: dict[str, str]) -> None:
    assert header_fields(header) == expected


@pytest.mark.parametrize(
    ("names", "codes"),
    [
        ("Chinese", "zh"),
        ("French", "fr"),
        ("Greek, Ancient", "grc"),
        ("Napoletano-Calabrese", "nap"),
        ("nl", "nl"),
        ("English, english", "en"),
        ("Elvish", "Elvish"),
    ],
)
def test_language_codes(names: str, codes: str) -> None:
    assert language_codes(names) == codes


@pytest.mark.parametrize(
    ("declared", "codec", "text"),
    [
        ("ISO-8859-1", "latin-1", "Gabriël déjà, español"),
        ("ISO-8859-1", "cp1252", "A “quotation” of Windows"),
        ("ISO Latin-1", "latin-1", "Gabriël"),
        ("ISO-8859-2", "iso8859-2", "Zażółć gęślą jaźń"),
        ("ISO-8859-7", "iso8859-7", "Η Ελλάδα"),
        ("Windows Code Page 1252", "cp1252", "déjà “vu”"),
        ("CP-1251", "cp1251", "Война и мир"),
        ("UTF-8", "utf-8", "紅樓夢"),
        ("Big5", "big5", "紅樓夢第一回"),
        ("GB2312", "gb18030", "红楼梦第一回"),
        ("Shift_JIS", "cp932", "吾輩は猫である"),
        ("KOI8-R", "koi8-r", "Война"),
        ("MacRoman", "mac_roman", "déjà"),
        ("US-ASCII", "latin-1", "undeclared é"),
        ("UTF-16", "utf-16", "Ünïcode"),
    ],
)
def test_books_are_decoded_as_their_header_says(declared: str, codec: str, text: str) -> None:
    book = f"Title: X\nCharacter set encoding: {declared}\n\n{text}\n" * 3
    decoded = decode_book(book.encode(codec))
    assert (decoded.text, decoded.replaced) == (book, 0)


def test_header_cannot_name_any_codec_of_python() -> None:
    data = b"Character set encoding: unicode_escape\n\n\\u0041 caf\xe9 cr\xe8me"
    assert decode_book(data).text.endswith("\\u0041 café crème")


def test_undeclared_encoding_is_detected() -> None:
    text = "Всё смешалось в доме Облонских. Жена узнала, что муж был в связи.\n" * 50
    assert decode_book(text.encode("cp1251")).text == text


def test_few_broken_bytes_are_replaced_and_counted() -> None:
    text = "Ένα βιβλίο στα ελληνικά. " * 200
    decoded = decode_book(text.encode()[:-1] + b"\xff\xff")
    assert (decoded.encoding, decoded.replaced) == ("utf-8", 2)
    # One accented letter of Latin-1 is no broken UTF-8.
    assert decode_book("A caf\xe9. ".encode("latin-1") + b"Plain. " * 500).text.startswith("A café")


@pytest.mark.parametrize(
    "data", [bytes(range(256)) * 40, b"\x89PNG\r\n\x1a\n" + b"\0\x01\x02" * 500]
)
def test_binary_data_is_refused(data: bytes) -> None:
    with pytest.raises(UndecodableBookError, match="not readable as"):
        decode_book(data)


@given(st.binary(max_size=400))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    try:
        decoded = decode_book(data)
    except UndecodableBookError:
        return
    assert decoded.replaced <= len(decoded.text) / 1000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\ufeff\n <HTML lang='en'>", True),
        ("<?xml version='1.0'?>\n<!-- a page -->\n<!DOCTYPE html PUBLIC>", True),
        ("<html-like> is a word", False),
        ("A tale <html>", False),
    ],
)
def test_web_pages(text: str, expected: bool) -> None:
    assert is_web_page(text) is expected
