"""What the README says must be so."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXPLAINED = README.split("## When it says something")[1].split("\n## ")[0]
QUOTED = re.findall(r"`([^`]+)`", "\n".join(row.split("|")[1] for row in re.findall(r"^\| .*`.*$", EXPLAINED, re.M)))
COMMANDS = re.findall(r"^rawclean ([a-z]+) .*#", README, re.M)


def texts() -> list[str]:
    """All texts of the program; in place of a value that is put into one stands an ellipsis."""
    found = []
    for path in (ROOT / "rawclean").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else " ... " for part in node.values]
                found.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


@pytest.mark.parametrize("message", QUOTED)
def test_every_message_that_is_explained_is_one_of_the_program(message):
    parts = [re.escape(part.strip()) for part in message.split("...") if part.strip()]
    assert any(re.search(".*".join(parts), text, re.S) for text in texts()), message


def test_there_are_messages_to_explain():
    assert len(QUOTED) > 10


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_every_command_that_is_shown_exists(rawclean, command):
    assert rawclean(command, "--help").status == 0


@pytest.mark.parametrize("option", sorted(set(re.findall(r"`(--[a-z-]+)", README))))
def test_every_option_that_is_named_exists(option):
    declared = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "rawclean" / "cli").glob("*.py"))
    assert option in declared or option.removeprefix("--").replace("-", "_") in declared
