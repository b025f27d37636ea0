"""A server as a process: started, asked whether it is there, watched, ended.

Law of this file: processes and ports; what is asked of a server stands in the tests. It is ended by its
own number, never by a name.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio

from tests.real.installing import POLITE, WORK, programs
from tests.real.servers import Made, Server
from tokenweir import Pipeline
from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.sources.connect import connect

PATIENCE = 180.0
"""Seconds in which a server must listen."""
_LOOK = 0.1
_KEPT = ("HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "TMPDIR")
"""What a server gets of the environment."""
_TICKS = os.sysconf("SC_CLK_TCK")


class Running:
    """A server that runs, and listens at `url`."""

    def __init__(self, server: Server, model: Made, port: int, log: Path) -> None:
        self.server = server
        self.log = log
        self.url = f"http://127.0.0.1:{port}"
        words = {"bin": programs(server), "folder": model.folder, "file": model.file, "port": port}
        self.model = server.model.format(**words)
        command = [*POLITE, *(word.format(**words) for word in server.command)]
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                command, stdout=out, stderr=subprocess.STDOUT, env=_surroundings()
            )

    def connect(self, provider: str | None = None, **options: Any) -> Source:
        """A source for it, with its key, by its own provider."""
        given: dict[str, Any] = {"model": self.model, "api_key": self.server.key, **options}
        return connect(provider or self.server.provider, self.url, **given)

    def cpu(self) -> float:
        """Seconds of processor time that it has used so far, in all its threads."""
        told = Path(f"/proc/{self.process.pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        return (int(told[11]) + int(told[12])) / _TICKS

    async def listens(self) -> None:
        """Wait until it takes connections. Raises RuntimeError where it ends, or takes too long."""
        clock = running_clock()
        began = clock()
        while clock() < began + PATIENCE:
            if self.process.poll() is not None:
                break
            try:
                stream = await anyio.connect_tcp("127.0.0.1", int(self.url.rpartition(":")[2]))
            except OSError:
                await anyio.sleep(_LOOK)  # a server starts in its own time, and tells nobody
            else:
                await stream.aclose()
                return
        msg = f"{self.server.name} does not listen; the end of {self.log}:\n{self.last_words()}"
        raise RuntimeError(msg)

    async def answers(self) -> None:
        """Wait for its first answer: some take connections while they load, and say so, or are silent."""
        async with self.connect() as source:
            await Pipeline(source).text("[text]", max_tokens=20)

    def last_words(self) -> str:
        """The end of what it has logged."""
        return self.log.read_text("utf-8", "replace")[-2000:]

    def end(self) -> None:
        """End it, however busy it is."""
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _surroundings() -> Mapping[str, str]:
    """No key of whoever runs this; no hub is asked for anything, and one thread is enough."""
    hub = WORK / "hub"
    (hub / "hub").mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {
        "HF_HOME": str(hub),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def running(server: Server, model: Made) -> Generator[Running]:
    """Start a server on a free port, and end it in the end."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    one = Running(server, model, port, WORK / f"{server.name}.log")
    try:
        anyio.run(one.listens)
        anyio.run(one.answers)
        yield one
    finally:
        one.end()


def can_measure() -> bool:
    """Whether processor time can be read here."""
    return sys.platform == "linux"
