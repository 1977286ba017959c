"""Shell idioms: what people ask of text and files that no syscall says, as scripts that are known to work.

Our own model is too small to write a program, but it can choose one. To the model an idiom is a call with typed fields
like any other; lowering turns it into `process.run` with a script, so the person sees, and the sandbox runs, a plain
program. Arguments are quoted by `shlex`, never spliced. The scripts need what Debian's base system and Python bring.
What a script makes is new: where another file is in the way, it fails and changes nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from pydantic import TypeAdapter

from casava_syscalls import scalars
from casava_syscalls.registry import SYSCALLS
from casava_syscalls.shapes import Shape, shapes

PREFIX = "idiom."
RUN = "process.run"

_SIZE: TypeAdapter[int] = TypeAdapter(scalars.ByteSize)

_LIKE = {
    "source": ("text.sort", "source"),
    "paths": ("file.delete", "paths"),
    "path": ("file.write", "path"),
    "left": ("file.diff", "left"),
    "right": ("file.diff", "right"),
    "root": ("file.find", "root"),
    "limit": ("file.find", "limit"),
    "first": ("file.read", "first"),
    "last": ("file.read", "last"),
    "larger_than": ("file.find", "larger_than"),
    "pattern": ("text.search", "pattern"),
    "find": ("text.replace", "find"),
    "to": ("file.link", "path"),
    "column": ("text.sort", "column"),
    "prefix": ("file.rename", "prefix"),
    "suffix": ("file.rename", "suffix"),
}
"""Fields of idioms are those of the ABI: name → (syscall, field) that it is like."""


@dataclass(frozen=True, slots=True)
class Idiom:
    """One script with its arguments."""

    name: str
    needs: tuple[str, ...]
    """Fields in the order in which they are written; one that ends with "?" may be left out."""
    script: str
    """`{field}` is the argument, quoted; several are joined by spaces. A reference becomes standard input."""
    python: bool = False
    summary: str = ""

    @property
    def call(self) -> str:
        return PREFIX + self.name


def _idiom(name: str, needs: str, script: str, summary: str, *, python: bool = False) -> Idiom:
    return Idiom(name, tuple(needs.split()), script.strip("\n"), python, summary)


_LINES = "import sys\nlines = []\nfor path in [{source}] or ['/dev/stdin']:\n    lines += open(path, errors='surrogateescape').read().splitlines()\nsys.stdout.reconfigure(errors='surrogateescape')\n"
"""The lines of the sources; a script that begins with this is Python."""

_NEW = """\
new() {{ if [ -e "$1" ] || [ -L "$1" ]; then printf '%s: is there already\\n' "$1" >&2; exit 1; fi; }}
"""
"""`new NAME` ends the script where the name is taken."""

_ASIDE = """\
aside() {{ made=$(mktemp -- "$1/.casava-XXXXXX") || exit 1; trap 'rm -f -- "$made"' EXIT; trap 'exit 1' HUP INT TERM; }}
"""
"""`aside FOLDER` makes an empty file there, `$made`, which goes when the script ends."""

_JOIN = """\
set -- {paths}
to={to} mode=+rw
for f do if [ "$f" -ef "$to" ]; then mode=--reference=$to; fi; done
if [ "$mode" = +rw ]; then new "$to"; else to=$(realpath -- "$to"); fi
aside "$(dirname -- "$to")"
cat -- "$@" > "$made" && chmod "$mode" -- "$made" && mv -T -- "$made" "$to"
"""
"""The new file may be one of those that are joined: it is replaced when all is read, and keeps its mode."""

_PIECES = """\
for f in {path}.part-[0-9][0-9][0-9]; do new "$f"; done
"""

_BACKUP = """\
day=$(date +%Y-%m-%d)
for f in {paths}; do new "${{f%/}}-$day"; done
for f in {paths}; do cp -aT -- "$f" "${{f%/}}-$day" || exit; done
"""

_UNDERSCORES = """\
cd {root:.} || exit
for f in *' '*; do
    to=$(printf %s. "$f" | tr ' ' _)
    to=${{to%.}}
    if [ -e "$to" ] || [ -L "$to" ]; then printf '%s: is there already, %s keeps its name\n' "$to" "$f" >&2
    elif [ -e "$f" ] || [ -L "$f" ]; then mv -nT -- "$f" "$to" || exit
    fi
