"""What stands on a page, from the records: titles, lines and drawings, with no word of how it is laid out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Mapping, Optional, Sequence

from sijbot import clock
from sijbot.answering import details_words
from sijbot.coaching.diary import Day, day_text, days_of, trend_of, trend_text
from sijbot.coaching.plan import Item
from sijbot.coaching.programme import Person, aged, may_be_done, may_be_drawn, told_beside
from sijbot.coaching.say import amount_text
from sijbot.coaching.session import ENDED_WELL, NO, OVER, STAGES_WITH_PLAN, State, colour_of
from sijbot.content.model import Content
from sijbot.records import coach as records
from sijbot.records import repository
from sijbot.regions import words_of
from sijbot.runtime import Runtime
from sijbot.triage.lock import standing

SESSIONS_SHOWN, DENIALS_SHOWN = 8, 4  # the latest


@dataclass(frozen=True)
class Section:
    """A part of a page. picture: the name of a drawing; has_chart: the chart of the diary stands here."""

    title: str
    lines: tuple[str, ...]
    picture: Optional[str] = None
    has_chart: bool = False


@dataclass(frozen=True)
class Page:
    """A page: its days of the diary are for the chart."""

    title: str
    intro: str
    sections: tuple[Section, ...]
    foot: str
    days: tuple[Day, ...] = ()

    @property
    def text(self) -> str:
        """The page as plain text."""
        blocks = [self.intro]
        for section in self.sections:
            blocks.append("\n".join((f"{section.title}:", *(f"- {line}" for line in section.lines))))
        return "\n\n".join((*blocks, self.foot))


def chart_days(parts: Runtime, conversation_id: str, today: Optional[date] = None) -> tuple[list[Day], list[date]]:
    """Return the days of the diary that a chart shows, and the days with a session."""
    since = (today or clock.now().date()) - timedelta(parts.content.programme.numbers.trend_days - 1)
    with parts.engine.connect() as connection:
        days = days_of(records.diary(connection, conversation_id, since))
        rows = records.past_sessions(connection, conversation_id)
    return days, [row.day for row in rows if row.day >= since and row.state["logged"]]


def summary(parts: Runtime, conversation_id: str, region: Optional[str]) -> Page:
    """Return the page for a clinician: what hurts and since when, what was done, how the pain went, the answers about danger signs. Nothing that was not said."""
    content, now = parts.content, clock.now()
    coach = content.coach
    with parts.engine.connect() as connection:
        entries = records.diary(connection, conversation_id, now.date() - timedelta(records.DIARY_DAYS_READ))
        rows = records.past_sessions(connection, conversation_id)
        newest = records.newest_session(connection, conversation_id)
        found = repository.safety_log_of(connection, conversation_id)
        told = records.told(connection, conversation_id)
    hurts = details_words(content, told.details)
    conditions = sorted({*told.situations, *(newest.state["person"]["conditions"] if newest else ())})
    days = days_of(entries)
    done = [line for row in rows if (line := _session_line(content, row))]
    sections = (
        Section(coach["summary_hurts"], (f"{hurts[:1].upper()}{hurts[1:]}." if hurts else coach["summary_hurts_unknown"],)),
        *((Section(coach["summary_situation"], tuple(_capital(content.asked(each)) for each in conditions)),) if conditions else ()),
        Section(coach["summary_trend"], (trend_text(content, trend_of(content, days, now.date())),) if days else (coach["summary_pain_unknown"],), has_chart=len(days) > 1),
        Section(coach["summary_done"], tuple(done[-SESSIONS_SHOWN:]) or (coach["summary_no_sessions"],)),
        Section(coach["summary_signs"], _signs(content, [*rows, *([newest] if newest and not newest.is_over else [])], found)),
        Section(coach["summary_medicines"], (coach["summary_medicines_not_said"],)),
    )
    return Page(coach["summary_title"], coach["summary_intro"].format(day=day_text(now.date())), sections, coach["home_foot"], tuple(days))


def home_sheet(parts: Runtime, conversation_id: str, region: Optional[str]) -> Optional[Page]:
    """Return the exercises of the latest session that fit what is known of the person now, as a sheet to print.

    None where there are none, where a danger sign stands, and where questions come first: before the plan of a session, and so long after it that things may have changed.
    """
    content, now = parts.content, clock.now()
    with parts.engine.connect() as connection:
        lock = standing(repository.read_lock(connection, conversation_id), now)
        newest = records.newest_session(connection, conversation_id)
        told = records.told(connection, conversation_id, newest.at) if newest else records.Told()
    if newest is None or lock is not None:
        return None
    state, days, coach = State.from_dict(newest.state), (now.date() - newest.day).days, content.coach
    is_open = (state.paused_at or state.stage) in STAGES_WITH_PLAN or (state.stage in OVER and state.ended_by in ENDED_WELL)
    if not is_open or days >= content.programme.numbers.missed_days:
        return None
    person = told_beside(aged(content, state.person, days), told.situations, told.week)
    items = {item.exercise: item for place, item in enumerate(state.plan) if place not in state.stopped}  # each once, as it was planned last
    sections = tuple(_exercise(content, person, item) for item in items.values() if may_be_done(content, person, item.exercise, state.phase, item.posture))
    if not sections:
        return None
    phase = content.programme.phases[state.phase]
    intro = coach["home_intro"].format(phase=phase.title, aim=phase.aim, how_often=phase.how_often)
    return Page(coach["home_title"], f"{intro} {coach['home_stop'].format(**words_of(content, region))}", sections, coach["home_foot"])


def _exercise(content: Content, person: Person, item: Item) -> Section:
    exercise = content.exercises[item.exercise]
    is_usual = item.posture == exercise.postures[0]
    posture = () if is_usual else (content.coach["exercise_other_posture"].format(posture=content.coach[f"posture_{item.posture}"]),)
    adapt = tuple(caution.text for caution in exercise.adapt if caution.when in person.conditions)
    lines = (*posture, *exercise.steps_in(item.posture), amount_text(content, item), *adapt, content.coach["stop_if"].format(stop_if="; ".join(exercise.stop_if)))
    return Section(exercise.title, lines, item.exercise if is_usual and may_be_drawn(content, person, item.exercise) else None)


def _session_line(content: Content, row: records.StoredSession) -> Optional[str]:
    state = State.from_dict(row.state)
    if not state.logged and not state.stopped:
        return None
    after = content.coach["summary_pain_unknown"] if state.pain_after is None else state.pain_after
    values = {"day": day_text(row.day), "phase": content.programme.phases[state.phase].title, "sets": len(state.logged), "before": state.pain_before, "after": after, "colour": colour_of(content, state)}
    return content.coach["summary_session_line"].format(**values)


def _signs(content: Content, rows: Sequence[records.StoredSession], found: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return what was answered about danger signs, and what was mentioned, in the order of time."""
    coach, lines = content.coach, []
    denied: dict[str, list[datetime]] = {}
    for row in rows:
        said = "; ".join(content.sign(question).finding for question, answer in row.state["answers"].items() if answer == NO and content.programme.screen[question].raises)
        if said:
            denied.setdefault(said, []).append(row.begun_at)
    for entry in found:
        for finding in entry["findings"]:
            said = content.sign(finding["flag"]).finding
            if finding["outcome"] == "answered_no":
                denied.setdefault(said, []).append(entry["at"])
            elif finding["outcome"] in ("alarm", "seen"):
                key = "summary_signs_found" if finding["outcome"] == "alarm" else "summary_signs_seen"
                level = coach[f"level_{entry['level']}"] if entry["level"] else ""
                lines.append((entry["at"], coach[key].format(at=_at(entry["at"]), finding=said, level=level)))
    for said, moments in denied.items():
        lines.append((moments[-1], coach["summary_signs_no"].format(at=", ".join(map(_at, moments[-DENIALS_SHOWN:])), questions=said)))
    return tuple(line for _, line in sorted(lines, key=lambda each: each[0])) or (coach["summary_signs_none"],)


def _at(moment: datetime) -> str:
    return f"{day_text(moment.date())}, {moment:%H:%M} UTC"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
