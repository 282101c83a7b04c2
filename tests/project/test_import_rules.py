"""Who may import what (docs/architecture.md): the edges know the frameworks, the core does not."""

from __future__ import annotations

import ast
import functools
from typing import Iterator

import pytest

from sijbot.settings import ROOT

CODE = ("sijbot", "actions", "migrations", "evaluation")
# package -> the folders and files that may import it
MAY_IMPORT = {
    "rasa": ("sijbot/adapters/",),
    "rasa_sdk": ("actions/", "sijbot/adapters/local_actions.py"),
    "sanic": ("sijbot/adapters/",),
    "limits": ("sijbot/adapters/",),
    "aiohttp": ("sijbot/adapters/", "sijbot/bench_load_client.py", "evaluation/faults/"),
    "aio_pika": ("sijbot/adapters/sinks.py",),
    "smtplib": ("sijbot/adapters/sinks.py",),
    "sqlalchemy": ("sijbot/records/", "migrations/"),
    "alembic": ("sijbot/records/", "migrations/"),
    "spacy": ("sijbot/facts.py",),
    "onnxruntime": ("sijbot/language/",),
    "tokenizers": ("sijbot/language/",),
    "prometheus_client": ("sijbot/metrics.py",),
    "tensorflow": (),
}
READS_ENVIRONMENT = ("sijbot/settings.py", "sijbot/cli.py", "sijbot/bench.py", "sijbot/bench_template.py", "evaluation/faults/processes.py", "evaluation/faults/under_test.py")


@functools.cache
def modules() -> list[tuple[str, ast.Module]]:
    """Return (path from the root, syntax tree) of every Python file of the product."""
    paths = [path for folder in CODE for path in sorted((ROOT / folder).rglob("*.py"))]
    return [(path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the full name of every imported module, also of imports inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def uses_environment(tree: ast.AST) -> bool:
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) == "os"}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "os" for alias in node.names}
    return bool(names & {"environ", "environb", "getenv", "putenv"})


def test_imports_inside_functions_count():
    tree = ast.parse("def late():\n    import rasa.core\n    from spacy.tokens import Doc\n")

    assert list(imported(tree)) == ["rasa.core", "spacy.tokens"]


@pytest.mark.parametrize("statement", ["import os\nos.environ['A']", "import os\nos.getenv('A')", "from os import environ"])
def test_every_way_to_the_environment_counts(statement):
    assert uses_environment(ast.parse(statement))


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_only_the_edge_imports(package):
    importers = {path for path, tree in modules() if any(name.split(".")[0] == package for name in imported(tree))}

    assert sorted(path for path in importers if not path.startswith(MAY_IMPORT[package])) == []


@pytest.mark.parametrize("folder", ["sijbot/triage/", "sijbot/language/", "sijbot/content/", "sijbot/records/"])
def test_core_knows_neither_adapters_nor_actions(folder):
    names = {name for path, tree in modules() if path.startswith(folder) for name in imported(tree)}

    assert not {name for name in names if name.startswith("sijbot.adapters") or name.split(".")[0] == "actions"}


def test_only_settings_and_the_starters_touch_the_environment():
    touching = {path for path, tree in modules() if uses_environment(tree)}

    assert touching <= set(READS_ENVIRONMENT)


def test_command_line_only_sets_defaults_before_it_imports():
    body = ast.parse((ROOT / "sijbot" / "cli.py").read_text(encoding="utf-8")).body
    harmless = {"__future__", "os", "sys"}
    first_import = next(number for number, node in enumerate(body) if isinstance(node, (ast.Import, ast.ImportFrom)) and not set(imported(node)) <= harmless)

    early = [ast.unparse(node) for node in body[:first_import] if uses_environment(node)]
    later = [ast.unparse(node) for node in body[first_import:] if uses_environment(node)]

    assert early and all(call.startswith("os.environ.setdefault(") for call in early)
    assert later == []
