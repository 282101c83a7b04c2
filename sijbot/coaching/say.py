"""From what the coach says (`Said`) to replies: texts of `content/coach.yml`, choices with numbers and as buttons, the drawing and the times of an exercise."""

from __future__ import annotations

from dataclasses import replace
from typing import Mapping, Optional, Sequence

from sijbot.coaching.plan import MINUTES_OFFERED, Item
from sijbot.coaching.programme import may_be_drawn
from sijbot.coaching.session import (
    CLEARED, DANGER_STAGES, DAY_AFTER, EASIER, HARDER, IMPROVING, IT_HURTS, MENU, NO, NONE_OF_THEM, NUMBER, PAUSE, PLAN_LEFT, REPEAT, RESUME, RETURN_TEST, SCREEN, SIGNS_AFTER, SKIP, STOP, UNSURE,
    WHY, YES, Event, Said, State,
)  # fmt: skip
from sijbot.content.model import Content
from sijbot.regions import words_of
from sijbot.replies import CHOICES, STEPS, Button, Picture, Reply, Timer

COACH, CONSENT, FORGET = "coach", "consent", "forget"  # what the payload of a button begins with
BEGIN = "begin"
_TIED = "@"  # behind it in a payload: the version of the session that it belongs to, and the question of the screen
_YES_NO_UNSURE = (YES, NO, UNSURE)
_YES_NO_QUESTIONS = frozenset(f"ask_{stage}" for stage in (SCREEN, SIGNS_AFTER, CLEARED, IMPROVING, RETURN_TEST, DAY_AFTER))
_TITLES = {
    YES: "answer_yes", NO: "answer_no", UNSURE: "answer_unsure", NONE_OF_THEM: "button_none", "next": "button_next", REPEAT: "button_repeat", EASIER: "button_easier", HARDER: "button_harder",
    SKIP: "button_skip", PAUSE: "button_pause", STOP: "button_stop", IT_HURTS: "button_it_hurts", WHY: "button_why", RESUME: "button_resume", BEGIN: "button_begin",
}  # fmt: skip
_AMOUNTS = {"times": "how_much_times", "breaths": "how_much_breaths", "minutes": "how_much_minutes"}


def payload_title(content: Content, payload: str) -> str:
    """Return what pressing a button of the coach says, for the record of the conversation."""
    owner, _, rest = payload.partition(_TIED)[0].partition(":")
    kind, _, number = rest.partition(":")
    if owner == CONSENT:
        return content.coach["consent_yes" if kind == YES else "consent_not_now"]
    if owner == FORGET:
        return content.coach["forget_yes" if kind == YES else "forget_no"]
    return number or content.coach[_TITLES[kind]]


def event_of_payload(payload: str) -> Event:
    """Return what pressing a button of the coach does."""
    kind, _, number = payload.partition(_TIED)[0].removeprefix(f"{COACH}:").partition(":")
    return Event(kind, int(number) if number else None)


def tie_of(payload: Optional[str]) -> tuple[Optional[int], str]:
    """Return (version of the session, question of the screen or "") that a button of the coach belongs to; (None, "") for one that fits at any time."""
    version, _, question = (payload or "").partition(_TIED)[2].partition(".")
    return (int(version), question) if version else (None, "")


def button(content: Content, kind: str, number: Optional[int] = None) -> Button:
    """Return a button of the coach."""
    payload = f"{COACH}:{kind}" if number is None else f"{COACH}:{kind}:{number}"
    return Button(payload_title(content, payload), payload)


def forgotten_reply(content: Content, region: Optional[str]) -> Reply:
    """Return what is said when everything of a conversation is erased; the channel does that behind it."""
    return Reply(content.coach["forgotten"].format(**words_of(content, region)), erases=True)


