"""From the folder `content/` to `Content`, or one error that names every fault as `file: field: reason`."""

from __future__ import annotations

import collections.abc
import dataclasses
import functools
import hashlib
import re
import time
import typing
from datetime import date
from pathlib import Path
from string import Formatter
from typing import Any, Callable, Iterable, Mapping, Optional

import yaml

from sijbot.content.model import (
    EQUIPMENT, LEVELS, PHASES, POSTURES, SITUATIONS, UNITS, Answer, Combination, Condition, Content, Cue, Exercise, Fact, FlagCase, HandOff, Pattern, Phase, Programme, RedFlag, Region,
    Source, Subject,
)  # fmt: skip
from sijbot.content.coach_texts import COACH_KEYS, PLACES_OF
from sijbot.content.phrases import PhraseError, expand

SHORT_WORDS = 60
SHORT_WORDS_SEEK_HELP = 100  # the list of danger signs must be whole
MORE_WORDS = 160
CASE_EXPECTS = ("fire", "ask", "none")
WORDING_KEYS = (
    "fault", "unavailable", "too_long", "too_many", "place_noted", "not_erased", "standing_emergency", "standing_ask", "standing_urgent", "booking_line", "mentioned_emergency_line", "mentioned_urgent_line", "seen", "seen_nothing",
    "answered_no", "ask_again", "question_of_change", "did_you_mean", "nothing_more", "more_hint", "restarted", "safety_net", "safety_net_line",
    "greeting", "acknowledged", "standing_emergency_line", "standing_urgent_line", "seen_unclear", "corrected", "unavailable_answer",
    "nod_emergency", "nod_urgent", "stand_by_crisis", "stand_by_abuse", "not_here", "why_we_ask", "stand_by_emergency", "stand_by_urgent", "bad_request", "no_token", "standing_soon", "exercise_hurts", "information_now", "report_symptom", "report_symptom_side", "rephrase", "push_back",
    "rephrase_hint", "way_out", "also_asked", "still_open", "still_open_symptom", "which_exercise", "no_easier", "no_harder", "sources", "sources_of_nothing", "which_situation", "no_caution", "no_other_one", "noted", "told", "detail_score", "detail_week", "helpful_question", "helpful_yes", "helpful_no", "keep_question", "keep_yes", "keep_no", "kept", "not_kept", "helped", "not_helped",
    "tell_offer", "tell_yes", "tell_no", "tell_contact", "tell_queued", "tell_declined", "tell_not_sent", "tell_not_passed", "tell_nothing", "tell_delivered", "tell_time", "tell_long_ago", "tell_failed", "tell_book",
    "declined_other_medical", "declined_not_medical", "declined_injection", "declined_abuse", "declined_nonsense", "declined_other_language", "declined_about_the_service",
)  # fmt: skip
REGION_PLACES = {field.name for field in dataclasses.fields(Region) if field.type == "str"}
WORDING_PLACES = REGION_PLACES | {"finding", "question", "help", "title", "sources", "reviewed_on", "details", "value", "findings", "level", "country", "at"}
HAND_OFF_PLACES = REGION_PLACES | {"finding", "question", "findings"}
MAIL_PLACES = {
    "subject": {"level"}, "text": {"findings", "level", "at", "region", "contact", "conversation", "id"}, "no_contact": set(), "no_findings": set(),
    **{f"level_{level}": set() for level in LEVELS},
}  # fmt: skip
_GROUP = re.compile(r"\{(\w+)\}")


@functools.cache
def _fields_of(kind: type) -> tuple[dict[str, Any], dict[str, dataclasses.Field]]:
    """Return types and fields of a dataclass by name; to work out the types takes longer than to read a record."""
    return typing.get_type_hints(kind), {each.name: each for each in dataclasses.fields(kind)}


class ContentError(Exception):
    """Every fault found in the folder, one line each: `file: field: reason`."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = sorted(faults)
        super().__init__("\n".join(self.faults))


class _StrictLoader(yaml.CSafeLoader):
    """YAML without duplicate keys, which plain YAML loaders silently drop."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key_node, _ in node.value:
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key '{key_node.value}' stands twice", key_node.start_mark)
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)


