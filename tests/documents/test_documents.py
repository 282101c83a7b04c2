"""The chart, the page for a clinician and the sheet to print: what stands on them, and that they are drawn."""

from __future__ import annotations

import io
import json
import re
from datetime import date, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from sijbot import clock
from sijbot.coaching.diary import Day, days_of, trend_of
from sijbot.coaching.programme import Person
from sijbot.coaching.session import CHOSEN, NEXT, NO, NONE_OF_THEM, NUMBER, YES, Event, begun, step
from sijbot.documents import pages
from sijbot.documents.chart import LINE, chart
from sijbot.documents.pdf import pdf
from sijbot.documents.render import NAMES, render
from sijbot.records import coach, repository, schema
from sijbot.records.schema import CONVERSATION_EVENT
from sijbot.settings import ROOT
from sijbot.triage.assess import ALARM, Assessment, Finding
from sijbot.triage.assessment import NONE
from sijbot.triage.lock import Lock

CONVERSATION = "a"


@pytest.fixture
def parts(content, database_url):
    engine = schema.make_engine(database_url)
    schema.migrate(engine)
    yield SimpleNamespace(content=content, engine=engine, settings=SimpleNamespace(root=ROOT))
    engine.dispose()


def session(content, *pain: int, person: Person = Person(), asked: tuple = ()) -> dict:
    """Return the state of a session that was done to its end. pain: before and after."""
    state, _ = begun(content, person=person, asked=asked)
    events = [*[Event(NO)] * 6, Event(NONE_OF_THEM), Event(NUMBER, pain[0]), Event(NUMBER, 15), Event(YES), Event(CHOSEN, chosen=("ball", "band", "mat"))]
    for event in events:
        state, _ = step(content, state, event)
    while state.stage == "exercise":
        state, _ = step(content, state, Event(NEXT))
    for event in (Event(NUMBER, pain[1]), Event(NO), Event(NO)):
        state, _ = step(content, state, event)
    assert state.stage == "done"
    return state.to_dict()


def write(parts, entries=(), sessions=(), findings=(), conversation=CONVERSATION) -> None:
    now = clock.now()
    with parts.engine.begin() as connection:
        for days_ago, pain in entries:
            coach.add_entry(connection, conversation, coach.Entry(now.date() - timedelta(days_ago), pain), now)
        for number, (days_ago, state) in enumerate(sessions):
            at = now - timedelta(days_ago)
            coach.insert_session(connection, coach.StoredSession(f"{conversation}{number}", conversation, 1, state, None, True, at.date(), at, at))
        for flag in findings:
            repository.log_assessment(connection, conversation, Assessment(ALARM, (Finding(flag, ALARM, "urgent", 0, 3),)), "v1", now)


def test_the_summary_says_what_was_said_and_done_and_nothing_else(parts, content):
    write(parts, [(9, 6), (7, 6), (5, 5), (3, 4), (2, 3), (0, 2)], [(2, session(content, 4, 3)), (0, session(content, 3, 2))], ["foot_drop"])
    text = pages.summary(parts, CONVERSATION, "uk").text

    assert "going down: 6.0" in text and "2.5 in the latest" in text
    assert text.count("Calm,") == 2 and "pain 4 before, 3 after (green)" in text
    assert content.red_flags["foot_drop"].finding in text and text.count("answered no to") == 1 and "UTC" in text
    assert "Medicines:\n- Not included." in text


def test_a_summary_of_nothing_says_so(parts, content):
    text = pages.summary(parts, CONVERSATION, None).text

    assert all(content.coach[key] in text for key in ("summary_hurts_unknown", "summary_pain_unknown", "summary_no_sessions", "summary_signs_none"))


def test_nothing_of_another_person_stands_on_a_page(parts, content):
    write(parts, [(0, 9)], [(0, session(content, 3, 3))], ["stroke"], conversation="another")

    assert pages.summary(parts, CONVERSATION, None) == pages.summary(parts, "nobody", None)
    assert pages.home_sheet(parts, CONVERSATION, None) is None


def test_the_home_sheet_holds_every_exercise_of_the_last_session_with_steps_amount_and_when_to_stop(parts, content):
    state = session(content, 3, 2)
    write(parts, sessions=[(0, state)])
    page = pages.home_sheet(parts, CONVERSATION, "uk")

    assert [section.title for section in page.sections] == [content.title_of(item["exercise"]) for item in state["plan"]]
    assert all(section.picture and section.lines[-1].startswith("Stop if") for section in page.sections)
    assert content.regions["uk"].emergency_line in page.intro


