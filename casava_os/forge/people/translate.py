"""From a pair to calls: the pipeline from left to right, each command on what the one before it gave."""

from __future__ import annotations

import re
from collections.abc import Sequence

from casava_os.forge.people import acting, expressions, facts, finding, searching, sources, texts
from casava_os.forge.people.errors import Unsaid, Unsayable
from casava_os.forge.people.files import FILES
from casava_os.forge.people.plans import Draft
from casava_os.forge.people.said import Said
from casava_os.forge.people.shell import Command, Word, options

_PLAIN_FORMATS = ("%p\\n", "%P\\n", "%p", "%p\\0", "%P\\0", "%p \\n", '"%p\\n"')
_NAME_FORMATS = ("%f\\n", "%f", "%f\\0")
_SIZE_FORMAT = re.compile(r"%\d*[sbk](?:\s|\\t|:)+%[pPfh].*")
_TIME_FORMAT = re.compile(r"%(?:T@|T\+|TY|T[0-9A-Za-z]).*%[pPf].*")
_LONG = "long[- ]?(?:list(?:ing)?|format)|detail(?:s|ed)?|ls -[a-z]*l[a-z]*|-ls|ls format|ls style"


def translate(request: str, commands: Sequence[Command]) -> Draft:
    """The calls that a pipeline means, in words of the request. Raises `Unsayable` and `Unsaid`."""
    draft = Draft(Said(request))
    for number, command in enumerate(commands):
        if command.reads is not None:
            if draft.calls or draft.pending is not None:
                raise Unsayable("a redirection within a pipe")
            draft.pending = sources.operands(draft, [command.reads])
        _command(draft, command, first=number == 0)
        if command.writes is not None and command.name != "echo":
            if number != len(commands) - 1:
                raise Unsayable("a redirection within a pipe")
            sources.saved(draft, command.writes, appends=command.appends)
    texts.finish_cat(draft)
    if not draft.calls:
        raise Unsayable(f"{commands[0].name} alone")
    _printed(draft)
    return draft


def _command(draft: Draft, command: Command, *, first: bool) -> None:
    name, rest = command.name, list(command.args)
    if name == "find":
        if not first:
            raise Unsayable("find in a pipe")
        _find(draft, rest)
    elif name == "xargs":
        _xargs(draft, rest)
    elif name in ("grep", "egrep", "fgrep"):
        if draft.gives == "facts":
            facts.processes_named(draft, rest)
        elif draft.gives == "files" and draft.pending is None and draft.calls:
            _names(draft, rest)
        else:
            searching.grep(draft, name, rest)
    elif name == "echo" and first:
        _echo(draft, command)
    elif draft.by_table and name in texts.TEXTS and name not in ("less", "more", "cat", "tee"):
        raise Unsayable("part of what the host says")
    elif name in texts.TEXTS:
        texts.TEXTS[name](draft, name, rest)
    elif name in FILES:
        FILES[name](draft, name, rest)
    elif name in facts.PROGRAMS:
        facts.ask_host(draft, name, rest)
    else:
        raise Unsayable(name)


def _printed(draft: Draft) -> None:
    """A search by sizes whose order was never used printed the sizes."""
    if draft.decoration is not None and draft.gives == "files" and "sort" not in draft.calls[-1]:
        raise Unsayable("sizes or times beside the names")


def _names(draft: Draft, rest: Sequence[Word]) -> None:
    """`grep` behind a search keeps some of its names."""
    found = options(rest, "viEFnwe:", ("color",))
    pattern = found.values.get("e") or (found.operands[0].text if found.operands else "")
    last = draft.calls[-1]
    if "v" in found.flags and re.search(r"[Pp]ermission", pattern):
        return
    bare = re.sub(r"^(\^?\\?\./|\^|/)|(/|\$)$", "", pattern).replace("\\.", ".")
    if (
        len(found.operands) != (0 if "e" in found.values else 1)
        or not re.fullmatch(r"[\w. -]+", bare)
        or last["call"] != "file.find"
    ):
        raise Unsayable("grep on a list of names")
    if found.flags & {"i", "w"}:
        raise Unsayable("grep -i on a list of names")
    if "v" not in found.flags:
        raise Unsayable("grep on a list of names")
    draft.said.need(
        "what is left out",
        "exclud(?:e|es|ing|ed)|except|not|without|ignor(?:e|es|ing)|skip(?:s|ping)?|omit|other than|n't",
    )
    if "exclude" in last:
        raise Unsayable("find: exclude twice")
    last["exclude"] = draft.said.exactly(bare, "glob", "what is left out")
    draft.needs.searches[-1].excluded.append(bare)