class _Folder:
    """Reads files of one content folder and collects faults instead of raising them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.faults: list[str] = []
        self.digest = hashlib.sha256()

    def fault(self, path: Path, where: str, reason: str) -> None:
        self.faults.append(f"{path.relative_to(self.root.parent)}: {where}: {reason}")

    def files(self, pattern: str) -> list[Path]:
        return sorted(self.root.glob(pattern))

    def yaml(self, path: Path) -> Optional[Any]:
        """Return the parsed file, or None after noting why it cannot be read."""
        try:
            raw = path.read_bytes()
            self.digest.update(str(path.relative_to(self.root)).encode() + raw)
            parsed = yaml.load(raw.decode("utf-8"), Loader=_StrictLoader)
            if parsed is None:
                self.fault(path, "file", "is empty")
            return parsed
        except OSError as error:
            self.fault(path, "file", f"cannot be read: {error.strerror}")
        except UnicodeDecodeError as error:
            self.fault(path, "file", f"is not UTF-8 (byte {error.start})")
        except ValueError as error:  # a date that does not exist
            self.fault(path, "file", str(error))
        except (yaml.YAMLError, TypeError) as error:
            mark = getattr(error, "problem_mark", None)
            place = f"line {mark.line + 1}" if mark else "file"
            self.fault(path, place, getattr(error, "problem", None) or "is not YAML")
        return None

    def record(self, path: Path, kind: type, raw: Any, where: str = "") -> Optional[Any]:
        """Return `raw` as an instance of the dataclass `kind`, or None after noting its faults."""
        prefix = f"{where}." if where else ""
        if not isinstance(raw, Mapping):
            self.fault(path, where or "file", "must be a mapping of fields")
            return None
        hints, fields = _fields_of(kind)
        before = len(self.faults)
        for key in raw:
            if key not in fields:
                self.fault(path, f"{prefix}{key}", "unknown key")
        values = {}
        for name, spec in fields.items():
            if name in raw:
                values[name] = self._value(path, prefix + name, hints[name], raw[name])
            elif spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING:
                self.fault(path, prefix + name, "is missing")
        return kind(**values) if len(self.faults) == before else None

    def _value(self, path: Path, where: str, hint: Any, raw: Any) -> Any:
        if typing.get_origin(hint) is typing.Union:  # Optional[...]
            hint = next(arg for arg in typing.get_args(hint) if arg is not type(None))
        if typing.get_origin(hint) is collections.abc.Mapping:
            if not isinstance(raw, Mapping) or not raw:
                self.fault(path, where, "must map keys to entries")
                return {}
            item_hint = typing.get_args(hint)[1]
            return {str(key): self._value(path, f"{where}.{key}", item_hint, item) for key, item in raw.items()}
        if typing.get_origin(hint) is tuple:
            if not isinstance(raw, list) or not raw:
                self.fault(path, where, "must be a list with at least one item")
                return ()
            item_hint = typing.get_args(hint)[0]
            return tuple(self._value(path, f"{where}[{number}]", item_hint, item) for number, item in enumerate(raw, 1))
        if hint is Pattern and isinstance(raw, str):
            raw = {"pattern": raw}
        if dataclasses.is_dataclass(hint):
            return self.record(path, hint, raw, where)
        if hint is str:
            if not isinstance(raw, str):
                self.fault(path, where, f"must be text; put quotes round {raw!r}")
                return ""
            if not raw.strip():
                self.fault(path, where, "is empty")
            return raw.strip()
        if type(raw) is not hint:  # a date with a time is a date too, for isinstance
            self.fault(path, where, f"must be a {'date like 2026-11-22' if hint is date else hint.__name__}, not {raw!r}")
        return raw

    def phrases(self, path: Path, where: str, cue: Cue) -> Cue:
        """Return the cue with all phrases that its lines stand for."""
        words: dict[str, None] = {}
        for line in cue.words:
            try:
                words.update(dict.fromkeys(expand(line)))
            except PhraseError as error:
                self.fault(path, where, str(error))
        return dataclasses.replace(cue, words=tuple(words))

    def single(self, name: str, kind: type) -> dict[str, Any]:
        """Return the entries of a file that maps keys to records."""
        path = self.root / name
        if not path.is_file():
            self.fault(path, "file", "is missing")
            return {}
        raw = self.yaml(path)
        if not isinstance(raw, Mapping):
            self.fault(path, "file", "must map keys to entries")
            return {}
        records = {str(key): self.record(path, kind, value, str(key)) for key, value in raw.items()}
        entries = {key: record for key, record in records.items() if record is not None}
        return {key: self.phrases(path, key, cue) for key, cue in entries.items()} if kind is Cue else entries

    def texts(self, path: Path) -> dict[str, str]:
        """Return the texts of a file that maps keys to texts."""
        raw = self.yaml(path)
        if not isinstance(raw, Mapping):
            self.fault(path, "file", "must map keys to texts")
            return {}
        return {str(key): self._value(path, str(key), str, text) for key, text in raw.items()}

    def folder(self, pattern: str, kind: type, skip: Callable[[Path], bool] = lambda path: False) -> dict[str, tuple[Path, Any]]:
        """Return id -> (path, record) for every file that matches; the file's stem is the id."""
        found: dict[str, tuple[Path, Any]] = {}
        for path in self.files(pattern):
            if skip(path):
                continue
            if path.stem in found:
                self.fault(path, "id", f"'{path.stem}' stands already in {found[path.stem][0].relative_to(self.root.parent)}")
                continue
            raw = self.yaml(path)
            record = self.record(path, kind, raw) if raw is not None else None
            if record is not None:
                found[path.stem] = (path, record)
        return found


