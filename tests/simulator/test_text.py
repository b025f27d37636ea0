"""The simulator's texts and tokens."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenweir.pipeline.errors import MisuseError
from tokenweir.simulator.text import ABOUT, FOUNDING, Script, Slip, script_of, split

_RECORD = Path(__file__).parents[3] / "shared" / "founding" / "lmstudio-cumulative.json"


@given(st.text())
def test_joined_tokens_are_the_text(text: str) -> None:
    """Nothing is lost or invented by cutting, whatever the text, and no token is empty."""
    tokens = split(text)

    assert "".join(tokens) == text
    assert "" not in tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("I am, too.", ("I", " am", ",", " too", ".")),
        ("a\n\n  b", ("a", "\n", "\n", " ", " b")),
        ("你好", ("你", "好")),
        ("antidisestablishmentarianism", ("antidisestablish", "mentarianism")),
    ],
)
def test_a_token_is_word_like(text: str, tokens: tuple[str, ...]) -> None:
    """A word has the space before it; signs, line ends and ideographs stand alone; long words break."""
    assert split(text) == tokens


def test_the_founding_text_is_the_report_s() -> None:
    """V18: 52 resends, the 40th of which changes a word for a moment, as the report has them."""
    if not _RECORD.exists():
        pytest.skip("the report's record is not beside the checkout")
    record = msgspec.json.decode(_RECORD.read_bytes())

    assert [FOUNDING.snapshot(at) for at in range(len(FOUNDING.tokens))] == record["chunks"]
    assert FOUNDING.text == record["text"]


def test_the_slip_is_in_one_resend_alone() -> None:
    """V18: wrong once, right before and after, and never in the text itself."""
    wrong = [at for at in range(len(FOUNDING.tokens)) if "listening" in FOUNDING.snapshot(at)]

    assert wrong == [39]
    assert "listening" not in FOUNDING.text


def test_snapshots_grow_token_by_token() -> None:
    """Without a slip, each snapshot is the one before with one token more."""
    snapshots = [ABOUT.snapshot(at) for at in range(len(ABOUT.tokens))]

    assert snapshots[-1] == ABOUT.text
    assert snapshots == [ABOUT.text[: len(snapshot)] for snapshot in snapshots]


def test_a_slip_must_change_something() -> None:
    """A slip in a word that has not been said yet is wrong use."""
    with pytest.raises(MisuseError, match="does not hold 'two'"):
        Script(split("one two three"), Slip(0, "two", "too"))
    assert Script(split("one two three"), Slip(1, "two", "too")).snapshot(1) == "one too"


def test_a_script_may_be_empty() -> None:
    """An empty file for `--text` is an answer without text."""
    assert script_of("").tokens == ()