def test_the_home_sheet_shows_nobody_a_drawing_that_is_not_theirs(parts, content):
    state = session(content, 3, 2, person=Person(frozenset(("pregnant",)), week=20), asked=("pregnancy_problem", "pregnancy_to_ask_first"))
    write(parts, sessions=[(0, state)])
    page = pages.home_sheet(parts, CONVERSATION, "uk")

    assert {section.picture for section in page.sections} <= {None, "walking_short"}
    assert not any("Lie on your back" in line for section in page.sections for line in section.lines)


def test_no_sheet_of_exercises_while_a_danger_sign_stands(parts, content):
    write(parts, sessions=[(0, session(content, 3, 2))])
    with parts.engine.begin() as connection:
        repository.write_lock(connection, CONVERSATION, Lock("urgent", ("foot_drop",), clock.now()))

    assert pages.home_sheet(parts, CONVERSATION, None) is None
    assert render(parts, "home_sheet.pdf", CONVERSATION) is None


def test_an_exercise_that_was_stopped_is_not_on_the_sheet(parts, content):
    state = session(content, 3, 2)
    write(parts, sessions=[(0, {**state, "stopped": [0]})])

    assert pages.home_sheet(parts, CONVERSATION, None).sections[0].title == content.title_of(state["plan"][1]["exercise"])


def tell(parts, situations: list, details: dict, days_ago: int = 0, kind: str = "user") -> None:
    """Write a message down, with what was read of it."""
    with parts.engine.begin() as connection:
        number = connection.scalar(sa.select(sa.func.count()).select_from(CONVERSATION_EVENT)) + 1
        event = {
            "conversation_id": CONVERSATION, "number": number, "kind": kind, "at": clock.now() - timedelta(days_ago) + timedelta(seconds=1),
            "data": {"parse_data": {"situations": situations, "details": details}},
        }  # fmt: skip
        connection.execute(CONVERSATION_EVENT.insert().values(**event))


def test_what_was_told_since_the_session_counts_on_the_sheet(parts, content):
    write(parts, sessions=[(1, session(content, 3, 2))])
    tell(parts, ["pregnant"], {"week": "30"})
    tell(parts, [], {}, kind="session_started")
    tell(parts, [], {})
    page = pages.home_sheet(parts, CONVERSATION, "uk")

    assert page.sections and not any("Lie on your back" in line for section in page.sections for line in section.lines)


def test_no_sheet_where_all_is_held_back_by_what_was_told_since(parts, content):
    write(parts, sessions=[(1, session(content, 3, 2))])
    tell(parts, ["under_16"], {})

    assert pages.home_sheet(parts, CONVERSATION, "uk") is None


@pytest.mark.parametrize(("days_ago", "is_made"), [(6, True), (7, False)])
def test_no_sheet_so_long_after_a_session_that_things_may_have_changed(parts, content, days_ago, is_made):
    write(parts, sessions=[(days_ago, session(content, 3, 2))])

    assert (pages.home_sheet(parts, CONVERSATION, None) is not None) == is_made


@pytest.mark.parametrize("ended_by", ["held_back", "red_flag", "screen"])
def test_no_sheet_of_a_session_that_ended_for_a_reason_nor_of_the_one_before(parts, content, ended_by):
    good = session(content, 3, 2)
    write(parts, sessions=[(1, good), (0, {**good, "stage": "ended", "ended_by": ended_by})])

    assert pages.home_sheet(parts, CONVERSATION, None) is None


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_made_and_is_of_its_kind(parts, content, name):
    write(parts, [(1, 4), (0, 3)], [(0, session(content, 3, 2))])
    made, content_type = render(parts, name, CONVERSATION, "uk")

    begins = {"chart.svg": b"<?xml", "chart.png": b"\x89PNG", "summary.pdf": b"%PDF", "home_sheet.pdf": b"%PDF", "data.json": b"{"}
    assert made.startswith(begins[name]) and len(made) > 500
    assert content_type.startswith(("image/", "application/"))


def test_there_is_no_chart_of_nothing_and_no_file_of_another_name(parts):
    assert render(parts, "chart.png", CONVERSATION) is None
    assert render(parts, "passwords.txt", CONVERSATION) is None


def test_the_copy_of_the_data_holds_every_row(parts, content):
    write(parts, [(1, 4), (0, 3)], [(0, session(content, 3, 2))], ["foot_drop"])
    copy = json.loads(render(parts, "data.json", CONVERSATION)[0])

    assert {name: len(rows) for name, rows in copy.items() if rows} == {"diary_entry": 2, "coach_session": 1, "safety_log": 1}


