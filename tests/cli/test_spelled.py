"""A part's spelling means what the factory's own signature says, or is answered."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenweir.cli.spelled import bind, read
from tokenweir.pipeline.errors import MisuseError


def part(
    word: str,
    *more: str,
    count: int = 1,
    share: float | None = None,
    loud: bool = False,
    file: Path | None = None,
    way: Literal["in", "out"] = "in",
    names: Sequence[str] = (),
    sizes: list[int] | None = None,
    call: Callable[[], None] | None = None,
    **rest: str,
) -> tuple[Any, ...]:
    """Everything that it was given."""
    return word, more, count, share, loud, file, way, names, sizes, call, rest


def called(spelling: str) -> dict[str, Any]:
    """What the factory gets: its options by their names."""
    values = bind(part, read(spelling))()
    names = ("word", "more", "count", "share", "loud", "file", "way", "names", "sizes", "call", "rest")
    plain: tuple[Any, ...] = ("", (), 1, None, False, None, "in", (), None, None, {})
    return {name: value for name, value, none in zip(names, values, plain, strict=True) if value != none}


@pytest.mark.parametrize(
    ("spelling", "options"),
    [
        ("part:word=hello world", {"word": "hello world"}),
        ("part:word=a:b=c", {"word": "a:b=c"}),
        (r"part:word=a\,b\|c\\,count=2", {"word": r"a,b|c\ "[:-1], "count": 2}),
        (r"part:word=C:\new\table", {"word": r"C:\new\table"}),
        ("part:word=,count=7", {"count": 7}),
        ("part:word=x,more=y|z", {"word": "x", "more": ("y", "z")}),
        ("part:word=x,share=0.5,loud=true", {"word": "x", "share": 0.5, "loud": True}),
        ("part:word=x,file=/a/b,way=out", {"word": "x", "file": Path("/a/b"), "way": "out"}),
        (r"part:word=x,names=a|b\|c,sizes=1|2", {"word": "x", "names": ("a", "b|c"), "sizes": [1, 2]}),
        ("part:word=x,other=y", {"word": "x", "rest": {"other": "y"}}),
    ],
)
def test_each_option_gets_its_type(spelling: str, options: Mapping[str, Any]) -> None:
    """Numbers, switches, words, paths and lists, as the annotations ask for them."""
    assert called(spelling) == options


@pytest.mark.parametrize(
    ("spelling", "said"),
    [
        ("part", r"part: part needs word=\.\.\. \(text\)"),
        ("part:word", r"'word' is no option: write part:OPTION=VALUE\[,OPTION=VALUE\]"),
        ("part:word=x,=y", "'=y' is no option"),
        ("part:word=x,word=y", "word is given twice"),
        ("part:word=x,count=1.5", "count=1.5 is no whole number"),
        ("part:word=x,share=much", "share=much is no number"),
        ("part:word=x,loud=yes", "loud=yes is no true or false"),
        ("part:word=x,way=up", "way=up is no in or out"),
        ("part:word=x,sizes=1|b", r"sizes=1\|b is no list of whole number, written a\|b"),
        ("part:word=x,call=len", "call is an object, which no command line can say: use it from Python"),
    ],
)
def test_what_does_not_fit_is_answered(spelling: str, said: str) -> None:
    """Rule 10: where it happens, and with the right use."""
    with pytest.raises(MisuseError, match=said):
        called(spelling)


def test_a_wrong_name_gets_the_nearest_and_all() -> None:
    """The options that text can say, each with its type."""

    def throttle(*, rate: float = 1.0, lag: float = 1.0, clock: Callable[[], float] | None = None) -> None:
        """Whatever."""

    with pytest.raises(
        MisuseError, match=r"did you mean 'rate'\? There are: rate \(number\), lag \(number\)$"
    ):
        bind(throttle, read("throttle:rat=3"))


def test_an_object_that_is_needed() -> None:
    """Then the part is not for the command line at all."""

    def websocket(ws: Callable[[], None]) -> None:
        """Whatever."""

    with pytest.raises(MisuseError, match="websocket needs ws, which no command line can say"):
        bind(websocket, read("websocket"))


def test_a_signature_that_is_hidden() -> None:
    """Some callables do not tell what they take."""
    with pytest.raises(MisuseError, match="the options of dict are hidden"):
        bind(dict, read("dict:a=b"))


@given(st.text(), st.text())
def test_escaped_text_arrives_as_it_is(word: str, other: str) -> None:
    """Whatever the text: with a backslash before `,`, `|` and itself it is one value."""
    escaped = [text.translate({ord(char): f"\\{char}" for char in "\\,|"}) for text in (word, other)]

    options = called(f"part:word={escaped[0]},more={escaped[1]}")

    assert options.get("word", "") == word
    assert options.get("more", ()) == ((other,) if other else ())
