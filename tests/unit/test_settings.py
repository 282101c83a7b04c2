"""The environment, and what is refused of it."""

import dataclasses
import stat
from pathlib import Path

import pytest

from sijbot.settings import (
    LONGEST_TOKEN_DAYS, MINIMUM_SECRET_CHARACTERS, MOST_KEEP_DAYS, MOST_MESSAGES, MOST_PROXIES, MOST_REQUESTS, Settings, SettingsError, from_environment, prepare_var, signing_secret,
)  # fmt: skip

LONG_ENOUGH = "s" * MINIMUM_SECRET_CHARACTERS
NUMBERS = {
    "SIJBOT_MESSAGES_PER_MINUTE": (1, MOST_MESSAGES), "SIJBOT_REQUESTS_PER_MINUTE": (1, MOST_REQUESTS), "SIJBOT_PROXIES": (0, MOST_PROXIES),
    "SIJBOT_KEEP_DAYS": (LONGEST_TOKEN_DAYS, MOST_KEEP_DAYS),
}  # fmt: skip


@pytest.mark.parametrize(
    "environ, named",
    [
        *[({"PORT": port}, "PORT") for port in ("", "0", "65536", "-1", "80.0", "http", " 80")],
        ({"PORT": "²"}, "PORT"),
        ({"SIJBOT_MODE": "prod"}, "SIJBOT_MODE"),
        ({"SIJBOT_MODE": ""}, "SIJBOT_MODE"),
        ({"SIJBOT_MODE": "production"}, "SIJBOT_SECRET"),
        ({"SIJBOT_MODE": "production", "SIJBOT_SECRET": ""}, "SIJBOT_SECRET"),
        ({"SIJBOT_MODE": "production", "SIJBOT_SECRET": LONG_ENOUGH[1:]}, "SIJBOT_SECRET"),
        ({"SIJBOT_SECRET": LONG_ENOUGH[1:]}, "SIJBOT_SECRET"),
        *[({name: number}, name) for name in NUMBERS for number in ("", "-1", "1.5", "many", "²", " 1", "9" * 5000)],
        *[({name: str(beyond)}, name) for name, (least, most) in NUMBERS.items() for beyond in (least - 1, most + 1)],
        *[({"SIJBOT_METRICS_PORT": port}, "SIJBOT_METRICS_PORT") for port in ("0", "65536", "-1", "many", "5005")],
        ({"SIJBOT_METRICS_PORT": "8080", "PORT": "8080"}, "SIJBOT_METRICS_PORT"),
        ({"SIJBOT_LOG": "xml"}, "SIJBOT_LOG"), ({"SIJBOT_LOG": "JSON"}, "SIJBOT_LOG"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_by_name(environ, named):
    with pytest.raises(SettingsError, match=f"^{named}: "):
        from_environment(environ)


def test_what_is_set_to_nothing_counts_as_not_set():
    names = ("SIJBOT_ROOT", "SIJBOT_VAR", "SIJBOT_HOST", "SIJBOT_REGION", "SIJBOT_DATABASE_URL", "SIJBOT_ORIGINS", "ACTION_ENDPOINT_URL", "SIJBOT_RELAY", "SIJBOT_HAND_OFF_WEBHOOK", "SIJBOT_HAND_OFF_SECRET", "SIJBOT_HAND_OFF_EMAIL", "SIJBOT_SMTP_URL", "SIJBOT_SMTP_FROM", "SIJBOT_AMQP_URL")
    names = ("SIJBOT_ROOT", "SIJBOT_VAR", "SIJBOT_HOST", "SIJBOT_REGION", "SIJBOT_DATABASE_URL", "SIJBOT_ORIGINS", "ACTION_ENDPOINT_URL", "SIJBOT_METRICS_PORT", "SIJBOT_LOG", "SIJBOT_MODEL")

    assert from_environment({name: "" for name in names}) == from_environment({})


def test_a_refused_secret_is_not_repeated_in_the_message():
    with pytest.raises(SettingsError) as refusal:
        from_environment({"SIJBOT_SECRET": "hunter2"})

    assert "hunter2" not in str(refusal.value)


def test_metrics_logs_and_model_are_where_and_how_it_is_said():
    usual, said = from_environment({}), from_environment({"SIJBOT_METRICS_PORT": "9105", "SIJBOT_LOG": "json", "SIJBOT_MODEL": "/image/model.tar.gz"})

    assert (usual.metrics_port, usual.json_logs, usual.model) == (None, False, usual.var / "model" / "sijbot.tar.gz")
    assert (said.metrics_port, said.json_logs, said.model) == (9105, True, Path("/image/model.tar.gz"))


@pytest.mark.parametrize("port", ["1", "65535"])
def test_the_first_and_the_last_port_are_taken(port):
    assert from_environment({"PORT": port}).port == int(port)


@pytest.mark.parametrize("name, field", [
    ("SIJBOT_MESSAGES_PER_MINUTE", "messages_per_minute"), ("SIJBOT_REQUESTS_PER_MINUTE", "requests_per_minute"), ("SIJBOT_PROXIES", "proxies"), ("SIJBOT_KEEP_DAYS", "keep_days"),
])  # fmt: skip
def test_the_least_and_the_most_of_a_number_are_taken(name, field):
    assert [getattr(from_environment({name: str(number)}), field) for number in NUMBERS[name]] == list(NUMBERS[name])


def test_nobody_may_embed_the_chat_or_is_believed_as_a_proxy_unless_it_is_said():
    settings = from_environment({})

    assert (settings.origins, settings.proxies, settings.messages_per_minute, settings.requests_per_minute) == ((), 0, 60, 600)


@pytest.mark.parametrize(
    "origin",
    [
        "https://clinic.example", "https://www.my-clinic.example", "https://clinic.example:8443", "https://xn--klinik-3ya.example", "https://192.0.2.7", "https://[2001:db8::1]:8443", "https://intranet",
        "http://localhost", "http://localhost:8080", "http://127.0.0.1:5005", "http://[::1]:3000", "http://localhost:65535",
    ],
)  # fmt: skip
def test_the_origin_of_a_website_is_taken(origin):
    assert from_environment({"SIJBOT_ORIGINS": origin}).origins == (origin,)


def test_several_origins_are_parted_by_commas():
    assert from_environment({"SIJBOT_ORIGINS": "https://a.example,https://b.example, http://localhost:3000"}).origins == ("https://a.example", "https://b.example", "http://localhost:3000")


@pytest.mark.parametrize(
    "entry",
    [
        "*", "https://*", "https://*.clinic.example", "null", "clinic.example", "//clinic.example", "https://clinic.example/", "https://clinic.example/chat", "https://clinic.example?a", "https://clinic.example#a",
        "https://user@clinic.example", "https://user:pass@clinic.example", "http://clinic.example", "http://localhost.example", "http://127.0.0.2", "http://localhost@clinic.example", "ftp://clinic.example",
        "https://Clinic.example", "HTTPS://clinic.example", "https://clinic.example:443", "http://localhost:80", "https://clinic.example:0", "https://clinic.example:65536", "https://clinic.example:", "https://clinic.example:08443",
        "https://", "https://.example", "https://clinic..example", "https://-clinic.example", "https://clinic.example.", "https://klinik-ä.example", "https://clinic example", "https://[::1", "file://", "https://a.example https://b.example",
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["{}", "https://a.example,{}", "{},https://a.example"])
def test_what_is_no_origin_is_refused_with_the_entry(entry, place):
    with pytest.raises(SettingsError) as refusal:
        from_environment({"SIJBOT_ORIGINS": place.format(entry)})

    assert str(refusal.value).startswith(f"SIJBOT_ORIGINS: '{entry.strip()}' ")


@pytest.mark.parametrize("text", [",", "https://a.example,", ",https://a.example", "https://a.example,,https://b.example", " "])
def test_an_empty_entry_is_refused(text):
    with pytest.raises(SettingsError, match="^SIJBOT_ORIGINS: '' "):
        from_environment({"SIJBOT_ORIGINS": text})


def test_an_empty_environment_gives_a_development_server_of_this_machine_only():
    settings = from_environment({})

    assert (settings.host, settings.port, settings.production, settings.secret) == ("127.0.0.1", 5005, False, None)


def test_production_with_a_long_enough_secret_is_taken():
    settings = from_environment({"SIJBOT_MODE": "production", "SIJBOT_SECRET": LONG_ENOUGH})

    assert settings.production
    assert signing_secret(settings) == LONG_ENOUGH


def test_var_holds_the_model_and_the_database_unless_another_is_named(tmp_path):
    settings = from_environment({"SIJBOT_VAR": str(tmp_path)})
    elsewhere = dataclasses.replace(settings, database_url="postgresql://db/sijbot")

    assert settings.model.is_relative_to(tmp_path)
    assert settings.records_url == f"sqlite:///{tmp_path / 'sijbot.db'}"
    assert elsewhere.records_url == "postgresql://db/sijbot"


def test_a_var_that_cannot_be_written_is_refused_by_path(tmp_path):
    (tmp_path / "file").write_text("")
    var = tmp_path / "file" / "var"

    with pytest.raises(SettingsError) as refusal:
        prepare_var(Settings(var=var))

    assert str(var) in str(refusal.value) and "SIJBOT_VAR" in str(refusal.value)


def test_var_is_made_with_its_parents_and_left_empty(tmp_path):
    var = tmp_path / "a" / "var"

    prepare_var(Settings(var=var))

    assert list(var.iterdir()) == []


def test_a_secret_is_made_once_long_enough_and_for_the_owner_alone(tmp_path):
    first = signing_secret(Settings(var=tmp_path))
    second = signing_secret(Settings(var=tmp_path))

    assert first == second
    assert len(first) >= MINIMUM_SECRET_CHARACTERS
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_two_machines_make_different_secrets(tmp_path: Path):
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()

    assert signing_secret(Settings(var=folders[0])) != signing_secret(Settings(var=folders[1]))


WEBHOOK = {"SIJBOT_HAND_OFF_WEBHOOK": "https://clinic.example/hand-offs", "SIJBOT_HAND_OFF_SECRET": LONG_ENOUGH}
EMAIL = {"SIJBOT_HAND_OFF_EMAIL": "desk@clinic.example", "SIJBOT_SMTP_URL": "smtps://me:hunter2@mail.example", "SIJBOT_SMTP_FROM": "sijbot@clinic.example"}


def without(environ: dict, name: str) -> dict:
    return {key: value for key, value in environ.items() if key != name}


@pytest.mark.parametrize(
    "environ, named",
    [
        ({"SIJBOT_RELAY": "outside"}, "SIJBOT_RELAY"),
        (without(WEBHOOK, "SIJBOT_HAND_OFF_SECRET"), "SIJBOT_HAND_OFF_SECRET"),
        ({**WEBHOOK, "SIJBOT_HAND_OFF_SECRET": LONG_ENOUGH[1:]}, "SIJBOT_HAND_OFF_SECRET"),
        *[
            ({**WEBHOOK, "SIJBOT_HAND_OFF_WEBHOOK": url}, "SIJBOT_HAND_OFF_WEBHOOK")
            for url in (
                "clinic.example", "ftp://clinic.example/", "https://", "https:///path", "https://clinic.example:0/", "https://clinic.example:65536/", "https://clinic.example:x/", "https://[::1", "https://clinic example/",
                "https://clinic.example/\n", "http://clinic.example/", "http://127.0.0.2/", "http://localhost.example/", "http://10.0.0.1/", "https://me:hunter2@clinic.example/", "https://me@clinic.example/", "https://clinic.example/#a",
            )
        ],
        ({**WEBHOOK, **EMAIL}, "SIJBOT_HAND_OFF_EMAIL"),
        (without(EMAIL, "SIJBOT_SMTP_URL"), "SIJBOT_SMTP_URL"),
        (without(EMAIL, "SIJBOT_SMTP_FROM"), "SIJBOT_SMTP_FROM"),
        *[({**EMAIL, "SIJBOT_SMTP_URL": url}, "SIJBOT_SMTP_URL") for url in ("mail.example", "https://mail.example", "smtp://", "smtp://me:hunter2@mail.example:99999")],
        *[
            ({**EMAIL, name: address}, name)
            for name in ("SIJBOT_HAND_OFF_EMAIL", "SIJBOT_SMTP_FROM")
            for address in ("desk", "desk@", "@clinic.example", "a@b, c@d", "Desk <desk@clinic.example>", "desk@clinic.example\nBcc: x@y.z", "désk@clinic.example", "desk@clinic..example")
        ],
        *[({"SIJBOT_AMQP_URL": url}, "SIJBOT_AMQP_URL") for url in ("broker", "http://broker/", "amqp://", "amqps://me:hunter2@broker:0/")],
    ],
)  # fmt: skip
def test_a_way_to_deliver_that_cannot_be_used_is_refused_by_name_and_without_its_secrets(environ, named):
    with pytest.raises(SettingsError, match=f"^{named}: ") as refusal:
        from_environment(environ)

    assert "hunter2" not in str(refusal.value) and LONG_ENOUGH[1:] not in str(refusal.value)


@pytest.mark.parametrize(
    "environ, sinks",
    [
        ({}, ()), (WEBHOOK, ("webhook",)), (EMAIL, ("email",)), ({"SIJBOT_AMQP_URL": "amqp://broker/"}, ("amqp",)), ({**EMAIL, "SIJBOT_AMQP_URL": "amqps://me:hunter2@broker:5671/one"}, ("email", "amqp")),
        *[({**WEBHOOK, "SIJBOT_HAND_OFF_WEBHOOK": f"http://{host}:8080/x?y=z"}, ("webhook",)) for host in ("localhost", "127.0.0.1", "[::1]")],
        ({"SIJBOT_SMTP_URL": "smtp://mail.example:25", "SIJBOT_SMTP_FROM": "a@b", "SIJBOT_HAND_OFF_SECRET": LONG_ENOUGH}, ()),
    ],
)  # fmt: skip
def test_the_ways_to_deliver_are_those_that_are_set_up(environ, sinks):
    settings = from_environment(environ)

    assert settings.sinks == sinks and settings.hand_off_sink == next((sink for sink in sinks if sink != "amqp"), None)


def test_the_server_delivers_itself_unless_it_is_said():
    assert [from_environment(environ).relay for environ in ({}, {"SIJBOT_RELAY": ""}, {"SIJBOT_RELAY": "inside"}, {"SIJBOT_RELAY": "apart"})] == ["inside", "inside", "inside", "apart"]


def test_settings_that_are_printed_show_no_password():
    settings = from_environment({**EMAIL, "SIJBOT_HAND_OFF_SECRET": LONG_ENOUGH, "SIJBOT_AMQP_URL": "amqp://me:hunter2@broker/"})

    assert "hunter2" not in repr(settings) and LONG_ENOUGH not in repr(settings)
