"""Configurations of every shape: right, nearly right, and nonsense."""

from typing import Any

from hypothesis import strategies as st
from msgspec import inspect

from tokenweir.config.kinds import CONFIG, Kind, fields_of, nullable, parts

WORDS = st.sampled_from(
    [
        "lmstudio",
        "openai",
        "simulator",
        "replay",
        "a",
        "inference",
        "http://h:1",
        "5s",
        "::",
        "*",
        "",
        "é",
        "A b",
    ]
)
JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)


def of(kind: Kind) -> st.SearchStrategy[Any]:
    """Values for a kind; most of them fit its type, and a few are anything."""
    fitting = [_of(one) for one in parts(kind)] + [st.none()] * nullable(kind)
    return st.one_of(fitting * 5 + [JUNK])


def _of(kind: Kind) -> st.SearchStrategy[Any]:
    if isinstance(kind, inspect.StructType):
        own = {name: of(field.type) for name, field in fields_of(kind).items()}
        needed = {name: own.pop(name) for name, field in fields_of(kind).items() if field.required}
        return st.fixed_dictionaries(needed, optional=own)
    if isinstance(kind, inspect.DictType):
        return st.dictionaries(WORDS, of(kind.value_type), max_size=2)
    if isinstance(kind, inspect.ListType):
        return st.lists(of(kind.item_type), max_size=2)
    if isinstance(kind, inspect.LiteralType):
        return st.sampled_from(kind.values)
    numbers = st.integers(-1, 100_000)
    simple: dict[type[Kind], st.SearchStrategy[Any]] = {
        inspect.AnyType: JUNK,
        inspect.BoolType: st.booleans(),
        inspect.FloatType: numbers | st.floats(),
        inspect.IntType: numbers,
        inspect.StrType: WORDS | st.text(max_size=5),
    }
    return simple[type(kind)]


TREES = _of(CONFIG)
