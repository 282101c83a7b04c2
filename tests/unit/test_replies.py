"""The reply model as data."""

import json
from dataclasses import asdict

import pytest

from sijbot.replies import Button, Citation, Document, Picture, Reply, Timer

WHOLE = Reply(
    "Lie on your back.", title="Bridge", level="soon", buttons=(Button("Next", "coach:next"), Button("Stop", "coach:stop")), sources=(Citation("A guideline", "https://example.org"), Citation("A book")),
    id="a", picture=Picture("bridge.svg", "Somebody lies on their back."), timer=Timer(8, "times", 1, 2, hold_s=5), documents=(Document("chart.svg", "Your pain"),), menu="1 Next", keeps=True, erases=True,
)  # fmt: skip


@pytest.mark.parametrize("reply", [pytest.param(Reply("Hello."), id="the least"), pytest.param(WHOLE, id="everything")])
def test_a_reply_survives_its_json_form_in_which_all_of_it_stands(reply):
    assert reply.to_dict() == asdict(reply)
    assert Reply.from_dict(json.loads(json.dumps(reply.to_dict()))) == reply
