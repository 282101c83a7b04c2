"""The environment, and what is refused of it."""

import dataclasses
import stat
from pathlib import Path

import pytest

from sijbot.settings import MINIMUM_SECRET_CHARACTERS, Settings, SettingsError, from_environment, prepare_var, signing_secret

LONG_ENOUGH = "s" * MINIMUM_SECRET_CHARACTERS


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
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_by_name(environ, named):
    with pytest.raises(SettingsError, match=f"^{named}: "):
        from_environment(environ)


def test_what_is_set_to_nothing_counts_as_not_set():
    names = ("SIJBOT_ROOT", "SIJBOT_VAR", "SIJBOT_HOST", "SIJBOT_REGION", "SIJBOT_DATABASE_URL", "ACTION_ENDPOINT_URL")

    assert from_environment({name: "" for name in names}) == from_environment({})


def test_a_refused_secret_is_not_repeated_in_the_message():
    with pytest.raises(SettingsError) as refusal:
        from_environment({"SIJBOT_SECRET": "hunter2"})

    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("port", ["1", "65535"])
def test_the_first_and_the_last_port_are_taken(port):
    assert from_environment({"PORT": port}).port == int(port)


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
