"""Templates: phrasings beside the plan they mean, and how a scene becomes surface calls.

A plan is written as steps separated by `;`. `file.copy` alone takes every argument whose name is one of its fields;
`file.copy paths=@a to=#b` names them: `@a` is an object (paths, or a file set that becomes a `file.find` and its
reference), `#b` a value, `$1` the first step written *in this plan string*, a bare word a choice, `true`/`1` themselves.
Fields whose argument was not said are left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

from casava_os.forge.synth.grammar import Scene, pattern, say
from casava_os.forge.synth.sets import FileSet
from casava_os.kernel.compiler.tagged import tagged_fields
from casava_syscalls.shapes import Shape

Step = dict[str, object]

IMPERATIVE, QUESTION, STATEMENT, TERSE = "!", "?", ".", ":"
FORMS = (IMPERATIVE, QUESTION, STATEMENT, TERSE)


@dataclass(frozen=True, slots=True)
class Template:
    """Phrasings (by form) that all mean the same plan."""

    name: str
    family: str
    plan: str
    phrases: tuple[tuple[str, str], ...]
    weight: float = 1.0
    stdin: bool = False
    """The phrasings speak of what is piped in."""


TEMPLATES: list[Template] = []

_WIDER: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(find), put)
    for find, put in (
        (r"\(show\|print(?=[|)])", "(show|print|show me|display|(output|present|reveal|dump|bring up|pull up|let me see|get me|write out|return|throw up|spit out|echo)"),
        (r"\(save\|write(?=[|)])", "(save|write|(store|export|record|capture|persist|log)"),
        (r"\(compute\|", "(compute|(figure out|determine|evaluate|derive|establish|obtain)|"),
        (r"\(replace\|change(?=[|)])", "(replace|change|(swap out|exchange|substitute|alter)"),
        (r"\(remove\|drop(?=[|)])", "(remove|drop|(strip|weed out|filter out|throw out|cut|squeeze out)"),
        (r"\(delete\|remove(\|[a-z |]*)?\)", "{delete}"),
        (r"^count ", "(count|count|count up|tally|tot up|calculate|determine) "),
        (r"^sort ", "(sort|sort|order|arrange|sort|put in order) "),
        (r"^rename ", "(rename|rename|rename|retitle|rechristen) "),
        (r"^copy ", "{copy} "),
        (r"\(run\|execute\)", "{runw}"),
        (r"^i \(want\|need(\|'d like)?\) to ", "(i want|i need|i'd like|i would like|we need|we want|i have|i wish|i'd love|i am supposed|i was told|i'm trying|i am going) to "),
        (r"^i \(want\|need(\|'d like)?\) ", "(i want|i need|i'd like|i would like|we need|i'm after|i require|need|i could use|we want|i shall need|gimme) "),
        (r"^i want ", "(i want|i'd like|i would like|we want|i need) "),
        (r"^how many ", "(how many|how many|how many|how many|how much|what number of|howmany|so how many) "),
        (r"what\('s\| is\)", "(what's|what is|whats|what's|what is|wat is)"),
        (r"^are there ", "(are there|are there|is there|r there|do we have|have we got|might there be) "),
        (r"^where is ", "(where is|where is|where's|wheres|where can i find|where do i find|where did you put) "),
        (r"^does ", "(does|does|would|will|do) "),
        (r"^\(find\|show\|list\)", "(find|show|list|get|give me|search for|look for)"),
        (r"^compare ", "(compare|compare|contrast|match up) "),
    )
)  # fmt: skip
"""Words that every phrasing shares are widened in one place: a start or a group of verbs becomes a larger one."""


def _widened(form: str, phrase: str) -> str:
    if form == TERSE:
        return phrase
    for find, put in _WIDER:
        phrase = find.sub(lambda _, put=put: put, phrase)  # type: ignore[misc]
    return phrase


def template(
    name: str, plan: str, phrases: str, *, weight: float = 1.0, stdin: bool = False, family: str = ""
) -> None:
    """Declares a template: one phrasing a line, each opened by its form (`!` order, `?` question, `.` statement, `:` terse)."""
    found: list[tuple[str, str]] = []
    for raw in phrases.strip().splitlines():
        line = raw.strip()
        if not line:
            continue
        if line[0] not in FORMS:
            raise ValueError(f"{name}: {line!r} does not say its form")
        found.append((line[0], _widened(line[0], line[1:].strip()).replace(" | ", " \\| ")))
    TEMPLATES.append(Template(name, family or name.partition("/")[0], plan, tuple(found), weight, stdin))


@dataclass(slots=True)
class Program:
    """The surface calls so far; templates append to it."""

    calls: list[Step] = field(default_factory=list)

    def add(self, step: Step) -> int:
        """Appends a step (an equal earlier read-only one is used again) and gives its number."""
        if step["call"] in ("file.find", "file.list") and step in self.calls:
            return self.calls.index(step) + 1
        self.calls.append(step)
        return len(self.calls)


@cache
def _shapes(call: str) -> dict[str, Shape]:
    return {shape.name: shape for shape in tagged_fields(call)}


@cache
def _parsed(plan: str) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    steps = []
    for part in plan.split(";"):
        call, *arguments = part.split()
        steps.append((call, tuple((a.partition("=")[0], a.partition("=")[2]) for a in arguments)))
    return tuple(steps)


def perform(plan: str, scene: Scene, program: Program) -> None:
    """Appends the steps that the plan string denotes for this scene."""
    numbers: list[int] = []
    found: dict[int, int] = {}

    def resolve(shape: Shape, value: object) -> object:
        if isinstance(value, FileSet):
            if id(value) not in found:
                found[id(value)] = program.add(_ordered(value.call, value.find))
            return f"${found[id(value)]}"
        reference = isinstance(value, str) and value.startswith("$")
        return [value] if shape.many and isinstance(value, str | dict) and not reference else value

    for call, arguments in _parsed(plan):
        if call.startswith("@"):
            value = scene.values[call[1:]]
            assert isinstance(value, FileSet)
            numbers.append(program.add(_ordered(value.call, value.find)))
            found[id(value)] = numbers[-1]
            continue
        shapes = _shapes(call)
        said = {name: value for name, value in scene.values.items() if name in shapes}
        given = {} if arguments else said
        for key, text in arguments:
            if text == "*":
                given.update(said)
            elif (value := _written(text, shapes[key], scene, numbers)) is not None:
                given[key] = value
        numbers.append(
            program.add(_ordered(call, {key: resolve(shapes[key], value) for key, value in given.items()}))
        )


def _written(text: str, shape: Shape, scene: Scene, numbers: list[int]) -> object:
    """The value of one argument of a plan string; None when it was not said."""
    if text.startswith(("#", "@")):
        name, _, part = text[1:].partition(".")
        value = scene.values.get(name)
        if part:
            return value.get(part) if isinstance(value, dict) else None
        return value
    if text.startswith("$") and text[1:].isdigit():
        return text if text == "$0" else f"${numbers[int(text[1:]) - 1]}"
    if text == ".":
        return [text] if shape.many else text
    return {"": True, "true": True, "1": 1}.get(text, text)


def _ordered(call: str, step: Step) -> Step:
    """The step with its fields in the ABI's order and without those that say the default."""
    found: Step = {"call": call}
    for name, shape in _shapes(call).items():
        default = shape.default is not None and shape.default == step[name] if name in step else False
        if name in step and (not default or shape.lexeme == "path" or call in ("ask", "refuse")):
            found[name] = step[name]
    unknown = set(step) - set(_shapes(call))
    if unknown:
        raise ValueError(f"{call} has no field {unknown}")
    return found


def realise(template: Template, scene: Scene, program: Program, phrase: str) -> str:
    """One wording of the template; its steps are appended."""
    said = say(scene, phrase)
    if scene.front:
        said = f"{scene.front}, {said}"
    perform(template.plan, scene, program)
    return said


def assert_compiles() -> None:
    """Every phrasing of every template parses."""
    for one in TEMPLATES:
        for _, phrase in one.phrases:
            pattern(phrase)
