"""Trains the model where something that it learns from has changed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Optional

import yaml

from sijbot.content import Content
from sijbot.settings import Settings

NEEDS_TENSORFLOW = frozenset(
    ("DIETClassifier", "ResponseSelector", "TEDPolicy", "UnexpecTEDIntentPolicy", "LanguageModelFeaturizer", "ConveRTFeaturizer")
)
TRAINED_FROM = ("config.yml", "domain.yml", "data/**/*.yml", "sijbot/adapters/topic_classifier.py", "sijbot/language/topic_encoder/model.onnx", "sijbot/language/topic_encoder/directions.npz")


class ConfigError(Exception):
    """Something in config.yml that cannot work here; the message names it."""


def check_config(path: Path) -> None:
    """Raise ConfigError where config.yml is unreadable or names a component that needs TensorFlow."""
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path.name}: cannot be read ({str(error).splitlines()[0]})") from None
    for section in ("pipeline", "policies"):
        components = config.get(section) if isinstance(config, dict) else None
        if not isinstance(components, list):
            raise ConfigError(f"{path.name}: {section}: must be a list of components")
        for number, component in enumerate(components, 1):
            if not isinstance(component, dict) or not isinstance(component.get("name"), str):
                raise ConfigError(f"{path.name}: {section}: component {number} has no name")
            name = component["name"].rpartition(".")[2]
            if name in NEEDS_TENSORFLOW:
                raise ConfigError(f"{path.name}: {section}: {name} needs TensorFlow, which is not installed: remove it")


def fingerprint(settings: Settings, content: Content) -> str:
    """Return a digest of everything that the model is trained from: content ids, data, domain, configuration, components."""
    digest = hashlib.sha256("\n".join(sorted(content.subject_of)).encode())
    for pattern in TRAINED_FROM:
        for path in sorted(settings.root.glob(pattern)):
            digest.update(str(path.relative_to(settings.root)).encode() + path.read_bytes())
    return digest.hexdigest()


def stamp_path(settings: Settings) -> Path:
    return settings.model.with_suffix(".fingerprint")


def model_digest(settings: Settings) -> str:
    """Return the SHA-256 of the stored model. Raises: OSError."""
    return hashlib.sha256(settings.model.read_bytes()).hexdigest()


def is_whole(settings: Settings) -> bool:
    """Return whether the stored model is the one that was trained: code comes with it, and a part of it answers nobody. False too where there is none, or no note of its training."""
    try:
        return stamp_path(settings).read_text(encoding="utf-8").split()[1:] == [model_digest(settings)]
    except OSError:
        return False


def is_current(settings: Settings, content: Content) -> bool:
    """Return whether the stored model was trained from what is here now, and is whole."""
    return is_whole(settings) and stamp_path(settings).read_text(encoding="utf-8").split()[0] == fingerprint(settings, content)


def train(settings: Settings, content: Content) -> Optional[str]:
    """Train and store the model; return None, or why it failed.

    Raises: ConfigError.
    """
    from rasa.model_training import train as rasa_train  # seconds of imports, needed only here

    check_config(settings.root / "config.yml")
    settings.model.parent.mkdir(parents=True, exist_ok=True)
    stamp_path(settings).unlink(missing_ok=True)
    trained_from = fingerprint(settings, content)  # now: what changes while it trains is not in the model
    result = rasa_train(
        domain=str(settings.root / "domain.yml"), config=str(settings.root / "config.yml"), training_files=[str(settings.root / "data")],
        output=str(settings.model.parent), fixed_model_name="sijbot", force_training=False,
    )  # fmt: skip
    if result.code != 0 or not settings.model.is_file():
        return "training failed: run `rasa data validate` for the reason"
    stamp_path(settings).write_text(f"{trained_from}\n{model_digest(settings)}\n", encoding="utf-8")
    return None
