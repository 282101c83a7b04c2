"""The command line: `sijbot …`."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")  # before anything of Rasa is imported
os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
os.environ.setdefault("TQDM_DISABLE", "1")  # Rasa draws a bar per policy and rule

import asyncio
import json
import logging
import re
import signal
import socket
import subprocess
import warnings
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Iterator, List, Mapping, Optional

import typer
from rich.console import Console

from sijbot import logs
from sijbot import settings as settings_module
from sijbot.content import Content, ContentError, load

app = typer.Typer(help="The SI Joint Assistant: run it, talk to it, test it, check its content.", no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)
content_app = typer.Typer(help="For clinicians: check, preview and review what stands in content/.", no_args_is_help=True)
app.add_typer(content_app, name="content")
out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)

BACKLOG = 2048  # connections that wait to be taken: at the 100 of Sanic a burst is not refused but ignored, and tried again by the kernel of who asks, a second later
JSONL_HELP = "Read one JSON object per line from standard input, write one per line to standard output."


class Stop(Exception):
    """Ends the command with one message and exit code 1."""


def main() -> None:
    """Run the command line; every expected fault is one message without a stack trace."""
    warnings.showwarning = lambda *_, **__: None  # the libraries turn their own deprecation warnings back on
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app(standalone_mode=True)
    except _expected_faults() as fault:
        err.print(str(fault), style="red", markup=False)
        sys.exit(1)


def _expected_faults() -> tuple:
    from sijbot.triage.match import PatternError

    faults = [Stop, ContentError, PatternError, settings_module.SettingsError]
    for name, kind in (("sijbot.adapters.agent", "ModelError"), ("sijbot.adapters.training", "ConfigError")):
        if name in sys.modules:  # not imported: cannot have been raised
            faults.append(getattr(sys.modules[name], kind))
    return tuple(faults)


def _settings() -> settings_module.Settings:
    settings = settings_module.from_environment()
    os.chdir(settings.root)
    return settings


@app.command(epilog="Example: PORT=8080 sijbot run")
def run() -> None:
    """Train where needed, then start the server; the last line says where to open it."""
    settings = _settings()
    settings_module.prepare_var(settings)
    settings_module.signing_secret(settings)
    _refuse_used_port(settings.host, settings.port)
    if not settings.production:
        _train_if_needed(settings)
    out.print("Loading the assistant …")
    from sijbot import metrics
    from sijbot import runtime as process_runtime
    from sijbot.adapters.agent import ModelError, load_agent
    from sijbot.adapters.server import create_app
    from sijbot.adapters.training import model_digest

    logs.configure(settings.json_logs)
    metrics.serve(settings)
    runtime = process_runtime.build(settings, needs_database=False)
    process_runtime.use(runtime)
    faults = [_database_fault(runtime)]
    try:
        agent = load_agent(runtime)
    except ModelError as fault:  # danger signs are heard all the same
        agent = None
        faults.append(str(fault))
    else:
        metrics.model_in_use(model_digest(settings))
    server = create_app(runtime, agent)

    @server.listener("after_server_start")
    async def announce(*_) -> None:
        for fault in filter(None, faults):
            err.print(f"Not ready, danger signs are handed over all the same: {fault}", style="red", markup=False)
        if not any(faults):
            out.print(f"Ready. Open http://localhost:{settings.port}/")

    logs.leave_no_core_file()
    server.run(host=settings.host, port=settings.port, access_log=False, debug=False, motd=False, backlog=BACKLOG)


def _database_fault(runtime) -> Optional[str]:
    """Bring the database to the newest schema; return what is wrong where it is not there, which the server then goes on trying."""
    from sijbot.records import schema

    try:
        schema.prepare(runtime.engine, runtime.settings.migrates)
        return None
    except schema.OtherSchema as fault:
        raise Stop(str(fault)) from None
    except schema.FAULTS as fault:
        return f"the database does not answer ({type(fault).__name__}); look at SIJBOT_DATABASE_URL"


@app.command(epilog="Example: SIJBOT_DATABASE_URL=postgresql+psycopg2://… sijbot migrate")
def migrate() -> None:
    """Bring the database to the schema of this version. Where SIJBOT_MIGRATE is off, this has to be done before the servers start."""
    from sijbot.records import schema

    settings = _settings()
    settings_module.prepare_var(settings)
    try:
        schema.prepare(schema.make_engine(settings.records_url), migrates=True)
    except (schema.OtherSchema, *schema.FAULTS) as fault:
        raise Stop(str(fault) if isinstance(fault, schema.OtherSchema) else f"The database cannot be read or written ({type(fault).__name__}); look at SIJBOT_DATABASE_URL.") from None
    out.print("The database has the newest schema.")


def _refuse_used_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Stop(f"port {port} on {host} cannot be used ({error.strerror}); set PORT to another one") from None



def _train_if_needed(settings: settings_module.Settings) -> None:
    from sijbot.adapters.training import check_config, is_current

    check_config(settings.root / "config.yml")
    if is_current(settings, load(settings.content)):
        out.print("The model is current.")
        return
    # In a process of its own, so that the server does not keep what training needed.
    if subprocess.run([sys.executable, "-W", "ignore", "-m", "sijbot.cli", "train"], cwd=settings.root).returncode != 0:
        raise Stop("the model could not be trained; the reason stands above")


@app.command(epilog="Example: sijbot train --force")
def train(force: bool = typer.Option(False, help="Train even where nothing has changed.")) -> None:
    """Train the model where content ids, data or configuration have changed."""
    settings = _settings()
    settings_module.prepare_var(settings)
    from sijbot.adapters import training

    logs.quiet_libraries()
    training.check_config(settings.root / "config.yml")
    content = load(settings.content)
    if training.is_current(settings, content) and not force:
        out.print("The model is current.")
        return
    out.print("Training the model; this takes about three minutes …")
    fault = training.train(settings, content)
    if fault:
        raise Stop(fault)
    out.print(f"Trained: {settings.model}")


@app.command(epilog="Example: sijbot chat --region uk")
def chat(region: str = typer.Option("unknown", help="Country for telephone numbers, as in content/regions/.")) -> None:
    """Talk to the assistant in the terminal; an empty line ends it."""
    from sijbot.adapters.assistant import Conversation, greeting
    from sijbot.adapters.dialogue import LocalAssistant

    settings = _settings()
    _train_if_needed(settings)
    logs.quiet_libraries()

    async def talk() -> None:
        local = LocalAssistant.load(settings, keep=False)
        conversation = Conversation.new(region)
        buttons: list = []
        _print_replies([greeting(local.runtime, region)], buttons)
        while True:
            line = (await asyncio.to_thread(_input)).strip()
            if not line:
                return
            pressed = buttons[int(line) - 1] if line.isdigit() and 0 < int(line) <= len(buttons) else None
            turn = await local.say(conversation, pressed.title if pressed else line, pressed.payload if pressed else None)
            conversation = turn.conversation
            _print_replies(turn.replies, buttons)

    asyncio.run(talk())


def _input() -> str:
    try:
        return input("> ")
    except EOFError:
        return ""


def _print_replies(replies, buttons: list) -> None:
    buttons.clear()
    for reply in replies:
        if reply.title:
            out.print(reply.title, style="bold red" if reply.level else "bold", markup=False)
        out.print(reply.plain.strip() + "\n", markup=False)
        buttons.extend(reply.buttons)
    for number, button in enumerate(buttons, 1):
        out.print(f"  {number}. {button.title}", style="dim", markup=False)


@app.command(epilog="Example: sijbot converse tests/conversations/myths.yml")
def converse(
    files: List[Path] = typer.Argument(..., help="Files of whole dialogues."),
    database: str = typer.Option("sqlite", help="sqlite, or postgresql (a temporary server)."),
    processes: int = typer.Option(1, min=1, help="How many assistants stand beside each other on the database, and take the messages in turns."),
) -> None:
    """Run conversation cases against the real model and show where a dialogue goes another way."""
    from sijbot.adapters.dialogue import DialogueError, Runner, read_cases

    settings = _settings()
    _train_if_needed(settings)
    logs.quiet_libraries()
    try:
        cases = [case for file in files for case in read_cases(file)]
    except DialogueError as error:
        raise Stop(str(error)) from None
    failed = 0
    with _database_of(database) as url, Runner(settings, url, processes) as runner:
        for case in cases:
            diff = runner.run(case)
            out.print(f"{'✗' if diff else '✓'} {case.name}", style="red" if diff else "green", markup=False)
            if diff:
                failed += 1
                out.print(diff, markup=False)
    out.print(f"{len(cases) - failed} passed, {failed} failed")
    if failed:
        raise typer.Exit(1)


@contextmanager
def _database_of(name: str) -> Iterator[Optional[str]]:
    """Give the address of an empty database, None for SQLite, where whoever uses it makes a file of its own."""
    from sijbot.temporary_postgres import NoPostgres, temporary_postgres

    if name == "sqlite":
        yield None
        return
    if name != "postgresql":
        raise Stop(f"--database: '{name}' is neither sqlite nor postgresql")
    try:
        with temporary_postgres() as server:
            yield server.new_database("sijbot")
    except NoPostgres as fault:
        raise Stop(str(fault)) from None


class _JsonLines:
    """Standard input as objects with 'id' and 'text'. A bad line is answered at once with its fault, and the stream goes on."""

    def __init__(self) -> None:
        self.had_bad_lines = False

    def __iter__(self) -> Iterator[dict]:
        for number, raw in enumerate(sys.stdin.buffer, 1):  # bytes, so that no line can end the stream
            try:
                item = json.loads(raw)
                if not isinstance(item, dict) or "id" not in item or not isinstance(item.get("text"), str):
                    raise ValueError("needs an object with 'id' and a text 'text'")
                replayed = item.get("earlier", [])
                if not isinstance(replayed, list) or not all(isinstance(earlier, str) for earlier in replayed):
                    raise ValueError("'earlier' must be a list of texts")
            except (ValueError, TypeError, RecursionError) as error:
                self.had_bad_lines = True
                _emit({"id": None, "error": f"line {number}: {error}"})
                continue
            yield item


def _emit(item: dict) -> None:
    sys.stdout.write(json.dumps(item) + "\n")
    sys.stdout.flush()


@app.command(epilog="""Example: echo '{"id": 1, "text": "I went numb between my legs"}' | sijbot screen --jsonl""")
def screen(jsonl: bool = typer.Option(True, "--jsonl", help=JSONL_HELP)) -> None:
    """Screen messages for danger signs."""
    from sijbot.runtime import load_screen
    from sijbot.triage.assess import ALARM, ASK, Known

    settings = _settings()
    danger_screen = load_screen(load(settings.content))
    lines = _JsonLines()
    for item in lines:
        known = Known()
        for earlier in item.get("earlier", []):
            known = known.after(danger_screen.verdict(earlier, known), earlier)
        assessment = danger_screen.verdict(item["text"], known)
        said = [finding for finding in assessment.findings if finding.outcome in (ALARM, ASK) or assessment.level is None]
        _emit({
            "id": item["id"], "outcome": assessment.outcome, "level": assessment.level, "flags": [finding.flag for finding in said],
            "evidence": [{"flag": finding.flag, "start": finding.start, "end": finding.end} for finding in said],
        })  # fmt: skip
    if lines.had_bad_lines:
        raise typer.Exit(1)


@app.command(epilog="""Example: echo '{"id": 1, "text": "what is the si joint"}' | sijbot ask --jsonl""")
def ask(jsonl: bool = typer.Option(True, "--jsonl", help=JSONL_HELP)) -> None:
    """Answer messages, each as the first of a new conversation."""
    from sijbot.adapters.assistant import Conversation
    from sijbot.adapters.dialogue import LocalAssistant

    settings = _settings()
    logs.quiet_libraries()

    async def answer_all() -> bool:
        local = LocalAssistant.load(settings, keep=False)
        lines = _JsonLines()
        for item in lines:
            conversation = Conversation.new(item.get("region", "unknown"))
            for earlier in item.get("earlier", []):
                conversation = (await local.say(conversation, earlier)).conversation
            turn = await local.say(conversation, item["text"])
            _emit({"id": item["id"], **(await local.summary(conversation, turn))})
            await local.forget(conversation)
        return lines.had_bad_lines

    if asyncio.run(answer_all()):
        raise typer.Exit(1)


evaluate_app = typer.Typer(help="For developers: figures on held-out messages.", no_args_is_help=True)
app.add_typer(evaluate_app, name="evaluate")


@evaluate_app.command("red-flags", epilog="Example: sijbot evaluate red-flags --misses")
def evaluate_red_flags(
    path: Path = typer.Option(None, "--file", help="Messages in YAML; without it evaluation/heldout/red_flags.yml."),
    patterns_only: bool = typer.Option(False, "--patterns-only", help="What the words say, without the third layer."),
    show_misses: bool = typer.Option(False, "--misses", help="Print every message that came out otherwise."),
    save: bool = typer.Option(False, "--save", help="Write the figures to evaluation/reports/, under the name of the file and today's date."),
) -> None:
    """Measure the danger screen: what it catches, and how often it alarms for nothing, with 95 % intervals."""
    from sijbot import clock, evaluate
    from sijbot.runtime import load_screen

    settings = _settings()
    screen = load_screen(load(settings.content))
    try:
        path = path or settings.root / evaluate.HELD_OUT
        messages = evaluate.read_messages(path)
    except evaluate.EvaluationError as fault:
        raise Stop(str(fault)) from None
    with err.status(f"{len(messages)} messages …"):
        judged = evaluate.outcomes(messages, screen if patterns_only else screen.verdict)
    layers = "patterns and combinations" if patterns_only else "all three layers"
    lines = [f"# Danger screen on {len(messages)} held-out messages, {layers}, {clock.now():%Y-%m-%d}", "", *evaluate.report(judged)]
    if show_misses:
        lines += ["", *evaluate.misses(judged)]
    out.print("\n".join(lines), markup=False)
    if save:
        folder = settings.root / "evaluation" / "reports"
        folder.mkdir(exist_ok=True)
        (folder / f"{path.stem}_{clock.now():%Y-%m-%d}{'_patterns' if patterns_only else ''}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


@evaluate_app.command("answers", epilog="Example: sijbot evaluate answers --save")
def evaluate_answers(
    path: Path = typer.Option(None, "--file", help="Questions in YAML; without it evaluation/heldout/questions.yml."),
    save: bool = typer.Option(False, "--save", help="Write the figures to evaluation/reports/, under the name of the file and today's date."),
) -> None:
    """Measure how well questions are understood, with 95 % intervals, by id, and what is taken for what."""
    from rich.progress import track

    from sijbot import clock, evaluate_answers
    from sijbot.adapters.dialogue import understand
    from sijbot.evaluate import EvaluationError

    settings = _settings()
    path = path or settings.root / evaluate_answers.HELD_OUT
    try:
        questions = evaluate_answers.read_questions(path)
    except EvaluationError as fault:
        raise Stop(str(fault)) from None
    _train_if_needed(settings)
    logs.quiet_libraries()
    messages = asyncio.run(understand(settings, track([question.text for question in questions], "Understanding …", console=err, transient=True)))
    results = [evaluate_answers.understood(question, message) for question, message in zip(questions, messages)]
    lines = [f"# Understanding of {len(questions)} held-out messages, {clock.now():%Y-%m-%d}", "", *evaluate_answers.report(results, load(settings.content).subject_of)]
    out.print("\n".join(lines), markup=False)
    if save:
        folder = settings.root / "evaluation" / "reports"
        folder.mkdir(exist_ok=True)
        (folder / f"{path.stem}_{clock.now():%Y-%m-%d}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


@app.command("hand-offs", epilog="Example: sijbot hand-offs --days 7")
def list_hand_offs(days: int = typer.Option(30, min=1, help="How many days back."), as_json: bool = typer.Option(False, "--json", help="One JSON object per line.")) -> None:
    """List what was handed over to people, and what became of it. `offered`: the text was shown to the person, nobody else was told. Passed on to a clinic: `queued`, `delivered` to its inbox (read or not), `failed`."""
    from sijbot.records import repository

    _print_records(repository.hand_offs, days, as_json, ("shown_at", "conversation_id", "level", "flags", "consent", "state"), "No hand-off")


@app.command("safety-log", epilog="Example: sijbot safety-log --days 90 --json")
def list_safety_log(days: int = typer.Option(30, min=1, help="How many days back."), as_json: bool = typer.Option(False, "--json", help="One JSON object per line, to keep.")) -> None:
    """List what the danger screen found: ids, offsets, levels and times, and no words of anybody."""
    from sijbot.records import repository

    _print_records(repository.safety_log, days, as_json, ("at", "conversation_id", "outcome", "level", "findings", "content_version", "reply_id"), "Nothing was found")


@app.command("misses", epilog="Example: sijbot misses --days 90")
def list_misses(days: int = typer.Option(30, min=1, help="How many days back."), as_json: bool = typer.Option(False, "--json", help="One JSON object per line."), examples: bool = typer.Option(False, "--examples", help="Print what was asked in doubt and may be kept, as training examples to be reviewed.")) -> None:
    """List which ids were asked about in doubt, declined, or marked as helpful or not, with counts. Words are kept where somebody agreed to that alone."""
    from sijbot.records import repository

    if examples:
        content = load(_settings().content)
        for line in training_examples(_read_records(repository.examples, days), content.subject_of):
            out.print(line, markup=False)
        return
    _print_records(repository.misses, days, as_json, ("count", "outcome", "about"), "Nothing was misunderstood or judged")


@app.command(epilog="Example: sijbot retention --dry-run")
def retention(dry_run: bool = typer.Option(False, "--dry-run", help="Only say how many conversations would be erased.")) -> None:
    """Erase conversations in which nobody wrote for a week, or, where the person agreed to keeping, for SIJBOT_KEEP_DAYS. For a daily job."""
    from sijbot import clock
    from sijbot.records import repository, schema, turns
    from sijbot.triage.lock import LIFETIME

    settings = _settings()
    engine = schema.make_engine(settings.records_url)
    try:
        schema.migrate(engine)
        with engine.connect() as connection:
            too_old = repository.outdated(connection, clock.now(), LIFETIME, timedelta(days=settings.keep_days))
        if not dry_run:
            turns.erase(engine, *too_old)
            turns.forget_erased(engine, clock.now() - max(LIFETIME, timedelta(days=settings.keep_days)))
    except schema.FAULTS as fault:
        raise Stop(f"The database cannot be read or written ({type(fault).__name__}); look at SIJBOT_DATABASE_URL. Nothing is lost: run it again.") from None
    out.print(f"{len(too_old)} conversations {'would be' if dry_run else 'were'} erased.")


@app.command(epilog="Example: SIJBOT_RELAY=apart sijbot relay")
def relay() -> None:
    """Deliver what is in the outbox (hand-offs, events) until told to stop, in a process of its own. Several at once are safe."""
    from sijbot import metrics
    from sijbot.adapters.relay import Relay
    from sijbot.adapters.sinks import sinks_of
    from sijbot.content import ContentStore
    from sijbot.records import schema

    settings = _settings()
    if not settings.sinks:
        raise Stop("There is nowhere to deliver to: set SIJBOT_HAND_OFF_WEBHOOK, SIJBOT_HAND_OFF_EMAIL or SIJBOT_AMQP_URL (docs/hand_offs.md).")
    engine = schema.make_engine(settings.records_url)
    with _database_faults("read or written"):
        schema.prepare(engine, settings.migrates)
    store = ContentStore(settings.content) if settings_module.EMAIL in settings.sinks else None  # only a mail is made of words

    metrics.serve(settings)

    async def deliver() -> None:
        logs.configure(settings.json_logs)
        sinks = sinks_of(settings, lambda: store.current())
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        out.print(f"Delivering: {', '.join(sink.title for sink in sinks.values())}", markup=False)
        await Relay(engine, sinks).run(stop)

    asyncio.run(deliver())
    out.print("Stopped.")


@app.command("outbox", epilog="Example: sijbot outbox --failed")
def list_outbox(
    failed: bool = typer.Option(False, "--failed", help="Only what was given up."),
    retry: Optional[str] = typer.Option(None, "--retry", metavar="ID|all", help="Put what was given up back into the queue: one by its id, or all."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object per line."),
) -> None:
    """List what waits to be delivered and what was given up: id, kind, sink, state, attempts, age and fault; no words of anybody."""
    from sijbot import clock
    from sijbot.records import outbox, schema

    settings = _settings()
    engine = schema.make_engine(settings.records_url)
    with _database_faults("written" if retry is not None else "read"):
        schema.prepare(engine, settings.migrates)
        with engine.begin() as connection:
            put_back = outbox.retry(connection, clock.now(), None if retry == "all" else retry) if retry is not None else None
            rows = outbox.waiting(connection, *([outbox.FAILED] if failed else [outbox.QUEUED, outbox.FAILED])) if retry is None else []
    if put_back is not None:
        if not put_back and retry != "all":
            raise Stop(f"'{retry}': nothing with this id was given up; `sijbot outbox --failed` lists what was")
        out.print(f"{put_back} put back into the queue.")
        return
    for row in rows:
        age_s = int((clock.now() - row["created_at"]).total_seconds())
        if as_json:
            _emit({**{key: value.isoformat() if isinstance(value, datetime) else value for key, value in row.items()}, "age_s": age_s})
        else:
            out.print(" · ".join((row["id"], row["kind"], row["sink"], row["state"], f"attempts {row['attempts']}", f"{age_s} s", row["fault"] or "-")), markup=False)
    if not rows and not as_json:
        out.print("Nothing was given up." if failed else "Nothing waits, and nothing was given up.")


@contextmanager
def _database_faults(done: str) -> Iterator[None]:
    """Turn a fault of the database into one sentence. done: what cannot be done with it."""
    from sijbot.records import schema

    try:
        yield
    except schema.OtherSchema as fault:
        raise Stop(str(fault)) from None
    except schema.FAULTS as fault:
        raise Stop(f"The database cannot be {done} ({type(fault).__name__}); look at SIJBOT_DATABASE_URL.") from None
@app.command("erase-again", epilog="Example: sijbot erase-again erased.txt")
def erase_again(path: Path = typer.Argument(..., help="One digest a line, as the table `erased` holds them; docs/operations.md says how to keep such a list.")) -> None:
    """Erase what a restored backup has brought back of conversations that people had erased."""
    from sijbot.records import again, schema, turns

    digests = _digests(path)
    engine = schema.make_engine(_settings().records_url)
    try:
        with engine.connect() as connection:
            found = again.brought_back(connection, digests)
        turns.erase(engine, *found)
    except schema.FAULTS as fault:
        raise Stop(f"The database cannot be read or written ({type(fault).__name__}); look at SIJBOT_DATABASE_URL. Nothing is lost: run it again.") from None
    out.print(f"{len(found)} conversations were erased again, of {len(digests)} in the list.")


def _digests(path: Path) -> frozenset[str]:
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as fault:
        raise Stop(f"{path}: cannot be read ({getattr(fault, 'strerror', None) or 'it is not text'})") from None
    for number, line in enumerate(lines, 1):
        if line and not re.fullmatch("[0-9a-f]{64}", line):
            raise Stop(f"{path}: line {number}: is no digest of 64 hexadecimal digits; nothing was erased")
    return frozenset(filter(None, lines))


def training_examples(words_of: Mapping[str, list[str]], subject_of: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of a file for data/nlu/. A person reads them before they go there: the id is what somebody chose for words that nobody has checked."""
    yield "# Kept with the consent of those who wrote them. Take out names and whatever tells who somebody is, and look whether each asks what the id says."
    yield 'version: "3.1"'
    yield "nlu:" if words_of else "nlu: []"
    for content_id, sentences in words_of.items():
        if content_id in subject_of:
            yield f"  - intent: {subject_of[content_id]}/{content_id}"
            yield "    examples: |"
            yield from (f"      - {' '.join(words.split())}" for words in sentences)


