"""A conversation on a terminal: lines in, answers out, until the user leaves.

Law of this file: the turns, and what Ctrl-C and Ctrl-D mean between and during them. Prompts are
private: the history of lines lives in memory, and nothing is written to any file.

Each answer runs on an event loop of its own: while a line is typed nothing runs, and Ctrl-C during an
answer cancels that loop alone.
"""

import re
import sys
from contextlib import suppress
from types import ModuleType

import anyio
import click

from tokenweir.cli.app import COMPLETE, INTERRUPTED
from tokenweir.cli.ask import Ways, ask
from tokenweir.cli.worded import here
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.errors import SinkError, TokenweirError
from tokenweir.pipeline.plugins import no_such
from tokenweir.pipeline.request import Message
from tokenweir.pipeline.visible import visible

readline: ModuleType | None = None
with suppress(ImportError):  # where Python was built without it, there is no history
    import readline  # input() uses it once it is imported

PROMPT, MORE = "> ", "... "
MARK = " [interrupted]"
"""Stands, for the model too, behind an answer that is not whole."""

HELP = """\
/clear  forget the conversation
/help   show this list
/quit   leave, as Ctrl-D does
A backslash at the end of a line goes on with the next one. Ctrl-C stops an answer."""

_COMMAND = re.compile(r"/[a-z]+")
_COMMANDS = ("/clear", "/help", "/quit")


def converse(ways: Ways) -> int:
    """Take turns until the user leaves; the exit code. Raises MisuseError for parts that do not fit."""
    return _Conversation(ways).run()


class _Conversation:
    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self._pipeline = ways.pipeline()
        self._messages: list[Message] = []
        self._warned = False

    def run(self) -> int:
        model = "" if self._ways.source.model is None else f", {self._ways.source.model}"
        _say(f"{self._ways.source.provider}{model}: /help lists commands, Ctrl-D leaves.")
        code: int | None = None
        while code is None:
            try:
                code = self._take(_read())
            except EOFError:
                _new_row()
                code = COMPLETE
            except UnicodeDecodeError as bad:
                _say(f"Error: this is no text: {bad}")
            except KeyboardInterrupt:
                code = self._interrupted()
        return code

    def _take(self, text: str) -> int | None:
        """One message or command; the exit code where it is the last."""
        self._warned = False
        if text == "/quit":
            return COMPLETE
        if text == "/help":
            _say(HELP)
        elif text == "/clear":
            self._messages.clear()
            _say("The conversation is forgotten.")
        elif _COMMAND.fullmatch(text):
            _say(no_such("command", text, _COMMANDS))
        elif text:
            self._turn({"role": "user", "content": text})
        return None

    def _turn(self, question: Message) -> None:
        sinks, answer = self._ways.made_sinks(), Assembly()
        try:
            anyio.run(ask, self._ways, self._pipeline, [*self._messages, question], sinks, answer)
        except KeyboardInterrupt:
            _say("(stopped)")
        except SinkError:
            raise  # the answer's output: there is nobody to go on for
        except TokenweirError as failed:
            _say(f"Error: {here(' '.join(str(failed).split()))}")
        self._remember(question, answer)

    def _remember(self, question: Message, answer: Assembly) -> None:
        """What was said. A question without an answer is dropped: models expect turns to alternate."""
        said = answer.text()
        if said:
            whole = answer.end is not None and answer.end.outcome == "complete"
            content = said if whole else said + MARK
            self._messages += [question, {"role": "assistant", "content": content}]

    def _interrupted(self) -> int | None:
        """Ctrl-C while a line is typed drops it; at the empty prompt, the second one leaves."""
        _new_row()
        if readline is not None and readline.get_line_buffer():
            self._warned = False
            return None
        if self._warned:
            return INTERRUPTED
        self._warned = True
        _say("Ctrl-C again leaves, as Ctrl-D does.")
        return None


def _read() -> str:
    """One message, of as many lines as end in a backslash and one more."""
    text = _line(PROMPT)
    while text.endswith("\\"):
        try:
            text = f"{text[:-1]}\n{_line(MORE)}"
        except KeyboardInterrupt:
            _new_row()
            return ""
    return text.strip()


def _line(prompt: str) -> str:
    """One line. The prompt is no part of the answer: where that goes elsewhere, it is on standard error."""
    if sys.stdout.isatty():
        return input(prompt)
    click.echo(prompt, nl=False, err=True)
    return input()


def _new_row() -> None:
    """Leave the row of the prompt."""
    click.echo(err=not sys.stdout.isatty())


def _say(text: str) -> None:
    click.echo(visible(text), err=True)
