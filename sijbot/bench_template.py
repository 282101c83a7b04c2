"""Rasa's own default pipeline beside ours, in one run, on the same examples: training time, accuracy on the held-out questions, start, turns over HTTP, memory.

The template's pipeline and policies are those that Rasa itself fills in, with a seed; it runs with the real TensorFlow, in an environment of its own (`make template`).
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Iterator, Mapping, Optional, Sequence

import numpy as np
import yaml

from sijbot.bench import TURNS_PER_CONVERSATION, is_ready, post, resident_mb, serving
from sijbot.content import Content, load
from sijbot.evaluate_answers import HELD_OUT, Question, read_questions
from sijbot.settings import Settings

START_DEADLINE_S = 300
TURNS = 200
SEEDED = ("DIETClassifier", "ResponseSelector", "TEDPolicy", "UnexpecTEDIntentPolicy")
RESAMPLES = 10_000
_DEFAULT_CONFIG = "from importlib import resources; print((resources.files('rasa.engine.recipes.config_files') / 'default_config.yml').read_text())"


@dataclass(frozen=True)
class Figures:
    """Of one side and one seed. right: by question, whether the right id stood first."""

    train_s: float
    start_s: float
    turn_p50_ms: float
    turn_p95_ms: float
    memory_mb: int
    right: tuple[bool, ...]


def compare(settings: Settings, template_python: Path, seeds: int, most_examples: Optional[int], port: int) -> Iterator[str]:
    """Yield lines: what is done, a row for each seed and side, and the comparison.

    most_examples: of each id, for a quicker run; None for all.
    """
    content = load(settings.content)
    questions = [question for question in read_questions(settings.root / HELD_OUT) if question.accept and not question.kind]
    rows: dict[str, list[Figures]] = {"sijbot": [], "template": []}
    yield "| side | seed | examples | training | right id first | start to ready | turn p50 | turn p95 | memory |\n|---|---|---|---|---|---|---|---|---|"
    for seed in range(1, seeds + 1):
        with tempfile.TemporaryDirectory(prefix="sijbot-bench-") as folder:
            data, count = _examples(settings.root, Path(folder) / "data", most_examples, seed)
            for side, measure in (("sijbot", _ours), ("template", _template)):
                figures = measure(settings, content, template_python, Path(folder) / side, data, questions, seed, port)
                rows[side].append(figures)
                yield (
                    f"| {side} | {seed} | {count:,} | {figures.train_s:.0f} s | {100 * np.mean(figures.right):.1f} % | {figures.start_s:.1f} s | {figures.turn_p50_ms:.1f} ms "
                    f"| {figures.turn_p95_ms:.1f} ms | {figures.memory_mb} MB |"
                )
    yield ""
    yield from _comparison(rows["sijbot"], rows["template"])


def _comparison(ours: Sequence[Figures], template: Sequence[Figures]) -> Iterator[str]:
    lower, middle, upper = difference(ours, template, random.Random(1))
    yield f"Right id first, sijbot less template: {middle:+.1f} points (95 % of {RESAMPLES:,} paired resamples of the questions: {lower:+.1f} to {upper:+.1f})."
    for name, value in (("training", "train_s"), ("start to ready", "start_s"), ("turn p50", "turn_p50_ms"), ("turn p95", "turn_p95_ms"), ("memory", "memory_mb")):
        one, other = (statistics.mean(getattr(figures, value) for figures in side) for side in (ours, template))
        yield f"{name}: {other / one:.1f} times ours for the template (ours is {one / other:.2f} of it)."


def difference(ours: Sequence[Figures], template: Sequence[Figures], draw: random.Random) -> tuple[float, float, float]:
    """Return the difference of the shares that are right, in points: the lower end of the 95 % interval, the value, the upper end. Questions are drawn again, seeds are averaged."""
    by_question = np.mean([figures.right for figures in ours], axis=0) - np.mean([figures.right for figures in template], axis=0)
    drawn = np.random.default_rng(draw.randrange(2**32)).integers(0, len(by_question), (RESAMPLES, len(by_question)))
    lower, upper = np.percentile(by_question[drawn].mean(1), (2.5, 97.5))
    return 100 * lower, 100 * float(by_question.mean()), 100 * upper


def _examples(root: Path, target: Path, most: Optional[int], seed: int) -> tuple[Path, int]:
    """Write our data folder with at most so many examples of each id; return it and how many there are."""
    shutil.copytree(root / "data", target, ignore=shutil.ignore_patterns("*.jsonl"))
    count, draw = 0, random.Random(seed)
    for path in sorted((target / "nlu").glob("*.yml")):
        entries = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["nlu"]
        for entry in entries:
            lines = [line for line in entry["examples"].splitlines() if line.strip()]
            lines = draw.sample(lines, min(most or len(lines), len(lines)))
            entry["examples"] = "\n".join(lines) + "\n"
            count += len(lines)
        path.write_text(yaml.safe_dump({"version": "3.1", "nlu": entries}, allow_unicode=True, width=10_000), encoding="utf-8")
    return target, count


def _ours(settings: Settings, content: Content, _, folder: Path, data: Path, questions: Sequence[Question], seed: int, port: int) -> Figures:
    import asyncio

    from sijbot.adapters.dialogue import understand

    folder.mkdir()
    config = yaml.safe_load((settings.root / "config.yml").read_text(encoding="utf-8"))
    config["pipeline"][0]["random_state"] = seed
    (folder / "config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    train_s = _train(sys.executable, settings.root, folder, data, settings.root / "domain.yml")
    measured = replace(settings, var=folder / "var")
    measured.model.parent.mkdir(parents=True)
    shutil.move(folder / "model.tar.gz", measured.model)
    ranked = [message["ranking"][0]["id"] for message in asyncio.run(understand(measured, [question.text for question in questions]))]
    right = tuple(first in question.accept for first, question in zip(ranked, questions))
    began = time.perf_counter()
    with serving(settings, port) as (base, server):
        start_s, token = time.perf_counter() - began, ""

        def say(text: str, number: int) -> None:
            nonlocal token
            if number % TURNS_PER_CONVERSATION == 0:
                token = post(f"{base}/webhooks/web/conversations", {})["token"]
            post(f"{base}/webhooks/web/webhook", {"message": text}, token)

        p50, p95 = _turns(say, questions)
        return Figures(train_s, start_s, p50, p95, resident_mb(server.pid), right)


def _template(settings: Settings, content: Content, python: Path, folder: Path, data: Path, questions: Sequence[Question], seed: int, port: int) -> Figures:
    _write_template(folder, python, data, content, seed)
    train_s = _train(str(python), folder, folder, folder / "data", folder / "domain.yml")
    began = time.perf_counter()
    command = [str(python), "-W", "ignore", "-m", "rasa", "run", "--enable-api", "--model", str(folder / "model.tar.gz"), "--port", str(port), "--credentials", str(folder / "credentials.yml")]
    with _process(command, folder) as server:
        base = f"http://127.0.0.1:{port}"
        while not is_ready(f"{base}/status"):
            if server.poll() is not None or time.perf_counter() - began > START_DEADLINE_S:
                raise RuntimeError("the template's server did not become ready")
            time.sleep(0.1)
        start_s = time.perf_counter() - began
        right = tuple(_first(post(f"{base}/model/parse", {"text": question.text})) in question.accept for question in questions)

        def say(text: str, number: int) -> None:
            post(f"{base}/webhooks/rest/webhook", {"sender": f"bench-{number // TURNS_PER_CONVERSATION}", "message": text})

        p50, p95 = _turns(say, questions)
        return Figures(train_s, start_s, p50, p95, resident_mb(server.pid), right)


def _first(parsed: Mapping) -> str:
    """Return the id that the template ranks first: the selector's for a retrieval intent, else the intent."""
    intent = parsed["intent"]["name"]
    if intent == "nlu_fallback":  # its place is taken by the fallback; what it ranked first stands behind
        intent = next(item["name"] for item in parsed["intent_ranking"] if item["name"] != "nlu_fallback")
    selectors = parsed.get("response_selector", {})
    if intent not in selectors.get("all_retrieval_intents", ()):
        return intent
    ranking = selectors.get(intent, selectors["default"])["ranking"]
    keys = [item["intent_response_key"] for item in ranking]
    return next((key for key in keys if key.startswith(f"{intent}/")), keys[0]).partition("/")[2]


