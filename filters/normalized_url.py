"""One spelling for the addresses of one page."""

from courlan import normalize_url

_WWW = "www."


def normalized_url(url: str) -> str | None:
    """Return what two spellings of one page's address have in common.

    Scheme, ``www.``, the scheme's default port, the fragment, a closing slash and known tracking
    parameters are left out (the last by courlan's list), the host is in lower case, the parameters
    are in order. C4 drops scheme, ``www.``, tracking parameters and the slash too
    (``tensorflow_datasets/text/c4_utils.py``).

    Returns:
        The address, or None if ``url`` names no host: a page without one has no duplicates by it.

    >>> normalized_url("HTTP://www.Example.com:80/News/?utm_source=feed&b=2&a=1#top")
    'example.com/News?a=1&b=2'
    >>> normalized_url("https://example.com/News?a=1&b=2")
    'example.com/News?a=1&b=2'
    >>> normalized_url("urn:isbn:0451450523") is None
    True
    """
    try:
        spelled = normalize_url(url.strip())
    except ValueError:
        return None
    scheme, separator, rest = spelled.partition("://")
    if not separator or not scheme:
        return None
    address, _, fragment = rest.partition("#")
    page, question, parameters = address.partition("?")
    page = page.removeprefix(_WWW).rstrip("/")
    if not page:
        return None
    # A fragment that begins so is the page itself: the server never sees it, the script does.
    route = f"#{fragment}" if fragment.startswith("!") else ""
    return f"{page}{question}{parameters}{route}"
