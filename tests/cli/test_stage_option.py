"""`--stage` and `--sink`: by name, with options, ours and others'; wrong ones are answered with 2."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shell import backend
from tests.distributions import install
from tokenweir import sinks, stages
from tokenweir.cli import app
from tokenweir.cli.stage_option import SINKS, sink_of, stage_of
from tokenweir.pipeline.errors import MisuseError
from tokenweir.simulator.text import ABOUT, FOUNDING

OTHERS = """
from tokenweir import Stage

class Echo:
    def feed(self, items): return list(items)
    def finish(self): return []

def echo(times: int = 1):
    if times < 1:
        raise ValueError("times must be positive")
    return Stage(Echo, f"echo({times})")

class Raises:
    def feed(self, items): raise RuntimeError("oh")
    def finish(self): return []

def raises(): return Stage(Raises, "raises")

def nothing(): return None
"""


@pytest.fixture
def others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution with stages, a good one and others."""
    module = f"stage_module_{tmp_path.name}"
    names = {name: f"{module}:{name}" for name in ("echo", "raises", "nothing")}
    points = {"tokenweir.stages": names, "tokenweir.sinks": {"nosink": f"{module}:nothing"}}
    install(tmp_path, "others", points, {f"{module}.py": OTHERS})
    monkeypatch.syspath_prepend(tmp_path)  # pyright: ignore[reportUnknownMemberType] - pytest's own annotation


