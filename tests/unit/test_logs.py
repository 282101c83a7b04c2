"""Nobody's words get into the log, on whatever way: each way that words could take is walked here, in a process of its own, with words that would be seen."""

from __future__ import annotations

import ast
import functools
import json
import logging
import os
import subprocess
import sys

import pytest

from sijbot import logs
from sijbot.content import ContentError
from sijbot.settings import ROOT

CANARY = "quokkabracket"
START = f"""
import asyncio, logging, os, sys, threading, warnings
from sijbot import logs
logs.configure(as_json={{as_json}})
CANARY = "".join({list(CANARY)!r})  # put together here, so that it stands in no line of code that a traceback may show
def fail(): raise ValueError("somebody wrote " + CANARY)
"""
# Each way, and what must be in the log for it: that nothing is printed at all would be no proof.
WAYS = {
    "an exception of ours": ("log = logging.getLogger('sijbot.adapters.x')\ntry: fail()\nexcept ValueError: log.exception('the turn failed')", "ValueError"),
    "an exception in the arguments": ("try: fail()\nexcept ValueError as error: logging.getLogger('sijbot.x').error('failed: %s', error)", "failed: ValueError"),
    "an exception in a mapping": ("try: fail()\nexcept ValueError as error: logging.getLogger('sijbot.x').error('failed: %(why)s', {'why': error})", "failed: ValueError"),
    "a cause": ("try:\n  try: fail()\n  except ValueError as error: raise KeyError(CANARY) from error\nexcept KeyError: logging.getLogger('sijbot.x').exception('failed')", "KeyError"),
    "arguments that do not fit": ("logging.getLogger('sijbot.x').error('fixed', CANARY, object())", "does not fit"),
    "an id of a conversation": ("logging.getLogger('sijbot.x').error('fixed', extra={'conversation': CANARY})", logs.conversation_hash(CANARY)),
    "a field": ("logging.getLogger('sijbot.x').error('fixed', extra={'stage': 'I wrote ' + CANARY, 'text': CANARY})", "fixed"),
    "Rasa": ("logging.getLogger('rasa.core.processor').error('could not handle ' + CANARY)", "rasa.core.processor"),
    "Rasa's exception": ("try: fail()\nexcept ValueError: logging.getLogger('rasa.core.agent').exception(CANARY)", "ValueError"),
    "Rasa's structured log": ("import structlog\nstructlog.get_logger('rasa.shared').error('handle.' + CANARY, text=CANARY, exc_info=False)", "rasa.shared"),
    "Rasa's structured exception": ("import structlog\ntry: fail()\nexcept ValueError: structlog.get_logger('rasa.x').exception(CANARY, text=CANARY)", "ValueError"),
    "Sanic": ("import sanic.log\nsanic.log.error_logger.error('while handling uri: %s', '/' + CANARY)", "sanic.error"),
    "Sanic's exception": ("import sanic.log\ntry: fail()\nexcept ValueError: sanic.log.error_logger.exception(CANARY)", "ValueError"),
    "the access log": ("import sanic.log\nsanic.log.access_logger.error('', extra={'request': CANARY, 'host': CANARY, 'status': 500, 'byte': 0})", "sanic.access"),
    "the database": ("logging.getLogger('sqlalchemy.pool').error('lost %s', CANARY)", "sqlalchemy.pool"),
    "a warning": ("warnings.simplefilter('always')\nwarnings.warn(CANARY, UserWarning)", "UserWarning"),
    "an uncaught exception": ("fail()", "ValueError"),
    "an uncaught exception of a thread": ("thread = threading.Thread(target=fail, name=CANARY)\nthread.start()\nthread.join()", "ValueError"),
    "an uncaught exception of a task": ("async def work(said): fail()\nasync def main():\n  task = asyncio.ensure_future(work(CANARY))\n  await asyncio.wait({task})\nasyncio.run(main())", "ValueError"),
    "a callback of the loop": ("async def main():\n  asyncio.get_running_loop().call_soon(lambda said: fail(), CANARY)\n  await asyncio.sleep(0)\n  await asyncio.sleep(0)\nasyncio.run(main())", "ValueError"),
    "a destructor": ("class Gone:\n  def __del__(self): fail()\nGone()", "ValueError"),
    "another loop": ("import uvloop\nasync def main():\n  asyncio.get_running_loop().call_soon(lambda said: fail(), CANARY)\n  await asyncio.sleep(0)\n  await asyncio.sleep(0)\nuvloop.install()\nasyncio.run(main())", "ValueError"),
    "a crash of the interpreter": ("def crash(said): os.abort()\ncrash(CANARY)", "in crash"),
}  # fmt: skip


