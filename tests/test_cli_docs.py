"""docs/cli.md: its examples are run, and it leaves out no command and no option."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.cli.shell import PATIENCE, start
from tests.cli.talker import ENTER, talker
from tokenweir.cli import app

DOC = (Path(__file__).parent.parent / "docs" / "cli.md").read_text("utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", DOC, re.DOTALL)
TALKS = [block for block in BLOCKS if "\n> " in block]
SERVERS = [block for block in BLOCKS if block.startswith("$ tokenweir simulate")]
SCRIPTS = [block for block in BLOCKS if block not in TALKS + SERVERS]


def pattern(shown: str) -> re.Pattern[str]:
    """What an example shows, with `...` for anything."""
    return re.compile(re.escape(shown).replace(re.escape("..."), ".*?"), re.DOTALL)


def steps(block: str) -> list[tuple[str, str]]:
    """Each command of a block, and what is shown below it."""
    return [
        (lines.partition("\n")[0], lines.partition("\n")[2])
        for lines in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    ]


@pytest.fixture
def shell(tmp_path: Path) -> list[str]:
    """A shell in which `tokenweir` is the command of this checkout."""
    file = tmp_path / "tokenweir"
    file.write_text(f'#!/bin/sh\nexec {sys.executable} -W error -m tokenweir "$@"\n', "utf-8")
    file.chmod(0o755)
    return ["env", f"PATH={tmp_path}:/usr/bin:/bin", "sh", "-c"]


@pytest.mark.parametrize("block", SCRIPTS, ids=range(len(SCRIPTS)))
def test_an_example_shows_what_it_says(block: str, shell: list[str], tmp_path: Path) -> None:
    """Each command, in one folder, one after the other; what both outputs show, in order."""
    for command, shown in steps(block):
        ran = subprocess.run(
            [*shell, f"{{ {command}\n}} 2>&1"],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

        assert pattern(shown).fullmatch(ran.stdout), f"$ {command}\n{ran.stdout}"


@pytest.mark.parametrize("block", TALKS, ids=range(len(TALKS)))
def test_a_conversation_goes_as_shown(block: str) -> None:
    """What stands behind `> ` is typed; the terminal then shows the whole block."""
    [(command, shown)] = steps(block)
    with talker(*command.split()[1:]) as user:
        for line in re.findall(r"^> (.*)$", shown, re.MULTILINE):
            user.expect("> ")
            user.type(line + ENTER)
        code = user.leave()

    assert code == 0
    assert user.rows == shown.splitlines()


@pytest.mark.parametrize("block", SERVERS, ids=range(len(SERVERS)))
def test_a_server_says_where_it_is(block: str) -> None:
    """Until Ctrl-C."""
    [(command, shown)] = steps(block)
    process = start(*command.split()[1:])
    assert process.stdout is not None
    lines = "".join(process.stdout.readline().decode() for _ in shown.splitlines())
    process.send_signal(signal.SIGINT)
    code = process.wait(PATIENCE)
    process.communicate()

    assert code == app.INTERRUPTED
    assert pattern(shown).fullmatch(lines)


@pytest.mark.parametrize("name", app.COMMANDS)
def test_every_command_and_option_has_its_line(name: str) -> None:
    """A section for each command, and a row for each of its options."""
    section = re.search(rf"^## tokenweir {name}\n(.*?)(?=^## |\Z)", DOC, re.MULTILINE | re.DOTALL)
    command = app.tokenweir.get_command(click.Context(app.tokenweir), name)

    assert section, f"docs/cli.md has no section about {name}"
    assert command is not None
    options = [param.opts[0] for param in command.params if isinstance(param, click.Option)]
    assert [option for option in options if f"| `{option}" not in section[1]] == []


@pytest.mark.parametrize("name", app.COMMANDS)
def test_every_choice_stands_in_its_line(name: str) -> None:
    """An option that takes one of a few words has them all in its row."""
    section = re.search(rf"^## tokenweir {name}\n(.*?)(?=^## |\Z)", DOC, re.MULTILINE | re.DOTALL)
    command = app.tokenweir.get_command(click.Context(app.tokenweir), name)

    assert section, f"docs/cli.md has no section about {name}"
    assert command is not None
    rows = {row.split()[1].strip("`"): row for row in re.findall(r"^\| `--.*$", section[1], re.MULTILINE)}
    choices = [
        (param.opts[0], word) for param in command.params for word in getattr(param.type, "choices", ())
    ]
    assert [(option, word) for option, word in choices if word not in rows[option]] == []