def atoms_of(*lines: str) -> list[str]:
    """Return the ids of facts and flags that lines of a combination name: `a | b` names two."""
    return [atom.strip() for line in lines for atom in line.split("|")]


def word_count(text: str) -> int:
    """Return the number of words of a text."""
    return len(text.split())


def _check_links(folder: _Folder, records: Mapping[str, tuple[Path, Any]], sources: Mapping[str, Source], ids: set[str]) -> None:
    for content_id, (path, record) in records.items():
        for key in record.sources:
            if key not in sources:
                folder.fault(path, "sources", f"unknown key '{key}'")
        if not record.sources:
            folder.fault(path, "sources", "is missing")
        if record.review_by <= record.reviewed_on:
            folder.fault(path, "review_by", "must be later than reviewed_on")
        for related in getattr(record, "related", ()):
            if related not in ids or related == content_id:
                folder.fault(path, "related", f"unknown id '{related}'" if related != content_id else "names itself")
        for caution in (*getattr(record, "cautions", ()), *getattr(record, "adapt", ())):
            if caution and caution.when not in SITUATIONS:
                folder.fault(path, "when", f"unknown situation '{caution.when}'")


def _check_lengths(folder: _Folder, answers: Mapping[str, tuple[Path, Answer]]) -> None:
    for content_id, (path, answer) in answers.items():
        limit = SHORT_WORDS_SEEK_HELP if content_id == "when_to_seek_help" else SHORT_WORDS
        if word_count(answer.short) > limit:
            folder.fault(path, "short", f"has {word_count(answer.short)} words; at most {limit}")
        if word_count(answer.more) > MORE_WORDS:
            folder.fault(path, "more", f"has {word_count(answer.more)} words; at most {MORE_WORDS}")


