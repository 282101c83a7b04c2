"""The stand-in for TensorFlow lets Rasa define its classes, and says in one sentence what to do when one is used."""

from __future__ import annotations

import importlib

import pytest
import tensorflow
import yaml

from sijbot.adapters.training import ConfigError, check_config
from sijbot.settings import ROOT

SOURCE = ROOT / "packages" / "no-tensorflow"
NEEDS_TENSORFLOW = {
    "pipeline": ("DIETClassifier", "ResponseSelector", "LanguageModelFeaturizer", "ConveRTFeaturizer"),
    "policies": ("TEDPolicy", "UnexpecTEDIntentPolicy"),
}


class Layer(tensorflow.keras.layers.Layer):
    """Defined as Rasa defines its own: with a placeholder as base, decorated and annotated."""

    @tensorflow.function
    def call(self, x: tensorflow.Tensor) -> tensorflow.Tensor:
        return x

    @tensorflow.function(input_signature=None)
    def call_with_options(self, x: tensorflow.Tensor) -> tensorflow.Tensor:
        return x


@pytest.mark.parametrize(
    "use", [lambda: tensorflow.zeros(3), lambda: tensorflow.keras.Model(), lambda: tensorflow.random.set_seed(1), lambda: Layer()],
    ids=["function", "class", "function of a submodule", "subclass"],
)  # fmt: skip
def test_use_is_refused_in_one_sentence(use):
    with pytest.raises(Exception) as refused:
        use()

    message = str(refused.value)
    assert type(refused.value).__name__ == "TensorFlowIsNotInstalled"
    assert "config.yml" in message and "DIETClassifier" in message
    assert "\n" not in message and ". " not in message and message.endswith(".")


def test_refusal_is_one_that_rasa_prints_without_a_stack_trace():
    exceptions = importlib.import_module("rasa.shared.exceptions")

    with pytest.raises(exceptions.RasaException):
        tensorflow.zeros(3)


def test_missing_dunder_is_an_attribute_error():
    assert not hasattr(tensorflow, "__no_such_thing__") and not hasattr(tensorflow.Tensor, "__no_such_thing__")


@pytest.mark.parametrize("name", ["tensorflow.keras.layers", "tensorflow.python.framework.ops", "tensorflow.no.such.module", "keras.utils"])
def test_every_submodule_can_be_imported(name):
    assert importlib.import_module(name).__name__ == name


def test_decorated_method_stays_what_it_was():
    assert Layer.call(None, 4) == Layer.call_with_options(None, 4) == 4


def test_nothing_is_an_instance_of_a_placeholder():
    assert not isinstance(3, tensorflow.Tensor)


@pytest.mark.parametrize("package", ["tensorflow", "keras"])
def test_installed_stand_in_is_the_one_of_this_repository(package):
    installed = importlib.import_module(package).__file__

    with open(installed, encoding="utf-8") as file:
        assert file.read() == (SOURCE / package / "__init__.py").read_text(encoding="utf-8")


def test_rasa_defines_its_tensorflow_classes():
    from rasa.nlu.classifiers.diet_classifier import DIET, DIETClassifier

    assert isinstance(DIETClassifier, type) and issubclass(DIET, tensorflow.Placeholder)


@pytest.fixture
def config() -> dict:
    return yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("section, name", [(section, name) for section, names in NEEDS_TENSORFLOW.items() for name in names])
@pytest.mark.parametrize("prefix", ["", "rasa.some.module."], ids=["short name", "full name"])
def test_component_that_needs_tensorflow_is_refused_by_name(tmp_path, config, section, name, prefix):
    config[section].insert(0, {"name": prefix + name})
    path = tmp_path / "config.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")

    with pytest.raises(ConfigError, match=f"config.yml: {section}: {name} needs TensorFlow"):
        check_config(path)


@pytest.mark.parametrize("text", ["pipeline: [", "", "- a list", "pipeline: 3", "pipeline:\n  - nmae: WhitespaceTokenizer"])
def test_unreadable_configuration_is_a_fault_with_its_file_name(tmp_path, text):
    path = tmp_path / "config.yml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError, match="config.yml"):
        check_config(path)


def test_shipped_configuration_is_accepted():
    assert check_config(ROOT / "config.yml") is None
