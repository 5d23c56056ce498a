import codecs
import encodings
import pkgutil
from encodings.aliases import aliases

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.decoding import (
    Decoded,
    UndecodableText,
    charset_of_label,
    charset_of_markup,
    decode,
    storable,
)

RUSSIAN = "Привет, мир! Это проверка определения кодировки русского текста. "
JAPANESE = "これは日本語の文章です。文字コードの判定を試します。"
CHINESE = "这是一个中文句子，用来测试编码检测的准确性。我们希望它能够正确。"
KOREAN = "이것은 한국어 문장입니다. 인코딩 감지를 시험합니다."
FRENCH = "Ça c'est un été à la française, déjà vu, où “quotes” – naïve. "


def encodings_of_text() -> list[str]:
    """Every label of a codec of Python's that turns text into bytes, but for those of escapes."""
    names = {module.name for module in pkgutil.iter_modules(encodings.__path__)} | set(aliases)
    found = []
    for name in sorted(names):
        try:
            "a".encode(name)
        except (LookupError, UnicodeError):
            continue
        if codecs.lookup(name).name not in ("idna", "punycode", "unicode-escape"):
            found.append(name)
    found.remove("raw_unicode_escape")
    return found


PYTHON_ENCODINGS = encodings_of_text()


def page(text: str, head: str = "") -> str:
    return f"<html><head>{head}<title>t</title></head><body><p>{text}</p></body></html>"


@pytest.mark.parametrize("label", PYTHON_ENCODINGS)
def test_every_encoding_of_python_comes_back_as_it_was_declared(label: str) -> None:
    sample = (
        "The quick brown fox, 1, 2, 3. "
        + FRENCH
        + "żółć ığüş עברית العربية ไทย 中文句子 日本 한국어 "
    )
    if charset_of_label(label) != "big5hkscs":  # Python's big5 has kana and Cyrillic elsewhere
        sample += RUSSIAN + JAPANESE + "Ελληνικά "
    content = sample.encode(label, "ignore")
    decoded = decode(content, declared=label, html=False)
    assert decoded.text == content.decode(label)
    assert decoded.replacements == 0


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("iso-8859-1", "cp1252"),
        ("US-ASCII", "cp1252"),
        ("latin1", "cp1252"),
        (" 'UTF8' ", "utf-8"),
        ("utf-8;", "utf-8"),
        ("iso-8859-9", "cp1254"),
        ("gb2312", "gb18030"),
        ("x-gbk", "gb18030"),
        ("shift_jis", "cp932"),
        ("x-sjis", "cp932"),
        ("windows-31j", "cp932"),
        ("big5", "big5hkscs"),
        ("big5-hkscs", "big5hkscs"),
        ("euc-kr", "cp949"),
        ("ks_c_5601-1987", "cp949"),
        ("cp949", "cp949"),
        ("tis-620", "cp874"),
        ("utf-16", "utf-16-le"),
        ("hz-gb-2312", "hz"),
        ("cp850", "cp850"),
        ("klingon", None),
        ("", None),
        ("base64", None),
        ("rot13", None),
        ("punycode", None),
        ("unicode_escape", None),
        ("no\0label", None),
        ("é" * 3, None),
        ("\ud800", None),
        ("a" * 1000, None),
    ],
)
def test_labels_mean_what_browsers_take_them_for(label: str, codec: str | None) -> None:
    assert charset_of_label(label) == codec