ENDING = ("an uncaught exception", "a crash of the interpreter")  # of the process: in one of its own


@functools.cache
def printed(as_json: bool) -> dict[str, str]:
    """Return by way what is printed where it is walked with our log."""
    together = {way: code for way, (code, _) in WAYS.items() if way not in ENDING}
    walk = "import gc\n" + "".join(f"print({'== ' + way!r}, file=sys.stderr, flush=True)\nexec({code!r})\ngc.collect()\n" for way, code in together.items())
    said = dict(part.split("\n", 1) for part in _run(walk, as_json).split("== ")[1:])
    return {**said, **{way: _run(WAYS[way][0], as_json) for way in ENDING}}


def _run(code: str, as_json: bool) -> str:
    """Return all that a new process prints."""
    command = [sys.executable, "-W", "ignore", "-c", START.format(as_json=as_json) + code]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": str(ROOT)})
    return run.stdout + run.stderr


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
@pytest.mark.parametrize("way", WAYS)
def test_words_take_no_way_into_the_log(way, as_json):
    said = printed(as_json)[way]

    assert CANARY not in said.lower()
    assert WAYS[way][1] in said


@pytest.mark.parametrize("way", [way for way in WAYS if way != "a crash of the interpreter"])
def test_a_line_is_one_object_of_known_fields(way):
    lines = [json.loads(line) for line in printed(True)[way].splitlines()]

    assert lines
    for line in lines:
        assert {"time", "level", "logger", "event"} <= set(line) <= {"time", "level", "logger", "event", "conversation", "stage", "error", "causes", "places"}


def test_the_test_would_see_words():
    assert CANARY in _run("print(CANARY)", as_json=True)


def record(name: str = "sijbot.x", message: object = "fixed", *arguments: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.ERROR, f"{ROOT}/sijbot/x.py", 7, message, arguments, None, "work")
    vars(made).update(extra)
    return made


def test_a_conversation_is_told_by_its_hash():
    hashed = logs.conversation_hash("an id")

    assert len(hashed) == 12 and logs.line_of(record(conversation=hashed))["conversation"] == hashed
    assert logs.line_of(record(conversation="an id"))["conversation"] == hashed


def test_a_line_says_where_and_of_what_class():
    try:
        int("quokkabracket")
    except ValueError as error:
        line = logs.told(error)

    assert line["error"] == "ValueError" and line["places"][-1].startswith("tests/unit/test_logs.py:")


def test_where_it_goes_wrong_deep_in_a_library_our_own_place_is_told_too():
    def deeper(levels: int) -> None:
        deeper(levels - 1) if levels else int("quokkabracket")

    ours = {}
    exec(compile("def work(then): then(12)", f"{ROOT}/sijbot/x.py", "exec"), ours)
    try:
        ours["work"](deeper)
    except ValueError as error:
        places = logs.told(error)["places"]

    assert places[0] == "sijbot/x.py:1 work" and len(places) == logs.PLACES + 1


def test_a_library_is_told_by_its_place():
    assert logs.line_of(record("rasa.core", "words"))["places"] == ["sijbot/x.py:7 work"]


def test_faults_of_the_content_are_told_in_full_and_in_one_line():
    fault = ContentError(["content/a.yml: title: is missing", "content/b.yml: short: is empty"])

    line = logs.Line(as_json=False).format(record("sijbot.x", "the changed content is not used: %s", fault))

    assert "content/a.yml: title: is missing; content/b.yml: short: is empty" in line


def test_causes_that_go_round_come_to_an_end():
    one, other = ValueError(), KeyError()
    one.__cause__, other.__cause__ = other, one

    assert len(logs.told(one)["causes"]) == logs.PLACES


@pytest.mark.parametrize("path", [path for folder in ("sijbot", "actions") for path in sorted((ROOT / folder).rglob("*.py"))], ids=lambda path: path.name)
def test_messages_of_our_own_are_constants(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", None) in ("logger", "logging")]

    loose = [call.lineno for call in calls if call.func.attr in ("debug", "info", "warning", "error", "exception", "critical") and not isinstance(call.args[0], ast.Constant)]

    assert loose == []
