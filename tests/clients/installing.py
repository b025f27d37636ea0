"""The clients: where each comes from, and how its program is started.

Law of this file: what is there, what can be installed, and why something cannot. openai-python is a
development tool and curl the system's; those for node, and LangChain, get rooms of their own under
build/clients.
"""

import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from tests.clients.said import Way

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "clients"
PROGRAMS = Path(__file__).parent / "programs"
_VERSIONS = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))"
_LAST_WORDS = 300


class Client(NamedTuple):
    """One kind of client. `package` is whose version tells what was run; `room` is where it is installed."""

    name: str
    package: str
    program: str
    room: str | None = None
    ways: Sequence[Way] = ("stream", "whole")
    reasons: bool = True
    """It has a place for reasoning."""
    not_found: str = "NotFoundError"
    """What it calls a 404, and so on."""
    unauthorized: str = "AuthenticationError"
    bad_request: str = "BadRequestError"
    broken: str = "APIError"
    """What it calls an error in mid-stream. The AI SDK hands on what the error frame holds."""

    @property
    def command(self) -> list[str]:
        """How its program is started."""
        if self.program.endswith(".mjs"):
            return ["node", str(WORK / "node" / self.program)]
        python = sys.executable if self.room is None else str(WORK / self.room / "bin" / "python")
        return [python, "-m", f"tests.clients.programs.{self.program}"]


CLIENTS: Mapping[str, Client] = {
    client.name: client
    for client in (
        Client("openai-python", "openai", "openai_python", ways=("stream", "whole", "helper")),
        Client(
            *("curl", "curl", "curl"),
            not_found="RefusedError",
            unauthorized="RefusedError",
            bad_request="RefusedError",
            broken="ErrorFrameError",
        ),
        Client("openai-node", "openai", "openai_node.mjs", "node", ways=("stream", "whole", "helper")),
        Client(
            *("ai-sdk", "ai", "ai_sdk.mjs", "node"),
            not_found="APICallError",
            unauthorized="APICallError",
            bad_request="APICallError",
            broken="Object",
        ),
        Client("langchain", "langchain-openai", "langchain", "langchain", reasons=False),
    )
}
ALWAYS = ("openai-python", "curl")
"""Those that need no installation."""
_NODE = ("openai", "ai", "@ai-sdk/openai-compatible")


def missing(client: Client) -> str | None:
    """Why a client cannot be run; None where it can."""
    if client.name == "curl":
        return None if shutil.which("curl") else "there is no curl"
    if client.room == "node" and shutil.which("node") is None:
        return "there is no node"
    if client.room is None or (WORK / client.room / "installed").exists():
        return None
    told = WORK / client.room / "reason"
    return told.read_text("utf-8") if told.exists() else "not installed: make test-clients"


def install(room: str) -> None:
    """Install the clients of a room, once and again when pyproject.toml changes; `missing` tells how it
    went. The programs for node stand beside what they import."""
    home, project = WORK / room, ROOT / "pyproject.toml"
    home.mkdir(parents=True, exist_ok=True)
    done = home / "installed"
    if not (done.exists() and done.stat().st_mtime >= project.stat().st_mtime):
        done.unlink(missing_ok=True)
        print(f"installing {room} into {home.relative_to(ROOT)} (once)", flush=True)
        commands = _npm() if room == "node" else _pip(home, project)
        with (home / "install.log").open("w", encoding="utf-8") as out:
            for command in commands:
                if not _runs(command, home, out):
                    return
        done.touch()
    if room == "node":
        for program in PROGRAMS.glob("*.mjs"):
            shutil.copy(program, home)


def _npm() -> list[list[str]]:
    return [["npm", "install", "--no-audit", "--no-fund", *_NODE]]


def _pip(home: Path, project: Path) -> list[list[str]]:
    venv.create(home, symlinks=True, with_pip=True)
    pip = [f"{home}/bin/python", "-m", "pip", "--disable-pip-version-check", "install"]
    return [[*pip, "--upgrade", "pip>=25.1"], [*pip, "--group", f"{project}:client-langchain"]]


def _runs(command: Sequence[str], home: Path, out: IO[str]) -> bool:
    log = home / "install.log"
    try:
        ran = subprocess.run(command, cwd=home, stdout=out, stderr=subprocess.STDOUT, check=False).returncode
    except FileNotFoundError:
        ran = 1
    if ran:
        last = log.read_text("utf-8", "replace")[-_LAST_WORDS:].strip()
        (home / "reason").write_text(f"cannot be installed here: {last or command[0]}", "utf-8")
    return ran == 0


def version(client: Client) -> str:
    """What is installed, as `ai 6.0.326`."""
    if client.name == "curl":
        asked = [shutil.which("curl") or "curl", "--version"]
        said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
        return " ".join(said.split()[:2])
    if client.room == "node":
        told = (WORK / "node" / "node_modules" / client.package / "package.json").read_text("utf-8")
        return f"{client.package} {json.loads(told)['version']}"
    command = [client.command[0], "-c", _VERSIONS, client.package]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return f"{client.package} {said}"