def load(root: Path) -> Content:
    """Return everything in the folder `root`.

    Raises: ContentError naming every fault of every file, `file: field: reason` each.
    """
    folder = _Folder(root)
    if not root.is_dir():
        raise ContentError([f"{root}: folder: is missing"])
    sources = folder.single("sources.yml", Source)
    subjects = folder.single("subjects.yml", Subject)
    wording_path = root / "wording.yml"
    wording = folder.texts(wording_path)
    for key in WORDING_KEYS:
        if key not in wording:
            folder.fault(wording_path, key, "is missing")
    for key in set(wording) - set(WORDING_KEYS):
        folder.fault(wording_path, key, "unknown key")
    answers = folder.folder("answers/*/*.yml", Answer)
    exercises = folder.folder("exercises/*.yml", Exercise)
    flags = folder.folder("red_flags/*.yml", RedFlag, skip=lambda path: path.name.startswith("_") or path.name.endswith(".cases.yml"))
    hand_offs = folder.folder("hand_off/*.yml", HandOff)
    regions = folder.folder("regions/*.yml", Region)

    subject_of = {}
    for content_id, (path, _) in answers.items():
        subject_of[content_id] = path.parent.name
        if path.parent.name not in subjects:
            folder.fault(path, "subject", f"'{path.parent.name}' does not stand in subjects.yml")
    for content_id, (path, exercise) in exercises.items():
        if content_id in answers:
            folder.fault(path, "id", f"'{content_id}' stands already in {answers[content_id][0].relative_to(root.parent)}")
        _check_choice(folder, path, "phase", (exercise.phase,), PHASES)
        _check_choice(folder, path, "postures", exercise.postures, POSTURES)
        _check_choice(folder, path, "needs", exercise.needs, EQUIPMENT)
        for posture in set(exercise.starts) ^ set(exercise.postures[1:]):
            folder.fault(path, f"starts.{posture}", "is missing: how it begins there" if posture in exercise.postures[1:] else "is no other posture of the exercise")
        if exercise.amount:
            _check_choice(folder, path, "amount.unit", (exercise.amount.unit,), UNITS)
            if not 0 < exercise.amount.least <= exercise.amount.most or exercise.amount.rounds < 1:
                folder.fault(path, "amount", "must go up from least to most, in one round or more")
        subject_of[content_id] = "exercise"
    for records in (answers, exercises, flags, hand_offs, regions):
        _check_links(folder, records, sources, set(subject_of))
    _check_lengths(folder, answers)

    cases: dict[str, tuple[FlagCase, ...]] = {}
    for flag_id, (path, flag) in flags.items():
        if flag.level not in LEVELS:
            folder.fault(path, "level", f"'{flag.level}' is none of {', '.join(LEVELS)}")
        for pattern in flag.patterns:
            if pattern and pattern.level not in (None, *LEVELS):
                folder.fault(path, "patterns", f"level '{pattern.level}' is none of {', '.join(LEVELS)}")
        if (flag.hand_off or flag.level) not in hand_offs:
            folder.fault(path, "hand_off", f"'{flag.hand_off or flag.level}' has no file in hand_off/")
        cases[flag_id] = _cases(folder, path.with_name(f"{flag_id}.cases.yml"))
    for path in folder.files("red_flags/*.cases.yml"):
        if path.name.removesuffix(".cases.yml") not in flags:
            folder.fault(path, "id", "has no flag of that name beside it")

    vocabulary = _merged(folder, "red_flags/_vocabulary/*.yml", Cue)
    facts = _merged(folder, "red_flags/_facts/*.yml", Fact)
    combinations = _merged(folder, "red_flags/_combinations/*.yml", Combination)
    _check_combinations(folder, combinations, facts, flags)
    _check_places(folder, wording_path, wording, WORDING_PLACES)
    for kind, (path, hand_off) in hand_offs.items():
        for other in hand_off.instead_of:
            if other not in hand_offs:
                folder.fault(path, "instead_of", f"there is no hand_off/{other}.yml")
        if hand_off.every_level and not hand_off.beside:
            folder.fault(path, "beside", "is missing: what fits every level needs a line of its own")
        if hand_off.every_level and f"stand_by_{kind}" not in wording:
            folder.fault(wording_path, f"stand_by_{kind}", f"is missing: {path.name} fits every level")
    for path, hand_off in hand_offs.values():
        _check_places(folder, path, {"text": hand_off.text, "also": hand_off.also, "question": hand_off.question or "", "beside": hand_off.beside or "", "again": hand_off.again}, HAND_OFF_PLACES)
    for path, matched in (*flags.values(), *facts.values()):
        for pattern in (*(pattern.pattern for pattern in matched.patterns), *matched.unless):
            for group in _GROUP.findall(pattern):
                if group not in vocabulary:
                    folder.fault(path, "patterns", f"'{pattern}': no group '{group}' in _vocabulary/")
    context = folder.single("red_flags/_context.yml", Cue)
    forms = folder.single("red_flags/_forms.yml", Cue)
    situations = folder.single("situations.yml", Cue)
    details = folder.single("details.yml", Cue)
    programme = _programme(folder, sources, exercises, flags)
    coach = _coach(folder, root / "coach.yml")
    coach_words = folder.single("coach_words.yml", Cue)
    mail = _mail(folder, root / "hand_off_mail.yml")
    for key in set(situations) - set(SITUATIONS):
        folder.fault(root / "situations.yml", key, "unknown situation")
    if "unknown" not in regions:
        folder.fault(root / "regions" / "unknown.yml", "file", "is missing: the fallback where the country is not known")
    if folder.faults:
        raise ContentError(folder.faults)
    return Content(
        sources=sources, subjects=subjects, subject_of=subject_of, wording=wording, cases=cases,
        answers={key: record for key, (_, record) in answers.items()},
        exercises={key: record for key, (_, record) in exercises.items()},
        red_flags={key: record for key, (_, record) in flags.items()},
        hand_offs={key: record for key, (_, record) in hand_offs.items()},
        regions={key: record for key, (_, record) in regions.items()},
        vocabulary={key: record for key, (_, record) in vocabulary.items()},
        facts={key: record for key, (_, record) in facts.items()},
        combinations={key: record for key, (_, record) in combinations.items()},
        context=context, forms=forms, situations=situations, details=details, programme=programme, coach=coach, coach_words=coach_words, mail=mail, version=folder.digest.hexdigest()[:12],
    )  # fmt: skip