@pytest.mark.parametrize(
    ("markup", "codec"),
    [
        ('<meta charset="windows-1251">', "cp1251"),
        ("<META CHARSET=Shift_JIS />", "cp932"),
        ("<meta charset=utf-8/>", "utf-8"),
        ("<meta content='text/html; charset=koi8-r' http-equiv='Content-Type'>", "koi8-r"),
        ('<meta http-equiv="content-type" content="text/html;charset=euc-kr">', "cp949"),
        ('<meta name="description" content="charset=koi8-r">', None),
        ('<!-- <meta charset="big5"> --><meta charset="gbk">', "gb18030"),
        ("<!-- <meta charset=big5>", None),
        ("<meta charset=utf-16>", "utf-8"),
        ("<meta charset=klingon><meta charset=koi8-u>", "koi8-u"),
        ('<?xml version="1.0" encoding="ISO-8859-2"?><html>', "iso8859-2"),
        ('<?xml version="1.0" encoding="ISO-8859-2"?><meta charset="utf-8">', "utf-8"),
        (" " * 5000 + "<meta charset=koi8-r>", None),
        ("<metadata charset=koi8-r>", None),
        ("", None),
    ],
)
def test_markup_names_the_charset(markup: str, codec: str | None) -> None:
    assert charset_of_markup(markup.encode()) == codec


@pytest.mark.parametrize(
    ("content", "declared", "text", "charset"),
    [
        pytest.param(b"", None, "", "utf-8", id="nothing"),
        pytest.param(b"plain", "koi8-r", "plain", "utf-8", id="ASCII is the same in all"),
        pytest.param(FRENCH.encode(), "iso-8859-1", FRENCH, "utf-8", id="UTF-8 called Latin-1"),
        pytest.param(CHINESE.encode(), "gbk", CHINESE, "utf-8", id="UTF-8 called GBK"),
        pytest.param(FRENCH.encode("cp1252"), "utf-8", FRENCH, "cp1252", id="Latin called UTF-8"),
        pytest.param(
            page(RUSSIAN, "<meta charset=windows-1251>").encode("cp1251"),
            "utf-8",
            page(RUSSIAN, "<meta charset=windows-1251>"),
            "cp1251",
            id="header contradicted, meta right",
        ),
        pytest.param(
            page(RUSSIAN, "<meta charset=koi8-r>").encode("cp1251"),
            "windows-1251",
            page(RUSSIAN, "<meta charset=koi8-r>"),
            "cp1251",
            id="header before meta",
        ),
        pytest.param(
            "\ufeff".encode("utf-16-le") + RUSSIAN.encode("utf-16-le"),
            "utf-8",
            RUSSIAN,
            "utf-16-le",
            id="mark before header",
        ),
        pytest.param(
            codecs.BOM_UTF8 + FRENCH.encode(), "cp1252", FRENCH, "utf-8", id="mark of UTF-8"
        ),
        pytest.param(
            codecs.BOM_UTF8 + RUSSIAN.encode("cp1251"),
            "cp1251",
            RUSSIAN,
            "cp1251",
            id="mark before another charset",
        ),
        pytest.param(
            "\ufeffabc".encode("utf-32-le"), None, "abc", "utf-32-le", id="mark of UTF-32"
        ),
        pytest.param(
            page("text").encode("utf-16-be"), None, page("text"), "utf-16-be", id="UTF-16, no mark"
        ),
        pytest.param(
            RUSSIAN.encode("utf-16-le"), "utf-16", RUSSIAN, "utf-16-le", id="UTF-16 declared"
        ),
        pytest.param(b"page", "utf-16", "page", "utf-8", id="called UTF-16, is ASCII"),
        pytest.param(
            FRENCH.encode()[:-1] + b"\xc3", None, FRENCH[:-1] + "\ufffd", "utf-8", id="cut off"
        ),
        pytest.param(
            (RUSSIAN * 2).encode() + b"caf\xe9 ",
            None,
            RUSSIAN * 2 + "caf\ufffd ",
            "utf-8",
            id="a stray byte of Latin-1 in UTF-8",
        ),
        pytest.param(
            (b"word " * 20) + b"\0", None, "word " * 20 + "\ufffd", "cp1252", id="a stray NUL"
        ),
        pytest.param("①株".encode("cp932"), "shift_jis", "①株", "cp932", id="NEC in Shift_JIS"),
        pytest.param("똠방각하".encode("cp949"), "euc-kr", "똠방각하", "cp949", id="UHC in EUC-KR"),
        pytest.param("①".encode("euc_jis_2004"), "euc-jp", "①", "euc_jis_2004", id="NEC in EUC-JP"),
        pytest.param(CHINESE.encode("hz"), "hz-gb-2312", CHINESE, "hz", id="HZ"),
        pytest.param(FRENCH.encode("cp1252"), "klingon", FRENCH, "cp1252", id="unknown label"),
    ],
)
def test_the_best_evidence_wins(
    content: bytes, declared: str | None, text: str, charset: str
) -> None:
    assert decode(content, declared=declared, html=True) == Decoded(
        text=text, charset=charset, replacements=text.count("\ufffd")
    )


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc-jp"),
        (JAPANESE, "iso-2022-jp"),
        (CHINESE, "gbk"),
        (KOREAN, "cp949"),
        (FRENCH, "cp1252"),
        ("Zażółć gęślą jaźń. Święto, źródło, wąż, gdzieś, jeszcze świat. ", "cp1250"),
        ("هذه جملة باللغة العربية لاختبار الترميز والكشف عنه", "cp1256"),
        ("זהו משפט בעברית לבדיקת זיהוי הקידוד של הטקסט", "cp1255"),
        ("Αυτή είναι μια ελληνική πρόταση για δοκιμή", "cp1253"),
        ("นี่คือประโยคภาษาไทยสำหรับทดสอบการเข้ารหัส", "tis-620"),
        ("Ein ganz gewöhnlicher Satz in UTF-16.", "utf-16-le"),
    ],
)
def test_undeclared_charsets_are_detected(text: str, charset: str) -> None:
    html = page(text * 3)
    decoded = decode(html.encode(charset), declared=None, html=True)
    assert (decoded.text, decoded.replacements) == (html, 0)


