"""What there is about somebody, said in plain words."""

from __future__ import annotations

from datetime import date
from typing import Any, Mapping, Optional, Protocol, Sequence

from sijbot.answering import details_words
from sijbot.coaching.diary import day_text
from sijbot.content.model import Content
from sijbot.replies import Reply


class Kept(Protocol):
    """What is needed of `records.coach.Keeping`."""

    is_agreed: Optional[bool]
    is_off: bool
    at: Any


def known_reply(
    content: Content, rows: Mapping[str, Sequence[Mapping[str, Any]]], kept: Kept, situations: Sequence[str], details: Mapping[str, str], keep_days: int,
) -> Reply:  # fmt: skip
    """Return everything that is kept about somebody, in words. rows: by table, as `records.coach.everything`; keep_days: how long it is kept by consent."""
    coach = content.coach
    messages = sum(row["kind"] == "user" for row in rows["conversation_event"])
    conditions = {condition for row in rows["coach_session"] for condition in row["state"]["person"]["conditions"]}
    entries = sorted(rows["diary_entry"], key=lambda row: (row["day"], row["id"]))
    found = dict.fromkeys(finding["flag"] for row in rows["safety_log"] for finding in row["findings"] if finding["outcome"] == "alarm")
    passed_on = dict.fromkeys(flag for row in rows["hand_off"] if row["outbox_id"] for flag in row["flags"])
    lines = [
        coach["known_conversation"].format(messages=messages) if messages else "",
        coach["known_situations"].format(situations="; ".join(content.asked(each) for each in sorted({*situations, *conditions}))) if situations or conditions else "",
        coach["known_details"].format(details=details_words(content, details)) if details else "",
        coach["known_diary"].format(entries=len(entries), latest=f"{entries[-1]['pain']}/10, {day_text(date.fromisoformat(entries[-1]['day']))}") if entries else "",
        coach["known_sessions"].format(sessions=len(rows["coach_session"])) if rows["coach_session"] else "",
        coach["known_signs"].format(findings="; ".join(content.sign(flag).finding for flag in found)) if found else "",
        coach["known_passed_on"].format(findings="; ".join(content.sign(flag).finding for flag in passed_on)) if passed_on else "",
        coach["known_consent_yes"].format(day=day_text(kept.at.date()), days=keep_days) if kept.is_agreed else coach["known_consent_no"],
        coach["known_keeping_off"] if kept.is_off else "",
    ]
    return Reply(coach["known"].format(lines="\n".join(f"- {line}" for line in lines if line)), title=coach["known_title"])
