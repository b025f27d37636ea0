"""Data and tables.

Law of this file: as natural_prose.py: a source of chance and a size in, one text out.
"""

import base64
from random import Random

from tests.natural_code import name
from tests.natural_prose import Maker, grow, sentence


def json_data(chance: Random, size: int) -> str:
    """Records in JSON, on one line or indented."""
    indent = chance.choice(["", "  ", "    "])

    def record(dice: Random) -> str:
        fields = [f'"{name(dice)}": {dice.choice([str(dice.randint(0, 9999)), "null", "[]", "{}", "true"])}']
        fields.append(f'"text": "{sentence(dice)}"')
        glue = ",\n" + indent * 2 if indent else ", "
        return (
            ("{\n" + indent * 2 if indent else "{")
            + glue.join(fields)
            + ("\n" + indent + "}" if indent else "}")
        )

    rows = grow(chance, size, record, ",\n" + indent if indent else ", ")
    return f'{{"items": [{rows}]}}' if not indent else f"[\n{indent}{rows}\n]"


def yaml_data(chance: Random, size: int) -> str:
    """A configuration in YAML."""

    def entry(dice: Random) -> str:
        enabled, port = dice.choice(["true", "false"]), dice.randint(1, 9999)
        return f"  - name: {name(dice)}\n    enabled: {enabled}\n    port: {port}"

    return "services:\n" + grow(chance, size, entry, "\n")


def table(chance: Random, size: int) -> str:
    """Tables: markdown, comma-separated, tab-separated, or drawn."""
    form = chance.choice(["| {} | {} | {} |", "{},{},{}", "{}\t{}\t{}", "║ {} ║ {} ║ {} ║"])
    head = form.format("Name", "Count", "Price")
    rule = {"|": "\n|------|-------|-------|", "║": "\n╠══════╬═══════╬═══════╣"}.get(form[0], "")

    def row(dice: Random) -> str:
        cells = [name(dice), str(dice.randint(0, 1000)), f"{dice.random() * 100:.2f}"]
        return form.format(*(cell.ljust(9) if form.startswith("|") else cell for cell in cells))

    return f"{head}{rule}\n{grow(chance, size, row, chr(10))}"


def log_lines(chance: Random, size: int) -> str:
    """Log lines: all begin alike."""

    def line(dice: Random) -> str:
        day, hour, minute = dice.randint(1, 31), dice.randint(0, 23), dice.randint(0, 59)
        stamp = f"2025-03-{day:02}T{hour:02}:{minute:02}:07.{dice.randint(0, 999):03}Z"
        return f"{stamp} {dice.choice(['INFO', 'WARN', 'ERROR'])} [{name(dice)}] {sentence(dice)}"

    return grow(chance, size, line, "\n")


def base64_data(chance: Random, size: int) -> str:
    """Base64, whole or in lines of 76."""
    text = base64.b64encode(chance.randbytes(max(3, size * 3 // 4))).decode()
    return text if chance.random() < 0.5 else "\n".join(text[at : at + 76] for at in range(0, len(text), 76))


def hex_dump(chance: Random, size: int) -> str:
    """Bytes in hexadecimal: many of them zero."""

    def row(dice: Random) -> str:
        return " ".join(dice.choice(["00", "00", "ff", f"{dice.randint(0, 255):02x}"]) for _ in range(16))

    return grow(chance, size, row, "\n")


def diff(chance: Random, size: int) -> str:
    """A patch: doubled signs at the beginning of lines."""

    def hunk(dice: Random) -> str:
        first = dice.randint(1, 400)
        lines = [
            f"{dice.choice(' +-')}{'    ' * dice.randint(0, 3)}{name(dice)} = {name(dice)}" for _ in range(6)
        ]
        return f"@@ -{first},6 +{first},7 @@\n" + "\n".join(lines)

    file = name(chance)
    return f"--- a/{file}.py\n+++ b/{file}.py\n" + grow(chance, size, hunk, "\n")


DATA: dict[str, Maker] = {
    "json": json_data,
    "yaml": yaml_data,
    "table": table,
    "log lines": log_lines,
    "base64": base64_data,
    "hex dump": hex_dump,
    "diff": diff,
}
