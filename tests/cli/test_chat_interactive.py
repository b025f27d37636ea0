"""A conversation: turns that know each other, and keys that mean what they mean everywhere."""

import shlex
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shell import backend
from tests.cli.talker import CTRL_D, ENTER, UP, Talker, talker
from tokenweir.cli.chat_interactive import HELP, MARK
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import ABOUT, script_of

SHORT = script_of("Fine, thanks.")


@contextmanager
def talk(*more: str, **quirks: Any) -> Generator[tuple[Simulator, Talker]]:
    """A conversation with a simulated backend."""
    with backend(**{"script": SHORT, **quirks}) as server:
        arguments = ("chat", "--provider", "lmstudio", "--base-url", server.url, *more)
        with talker(*arguments) as user:
            yield server, user


def asked(server: Simulator, number: int) -> list[dict[str, Any]]:
    """The messages of one request."""
    messages: list[dict[str, Any]] = server.log[number].body["messages"]
    return messages


def test_a_turn_knows_those_before_it() -> None:
    """The whole conversation is sent, answers too; Ctrl-D ends it with 0."""
    with talk() as (server, user):
        user.say("How are you?", SHORT.text)
        user.say("Really?", SHORT.text)
        user.expect("> ")
        user.type(CTRL_D)
        code = user.leave()

    assert code == 0
    assert asked(server, 0) == [{"role": "user", "content": "How are you?"}]
    assert asked(server, 1) == [
        {"role": "user", "content": "How are you?"},
        {"role": "assistant", "content": SHORT.text},
        {"role": "user", "content": "Really?"},
    ]
    assert user.rows == [
        "lmstudio, local-model: /help lists commands, Ctrl-D leaves.",
        "> How are you?",
        SHORT.text,
        "> Really?",
        SHORT.text,
        ">",
    ]


def test_interrupting_stops_the_answer_alone() -> None:
    """P10, P11: Ctrl-C closes the upstream and gives the next prompt; what was said is kept, and marked."""
    with talk(script=ABOUT, rate=20.0) as (server, user):
        user.say("Who are you?", "I am the")
        user.interrupt()
        user.expect("(stopped)")
        user.say("Go on.", "I am the")
        user.interrupt()
        user.expect("(stopped)")
        user.say("/quit", "")
        code = user.leave()

    partial = asked(server, 1)[1]["content"]
    assert code == 0
    assert [exchange.outcome for exchange in server.log] == ["client_left", "client_left"]
    assert partial.endswith(MARK)
    assert ABOUT.text.startswith(partial.removesuffix(MARK))
    assert partial.startswith("I am the")


def test_interrupting_before_the_first_token() -> None:
    """D01: nothing was said, so that the question is not kept either; the status line leaves no trace."""
    with talk(load_seconds=30.0) as (server, user):
        user.say("Are you there?", "loading model")
        user.interrupt()
        user.expect("(stopped)")
        server.unload()
        user.say("/quit", "")
        code = user.leave()

    assert code == 0
    assert server.log[0].outcome == "client_left"
    assert not any("loading" in row for row in user.rows)


def test_interrupting_an_empty_prompt_twice_leaves() -> None:
    """The first Ctrl-C says how to leave, the second does, with 130; a line in between counts anew."""
    hint = "Ctrl-C again leaves"
    with talk() as (_, user):
        user.expect("> ")
        user.interrupt()
        user.expect(hint)
        user.say("Hello", SHORT.text)
        user.expect("> ")
        user.interrupt()
        user.expect(hint)
        user.expect("> ")
        user.interrupt()
        code = user.leave()

    assert code == 130


def test_interrupting_a_line_drops_it() -> None:
    """Ctrl-C on a line with text, or on a line that goes on, is no step towards the exit."""
    with talk() as (server, user):
        user.expect("> ")
        user.type("never mi")
        user.expect("mi")
        user.interrupt()
        user.say("one \\", "... ")
        user.interrupt()
        user.say("Hello", SHORT.text)
        user.expect("> ")
        user.type(CTRL_D)
        code = user.leave()

    assert code == 0
    assert "again" not in user.seen
    assert asked(server, 0) == [{"role": "user", "content": "Hello"}]


def test_a_backslash_goes_on_with_the_next_line() -> None:
    """One message of several lines."""
    with talk() as (server, user):
        user.say("one \\", "... ")
        user.type("two" + ENTER)
        user.expect(SHORT.text)
        user.say("/quit", "")
        user.leave()

    assert asked(server, 0) == [{"role": "user", "content": "one \ntwo"}]


