"""Programs.

Law of this file: as natural_prose.py: a source of chance and a size in, one text out. The programs
need not run: they have the indentation, the repetitions and the punctuation of real ones.
"""

from random import Random

from tests.natural_prose import Maker, grow, sentence

NAMES = (
    "count",
    "total",
    "items",
    "node",
    "user",
    "path",
    "index",
    "buffer",
    "price",
    "name",
    "left",
    "result",
    "x",
    "i",
)

TYPES = ("int", "float", "char *", "size_t", "bool")


def name(chance: Random) -> str:
    """The name of a variable."""
    return chance.choice(NAMES) + chance.choice(["", "", "_id", "s", "2"])


def _block(chance: Random, depth: int) -> list[str]:
    pad = "    " * depth
    one, two = name(chance), name(chance)
    if depth < 4 and chance.random() < 0.5:
        head = chance.choice([f"if {one} > {two}:", f"for {one} in {two}:", f"while {one}:", "else:", "try:"])
        return [
            pad + head,
            *(line for _ in range(chance.randint(1, 3)) for line in _block(chance, depth + 1)),
        ]
    return [
        pad
        + chance.choice(
            [f"{one} = {two}", f"{one} += {chance.randint(0, 99)}", f"return {one}", f"print({one})"]
        )
    ]


def python(chance: Random, size: int) -> str:
    """Functions with nested blocks."""

    def function(dice: Random) -> str:
        body = [line for _ in range(dice.randint(2, 6)) for line in _block(dice, 1)]
        return "\n".join(
            [f"def {name(dice)}({name(dice)}, {name(dice)}=None):", f'    """{sentence(dice)}"""', *body]
        )

    text = grow(chance, size, function, "\n\n\n")
    return f"Here is the code:\n\n```python\n{text}\n```" if chance.random() < 0.5 else text


def indentation(chance: Random, size: int) -> str:
    """Nested blocks alone, and a tree of files."""
    if chance.random() < 0.3:
        return grow(
            chance, size, lambda dice: "│   " * dice.randint(0, 4) + "├── " + name(dice) + ".py", "\n"
        )
    return grow(chance, size, lambda dice: "\n".join(_block(dice, dice.randint(0, 2))), "\n")


def c_program(chance: Random, size: int) -> str:
    """Braces, pointers, and doubled signs."""

    def function(dice: Random) -> str:
        one, two = name(dice), name(dice)
        return (
            f"static {dice.choice(TYPES)} {one}({dice.choice(TYPES)} {two})\n{{\n"
            f"\tfor (int i = 0; i < {two}; i++) {{\n\t\tif ({one}[i] == {two}[i] && i != 0) {{\n"
            f"\t\t\t{one}[i]--;\n\t\t}}\n\t}}\n\treturn {one};\n}}"
        )

    return grow(chance, size, function, "\n\n")


def javascript(chance: Random, size: int) -> str:
    """Arrow functions, template strings and promises."""

    def function(dice: Random) -> str:
        one, two = name(dice), name(dice)
        return (
            f"const {one} = async ({two}) => {{\n  const {name(dice)} = await fetch(`/api/${{{two}}}`);\n"
            f"  {one}.forEach(({two}) => {{\n"
            f"    console.log({two} === null ? '' : `{one}: ${{{two}}}`);\n  }});\n}};"
        )

    return grow(chance, size, function, "\n\n")


def sql(chance: Random, size: int) -> str:
    """Queries and inserts."""

    def query(dice: Random) -> str:
        one, two = name(dice), name(dice)
        if dice.random() < 0.5:
            values = f"({dice.randint(1, 99)}), ({dice.randint(1, 99)})"
            return f"INSERT INTO {one} ({two}) VALUES {values};"  # noqa: S608 - a text about queries
        where = f"WHERE {two} > {dice.randint(1, 500)}"
        return f"SELECT {one}, {two}\nFROM {one}\n{where}\nORDER BY {one} DESC;"

    return grow(chance, size, query, "\n\n")


def html(chance: Random, size: int) -> str:
    """Nested elements."""

    def element(dice: Random) -> str:
        tag = dice.choice(["p", "li", "div", "td", "span"])
        inner = sentence(dice) if dice.random() < 0.7 else f"<{tag}><{tag}>{name(dice)}</{tag}></{tag}>"
        return f'  <{tag} class="{name(dice)}">{inner}</{tag}>'

    return "<!DOCTYPE html>\n<html>\n<body>\n" + grow(chance, size, element, "\n") + "\n</body>\n</html>"


CODE: dict[str, Maker] = {
    "python": python,
    "indentation": indentation,
    "c": c_program,
    "javascript": javascript,
    "sql": sql,
    "html": html,
}
