"""What could be the beginning of a mark waits, and nothing else does."""

from hypothesis import given
from hypothesis import strategies as st

from tokenweir.stages.text_marks import Marks

MARKS = st.lists(st.text("ab<", min_size=1, max_size=4), min_size=1, max_size=4)
TEXTS = st.text("ab<c", max_size=12)


@given(MARKS, TEXTS, st.integers(0, 12))
def test_the_first_mark_is_the_one_that_is_complete_first(marks: list[str], text: str, begin: int) -> None:
    """As a look after each character would find it; of those that end together, the longest."""
    expected: tuple[int, str] | None = None
    for end in range(len(text) + 1):
        ending = [mark for mark in marks if text[:end].endswith(mark) and end - len(mark) >= begin]
        if ending:
            longest = max(ending, key=len)
            expected = (end - len(longest), longest)
            break

    assert Marks(marks).first(text, begin) == expected


@given(MARKS, TEXTS, st.integers(0, 12))
def test_no_more_is_held_than_could_be_a_mark(marks: list[str], text: str, begin: int) -> None:
    """The longest end of the text that some text behind it would make a mark."""
    proper = {mark[:size] for mark in marks for size in range(1, len(mark))}
    whole = max((len(text) - at for at in range(begin, len(text)) if text[at:] in proper), default=0)
    held = Marks(marks).held(text, begin)

    assert held >= whole
    assert held <= max(0, len(text) - begin)
    assert held == 0 or any(mark.startswith(text[-held:]) for mark in marks)


def test_a_beginning_and_a_whole_mark() -> None:
    """The two questions at the beginning of a text."""
    marks = Marks(["<think>", "<thinking>", "<t"])

    assert marks.begins("<thi")
    assert not marks.begins("<that")
    assert marks.at_start("<think>x") == "<t"
    assert marks.at_start("think") is None
