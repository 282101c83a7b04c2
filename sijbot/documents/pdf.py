"""A page as a PDF of A4, by ReportLab."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any, Sequence
from xml.sax.saxutils import escape

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Image, KeepTogether, Paragraph, SimpleDocTemplate, Spacer

from sijbot.content.model import Content
from sijbot.documents.chart import SIZE_INCHES, chart
from sijbot.documents.pages import Page, Section

MARGIN, PICTURE_WIDTH, CHART_WIDTH = 16 * mm, 82 * mm, 150 * mm
PICTURE_SIZE = (640, 300)  # of the drawings, in their own units
_BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=9.5, leading=12.5)
_LINE = ParagraphStyle("line", parent=_BODY, leftIndent=4 * mm, bulletIndent=0)
_TITLE = ParagraphStyle("title", parent=_BODY, fontName="Helvetica-Bold", fontSize=16, leading=20, spaceAfter=3 * mm)
_HEAD = ParagraphStyle("head", parent=_BODY, fontName="Helvetica-Bold", fontSize=11, leading=14, spaceBefore=3 * mm, spaceAfter=1 * mm)
_FOOT = ParagraphStyle("foot", parent=_BODY, fontSize=8, leading=10, spaceBefore=4 * mm)


def pdf(content: Content, page: Page, sessions: Sequence[date], pictures: Path) -> bytes:
    """Return the page as a PDF. sessions: days with exercises, for the chart; pictures: the folder of drawings."""
    written = io.BytesIO()
    document = SimpleDocTemplate(
        written, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=MARGIN, title=page.title, author="sijbot", lang="en", invariant=1,
    )  # fmt: skip
    flow: list[Any] = [Paragraph(escape(page.title), _TITLE), Paragraph(escape(page.intro), _BODY)]
    for section in page.sections:
        flow.append(KeepTogether(_section(content, page, section, sessions, pictures)))
    flow.append(Paragraph(escape(page.foot), _FOOT))
    document.build(flow)
    return written.getvalue()


def _section(content: Content, page: Page, section: Section, sessions: Sequence[date], pictures: Path) -> list[Any]:
    flow: list[Any] = [Paragraph(escape(section.title), _HEAD)]
    if section.picture:
        flow += [Image(str(pictures / f"{section.picture}.png"), PICTURE_WIDTH, PICTURE_WIDTH * PICTURE_SIZE[1] / PICTURE_SIZE[0], hAlign="LEFT"), Spacer(0, 1 * mm)]
    flow += [Paragraph(escape(line), _LINE, bulletText="•") for line in section.lines]
    if section.has_chart:
        drawn = io.BytesIO(chart(content, page.days, sessions))
        flow += [Spacer(0, 2 * mm), Image(drawn, CHART_WIDTH, CHART_WIDTH * SIZE_INCHES[1] / SIZE_INCHES[0], hAlign="LEFT")]
    return flow
