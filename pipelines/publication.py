"""The pages that tell of a finished selection: the report and the dataset card.

A run may end between a selection and its pages; the next one then sees that they are old.
"""

from typing import Any

from pipelines import dataset_card, report, storage
from pipelines.manifest import StageRecords
from pipelines.stages import Run
from pipelines.summary import selection_of


def publish(run: Run) -> None:
    """Write the pages of a finished selection."""
    selection = selection_of(run.recipe)
    assert selection is not None  # noqa: S101
    dataset_card.write(run.recipe, selection)
    if run.report_is_current():
        report.write_page(run.recipe, selection)
    storage.write_json(_path(run), _to_publish(run))


def is_published(run: Run) -> bool:
    """Tell whether the pages are there, and of the present selection and not of an earlier one."""
    expected = _to_publish(run)
    return storage.read_json(_path(run)) == expected and all(
        storage.exists(storage.join(run.recipe.output, page)) for page in expected["pages"]
    )


def _path(run: Run) -> str:
    return storage.join(run.recipe.output, "manifests", "published.json")


def _to_publish(run: Run) -> dict[str, Any]:
    """Return which pages an output has, and the fingerprints of what they are made of."""
    made_of = {
        stage: (StageRecords(run.recipe.output, stage).manifest() or {}).get("fingerprint")
        for stage in ("report", "select")
    }
    pages = ["README.md", *(["report.html", "report.json"] if run.report_is_current() else [])]
    return {"pages": pages, "made_of": made_of}
