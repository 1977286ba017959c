"""A plan as one plain sentence, for people who are to choose between plans: "find pdf files in scans, then delete them".

Every field that a step has is said: the sentence may be clumsy, but it leaves nothing out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from casava_os.shell.wording import size_text
from casava_syscalls.base import AnyCall
from casava_syscalls.plan import Plan, parse_plan, references
from casava_syscalls.registry import SYSCALLS
from casava_syscalls.results import Ok
from casava_syscalls.shapes import Lexeme, shapes
from casava_syscalls.values import Question

_VERBS: Mapping[str, str] = {
    "file.find": "find",
    "file.count": "count {paths}",
    "file.list": "list {path|this folder}",
    "file.read": "show {paths}",
    "file.write": "put {content} into {path}",
    "file.touch": "set the time of {paths} to now, or make them empty",
    "file.make_dir": "make the folder {paths}",
    "file.copy": "copy {paths} to {to}",
    "file.move": "move {paths} to {to}",
    "file.rename": "rename {paths}",
    "file.delete": "delete {paths}",
    "file.chmod": "set the mode of {paths} to {mode}",
    "file.link": "make {path} a link to {target}",
    "file.archive": "pack {paths} into {to}",
    "file.extract": "unpack {paths}",
    "file.hash": "compute checksums of {paths}",
    "file.stat": "show the facts about {paths}",
    "file.size": "add up the size of {paths|everything}",
    "file.usage": "show what takes up space in {path|this folder}",
    "file.diff": "compare {left} with {right}",
    "file.duplicates": "find files with the same content",
    "text.search": "search for {pattern} in {source|all files}",
    "text.count": "count {what|lines} in {source}",
    "text.replace": "in {paths}, replace {find} by {replacement|nothing}",
    "text.sort": "sort the lines of {source}",
    "text.unique": "show the lines of {source}, each once",
    "text.lines": "show lines of {source}",
    "text.columns": "show the columns {columns} of {source}",
    "text.csv": "show rows of {source}",
    "text.aggregate": "compute the {how|sum} of the column {column} in {source}",
    "text.json": "show {query|all} of the JSON in {source}",
    "process.run": "run {command|a script}",
    "process.spawn": "start {command} in the background",
    "process.list": "list the programs in the sandbox",
    "net.fetch": "fetch {url}",
    "container.list": "list the containers",
    "container.run": "start a container from {image}",
    "container.start": "start {containers}",
    "container.stop": "stop {containers}",
    "container.restart": "restart {containers}",
    "container.remove": "remove {containers}",
    "container.logs": "show what {container} has printed",
    "container.exec": "run {command} in {container}",
    "container.inspect": "show the facts about {container}",
    "container.stats": "show what {containers|the running containers} use",
    "container.images": "list the images of containers",
    "container.pull": "fetch the image {image}",
    "container.build": "build an image from {context|this folder}",
    "container.copy_out": "copy {source} out of {container} to {to|this folder}",
    "container.copy_in": "copy {source} into {container} at {to}",
    "system.host": "show which machine this is",
    "system.kernel": "show the version of the operating system's kernel",
    "system.cpu": "show the processor and its load",
    "system.memory": "show the memory in use",
    "system.disk": "show the disks and the space left on them",
    "system.gpu": "show the graphics processors",
    "system.uptime": "show how long the machine has been up",
    "system.users": "show who is logged in",
    "system.environment": "show the environment variables",
    "system.time": "show the date and the time",
    "system.processes": "show the programs of this machine",
}
_FIELDS: Mapping[str, str] = {
    "root": "in {}",
    "name": "named {}",
    "name_contains": "with {} in the name",
    "name_starts": "whose names begin with {}",
    "name_ends": "whose names end with {}",
    "larger_than": "larger than {}",
    "smaller_than": "smaller than {}",
    "older_than": "older than {}",
    "newer_than": "newer than {}",
    "modified_after": "changed after {}",
    "modified_before": "changed before {}",
    "contains": "that contain {}",
    "exclude": "but not {}",
    "sort": "{} first",
    "limit": "at most {}",
    "max_depth": "at most {} folders deep",
    "min_depth": "at least {} folders deep",
    "first": "the first {}",
    "last": "the last {}",
    "from_line": "from line {}",
    "to_line": "to line {}",
    "to": "to {}",
    "cwd": "in {}",
    "prefix": "with {} before the name",
    "suffix": "with {} after the name",
    "case": "in {} case",
    "find": "{} in the name",
    "replacement": "becomes {}",
    "pattern": "with {}",
    "column": "by column {}",
    "columns": "only the columns {}",
    "script": "{}",
    "ports": "reachable on {}",
    "mounts": "with {} mounted",
    "env": "with {} in its environment",
    "lease": "removed after {}",
    "tag": "called {}",
    "dockerfile": "by {}",
    "grace": "killed after {}",
}
_FLAGS: Mapping[str, str] = {
    "ignore_case": "whatever the case of the letters",
    "regex": "as a regular expression",
    "whole_word": "as a whole word",
    "overwrite": "over what is there",
    "recursive": "with all that is inside",
    "hidden": "hidden ones too",
    "reverse": "from the last to the first",
    "descending": "from the last to the first",
    "numeric": "as numbers",
    "unique": "each once",
    "invert": "the lines without it",
    "count": "with how often each occurs",
    "hard": "as a hard link",
    "executable": "that can be run",
    "all": "stopped ones too",
    "mine": "only those that Casava started",
    "follow": "as it comes",
    "force": "running or not",
    "volumes": "with their volumes",
    "dangling": "only those without a name",
}
_APART = frozenset({"sort", "limit", "first", "last", "grace", *_FLAGS})
_HOW: Mapping[str, str] = {
    "append": "at its end",
    "prepend": "at its beginning",
    "overwrite": "instead of what is in it",
}
_NOUNS: Mapping[str, str] = {"directory": "folders", "link": "links", "file": "files"}
_KINDS: Mapping[str, str] = {
    "image": "pictures",
    "audio": "sound files",
    "code": "source code files",
    "data": "data files",
    "model": "model files",
}
_TIMES = ((604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute"))
LONGEST = 60
"""Characters of a text that are quoted; of a longer one it is said that it goes on."""


def sentences_of(plans: Sequence[Mapping[str, JsonValue]]) -> tuple[tuple[Plan, str], ...]:
    """The plans of a question with their sentences; those that this version cannot read are left out."""
    parsed = (parse_plan(dict(plan)) for plan in plans)
    return tuple((found.value, plan_words(found.value)) for found in parsed if isinstance(found, Ok))


def in_words(question: Question, plans: Sequence[Mapping[str, JsonValue]]) -> Question:
    """The question with sentences for choices; as it is, when it stands for no plans."""
    choices = tuple(sentence for _, sentence in sentences_of(plans))
    return question.model_copy(update={"choices": choices}) if choices else question


def plan_words(plan: Plan) -> str:
    """What a plan does, as an order in one sentence without an end mark."""
    return ", then ".join(plan_steps(plan))


def plan_steps(plan: Plan) -> tuple[str, ...]:
    """The same, step by step."""
    return tuple(_step(number, step) for number, step in enumerate(plan.steps, 1))


def _step(number: int, step: AnyCall) -> str:
    shape = shapes(SYSCALLS[step.call])
    found = step.model_dump(mode="json", exclude_defaults=True)
    fields = {name: found[name] for name in shape if found.get(name) is not None}
    refers = dict(references(step))
    for name in fields:
        if shape[name].lexeme in ("publish", "mount"):
            fields[name] = [str(item) for item in getattr(step, name)]
    words: dict[str, str] = {}
    for name, value in fields.items():
        if (ref := refers.get(name)) is not None:
            words[name] = _reference(ref.step, number)
        else:
            words[name] = _words(value, shape[name].lexeme, listed=shape[name].many)
    verb = _VERBS.get(step.call)
    said = step.call if verb is None else _filled(verb, words, fields)
    if step.call == "file.find":
        said = f"find {_noun(words, fields)}"
    start = said
    for name, word in _rest(words, fields):
        said += f"{', ' if name in _APART or said != start else ' '}{word}"
    return said


def _filled(verb: str, words: dict[str, str], fields: dict[str, JsonValue]) -> str:
    """The verb with its objects; what it says is taken out of what is left to say."""
    said: list[str] = []
    for piece in verb.split("{"):
        name, mark, after = piece.partition("}")
        if not mark:
            said.append(piece)
            continue
        name, _, otherwise = name.partition("|")
        fields.pop(name, None)
        said.append(words.pop(name, otherwise or "?") + after)
    return "".join(said)


def _noun(words: dict[str, str], fields: dict[str, JsonValue]) -> str:
    """What a search looks for."""
    kind, extension = words.pop("kind", ""), words.pop("extension", "")
    which = words.pop("type", "")
    noun = _NOUNS.get(which, f"{which} things" if which else "files")
    if kind:
        noun = _KINDS.get(kind, f"{kind}s")
    if extension:
        noun = f"{extension} {'files' if not kind else noun}"
    for flag in ("empty", "executable"):
        if fields.get(flag) is True:
            words.pop(flag)
            noun = f"{flag} {noun}"
    return noun if kind or extension or len(words) else f"all {noun}"


def _rest(words: Mapping[str, str], fields: Mapping[str, JsonValue]) -> Iterator[tuple[str, str]]:
    """What the verb has not said, by field."""
    for name, word in words.items():
        value = fields[name]
        if value is True and name in _FLAGS:
            yield name, _FLAGS[name]
        elif isinstance(value, bool):
            yield name, f"{name.replace('_', ' ')}: {'yes' if value else 'no'}"
        elif name == "how" and word in _HOW:
            yield name, _HOW[word]
        elif name in _FIELDS:
            yield name, _FIELDS[name].format(word)
        else:
            yield name, f"{name.replace('_', ' ')}: {word}"


def _reference(to: int, number: int) -> str:
    if to == 0:
        return "what was piped in"
    return "them" if to == number - 1 else f"what step {to} found"


def _words(value: JsonValue, lexeme: Lexeme, *, listed: bool) -> str:
    if listed and isinstance(value, list):
        shown = [_words(item, lexeme, listed=False) for item in value]
        return " and ".join(part for part in (", ".join(shown[:-1]), shown[-1] if shown else "") if part)
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items())
    if lexeme == "size" and isinstance(value, int):
        return size_text(value)
    if lexeme == "duration" and isinstance(value, int | float):
        return _span(value)
    if lexeme in ("needle", "content", "command") and isinstance(value, str):
        whole = lexeme == "command" or len(value) <= LONGEST
        cut = " ".join((value if whole else value[:LONGEST] + " …").split("\n"))
        return f'"{cut}"'
    if lexeme == "path" and value == ".":
        return "this folder"
    return str(value)


def _span(seconds: float) -> str:
    for unit, name in _TIMES:
        if seconds >= unit and seconds % unit == 0:
            count = int(seconds // unit)
            return f"{count} {name}{'' if count == 1 else 's'}"
    return f"{seconds:g} seconds"
