"""One form for the codes that language identifiers give."""

from functools import cache

import langcodes
from langcodes.tag_parser import LanguageTagError


@cache
def standard_tag(code: str) -> str:
    """Return the standard form of a language's code, or an empty string if it is no code.

    Args:
        code: ISO 639-1 or 639-3, with or without a script (``fi``, ``fin``, ``fin_Latn``).

    Returns:
        The shortest code, of the macrolanguage where there is one, with the script only where it
        is not the language's usual one.

    >>> standard_tag("eng_Latn"), standard_tag("cmn_Hani"), standard_tag("srp_Latn")
    ('en', 'zh-Hani', 'sr-Latn')
    >>> standard_tag("not a code")
    ''
    """
    try:
        return langcodes.standardize_tag(code.replace("_", "-"), macro=True)
    except LanguageTagError:
        return ""
