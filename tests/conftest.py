import os
from pathlib import Path

import pytest
from hypothesis import settings

# Machines are shared: how long an example takes says nothing about the code.
settings.register_profile("shared_machine", deadline=None)
settings.load_profile("shared_machine")

REPOSITORY = Path(__file__).parent.parent


def real_data_folder() -> Path:
    """The folder of real archives and books: $THRESHER_REAL_DATA, or the checkout's neighbour."""
    return Path(os.environ.get("THRESHER_REAL_DATA", REPOSITORY.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    return real_data_folder()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, and say so, the tests of real data where that folder is not there."""
    if real_data_folder().is_dir():
        return
    left_out = [item for item in items if item.get_closest_marker("real_data")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    if left_out:
        print(f"left out {len(left_out)} tests of real data: no folder {real_data_folder()}")
