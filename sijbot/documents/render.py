"""From the name of a file to the file, as the channel hands it out. Takes tens of milliseconds: never on the event loop."""

from __future__ import annotations

import json
from typing import Optional

from sijbot.documents import pages
from sijbot.records import coach as records
from sijbot.runtime import Runtime

CHART_SVG, CHART_PNG, SUMMARY, HOME_SHEET, DATA = NAMES = ("chart.svg", "chart.png", "summary.pdf", "home_sheet.pdf", "data.json")
_TYPES = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf", "json": "application/json; charset=utf-8"}


def render(parts: Runtime, name: str, conversation_id: str, region: Optional[str] = None) -> Optional[tuple[bytes, str]]:
    """Return (the file, its content type); None where there is nothing to show, or no file of that name."""
    made = _made(parts, name, conversation_id, region) if name in NAMES else None
    return (made, _TYPES[name.rpartition(".")[2]]) if made is not None else None


def _made(parts: Runtime, name: str, conversation_id: str, region: Optional[str]) -> Optional[bytes]:
    if name == DATA:
        with parts.engine.connect() as connection:
            rows = records.everything(connection, conversation_id)
        return json.dumps(rows, ensure_ascii=False, indent=1, default=str).encode()
    from sijbot.documents.chart import chart  # here: the libraries that draw are slow to import, and most conversations need none
    from sijbot.documents.pdf import pdf

    days, sessions = pages.chart_days(parts, conversation_id)
    if name in (CHART_SVG, CHART_PNG):
        return chart(parts.content, days, sessions, name.rpartition(".")[2]) if days else None
    page = pages.summary(parts, conversation_id, region) if name == SUMMARY else pages.home_sheet(parts, conversation_id, region)
    return pdf(parts.content, page, sessions, parts.settings.root / "pictures") if page else None
