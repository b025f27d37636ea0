"""The effective configuration as YAML, without a secret.

Law of this file: what is shown can be read back and means the same, but for what is masked. Keys of
backends and clients are not in a configuration; what somebody put elsewhere is masked by its name.
"""

import re
from typing import Any

import msgspec
import yaml
from msgspec import inspect

from tokenweir.config.kinds import CONFIG, Kind, default, parts
from tokenweir.config.read import Loaded
from tokenweir.config.scalars import FLOAT, INT, WORD
from tokenweir.config.secrets import names_secret
from tokenweir.pipeline.json_value import as_list, as_object

_BEARER = re.compile(r"//[^/@\s]*@|\b(?:Bearer|Basic) +\S+", re.IGNORECASE)
_ASSIGNED = re.compile(r"([\w-]+)=([^\s&;,\"']+)")
_FREE = ("options", "defaults", "parameters", "stages")
"""Mappings whose keys are others' business: anything may stand there."""
MASK = "***"


def print_config(loaded: Loaded, *, everything: bool = False) -> str:
    """The configuration as YAML: what is not as by default, or everything."""
    values = msgspec.to_builtins(loaded.config)
    if not everything:
        values = _changed(values, CONFIG)
    body = yaml.dump(_masked(values), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return f"# from {loaded.source}\n{body}"


def _changed(values: dict[str, Any], kind: Any) -> dict[str, Any]:
    """A struct's values without those that are as by default."""
    found: dict[str, Any] = {}
    for field in kind.fields:
        value = values[field.name]
        usual = msgspec.to_builtins(default(field)) if not field.required else msgspec.UNSET
        if value != usual:
            found[field.name] = _inside(value, field.type)
    return found


def _inside(value: Any, kind: Kind) -> Any:
    for one in parts(kind):
        if isinstance(one, inspect.StructType) and value is not None:
            return _changed(value, one)
        if isinstance(one, inspect.DictType) and as_object(value):
            return {name: _inside(inner, one.value_type) for name, inner in as_object(value).items()}
        if isinstance(one, inspect.ListType):
            return [_inside(inner, one.item_type) for inner in as_list(value)]
    return value


def _masked(value: Any, *, free: bool = False, secret: bool = False) -> Any:
    """`free`: anything may stand here. `secret`: it stands under a name that says so."""
    if as_object(value):
        return {
            name: _masked(inner, free=free or name in _FREE, secret=free and (secret or names_secret(name)))
            for name, inner in as_object(value).items()
        }
    if as_list(value):
        return [_masked(inner, free=free, secret=secret) for inner in as_list(value)]
    if isinstance(value, str) and free:
        return MASK if secret else _ASSIGNED.sub(_hide, _BEARER.sub(MASK, value))
    return value


def _hide(assigned: re.Match[str]) -> str:
    """`name=value` inside a text, as in an address."""
    return f"{assigned[1]}={MASK}" if names_secret(assigned[1]) else assigned[0]


class _Dumper(yaml.SafeDumper):
    """Quotes whatever a reader of YAML 1.1 or 1.2 would take for something else than text."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - whatever it is
        """A configuration has no aliases."""
        return True


def _teach() -> None:
    """The words of YAML 1.2, beside those of 1.1 that it knows."""
    for tag, pattern in (("null", WORD), ("bool", WORD), ("int", INT), ("float", FLOAT)):
        whole = re.compile(f"^(?:{pattern.pattern})$")
        _Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", whole, None)  # pyright: ignore[reportUnknownMemberType] - it has no types


_teach()
