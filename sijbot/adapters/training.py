"""Trains the model where something that it learns from has changed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Optional

import yaml

from sijbot.content import Content
from sijbot.settings import Settings
from sijbot.triage import meaning
from sijbot.triage.meaning import NONE, Example, case_examples

NEEDS_TENSORFLOW = frozenset(
    ("DIETClassifier", "ResponseSelector", "TEDPolicy", "UnexpecTEDIntentPolicy", "LanguageModelFeaturizer", "ConveRTFeaturizer")
)
MEANING_THRESHOLD = 0.75  # asks about 9 % of the hard harmless messages of data/screen and two thirds of the signs: scripts/meaning_threshold.py, 2026-11-22
_WEIGHT_OF_TALK = 0.8
TRAINED_FROM = ("content/red_flags/*.cases.yml", "config.yml", "domain.yml", "data/**/*.yml", "data/screen/*.jsonl", "sijbot/adapters/topic_classifier.py", "sijbot/adapters/sentence_encoder.py", "sijbot/triage/meaning.py")


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


def examples_of_signs(settings: Settings, content: Content) -> list[Example]:
    """Return what the third layer learns from: the messages of data/screen, the flags' cases, and the training questions as harmless talk."""
    examples = [example for example in case_examples(content) if not example.flags or content.red_flags[example.flags[0]].level != "soon"]
    for path in sorted(settings.root.glob("data/screen/*.jsonl")):
        for line in filter(str.strip, path.read_text(encoding="utf-8").splitlines()):
            message = json.loads(line)
            flags = tuple(flag for flag in message["flags"] if flag in content.red_flags) if message["expect"] != NONE else ()
            if flags and all(content.red_flags[flag].level == "soon" for flag in flags):
                continue  # ordinary pain, in the main: to ask about every ache is no help
            examples.append(Example(message["text"], flags, 0.5 if message["expect"] == "ask" else 1.0))
    for path in sorted(settings.root.glob("data/nlu/*.yml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            harmless = (line.strip()[2:] for line in entry["examples"].splitlines() if line.strip())
            examples.extend(Example(text, (), _WEIGHT_OF_TALK) for text in harmless)
    return examples


def train_meaning(settings: Settings, content: Content) -> None:
    """Train and store the third layer of the screen."""
    meaning.train(examples_of_signs(settings, content), MEANING_THRESHOLD).save(settings.meaning)


def stamp_path(settings: Settings) -> Path:
    return settings.model.with_suffix(".fingerprint")


def is_current(settings: Settings, content: Content) -> bool:
    """Return whether the stored model was trained from what is here now."""
    stamp = stamp_path(settings)
    return settings.model.is_file() and stamp.is_file() and stamp.read_text(encoding="utf-8") == fingerprint(settings, content)


def train(settings: Settings, content: Content) -> Optional[str]:
    """Train and store the model; return None, or why it failed.

    Raises: ConfigError.
    """
    from rasa.model_training import train as rasa_train  # seconds of imports, needed only here

    check_config(settings.root / "config.yml")
    settings.model.parent.mkdir(parents=True, exist_ok=True)
    stamp_path(settings).unlink(missing_ok=True)
    train_meaning(settings, content)
    result = rasa_train(
        domain=str(settings.root / "domain.yml"), config=str(settings.root / "config.yml"), training_files=[str(settings.root / "data")],
        output=str(settings.model.parent), fixed_model_name="sijbot", force_training=False,
    )  # fmt: skip
    if result.code != 0 or not settings.model.is_file():
        return "training failed: run `rasa data validate` for the reason"
    stamp_path(settings).write_text(fingerprint(settings, content), encoding="utf-8")
    return None
