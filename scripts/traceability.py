"""Writes the traceability table into docs/safety.md: for every red flag its file, its sources, its cases and the tests that hold them. `make traceability`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from sijbot.content import Content, load

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "safety.md"
BEGIN, END = "<!-- traceability: written by `make traceability` -->", "<!-- end of traceability -->"
TESTS = "`tests/content/test_red_flag_cases.py`"


def table(content: Content) -> str:
    """Return the table as Markdown, a row for every red flag."""
    rows = ["| red flag | level | rules | sources | cases (fire, ask, none) | combinations | tests |", "|---|---|---|---|---|---|---|"]
    for flag_id, flag in sorted(content.red_flags.items()):
        expected = Counter(case.expect for case in content.cases[flag_id])
        combinations = [key for key, combination in content.combinations.items() if combination.raises == flag_id]
        levels = dict.fromkeys([flag.level, *(pattern.level for pattern in flag.patterns if pattern.level)])
        rows.append(
            f"| {flag_id} | {', '.join(levels)} | [{flag_id}.yml](../content/red_flags/{flag_id}.yml) ({len(flag.patterns)}) | {', '.join(flag.sources)} "
            f"| [{sum(expected.values())}](../content/red_flags/{flag_id}.cases.yml) ({expected['fire']}, {expected['ask']}, {expected['none']}) "
            f"| {', '.join(combinations) or '–'} | {TESTS} `[{flag_id}]` |"
        )
    return "\n".join(rows)


def written(page: str, content: Content) -> str:
    """Return the page with the table of this content between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(content)}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), load(ROOT / "content")), encoding="utf-8")