def replies_of(content: Content, state: State, said: Sequence[Said], region: Optional[str], version: Optional[int] = None) -> list[Reply]:
    """Return what is said as replies, in order: notes together in one, an exercise and a question each by itself, the latter with its choices as buttons.

    version: of the session behind this turn. Buttons are tied to it, so that one of an earlier question cannot answer a later one.
    """
    tie = "" if version is None else f"{_TIED}{version}.{state.open[0] if state.open and state.stage in DANGER_STAGES else ''}"
    replies: list[Reply] = []
    notes: list[str] = []
    for each in said:
        reply = _exercise(content, state, each) if each.key == "exercise" else None
        text = reply.text if reply else _text(content, state, each, region)
        buttons = reply.buttons if reply else _buttons(content, each)
        if reply is None and not buttons and not each.key.startswith("ask_"):
            if text:
                notes.append(text)
            continue
        text, menu = ("\n\n".join(notes), text) if each.key == "menu" and notes else _without_menu(text, buttons)
        if notes and each.key != "menu":
            replies.append(Reply("\n\n".join(notes)))
        notes = []
        reply = reply or Reply(text, kind=CHOICES if buttons else "text", buttons=buttons, menu=menu)
        replies.append(replace(reply, buttons=tuple(Button(one.title, one.payload + tie) for one in reply.buttons)))
    return replies + ([Reply("\n\n".join(notes))] if notes else [])


def _without_menu(text: str, buttons: Sequence[Button]) -> tuple[str, Optional[str]]:
    """Return the text and its numbered choices apart, where they are just what stands on the buttons."""
    before, _, last = text.rstrip().rpartition("\n\n")
    is_menu = bool(buttons) and last.splitlines() == [f"{number}. {each.title}" for number, each in enumerate(buttons, 1)]
    return (before, last) if is_menu else (text, None)


def _buttons(content: Content, said: Said) -> tuple[Button, ...]:
    if said.key in _YES_NO_QUESTIONS:
        return tuple(button(content, kind) for kind in _YES_NO_UNSURE)
    if said.key == "ask_place":
        return button(content, YES), button(content, NO)
    if said.key == "ask_minutes":
        return tuple(Button(f"{minutes} min", f"{COACH}:{NUMBER}:{minutes}") for minutes in MINUTES_OFFERED)
    if said.key in ("ask_which", "ask_about_you", "ask_things"):
        return (button(content, NONE_OF_THEM),)
    if said.key in ("ask_pain_before", "ask_pain_after", "ask_hurts"):
        return tuple(button(content, NUMBER, number) for number in range(11))
    if said.key in ("ask_week", "ask_since"):
        return (button(content, UNSURE),)
    if said.key == "menu":
        return tuple(button(content, kind) for kind in MENU)
    return (button(content, RESUME), button(content, STOP)) if said.key == "paused" else ()


def _text(content: Content, state: State, said: Said, region: Optional[str]) -> str:
    """Return the text of everything but an exercise."""
    coach, programme, values = content.coach, content.programme, {**words_of(content, region), **said.values}
    key = said.key
    if key in ("ask_screen", "ask_signs_after"):
        values |= {"question": programme.screen[said.about].question, "number": list(programme.screen).index(said.about) + 1, "of": len(programme.screen)}
    elif key in ("ask_which", "ask_about_you"):
        values["choices"] = "\n".join(f"{number}. {content.asked(choice)[:1].upper()}{content.asked(choice)[1:]}" for number, choice in enumerate(said.values["choices"], 1))
    elif key in ("ask_since", "ask_cleared"):
        values["about"] = programme.since_asked[said.about] if key == "ask_since" else content.asked(said.about)
    elif key == "held_back":
        values["why"] = said.values["why"]
    elif key == "ended":
        key = "held_back_end" if said.about == "held_back" else f"ended_{said.about}"
    elif key == "screen_raised":
        return ""
    elif key == "not_understood":
        values["hint"] = coach[said.values["hint"]]
    elif key == "noted":
        values["conditions"] = "; ".join(content.asked(condition) for condition in said.values["conditions"])
    elif key == "moved":
        values["where"] = coach["floor_or_bed" if state.can_lie else "upright"]
    elif key == "exercise_again":
        values |= {"title": content.title_of(said.about), "amount": _amount(content, said)}
    elif key in (EASIER, HARDER):
        text = getattr(content.exercises[said.about], key)
        key, values["text"] = (key, text) if text else (f"no_{key}", "")
    elif key == WHY:
        phase = programme.phases[said.values["phase"]]
        suits = said.values["suits"]
        values["suits"] = coach["why_suits"].format(condition=content.asked(suits)) if suits else ""
        values |= {"purpose": content.exercises[said.about].purpose, "phase": phase.title, "aim": phase.aim, "rule": coach[f"rule_{said.values['rule']}"]}
    elif key in (PLAN_LEFT, "before_starting"):
        values |= {"exercises": ", ".join(content.title_of(exercise) for exercise in said.values["exercises"]), "of": len(said.values["exercises"])}
    elif key in ("phase_next", "phase_calm"):
        phase = programme.phases[said.values["phase"]]
        values |= {"phase": phase.title, "aim": phase.aim}
    elif key == "restart_smaller":
        values["percent"] = state.standing.percent
    elif key == "summary":
        values |= _summary(content, said.values)
    return coach[key].format(**values)


