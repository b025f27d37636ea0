"""A client's program as a process that is asked one question after the other.

Law of this file: lines in, lines out; a program is started once, since some libraries take a second to begin.
"""

import os
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from tests.clients.gateway_process import KEY, GatewayProcess
from tests.clients.installing import ROOT, Client
from tests.clients.said import Question, Said, decoded

_QUIET: Mapping[str, str] = {"PYTHONUNBUFFERED": "1", "LANGSMITH_TRACING": "false", "NO_PROXY": "127.0.0.1"}


class Asking:
    """A client that runs."""

    def __init__(self, client: Client, process: subprocess.Popen[bytes]) -> None:
        self.client = client
        self._process = process

    def ask(self, gateway: GatewayProcess, model: str, **how: Any) -> Said:
        """What it understood of one answer."""
        told: dict[str, Any] = {"base_url": gateway.base_url, "model": model, "api_key": KEY, "way": "stream"}
        question = msgspec.convert({**told, **how}, Question)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(question) + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"{self.client.name} has ended"
        return decoded(line)


@contextmanager
def asking(client: Client) -> Generator[Asking]:
    """Start a client, and end it in the end."""
    theirs = ("OPENAI_", "LANGCHAIN_")
    own = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
    with subprocess.Popen(
        client.command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**own, **_QUIET}
    ) as process:
        try:
            yield Asking(client, process)
        finally:
            process.kill()
