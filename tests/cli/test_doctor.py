"""`tokenweir doctor`, as it is called; and the report in docs/doctor.md, taken again."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.shell import backend
from tokenweir import connect
from tokenweir.cli import app
from tokenweir.cli import doctor as command
from tokenweir.doctor.address import Address
from tokenweir.doctor.examine import REQUESTS
from tokenweir.doctor.ports import PORTS, Found
from tokenweir.doctor.questions import QUESTIONS
from tokenweir.doctor.signs import Server

DOC = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text("utf-8")
_TIMES = re.compile(r"\d+\.\d\d s|\d+\.\d tokens/s")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """The command's exit code and what it said."""
    code = app.run(["doctor", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def stable(report: str) -> str:
    """A report without its times."""
    return _TIMES.sub("#", report)


def test_the_report_in_the_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    """It is what the command prints, but for the times."""
    shown = re.search(r"```text\n(.*?)```", DOC, re.DOTALL)
    with backend(
        provider="lmstudio", cumulative=True, load_seconds=0.5, rate=500.0, fault="text-after-end"
    ) as server:
        code, out, _ = run(capsys, server.url)

    assert shown is not None
    assert stable(out) == stable(shown[1])
    assert code == app.COMPLETE


def test_the_documentation_counts_right() -> None:
    """Requests, tokens, and the ports that are named."""
    tokens = sorted({question.tokens for question in QUESTIONS.values()})

    assert f"At most {REQUESTS} requests" in DOC
    assert f"up to {tokens[0]}, {tokens[1]} or {tokens[2]} tokens each" in DOC
    assert f"({', '.join(map(str, PORTS[:5]))}, and others)" in DOC


def test_json_is_a_profile(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """One line, which connect takes as a file."""
    path = tmp_path / "profile.json"
    with backend(cumulative=True) as server:
        code, out, err = run(capsys, "--json", server.url)
    path.write_text(out, "utf-8")
    told = json.loads(out)

    assert (code, err, out.count("\n")) == (app.COMPLETE, "", 1)
    assert (told["profile"], told["version"], told["mode"]) == ("tokenweir", 1, "cumulative")
    assert connect(profile=path).mode == "cumulative"


def test_something_bad_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing there, or nothing said of which model, is 2."""
    with backend(fault="no-end") as server:
        bad, *_ = run(capsys, server.url)
    with backend(models=("a", "b")) as server:
        which, _, asks = run(capsys, server.url)
        chosen, *_ = run(capsys, server.url, "--model", "b")
    nobody, *_ = run(capsys, "http://127.0.0.1:1")

    assert (bad, which, chosen, nobody) == (app.INCOMPLETE, app.WRONG_USE, app.COMPLETE, app.WRONG_USE)
    assert "--model" in asks


@pytest.mark.parametrize(
    "arguments",
    [
        ("--yes",),
        ("--model", "m"),
        ("http://u:p@host",),
        ("http://host", "--api-key-env", "NO_SUCH_VARIABLE"),
    ],
)
def test_wrong_use(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Said in a line, before anything is asked."""
    code, out, err = run(capsys, *arguments)

    assert (code, out) == (app.WRONG_USE, "")
    assert "Error: " in err


@pytest.mark.parametrize(
    ("found", "code", "says"),
    [
        ([], app.WRONG_USE, ""),
        (["http://127.0.0.1:1234"], app.COMPLETE, "tokenweir doctor http://127.0.0.1:1234"),
    ],
)
def test_without_an_address(
    found: list[str],
    code: int,
    says: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is on this machine, and how to go on."""

    async def around() -> list[Found]:
        return [Found(Address(root, local=True), Server("LM Studio", "lmstudio")) for root in found]

    monkeypatch.setattr(command, "look_around", around)
    plain, out, _ = run(capsys)
    as_json, lines, _ = run(capsys, "--json")

    assert (plain, as_json) == (code, code)
    assert says in out
    assert [json.loads(line)["base_url"] for line in lines.splitlines()] == [f"{root}/v1" for root in found]