def _read_records(read, days: int):
    from sijbot import clock
    from sijbot.records import schema

    engine = schema.make_engine(_settings().records_url)
    try:
        schema.migrate(engine)
        with engine.connect() as connection:
            return read(connection, clock.now() - timedelta(days=days))
    except schema.FAULTS as fault:
        raise Stop(f"The database cannot be read ({type(fault).__name__}); look at SIJBOT_DATABASE_URL.") from None


def _print_records(read, days: int, as_json: bool, columns: tuple, nothing: str) -> None:
    rows = _read_records(read, days)
    if as_json:
        for row in rows:
            _emit(row)
        return
    for row in rows:
        out.print(" · ".join(_column(row[column]) for column in columns), markup=False)
    if not rows:
        out.print(f"{nothing} in the last {days} days.")


def _column(value) -> str:
    if isinstance(value, list):
        return ", ".join(f"{item['flag']} ({item['outcome']})" if isinstance(item, dict) else str(item) for item in value) or "-"
    return "-" if value is None else str(value)


@app.command(epilog="Example: sijbot bench --load --users 200 --minutes 2")
def bench(
    turns: int = typer.Option(1000, help="Turns to take over HTTP."),
    port: int = typer.Option(5055, help="Free port to use."),
    against_template: bool = typer.Option(False, "--against-template", help="Train and measure Rasa's default pipeline beside ours instead; takes hours on all examples."),
    template_python: Path = typer.Option(Path(".venv-template/bin/python"), help="Python with Rasa and the real TensorFlow: `make template` installs one."),
    seeds: int = typer.Option(3, min=1, help="How often each side is trained."),
    most_examples: Optional[int] = typer.Option(None, min=2, help="Of each id, for both sides, for a quicker run."),
    is_load: bool = typer.Option(False, "--load", help="Measure many people at a time instead (docs/load.md), and write a report."),
    users: int = typer.Option(1000, min=1, help="With --load: how many at a time; each types a message every 25 s."),
    minutes: float = typer.Option(10.0, min=0.1, help="With --load: for how long."),
    replicas: int = typer.Option(2, min=1, help="With --load: processes of the assistant; nginx in front where there is more than one."),
    database: str = typer.Option("postgresql", help="With --load: postgresql (a temporary server) or sqlite."),
    factor: int = typer.Option(1, min=1, help="With --load: so many times the users, to see what happens when it is too much."),
    restart: Optional[str] = typer.Option(None, help="With --load: after a third of the time replace the replicas one after another (rolling), end and start them one after another (in_place), or restart the database."),
    seed: int = typer.Option(1, min=0, help="With --load: who comes when, and says what."),
    cores: List[str] = typer.Option([], help="With --load: bind a part to cores, such as bot:0,1; parts: bot, database, proxy, generator."),
    folder: Optional[Path] = typer.Option(None, help="With --load: where the report goes; without it evaluation/reports/, and a row into docs/load.md."),
    is_long: bool = typer.Option(False, "--long", help="Measure turn 1,000 of a conversation beside turn 10 instead, on both databases."),
) -> None:
    """Measure start, turns with and without HTTP, memory, the screen and the encoder on this machine; or many people at a time, long conversations, understanding and cost beside Rasa's default pipeline."""
    from sijbot import bench_load, bench_long
    from sijbot.bench import NotReady, measure
    from sijbot.bench_load_plan import Load
    from sijbot.bench_load_report import FOLDER
    from sijbot.temporary_postgres import NoPostgres

    settings = _settings()
    try:
        load_asked = Load(users, minutes, replicas, database, factor, seed, restart, bench_load.read_cores(cores))
        if is_load:
            bench_load.check(load_asked)
        settings_module.prepare_var(settings)
        _train_if_needed(settings)
        logs.quiet_libraries()
        if is_load:
            lines = bench_load.measure_load(settings, load_asked, folder or settings.root / FOLDER)
        elif is_long:
            lines = bench_long.measure_long(settings)
        elif against_template:
            lines = _compared(settings, template_python, seeds, most_examples, port)
        else:
            lines = measure(settings, turns, port)
        for line in lines:
            out.print(line, markup=False, soft_wrap=True)
    except (bench_load.LoadError, NotReady, NoPostgres) as fault:
        raise Stop(str(fault)) from None


