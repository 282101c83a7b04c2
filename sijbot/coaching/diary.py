"""The pain diary: what a sentence tells, what the days show, and how that is said."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Optional, Protocol, Sequence

from sijbot.coaching.programme import Past
from sijbot.coaching.reading import Answer, pain_of
from sijbot.content.model import Content
from sijbot.regions import words_of
from sijbot.replies import Document, Reply

PAIN, LAST = "pain", "last"  # what the diary waits for: a number, or a correction of the entry just written
_YESTERDAY, _TODAY = re.compile(r"\byesterday\b"), re.compile(r"\b(?:today|tonight|now|this (?:morning|afternoon|evening))\b")
_CORRECTS = re.compile(r"\b(?:mean|meant|sorry|actually|wrong|mistake|typo|correct(?:ion)?|put|make (?:it|that)|change|rather|instead|no)\b")
UP, DOWN, SAME, FEW = "trend_up", "trend_down", "trend_same", "trend_few"


class DiaryEntry(Protocol):
    """What is needed of an entry."""

    day: date
    pain: int
    worse: Optional[str]


class Day(NamedTuple):
    """The entries of a day: the last, the lowest and the highest pain."""

    day: date
    pain: int
    low: int
    high: int


@dataclass(frozen=True)
class Trend:
    """How the pain goes: `kind` is the key of its text; first, last: means of the first and the latest days, to one digit."""

    kind: str
    first: float = 0.0
    last: float = 0.0
    days: int = 0
    low: int = 0
    high: int = 0


def entries_of(answer: Answer) -> list[tuple[int, int]]:
    """Return (days ago, pain) of every number that a message tells, in order: "yesterday a 6 in the morning, 3 at night, today 3" tells three."""
    marks = sorted([(found.start(), 1) for found in _YESTERDAY.finditer(answer.text)] + [(found.start(), 0) for found in _TODAY.finditer(answer.text)])
    if len({days_ago for _, days_ago in marks}) < 2:
        pain = pain_of(answer)
        return [] if pain is None else [(marks[0][1] if marks else 0, pain)]
    told = []
    for number in answer.numbers:
        if number.unit in (None, "score") and number.value <= 10:
            before = [days_ago for start, days_ago in marks if start <= number.end]
            told.append((before[-1] if before else marks[0][1], math.ceil(number.value)))
    return told


def tells_pain(answer: Answer) -> bool:
    """Return whether a message shows that its number is a pain, of a day: "10" alone may be anything."""
    is_shown = answer.says("pain_word") or answer.says("pain_place") or bool(_YESTERDAY.search(answer.text) or _TODAY.search(answer.text))
    return is_shown or any(number.unit == "score" for number in answer.numbers) or answer.says("no_pain")


def is_correction(answer: Answer) -> bool:
    """Return whether a message puts right what was said just before: "sorry, I mean 3"."""
    return bool(_CORRECTS.search(answer.text)) or answer.bare is not None


def days_of(entries: Sequence[DiaryEntry]) -> list[Day]:
    """Return the days that have entries, oldest first. entries: oldest first."""
    by_day: dict[date, list[int]] = {}
    for entry in entries:
        by_day.setdefault(entry.day, []).append(entry.pain)
    return [Day(day, pains[-1], min(pains), max(pains)) for day, pains in sorted(by_day.items())]


def trend_of(content: Content, days: Sequence[Day], today: date) -> Trend:
    """Return the trend of the latest weeks: the mean of the latest third of the days against that of the first third."""
    numbers = content.programme.numbers
    recent = [day for day in days if (today - day.day).days < numbers.trend_days]
    low, high = min((day.low for day in recent), default=0), max((day.high for day in recent), default=0)
    if len(recent) < numbers.trend_fewest:
        return Trend(FEW, days=len(recent), low=low, high=high)
    third = max(1, len(recent) // 3)
    first, last = (sum(day.pain for day in some) / third for some in (recent[:third], recent[-third:]))
    kind = DOWN if first - last >= numbers.trend_change else UP if last - first >= numbers.trend_change else SAME
    return Trend(kind, round(first, 1), round(last, 1), len(recent), low, high)


def trend_text(content: Content, trend: Trend) -> str:
    """Return a trend in words."""
    return content.coach[trend.kind].format(**{"first": trend.first, "last": trend.last, "days": trend.days, "low": trend.low, "high": trend.high})


def day_text(day: date) -> str:
    """Return a day as it is said: "30 November 2026"."""
    return f"{day.day} {day:%B %Y}"


def noted_text(content: Content, pain: int, days_ago: int, worse: Optional[str], is_corrected: bool) -> str:
    """Return what was written down, said back."""
    said = content.coach["diary_worse"].format(worse=content.details[f"worse_{worse}"].note) if worse else ""
    day = content.coach["diary_yesterday" if days_ago else "diary_today"]
    return content.coach["diary_corrected" if is_corrected else "diary_noted"].format(pain=pain, day=day, worse=said)


def progress_reply(content: Content, entries: Sequence[DiaryEntry], done: Sequence[Past], today: date, region: Optional[str]) -> Reply:
    """Return how the pain has gone, in words, with a chart where there are days enough for one."""
    days, coach = days_of(entries), content.coach
    if not days:
        return Reply(coach["progress_none"])
    sessions = coach["progress_sessions"].format(sessions=len(done), day=day_text(done[-1].session.day)) if done else ""
    named = Counter(entry.worse for entry in entries if entry.worse).most_common(1)
    worst = coach["progress_worst"].format(worse=content.details[f"worse_{named[0][0]}"].note) if named else ""
    latest = coach["progress_latest"].format(pain=days[-1].pain, day=day_text(days[-1].day))
    trend = trend_of(content, days, today)
    advice = f" {coach['trend_up_advice'].format(**words_of(content, region))}" if trend.kind == UP else ""
    text = coach["progress"].format(trend=trend_text(content, trend) + advice, latest=latest, sessions=sessions, worst=worst)
    documents = (Document("chart.svg", coach["progress_title"], chart_shows(content, days)), Document("chart.png", coach["download_chart"]))
    return Reply(text, title=coach["progress_title"], documents=documents)


def chart_shows(content: Content, days: Sequence[Day]) -> str:
    """Return what the chart shows, for somebody who cannot see it: every day of the latest weeks with its number."""
    shown = [day for day in days if (days[-1].day - day.day).days < content.programme.numbers.trend_days]
    points = ", ".join(content.coach["chart_point"].format(day=f"{day.day.day} {day.day:%b}", pain=day.pain) for day in shown)
    values = {"from": day_text(shown[0].day), "to": day_text(shown[-1].day), "points": points}
    return content.coach["chart_shows"].format(**values)