def test_commands() -> None:
    """/help lists them, /clear forgets, another name is answered; a path is no command."""
    with talk() as (server, user):
        user.say("/help", HELP.splitlines()[-1])
        user.say("/claer", "did you mean '/clear'?")
        user.say("Hello", SHORT.text)
        user.say("/clear", "forgotten")
        user.say("/etc/hosts is what?", SHORT.text)
        user.say("   ", "> ")
        user.type("/quit" + ENTER)
        code = user.leave()

    assert code == 0
    assert [len(exchange.body["messages"]) for exchange in server.log] == [1, 1]
    assert asked(server, 1)[0]["content"] == "/etc/hosts is what?"


def test_a_fault_is_one_line_and_the_loop_goes_on() -> None:
    """P1: a backend that breaks off or is gone ends no conversation."""
    with talk("--stats", fault="cut", script=ABOUT) as (server, user):
        user.say("Who are you?", "Error: truncated")
        user.expect("Gen: ~")
        user.say("And now?", "Error: truncated")
        user.say("/quit", "")
        code = user.leave()
    with talker("chat", "--provider", "lmstudio", "--base-url", server.url) as lonely:
        lonely.say("Hello?", "Error: connect: ")
        lonely.say("/quit", "")
        left = lonely.leave()

    assert (code, left) == (0, 0)
    assert asked(server, 1)[1]["content"].endswith(MARK)


def test_history_lives_in_memory(tmp_path: Path) -> None:
    """P24: the arrow key brings a line back; no file is written."""
    with backend(script=SHORT) as server:
        arguments = ("chat", "--provider", "lmstudio", "--base-url", server.url)
        with talker(*arguments, env={"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}) as user:
            user.say("my secret", SHORT.text)
            user.expect("> ")
            user.type(UP)
            user.expect("my secret")
            user.type(ENTER)
            user.expect(SHORT.text)
            user.say("/quit", "")
            user.leave()

    assert asked(server, 1)[-1] == {"role": "user", "content": "my secret"}
    assert list(tmp_path.iterdir()) == []


def test_answers_in_a_file_are_answers_alone(tmp_path: Path) -> None:
    """Standard output is the answers'; prompts are on the terminal all the same."""
    file = tmp_path / "answers.txt"
    with backend(script=SHORT, cumulative=True) as server, file.open("wb") as out:
        arguments = ("chat", "--provider", "lmstudio", "--base-url", server.url)
        with talker(*arguments, stdout=out.fileno()) as user:
            user.say("Hello", "> ")
            user.interrupt()
            user.expect("again")
            user.expect("> ")
            user.type("Again" + ENTER)
            user.expect("> ")
            user.type(CTRL_D)
            code = user.leave()

    assert code == 0
    assert file.read_text("utf-8") == f"{SHORT.text}\n{SHORT.text}\n"


def test_each_answer_has_sinks_of_its_own(tmp_path: Path) -> None:
    """A sink sees one stream: one file gets both, one after the other."""
    file = tmp_path / "events.jsonl"
    with talk("--sink", f"jsonl:path={file}", "--stage", "take:characters=4") as (_, user):
        user.say("Hello", "Fine")
        user.say("Again", "Fine")
        user.say("/quit", "")
        code = user.leave()

    assert code == 0
    assert file.read_text("utf-8").count('"type":"end"') == 2
    assert SHORT.text not in user.seen


@pytest.mark.parametrize("shown", [True, False])
def test_what_is_no_text_is_answered(shown: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a case of the table
    """A key that is no text ends nothing, with a line editor and without."""
    locale = {"LC_ALL": "C", "PYTHONIOENCODING": "utf-8:strict"}
    with backend(script=SHORT) as server, (tmp_path / "out").open("wb") as out:
        arguments = ("chat", "--provider", "lmstudio", "--base-url", server.url)
        with talker(*arguments, stdout=None if shown else out.fileno(), env=locale) as user:
            user.expect("> ")
            user.press(b"caf\xe9\r")
            user.expect("Error: ")
            user.say("Hello", "> ")
            user.type("/quit" + ENTER)
            code = user.leave()

    assert code == 0
    assert [asked(server, number) for number in range(len(server.log))] == [
        [{"role": "user", "content": "Hello"}]
    ]


@pytest.mark.parametrize("wrong", ["--stage sse_decode", "--stage no_such", "--sink jsonl:path=x,keep=0"])
def test_wrong_parts_are_told_before_the_first_prompt(wrong: str) -> None:
    """2, as without a conversation."""
    with talk(*shlex.split(wrong)) as (_, user):
        code = user.leave()

    assert code == 2
    assert "> " not in user.seen
