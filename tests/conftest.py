import importlib.util
import os
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from tests.hdfs_cluster import server_jars
from tests.small_models import harmful_model, quality_model

__all__ = ["harmful_model", "quality_model"]

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


def chromium() -> str | None:
    """The system's Chromium or Chrome; a snap is none, for it can't read a temporary folder."""
    for name in ("google-chrome", "chromium", "chromium-browser"):
        if path := shutil.which(name):
            return None if Path(path).resolve().name == "snap" else path
    return None


def prism() -> str | None:
    """Beam's Prism runner: the one that `make prism` built, or any on the path."""
    built = Path(sys.executable).with_name("prism")
    return str(built) if built.exists() else shutil.which("prism")


def missing() -> dict[str, str]:
    """Why tests of a marker can't run here, by marker."""
    folder = real_data_folder()
    needs = {
        "real_data": (folder.is_dir(), f"no folder {folder}"),
        "lmplz": (
            Path(sys.executable).with_name("lmplz").exists(),
            "no lmplz; make lmplz builds it",
        ),
        "prism": (prism() is not None, "no prism; make prism builds it"),
        "torch": (
            importlib.util.find_spec("torch") is not None,
            "no PyTorch; make test-torch brings one",
        ),
        "spark": (
            importlib.util.find_spec("pyspark") is not None and shutil.which("java") is not None,
            "no PySpark or no Java; make test-spark installs and runs it",
        ),
        "hdfs": (
            bool(server_jars()) and shutil.which("java") is not None,
            "no HDFS; make test-hdfs brings and runs it",
        ),
        "browser": (chromium() is not None, "no chromium; make system-packages installs it"),
    }
    return {marker: reason for marker, (there, reason) in needs.items() if not there}


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name cases of bytes by their place: compressed ones hold the time that they were made at."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests whose data or program is not there."""
    for marker in missing():
        left_out = [item for item in items if item.get_closest_marker(marker)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out: here, because the workers of pytest-xdist print nothing."""
    for marker, reason in missing().items():
        terminalreporter.write_line(f"left out the tests marked {marker}: {reason}")
