"""Inside code or not, by the letter of what people write."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tokenweir.stages.code_spans import CodeSpans


def where(text: str) -> tuple[bool, bool]:
    """Fenced and inline, at the end of the text."""
    spans = CodeSpans()
    spans.scan(text)
    return spans.fenced, spans.inline


@pytest.mark.parametrize(
    ("text", "fenced", "inline"),
    [
        ("say `", False, True),
        ("say `x` and ", False, False),
        ("say ``a ` b", False, True),
        ("say ``a ` b`` ", False, False),
        ("a stray ` here\n", False, False),
        ("```\n", True, False),
        ("```python\nx = `", True, False),
        ("  ~~~\n", True, False),
        ("```\n~~~\n", True, False),
        ("```\nx\n```\n", False, False),
        ("a ``` b", False, True),
        ("~~~\n```\n~~~", False, False),
        ("a ~~~ b", False, False),
    ],
)
def test_where(text: str, fenced: bool, inline: bool) -> None:  # noqa: FBT001 - a table of cases
    """A fence by its lines, a span on its line."""
    assert where(text) == (fenced, inline)


@given(st.lists(st.sampled_from(["`", "```", "\n", "x", " ", "~~~", "``"]), max_size=12), st.integers(0, 12))
@example(["x", "```"], 1)
def test_pieces_change_nothing(parts: list[str], cut: int) -> None:
    """Law of cores, where no run of backticks is cut."""
    whole = "".join(parts)
    first, second = "".join(parts[:cut]), "".join(parts[cut:])
    if first[-1:] + second[:1] in ("``", "~~"):
        return
    spans = CodeSpans()
    spans.scan(first)
    spans.scan(second)

    assert (spans.fenced, spans.inline) == where(whole)