done
"""

_LEFT = """\
aside .
head -qc 0 -- {left} {right} && sort -u -- {left} > "$made" && sort -u -- {right} | """

IDIOMS: Mapping[str, Idiom] = {
    idiom.call: idiom
    for idiom in (
        _idiom("reverse_lines", "source", "cat -- {source} | tac", "lines, last first"),
        _idiom("shuffle_lines", "source", "cat -- {source} | shuf", "lines in random order"),
        _idiom("random_lines", "source limit", "cat -- {source} | shuf -n {limit}", "some lines, picked at random"),
        _idiom("number_lines", "source", "cat -- {source} | cat -n", "lines with their numbers"),
        _idiom("upper_case", "source", _LINES + "print(*(line.upper() for line in lines), sep='\\n')", "text in capital letters", python=True),
        _idiom("lower_case", "source", _LINES + "print(*(line.lower() for line in lines), sep='\\n')", "text in small letters", python=True),
        _idiom("without_blank_lines", "source", "cat -- {source} | grep -v '^[[:space:]]*$' || test $? = 1", "text without its empty lines"),
        _idiom("without_comments", "source", "cat -- {source} | grep -v '^[[:space:]]*#' || test $? = 1", "text without lines that begin with #"),
        _idiom("every_nth_line", "source limit", "cat -- {source} | awk -v n={limit} 'NR % n == 0'", "every nth line"),
        _idiom("longest_line", "source", _LINES + "print(max(lines, key=len, default=''))", "the longest line", python=True),
        _idiom("shortest_line", "source", _LINES + "print(min(lines, key=len, default=''))", "the shortest line", python=True),
        _idiom("long_lines", "source limit", _LINES + "print(*(line for line in lines if len(line) > int({limit})), sep='\\n')", "lines longer than so many characters", python=True),
        _idiom("sort_by_length", "source", _LINES + "print(*sorted(lines, key=len), sep='\\n')", "lines, the shortest first", python=True),
        _idiom("word_frequency", "source limit?", "cat -- {source} | tr -cs \"[:alnum:]'_\" '\\n' | tr '[:upper:]' '[:lower:]' | grep . | sort | uniq -c | sort -rn | head -n {limit:1000000}", "how often each word occurs"),
        _idiom("unique_words", "source", "cat -- {source} | tr -cs \"[:alnum:]'_\" '\\n' | grep . | sort -u", "each word once"),
        _idiom("lines_around", "pattern source? limit", "grep -rFn -C {limit} -e {pattern} -- {source:.}", "matching lines with so many lines around each"),
        _idiom("lines_after", "pattern source? limit", "grep -rFn -A {limit} -e {pattern} -- {source:.}", "matching lines with so many lines after each"),
        _idiom("lines_before", "pattern source? limit", "grep -rFn -B {limit} -e {pattern} -- {source:.}", "matching lines with so many lines before each"),
        _idiom("lines_between", "source pattern find", "cat -- {source} | FROM={pattern} TO={find} awk 'index($0, ENVIRON[\"FROM\"]) {{ on = 1 }} on {{ print }} index($0, ENVIRON[\"TO\"]) {{ on = 0 }}'", "the lines from one text to another"),
        _idiom("matches_per_file", "pattern source?", "grep -rFc -e {pattern} -- {source:.} | grep -v ':0$'", "how many lines match in each file"),
        _idiom("emails", "source", "grep -rhoE '[[:alnum:]._%+-]+@[[:alnum:].-]+\\.[[:alpha:]]{{2,}}' -- {source} | sort -u", "e-mail addresses"),
        _idiom("addresses", "source", "grep -rhoE 'https?://[^[:space:]\"<>)]+' -- {source} | sort -u", "web addresses"),
        _idiom("ip_addresses", "source", "grep -rhoE '\\b([0-9]{{1,3}}\\.){{3}}[0-9]{{1,3}}\\b' -- {source} | sort -u", "IP addresses"),
        _idiom("numbers", "source", "grep -rhoE -- '-?[0-9]+([.,][0-9]+)*' {source}", "the numbers in a text"),
        _idiom("sum_column", "source column?", "cat -- {source} | awk -v c={column:1} '{{ s += $c }} END {{ print s + 0 }}'", "the sum of a column of numbers"),
        _idiom("side_by_side", "left right", "paste -- {left} {right}", "lines of two files next to each other"),
        _idiom("common_lines", "left right", _ASIDE + _LEFT + 'comm -12 "$made" -', "lines that are in both files"),
        _idiom("lines_only_in", "left right", _ASIDE + _LEFT + 'comm -23 "$made" -', "lines of the first file that are not in the second"),
        _idiom("split_by_lines", "path limit", _NEW + _PIECES + "split -d -a 3 -l {limit} -- {path} {path}.part-", "a file cut into pieces of so many lines"),
        _idiom("split_by_size", "path larger_than", _NEW + _PIECES + "split -d -a 3 -b {larger_than} -- {path} {path}.part-", "a file cut into pieces of a size"),
        _idiom("join_files", "paths to", _NEW + _ASIDE + _JOIN, "files one after the other in a new one"),
        _idiom("transpose", "source", "import csv, itertools, sys\nrows = [row for path in [{source}] or ['/dev/stdin'] for row in csv.reader(open(path, newline=''))]\ncsv.writer(sys.stdout).writerows(itertools.zip_longest(*rows, fillvalue=''))", "a table with rows and columns exchanged", python=True),
        _idiom("csv_to_json", "source", "import csv, json\nrows = [row for path in [{source}] or ['/dev/stdin'] for row in csv.DictReader(open(path, newline=''))]\nprint(json.dumps(rows, indent=2, ensure_ascii=False))", "a CSV table as JSON", python=True),
        _idiom("json_to_csv", "source", "import csv, json, sys\nrows = [row for path in [{source}] or ['/dev/stdin'] for row in json.load(open(path))]\nout = csv.DictWriter(sys.stdout, list(dict.fromkeys(key for row in rows for key in row)))\nout.writeheader()\nout.writerows(rows)", "a JSON list of objects as CSV", python=True),
        _idiom("csv_header", "source", "import csv\nfor path in [{source}] or ['/dev/stdin']:\n    print(*next(csv.reader(open(path, newline='')), []), sep='\\n')", "the column names of a table", python=True),
        _idiom("json_keys", "source", "import json\nfor path in [{source}] or ['/dev/stdin']:\n    print(*json.load(open(path)), sep='\\n')", "the keys of a JSON document", python=True),
        _idiom("json_valid", "source", "import json, sys\nbad = 0\nfor path in [{source}] or ['/dev/stdin']:\n    try:\n        json.load(open(path))\n        print(f'{{path}}: valid')\n    except ValueError as why:\n        bad = 1\n        print(f'{{path}}: not valid: {{why}}')\nsys.exit(bad)", "whether JSON documents are valid", python=True),
        _idiom("tabs_to_spaces", "source", "cat -- {source} | expand -t 4", "text with tabs as spaces"),
        _idiom("base64_encode", "source", "cat -- {source} | base64", "base64 of a file"),
        _idiom("base64_decode", "source", "cat -- {source} | base64 -d", "what a base64 text encodes"),
        _idiom("hex_dump", "source", "cat -- {source} | od -A x -t x1z", "bytes in hexadecimal"),
        _idiom("strip_tags", "source", "cat -- {source} | sed -e 's/<[^>]*>//g'", "text without HTML tags"),
        _idiom("line_endings", "paths", "sed -i --follow-symlinks 's/\\r$//' -- {paths}", "Windows line endings made Unix ones, in place"),
        _idiom("trailing_spaces", "paths", "sed -i --follow-symlinks 's/[[:space:]]*$//' -- {paths}", "spaces at the ends of lines removed, in place"),
        _idiom("prefix_lines", "source prefix", "import sys\n" + _LINES.removeprefix("import sys\n") + "print(*({prefix} + line for line in lines), sep='\\n')", "a text put before each line", python=True),
        _idiom("suffix_lines", "source suffix", "import sys\n" + _LINES.removeprefix("import sys\n") + "print(*(line + {suffix} for line in lines), sep='\\n')", "a text put after each line", python=True),
        _idiom("tree", "root?", "cd {root:.} && find . -mindepth 1 -not -path '*/.*' -printf '%P\\n' | LC_ALL=C sort | sed -e 's;[^/]*/;|   ;g'", "a folder as a tree"),
        _idiom("files_per_extension", "root?", "find {root:.} -type f -name '?*.*' | sed -e 's/.*\\.//' | sort | uniq -c | sort -rn", "how many files there are of each extension"),
        _idiom("files_per_folder", "root?", "find {root:.} -type f -printf '%h\\n' | sort | uniq -c | sort -rn", "how many files each folder holds"),
        _idiom("sort_by_extension", "root?", "cd {root:.} && for f in *.*; do test -f \"$f\" || continue; mkdir -p -- \"${{f##*.}}\" && mv -n -- \"$f\" \"${{f##*.}}/\"; done", "files moved into a folder for each extension"),
        _idiom("sort_by_month", "root?", "cd {root:.} && for f in *; do test -f \"$f\" || continue; d=$(date -r \"$f\" +%Y-%m); mkdir -p -- \"$d\" && mv -n -- \"$f\" \"$d/\"; done", "files moved into a folder for each month"),
        _idiom("flatten", "root?", "cd {root:.} && find . -mindepth 2 -type f -exec mv -n -t . -- {{}} + && find . -mindepth 1 -type d -empty -delete", "files of all subfolders moved up into one folder"),
        _idiom("spaces_to_underscores", "root?", _UNDERSCORES, "spaces in file names made underscores"),
        _idiom("dated_backup", "paths", _NEW + _BACKUP, "a copy with the date in its name"),
        _idiom("list_archive", "path", "case {path} in *.zip) python3 -m zipfile -l {path} ;; *) tar -tf {path} ;; esac", "what an archive holds"),
        _idiom("absolute_path", "paths", "realpath -- {paths}", "the whole path"),
        _idiom("calendar", "", "python3 -m calendar $(date '+%Y %m')", "this month's calendar"),
        _idiom("uuid", "", "cat /proc/sys/kernel/random/uuid", "a random UUID"),
        _idiom("password", "limit?", "python3 -c 'import secrets, string, sys; print(\"\".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(int(sys.argv[1]))))' {limit:20}", "a random password"),
        _idiom("random_number", "first? last?", "shuf -n 1 -i {first:1}-{last:100}", "a random number"),
        _idiom("sequence", "first? last", "seq {first:1} {last}", "numbers in a row"),
    )
}  # fmt: skip
"""Every idiom by its call's name. Names are control tokens of our own model: they stay once weights know them."""


