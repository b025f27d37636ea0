"""What a key takes, in words for people, read from the structs.

Law of this file: pure; msgspec's description of a type in, words and its parts out.
"""

from collections.abc import Iterator
from functools import cache

from msgspec import NODEFAULT, Struct, inspect

from tokenweir.config.schema import Config
from tokenweir.pipeline.json_value import as_object, as_text

Kind = inspect.Type
Number = inspect.IntType | inspect.FloatType


@cache
def kind_of(struct: type[Struct]) -> inspect.StructType:
    """What a struct takes."""
    found = inspect.type_info(struct)
    assert isinstance(found, inspect.StructType)  # noqa: S101 - a struct's description is one
    return found


CONFIG = kind_of(Config)


def plain(kind: Kind) -> Kind:
    """A kind without its description."""
    return plain(kind.type) if isinstance(kind, inspect.Metadata) else kind


def parts(kind: Kind) -> tuple[Kind, ...]:
    """What a kind may be: one, or several. `null` is none of them."""
    kind = plain(kind)
    if not isinstance(kind, inspect.UnionType):
        return (kind,)
    return tuple(plain(one) for one in kind.types if not isinstance(one, inspect.NoneType))


def nullable(kind: Kind) -> bool:
    """Whether `null` is taken."""
    kind = plain(kind)
    return isinstance(kind, inspect.UnionType) and kind.includes_none


def struct_in(kind: Kind) -> inspect.StructType | None:
    """The struct that a kind is, or may be."""
    return next((one for one in parts(kind) if isinstance(one, inspect.StructType)), None)


def fields_of(kind: inspect.StructType) -> dict[str, inspect.Field]:
    """A struct's keys."""
    return {field.name: field for field in kind.fields}


Way = tuple[str, ...]


def leaves(kind: inspect.StructType, way: Way = ()) -> Iterator[tuple[Way, inspect.Field]]:
    """Every key that has no keys of its own, and the way to it; entries of named mappings are not entered."""
    for field in kind.fields:
        inner = struct_in(field.type)
        if inner is not None:
            yield from leaves(inner, (*way, field.name))
        elif entries_of(field) is None:
            yield (*way, field.name), field


def entries_of(field: inspect.Field) -> inspect.StructType | None:
    """What each entry of a mapping with names of one's own is; None where the key is no such mapping."""
    kind = plain(field.type)
    return struct_in(kind.value_type) if isinstance(kind, inspect.DictType) else None


def description(field: inspect.Field) -> str:
    """A key's one line of documentation."""
    extra: object = getattr(field.type, "extra_json_schema", None)
    return as_text(as_object(extra).get("description"))


def default(field: inspect.Field) -> object:
    """A key's default; NODEFAULT where it must be given."""
    if field.default_factory is not NODEFAULT:
        return field.default_factory()
    return field.default


def words(kind: Kind) -> str:
    """What is needed.

    >>> words(fields_of(CONFIG)["routes"].type), words(fields_of(CONFIG)["inference"].type)
    ('a list', 'a mapping or null')
    """
    return " or ".join([_words(one) for one in parts(kind)] + ["null"] * nullable(kind))


def _words(kind: Kind) -> str:
    if isinstance(kind, inspect.IntType):
        return "a whole number" + _bounds(kind)
    if isinstance(kind, inspect.FloatType):
        return "a number" + _bounds(kind)
    if isinstance(kind, inspect.LiteralType):
        return "one of " + ", ".join(map(str, kind.values))
    if isinstance(kind, inspect.ListType):
        return "a list"
    simple: dict[type[Kind], str] = {
        inspect.BoolType: "true or false",
        inspect.StrType: "text",
        inspect.DictType: "a mapping",
        inspect.StructType: "a mapping",
    }
    return simple[type(kind)]


def _bounds(kind: Number) -> str:
    if kind.ge is not None and kind.le is not None:
        return f" from {kind.ge} to {kind.le}"
    low = "" if kind.gt is None else f" above {kind.gt:g}"
    low = low if kind.ge is None else f" of at least {kind.ge}"
    return low if kind.le is None else f"{low} and at most {kind.le:g}"
