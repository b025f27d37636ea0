"""`tokenweir serve` as its users start it: a process with a file, in front of simulated backends.

Law of this file: processes, files and addresses; what a client makes of it stands in the tests. The backends
run in a thread of this process; the gateway is ended by its own number, never by a name.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import yaml

from tests.cli.shell import PATIENCE, backend
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator

Loop = Literal["asyncio", "uvloop"]

KEY = "sk-a-key-of-these-tests"
"""The clients' key."""
_BACKENDS_KEY = "sk-ant-a-key-of-these-tests"
_RUN = "from tokenweir.__main__ import main; raise SystemExit(main())"
_WITHOUT_UVLOOP = "import sys; sys.modules['uvloop'] = None; "


class GatewayProcess:
    """A gateway that runs, and listens at `url`. `simulators` are what stands behind it, by backend."""

    def __init__(self, process: subprocess.Popen[bytes], said: str, log: Path) -> None:
        self.process = process
        self.said = said
        """The first line of what it said."""
        self.url = "http://" + said.partition("at http://")[2].partition("/v1")[0]
        self.base_url = f"{self.url}/v1"
        self.simulators: dict[str, Simulator] = {}
        self._log = log

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self._log.read_text("utf-8", "replace")

    def loop(self) -> Loop:
        """The event loop that it runs on, as the kernel knows it: uvloop is a library of its own."""
        mapped = Path(f"/proc/{self.process.pid}/maps").read_text("utf-8", "replace")
        return "uvloop" if "uvloop/loop" in mapped else "asyncio"

    def end(self) -> int:
        """Stop it as a service manager does; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.process.kill()


@contextmanager
def serving(
    config: Mapping[str, Any], *, loop: Loop = "uvloop", env: Mapping[str, str] | None = None
) -> Generator[GatewayProcess]:
    """A gateway with this configuration, on a free port."""
    with tempfile.TemporaryDirectory(prefix="tokenweir-gateway-") as folder:
        file, log = Path(folder, "gateway.yaml"), Path(folder, "log")
        file.write_text(yaml.safe_dump(dict(config), sort_keys=False), "utf-8")
        code = (_WITHOUT_UVLOOP if loop == "asyncio" else "") + _RUN
        command = [sys.executable, "-W", "error", "-c", code, "serve"]
        command += ["--config", str(file), "--port", str(free_port())]
        own = {"CLIENTS_KEY": KEY, "BACKENDS_KEY": _BACKENDS_KEY, "PYTHONUNBUFFERED": "1"}
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=out, env={**os.environ, **own, **(env or {})}
            )
        assert process.stdout is not None
        with process, process.stdout:
            try:
                said = process.stdout.readline().decode()
                assert "at http://" in said, f"it does not serve: {said}{log.read_text('utf-8', 'replace')}"
                yield GatewayProcess(process, said.rstrip(), log)
            finally:
                process.kill()


@contextmanager
def serving_simulated(
    backends: Mapping[str, tuple[str, Quirks]], *, loop: Loop = "uvloop", **sections: Any
) -> Generator[GatewayProcess]:
    """A gateway in front of simulators: provider and quirks by the name of the backend. Every client needs
    KEY. `sections` are further sections of the file."""
    with ExitStack() as stack:
        simulators: dict[str, Simulator] = {}
        settings: dict[str, Any] = {}
        for name, (provider, quirks) in backends.items():
            simulators[name] = stack.enter_context(backend(**_switches(quirks)))
            settings[name] = {"provider": provider, "base_url": simulators[name].url}
            if provider == "anthropic":
                settings[name]["api_key_env"] = "BACKENDS_KEY"
        server = {"api_keys": [{"name": "tests", "env": "CLIENTS_KEY"}], "log": "json"}
        config = {"backends": settings, "server": server, **sections}
        gateway = stack.enter_context(serving(config, loop=loop))
        gateway.simulators = simulators
        yield gateway


def free_port() -> int:
    """A port of loopback that nobody has now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def _switches(quirks: Quirks) -> dict[str, Any]:
    return {name: getattr(quirks, name) for name in quirks.__struct_fields__}