@cache
def idiom_shapes(call: str) -> Mapping[str, Shape]:
    """The fields of an idiom, as `shapes` gives those of a syscall."""
    found: dict[str, Shape] = {}
    for need in IDIOMS[call].needs:
        name = need.rstrip("?")
        syscall, field = _LIKE[name]
        like = shapes(SYSCALLS[syscall])[field]
        found[name] = Shape(
            name=name,
            lexeme=like.lexeme,
            many=like.many,
            choices=like.choices,
            refs=like.refs if name == "source" else (),
            required=not need.endswith("?"),
            help=like.help,
        )
    return found


def expand(call: str, values: Mapping[str, object]) -> dict[str, object]:
    """The `process.run` step of an idiom whose arguments are in the ABI's form."""
    idiom = IDIOMS[call]
    step: dict[str, object] = {"call": RUN, "interpreter": "python3" if idiom.python else "sh"}
    written: dict[str, str] = {}
    for need in idiom.needs:
        name = need.rstrip("?")
        value = values.get(name)
        if isinstance(value, str) and value.startswith("$") and idiom_shapes(call)[name].refs:
            step["stdin"] = value
            written[name] = "" if idiom.python else "-"
        elif value is not None:
            texts = [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]
            if idiom_shapes(call)[name].lexeme == "size":
                texts = [str(_SIZE.validate_python(text)) for text in texts]
            if idiom.python:
                written[name] = ", ".join(map(repr, texts))
            else:
                path = idiom_shapes(call)[name].lexeme == "path"
                written[name] = " ".join(shlex.quote(_no_option(text) if path else text) for text in texts)
    step["script"] = _filled(idiom.script, written)
    return step


def _no_option(path: str) -> str:
    """The path so that no program takes it for an option, or for standard input."""
    return f"./{path}" if path.startswith("-") else path


def _filled(script: str, written: Mapping[str, str]) -> str:
    """The script with its arguments; `{name:default}` is the default where the argument was left out."""
    parts: list[str] = []
    at = 0
    while at < len(script):
        if script[at : at + 2] in ("{{", "}}"):
            parts.append(script[at])
            at += 2
        elif script[at] == "{":
            end = script.index("}", at)
            name, _, default = script[at + 1 : end].partition(":")
            parts.append(written.get(name, default))
            at = end + 1
        else:
            parts.append(script[at])
            at += 1
    return "".join(parts)
