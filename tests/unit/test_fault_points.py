"""Breaking a program from outside: the points that are found, what happens there, and what is said where there is none."""

from __future__ import annotations

import asyncio
import sys
import types

import pytest

from evaluation.faults import control, points, under_test
from evaluation.faults.control import HANG, KILL, NONSENSE, RAISE, Break, Breaker, Broken, Control
from evaluation.faults.points import AFTER, BEFORE, INSIDE, OURS, Instead, NoSuchPoint, Point


@pytest.fixture
def program(monkeypatch):
    """A program of two modules: one has functions, the other has taken one of them by its name."""
    one, other = types.ModuleType("a_program"), types.ModuleType("a_program_user")

    class Work:
        async def later(self, value):
            return value + 1

        @staticmethod
        def still(value):
            return value * 2

    one.Work, one.plain = Work, lambda value: value
    other.taken = one.plain
    for module in (one, other):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return one


def installed(monkeypatch, point: Point, act) -> dict[str, str]:
    monkeypatch.setitem(points.POINTS, "here", point)
    return points.install(OURS, act, ["here"])


@pytest.mark.parametrize("where", [BEFORE, AFTER])
def test_a_point_acts_once_a_call(program, monkeypatch, where):
    reached = []

    assert installed(monkeypatch, Point(where, ("a_program:Work.later",)), reached.append) == {}
    assert asyncio.run(program.Work().later(1)) == 2
    assert reached == ["here"]


def test_whoever_has_taken_a_function_by_its_name_is_broken_too(program, monkeypatch):
    installed(monkeypatch, Point(BEFORE, ("a_program:plain",)), lambda _: Instead("something else"))

    assert (program.plain(1), sys.modules["a_program_user"].taken(1)) == ("something else", "something else")


def test_a_static_function_stays_one(program, monkeypatch):
    installed(monkeypatch, Point(AFTER, ("a_program:Work.still",)), lambda _: None)

    assert (program.Work.still(3), program.Work().still(3)) == (6, 6)


def test_a_result_is_replaced_behind_the_work_too(program, monkeypatch):
    installed(monkeypatch, Point(AFTER, ("a_program:Work.later",)), lambda _: Instead(None))

    assert asyncio.run(program.Work().later(1)) is None


def test_the_first_name_that_exists_is_used(program, monkeypatch):
    reached = []

    assert installed(monkeypatch, Point(BEFORE, ("a_program.gone:x", "a_program:Gone.later", "a_program:Work.later")), reached.append) == {}

    asyncio.run(program.Work().later(1))
    assert reached == ["here"]


@pytest.mark.parametrize("names", [(), ("a_program:Work.gone",), ("nowhere:at_all", "a_program:gone")])
def test_a_point_that_names_nothing_says_so(program, monkeypatch, names):
    missing = installed(monkeypatch, Point(BEFORE, names), lambda _: None)

    assert "point 'here'" in missing["here"] and all(name in missing["here"] for name in names)
    with pytest.raises(NoSuchPoint):
        points.found("here", Point(BEFORE, names), OURS)


def test_inside_is_before_a_commit_while_the_function_is_at_work(program, monkeypatch):
    import sqlalchemy as sa

    reached = []
    engine = sa.create_engine("sqlite://", future=True)

    def saved():
        with engine.begin() as connection:
            connection.execute(sa.text("select 1"))
            reached.append("written")

    program.saved = saved
    installed(monkeypatch, Point(INSIDE, ("a_program:saved",)), reached.append)

    program.saved()
    assert reached == ["written", "here"]
    saved()
    assert reached == ["written", "here", "written"]


# What is armed.


@pytest.mark.parametrize("text, expected", [("x:kill", Break("x", KILL, 1)), ("x:raise:3", Break("x", RAISE, 3))])
def test_a_break_is_read(text, expected):
    assert Break.parse(text) == expected


@pytest.mark.parametrize("text", ["x", "x:", "x:melt", "x:kill:0", "x:kill:two", "x:kill:-1"])
def test_a_break_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="POINT:KIND"):
        Break.parse(text)


@pytest.mark.parametrize("arguments, said", [(["--break", "nowhere:kill"], "'nowhere' is none of"), (["--break", "after_gate:melt"], "is not POINT:KIND")])
def test_the_launcher_refuses_what_it_does_not_know(arguments, said, capsys):
    with pytest.raises(SystemExit) as end:
        under_test.main([*arguments, "--", "run"])

    assert end.value.code == 2 and said in capsys.readouterr().err


@pytest.fixture
def folder(tmp_path):
    return Control(tmp_path)


def test_a_lasting_break_is_met_and_lasts_until_it_is_taken_back(folder):
    breaker = Breaker(folder.folder)
    folder.arm(Break("x", RAISE))
    breaker.act("y")

    assert folder.met_at is None
    for _ in range(2):
        with pytest.raises(Broken):
            breaker.act("x")
    assert folder.met_at is not None

    folder.disarm()

    assert breaker.act("x") is None
    assert folder.met_at is None


def test_a_kill_waits_for_its_number_and_is_done_by_one_process_alone(folder, monkeypatch):
    killed = []
    monkeypatch.setattr(control.os, "kill", lambda *_: killed.append(1))
    one, other = Breaker(folder.folder), Breaker(folder.folder)
    folder.arm(Break("x", KILL, 2))

    one.act("x")
    assert killed == []
    for breaker in (one, other, other, one, one):
        breaker.act("x")
    assert killed == [1]


def test_what_is_armed_anew_counts_anew(folder):
    breaker = Breaker(folder.folder)
    for _ in range(2):
        folder.arm(Break("x", NONSENSE, 2, 1))
        assert breaker.act("x") is None
        assert breaker.act("x") == Instead([])


def test_something_that_hangs_takes_its_time(folder, monkeypatch):
    slept = []
    monkeypatch.setattr(control.time, "sleep", slept.append)
    folder.arm(Break("x", HANG))

    assert Breaker(folder.folder).act("x") is None
    assert slept == [control.HANG_S]


def test_a_break_of_the_command_line_needs_no_folder():
    breaker = Breaker(armed=[Break("x", RAISE, 2)])

    assert breaker.act("x") is None
    with pytest.raises(Broken):
        breaker.act("x")


def test_the_clock_goes_wrong_and_right_again(folder, monkeypatch):
    monkeypatch.setattr(control, "_CLOCK_READ_EVERY_S", -1.0)
    breaker = Breaker(folder.folder)

    assert breaker.moved_s() == 0
    folder.move_clock(-86400)
    assert breaker.moved_s() == -86400
    folder.move_clock(0)
    assert breaker.moved_s() == 0
