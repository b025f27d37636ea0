"""What to write in place of a value of the wrong kind.

Law of this file: pure; read from the structs and the examples that they carry. What was written is never
repeated, since it could be a secret: only its shape decides what is said.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import yaml
from msgspec import inspect

from tokenweir.config.kinds import Kind, fields_of, parts
from tokenweir.config.quantity import quantity
from tokenweir.config.reading import Key
from tokenweir.config.scalars import read_scalar
from tokenweir.pipeline.json_value import as_list

_YES, _NO = ("yes", "y", "on", "true"), ("no", "n", "off", "false")
_SECONDS = 60
_MODELS = ["qwen3-8b", "gemma-3"]
EXAMPLES: Mapping[str, tuple[Any, ...]] = {
    "allowed_hosts": (["llm.example.org"],),
    "allowed_models": (_MODELS,),
    "allowed_origins": (["https://chat.example.org"],),
    "api_key_env": ("LLM_API_KEY",),
    "api_key_file": ("llm.key",),
    "api_keys": ([{"name": "laptop", "env": "LAPTOP_KEY"}],),
    "ask_for": ("qwen3-8b",),
    "backends": ({"local": {"provider": "ollama"}}, ["local", "hosted"]),
    "base_url": ("http://localhost:1234",),
    "coalesce_secs": (0.1,),
    "default_model": ("qwen3-8b",),
    "defaults": ({"temperature": 0.2},),
    "env": ("LAPTOP_KEY",),
    "file": ("laptop.key",),
    "host": ("127.0.0.1",),
    "http": ({"timeout_secs": 60},),
    "keep_warm": ({"models": _MODELS},),
    "limits": ({"max_streams": 100},),
    "max_body_bytes": (10_485_760,),
    "max_concurrent": (4,),
    "max_tokens": (4096,),
    "model": ("qwen3-8b",),
    "models": (_MODELS,),
    "name": ("laptop",),
    "parameters": ({"temperature": 0.2},),
    "port": (3000,),
    "preload": (_MODELS,),
    "profile": ("profile.json",),
    "prompts": ({"summary": {"template": "In one sentence: {{text}}"}},),
    "provider": ("ollama",),
    "server": ({"port": 3000},),
    "stages": (["token_count"],),
    "system": ("Answer in one sentence.",),
    "template": ("In one sentence: {{text}}",),
}
"""What a key may say, where an example of its kind alone would tell nobody anything."""


def remedy(key: Key, kind: Kind, value: object, *, bare: bool = False, optional: bool = False) -> str:
    """The end of a sentence: what the key, or the item of a list, should say. `bare`: it is a variable or a
    flag, which has no key beside it; `optional`: the key may be left out.

    >>> from tokenweir.config.kinds import CONFIG
    >>> server = fields_of(parts(fields_of(CONFIG)["server"].type)[0])
    >>> remedy(("port",), server["port"].type, "80")
    ': leave out the quotes'
    >>> remedy(("allowed_hosts",), server["allowed_hosts"].type, "a")
    '; for example allowed_hosts: [llm.example.org]'
    """
    shown = form(key, example(key, kind), bare=bare)
    counted = quantity(str(key[-1]), value)
    if counted:
        return counted
    if value is None and optional:
        return f": leave it out, or write for example {shown}"
    kinds = {type(one) for one in parts(kind)}
    if isinstance(value, str):
        flag = value.strip().lower()
        if inspect.BoolType in kinds and flag in (*_YES, *_NO):
            return f": write {form(key, flag in _YES, bare=bare)}"
        if kinds & {inspect.IntType, inspect.FloatType} and _is_number(value):
            return ": leave out the quotes"
    if isinstance(value, int | float) and kinds == {inspect.StrType}:
        return ": put it in quotes"
    if isinstance(value, float) and value.is_integer() and inspect.IntType in kinds:
        return f": write {form(key, int(value), bare=bare)}"
    return f"; for example {shown}"


def form(key: Key, value: Any, *, bare: bool = False) -> str:
    """A key and its value on one line of YAML; what is `bare` without the key.

    >>> form(("routes",), [{"model": "*", "backends": ["a", "b"]}]), form(("preload", 0), "a")
    ("routes: [{model: '*', backends: [a, b]}]", 'a')
    >>> form(("preload",), ["a", "b"], bare=True), form(("defaults",), {"n": 1}, bare=True)
    ('a,b', '{"n":1}')
    """
    listed = as_list(value)
    if bare and listed and all(isinstance(one, str) for one in listed):
        return ",".join(listed)
    if bare:
        return value if isinstance(value, str) else msgspec.json.encode(value).decode()
    name = key[-1]
    line = str(yaml.safe_dump({str(name): value}, default_flow_style=True, sort_keys=False, width=10_000))
    written = line.strip().removeprefix("{").removesuffix("}")
    return written if isinstance(name, str) else written.partition(": ")[2]


def example(key: Key, kind: Kind) -> Any:
    """A value that is right for a key, or for an item of its list: a well-known one, else one that its kind
    allows.

    >>> example(("anything",), inspect.ListType(inspect.IntType(ge=4)))
    [4]
    >>> example(("preload", 0), inspect.StrType())
    'qwen3-8b'
    """
    first = parts(kind)[0]
    name = next((part for part in reversed(key) if isinstance(part, str)), "")
    there = EXAMPLES.get(name, ())
    if key and isinstance(key[-1], int):
        known = [as_list(one)[0] for one in there if as_list(one)]
    else:
        known = [one for one in there if bool(as_list(one)) == isinstance(first, inspect.ListType)]
    return known[0] if known else _made(first)


def _made(kind: Kind) -> Any:
    match kind:
        case inspect.StructType():
            known = fields_of(kind)
            needed = [name for name, field in known.items() if field.required]
            shown = needed or list(known)[:1]
            return {name: example((name,), known[name].type) for name in shown}
        case inspect.DictType():
            return {"name": example((), kind.value_type)}
        case inspect.ListType():
            return [example((), kind.item_type)]
        case inspect.LiteralType():
            return kind.values[0]
        case inspect.BoolType():
            return True
        case inspect.IntType():
            return max(kind.ge or 1, 1)
        case inspect.FloatType():
            return _SECONDS if kind.le is None else min(_SECONDS, int(kind.le))
        case _:
            return "value"


def _is_number(text: str) -> bool:
    read = read_scalar(text.strip("\"' "))
    return isinstance(read, int | float) and not isinstance(read, bool)
