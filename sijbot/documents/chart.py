"""The chart of the diary: pain by day, with the range of a day and the days with exercises."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Sequence

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import DateFormatter, DayLocator
from matplotlib.figure import Figure

from sijbot.coaching.diary import Day
from sijbot.coaching.session import HIGHEST_PAIN
from sijbot.content.model import Content

SIZE_INCHES, DOTS_PER_INCH = (6.0, 3.2), 150
INK, LINE, SESSION = "#1f2d3a", "#2b5c8a", "#6b8f3c"  # told apart by shape too
_MOST_MARKS = 10
_STYLE = {"svg.hashsalt": "sijbot", "svg.fonttype": "none", "font.family": "DejaVu Sans", "font.size": 12}


def chart(content: Content, days: Sequence[Day], sessions: Sequence[date], kind: str = "png") -> bytes:
    """Return the chart as a picture.

    days: oldest first, one at least; sessions: days with exercises; kind: png or svg. The picture is the same for the same days.
    """
    with rc_context(_STYLE):
        figure = Figure(figsize=SIZE_INCHES, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        at = [day.day for day in days]
        axes.vlines(at, [day.low for day in days], [day.high for day in days], color=LINE, alpha=0.35, linewidth=4)
        axes.plot(at, [day.pain for day in days], color=LINE, marker="o", markersize=5, linewidth=1.5)
        for day in days if len(days) <= _MOST_MARKS else (days[0], days[-1]):
            axes.annotate(str(day.pain), (day.day, day.high), textcoords="offset points", xytext=(0, 7), ha="center", color=INK)
        shown = [day for day in sorted(set(sessions)) if days[0].day <= day <= days[-1].day]
        if shown:
            axes.plot(shown, [0.25] * len(shown), linestyle="none", marker="^", color=SESSION, label=content.coach["chart_session"], clip_on=False)
            axes.legend(loc="upper right", frameon=False)
        span = (at[-1] - at[0]).days
        axes.set(ylim=(0, HIGHEST_PAIN + 0.9), xlim=(at[0] - timedelta(days=1), at[-1] + timedelta(days=1)), ylabel=content.coach["chart_axis"])
        axes.set_yticks(range(0, HIGHEST_PAIN + 1, 2))
        axes.xaxis.set_major_locator(DayLocator(interval=max(1, span // 5 + bool(span % 5))))
        axes.xaxis.set_major_formatter(DateFormatter("%-d %b"))
        axes.grid(axis="y", alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        written = io.BytesIO()
        figure.savefig(written, format=kind, dpi=DOTS_PER_INCH, metadata={"Date": None} if kind == "svg" else {"Software": None})
    return written.getvalue()
