"""Who counts: the backend, the caller, a tokenizer's file, or an estimate; and what revisions do to it."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.feeding import run_items
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Delta, Done, Event, Failure, Revise, ToolDelta, Usage
from tokenweir.stages import token_count

TEXTS = st.text("ab é漢", max_size=8)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer of three words, as its file."""
    tokenizers = pytest.importorskip("tokenizers")
    model = tokenizers.models.WordLevel({"one": 0, "two": 1, "[UNK]": 2}, unk_token="[UNK]")
    made = tokenizers.Tokenizer(model)
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    made.save(str(path))
    return path


def counted(events: Sequence[Event], **options: object) -> Usage:
    """The figures before the end."""
    out = run_items(token_count(**options), [*events, Done()])  # type: ignore[arg-type]
    assert isinstance(out[-2], Usage)
    return out[-2]


def test_the_backend_knows_best() -> None:
    """V21: its own figure stays, whoever else could count; there is no second one."""
    events: list[Event] = [Delta("one two"), Usage(3, 9), Done()]

    assert run_items(token_count(len), events) == events


def test_what_the_backend_did_not_say_is_added() -> None:
    """Figures without an output: the others are kept, and the total is theirs."""
    before = Usage(3, None, None, 1, 2)

    assert counted([Delta("one two"), before], counter=len) == Usage(3, 7, 10, 1, 2, "counted")


def test_every_ending_has_figures() -> None:
    """USERS 23: a fault or a cut too, and then they are partial; told once."""
    failed = Done(Failure("upstream", "gone"))
    partial = Usage(output=2, source="estimated", partial=True)

    assert run_items(token_count(), [Delta("12345678"), failed]) == [Delta("12345678"), partial, failed]
    assert run_items(token_count(), [Delta("12345678")]) == [Delta("12345678"), partial]
    assert counted([Delta("12345")]) == Usage(output=2, source="estimated")
    assert run_items(token_count(), []) == [Usage(output=0, source="estimated", partial=True)]


def test_a_tokenizer_file(tokenizer: Path) -> None:
    """The joined text is counted, not the chunks; as text and as path."""
    events: list[Event] = [Delta("one tw"), Delta("o two three")]

    assert counted(events, counter=tokenizer) == Usage(output=4, source="counted")
    assert counted(events, counter=str(tokenizer)) == Usage(output=4, source="counted")


def test_a_file_that_is_none(tmp_path: Path) -> None:
    """Answered when the stage is made, not at the first token."""
    pytest.importorskip("tokenizers")
    (tmp_path / "broken.json").write_text("{}")
    for name in ("missing.json", "broken.json"):
        with pytest.raises(MisuseError, match=r"no tokenizer\.json that can be read"):
            token_count(tmp_path / name)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MisuseError, match=r"pip install 'tokenweir\[tokenizers\]'"):
        token_count("tokenizer.json")


REVISIONS = st.lists(
    st.builds(Delta, TEXTS, st.sampled_from(["text", "reasoning"]), st.integers(0, 1))
    | st.builds(ToolDelta, st.integers(0, 1), arguments=TEXTS)
    | st.builds(Revise, st.integers(0, 8), TEXTS),
    max_size=8,
)


@given(REVISIONS, st.lists(st.integers(0, 9), max_size=8))
@example(events=[Delta("a"), Delta("b", "reasoning"), Revise(0, "")], cuts=[2])
@example(events=[Delta("a"), Delta("b", "text", 1), Revise(0, "")], cuts=[2])
def test_what_a_revision_took_away_does_not_count(events: list[Event], cuts: list[int]) -> None:
    """V18: the counter sees the text as it is at the end, whatever the batches."""
    answer = Assembly()
    answer.feed(events)
    texts = [
        answer.text(index=index, channel=channel) for index in (0, 1) for channel in ("text", "reasoning")
    ]
    arguments = [event.arguments for event in events if isinstance(event, ToolDelta)]
    size = sum(map(len, [*texts, *arguments]))
    out = run_items(token_count(len), [*events, Done()], cuts)

    assert out[-2] == Usage(output=size, source="counted")


def test_an_estimate_of_revised_text() -> None:
    """Four bytes a token of what is left; text that was moved to another channel counts once."""
    moved: list[Event] = [Delta("x" * 40), Revise(0, ""), Delta("x" * 40, "reasoning")]

    assert counted(moved) == Usage(output=10, source="estimated")
    assert counted([Delta("x" * 40), Revise(20, "y" * 4)]) == Usage(output=6, source="estimated")
    assert counted([Delta("x" * 40), Revise(20, ""), Revise(30, "")]) == Usage(output=5, source="estimated")
    assert counted([Delta("é" * 40), Revise(100, "y" * 4)]) == Usage(output=21, source="estimated")
