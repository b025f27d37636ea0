"""`tokenweir record`: the answer on standard output, and all that was sent in a file."""

import gzip
import json
import os
import signal
import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.cli.shell import COMMAND, backend, finish, start
from tokenweir.cli import app
from tokenweir.pipeline.recording import Recording, read_recording
from tokenweir.simulator.text import ABOUT

KEY = "sk-canary-cli-0123456789"


def read(path: Path) -> Recording:
    """The recording in a file."""
    return read_recording(path.read_bytes(), str(path))


def test_the_answer_and_its_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """DESIGN 8: shown as `chat` shows it, and kept byte by byte."""
    path = tmp_path / "a.rec"
    with backend(provider="lmstudio", byte_split=True) as server:
        code = app.run(
            ["record", "--provider", "lmstudio", "--base-url", server.url, "-o", str(path), "Who are you?"]
        )

    said = capsys.readouterr()
    [exchange] = read(path).exchanges
    assert (code, said.out, said.err) == (0, ABOUT.text + "\n", "")
    assert sum(len(piece.data) for piece in exchange.pieces) == server.log[0].bytes_written
    assert "Who are you" not in path.read_text("utf-8")


def test_the_key_is_not_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """P24: not even where the request, which holds the prompt, is kept."""
    path = tmp_path / "a.rec"
    monkeypatch.setenv("CANARY", KEY)
    with backend() as server:
        where = ["--provider", "openai-compatible", "--base-url", server.url, "--api-key-env", "CANARY"]
        code = app.run(["record", *where, "--request", "--json", "--output", str(path), f"Is it {KEY}?"])

    assert code == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["type"] == "end"
    assert "canary" not in path.read_text("utf-8")
    assert read(path).exchanges[0].body["messages"][0]["content"] == f"Is it {'*' * len(KEY)}?"


class _Packed(BaseHTTPRequestHandler):
    """A backend that compresses though nobody asked for it."""

    def do_POST(self) -> None:
        body = gzip.compress(f"no such key: {KEY}".encode())
        self.send_response(401)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has there
        """Nothing on standard error."""


def test_a_body_that_is_hidden(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """P24: what cannot be looked into is not kept, and the user hears of it."""
    path = tmp_path / "a.rec"
    with HTTPServer(("127.0.0.1", 0), _Packed) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        where = ["--provider", "openai-compatible", "--base-url", f"http://127.0.0.1:{server.server_port}"]
        code = app.run(["record", *where, "-o", str(path), "Hi"])
        thread.join()

    assert code == 1
    assert set(read(path).exchanges[0].pieces[0].data) == {ord("*")}
    assert "compressed body: asterisks stand in its place" in capsys.readouterr().err


def test_a_broken_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1, and a recording that is broken in the same way."""
    path = tmp_path / "a.rec"
    with backend(fault="cut") as server:
        where = ["--provider", "openai-compatible", "--base-url", server.url]
        code = app.run(["record", *where, "-o", str(path), "Hi"])
    live = capsys.readouterr()
    again = app.run(["replay", "--speed", "0", str(path)])

    assert (code, again) == (1, 1)
    assert capsys.readouterr() == live
    assert "truncated" in live.err


def test_interrupted(tmp_path: Path) -> None:
    """130 at Ctrl-C, and a recording of what was so far."""
    path = tmp_path / "a.rec"
    with backend(fault="stall") as server:
        where = ["--provider", "openai-compatible", "--base-url", server.url]
        process = start("record", *where, "--json", "-o", str(path), "Hi")
        assert process.stdout is not None
        assert any(b'"delta"' in line for line in iter(process.stdout.readline, b""))
        process.send_signal(signal.SIGINT)
        code, _, err = finish(process)

    [exchange] = read(path).exchanges
    assert (code, err, exchange.ended) == (130, "", "left")
    assert exchange.pieces


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--provider", "simulator", "Hi"], "Missing option '-o'"),
        (["--provider", "simulator", "-o", "x.rec"], "Missing argument 'PROMPT'"),
        (["-o", "x.rec", "Hi"], "--provider is needed"),
        (["--provider", "acme", "-o", "x.rec", "Hi"], "acme"),
        (["--provider", "simulator", "-o", ".", "Hi"], "is a directory"),
    ],
)
def test_wrong_use_is_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Nothing is asked, and no file is made."""
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        code = app.run(["record", *arguments])
    finally:
        os.chdir(before)

    shown = capsys.readouterr()
    assert (code, shown.out) == (2, "")
    assert said in " ".join(shown.err.split())
    assert list(tmp_path.iterdir()) == []


def test_where_it_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1, and one line that names the file."""
    code = app.run(["record", "--provider", "simulator", "-o", str(tmp_path / "no" / "a.rec"), "Hi"])

    shown = capsys.readouterr()
    assert (code, shown.out) == (1, "")
    assert shown.err.startswith("Error: [Errno 2] No such file or directory: ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk(capsys: pytest.CaptureFixture[str]) -> None:
    """P5: the whole answer, one line of complaint, and 1."""
    code = app.run(["record", "--provider", "simulator", "-o", "/dev/full", "Hi"])

    shown = capsys.readouterr()
    assert (code, shown.out) == (1, ABOUT.text + "\n")
    assert shown.err == "Error: [Errno 28] No space left on device\n"


def test_a_prompt_from_standard_input(tmp_path: Path) -> None:
    """`-`, as for `chat`."""
    path = tmp_path / "a.rec"
    command = ["record", "--provider", "simulator", "--request", "-o", str(path), "-"]
    process = subprocess.run([*COMMAND, *command], input=b"Hello?", capture_output=True, check=True)

    assert process.stdout.decode() == ABOUT.text + "\n"
    assert read(path).exchanges[0].body["messages"][0]["content"] == "Hello?"
