from pathlib import Path

import pytest

from benchmarks.agreement import EXPLANATIONS, PAIRS, compare, english_html
from filters.extraction import extract_text


@pytest.mark.real_data
def test_decisions_agree_with_datatrove_on_real_pages(real_data: Path) -> None:
    """Each side has its own words and sentences; whatever differs has one of the known reasons."""
    texts = [extract_text(html).text for html in english_html(real_data)][::5]
    assert len(texts) > 100
    counts = compare(texts)
    assert list(counts) == list(PAIRS)
    for name, of_filter in counts.items():
        assert of_filter["same"] / of_filter.total() >= 0.97, name
        assert set(of_filter) <= {"same", *EXPLANATIONS}


def test_the_reasons_are_explained_in_the_documentation() -> None:
    text = Path("docs/rules.md").read_text(encoding="utf-8")
    assert [reason for reason in EXPLANATIONS if f"**{reason}**" not in text] == []
