"""`tokenweir serve`: a gateway that says where it is, and that signals steer."""

import json
import os
import re
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shell import PATIENCE, finish, run, start
from tokenweir.simulator.text import ABOUT

SIMULATED = "inference:\n  provider: simulator\n"
HI = {"stream": True, "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the developer's own shell says does not count."""
    for name in list(os.environ):
        if name.startswith("INFERENCE_"):
            monkeypatch.delenv(name)


@pytest.fixture
def port() -> int:
    """One that nobody has at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        found: int = held.getsockname()[1]
    return found


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A file with one simulated backend."""
    file = tmp_path / "gateway.yaml"
    file.write_text(SIMULATED, "utf-8")
    return file


@contextmanager
def serving(*options: str) -> Generator[tuple[subprocess.Popen[bytes], str, str]]:
    """The command, listening: its process, what it says first, and its address."""
    process = start("serve", *options)
    try:
        assert process.stdout is not None
        hello = process.stdout.readline().decode()
        hello += process.stdout.readline().decode()
        hello += process.stdout.readline().decode()
        found = re.search(r"http://127\.0\.0\.1:\d+", hello)
        assert found is not None, hello + finish(process)[2]
        yield process, hello, found[0]
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)


def ask(url: str, body: object | None = None) -> str:
    """The body of an answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 - our own loopback address
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - as above
        return str(answer.read(), "utf-8")


def content(stream: str) -> str:
    """The text of all chunks."""
    chunks: list[Any] = [json.loads(line) for line in re.findall(r"^data: (\{.*)$", stream, re.MULTILINE)]
    return "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks if chunk["choices"])


def test_it_serves_what_is_configured(config: Path, port: int) -> None:
    """One line of log for each answer, and exit code 0 at SIGTERM (P19)."""
    with serving("--config", str(config), "--port", str(port)) as (process, hello, url):
        said = content(ask(f"{url}/v1/chat/completions", HI))
        process.send_signal(signal.SIGTERM)
        code, out, log = finish(process)

    assert str(config) in hello
    assert "/v1/chat/completions" in hello
    assert hello.endswith(f"The status page: {url}/\n")
    assert said == ABOUT.text
    assert (code, out) == (0, "")
    assert re.search(r"answer .*outcome='complete'", log)
    assert "Hi" not in log


def test_ctrl_c_is_an_end_too(config: Path, port: int) -> None:
    """130, as the other commands."""
    with serving("--config", str(config), "--port", str(port)) as (process, _, _):
        process.send_signal(signal.SIGINT)

        assert finish(process)[0] == 130


def test_a_second_signal_ends_it_at_once(tmp_path: Path, port: int) -> None:
    """P19: answers under way get an error frame and a true end, and the exit code is 0."""
    config = tmp_path / "slow.yaml"
    config.write_text(SIMULATED + "  options: {fault: stall}\n", "utf-8")
    with serving("--config", str(config), "--port", str(port)) as (process, _, _):
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
            body = json.dumps(HI).encode()
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            client.sendall(head.encode() + body)
            got = b""
            while b'"content":"I' not in got:
                got += client.recv(65_536)
            process.send_signal(signal.SIGTERM)
            _line(process, "draining")
            process.send_signal(signal.SIGTERM)
            while data := client.recv(65_536):
                got += data
        code = finish(process)[0]

    assert code == 0
    assert b'"code":"shutting_down"' in got
    assert got.endswith(b"0\r\n\r\n")


def test_sighup_reads_the_file_again(config: Path, port: int) -> None:
    """C12: all of it or nothing; it goes on with the old one where the new one is wrong."""
    with serving("--config", str(config), "--port", str(port)) as (process, _, url):
        assert process.stderr is not None
        config.write_text("inferense:\n  provider: simulator\n", "utf-8")
        process.send_signal(signal.SIGHUP)
        refused = _line(process, "reload")
        config.write_text(SIMULATED + "  default_model: other\n", "utf-8")
        process.send_signal(signal.SIGHUP)
        taken = _line(process, "reload")
        status = json.loads(ask(f"{url}/api/status"))

    assert "did you mean 'inference'" in refused or "inference" in refused
    assert "reloaded" in taken
    assert (status["generation"], status["failed_reloads"]) == (2, 1)


def _line(process: subprocess.Popen[bytes], event: str) -> str:
    """The next line of the log that tells of this."""
    assert process.stderr is not None
    return next(text for line in process.stderr if event in (text := line.decode()))


def test_without_a_configuration_it_says_what_it_found(port: int) -> None:
    """Local servers, or the simulator's model."""
    with serving("--port", str(port)) as (process, hello, url):
        models = json.loads(ask(f"{url}/v1/models"))["data"]
        process.send_signal(signal.SIGTERM)

        assert finish(process)[0] == 0
    assert models
    assert "simulat" in hello or "127.0.0.1" in hello


@pytest.mark.parametrize("option", ["--check", "--print-config", ""])
def test_a_bad_configuration_never_starts(option: str, tmp_path: Path) -> None:
    """P21: exit 2 before it listens, and all faults at once, with file, line and key."""
    file = tmp_path / "bad.yaml"
    file.write_text("inference:\n  provider: nobody\n  base_ur: http://x\nserver:\n  port: 70000\n", "utf-8")
    code, out, err = run("serve", "--config", str(file), *filter(None, [option]))

    assert (code, out) == (2, "")
    assert "bad.yaml:2" in err
    assert re.search(r"bad.yaml:3: .*base_url", err)
    assert "bad.yaml:5" in err


def test_check_says_that_it_is_right(config: Path) -> None:
    """And starts nothing."""
    assert run("serve", "--config", str(config), "--check")[0] == 0


def test_the_shown_configuration_has_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """P24: the name of the variable is all."""
    monkeypatch.setenv("CANARY_KEY", "sk-canary-0123456789")
    file = tmp_path / "gateway.yaml"
    file.write_text(SIMULATED + "server:\n  api_keys: [{name: me, env: CANARY_KEY}]\n", "utf-8")
    code, out, err = run("serve", "--config", str(file), "--print-config")

    assert code == 0
    assert "CANARY_KEY" in out
    assert "sk-canary" not in out + err


def test_a_port_that_is_taken_is_told(config: Path) -> None:
    """C11: exit 1, one line."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        code, _, err = run("serve", "--config", str(config), "--port", str(port))

    assert code == 1
    assert re.search(rf"cannot listen at 127\.0\.0\.1:{port}", err)


def test_an_address_for_others_needs_a_key(config: Path) -> None:
    """C10: unless it is told that none is wanted."""
    code, _, err = run("serve", "--config", str(config), "--host", "0.0.0.0", "--check")  # noqa: S104 - it is refused

    assert code == 2
    assert "allow_no_key" in err
