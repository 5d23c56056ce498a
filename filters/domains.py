"""Lists of domains: a page is on the list if its host or a parent of its host is."""

from collections.abc import Iterable
from urllib.parse import urlsplit


class DomainList:
    """A set of domains that covers their subdomains.

    >>> DomainList(["example.com"]).covers("https://www.Example.com:8080/a")
    True
    >>> DomainList(["example.com"]).covers("https://notexample.com/")
    False
    """

    def __init__(self, domains: Iterable[str]) -> None:
        self._domains = {
            domain.strip().lower().rstrip(".")
            for domain in domains
            if domain.strip() and not domain.startswith("#")
        }

    def covers(self, url: str) -> bool:
        """Tell whether the host of ``url``, or a parent domain of it, is on the list."""
        try:
            host = (urlsplit(url).hostname or "").rstrip(".")
        except ValueError:
            return False
        while host:
            if host in self._domains:
                return True
            host = host.partition(".")[2]
        return False
