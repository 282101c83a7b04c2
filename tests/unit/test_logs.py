"""What a library or a fault would write down of a person's words stays out of the log."""

import logging

import pytest

from sijbot.logs import FORMAT, WordlessFormatter, quiet_libraries

WORDS = "Quokkabracket"


def raised(kind: type = ValueError, cause: Exception = None) -> BaseException:
    try:
        raise kind(WORDS) from cause
    except kind as error:
        return error


def line(message: object, *args: object, error: BaseException = None) -> str:
    info = (type(error), error, error.__traceback__) if error else None
    return WordlessFormatter(FORMAT).format(logging.LogRecord("library", logging.ERROR, __file__, 1, message, args or None, info))


def test_an_exception_is_written_as_its_type_and_place():
    text = line("it failed", error=raised())

    assert text.startswith("ERROR library: it failed\nValueError at ") and "test_logs.py" in text and "(raised)" in text
    assert WORDS not in text


def test_what_an_exception_came_from_is_named_too():
    text = line("it failed", error=raised(KeyError, raised()))

    assert "KeyError" in text and "ValueError" in text and WORDS not in text


@pytest.mark.parametrize("text", [line(raised()), line("failed: %s", raised()), line("failed: %s after %d", raised(), 3)])
def test_an_exception_in_place_of_a_message_or_in_it_is_its_type(text):
    assert "ValueError" in text and WORDS not in text


def test_a_plain_message_is_written_as_it_is():
    assert line("the port %d is %s", 5005, "used") == "ERROR library: the port 5005 is used"


def test_a_record_is_left_as_it_was_for_others():
    record = logging.LogRecord("library", logging.ERROR, __file__, 1, "failed: %s", (raised(),), None)

    WordlessFormatter(FORMAT).format(record)

    assert WORDS in record.getMessage()


def test_of_the_web_server_only_that_it_cannot_start_is_written(caplog):
    quiet_libraries()

    logging.getLogger("sanic.error").error("<Request: GET /documents/a-token-that-opens-something> body not consumed.")
    logging.getLogger("sanic.error").error("Unable to start server")

    assert caplog.messages == ["Unable to start server"]


def test_what_an_action_server_says_of_a_fault_is_not_repeated(caplog):
    quiet_libraries()

    logging.getLogger("rasa.core.actions.action").error(WORDS)

    assert caplog.messages == []
