"""Bash commands that people wrote become plans: what is translated, what is dropped and why, and that the proof proves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from casava_os.forge import corpus
from casava_os.forge.people import (
    boundaries,
    compare,
    faithful,
    jail,
    prove,
    report,
    rewrite,
    shell,
    templates,
    workspace,
)
from casava_os.forge.people.errors import Different, Dropped
from casava_os.forge.people.plans import Draft, Needs, Search
from casava_os.forge.people.translate import translate
from casava_os.kernel.compiler.tagged import SurfaceValue

Calls = list[dict[str, SurfaceValue]]

TRANSLATED: list[tuple[str, str, Calls]] = [
    ("find all the html files in the current folder", "find . -name '*.html'", [{"call": "file.find", "extension": ["html"]}]),
    ("Find all *.txt files under docs", "find docs -name *.txt -print", [{"call": "file.find", "root": "docs", "name": "*.txt", "type": "file"}]),
    ("files larger than 10MB, older than 7 days", "find . -type f -size +10M -mtime +7", [{"call": "file.find", "type": "file", "larger_than": "10MB", "older_than": "7 days"}]),
    ("Find empty directories and delete them", "find . -type d -empty -delete", [{"call": "file.find", "type": "directory", "empty": True}, {"call": "file.delete", "paths": "$1"}]),
    ("search the .c and .h files for \"expr\"", "find . -name '*.[ch]' -print0 | xargs -0 grep -n expr", [{"call": "file.find", "extension": [".c", ".h"]}, {"call": "text.search", "pattern": "expr", "source": "$1"}]),
    ("List files under src that contain 'needle'", "grep -rl needle src", [{"call": "file.find", "root": "src", "contains": "needle"}]),
    ("find files named foo.c ignoring the .git directory", "find . -name .git -prune -o -name foo.c -print", [{"call": "file.find", "name": "foo.c", "exclude": ".git", "type": "file"}]),
    ("Print the 5 largest files in the current directory tree", "find . -type f -printf '%s %p\\n' | sort -rn | head -5", [{"call": "file.find", "type": "file", "sort": "largest", "limit": "5"}]),
    ("count the files in logs", "find logs -type f | wc -l", [{"call": "file.find", "root": "logs", "type": "file"}, {"call": "file.count", "paths": "$1"}]),
    ("how many lines of a.log contain error", "grep error a.log | wc -l", [{"call": "text.count", "source": ["a.log"], "what": "matching_lines", "pattern": "error"}]),
    ("set permissions of all directories below site to 755", "find site -type d -exec chmod 755 {} \\;", [{"call": "file.find", "root": "site", "type": "directory"}, {"call": "file.chmod", "paths": "$1", "mode": "755"}]),
    ("replace 'foo' with 'bar' in all .py files", "find . -name '*.py' -exec sed -i 's/foo/bar/g' {} +", [{"call": "file.find", "extension": [".py"]}, {"call": "text.replace", "paths": "$1", "find": "foo", "replacement": "bar"}]),
    ("print lines 5 to 10 of notes.txt", "sed -n '5,10p' notes.txt", [{"call": "file.read", "paths": ["notes.txt"], "from_line": "5", "to_line": "10"}]),
    ("sort names.txt and remove duplicates", "sort names.txt | uniq", [{"call": "text.sort", "source": ["names.txt"], "unique": True}]),
    ("Print the second field of passwd, separated by ':'", "cut -d: -f2 passwd", [{"call": "text.columns", "source": ["passwd"], "columns": ["second"], "delimiter": ":"}]),
    ("create symbolic link latest to build", "ln -s build latest", [{"call": "file.link", "target": "build", "path": "latest"}]),
    ("calculate the md5 sum of data.bin", "md5sum data.bin", [{"call": "file.hash", "paths": ["data.bin"], "algorithm": "md5"}]),
    ("sort standard input", "sort", [{"call": "text.sort", "source": "$0"}]),
]  # fmt: skip

DROPPED = [
    ("find files owned by root", "find . -user root", "not expressible"),
    ("find all files named a.txt", "find . -name a.txt | while read f; do echo $f; done", "not expressible"),
    ("find all c files", "find . -name '*.c", "not parsed"),
    ("find the big files", "find . -type f -size +10M", "not in the request"),
    ("list the text files of this folder", "find . -maxdepth 1 -name '*.txt'", "not in the request"),
    ("search all files for a pattern", "grep -r pattern .", "request says more"),
    ("find all *.tmp files and delete them", "find . -name '*.tmp'", "request says more"),
    ("find files called a.txt in src", "find . -name a.txt", "request says more"),
    (
        "find files modified after half past eight",
        "find . -type f -newermt '08:30'",
        "not in the request",
    ),
    ("print the files in old.d that are not empty", "find . ! -empty", "request says more"),
    ("count the files in logs", "find logs | wc -l", "outcomes differ"),
    ("count the lines of all .c files", "find . -name '*.c' | xargs wc", "not expressible"),
]


def drafted(request: str, command: str) -> tuple[Draft, tuple[shell.Command, ...]]:
    commands = shell.parse(command)
    draft = translate(request, commands)
    faithful.check(draft)
    return draft, commands


@pytest.mark.parametrize(("request_", "command", "calls"), TRANSLATED)
def test_a_command_becomes_the_calls_of_its_request(request_: str, command: str, calls: Calls) -> None:
    outcome = report.one(request_, command)
    assert outcome.line is not None, (outcome.heading, outcome.reason)
    assert list(outcome.line.calls) == calls
    assert corpus.problem(outcome.line) is None


@pytest.mark.parametrize(("request_", "command", "heading"), DROPPED)
def test_what_is_not_said_alike_is_dropped_under_its_heading(
    request_: str, command: str, heading: str
) -> None:
    outcome = report.one(request_, command)
    assert outcome.line is None
    assert outcome.heading == heading, outcome.reason


WRONG: list[tuple[str, str, int, dict[str, SurfaceValue | None]]] = [
    ("Find all *.txt files under docs", "find docs -name '*.txt'", 0, {"name": "*.md"}),
    ("files larger than 10MB", "find . -type f -size +10M", 0, {"larger_than": None, "smaller_than": "10MB"}),
    ("files older than 7 days", "find . -type f -mtime +7", 0, {"older_than": None}),
    ("Find empty directories and delete them", "find . -type d -empty -delete", 0, {"empty": None}),
    ("search the .c files for \"expr\"", "find . -name '*.c' -print0 | xargs -0 grep expr", 0, {"extension": [".c", ".h"], "exclude": "sub"}),
    ("set permissions of all files to 600", "find . -type f -exec chmod 600 {} +", 1, {"mode": "+x"}),
    ("replace foo with bar in all .py files", "find . -name '*.py' | xargs sed -i 's/foo/bar/g'", 1, {"replacement": "foobar"}),
    ("sort names.txt in reverse order", "sort -r names.txt", 0, {"reverse": None}),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "command", "step", "change"), WRONG)
def test_the_proof_tells_a_plan_that_does_something_else(
    request_: str, command: str, step: int, change: dict[str, SurfaceValue | None]
) -> None:
    draft, commands = drafted(request_, command)
    prove.prove(draft, commands)
    call = draft.calls[step]
    for key, value in change.items():
        if value is None:
            del call[key]
        else:
            call[key] = value
    with pytest.raises(Different):
        prove.prove(draft, commands)


def test_rewriting_changes_request_and_command_alike() -> None:
    pair = rewrite.rewritten(
        "Find all .c files under /usr/src and in $dir  ", 'find /usr/src "$dir" -name "*.c"'
    )
    assert pair.request == "Find all .c files under usr/src and in dir"
    assert pair.command == 'find usr/src "dir" -name "*.c"'
    whole = rewrite.rewritten("find in the entire file system for the file mysql", "find / -name mysql")
    assert (whole.request, whole.command) == ("find for the file mysql", "find . -name mysql")
    assert (
        rewrite.rewritten("search for `core' files", "find . -name core").request == "search for 'core' files"
    )
    assert rewrite.rewritten("delete them", "rm $(find . -name x)").command == "find . -name x | xargs rm"


def test_absolute_paths_are_kept_where_asked() -> None:
    pair = rewrite.rewritten("files under /usr/src", "find /usr/src -type f", keep_absolute=True)
    assert pair.command == "find /usr/src -type f"


def test_the_jail_keeps_a_command_inside(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("mine")
    inner = tmp_path / "workspace"
    inner.mkdir()
    ran = jail.run(
        f"touch here.txt; rm -f {outside}; touch /usr/evil; cat {outside}; ls /home /root; exit 3", inner
    )
    assert ran.code == 3
    assert ran.out == ""
    assert outside.read_text() == "mine"
    assert [path.name for path in inner.iterdir()] == ["here.txt"]
    network = jail.run("cat < /dev/tcp/127.0.0.1/22", inner)
    assert network.code != 0
    assert "Connection refused" in network.err or "unreachable" in network.err


def test_the_jail_ends_what_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jail, "SECONDS", 0.5)
    assert jail.run("sleep 60", tmp_path).code == 124


def test_a_workspace_has_what_meets_the_conditions_and_what_misses_one(tmp_path: Path) -> None:
    needs = Needs(searches=[Search(names=["*.log"], larger=1000, older=7 * 86_400)])
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        workspace.fill(needs, tmp_path / place, 1_800_000_000, seed=5)
    assert compare.tree(tmp_path / "one", times=True) == compare.tree(tmp_path / "two", times=True)
    logs = [path.stat() for path in (tmp_path / "one").rglob("*.log")]
    seen = {(info.st_size > 1000, 1_800_000_000 - info.st_mtime > 7 * 86_400) for info in logs}
    assert seen == {(True, True), (False, True), (True, False)}
    assert [path for path in (tmp_path / "one").rglob("*") if path.is_file() and path.suffix != ".log"]


def test_like_requests_stay_on_one_side_for_ever() -> None:
    lines = [
        corpus.Line(f"Find all *.{ending} files", ({"call": "file.find", "name": f"*.{ending}"},))
        for ending in ("txt", "md", "log")
    ]
    assert len({report.held_out(line, 0.5) for line in lines}) == 1
    shares = [
        report.held_out(corpus.Line(f"request {n} of many", ({"call": "file.list"},)), 0.2)
        for n in range(2000)
    ]
    assert 330 < sum(shares) < 470
    assert report.held_out(corpus.Line("list it", ({"call": "file.list"},)), 1.0)


def test_a_request_with_several_plans_keeps_the_most_frequent() -> None:
    one, other = ({"call": "file.list"},), ({"call": "file.find"},)
    lines = [corpus.Line("List all", one), corpus.Line("list all", other), corpus.Line("list  all", other)]
    (kept,) = report.distinct(lines)
    assert kept.calls == other


def test_a_whole_run_writes_both_sides_and_counts(tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.jsonl"
    rows = [{"nl": request, "cmd": command} for request, command, _ in TRANSLATED[:6]]
    rows += [{"nl": request, "cmd": command} for request, command, _ in DROPPED[:4]]
    pairs.write_text("".join(json.dumps(row) + "\n" for row in rows))
    counts = report.run(pairs, tmp_path / "out" / "train.jsonl", 0.3, "test", threads=2)
    assert (counts.pairs, counts.verified) == (10, 6)
    assert "6 verified" in counts.table()
    written = [
        line
        for name in ("train", "held_out")
        for line in corpus.parse((tmp_path / "out" / f"{name}.jsonl").read_text(), name)
    ]
    assert sorted(line.request for line in written) == sorted(request for request, _, _ in TRANSLATED[:6])
    assert all(corpus.problem(line) is None for line in written)


def test_words_that_no_shell_knows_are_reasons_and_not_crashes() -> None:
    for command in ("", ";;", "find", "| wc", "find . -exec", "xargs", "tar", "sed", "awk", "grep", "rm", "find . -size", "cut -d", "head -n", "\u2018"):  # fmt: skip
        outcome = report.one("find something", command)
        assert outcome.line is None or outcome.heading == ""


def test_dropped_reasons_are_short() -> None:
    with pytest.raises(Dropped) as caught:
        drafted("mount the disk", "mount /dev/sda1 /mnt")
    assert caught.value.reason == "mount"


@pytest.mark.parametrize(
    ("request_", "command", "reason"),
    [
        ("Find all files owned by user 'comp'", "find / -user comp", "unavailable"),
        ("Changes group ownership of 'prog' to staff", "chgrp staff prog", "unavailable"),
        ("files accessed in the last week", "find . -atime -7", "unavailable"),
        ("Installs package firefox", "yum install firefox", "outside"),
        ("Find all files named user.txt", "find . -name user.txt", None),
        ("Mounted disks", "mount | sort", None),
    ],
)
def test_what_no_call_can_answer_is_refused_with_its_reason(
    request_: str, command: str, reason: str | None
) -> None:
    line = boundaries.refusal(request_, command)
    assert (None if line is None else line.calls[0]["reason"]) == reason
    assert line is None or corpus.problem(line) is None


def test_placeholders_of_a_manual_get_the_same_names_in_request_and_command() -> None:
    request, command = templates.filled(
        "Count all lines in a file", "wc {{[-l|--lines]}} {{path/to/file.md}}"
    )
    name = command.removeprefix("wc -l ")
    assert request == f"Count all lines in {name}"
    assert name.endswith(".md")
    outcome = report.one(request, command)
    assert outcome.line is not None
    assert outcome.line.calls == ({"call": "text.count", "source": [name]},)