def test_markup_is_not_asked_in_plain_text() -> None:
    content = ("<meta charset=koi8-r> " + FRENCH).encode("cp1252")
    assert decode(content, declared=None, html=False).charset == "cp1252"
    assert decode(content, declared=None, html=True).charset == "koi8-r"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(bytes(range(256)) * 40, id="every byte"),
        pytest.param(b"\x1f\x8b\x08\0" + bytes(range(0, 256, 3)) * 9, id="like gzip"),
        pytest.param(b"\0" * 1000, id="NULs"),
        pytest.param("\ufffd".encode() * 100, id="replaced already"),
    ],
)
def test_what_is_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(UndecodableText, match=r"of \d+ characters are damaged"):
        decode(content, declared=None, html=True)


@given(
    content=st.binary(max_size=400),
    declared=st.none() | st.text(max_size=20) | st.sampled_from(PYTHON_ENCODINGS),
    html=st.booleans(),
)
def test_any_bytes_give_storable_text_or_the_one_error(
    content: bytes, declared: str | None, html: bool
) -> None:
    try:
        decoded = decode(content, declared=declared, html=html)
    except UndecodableText:
        return
    assert "\0" not in decoded.text
    assert decoded.text.encode().decode() == decoded.text
    assert decoded.replacements == decoded.text.count("\ufffd")


@given(
    text=st.text(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff\ufffd~")
    ),
    declared=st.none()
    | st.sampled_from(["utf-8", "iso-8859-1", "gbk", "shift_jis", "koi8-r", "x"]),
)
def test_utf_8_comes_back_whatever_was_declared(text: str, declared: str | None) -> None:
    assert decode(text.encode(), declared=declared, html=True) == Decoded(
        text=text, charset="utf-8", replacements=0
    )


@given(text=st.text(st.characters(codec=None)))
def test_storable_text_can_be_encoded_and_keeps_its_length(text: str) -> None:
    stored = storable(text)
    assert stored.encode().decode() == stored
    assert "\0" not in stored
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert stored == text.replace("\0", "\ufffd")