def _check_choice(folder: _Folder, path: Path, where: str, chosen: Iterable[str], choices: Iterable[str]) -> None:
    for choice in chosen:
        if choice not in choices:
            folder.fault(path, where, f"'{choice}' is none of {', '.join(choices)}")


def _programme(
    folder: _Folder, sources: Mapping[str, Source], exercises: Mapping[str, tuple[Path, Exercise]], flags: Mapping[str, Any]
) -> Optional[Programme]:
    """Return the programme of the coach; None after noting its faults."""
    path = folder.root / "programme.yml"
    raw = folder.yaml(path)
    programme = folder.record(path, Programme, raw) if raw is not None else None
    if programme is None:
        return None
    _check_links(folder, {"programme": (path, programme)}, sources, set())
    _check_phases(folder, path, programme.phases, exercises)
    for condition in set(programme.conditions).intersection(SITUATIONS):
        folder.fault(path, f"conditions.{condition}", "is the name of a situation")
    for condition in set(SITUATIONS) ^ set(programme.situations_asked):
        folder.fault(path, f"situations_asked.{condition}", "is missing" if condition in SITUATIONS else "is no situation")
    for condition in {held.when for held in programme.held_back if held.before_weeks is not None} - set(programme.since_asked):
        folder.fault(path, f"since_asked.{condition}", "is missing: a rule counts the weeks")
    for name, condition in programme.conditions.items():
        _check_choice(folder, path, f"conditions.{name}.implies", filter(None, (condition.implies,)), SITUATIONS)
    programme = dataclasses.replace(programme, conditions=_with_phrases(folder, path, programme.conditions), situations_asked=_with_phrases(folder, path, programme.situations_asked))
    may_hold = (*SITUATIONS, *programme.conditions)
    for name, question in programme.screen.items():
        _check_choice(folder, path, f"screen.{name}.raises", question.raises, flags)
        _check_choice(folder, path, f"screen.{name}.opens", question.opens, may_hold)
        if name in flags:
            folder.fault(path, f"screen.{name}", "is the id of a flag too")
        if question.raises and not question.finding:
            folder.fault(path, f"screen.{name}.finding", "is missing: what a yes says")
        if bool(question.raises) == bool(question.opens):
            folder.fault(path, f"screen.{name}", "needs either 'raises' or 'opens'")
    for name, asked in {"asked_of_everybody": programme.asked_of_everybody, **{f"asked_of.{name}": asked for name, asked in programme.asked_of.items()}}.items():
        _check_choice(folder, path, name, asked, may_hold)
    _check_choice(folder, path, "asked_after", programme.asked_after, programme.screen)
    _check_choice(folder, path, "asked_of", programme.asked_of, may_hold)
    for number, suited in enumerate(programme.patterns, 1):
        _check_choice(folder, path, f"patterns[{number}].when", (suited.when,), may_hold)
        _check_choice(folder, path, f"patterns[{number}].prefers", suited.prefers, exercises)
        _check_choice(folder, path, f"patterns[{number}].greens", suited.greens, PHASES)
    for number, held in enumerate(programme.held_back, 1):
        where = f"held_back[{number}]"
        _check_choice(folder, path, f"{where}.when", (held.when,), may_hold)
        _check_choice(folder, path, f"{where}.exercises", (*held.exercises, *held.only), exercises)
        _check_choice(folder, path, f"{where}.postures", held.postures, POSTURES)
        _check_choice(folder, path, f"{where}.phases", held.phases, PHASES)
        if sum(map(bool, (held.exercises, held.postures, held.phases, held.only))) > 1:
            folder.fault(path, where, "names more than one of exercises, postures, phases, only")
    return programme


