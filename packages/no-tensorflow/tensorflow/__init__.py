"""Stand-in for TensorFlow: lets Rasa define its classes, and refuses loudly to run any of them.

Rasa 3.6 imports TensorFlow while loading, but needs it only inside DIET, TED, ResponseSelector and the BERT featurizers, none of which sijbot
uses. Whatever is asked of this package is a `Placeholder` class, so that subclassing, annotating and decorating work. Calling or
instantiating one raises `TensorFlowIsNotInstalled`.
"""

import importlib.abc
import importlib.machinery
import sys

__version__ = "2.12.0"

_TOP_LEVEL = ("tensorflow", "keras")

# Used by Rasa as decorators while its classes are being defined, where calling them is still definition and not use.
_DECORATORS = ("tensorflow.function",)

_MESSAGE = (
    "TensorFlow is not installed, and {name} was called: remove the component that needs it (DIETClassifier, ResponseSelector, TEDPolicy, "
    "UnexpecTEDIntentPolicy, LanguageModelFeaturizer or ConveRTFeaturizer) from config.yml."
)


def _not_installed(name):
    """Return the error to raise: a RasaException where Rasa is loaded, so that its command line prints one sentence and no stack trace."""
    rasa_exceptions = sys.modules.get("rasa.shared.exceptions")
    base = rasa_exceptions.RasaException if rasa_exceptions else RuntimeError
    return type("TensorFlowIsNotInstalled", (base,), {})(_MESSAGE.format(name=name))


class _PlaceholderType(type):
    """The class of `Placeholder`: gives attributes that are placeholders too, and refuses calls."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _placeholder(f"{cls._path}.{name}")

    def __call__(cls, *args, **kwargs):
        if cls._path in _DECORATORS:
            return args[0] if args else (lambda function: function)
        raise _not_installed(cls._path if cls.__name__ == cls._path.rpartition(".")[2] else cls.__name__)

    def __getitem__(cls, item):
        return cls


class Placeholder(metaclass=_PlaceholderType):
    """Base of every stand-in class; `_path` is the dotted name that was asked for."""

    _path = "tensorflow"


def _placeholder(path):
    return _PlaceholderType(path.rpartition(".")[2], (Placeholder,), {"_path": path, "__module__": path.rpartition(".")[0]})


class _StandInFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Makes every submodule of tensorflow and keras importable as a module of placeholders."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname.partition(".")[0] in _TOP_LEVEL and "." in fullname:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__getattr__ = placeholders_of(module.__name__)


def placeholders_of(module_name):
    """Return a module-level `__getattr__` that gives placeholders named after the module."""

    def __getattr__(name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _placeholder(f"{module_name}.{name}")

    return __getattr__


sys.meta_path.append(_StandInFinder())
__getattr__ = placeholders_of("tensorflow")