def _compared(settings: settings_module.Settings, template_python: Path, seeds: int, most_examples: Optional[int], port: int) -> Iterator[str]:
    from sijbot.bench_template import compare

    python = template_python if template_python.is_absolute() else settings.root / template_python
    if not python.is_file():
        raise Stop(f"{template_python}: is not there; `make template` installs Rasa with TensorFlow")
    return compare(settings, python, seeds, most_examples, port)


@app.command(epilog="Example: sijbot faults --tier sqlite --fault kill_after_commit --seed 17 --runs 1")
def faults(
    tier: List[str] = typer.Option(None, help="Only this one: sqlite, postgresql, replicas, stock; may be given again."),
    fault: List[str] = typer.Option(None, help="Only this one of evaluation/faults/faults.py; may be given again."),
    seed: int = typer.Option(1, help="Of the first run of each fault."),
    runs: int = typer.Option(16, min=1, help="Of each fault on each tier; one run of one fault shows its history."),
    sample: Optional[int] = typer.Option(None, min=1, help="As many runs as fit into so many seconds."),
    jobs: int = typer.Option(2, min=1, help="How many tiers at a time."),
) -> None:
    """Break the assistant on purpose on real processes and databases, look whether anything is lost, and write what came of it to evaluation/reports/. All of it takes about an hour."""
    chosen = {"--tier": tier or (), "--fault": fault or (), "--seed": (seed,), "--runs": (runs,), "--sample": (sample,) if sample else (), "--jobs": (jobs,)}
    words = [word for name, values in chosen.items() for value in values for word in (name, str(value))]
    settings = _settings()
    _train_if_needed(settings)
    raise typer.Exit(subprocess.run([sys.executable, "-W", "ignore", "-m", "evaluation.faults", *words], cwd=settings.root).returncode)


