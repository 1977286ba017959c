"""Programs that tell of the host. What they print cannot be compared; these are judged by this table alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from casava_os.forge.people.errors import Unsaid, Unsayable
from casava_os.forge.people.plans import Draft
from casava_os.forge.people.shell import Word

_TABLE: dict[str, tuple[str, str]] = {
    "date": ("system.time", "date|time"),
    "uname -r": ("system.kernel", "kernel"),
    "uname -a": ("system.kernel", "kernel|system information|system info|uname|os|operating system"),
    "uname": ("system.kernel", "kernel|operating system|os|uname"),
    "uname -s": ("system.kernel", "kernel|operating system|os"),
    "uname -v": ("system.kernel", "kernel"),
    "uname -n": ("system.host", "host ?name|name|network node"),
    "uname -m": ("system.host", "architecture|machine|hardware"),
    "arch": ("system.host", "architecture|machine"),
    "hostname": ("system.host", "host ?name|name|host"),
    "uptime": ("system.uptime", "up|uptime|how long|running|boot"),
    "whoami": ("system.users", "user ?name|user|who"),
    "who": ("system.users", "users?|logged|who"),
    "who -a": ("system.users", "users?|logged|who"),
    "w": ("system.users", "users?|logged|who"),
    "users": ("system.users", "users?|logged"),
    "df": ("system.disk", "disk|space|file ?systems?|mount(?:ed|s)?|storage|partitions?"),
    "df -h": ("system.disk", "disk|space|file ?systems?|mount(?:ed|s)?|storage|partitions?"),
    "df -k": ("system.disk", "disk|space|file ?systems?|mount(?:ed|s)?"),
    "df -H": ("system.disk", "disk|space|file ?systems?|mount(?:ed|s)?"),
    "df -a": ("system.disk", "disk|space|file ?systems?|mount(?:ed|s)?"),
    "free": ("system.memory", "memory|ram|swap"),
    "free -m": ("system.memory", "memory|ram|swap"),
    "free -h": ("system.memory", "memory|ram|swap"),
    "free -g": ("system.memory", "memory|ram|swap"),
    "nproc": ("system.cpu", "cpus?|cores?|process(?:or|ing)s?(?: units?)?"),
    "lscpu": ("system.cpu", "cpus?|cores?|processors?"),
    "env": ("system.environment", "environment|env"),
    "printenv": ("system.environment", "environment|env"),
    "ps": ("system.processes", "process(?:es)?"),
    "ps aux": ("system.processes", "process(?:es)?"),
    "ps -aux": ("system.processes", "process(?:es)?"),
    "ps -ef": ("system.processes", "process(?:es)?"),
    "ps -e": ("system.processes", "process(?:es)?"),
    "ps -A": ("system.processes", "process(?:es)?"),
    "ps ax": ("system.processes", "process(?:es)?"),
    "top": ("system.processes", "process(?:es)?|top"),
}
PROGRAMS = frozenset(line.split()[0] for line in _TABLE)
_BEYOND = "format|seconds|yesterday|tomorrow|ago|utc|only|day|week|month|year|minutes?|filter(?:ed|ing)?|watch|every|continuously|user|batch|tree|hierarchy|nanoseconds|number|column|percent(?:age)?|inode[s]?|interval|reference|root|account|switch(?:ing)?|remote"


def ask_host(draft: Draft, program: str, rest: Sequence[Word]) -> None:
    """One fact of the host."""
    line = " ".join([program, *(word.text for word in rest)])
    if draft.calls or draft.pending is not None:
        raise Unsayable(f"{program} in a pipe")
    if program == "printenv" and len(rest) == 1 and re.fullmatch(r"[A-Z_]+", rest[0].text):
        draft.add(
            "system.environment", "facts", name=draft.said.exactly(rest[0].text, "word", "the variable")
        )
        draft.by_table = True
        return
    if line not in _TABLE:
        raise Unsayable(f"{program} with options")
    call, sense = _TABLE[line]
    draft.said.need(call, sense)
    beyond = _BEYOND.replace("user|", "") if call == "system.users" else _BEYOND
    if draft.said.has(beyond):
        raise Unsaid("the whole of the fact")
    draft.add(call, "facts")
    draft.by_table = True


def processes_named(draft: Draft, rest: Sequence[Word]) -> None:
    """`ps aux | grep NAME`."""
    words = [word.text for word in rest if word.text not in ("-i", "--color")]
    if len(words) != 1 or words[0].startswith("-"):
        raise Unsayable("grep in what the host says")
    last = draft.calls[-1]
    if last["call"] != "system.processes" or len(last) > 1:
        raise Unsayable("grep in what the host says")
    last["name_contains"] = draft.said.exactly(words[0], "needle", "the text to look for")