def _coach(folder: _Folder, path: Path) -> dict[str, str]:
    """Return the texts of the coach, after noting those that are missing, unknown, or with a place that nothing fills."""
    texts = folder.texts(path)
    for key in COACH_KEYS ^ set(texts):
        folder.fault(path, key, "is missing" if key in COACH_KEYS else "unknown key")
    for key in COACH_KEYS & set(texts):
        _check_places(folder, path, {key: texts[key]}, REGION_PLACES.union(PLACES_OF.get(key, "").split()))
    return texts


def _mail(folder: _Folder, path: Path) -> dict[str, str]:
    """Return the texts of the mail to a clinic, after noting those that are missing, unknown, or with a place that nothing fills."""
    texts = folder.texts(path)
    for key in MAIL_PLACES.keys() ^ texts.keys():
        folder.fault(path, key, "is missing" if key in MAIL_PLACES else "unknown key")
    for key in MAIL_PLACES.keys() & texts.keys():
        _check_places(folder, path, {key: texts[key]}, MAIL_PLACES[key])
    return texts


def _with_phrases(folder: _Folder, path: Path, conditions: Mapping[str, Condition]) -> dict[str, Condition]:
    """Return the conditions with every phrase that their lines of words stand for."""
    return {name: dataclasses.replace(condition, words=folder.phrases(path, name, Cue("", condition.words)).words) for name, condition in conditions.items()}


def _check_phases(folder: _Folder, path: Path, phases: Mapping[str, Phase], exercises: Mapping[str, tuple[Path, Exercise]]) -> None:
    """Note phases that are missing, that nothing leads to, or in which an exercise stands before its own phase."""
    if tuple(phases) != PHASES:
        folder.fault(path, "phases", f"must be {', '.join(PHASES)}, in this order")
        return
    for name, phase in phases.items():
        _check_choice(folder, path, f"phases.{name}.exercises", phase.exercises, exercises)
        later = PHASES[PHASES.index(name) + 1 :]
        for exercise_id in phase.exercises:
            if exercise_id in exercises and exercises[exercise_id][1].phase in later:
                folder.fault(path, f"phases.{name}.exercises", f"'{exercise_id}' begins in the phase {exercises[exercise_id][1].phase}")
        if phase.next is not None:
            _check_choice(folder, path, f"phases.{name}.next", (phase.next,), PHASES)
    for name in set(PHASES[1:]) - {phase.next for phase in phases.values()}:
        folder.fault(path, f"phases.{name}", "no phase leads to it")
    for exercise_id in set(exercises) - {exercise_id for phase in phases.values() for exercise_id in phase.exercises}:
        folder.fault(path, "phases", f"'{exercise_id}' stands in none")