def _summary(content: Content, values: Mapping[str, object]) -> dict[str, str]:
    coach, phase = content.coach, content.programme.phases[values["phase"]]
    sets = coach["summary_sets"].format(**values) if values["sets"] else coach["summary_none"]
    return {"sets": sets, "colour": coach[f"colour_{values['colour']}"], "next": coach["next_session"].format(how_often=phase.how_often)}


def _exercise(content: Content, state: State, said: Said) -> Reply:
    """Return an exercise as it is guided: what and why, steps, how much, when to stop, and the choices; or one of its steps."""
    coach, exercise, values = content.coach, content.exercises[said.about], said.values
    title = coach["exercise_title"].format(title=exercise.title, **{name: values[name] for name in ("place", "of")})
    amount = _amount(content, said)
    timer = Timer(values["count"], exercise.amount.unit, values["round"], values["rounds"], exercise.amount.hold_s, exercise.amount.rest_s, exercise.amount.each_side)
    if values["line"]:
        line = coach["step_of"].format(line=values["line"], of=len(exercise.steps), text=exercise.steps_in(values["posture"])[values["line"] - 1])
        is_last = values["line"] == len(exercise.steps)
        blocks = [line, amount] if is_last else [line, coach["step_menu"]]
    elif values["round"] > 1 and not values.get("is_whole"):
        blocks = [amount]
    else:
        is_usual = values["posture"] == exercise.postures[0]
        posture = None if is_usual else coach["exercise_other_posture"].format(posture=coach[f"posture_{values['posture']}"])
        steps = "\n".join(f"{number}. {step}" for number, step in enumerate(exercise.steps_in(values["posture"]), 1))
        stop = coach["stop_if"].format(stop_if="; ".join(exercise.stop_if))
        adapt = [coach["adapt"].format(adapt=caution.text) for caution in exercise.adapt if caution.when in state.person.conditions]
        blocks = [exercise.purpose, posture, steps, amount, *adapt, stop, coach["menu_first"] if values["is_first"] else None]
    is_drawn = may_be_drawn(content, state.person, said.about) and values["posture"] == exercise.postures[0]
    picture = Picture(said.about, exercise.picture) if is_drawn and not values["line"] and values["round"] == 1 else None
    return Reply(
        "\n\n".join(filter(None, blocks)), kind=STEPS, title=title,
        buttons=tuple(button(content, kind) for kind in MENU), picture=picture, timer=timer,
        menu=None if values["line"] and not is_last else coach["menu"],
    )  # fmt: skip


def _amount(content: Content, said: Said) -> str:
    values = said.values
    return amount_text(content, Item(said.about, values["posture"], values["rounds"], values["count"]), values["round"])


def amount_text(content: Content, item: Item, round_: Optional[int] = None) -> str:
    """Return how much of an exercise is done: how many, how long each, and which round, or how many of them."""
    coach, amount = content.coach, content.exercises[item.exercise].amount
    key = "how_much_each_side" if amount.each_side and amount.unit == "times" else _AMOUNTS[amount.unit]
    parts = [coach[key].format(count=item.count)]
    if amount.hold_s:
        parts.append(coach["how_much_hold"].format(hold=amount.hold_s))
    if amount.rest_s:
        parts.append(coach["how_much_rest"].format(rest=amount.rest_s))
    if item.rounds > 1:
        parts.append(coach["how_much_rounds"].format(rounds=item.rounds) if round_ is None else coach["exercise_round"].format(round=round_, rounds=item.rounds))
    return " ".join(parts)
