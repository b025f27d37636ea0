"""What a parameter's annotation asks for, as far as text on a command line can say it.

Law of this file: pure; an annotation in, words for people and a conversion out. Numbers, words, paths
and lists of them are sayable; everything else is not, and is answered with None.
"""

import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from inspect import Parameter
from os import PathLike
from pathlib import Path
from types import NoneType, SimpleNamespace, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

_SCALARS: dict[Any, tuple[str, Any]] = {
    str: ("text", str),
    int: ("whole number", int),
    float: ("number", float),
    bool: ("true or false", bool),
    Path: ("path", Path),
    PathLike: ("path", Path),
    Parameter.empty: ("text", str),
}
_LISTS: dict[Any, Any] = {
    tuple: tuple,
    list: list,
    set: set,
    frozenset: frozenset,
    Sequence: tuple,
    Collection: tuple,
    Iterable: tuple,
}


class Kind(Struct, frozen=True):
    """What a value must be. `many`: it is made of several texts."""

    says: str
    type: Any
    many: bool = False

    def convert(self, text: str | list[str]) -> Any:
        """The value. Raises msgspec.ValidationError where the text does not say one."""
        if self.type is Path:
            return Path(str(text))
        return msgspec.convert(text, self.type, strict=False)


def kind_of(factory: Callable[..., Any], parameter: Parameter) -> Kind | None:
    """What a parameter of a factory takes; None where no text can say it."""
    one = _kind(_resolved(factory, parameter.annotation))
    if parameter.kind is Parameter.VAR_POSITIONAL and one is not None:
        return None if one.many else _several(one, tuple)
    return one


def _resolved(factory: Callable[..., Any], annotation: Any) -> Any:
    """The annotation itself, where it is written as text. What only type checkers import is text."""
    if not isinstance(annotation, str):
        return annotation
    module = vars(sys.modules.get(getattr(factory, "__module__", ""), SimpleNamespace()))
    try:
        return get_type_hints(SimpleNamespace(__annotations__={"it": annotation}), module)["it"]
    except (NameError, SyntaxError, TypeError, AttributeError):
        return str


def _kind(annotation: Any) -> Kind | None:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        # The first that text can say: `str | PathLike` is text, `int | None` a number.
        return next((kind for one in inner if one is not NoneType and (kind := _kind(one))), None)
    if origin is Literal:
        words = all(isinstance(word, str) for word in inner)
        return Kind(" or ".join(inner), annotation) if words else None
    if origin in _LISTS:
        alike = len(inner) == 1 or (len(inner) == 2 and inner[1] is ...)  # noqa: PLR2004 - tuple[X, ...]
        one = _kind(inner[0]) if alike else None
        return None if one is None or one.many or one.type is Path else _several(one, _LISTS[origin])
    says, made = _SCALARS.get(origin or annotation, ("", None))
    return Kind(says, made) if says else None


def _several(one: Kind, container: Any) -> Kind:
    made = tuple[one.type, ...] if container is tuple else container[one.type]  # type: ignore[name-defined] # made at run time
    return Kind(f"list of {one.says}, written a|b", made, many=True)
