"""Every key as a variable: `INFERENCE_` and the way to the key, in capitals, joined by `_`.

Law of this file: the structs say which variables there are. A variable wins over the file. One that begins
with INFERENCE_ and fits no key is wrong, since somebody meant something by it.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import msgspec
from msgspec import inspect

from tokenweir.config.kinds import CONFIG, Kind, Way, entries_of, leaves, nullable, parts
from tokenweir.config.reading import Place, Reading
from tokenweir.config.scalars import read_scalar
from tokenweir.pipeline.json_value import as_list, as_object

PREFIX = "INFERENCE_"
_WRONG = msgspec.UNSET


def variable(way: Way) -> str:
    """The variable of a key.

    >>> variable(("backends", "my-box", "http", "timeout_secs"))
    'INFERENCE_BACKENDS_MY_BOX_HTTP_TIMEOUT_SECS'
    """
    return PREFIX + "_".join(part.upper().replace("-", "_") for part in way)


def read_environment(reading: Reading, environ: Mapping[str, str]) -> int:
    """Put the variables' values in place of the file's; how many there were."""
    given = {name: environ[name] for name in sorted(environ) if name.startswith(PREFIX)}
    known: dict[str, list[tuple[Way, Kind]]] = {}
    for way, kind in _keys(reading.values, given):
        known.setdefault(variable(way), []).append((way, kind))
    read = [name for name in given if name in known]
    for name in read:
        [(way, kind), *others] = known[name]
        place = Place(f"environment: {name}", names=True)
        if others:
            both = " and ".join(".".join(way) for way, _ in known[name])
            reading.wrong_at(place, f"it fits two keys, {both}: give one of them another name")
        else:
            value = _value(reading, place, kind, given[name])
            if value is not _WRONG:
                reading.put(way, value, place)
    secret = set(_named_for_secrets(reading.values))
    for name in sorted(given.keys() - known.keys() - secret):
        reading.wrong_at(Place(f"environment: {name}"), f"there is no such key{_near(name, list(known))}")
    return len(read)


def _keys(values: Mapping[str, Any], given: Mapping[str, str]) -> Iterator[tuple[Way, Kind]]:
    """Every key that a variable can stand for: those of the structs, and of each entry that the file has
    or a variable makes."""
    for way, field in leaves(CONFIG):
        yield way, field.type
    for field in CONFIG.fields:
        entry = entries_of(field)
        if entry is None:
            continue
        names = list(as_object(values.get(field.name)))
        needed = next(inner.name for inner in entry.fields if inner.required)
        for name in [*names, *_new(field.name, names, needed, given)]:
            for way, inner in leaves(entry):
                yield (field.name, name, *way), inner.type


def _new(section: str, names: list[str], needed: str, given: Mapping[str, str]) -> Iterator[str]:
    """Entries that only variables tell of: the key that every entry needs says so."""
    start, end = f"{PREFIX}{section.upper()}_", f"_{needed.upper()}"
    there = {variable((section, name, needed)) for name in names}
    for name in given:
        inner = name.removeprefix(start).removesuffix(end)
        if name == start + inner + end and inner and name not in there:
            yield inner.lower()


def _value(reading: Reading, place: Place, kind: Kind, text: str) -> Any:
    """Text as the key takes it. What it cannot be stays text: the check of all values says so."""
    if text == "":
        reading.wrong_at(place, "it is empty: give it a value, or unset it")
        return _WRONG
    if text == "null" and nullable(kind):
        return None
    needed = parts(kind)[0]
    if isinstance(needed, inspect.StrType | inspect.LiteralType):
        return text
    is_list = isinstance(needed, inspect.ListType)
    if is_list and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",")]
    if not is_list and not isinstance(needed, inspect.DictType):
        return read_scalar(text.strip())
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        form = '["a", "b"] or a,b' if is_list else '{"a": 1}'
        reading.wrong_at(place, f"it is no JSON: write {form}")
        return _WRONG


def _named_for_secrets(values: Mapping[str, Any]) -> Iterator[str]:
    """Variables that hold a key, as the configuration names them."""
    backends = as_object(values.get("backends"))
    keys = as_list(as_object(values.get("server")).get("api_keys"))
    for holder in map(as_object, [values.get("inference"), *backends.values(), *keys]):
        yield from (str(holder[name]) for name in ("api_key_env", "env") if name in holder)


def _near(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    if near and near[0].endswith("_ENV"):
        hint += " It takes the NAME of the variable that holds the key"
    if name.startswith(f"{PREFIX}BACKENDS_"):
        hint += f" A backend that the file does not have needs {PREFIX}BACKENDS_<NAME>_PROVIDER"
    return hint
