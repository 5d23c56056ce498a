"""Cells of tables that are written for people, who open them in a spreadsheet."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def inert(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula (OWASP, CSV Injection).

    >>> inert("=HYPERLINK(1)"), inert("a title")
    ("'=HYPERLINK(1)", 'a title')
    """
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
