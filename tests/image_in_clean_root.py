"""Runs the steps of the Dockerfile in clean roots made by debootstrap: where no Docker engine is.

    python -m tests.image_in_clean_root [folder]

Each stage starts from Debian with Python instead of its image, which a registry of images would
give; so Beam's own files (`/opt/apache/beam`) are not there, and all else is. Then the finished
root runs thresher as the image's user over the sample. Takes root and a few minutes.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_REPOSITORY = Path(__file__).parent.parent
# Beam's image, like Python's, has a compiler: KenLM's Python module is built from its source.
_PACKAGES = "ca-certificates,g++,make,python3,python3-dev,python3-pip,python-is-python3"
# What a registry's images set, and how this machine reaches packages.
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "PIP_BREAK_SYSTEM_PACKAGES": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
    **{
        name: value
        for name, value in os.environ.items()
        if name in ("PIP_CERT", "PIP_INDEX_URL") or name.lower().endswith("_proxy")
    },
}


@dataclass
class Stage:
    """A stage of the Dockerfile, as far as it is built."""

    root: Path
    folder: str = "/"
    user: str = "0"
    entry_point: list[str] = field(default_factory=list)

    def run(self, command: list[str], *, environment: dict[str, str] | None = None) -> str:
        """Run a command in the root, as the stage's user in its folder."""
        # chroot's own options change the user but not the folder.
        script = f'cd {shlex.quote(self.folder)} && exec "$@"'
        done = subprocess.run(
            [*self._chroot(), "sh", "-c", script, "sh", *command],
            env={**_ENVIRONMENT, **(environment or {})},
            stdout=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"{shlex.join(command)}: exit code {done.returncode}\n{done.stdout}")
        return done.stdout

    def _chroot(self) -> list[str]:
        return ["chroot", f"--userspec={self.user}", str(self.root)]

    def path(self, inside: str) -> Path:
        """Return where a path of the root lies, seen from outside."""
        return self.root / str(Path(self.folder, inside)).lstrip("/")


def instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    """Yield the instructions of a Dockerfile with their arguments."""
    whole = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", dockerfile, flags=re.MULTILINE))
    for line in whole.splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            yield name.upper(), rest.strip()


def build(folder: Path) -> Stage:
    """Build all stages; return the last."""
    base = folder / "base"
    packages = f"--include={_PACKAGES}"
    subprocess.run(
        ["debootstrap", "--variant=minbase", packages, "bookworm", str(base)], check=True
    )
    stages: dict[str, Stage] = {}
    stage = Stage(base)
    for name, rest in instructions((_REPOSITORY / "Dockerfile").read_text()):
        print(f"{name} {rest}", flush=True)
        match name:
            case "FROM":
                root = folder / f"stage-{len(stages)}"
                subprocess.run(["cp", "-a", str(base), str(root)], check=True)
                for needed in _reaching_packages():
                    (root / needed).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(Path("/", needed), root / needed)
                stage = Stage(root)
                stages[rest.rpartition(" AS ")[2]] = stage
            case "WORKDIR":
                stage.folder = rest
                stage.path(".").mkdir(parents=True, exist_ok=True)
            case "COPY":
                _copy(stage, shlex.split(rest), stages)
            case "RUN":
                print(stage.run(["sh", "-c", rest]), end="", flush=True)
            case "USER":
                stage.user = rest
            case "ENTRYPOINT":
                stage.entry_point = [part.strip('" ') for part in rest.strip("[]").split(",")]
            case "ARG":
                continue
            case _:
                raise SystemExit(f"{name}: an instruction that this script does not know")
    return stage


def _reaching_packages() -> list[str]:
    """Return the files of this machine by which it reaches packages, as paths below the root."""
    named = [os.environ.get("PIP_CERT", ""), "/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf"]
    found = [Path(name) for name in named if name and Path(name).is_file()]
    apt = Path("/etc/apt/apt.conf.d").iterdir()
    found += [path for path in apt if "Acquire::" in path.read_text(errors="replace")]
    return [str(path).lstrip("/") for path in found]


def _copy(stage: Stage, words: list[str], stages: dict[str, Stage]) -> None:
    options = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
    *sources, target = [word for word in words if not word.startswith("--")]
    whence = stages[options["from"]].root if "from" in options else _REPOSITORY
    into = stage.path(target)
    for source in sources:
        found = whence / source.lstrip("/")
        if found.is_dir():
            shutil.copytree(found, into, dirs_exist_ok=True)
            continue
        to = into / found.name if target.endswith("/") else into
        shutil.copy2(found, to)
        if "chmod" in options:
            to.chmod(int(options["chmod"], 8))


def main() -> None:
    """Build the image's root and use it."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        stage = build(Path(name))
        stage.run(["sh", "-c", "lmplz --help >/dev/null 2>&1 || test $? -eq 1"])
        assert stage.run(["id", "-u"]).strip() == "10001"
        told = stage.run([*stage.entry_point, "--version"])
        print(told, end="")
        home = {"HOME": stage.folder}
        stage.path("configs").symlink_to("/opt/thresher/configs")
        command = [*stage.entry_point, "run", "configs/quickstart.yaml"]
        print(stage.run(command, environment=home), end="")
        # A worker's flags go to Beam's own start program, which the base image brings.
        boot = stage.root / "opt/apache/beam/boot"
        boot.parent.mkdir(parents=True)
        boot.write_text('#!/bin/sh\necho "boot $*"\n')
        boot.chmod(0o755)
        flags = ["--id=1", "--provision_endpoint=localhost:1"]
        assert stage.run([*stage.entry_point, *flags]) == f"boot {' '.join(flags)}\n"
        print("the image's steps, thresher and the worker's start: all well")


if __name__ == "__main__":
    main()