@content_app.command("check", epilog="Example: sijbot content check")
def content_check() -> None:
    """Say what is wrong in content/, or that nothing is."""
    from sijbot.triage import Screen

    settings = _settings()
    content = load(settings.content)
    wrong = list(_wrong_cases(Screen(content), content))
    for line in wrong:
        err.print(line, style="red", markup=False)
    if wrong:
        raise Stop(f"{len(wrong)} case(s) of the red flags come out otherwise than they say")
    cases = sum(len(cases) for cases in content.cases.values())
    out.print(
        f"No faults: {len(content.answers)} answers, {len(content.exercises)} exercises, {len(content.red_flags)} red flags with {cases} cases, "
        f"{len(content.regions)} regions."
    )


def _wrong_cases(danger_screen, content: Content) -> Iterator[str]:
    from sijbot.triage.cases import case_outcome

    for flag_id, cases in content.cases.items():
        for case in cases:
            outcome = case_outcome(danger_screen, flag_id, case.text)
            if outcome != case.expect:
                yield f"content/red_flags/{flag_id}.cases.yml: {case.text}: expected {case.expect}, got {outcome}"


@content_app.command("preview", epilog="Example: sijbot content preview clam_shell --region uk")
def content_preview(content_id: str, region: str = typer.Option("unknown", help="Country for telephone numbers.")) -> None:
    """Show an answer, an exercise or the card of a red flag as a person will read it."""
    from sijbot.answering import answer_replies, more_replies, safety_net_reply
    from sijbot.triage import hand_off_message
    from sijbot.triage.assess import ALARM, Assessment, Finding

    content = load(_settings().content)
    if content_id in content.subject_of:
        net = safety_net_reply(content, content_id, region, shown_before=False)
        replies = answer_replies(content, content_id, ()) + ([net] if net else [])
        _print_replies(replies, [])
        if content_id in content.answers:
            out.print("— on request —\n", style="dim")
            _print_replies(more_replies(content, content_id, ()), [])
        for source in replies[0].sources:
            out.print(f"Source: {source.title} {source.url or ''}", style="dim", markup=False)
    elif content_id in content.red_flags:
        flag = content.red_flags[content_id]
        finding = Finding(content_id, ALARM, flag.level, 0, 0)
        _print_replies([hand_off_message(content, Assessment(ALARM, (finding,)), region)], [])
    else:
        raise Stop(f"'{content_id}': no answer, exercise or red flag has this id")


@content_app.command("due", epilog="Example: sijbot content due --days 60")
def content_due(days: int = typer.Option(30, help="Also what becomes due within so many days.")) -> None:
    """List what is due for review."""
    from sijbot import clock

    today = clock.now().date()
    reviewed = load(_settings().content).reviewed()
    due = sorted((record.review_by, content_id) for content_id, record in reviewed if record.review_by <= today + timedelta(days=days))
    for review_by, content_id in due:
        out.print(f"{review_by} {content_id}{'  OVERDUE' if review_by < today else ''}")
    if not due:
        out.print(f"Nothing is due within {days} days.")


if __name__ == "__main__":
    main()
