"""Stages by their names and options."""

from pathlib import Path
from typing import Any

import pytest

from tests.distributions import install
from tokenweir import stages
from tokenweir.config.schema import Backend
from tokenweir.config.stages import OURS, stage_of, stages_of
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Delta

OTHERS = """
from collections.abc import Callable
from tokenweir import Stage

class Echo:
    def feed(self, items): return list(items)
    def finish(self): return []

def echo(times: int, /, *, loud: bool = False, **more: int): return Stage(Echo, f"echo{sorted(more)}")
def needs(word: str): return Stage(Echo, word)
def broken(): raise RuntimeError("secret")
def nothing(): return None
def decodes(): return Stage(Echo, "decodes", takes="wire")
def calls(call: "Unknown" = None): return Stage(Echo, "calls")
def hooks(call: Callable[[], int] | None = None): return Stage(Echo, "hooks")
def free(**more: int): return Stage(Echo, f"free{more}")
"""


@pytest.fixture
def others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution with stages."""
    module = f"config_stages_{tmp_path.name}"
    names = ("echo", "needs", "broken", "nothing", "decodes", "calls", "hooks", "free")
    points = {"tokenweir.stages": {name: f"{module}:{name}" for name in names}}
    install(tmp_path, "others", points, {f"{module}.py": OTHERS})
    monkeypatch.syspath_prepend(tmp_path)  # pyright: ignore[reportUnknownMemberType] - pytest's own annotation


GOOD: list[str | dict[str, Any]] = [
    "append_only",
    {"coalesce": {"seconds": 0.1, "characters": 10}},
    {"limit": {"tokens": 5}},
    {"reasoning_split": {"tags": [["<a>", "</a>"]], "start_in_reasoning": True}},
    {"stop_at": {"sequences": ["User:", "a,b|c"], "choices": 2}},
    {"take": {"characters": 100}},
    {"throttle": {"rate": 20}},
    {"token_count": None},
]


def test_all_of_ours() -> None:
    """C04: in their order, each with options as it has them in Python."""
    made = stages_of(Backend(provider="x", stages=GOOD))

    assert [stage.name for stage in made] == list(OURS)
    assert set(OURS) <= set(stages.__all__)


def test_options_arrive() -> None:
    """C04: a list is a list; no character means anything."""
    core = stage_of({"stop_at": {"sequences": ["a,b|c"]}}).core()
    end = core.feed([Delta("x a,b|c y")])

    assert end[0] == Delta("x ")


@pytest.mark.parametrize(
    ("spelled", "said"),
    [
        ("throttl", "no stage 'throttl'; did you mean 'throttle'? There are: append_only"),
        ("", "no stage ''"),
        ("x" * 10_000, "no stage has so long a name"),
        ("sse_decode", "sse_decode belongs to the provider"),
        ({}, "a stage is its name, or"),
        ({"take": {"characters": 1}, "limit": {}}, "a stage is its name, or"),
        ({"throttle": [1]}, "a stage is its name, or"),
        ({"throttle": 5}, "a stage is its name, or"),
        ({"throttle": {"rat": 1}}, "throttle has no option 'rat'; did you mean 'rate'?"),
        ({"throttle": {"rate": 0}}, "throttle(rate=0.0): the rate is in pieces a second"),
        ({"throttle": {"rate": "fast"}}, "throttle: rate is not a number"),
        ({"throttle": {"rate": True}}, "throttle: rate is not a number"),
        ({"take": {"characters": 1.5}}, "take: characters is not a whole number"),
        ({"take": {}}, "take("),
        ({"stop_at": {"sequences": "a"}}, "stop_at: sequences is not a list of text"),
        ({"stop_at": {}}, "stop_at()"),
        ({"reasoning_split": {"tags": [["<a>"]]}}, "reasoning_split: tags is not what it takes"),
        ({"token_count": {"counter": "/no/such/file"}}, "token_count"),
    ],
)
def test_what_cannot_be_made(spelled: str | dict[str, Any], said: str) -> None:
    """C03, C04: told by the stage's own words, or by the nearest right name."""
    with pytest.raises(MisuseError) as caught:
        stage_of(spelled)

    assert str(caught.value).startswith(said)


@pytest.mark.usefixtures("others")
def test_those_of_others() -> None:
    """C03: checked by their signatures; what breaks in them is told by its kind alone (P24)."""
    assert stage_of({"free": {"a": 1}}).name == "free{'a': 1}"
    for spelled, said in {
        "broken": "broken cannot be made with these options: RuntimeError",
        "nothing": "nothing makes no stage that takes events and gives events",
        "decodes": "decodes makes no stage that takes events and gives events",
        "calls": "the options of calls are hidden: name 'Unknown' is not defined",
        "needs": "needs needs the option 'word'",
        "echo": "echo needs the option 'times'",
    }.items():
        with pytest.raises(MisuseError) as caught:
            stage_of(spelled)
        assert str(caught.value) == said
    with pytest.raises(MisuseError, match="hooks: call is not what it takes"):
        stage_of({"hooks": {"call": "x"}})
    with pytest.raises(MisuseError, match="free: more is not a whole number"):
        stage_of({"free": {"a": "x"}})
