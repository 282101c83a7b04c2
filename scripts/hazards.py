"""Reads the hazard log (`safety/hazards.yml`), says what is wrong with it, and writes it as a table into docs/safety.md. `make hazards`."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

import yaml

ROOT = Path(__file__).resolve().parent.parent
LOG = ROOT / "safety" / "hazards.yml"
PAGE = ROOT / "docs" / "safety.md"
BEGIN, END = "<!-- hazards: written by `make hazards` -->", "<!-- end of hazards -->"
KEYS = ("id", "hazard", "meets", "harm", "severity", "causes", "controls", "likelihood", "left")
ID = re.compile(r"[a-z][a-z0-9_]*")
TEST = re.compile(r"(?P<file>tests/[\w/]+\.py)::(?P<name>test_\w+)(?:\[[ -~]+\])?")  # pytest writes other letters of a case in its own way


class HazardLogError(Exception):
    """The log cannot be used; the message names every fault, one a line."""


@dataclass(frozen=True)
class Control:
    """What keeps a hazard from harming, and the tests that prove it."""

    what: str
    tests: Sequence[str]


@dataclass(frozen=True)
class Hazard:
    """One hazard: whom it meets, how bad the harm is (1–5), how likely without and with the controls (1–5 each), and what is left."""

    id: str
    hazard: str
    meets: str
    harm: str
    severity: int
    causes: Sequence[str]
    controls: Sequence[Control]
    before: int
    after: int
    left: str


@dataclass(frozen=True)
class HazardLog:
    """The whole log. risks: for each likelihood the risk at each severity, both from 1 up; scales: the words for the numbers."""

    hazards: Sequence[Hazard]
    risks: Mapping[int, Sequence[int]]
    scales: Mapping[str, Mapping[int, str]]

    def risk(self, hazard: Hazard, likelihood: int) -> int:
        """Return the risk of a hazard at a likelihood: 1 (acceptable) to 5 (unacceptable)."""
        return self.risks[likelihood][hazard.severity - 1]

    @cached_property
    def hazards_of_tests(self) -> dict[str, list[str]]:
        """Return the ids of the hazards that each named test controls."""
        found: dict[str, list[str]] = {}
        for hazard in self.hazards:
            for control in hazard.controls:
                for test in control.tests:
                    found.setdefault(test, []).append(hazard.id)
        return found


def load(path: Path = LOG) -> HazardLog:
    """Return the log. Raises: HazardLogError naming every fault."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    faults = [f"{path.name}: {fault}" for fault in _faults(data)]
    if faults:
        raise HazardLogError("\n".join(faults))
    return HazardLog([_hazard(each) for each in data["hazards"]], data["risks"], data["scales"])


def _faults(data: Any) -> Iterator[str]:
    if not isinstance(data, dict) or set(data) != {"scales", "risks", "hazards"}:
        yield "must hold `scales`, `risks` and `hazards`, and nothing else"
        return
    numbers = range(1, 6)
    if sorted(data["risks"]) != list(numbers) or any(len(row) != len(numbers) for row in data["risks"].values()):
        yield "risks: must have five rows of five"
    seen: set[str] = set()
    for number, each in enumerate(data["hazards"], start=1):
        name = each.get("id", f"entry {number}")
        if tuple(each) != KEYS:
            yield f"{name}: keys must be {', '.join(KEYS)}, in this order"
            continue
        if not ID.fullmatch(name) or name in seen:
            yield f"{name}: the id must be lower_snake and stand once"
        seen.add(name)
        yield from (f"{name}: {key} is empty" for key in KEYS if not each[key])
        if each["severity"] not in numbers or not isinstance(each["likelihood"], dict) or sorted(each["likelihood"]) != ["after", "before"] or any(value not in numbers for value in each["likelihood"].values()):
            yield f"{name}: severity, likelihood before and after must be 1 to 5"
        elif each["likelihood"]["after"] > each["likelihood"]["before"]:
            yield f"{name}: controls make nothing more likely"
        for control in each["controls"]:
            if tuple(control) != ("what", "tests") or not control["tests"]:
                yield f"{name}: a control has `what` and at least one of `tests`"
                continue
            yield from (f"{name}: '{test}' is not a test (tests/…/test_….py::test_…)" for test in control["tests"] if not TEST.fullmatch(test))


def _hazard(each: Mapping[str, Any]) -> Hazard:
    controls = [Control(control["what"].strip(), control["tests"]) for control in each["controls"]]
    likelihood = each["likelihood"]
    return Hazard(each["id"], each["hazard"], each["meets"], each["harm"], each["severity"], each["causes"], controls, likelihood["before"], likelihood["after"], each["left"].strip())


def missing_tests(tests: Sequence[str], root: Path = ROOT) -> list[str]:
    """Return the named tests that do not stand in their file. A case in brackets is looked for only when the tests run."""
    defined: dict[str, set[str]] = {}
    missing = []
    for test in tests:
        found = TEST.fullmatch(test)
        if found["file"] not in defined:
            defined[found["file"]] = _functions(root / found["file"])
        if found["name"] not in defined[found["file"]]:
            missing.append(test)
    return missing


def _functions(path: Path) -> set[str]:
    if not path.is_file():
        return set()
    return {node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


def table(log: HazardLog) -> str:
    """Return the log as Markdown, a row for every hazard, the greatest risk that is left first."""
    rows = ["| hazard, whom it meets, what it may do | causes | controls, and the tests that prove them | risk before → after | what is left |", "|---|---|---|---|---|"]
    for hazard in sorted(log.hazards, key=lambda each: -log.risk(each, each.after)):
        controls = "<br>".join(f"{control.what}: {', '.join(f'`{test}`' for test in control.tests)}" for control in hazard.controls)
        before, after = (f"**{log.risk(hazard, likelihood)}** ({hazard.severity} × {likelihood})" for likelihood in (hazard.before, hazard.after))
        rows.append(f"| **{hazard.id}**: {hazard.hazard}<br>*Meets* {hazard.meets}<br>*Harm:* {hazard.harm} | {'<br>'.join(hazard.causes)} | {controls} | {before} → {after} | {hazard.left} |")
    return "\n".join(row.replace("\n", " ") for row in rows)


def scales(log: HazardLog) -> str:
    """Return what the numbers mean, as Markdown."""
    rows = ["| | severity of the harm | likelihood | risk |", "|---|---|---|---|"]
    words = log.scales
    return "\n".join(rows + [f"| {number} | {words['severity'][number]} | {words['likelihood'][number]} | {words['risk'][number]} |" for number in range(5, 0, -1)])


def written(page: str, log: HazardLog) -> str:
    """Return the page with the tables of this log between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{scales(log)}\n\n{table(log)}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), load()), encoding="utf-8")
