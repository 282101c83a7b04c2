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
