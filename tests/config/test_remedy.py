"""What is said to write in place of a value of the wrong kind, and that it is right."""

from typing import Any

import pytest
import yaml
from msgspec import inspect

from tests.config.reference import SECTIONS
from tokenweir.config.check import check
from tokenweir.config.environment import variable
from tokenweir.config.kinds import CONFIG, entries_of, fields_of, kind_of, leaves
from tokenweir.config.read import read_config
from tokenweir.config.reading import Place, Reading
from tokenweir.config.remedy import EXAMPLES, example, form, remedy

FIELDS = [(name, field) for struct in SECTIONS.values() for name, field in fields_of(kind_of(struct)).items()]
BACKEND = fields_of(kind_of(SECTIONS["A backend"]))


@pytest.mark.parametrize(("name", "field"), FIELDS, ids=[name for name, _ in FIELDS])
def test_an_example_is_what_the_key_takes(name: str, field: inspect.Field) -> None:
    """C04: on its line of YAML it reads as it was meant; what it is fits the struct."""
    value = example((name,), field.type)
    line = form((name,), value)

    assert "\n" not in line
    assert yaml.safe_load(f"{{{line}}}") == {name: value}


def test_the_examples_are_right() -> None:
    """C04: each key's, at its place in a configuration."""
    values = _tree(CONFIG)
    reading = Reading(Place("example"))
    reading.values = values
    config = check(reading)

    reading.settle()
    assert config.server.port == 3000
    assert {name for name, _ in FIELDS} >= EXAMPLES.keys()


def _tree(kind: inspect.StructType) -> dict[str, Any]:
    """Every key with its example."""
    return {
        name: {"local": _tree(entry)} if (entry := entries_of(field)) else example((name,), field.type)
        for name, field in fields_of(kind).items()
    }


def test_the_examples_are_right_as_variables() -> None:
    """C13: what is said of a variable can be put into it."""
    keys = {".".join(way): (way, field) for way, field in leaves(CONFIG)}
    wanted = ["server.port", "server.page", "server.log", "inference.allowed_models", "inference.defaults"]
    environ = {
        variable(way): form(way, example(way, field.type), bare=True)
        for way, field in [*(keys[name] for name in wanted), keys["inference.provider"]]
    }
    config = read_config(None, environ).config

    assert config.inference is not None
    assert config.inference.allowed_models == ["qwen3-8b", "gemma-3"]
    assert config.inference.defaults == {"temperature": 0.2}
    assert (config.server.port, config.server.page) == (3000, True)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("max_concurrent", "2", ": leave out the quotes"),
        ("max_concurrent", "'2'", ": leave out the quotes"),
        ("max_concurrent", 1e3, ": write max_concurrent: 1000"),
        ("max_concurrent", 1.5, "; for example max_concurrent: 4"),
        ("max_concurrent", "two", "; for example max_concurrent: 4"),
        ("max_concurrent", [2], "; for example max_concurrent: 4"),
        ("allowed_models", "sk-canary", "; for example allowed_models: [qwen3-8b, gemma-3]"),
        ("http", None, ": leave it out, or write for example http: {timeout_secs: 60}"),
        ("default_model", 7, ": put it in quotes"),
        ("default_model", True, ": put it in quotes"),
        ("default_model", {}, "; for example default_model: qwen3-8b"),
    ],
)
def test_what_to_write(name: str, value: object, said: str) -> None:
    """C04, P24: by the shape of what was written, which is never repeated."""
    assert remedy((name,), BACKEND[name].type, value, optional=True) == said


@pytest.mark.parametrize(
    ("word", "meant"), [("yes", "true"), ("On", "true"), ("NO", "false"), ("off", "false")]
)
def test_flags_of_older_yaml(word: str, meant: str) -> None:
    """C04: what was true or false in YAML 1.1 is text now."""
    assert remedy(("page",), inspect.BoolType(), word) == f": write page: {meant}"
    assert remedy(("page",), inspect.BoolType(), word, bare=True) == f": write {meant}"
