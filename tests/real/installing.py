"""A virtual environment for each server, under build/real: their pins contradict each other.

Law of this file: what is there, what can be installed, and why something cannot. Nothing is started here.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

from tests.real import gguf, huggingface
from tests.real.servers import Made, Server

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "real"
POLITE = ("nice", "-n", "15")
"""Servers and compilers take what others leave."""
_LAST_WORDS = 300
_BUILDS = {"CMAKE_BUILD_PARALLEL_LEVEL": "1"}


def programs(server: Server) -> Path:
    """Where the programs of a server's environment are."""
    return WORK / server.name / "bin"


def missing(server: Server) -> str | None:
    """Why a server cannot be run; None where it can."""
    home = WORK / server.name
    if (home / "installed").exists():
        return None
    told = home / "reason"
    return (
        told.read_text("utf-8") if told.exists() else f"not installed: make test-real SERVERS={server.name}"
    )


def install(server: Server) -> None:
    """Install a server, once and again when pyproject.toml changes; `missing` tells how it went."""
    home = WORK / server.name
    done, project = home / "installed", ROOT / "pyproject.toml"
    if done.exists() and done.stat().st_mtime >= project.stat().st_mtime:
        return
    done.unlink(missing_ok=True)
    print(f"installing {server.name} into {home.relative_to(ROOT)} (once)", flush=True)
    venv.create(home, symlinks=True, with_pip=True)
    pip = [*POLITE, f"{home}/bin/python", "-m", "pip", "--disable-pip-version-check", "install"]
    log = home / "install.log"
    with log.open("w", encoding="utf-8") as out:
        for what in (["--upgrade", "pip>=25.1"], ["--group", f"{project}:{server.group}"]):
            ran = subprocess.run(
                [*pip, *what],
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **_BUILDS},
                check=False,
            )
            if ran.returncode:
                last = log.read_text("utf-8", "replace")[-_LAST_WORDS:].strip()
                (home / "reason").write_text(f"cannot be installed here: {last}", "utf-8")
                return
    done.touch()


def versions(server: Server) -> str:
    """What is installed, as `mlx-lm 0.32.2, mlx 0.32.4`."""
    asked = (
        "import sys, importlib.metadata as m; print(', '.join(f'{p} {m.version(p)}' for p in sys.argv[1:]))"
    )
    command = [f"{programs(server)}/python", "-c", asked, *server.packages]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def made() -> Made:
    """The model, written anew: nothing of it is worth keeping."""
    if sys.byteorder != "little":
        msg = "the model is written as this machine has its numbers, and both forms want little-endian"
        raise NotImplementedError(msg)
    model = Made(WORK / "model" / "tiny", WORK / "model" / "tiny.gguf")
    huggingface.write(model.folder)
    gguf.write(model.file)
    return model
