"""`tokenweir decode`, as it is called: files in, one line of JSON each out."""

import base64
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shell import run as run_command
from tokenweir.cli import app
from tokenweir.stages.decode_protocol import PROTOCOLS

TRACES = Path(__file__).parents[3] / "shared" / "traces"
INSTALLED = Path(sys.executable).with_name("tokenweir")
ANSWER = b"".join(
    b'data: {"model":"m","choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":null}]}\n\n' % text
    for text in (b"I", b"I am", b"I am an", b"I am an intelligent", b"I am an intelligent assistant")
)
FINISH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
FIELDS = (
    "file protocol text reasoning refusal tool_calls finish_reason native_finish_reason usage error outcome "
    "model choices events revisions amplification"
)

with_traces = pytest.mark.skipif(not TRACES.is_dir(), reason="no traces beside this checkout")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A cumulative answer of five chunks."""
    path = tmp_path / "answer.wire"
    path.write_bytes(ANSWER + FINISH)
    return path


def decode(
    capsys: pytest.CaptureFixture[str], *arguments: str | Path
) -> tuple[int, list[dict[str, Any]], str]:
    """The command's exit code, its lines, and what it said besides."""
    code = app.run(["decode", *map(str, arguments)])
    said = capsys.readouterr()
    return code, [json.loads(line) for line in said.out.splitlines()], said.err


