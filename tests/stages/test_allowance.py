"""So much and no more, to the character."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenweir.stages.allowance import Allowance
from tokenweir.stages.text_cuts import may_cut

TEXTS = st.lists(st.text("ab é漢e\u0301🇩🇪", max_size=8), max_size=8)


@given(TEXTS, st.integers(1, 30))
def test_characters(texts: list[str], size: int) -> None:
    """A prefix of the whole, of at most `size` code points, and of exactly so many where it may be cut."""
    whole = "".join(texts)
    allowance = Allowance("characters", size)
    given_out = "".join([allowance.spend(text) for text in texts])

    assert whole.startswith(given_out)
    assert len(given_out) <= size
    assert len(given_out) == min(size, len(whole)) or any(
        not may_cut(text, at) for text in texts for at in range(len(text))
    )
    assert allowance.spent == (len(whole) >= size)


@given(TEXTS, st.integers(1, 10))
def test_tokens(texts: list[str], size: int) -> None:
    """Four bytes each."""
    whole = "".join(texts)
    allowance = Allowance("tokens", size)
    given_out = "".join([allowance.spend(text) for text in texts])

    assert whole.startswith(given_out)
    assert len(given_out.encode()) <= 4 * size
    assert (given_out == whole) == (len(whole.encode()) <= 4 * size)


@pytest.mark.parametrize(
    ("text", "kept"), [("🏴\u200d☠\ufe0f", ""), ("ab👩\u200d🚀", "ab"), ("abc🚀", "abc")]
)
def test_no_visible_character_is_parted(text: str, kept: str) -> None:
    """Rather a little less."""
    assert Allowance("characters", 3).spend(text) == kept


def test_nothing_is_allowed_after_a_cut() -> None:
    """What did not fit was not skipped."""
    allowance = Allowance("tokens", 1)

    assert allowance.spend("aaa漢") == "aaa"
    assert allowance.spent
    assert allowance.spend("b") == ""
