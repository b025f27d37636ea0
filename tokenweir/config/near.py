"""What was meant by a name that does not exist.

Law of this file: pure; names in, the end of a sentence out. The structs say which names there are, and how a
key's name ends says that it is about secrets.
"""

from collections.abc import Iterable
from difflib import get_close_matches

from msgspec import inspect

from tokenweir.config.kinds import fields_of, struct_in
from tokenweir.config.remedy import example, form
from tokenweir.config.secrets import named_place, names_secret
from tokenweir.pipeline.sources.parameters import PARAMETERS

_SURE = 0.85
"""From this likeness on, a name is a slip of the pen."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about a name that does not exist: the nearest one, or all of them.

    >>> nearest("prot", ["host", "port"]), nearest("x", ["host", "port"])
    ("; did you mean 'port'?", '. There are: host, port')
    """
    there = list(known)
    near = get_close_matches(name[:200], there, 1)
    return f"; did you mean {near[0]!r}?" if near else f". There are: {', '.join(there) or 'none'}"


def near_key(name: str, kind: inspect.StructType) -> str:
    """The end of a sentence about a key that a struct does not have: where a secret goes, else the key that
    was meant, at this level or one below, else all there are."""
    known = fields_of(kind)
    plain = name.lower().replace("-", "_")
    slip = get_close_matches(plain, known, 1, _SURE)
    if slip and not slip[0].endswith("_keys"):
        return nearest(plain, known)
    if names_secret(name) and (told := _of_secret(kind)):
        return told
    same = next((one for one in known if _is_part(plain, one)), None)
    if same is not None:
        return f"; did you mean {same!r}?"
    for fits in (str.__eq__, _is_part):
        for outer, field in known.items():
            inner = struct_in(field.type)
            there = [one for one in fields_of(inner) if fits(plain, one)] if inner is not None else []
            if there:
                return f" here; did you mean '{outer}.{there[0]}'?"
    if plain in PARAMETERS and "defaults" in known:
        return f" here; did you mean 'defaults.{plain}'?"
    return nearest(plain, known)


def _is_part(name: str, key: str) -> bool:
    """`url` is a part of `base_url`, and `log_level` has `log` as one."""
    return key.endswith(f"_{name}") or key.startswith(f"{name}_") or name.startswith(f"{key}_")


def _of_secret(kind: inspect.StructType) -> str:
    """Where it goes, at this level or one below; empty where no key is about secrets."""
    known = fields_of(kind)
    for one, field in known.items():
        if one.endswith("env"):
            return f": {named_place(one)}"
        if one.endswith("_keys"):
            return f": no key stands in a configuration; write {form((one,), example((one,), field.type))}"
    for outer, field in known.items():
        inner = struct_in(field.type)
        told = "" if inner is None else _of_secret(inner)
        if told:
            return f" here; below {outer}{told}"
    return ""