def chat(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """The simulator's answer through these: exit code, standard output and error."""
    code = app.run(["chat", "--provider", "simulator", *arguments, "Hello"])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_stage_with_options() -> None:
    """They are those of the factory, and checked by it."""
    assert stage_of("throttle:rate=50,lag=0.2").name == "throttle"
    with pytest.raises(MisuseError, match=r"--stage throttle:rate=0: throttle\(rate=0\.0\): the rate is in"):
        stage_of("throttle:rate=0")


@pytest.mark.parametrize("name", stages.__all__)
def test_every_stage_of_ours_has_a_spelling(name: str) -> None:
    """It is made, or its answer says which option it needs."""
    try:
        made = stage_of(name)
    except MisuseError as needs:
        assert str(needs).startswith(f"--stage {name}: ")  # noqa: PT017 - not every stage needs something
        return
    assert made.name.startswith(name)


def test_stages_stand_in_the_order_given(capsys: pytest.CaptureFixture[str]) -> None:
    """What the first takes away, the second does not see."""
    size = ABOUT.text.index("real")
    one = chat(capsys, "--stage", "stop_at:sequences=real|token", "--stage", "take:characters=9")
    other = chat(capsys, "--stage", "stop_at:sequences=real")

    assert one == (0, ABOUT.text[:9] + "\n", "")
    assert other[1].rstrip() == ABOUT.text[:size].rstrip()


def test_a_limit_makes_it_1(capsys: pytest.CaptureFixture[str]) -> None:
    """A stage may end the answer as failed; what was within the bound is shown."""
    code, out, err = chat(capsys, "--stage", "limit:characters=20")

    assert (code, out) == (1, ABOUT.text[:20] + "\n")
    assert err.startswith("Error: limit: ")


def test_events_go_to_a_sink_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each sink gets them all, and the answer is shown as ever."""
    one, other = tmp_path / "one.jsonl", tmp_path / "a,b"
    escaped = str(other).replace(",", "\\,")
    code, out, err = chat(capsys, "--sink", f"jsonl:path={one}", "--sink", f"jsonl:path={escaped},keep=2")

    events = [[json.loads(line) for line in file.read_text("utf-8").splitlines()] for file in (one, other)]
    text = "".join(event["text"] for event in events[0] if event["type"] == "delta")
    assert (code, out, err) == (0, ABOUT.text + "\n", "")
    assert text == ABOUT.text
    assert [event["type"] for event in events[0]] == [event["type"] for event in events[1]]
    assert events[0][-1]["outcome"] == "complete"


def test_the_log_is_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """P24: one line of figures beside the answer; no prompt in it."""
    code, out, err = chat(capsys, "--sink", "log")

    assert (code, out) == (0, ABOUT.text + "\n")
    assert err.count("\n") == 1
    assert "answer_end" in err
    assert "outcome='complete'" in err
    assert "Hello" not in err


def test_a_sink_that_fails_costs_the_answer_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The answer is whole, the other sink too; a line names the one that failed, and the code is 1."""
    file = tmp_path / "fine.jsonl"
    gone = tmp_path / "no" / "folder"
    code, out, err = chat(capsys, "--sink", f"jsonl:path={gone}", "--sink", f"jsonl:path={file}", "--stats")

    assert (code, out) == (1, ABOUT.text + "\n")
    assert err.startswith(f"Error: --sink jsonl:path={gone}: FileNotFoundError: ")
    assert err.count("Error") == 2
    assert '"outcome":"complete"' in file.read_text("utf-8")


def test_a_broken_answer_reaches_the_sink(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """P1: the sink's last event says the same as the exit code."""
    file = tmp_path / "events.jsonl"
    with backend(script=FOUNDING, cumulative=True, fault="cut") as server:
        where = ["--provider", "lmstudio", "--base-url", server.url, "--sink", f"jsonl:path={file}"]
        code, _, err = chat(capsys, *where)

    last = json.loads(file.read_text("utf-8").splitlines()[-1])
    assert (code, last["type"], last["outcome"]) == (1, "end", "truncated")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--stage", "throttel"], "no stage 'throttel'; did you mean 'throttle'? There are: append_only,"),
        (["--stage", "throttle:rat=9"], "did you mean 'rate'? There are: rate (number), lag (number)"),
        (["--stage", "throttle:rate=fast"], "--stage throttle:rate=fast: rate=fast is no number"),
        (["--stage", "throttle:rate"], "'rate' is no option: write throttle:OPTION=VALUE"),
        (["--stage", "sse_decode"], "sse_decode takes bytes, but"),
        (["--stage", "stop_at"], "stop_at"),
        (["--sink", "jsnl:path=x"], "no sink 'jsnl'; did you mean 'jsonl'? There are: jsonl, log"),
        (["--sink", "jsonl"], "--sink jsonl: jsonl needs path=... (text)"),
        (["--sink", "jsonl:path=x,keep=0"], "jsonl(keep=0): how many old files to keep"),
        (["--sink", "log:logger=x"], "logger is an object, which no command line can say"),
        (["--sink", "stdout"], "the answer goes to standard output already"),
        (["--sink", "websocket:ws=x"], "websocket is for programs: use it from Python."),
    ],
)
def test_wrong_parts_are_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The message lists what there is and has the nearest name; nothing was asked."""
    code, out, err = chat(capsys, *arguments)

    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.parametrize("name", sorted({*sinks.__all__} - {*SINKS}))
def test_sinks_for_programs_are_told_apart(name: str) -> None:
    """Not "there is none": each says where it can be used, or why not here."""
    with pytest.raises(MisuseError, match=r"use it from Python|goes to standard output already"):
        sink_of(name)


@pytest.mark.usefixtures("others")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--stage", "echo:times=2"], 0, ""),
        (["--stage", "echo:times=0"], 2, "--stage echo:times=0: ValueError: times must be positive"),
        (["--stage", "nothing"], 2, "nothing made None, which is no stage"),
        (["--stage", "raises"], 1, "stage raises broke: RuntimeError: oh"),
        (["--sink", "nosink"], 2, "nosink made None, which is no sink"),
        (["--sink", "nosnk"], 2, "no sink 'nosnk'; did you mean 'nosink'? There are: jsonl, log, nosink"),
    ],
)
def test_parts_of_others(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """By name, with options; what they refuse is wrong use, what breaks in them is not."""
    ended: Any = chat(capsys, *arguments)

    assert ended[0] == code
    assert said in ended[2]