def test_a_chart_is_the_same_for_the_same_days_and_another_for_others(content):
    days = [Day(date(2026, 11, day), 4, 3, 5) for day in (1, 2, 9)]

    assert chart(content, days, [days[0].day], "svg") == chart(content, days, [days[0].day], "svg")
    assert chart(content, days, [], "svg") != chart(content, [days[0]._replace(pain=5), *days[1:]], [], "svg")


def test_the_chart_has_a_point_for_every_day_at_its_height(content):
    days = [Day(date(2026, 11, 1) + timedelta(number), pain, pain, pain) for number, pain in enumerate((0, 10, 5))]
    picture = Image.open(io.BytesIO(chart(content, days, []))).convert("RGB")
    line = [(x, y) for x in range(picture.width) for y in range(picture.height) if picture.getpixel((x, y)) == (43, 92, 138)]
    heights = {x: [y for other, y in line if other == x] for x in {x for x, _ in line}}
    columns = sorted(heights)

    top = min(columns, key=lambda x: min(heights[x]))
    assert columns[0] < top < columns[-1]
    assert abs(top - (columns[0] + columns[-1]) / 2) < 12  # the second of three days stands in the middle
    assert max(heights[columns[5]]) > max(heights[columns[-5]]) > min(heights[top])  # 0 is below 5, which is below 10


def test_a_page_that_is_longer_than_a_sheet_goes_on_on_the_next(parts, content, monkeypatch):
    pages_made = []
    monkeypatch.setattr(Canvas, "showPage", lambda self, show=Canvas.showPage: (pages_made.append(1), show(self))[1])
    sections = tuple(pages.Section(exercise.title, exercise.steps, exercise_id) for exercise_id, exercise in content.exercises.items())

    assert pdf(content, pages.Page("t", "i", sections, "f"), [], ROOT / "pictures").startswith(b"%PDF")
    assert len(pages_made) >= 3


@pytest.mark.parametrize(("pains", "kind"), [((5, 5, 5), "trend_few"), ((5, 5, 4, 4), "trend_down"), ((5, 5, 5, 5), "trend_same"), ((4, 4, 5, 5), "trend_up"), ((6, 6, 5, 4, 3, 2), "trend_down")])
def test_the_trend_of_the_latest_weeks(content, pains, kind):
    today = date(2026, 11, 30)
    days = [Day(today - timedelta(len(pains) - number), pain, pain, pain) for number, pain in enumerate(pains)]

    assert trend_of(content, days, today).kind == kind


def test_days_long_ago_make_no_trend(content):
    today = date(2026, 11, 30)
    days = [Day(today - timedelta(content.programme.numbers.trend_days + number), 9, 9, 9) for number in range(5)][::-1]

    assert trend_of(content, [*days, *(Day(today - timedelta(number), 2, 2, 2) for number in (3, 2, 1, 0))], today).kind == "trend_same"


def test_a_day_is_its_last_entry_with_its_range():
    today = datetime(2026, 11, 30, tzinfo=timezone.utc).date()

    assert days_of([coach.Entry(today, 6), coach.Entry(today, 3), coach.Entry(today, 4)]) == [Day(today, 4, 3, 6)]


def test_a_trend_of_few_days_names_the_lowest_and_the_highest_pain_of_all_entries(content):
    today = date(2026, 11, 30)
    found = trend_of(content, [Day(today - timedelta(1), 5, 2, 5), Day(today, 4, 4, 8)], today)

    assert (found.low, found.high) == (2, 8)


def test_each_mark_of_the_chart_stands_at_its_number(content):
    pains, first = (0, 4, 10), date(2026, 11, 1)
    drawn = chart(content, [Day(first + timedelta(2 * place), pain, pain, pain) for place, pain in enumerate(pains)], [], "svg").decode()
    places = re.findall(r'<use xlink:href="#(\w+)" x="([\d.]+)" y="([\d.]+)" style="(?:fill|stroke): (#\w+)', drawn)
    marks = [float(y) for _, _, y, colour in places if colour == LINE]
    left = min(float(x) for _, x, _, _ in places)
    ticks = sorted({float(y) for _, x, y, colour in places if colour != LINE and float(x) == left}, reverse=True)  # of 0, 2, 4 … 10

    assert len(ticks) == 6
    assert marks == [ticks[pain // 2] for pain in pains]


def test_a_sign_that_was_denied_to_the_screen_stands_on_the_summary(parts, content):
    at = clock.now()
    with parts.engine.begin() as connection:
        repository.log_assessment(connection, CONVERSATION, Assessment(NONE, answered=("foot_drop", NO)), "v1", at)

    text = pages.summary(parts, CONVERSATION, None).text
    assert content.red_flags["foot_drop"].finding in text and "answered no to" in text