def _write_template(folder: Path, python: Path, data: Path, content: Content, seed: int) -> None:
    """Write a project as `rasa init` makes it, with our examples, our short answers and a rule and a story for each intent."""
    (folder / "data").mkdir(parents=True)
    shutil.copytree(data / "nlu", folder / "data" / "nlu")
    config = yaml.safe_load(subprocess.run([str(python), "-W", "ignore", "-c", _DEFAULT_CONFIG], check=True, capture_output=True, text=True).stdout)
    for component in (*config["pipeline"], *config["policies"]):
        if component["name"] in SEEDED:
            component["random_seed"] = seed
    (folder / "config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    labels = sorted({entry["intent"] for path in (data / "nlu").glob("*.yml") for entry in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["nlu"]})
    intents = sorted({label.partition("/")[0] for label in labels})
    responses = {f"utter_{name}": [{"text": name}] for name in {*labels, *intents}}
    responses |= {f"utter_{subject}/{key}": [{"text": content.title_of(key)}] for key, subject in content.subject_of.items()}
    domain = {"version": "3.1", "intents": intents, "responses": responses, "session_config": {"session_expiration_time": 60, "carry_over_slots_to_new_session": True}}
    (folder / "domain.yml").write_text(yaml.safe_dump(domain, allow_unicode=True), encoding="utf-8")
    rules = [{"rule": name, "steps": [{"intent": name}, {"action": f"utter_{name}"}]} for name in intents]
    paths = [
        {"story": f"{one}, then {other}", "steps": [{"intent": one}, {"action": f"utter_{one}"}, {"intent": other}, {"action": f"utter_{other}"}]}
        for one, other in zip(intents, intents[1:] + intents[:1])
    ]
    (folder / "data" / "rules.yml").write_text(yaml.safe_dump({"version": "3.1", "rules": rules}), encoding="utf-8")
    (folder / "data" / "stories.yml").write_text(yaml.safe_dump({"version": "3.1", "stories": paths}), encoding="utf-8")
    (folder / "credentials.yml").write_text("rest:\n", encoding="utf-8")


def _train(python: str, working_folder: Path, folder: Path, data: Path, domain: Path) -> float:
    """Train with nothing remembered from another run; return how many seconds it took.

    Raises: subprocess.CalledProcessError.
    """
    environment = {**os.environ, "RASA_TELEMETRY_ENABLED": "false", "RASA_CACHE_DIRECTORY": str(folder / "cache")}
    command = [python, "-W", "ignore", "-m", "rasa", "train", "--config", str(folder / "config.yml"), "--domain", str(domain), "--data", str(data), "--out", str(folder), "--fixed-model-name", "model"]
    began = time.perf_counter()
    subprocess.run(command, check=True, cwd=working_folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


@contextmanager
def _process(command: Sequence[str], folder: Path) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, "RASA_TELEMETRY_ENABLED": "false"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _turns(say: Callable[[str, int], None], questions: Sequence[Question]) -> tuple[float, float]:
    times_ms = []
    for number in range(TURNS):
        began = time.perf_counter()
        say(questions[number % len(questions)].text, number)
        times_ms.append((time.perf_counter() - began) * 1000)
    cuts = statistics.quantiles(times_ms, n=100)
    return cuts[49], cuts[94]
