"""`tokenweir replay`: on the terminal and as a server, as recorded or broken as asked."""

import json
import re
import shlex
import signal
import subprocess
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import openai
import pytest

from tests.cli.shell import PATIENCE, finish, start
from tests.transcripts import HELLO, text
from tokenweir.cli import app
from tokenweir.simulator.text import ABOUT


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording, made by the command itself."""
    path = tmp_path_factory.mktemp("recordings") / "a.rec"
    assert app.run(["record", "--provider", "simulator", "-o", str(path), "Hi"]) == 0
    return path


@contextmanager
def serving(*arguments: str) -> Generator[tuple[subprocess.Popen[bytes], str, str]]:
    """The command, listening: its process, its first line, and the command line that it suggests."""
    process = start("replay", *arguments)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().decode(), process.stdout.readline().decode()
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)


def ask(suggested: str) -> bytes:
    """What the suggested `curl` command line would get."""
    _curl, _flags, url, _d, body = shlex.split(suggested)
    with urllib.request.urlopen(url, body.encode(), timeout=PATIENCE) as answer:  # noqa: S310 - our own loopback address
        return bytes(answer.read())


def replay(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """The command in this process, without waiting: exit code, standard output and error."""
    code = app.run(["replay", "--speed", "0", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_on_the_terminal(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """DESIGN 8: the answer, as `chat` shows it."""
    assert replay(capsys, recording) == (0, ABOUT.text + "\n", "")


def test_as_events(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--json`: one event a line; whatever the pieces."""
    _, recorded, _ = replay(capsys, "--json", recording)
    code, bytewise, _ = replay(capsys, "--json", "--split", "1", recording)
    events = [[json.loads(line) for line in out.splitlines()] for out in (recorded, bytewise)]

    assert code == 0
    assert events[0][-1]["outcome"] == "complete"
    assert events[0][:-1] == events[1][:-1]


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--cut", "3000"], 1, "Error: truncated: the replay was cut after 3000 bytes"),
        (["--error-frame"], 1, "Error: upstream: The replayed backend failed"),
        (["--error-frame", "--drop-done"], 1, "Error: upstream: The replayed backend failed"),
        (["--drop-done"], 0, ""),
        (["--split", "recorded", "--speed", "inf"], 0, ""),
    ],
)
def test_faults(
    options: list[str], code: int, said: str, recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """P2: what came before it is shown, and the exit code is honest."""
    ended, out, err = replay(capsys, *options, recording)

    assert ended == code
    assert err.startswith(said)
    assert ABOUT.text.startswith(out.rstrip("\n"))
    assert bool(code) == (out.rstrip("\n") != ABOUT.text)


def test_a_stall_can_be_left(recording: Path) -> None:
    """`--stall-after`: silence until Ctrl-C."""
    process = start("replay", "--speed", "0", "--json", "--stall-after", "3000", str(recording))
    assert process.stdout is not None
    assert any(b'"delta"' in line for line in iter(process.stdout.readline, b""))
    process.send_signal(signal.SIGINT)

    assert finish(process)[0] == app.INTERRUPTED


def test_bare_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was kept with curl can be played too: the protocol is recognised."""
    path = tmp_path / "a.wire"
    path.write_bytes(b'{"model":"m","message":{"role":"assistant","content":"Hi"},"done":false}\n')
    code, out, _ = replay(capsys, path)
    path.write_bytes(HELLO)

    assert (code, out) == (1, "Hi\n")
    assert replay(capsys, path) == (0, "Hello\n", "")


def test_as_a_server(recording: Path) -> None:
    """DESIGN 8: it says where, the suggested command gets the bytes, each request is a line of log."""
    with serving("--port", "0", "--speed", "0", str(recording)) as (process, where, suggested):
        first, second = ask(suggested), ask(suggested)
        process.send_signal(signal.SIGINT)
        code, out, log = finish(process)

    assert re.fullmatch(r"a recording of openai-chat at http://127\.0\.0\.1:\d+ until Ctrl-C\. Try:\n", where)
    assert first == second
    assert first.endswith(b"data: [DONE]\n\n")
    assert (code, out) == (130, "")
    assert len(re.findall(r"replay\.request .*path='/v1/chat/completions' status=200 stayed=True", log)) == 2


def test_openai_python_asks_it(recording: Path) -> None:
    """PROTOCOLS 10: the official client, against the command, with the options of the terminal."""
    with serving("--port", "0", "--speed", "0", "--split", "5", str(recording)) as (_, where, _):
        address = where.partition(" at ")[2].partition(" ")[0]
        with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client:
            stream = client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": "Hi"}], stream=True
            )
            said = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]

    assert "".join(said) == ABOUT.text


def test_asked_to_end(recording: Path) -> None:
    """SIGTERM: 0."""
    with serving("--port", "0", str(recording)) as (process, _, _):
        process.send_signal(signal.SIGTERM)

        assert finish(process)[:2] == (0, "")


def test_a_port_that_is_taken(recording: Path) -> None:
    """2, and one line that names it."""
    with serving("--port", "0", str(recording)) as (_, where, _):
        port = re.findall(r":(\d+) ", where)[0]
        code, out, err = finish(start("replay", "--port", port, str(recording)))

    assert (code, out) == (2, "")
    assert err.startswith(f"Error: --port {port}: ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--speed", "-1"], "speed=-1.0"),
        (["--speed", "nan"], "speed=nan"),
        (["--speed", "fast"], "--speed"),
        (["--split", "0"], "'0': 'recorded', or bytes at a time"),
        (["--split", "some"], "'some': 'recorded', or bytes at a time"),
        (["--cut", "-1"], "--cut"),
        (["--cut", "1", "--stall-after", "1"], "give one of them"),
        (["--cut", "100000000"], "cut=100000000: the answer has"),
        (["--port", "0", "--json"], "--json is for the terminal"),
        (["--port", "70000"], "--port"),
    ],
)
def test_wrong_use_is_2(
    options: list[str], said: str, recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is played."""
    code = app.run(["replay", *options, str(recording)])

    shown = capsys.readouterr()
    assert (code, shown.out) == (2, "")
    assert said in shown.err


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is no recording, and no protocol is recognised in it"),
        (b"\x89PNG\r\n\x1a\n\x00", "is no recording, and no protocol is recognised in it"),
        (b'{"recording":"tokenweir","version":7}\n', "is a recording of version 7"),
        (b'{"recording":"tokenweir","version":1,"provider":"p"}\n', "line 1: the recording is damaged"),
        (
            b'{"recording":"tokenweir","version":1,"provider":"p","protocol":"openai-chat"}\n',
            "nothing was asked",
        ),
        (
            b'{"recording":"tokenweir","version":1,"provider":"p","protocol":"openai-chat"}\nboom\n',
            "line 2: the recording is damaged",
        ),
    ],
    ids=["empty", "foreign", "later", "half", "unused", "damaged"],
)
def test_files_that_are_no_recordings(
    data: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """C01: 2, and what is wrong, in one line."""
    path = tmp_path / "a.rec"
    path.write_bytes(data)
    code, out, err = replay(capsys, path)

    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_a_recording_that_was_cut_off(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A recorder that was killed leaves a recording of what was so far."""
    path = tmp_path / "a.rec"
    path.write_bytes(recording.read_bytes()[:-200])

    code, _, err = replay(capsys, path)

    assert code == 1
    assert err.startswith("Error: truncated: ")
    assert text("Hel") not in path.read_bytes()
