"""What every command has in common: names, exit codes, and errors as one line."""

import subprocess
import sys
from types import SimpleNamespace

import click
import pytest

from tests.cli.shell import run as run_command
from tokenweir.cli import app
from tokenweir.pipeline.errors import MisuseError, StageError


def end_with(monkeypatch: pytest.MonkeyPatch, fault: BaseException) -> int:
    """The exit code of a command that raises."""

    @click.command()
    def command() -> int:
        raise fault

    def find(_name: str) -> SimpleNamespace:
        return SimpleNamespace(demo=command)

    monkeypatch.setattr(app, "import_module", find)
    return app.run(["demo"])


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """The contract's names, the first to try first."""
    code = app.run(["--help"])

    listed = capsys.readouterr().out.partition("Commands:\n")[2]
    assert code == 0
    assert [line.split()[0] for line in listed.splitlines()] == [
        "demo",
        "chat",
        "decode",
        "models",
        "load",
        "doctor",
        "serve",
        "record",
        "replay",
        "simulate",
    ]


@pytest.mark.parametrize("name", app.COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each with `--help`, and it says what its exit codes or its options are."""
    code = app.run([name, "--help"])

    assert code == 0
    assert capsys.readouterr().out.startswith(f"Usage: tokenweir {name}")


@pytest.mark.parametrize("arguments", [["--help"], ["--port", "1"], []])
def test_a_command_that_lacks_an_extra_says_which(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`serve` needs more than the others; the list of commands has it all the same."""

    def missing(_name: str) -> None:
        """It is not installed."""

    monkeypatch.setattr(app, "find_spec", missing)

    assert app.run(["serve", *arguments]) == 2
    assert "pip install 'tokenweir[gateway]'" in capsys.readouterr().err
    assert app.run(["--help"]) == 0
    assert "serve" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["serve-nothing"], ["demo", "--no-such-option"]])
def test_wrong_use_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """No command, an unknown one, an unknown option: 2, and the usage on standard error."""
    code = app.run(arguments)

    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert said.err.startswith("Usage: tokenweir")


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (MisuseError("chat('x'):\n  give a y"), 2, "Error: chat('x'): give a y\n"),
        (StageError("stage s broke: \x1b[31m"), 1, "Error: stage s broke: \\x1b[31m\n"),
        (OSError(28, "No space left on device"), 1, "Error: [Errno 28] No space left on device\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_a_fault_is_one_line_and_a_code(
    fault: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """P28: no traceback, no second line, and nothing that steers the terminal."""
    ended = end_with(monkeypatch, fault)

    assert (ended, capsys.readouterr().err) == (code, said)


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody foresaw keeps its traceback."""
    with pytest.raises(ZeroDivisionError):
        end_with(monkeypatch, ZeroDivisionError())


def test_a_reader_that_leaves_ends_it_quietly() -> None:
    """D05: `| head` is no error of anybody's; what was buffered does not fail again at exit."""
    with subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.PIPE) as gone:
        gone.wait()
        code, _, err = run_command("decode", "--protocol", "sse", *[__file__] * 2000, stdout=gone.stdin)

    assert (code, err) == (app.READER_LEFT, "")


def test_a_command_imports_what_it_needs() -> None:
    """`decode` pays for no status line, no other command and no server."""
    program = (
        "import sys; from tokenweir.cli.app import run; run(['decode', '--help'])\n"
        "print({'rich.live', 'aiohttp.web', 'tokenweir.cli.chat', 'tokenweir.cli.demo'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout.splitlines()[-1] == "set()"
