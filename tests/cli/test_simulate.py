"""`tokenweir simulate`: a server that says where it is, behaves as told, and ends as asked."""

import json
import re
import shlex
import signal
import subprocess
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.shell import PATIENCE, finish, start
from tokenweir.cli import app
from tokenweir.simulator.quirks import FAULTS
from tokenweir.simulator.text import ABOUT


@contextmanager
def serving(*options: str) -> Generator[tuple[subprocess.Popen[bytes], str, str]]:
    """The command, listening: its process, its first line, and the command line that it suggests."""
    process = start("simulate", *options)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().decode(), process.stdout.readline().decode()
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)


def ask(suggested: str) -> str:
    """What the suggested `curl` command line would get."""
    _curl, _flags, url, _d, body = shlex.split(suggested)
    with urllib.request.urlopen(url, body.encode(), timeout=PATIENCE) as answer:  # noqa: S310 - our own loopback address
        return str(answer.read(), "utf-8")


def contents(stream: str) -> list[str]:
    """The text of each chunk."""
    chunks = [json.loads(line) for line in re.findall(r"^data: (\{.*)$", stream, re.MULTILINE)]
    texts = [choice["delta"].get("content") for chunk in chunks for choice in chunk["choices"]]
    return [text for text in texts if text]


def test_it_says_where_and_how_to_ask() -> None:
    """A free port by default; the suggested command gets the answer; each request is a line of log."""
    with serving("--rate", "10000") as (process, where, suggested):
        said = contents(ask(suggested))
        process.send_signal(signal.SIGINT)
        code, out, log = finish(process)

    assert re.fullmatch(r"lmstudio, simulated, at http://127\.0\.0\.1:\d+/v1 until Ctrl-C\. Try:\n", where)
    assert "".join(said) == ABOUT.text
    assert (code, out) == (130, "")
    assert re.search(r"simulator\.request .*outcome='finished'.* status=200", log)


def test_ollama_is_asked_in_its_own_way() -> None:
    """Its address has no `/v1`, and the suggested command asks its own API."""
    with serving("--provider", "ollama") as (_process, where, suggested):
        lines = [json.loads(line) for line in ask(suggested).splitlines()]

    assert re.fullmatch(r"ollama, simulated, at http://127\.0\.0\.1:\d+ until Ctrl-C\. Try:\n", where)
    assert "".join(line["message"]["content"] for line in lines) == ABOUT.text


def test_the_quirks_reach_it(tmp_path: Path) -> None:
    """Its options are the simulator's switches."""
    text = tmp_path / "says.txt"
    text.write_text("Één zin.", "utf-8")
    options = [
        "--provider",
        "openai",
        "--text",
        str(text),
        "--cumulative",
        "--load-seconds",
        "0.01",
        "--keep-alive",
        "1",
    ]
    with serving(*options, "--byte-split", "--fault", "no-done") as (_, _, suggested):
        stream = ask(suggested)

    assert contents(stream) == ["Één", "Één zin", "Één zin."]
    assert stream.startswith(": ")
    assert "[DONE]" not in stream


@pytest.mark.parametrize("provider", ["ollama", "anthropic"])
def test_who_must_name_a_model_names_one_of_them(provider: str) -> None:
    """Of several, any other name would be 404."""
    with serving("--provider", provider, "--model", "qwen3-8b", "--model", "gemma-3") as (_, _, suggested):
        said = ask(suggested)

    assert '"model": "qwen3-8b"' in suggested
    assert "qwen3-8b" in said


def test_its_models_have_names() -> None:
    """A client, or a gateway, is tried with names of one's own."""
    with serving("--model", "qwen3-8b", "--model", "gemma-3") as (_, where, suggested):
        address = where.partition(" at ")[2].partition(" ")[0]
        with urllib.request.urlopen(f"{address}/models", timeout=PATIENCE) as answer:  # noqa: S310 - our own loopback address
            listed = [model["id"] for model in json.load(answer)["data"]]
        said = contents(ask(suggested))

    assert listed == ["qwen3-8b", "gemma-3"]
    assert "".join(said) == ABOUT.text


def test_asked_to_end() -> None:
    """SIGTERM is what ends a service: 0, and no word of complaint."""
    with serving("--final-repeat") as (process, _, _):
        process.send_signal(signal.SIGTERM)
        code, out, err = finish(process)

    assert (code, out) == (0, "")
    assert "Error" not in err
    assert "Traceback" not in err


def test_a_port_that_is_taken() -> None:
    """2, and one line that names it."""
    with serving() as (_, where, _):
        port = where.partition("127.0.0.1:")[2].partition("/")[0]
        code, out, err = finish(start("simulate", "--port", port))

    assert (code, out) == (2, "")
    assert err.startswith(f"Error: --port {port}: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--fault", "stal"], "did you mean 'stall'?"),
        (["--fault", "status-503-loading"], "--fault 'status-503-loading' needs --load-seconds: that"),
        (["--model", ""], "Error: --model: at least one name, none of them empty or twice"),
        (["--model", "a", "--model", "a"], "Error: --model: at least one name, none of them empty or twice"),
        (["--provider", "acme"], "'acme' is not one of"),
        (["--rate", "0"], "--rate"),
        (["--load-seconds", "-1"], "--load-seconds"),
        (["--load-seconds", "nan"], "Error: --load-seconds nan: seconds, 0 or more"),
        (["--port", "70000"], "--port"),
        (["--text", "no-such-file"], "--text"),
    ],
)
def test_wrong_use_is_2(options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is served."""
    code = app.run(["simulate", *options])

    shown = capsys.readouterr()
    assert (code, shown.out) == (2, "")
    assert said in shown.err


def test_a_text_that_is_not_utf_8(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file is named."""
    text = tmp_path / "latin.txt"
    text.write_bytes(b"caf\xe9")

    code = app.run(["simulate", "--text", str(text)])

    assert code == 2
    assert f"--text {text}: it is not UTF-8" in capsys.readouterr().err


def test_help_lists_the_faults(capsys: pytest.CaptureFixture[str]) -> None:
    """Each by name, with what it does."""
    app.run(["simulate", "--help"])

    listed = " ".join(capsys.readouterr().out.split())
    assert [name for name, what in FAULTS.items() if f"{name} {what}" not in listed] == []
