"""`tokenweir chat`: the answer on standard output, everything else beside it, and honest exit codes."""

import io
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shell import backend, finish, start, watch
from tests.emulator import emulate, pseudo_terminal
from tokenweir.cli import app
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import ABOUT, FOUNDING, script_of

COLUMNS, LINES = 80, 20
SCREEN = {**os.environ, "TERM": "xterm", "COLUMNS": str(COLUMNS), "LINES": str(LINES)}


def ask(server: Simulator, *more: str, provider: str = "lmstudio") -> list[str]:
    """The arguments that ask a backend."""
    return ["chat", "--provider", provider, "--base-url", server.url, *more, "Who are you?"]


def chat(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """The command in this process: exit code, standard output and error."""
    code = app.run(list(arguments))
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_answer_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    """P4: in a pipe, standard output is the text, once, with a line end."""
    with backend(provider="lmstudio", script=FOUNDING, cumulative=True) as server:
        code, out, err = chat(capsys, *ask(server))

    assert (code, out, err) == (0, FOUNDING.text + "\n", "")


def test_figures_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    """`--stats` adds a line to standard error, and the answer stays clean."""
    with backend(script=FOUNDING, cumulative=True) as server:
        code, out, err = chat(capsys, *ask(server, "--stats"))

    assert (code, out) == (0, FOUNDING.text + "\n")
    assert err.startswith("Ctx: 12 tk | Gen: 52 tk | ")
    assert err.endswith("x\n")
    assert err.count("\n") == 1


def test_events_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """`--json`: one event a line, each with its type; a revision is an event, and `end` is the last."""
    with backend(provider="lmstudio", script=FOUNDING, cumulative=True) as server:
        code, out, err = chat(capsys, *ask(server, "--json"))

    events = [json.loads(line) for line in out.splitlines()]
    types = [event["type"] for event in events]
    assert (code, err) == (0, "")
    assert {"phase", "start", "delta", "revise", "usage", "finish"} <= set(types)
    assert (types.index("end"), events[-1]["outcome"]) == (len(types) - 1, "complete")


def test_the_options_reach_the_backend(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--model`, `--mode` and a prompt from standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Für ein Rohr?".encode()), "utf-8"))
    with backend(script=FOUNDING, cumulative=True, models=("one", "two")) as server:
        arguments = ask(server, "--model", "two", "--mode", "delta")
        code, out, _ = chat(capsys, *arguments[:-1], "-")
        body = server.log[0].body

    assert (code, body["model"]) == (0, "two")
    assert body["messages"] == [{"role": "user", "content": "Für ein Rohr?"}]
    assert out.startswith("II amI am an")


def test_a_prompt_that_is_no_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """2, and nothing is asked."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"caf\xe9"), "utf-8"))

    code, out, err = chat(capsys, "chat", "--provider", "simulator", "-")

    assert (code, out) == (2, "")
    assert "standard input is no text" in err


def test_colours_that_are_forced_draw_no_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A CI that forces colours has no terminal all the same: both outputs stay clean."""
    monkeypatch.setenv("FORCE_COLOR", "1")

    with backend(script=FOUNDING, load_seconds=0.3) as server:
        code, out, err = chat(capsys, *ask(server))

    assert (code, out, err) == (0, FOUNDING.text + "\n", "")


def test_a_key_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """P24: a variable's name is on the command line, never the key; and it is never shown."""
    monkeypatch.setenv("MY_KEY", "sk-canary")
    with backend(fault="status-404") as server:
        code, out, err = chat(capsys, *ask(server, "--api-key-env", "MY_KEY", "--stats"))
        nameless = chat(capsys, *ask(server, "--api-key-env", "NO_SUCH_KEY"))

    assert code == 1
    assert "canary" not in out + err
    assert nameless[0] == 2
    assert "--api-key-env NO_SUCH_KEY: there is no such environment variable" in nameless[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chat", "Hi"], "--provider is needed; it is one of anthropic, gemini, llamacpp,"),
        (["chat", "--provider", "lmstudi", "Hi"], "did you mean 'lmstudio'?"),
        (["chat", "--provider", "simulator", "--base-url", "http://h", "Hi"], "no switch 'base_url'"),
        (["chat", "--provider", "openai", "Hi"], "needs a model"),
        (["chat", "--provider", "lmstudio", "--base-url", "localhost", "Hi"], "give an address like http://"),
        (["chat", "--provider", "lmstudio"], "give a PROMPT, or - to read it from standard input"),
        (["chat", "--provider", "lmstudio", "--mode", "guess", "Hi"], "'guess' is not one of"),
    ],
)
def test_wrong_use_is_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The message has the right use; nothing was asked."""
    code, out, err = chat(capsys, *arguments)

    assert (code, out) == (2, "")
    assert said in " ".join(err.split())


@pytest.mark.parametrize(
    ("fault", "shown", "said"),
    [
        ("cut", 8, "truncated: "),
        ("no-end", 100, "truncated: "),
        ("error", 8, "The simulated backend failed in the middle of its answer."),
        ("status-404", 0, "model_not_found: HTTP 404: "),
        ("html", 0, "protocol: "),
    ],
)
def test_a_broken_answer_is_1(fault: str, shown: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """P1, P2: what came is shown, then one line says why it is not the whole answer, and what to do."""
    with backend(fault=fault) as server:
        code, out, err = chat(capsys, *ask(server))

    assert code == 1
    assert out.rstrip("\n") == "".join(ABOUT.tokens[:shown])
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    assert said in err


def test_figures_come_after_a_failure_too(capsys: pytest.CaptureFixture[str]) -> None:
    """A broken answer has its figures, estimated where the backend gave none."""
    with backend(fault="cut") as server:
        code, _, err = chat(capsys, *ask(server, "--stats"))

    failure, figures = err.splitlines()
    assert code == 1
    assert failure.startswith("Error: truncated")
    assert figures.startswith("Gen: ~")


def test_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    """One line, with the address and what to do."""
    with backend() as server:
        nowhere = ask(server)
    code, out, err = chat(capsys, *nowhere)

    assert (code, out) == (1, "")
    assert err.startswith("Error: connect: ")
    assert "--base-url" in err


def test_the_embedded_default(capsys: pytest.CaptureFixture[str]) -> None:
    """`simulator` needs nothing else."""
    code, out, err = chat(capsys, "chat", "--provider", "simulator", "Hello")

    assert (code, out, err) == (0, ABOUT.text + "\n", "")


def test_interrupted() -> None:
    """P10: Ctrl-C leaves the text so far, closes the upstream, and is 130 without a word."""
    with backend(rate=20.0) as server:
        process = start(*ask(server))
        assert process.stdout is not None
        first = os.read(process.stdout.fileno(), 100)
        process.send_signal(signal.SIGINT)
        code, rest, err = finish(process)

    text = first.decode() + rest
    assert (code, err) == (130, "")
    assert text.endswith("\n")
    assert ABOUT.text.startswith(text[:-1])
    assert server.log[0].outcome == "client_left"


def test_a_reader_that_leaves() -> None:
    """D05, P10: `| head` is quiet, and the upstream is closed at once."""
    with backend(rate=40.0) as server:
        process = start(*ask(server))
        assert process.stdout is not None
        os.read(process.stdout.fileno(), 100)
        process.stdout.close()
        process.stdout = None
        code, _, err = finish(process)

    assert (code, err) == (app.READER_LEFT, "")
    assert server.log[0].outcome == "client_left"


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """A terminal for the command: the end that shows, and the end that it writes to."""
    with pseudo_terminal(COLUMNS, LINES) as ends:
        yield ends


def seen_on(terminal: tuple[int, int], arguments: list[str], out: int | None = None) -> str:
    """All that the command writes to the terminal. Its standard output is there too, unless told."""
    shows, writes = terminal
    process = start(*arguments, stdout=writes if out is None else out, stderr=writes, env=SCREEN)
    return watch(process, shows)


def test_a_terminal_shows_the_state_and_then_the_answer(terminal: tuple[int, int]) -> None:
    """P28: a line says what is being waited for; it is gone before the text, which is revised exactly."""
    with backend(provider="lmstudio", script=FOUNDING, cumulative=True, load_seconds=0.7) as server:
        seen = seen_on(terminal, ask(server, "--stats"))

    state, answer = seen.split("I", 1)[0], emulate(seen, COLUMNS, LINES)
    assert "connecting" in state
    assert "tok/s" not in seen
    assert "".join(row.ljust(COLUMNS) for row in answer.rows[:-1]).rstrip() == FOUNDING.text
    assert answer.rows[-1].startswith("Ctx: 12 tk | Gen: 52 tk | ")
    assert not answer.cursor.hidden


def test_a_file_takes_the_answer_and_the_line_stays(terminal: tuple[int, int], tmp_path: Path) -> None:
    """The text goes elsewhere, so the line lives as long as the stream, and leaves nothing."""
    file = tmp_path / "answer.txt"
    with backend(rate=100.0) as server, file.open("wb") as out:
        seen = seen_on(terminal, ask(server), out.fileno())

    assert "writing" in seen
    assert emulate(seen, COLUMNS, LINES).rows == []
    assert file.read_text("utf-8") == ABOUT.text + "\n"


def test_a_pipe_may_lead_back_to_the_terminal(terminal: tuple[int, int]) -> None:
    """`| tee`: from the first text on nothing is drawn, since nobody knows where the text appears."""
    reads, writes = os.pipe()
    with backend(provider="lmstudio", rate=200.0, load_seconds=0.7) as server:
        seen = seen_on(terminal, ask(server), writes)
    os.close(writes)
    with os.fdopen(reads, "rb") as pipe:
        text = pipe.read().decode()

    assert "connecting" in seen
    assert "writing" not in seen
    assert emulate(seen, COLUMNS, LINES).rows == []
    assert text == ABOUT.text + "\n"


def test_json_on_a_terminal_is_json_alone(terminal: tuple[int, int]) -> None:
    """Its lines begin at once, so that there is no room for another."""
    with backend(script=script_of("Hi"), load_seconds=0.2) as server:
        seen = seen_on(terminal, ask(server, "--json"))

    assert {json.loads(line)["type"] for line in seen.splitlines()} >= {"phase", "delta", "end"}
    assert "\x1b" not in seen


def test_thinking_is_shown_as_a_state(terminal: tuple[int, int]) -> None:
    """Reasoning is no answer: the line says that it goes on, and the text comes alone."""
    with backend(reasoning="Hm. " * 20, script=script_of("Yes."), rate=60.0) as server:
        seen = seen_on(terminal, ask(server))

    assert "thinking" in seen
    assert emulate(seen, COLUMNS, LINES).rows == ["Yes."]


def test_a_model_cannot_steer_the_terminal(terminal: tuple[int, int]) -> None:
    """P28: neither its text nor its error message."""
    hostile = "\x1b]0;owned\x07\x1b[2J\x9b31m"
    with backend(script=script_of(hostile), fault="no-end") as server:
        seen = seen_on(terminal, ask(server))

    answer = emulate(seen, COLUMNS, LINES)
    assert answer.title == ""
    assert answer.rows[0] == "\\x1b]0;owned\\x07\\x1b[2J\\x9b31m"
    assert answer.rows[1].startswith("Error: truncated")