def test_the_fields_are_the_contract(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """These keys, in this order."""
    code, [line], said = decode(capsys, "--protocol", "openai-chat", recording)

    assert (code, said) == (0, "")
    assert " ".join(line) == FIELDS
    assert line["file"] == str(recording)


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 100, 10_000])
def test_the_cut_is_invisible(chunk: int, recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """P3: fed whole or in pieces, the line is the same."""
    _, whole, _ = decode(capsys, recording)
    _, cut, _ = decode(capsys, "--chunk", str(chunk), recording)

    assert cut == whole
    assert whole[0]["text"] == "I am an intelligent assistant"


@pytest.mark.parametrize(("mode", "text"), [("delta", "II am"), ("cumulative", "I am"), ("auto", "I am")])
def test_the_mode_decides(mode: str, text: str, recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Declared deltas are taken at their word, and `auto` finds out."""
    _, [line], _ = decode(capsys, "--mode", mode, recording)

    assert line["text"].startswith(text)
    assert (line["amplification"] == 1.0) is (mode == "delta")


def test_auto_recognises_what_it_can(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other files are decoded all the same; what is not recognised is said, with the names, and 2."""
    strange = tmp_path / "strange.wire"
    strange.write_bytes(b'data: {"type":"strange"}\n\n')

    code, lines, said = decode(capsys, strange, recording)

    assert code == 2
    assert [line["protocol"] for line in lines] == ["openai-chat"]
    known = ", ".join([*sorted(PROTOCOLS), "sse"])
    assert said == f"{strange}: its protocol is not recognised; --protocol is one of {known}\n"


def test_a_broken_answer_is_1(recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """P2: cut before its end, an answer is truncated and no error of the backend's; all is decoded."""
    cut = tmp_path / "cut.wire"
    cut.write_bytes(ANSWER)

    code, lines, said = decode(capsys, cut, recording)

    assert (code, said) == (1, "")
    assert [(line["outcome"], line["error"]) for line in lines] == [("truncated", None), ("complete", None)]


def test_standard_input_is_a_dash(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`-` for a file."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ANSWER + FINISH)))

    _, [line], _ = decode(capsys, "-")

    assert (line["file"], line["outcome"]) == ("-", "complete")


def test_the_event_stream_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`sse` stops before any protocol, and gives what a browser's EventSource gives."""
    path = tmp_path / "events"
    path.write_bytes(b": hi\n\nid: 7\nevent: ping\ndata: a\ndata: b\n\ndata: last")

    code, lines, _ = decode(capsys, "--protocol", "sse", path)

    assert code == 0
    assert lines == [{"events": [{"type": "ping", "data": "a\nb", "lastEventId": "7"}]}]


def test_strict_sse_is_the_standard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An unterminated last event counts for the lenient reader alone."""
    path = tmp_path / "events"
    path.write_bytes(b"data: [DONE]")

    _, [lenient], _ = decode(capsys, "--protocol", "sse", path)
    _, [strict], _ = decode(capsys, "--protocol", "sse", "--strict-sse", path)

    assert (len(lenient["events"]), len(strict["events"])) == (1, 0)


@pytest.mark.parametrize(
    "arguments", [["--protocol", "smtp", __file__], ["no-such-file"], ["--chunk", "0", __file__], []]
)
def test_wrong_use_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown protocol, a missing file, a piece of nothing, no file at all."""
    code, lines, said = decode(capsys, *arguments)

    assert (code, lines) == (2, [])
    assert "Error: " in said


def test_an_unknown_protocol_is_answered_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """The message has the names to choose from."""
    _, _, said = decode(capsys, "--protocol", "smtp", __file__)

    assert ", ".join(map(repr, ["auto", *sorted(PROTOCOLS), "sse"])) in " ".join(said.split())


def test_the_lines_are_utf_8_in_every_locale(tmp_path: Path) -> None:
    """D07: the locale's encoding does not touch JSON."""
    path = tmp_path / "answer.wire"
    path.write_bytes(ANSWER.replace(b"assistant", "☃".encode()) + FINISH)

    _, out, _ = run_command("decode", str(path), env={"PYTHONIOENCODING": "ascii"})

    assert json.loads(out)["text"] == "I am an intelligent ☃"


@with_traces
@pytest.mark.skipif(not INSTALLED.is_file(), reason="the command is not installed beside this Python")
@pytest.mark.parametrize(
    "arguments",
    [
        ("wire", "--only", "openai-chat"),
        ("wire", "--only", "ollama-chat,ollama-generate"),
        ("wire", "--only", "openai-chat", "--chunk", "1"),
        ("wire", "--only", "openai-chat", "--chunk", "7"),
        ("cumulative", "--mode", "auto"),
    ],
    ids=" ".join,
)
def test_what_servers_really_sent(arguments: tuple[str, ...]) -> None:
    """P3, P4: each recorded answer means what its expectation says, whole, byte by byte, and resent."""
    folder, *options = arguments
    command = [sys.executable, str(TRACES / "check.py"), str(INSTALLED), str(TRACES / folder), *options]

    ran = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout


@with_traces
def test_declared_deltas_are_not_touched(capsys: pytest.CaptureFixture[str]) -> None:
    """P4: in `delta` mode nothing is ever taken for a resend, however much it looks like one."""
    wanted = {
        path.name.removesuffix(".expect.json"): path
        for path in (TRACES / "cumulative").glob("adv-*.expect.json")
    }

    _, lines, _ = decode(
        capsys,
        "--mode",
        "delta",
        "--protocol",
        "openai-chat",
        *(TRACES / "cumulative" / f"{name}.wire" for name in wanted),
    )

    texts = {Path(line["file"]).stem: line["text"] for line in lines}
    assert len(texts) > 10
    assert texts == {name: json.loads(path.read_text("utf-8"))["text"] for name, path in wanted.items()}


@with_traces
@pytest.mark.parametrize("options", [(), ("--chunk", "1")], ids=["whole", "byte by byte"])
def test_the_standards_own_cases(
    options: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """P3: the Web Platform Tests' event streams, to the letter."""
    cases = json.loads((TRACES / "sse-conformance.json").read_text("utf-8"))
    files = [tmp_path / str(number) for number in range(len(cases))]
    for path, case in zip(files, cases, strict=True):
        path.write_bytes(base64.b64decode(case["input_base64"]))

    code, lines, _ = decode(capsys, "--protocol", "sse", "--strict-sse", *options, *files)

    assert code == 0
    assert [line["events"] for line in lines] == [case["expected_events"] for case in cases]