def _echo(draft: Draft, command: Command) -> None:
    words = [word.text for word in command.args]
    if (
        command.writes is None
        or any(word.live for word in command.args)
        or (words and words[0].startswith("-"))
    ):
        raise Unsayable("echo")
    content = draft.said.exactly(" ".join(words), "content", "the text to write") if words else None
    path = draft.said.path(command.writes.text, "the file to write")
    how = None
    if command.appends:
        draft.said.need("append", "append(?:s|ing|ed)?|add(?:s|ing|ed)?|end")
        draft.needs.files.append(command.writes.text)
        how = "append"
    draft.add("file.write", "done", path=path, content=content, how=how)


def _find(draft: Draft, rest: Sequence[Word]) -> None:
    expression = expressions.parse(rest)
    said = draft.said
    if expression.follows and said.has("links?|sym-?links?|symbolic"):
        raise Unsayable("find -L")
    roots = [word.text for word in expression.roots]
    if len(roots) > 1:
        raise Unsayable("find in several directories")
    if any(word.live for word in expression.roots):
        # Of all that a directory holds, which is the directory; hidden entries there are not tried.
        if not re.fullmatch(r"[^*?\[]*\*", roots[0]) or not (roots[0] == "*" or roots[0].endswith("/*")):
            raise Unsayable("find in a pattern of directories")
        roots = [roots[0][:-1] or "."]
    quits = any(test.name == "quit" for test in expression.tests)
    expression.tests = [test for test in expression.tests if test.name != "quit"]
    fields = finding.search(draft, expression, roots[0] if roots else ".")
    if quits:
        said.need("the first", "first|one|a single|quit|stop|once|any")
        fields["limit"] = 1
        draft.any_order = True
    draft.add("file.find", "files", **{key: value for key, value in fields.items() if value is not False})
    draft.calls[-1].update({key: value for key, value in fields.items() if value is False})
    for action in expression.actions:
        _action(draft, action)


def _action(draft: Draft, action: expressions.Test) -> None:
    said = draft.said
    if action.negated:
        raise Unsayable("find: a negated action")
    if action.name in ("print", "print0"):
        return
    if action.name == "delete":
        acting.delete(draft, draft.last)
    elif action.name == "ls":
        if said.has(_LONG):
            draft.add("file.stat", "table", paths=draft.last)
        else:
            acting.detailed(draft, long=True)
    elif action.name == "printf":
        _format(draft, action.args[0])
    elif action.name in ("exec", "execdir", "ok", "okdir"):
        words = [Word(text, text) for text in action.args[:-1]]
        if draft.gives != "files":
            raise Unsayable("find: several things done with each file")
        acting.act(draft, words)
    else:
        raise Unsayable(f"find -{action.name}")


def _format(draft: Draft, shape: str) -> None:
    if shape in _PLAIN_FORMATS:
        return
    if shape in _NAME_FORMATS:
        draft.basenames = True
    elif _SIZE_FORMAT.fullmatch(shape):
        draft.decoration = "size"
    elif _TIME_FORMAT.fullmatch(shape):
        draft.decoration = "time"
    else:
        raise Unsayable("find -printf with a format")


def _xargs(draft: Draft, rest: Sequence[Word]) -> None:
    """What `xargs` runs, with the hole where the files go."""
    if draft.gives != "files" or draft.pending is not None:
        raise Unsayable("xargs of what is no list of files")
    words = list(rest)
    hole: str | None = None
    while words and words[0].text.startswith("-"):
        text = words.pop(0).text
        if text in ("-I", "-J", "--replace"):
            if not words:
                raise Unsayable("xargs -I without its value")
            hole = words.pop(0).text
        elif text.startswith(("-I", "--replace=")):
            hole = text.removeprefix("-I").removeprefix("--replace=")
        elif text == "-i" or re.fullmatch(r"-[0rt]*i", text):
            hole = "{}"
        elif re.fullmatch(r"-i\S+", text):
            hole = text[2:]
        elif text in ("-n", "-P", "-L", "-d", "-s", "--max-args", "--max-procs", "-l"):
            if text != "-l" and words:
                words.pop(0)
        elif not re.fullmatch(
            r"-[0rtx]+|-0?[nPLl]\d+|--null|--no-run-if-empty|-d\S+|--verbose|--max-args=\d+|--max-procs=\d+|-r0n1|-0n1",
            text,
        ):
            raise Unsayable(f"xargs {text}")
    if hole is None:
        words.append(Word(acting.HOLE, acting.HOLE))
    else:
        words = [Word(word.text.replace(hole, acting.HOLE), word.raw) for word in words]
    if len(words) > 1:
        acting.act(draft, words)


def run_quoted(request: str, command: str) -> Draft | None:
    """A plan that runs a command line which the request itself quotes."""
    draft = Draft(Said(request))
    plain = " ".join(command.split())
    for atom in draft.said.words:
        if atom.quoted and " ".join(atom.text.split()) == plain and " " in plain:
            if not draft.said.has("run|runs|execute|executes|invoke|invokes|start"):
                raise Unsaid("to run it")
            draft.add("process.run", "nothing", command=atom.text)
            return draft
    return None
