"""Plain values against the structs: every unknown key, every wrong type, every value out of its bounds.

Law of this file: the structs are the schema, and nothing is known here of any one key but how its name ends.
What a value was is told by its kind, never by its text, since it could be a secret. What is wrong is left
out of what is given back, so that the rest can be looked at too.
"""

import math
import re
from typing import Any

import msgspec
from msgspec import inspect

from tokenweir.config.kinds import CONFIG, Kind, fields_of, nullable, parts, words
from tokenweir.config.near import near_key, nearest
from tokenweir.config.reading import DEPTH, Key, Reading, shown
from tokenweir.config.remedy import example, form, remedy
from tokenweir.config.schema import Config

_NAMED = "a name has small letters, digits, - and _, and begins with none of the two"
_WRONG = msgspec.UNSET
_STAND_IN = "x"
"""For a text that is needed and is missing or wrong, so that what stands beside it is looked at too."""
_TYPES: dict[type[Kind], Any] = {
    inspect.BoolType: bool,
    inspect.IntType: int,
    inspect.FloatType: int | float,
    inspect.StrType: str,
    inspect.LiteralType: str,
    inspect.ListType: list,
    inspect.DictType: dict,
    inspect.StructType: dict,
    inspect.AnyType: object,
}
_ANY_LIST = inspect.ListType(inspect.AnyType())
_ANY_MAPPING = inspect.DictType(inspect.StrType(), inspect.AnyType())


def check(reading: Reading) -> Config:
    """The configuration. What is wrong is in the reading, and has its default in what is given back."""
    return msgspec.convert(_struct(reading, (), CONFIG, reading.values), Config)


def _value(reading: Reading, key: Key, kind: Kind, value: Any, *, optional: bool = False) -> Any:
    """The value, or what of it is right. `optional`: its key may be left out."""
    if value is None and nullable(kind):
        return None
    fitting = next((one for one in parts(kind) if _is(one, value)), None)
    if fitting is None:
        what = remedy(key, kind, value, bare=_is_bare(reading, key), optional=optional)
        reading.wrong(key, f"{_said(value)}, where {words(kind)} is needed{what}")
        return _WRONG
    match fitting:
        case inspect.StructType():
            return _struct(reading, key, fitting, value)
        case inspect.DictType():
            return _mapping(reading, key, fitting, value)
        case inspect.ListType():
            return _list(reading, key, fitting, value)
        case inspect.AnyType():
            return _any(reading, key, value)
        case _:
            return _leaf(reading, key, fitting, value)


def _is_bare(reading: Reading, key: Key) -> bool:
    """Whether the value is a variable's or a flag's own."""
    return key in reading.places and reading.places[key].names


def _is(kind: Kind, value: object) -> bool:
    """Whether a value is of a kind, whatever its bounds. true and false are no numbers."""
    number = isinstance(kind, inspect.IntType | inspect.FloatType)
    return isinstance(value, _TYPES[type(kind)]) and not (number and isinstance(value, bool))


def _struct(reading: Reading, key: Key, kind: inspect.StructType, value: Any) -> Any:
    known = fields_of(kind)
    found: dict[str, Any] = {}
    for name, inner in value.items():
        if name in known:
            field = known[name]
            right = _value(reading, (*key, name), field.type, inner, optional=not field.required)
            if right is not _WRONG:
                found[name] = right
        else:
            reading.wrong((*key, name), f"there is no such key{near_key(name, kind)}")
    for name, field in known.items():
        if not field.required:
            continue
        if name not in value:
            usual = form((*key, name), example((*key, name), field.type))
            reading.wrong((*key, name), f"it is missing: {words(field.type)} is needed, for example {usual}")
        if name not in found and isinstance(parts(field.type)[0], inspect.StrType):
            found[name] = _STAND_IN
    return found if all(name in found for name, field in known.items() if field.required) else _WRONG


def _mapping(reading: Reading, key: Key, kind: inspect.DictType, value: Any) -> Any:
    """What is under a name that is none goes on under a nearly right one, so that it is looked at too."""
    found: dict[str, Any] = {}
    called: dict[str | int, str | int] = {}
    for name, inner in value.items():
        right = _value(reading, (*key, name), kind.value_type, inner)
        fault = _text_fault(kind.key_type, name)
        near = name if fault is None else _near_name(name)
        if fault is not None:
            reading.wrong((*key, name), f"{fault}: write {near}" if fault == _NAMED and near else fault)
        free = fault is None or not (near == "" or near in value or near in called)
        if right is not _WRONG and free:
            found[near] = right
            called[near] = name
    reading.keep(key, called)
    return found


def _near_name(name: str) -> str:
    """The name that was meant, as names are; empty where there is none.

    >>> _near_name("My Box"), _near_name("--")
    ('my-box', '')
    """
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:64]


def _list(reading: Reading, key: Key, kind: inspect.ListType, value: Any) -> Any:
    found = [_value(reading, (*key, number), kind.item_type, inner) for number, inner in enumerate(value)]
    kept = [number for number, inner in enumerate(found) if inner is not _WRONG]
    if not value and kind.min_length:
        reading.wrong(key, "an empty list, where at least one is needed")
    if len(kept) < (kind.min_length or 0):
        return _WRONG
    reading.keep(key, dict(enumerate(kept)))
    return [found[number] for number in kept]


def _leaf(reading: Reading, key: Key, kind: Kind, value: Any) -> Any:
    what = _text_fault(kind, value) if isinstance(value, str) else None
    if isinstance(kind, inspect.IntType | inspect.FloatType) and not _within(kind, value):
        what = f"{_said(value)}, where {words(kind)} is needed"
    elif isinstance(kind, inspect.LiteralType) and value not in kind.values:
        what = f"there is no such choice{nearest(value.lower(), map(str, kind.values))}"
    if what is None:
        return value
    reading.wrong(key, what)
    return _WRONG


def _text_fault(kind: Kind, value: str) -> str | None:
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "it holds half a character: this is no Unicode text"
    if not isinstance(kind, inspect.StrType):
        return None
    if len(value) < (kind.min_length or 0):
        return "it is empty"
    if kind.max_length is not None and len(value) > kind.max_length:
        return f"{len(value)} characters, where at most {kind.max_length} are taken"
    if kind.pattern is not None and not re.search(kind.pattern, value):
        return _NAMED
    return None


def _any(reading: Reading, key: Key, value: Any) -> Any:
    """What is handed on as it is must be finite, Unicode, and not endlessly deep."""
    what = _text_fault(inspect.AnyType(), value) if isinstance(value, str) else None
    if len(key) > DEPTH:
        what = f"more than {DEPTH} levels deep"
    elif isinstance(value, float) and not math.isfinite(value):
        what = f"{_said(value)}, where a number is needed"
    elif _is(_ANY_LIST, value):
        return _list(reading, key, _ANY_LIST, value)
    elif _is(_ANY_MAPPING, value):
        return _mapping(reading, key, _ANY_MAPPING, value)
    if what is None:
        return value
    reading.wrong(key, what)
    return _WRONG


def _within(kind: inspect.IntType | inspect.FloatType, value: Any) -> bool:
    bounds = (
        kind.gt is None or value > kind.gt,
        kind.ge is None or value >= kind.ge,
        kind.le is None or value <= kind.le,
    )
    return math.isfinite(value) and all(bounds)


def _said(value: object) -> str:
    """A value by its kind; a number or a flag as it is."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return shown(str(value)).replace("inf", "infinity").replace("nan", "no number (NaN)")
    return "text" if isinstance(value, str) else "a list" if isinstance(value, list) else "a mapping"