def _merged(folder: _Folder, pattern: str, kind: type) -> dict[str, tuple[Path, Any]]:
    """Return key -> (path, entry) of all files that match; a key may stand in one of them only."""
    merged: dict[str, tuple[Path, Any]] = {}
    for path in folder.files(pattern):
        for key, entry in folder.single(str(path.relative_to(folder.root)), kind).items():
            if key in merged:
                folder.fault(path, key, f"stands in {merged[key][0].name} too")
            merged[key] = (path, entry)
    return merged


def _check_combinations(folder: _Folder, combinations: Mapping[str, tuple[Path, Combination]], facts: Mapping, flags: Mapping) -> None:
    for key, (path, combination) in combinations.items():
        for atom in atoms_of(*combination.all, *combination.unless):
            if atom not in facts and atom not in flags:
                folder.fault(path, key, f"'{atom}' is neither a fact nor a flag")
        if combination.raises not in flags:
            folder.fault(path, key, f"raises: no flag '{combination.raises}'")
        if combination.level not in (None, *LEVELS):
            folder.fault(path, key, f"level '{combination.level}' is none of {', '.join(LEVELS)}")
        if combination.at_least is not None and not 0 < combination.at_least <= len(combination.all):
            folder.fault(path, key, f"at_least: {combination.at_least} of {len(combination.all)} cannot be")
    for key in set(facts).intersection(flags):
        folder.fault(facts[key][0], key, "is the id of a flag too")


def _check_places(folder: _Folder, path: Path, texts: Mapping[str, str], allowed: set[str]) -> None:
    """Note every {place} of a text that nothing fills."""
    for key, text in texts.items():
        try:
            places = {place for _, place, _, _ in Formatter().parse(text) if place is not None}
        except ValueError as error:
            folder.fault(path, key, str(error))
            continue
        for place in places - allowed:
            folder.fault(path, key, f"unknown place '{{{place}}}'")


def _cases(folder: _Folder, path: Path) -> tuple[FlagCase, ...]:
    if not path.is_file():
        folder.fault(path, "file", "is missing: every flag has its cases beside it")
        return ()
    raw = folder.yaml(path)
    if not isinstance(raw, list):
        folder.fault(path, "file", "must be a list of cases")
        return ()
    cases = [folder.record(path, FlagCase, item, f"case {number}") for number, item in enumerate(raw, 1)]
    for number, case in enumerate(cases, 1):
        if case and case.expect not in CASE_EXPECTS:
            folder.fault(path, f"case {number}.expect", f"'{case.expect}' is none of {', '.join(CASE_EXPECTS)}")
    return tuple(case for case in cases if case)


class ContentStore:
    """Gives the current content and picks up changed files without a restart.

    A folder that became faulty changes nothing: the last good content stays, and `fault` says what is wrong.
    """

    CHECK_EVERY_S = 1.0

    def __init__(self, root: Path) -> None:
        self.root = root
        self.fault: Optional[ContentError] = None
        self._stamp = self._folder_stamp()
        self._content = load(root)
        self._checked_at = time.monotonic()

    def current(self) -> Content:
        """Return the content; looks at the folder at most once a second."""
        return self.reload() if self.is_due() and self.is_stale() else self._content

    def is_due(self) -> bool:
        """Return whether the folder was not looked at for a second."""
        return time.monotonic() - self._checked_at > self.CHECK_EVERY_S

    def is_stale(self) -> bool:
        """Look, and return whether the folder has changed since it was read. There are hundreds of files, and in a busy process somebody else goes on at each of them: a tenth of a second."""
        self._checked_at = time.monotonic()
        return self._folder_stamp() != self._stamp

    def reload(self) -> Content:
        """Read the folder again, which takes seconds, and return the content: the last good one where it is faulty now."""
        self._stamp = self._folder_stamp()
        try:
            self._content, self.fault = load(self.root), None
        except ContentError as error:
            self.fault = error
        return self._content

    def _folder_stamp(self) -> frozenset[tuple[str, int]]:
        return frozenset((str(path), path.stat().st_mtime_ns) for path in self.root.rglob("*.yml"))
