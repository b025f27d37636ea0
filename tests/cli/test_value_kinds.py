"""Which annotations a command line can satisfy, and in which words it says so."""

from collections.abc import Callable, Iterable, Sequence
from inspect import Parameter
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import pytest

from tokenweir.cli.value_kinds import kind_of

if TYPE_CHECKING:
    from collections import OrderedDict  # noqa: F401  # pyright: ignore[reportUnusedImport] - named in text below


def factory() -> None:
    """Stands for the function whose annotations are read."""


def taken(annotation: Any, kind: Any = Parameter.KEYWORD_ONLY) -> str | None:
    """How a value for it is described; None where it cannot be said."""
    found = kind_of(factory, Parameter("it", kind, annotation=annotation))
    return None if found is None else found.says


@pytest.mark.parametrize(
    ("annotation", "says"),
    [
        (str, "text"),
        (int, "whole number"),
        (float | None, "number"),
        (bool, "true or false"),
        (str | PathLike[str], "text"),
        (PathLike[str] | None, "path"),
        (Callable[[str], int] | str | None, "text"),
        (Literal["a", "b"], "a or b"),
        (tuple[str, ...], "list of text, written a|b"),
        (Iterable[int] | None, "list of whole number, written a|b"),
        (tuple[Literal["a", "b"], ...], "list of a or b, written a|b"),
        (Parameter.empty, "text"),
        ("int | None", "whole number"),
        ("OrderedDict[str, str]", "text"),
    ],
)
def test_what_text_can_say(annotation: Any, says: str) -> None:
    """The first that fits out of several; what only type checkers import is taken for text."""
    assert taken(annotation) == says


@pytest.mark.parametrize(
    "annotation",
    [
        Any,
        object,
        None,
        Callable[[str], int],
        Literal[1, 2],
        tuple[str, str],
        Sequence[tuple[str, str]],
        list[Path],
        dict[str, str],
        type[str],
    ],
)
def test_what_it_cannot(annotation: Any) -> None:
    """Objects, pairs, mappings."""
    assert taken(annotation) is None


def test_further_positions_are_a_list() -> None:
    """`*sequences: str` takes any number of texts; lists of lists cannot be said."""
    assert taken(str, Parameter.VAR_POSITIONAL) == "list of text, written a|b"
    assert taken(list[str], Parameter.VAR_POSITIONAL) is None


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (float, "1e3", 1000.0),
        (bool, "false", False),
        (Path, "a/b", Path("a/b")),
        (frozenset[int], ["1", "1"], frozenset({1})),
    ],
)
def test_values_are_converted(annotation: Any, text: str | list[str], value: object) -> None:
    """To the very type that was asked for."""
    kind = kind_of(factory, Parameter("it", Parameter.KEYWORD_ONLY, annotation=annotation))

    assert kind is not None
    assert kind.convert(text) == value
    assert type(kind.convert(text)) is type(value)


def test_a_value_that_is_none() -> None:
    """Text that does not say one is refused."""
    kind = kind_of(factory, Parameter("it", Parameter.KEYWORD_ONLY, annotation=int))

    assert kind is not None
    with pytest.raises(msgspec.ValidationError):
        kind.convert("three")
