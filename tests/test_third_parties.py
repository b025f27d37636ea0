"""docs/third-parties.md: its distribution, made of its own blocks, installed, and used by name."""

import os
import re
import runpy
import sys
import tomllib
from pathlib import Path

import anyio
import pytest

from tests.cli.shell import backend, run
from tests.distributions import install
from tokenweir import Delta, Phase, Revise
from tokenweir.simulator.text import script_of

DOC = (Path(__file__).parent.parent / "docs" / "third-parties.md").read_text("utf-8")
MODULES = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", DOC, re.DOTALL))
PROJECT = tomllib.loads(re.findall(r"```toml\n(.*?)```", DOC, re.DOTALL)[0])["project"]
ANSWER = script_of("\u201cWell\u201d \u2013 that\u2019s it.")
PLAIN = '"Well" - that\'s it.'
LINES = 25


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the document's distribution is installed in."""
    install(tmp_path, PROJECT["name"], PROJECT["entry-points"], MODULES, PROJECT["version"])
    monkeypatch.syspath_prepend(tmp_path)  # pyright: ignore[reportUnknownMemberType] - pytest's own annotation
    for name in [name for name in sys.modules if name.startswith("tokenweir_acme")]:
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


def code_lines(text: str) -> int:
    """Lines of code: without docstrings, imports and blanks."""
    kept = re.sub(r'""".*?"""', "", text, flags=re.DOTALL)
    return sum(1 for line in kept.splitlines() if line.strip() and not re.match(r"(from|import) ", line))


@pytest.mark.parametrize("path", [path for path in MODULES if path.startswith("tokenweir_acme")])
def test_a_template_is_short(path: str) -> None:
    """About twenty lines each: a third party reads it in a minute."""
    assert code_lines(MODULES[path]) <= LINES


def test_every_group_has_its_template() -> None:
    """One source, one stage, one sink, each in its own file."""
    assert set(PROJECT["entry-points"]) == {"tokenweir.sources", "tokenweir.stages", "tokenweir.sinks"}
    assert len(MODULES) == 4


def test_from_python(installed: Path) -> None:
    """`connect` finds the source by its name; it asks in its own way, and reads resends."""
    with backend(script=ANSWER, cumulative=True, models=("acme-2", "other")) as server:
        text = anyio.run(runpy.run_path(str(installed / "use.py"))["main"], server.url)

    body = server.log[0].body
    assert text == PLAIN
    assert (body["model"], body["priority"]) == ("acme-2", "interactive")


def test_from_the_command_line(installed: Path) -> None:
    """The document's own command, with an address and a file of the test's."""
    command = re.findall(r"\$ tokenweir (chat .*)", DOC)[0]
    file = installed / "answers.txt"
    arguments = command.replace("answers.txt", str(file)).replace('"', "").split(maxsplit=7)
    with backend(script=ANSWER, cumulative=True) as server:
        where = ["--base-url", server.url]
        code, out, err = run(*arguments, *where, env={**os.environ, "PYTHONPATH": str(installed)})

    assert (code, out, err) == (0, PLAIN.replace("-", "~") + "\n", "")
    assert re.fullmatch(rf"complete \d\.\d s {len(PLAIN)}\n", file.read_text("utf-8"))
    assert server.log[0].body["messages"] == [{"role": "user", "content": "Who are you?"}]


def test_its_options_are_checked(installed: Path) -> None:
    """What its functions refuse, or do not have, is 2."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    asked = ("chat", "--provider", "simulator", "Hi")
    long = run(*asked, "--stage", "plain:dash=--", env=environment)
    wrong = run(*asked, "--sink", "tally:pth=x", env=environment)

    assert (long[0], wrong[0]) == (2, 2)
    assert "--stage plain:dash=--: ValueError: dash='--': one character" in long[2]
    assert "tally has no option 'pth'; did you mean 'path'? There are: path (path)" in wrong[2]


def test_the_stage_keeps_the_law(installed: Path) -> None:
    """What it does not know passes, and a revision is put right too."""
    core = runpy.run_path(str(installed / "tokenweir_acme" / "stage.py"))["plain"]().core()

    out = (
        core.feed([Delta("\u201ca\u2013"), Phase("loading")])
        + core.feed([Revise(2, "\u201d")])
        + core.finish()
    )

    assert out == [Delta('"a-'), Phase("loading"), Revise(2, '"')]
