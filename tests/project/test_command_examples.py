"""Every command shows an example in its --help, and the example is one that the command accepts."""

from __future__ import annotations

import re
import shlex
from typing import Iterator

import click
import pytest
import typer.main
from typer.testing import CliRunner

from sijbot.cli import app

NAMED = {"run", "train", "chat", "converse", "screen", "ask", "bench", "relay", "outbox", "content check", "content preview", "content due"}


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield (words after `sijbot`, command) of every command that does something."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = [pytest.param(path, command, id=" ".join(path)) for path, command in commands(typer.main.get_command(app))]


def example(command: click.Command) -> list[str]:
    """Return the words after `sijbot` in the example of a command."""
    words = shlex.split((command.epilog or "").removeprefix("Example:"))
    return words[words.index("sijbot") + 1 :]


def test_commands_of_the_architecture_are_there():
    assert NAMED <= {parameter.id for parameter in COMMANDS}


def test_command_that_is_not_there_is_refused():
    result = CliRunner().invoke(app, ["fly"])

    assert result.exit_code == 2


@pytest.mark.parametrize("path, command", COMMANDS)
def test_help_shows_what_it_does_and_an_example(path, command):
    result = CliRunner().invoke(app, [*path, "--help"])

    text = re.sub(r"\s+", " ", result.output)
    assert result.exit_code == 0
    assert "Example: " in text and f"sijbot {' '.join(path)}" in text
    assert command.help and command.help.splitlines()[0] in text


@pytest.mark.parametrize("path, command", COMMANDS)
def test_example_is_accepted(path, command):
    words = example(command)

    context = command.make_context(path[-1], words[len(path) :])

    assert tuple(words[: len(path)]) == path and context.args == []
