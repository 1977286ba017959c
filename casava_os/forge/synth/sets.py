"""File sets: the noun phrases of "all python files in src larger than 1 MB", shared by everything that acts on files.

A set is a head noun, up to four conditions, and a place; each has many wordings and lands in `file.find`. The rules of
which word writes which field are in README.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from casava_os.forge.synth.grammar import MACROS, Scene, macro, pattern, say, slot
from casava_os.forge.synth.words import (
    BARE_NAMES,
    argument,
    bare,
    dir_name,
    dir_slot,
    extension,
    file_name,
    files_slot,
    fresh,
    source_slot,
    word,
)


@dataclass(frozen=True, slots=True)
class FileSet:
    """What a noun phrase denotes: the fields of a `file.find`, or of the `file.list` that "everything in X" is."""

    find: dict[str, object]
    call: str = "file.find"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: words after the noun (`post`), a predicate after "which files", and which conditions it excludes."""

    name: str
    post: str
    predicate: str
    weight: float = 1.0
    clashes: tuple[str, ...] = ()


CONDITIONS = (
    Condition(
        "larger",
        "(larger|bigger|heavier|greater) than <larger_than:size>|over <larger_than:size>|above <larger_than:size>|more than <larger_than:size>|exceeding <larger_than:size>"
        "|(that are|that're|which are) (larger|bigger|over|more) than <larger_than:size>|of more than <larger_than:size>|> <larger_than:size>|of at least <larger_than:size>"
        "|taking [up] more than <larger_than:size>|that take (up|) more than <larger_than:size>|weighing more than <larger_than:size>|with [a] size (over|above|greater than|larger than) <larger_than:size>"
        "|whose size (exceeds|is over|is more than) <larger_than:size>|(bigger|larger) then <larger_than:size>|upwards of <larger_than:size>|which take more than <larger_than:size>|that have a size (over|above|of more than) <larger_than:size>|whose size is (bigger|greater|larger) than <larger_than:size>|size > <larger_than:size>|>= <larger_than:size>|(larger|bigger|more) (then|as) <larger_than:size>|that use (more than|over) <larger_than:size>|starting at <larger_than:size>|at least <larger_than:size>|from <larger_than:size> (up|upwards)|that are <larger_than:size> or (more|bigger|larger)|<larger_than:size> or (more|larger|bigger)|that exceed <larger_than:size>|at least <larger_than:size> (big|large|in size)|over <larger_than:size> in size",
        "are (larger|bigger|greater) than <larger_than:size>|are over <larger_than:size>|exceed <larger_than:size>|take up more than <larger_than:size>|weigh more than <larger_than:size>|have more than <larger_than:size>|are above <larger_than:size>|use more than <larger_than:size>",
        2.2,
    ),
    Condition(
        "smaller",
        "(smaller|less|lighter) than <smaller_than:size>|under <smaller_than:size>|below <smaller_than:size>|(that are|which are) (smaller than|under|below) <smaller_than:size>|< <smaller_than:size>"
        "|of less than <smaller_than:size>|at most <smaller_than:size>|not (bigger|larger) than <smaller_than:size>|up to <smaller_than:size>|with a size (under|below) <smaller_than:size>|that take less than <smaller_than:size>|<= <smaller_than:size>|which are (smaller|lighter) than <smaller_than:size>|that use less than <smaller_than:size>|of no more than <smaller_than:size>|whose size is (less|smaller) than <smaller_than:size>|that have less than <smaller_than:size>|size < <smaller_than:size>|<smaller_than:size> or (less|smaller)|that don't exceed <smaller_than:size>|with fewer than <smaller_than:size>|less then <smaller_than:size>",
        "are (smaller|less) than <smaller_than:size>|are under <smaller_than:size>|take less than <smaller_than:size>|are below <smaller_than:size>|don't exceed <smaller_than:size>",
    ),
    Condition(
        "between",
        "between <a:sizerange>|(with a size|that are) between <a:sizerange>|larger than <b:sizerange2>",
        "are between <a:sizerange>|are larger than <b:sizerange2>",
        0.3,
        ("larger", "smaller"),
    ),
    Condition(
        "older",
        "older than <older_than:age>|more than <older_than:age> old|(that are|which are) older than <older_than:age>|over <older_than:age> old|not (modified|changed|touched|updated|edited) (in|for) (over|more than|at least|) <older_than:age>"
        "|untouched for (over|more than|) <older_than:age>|that haven't (changed|been (modified|touched|updated|edited|changed)) (in|for) (over|more than|) <older_than:age>|last (modified|changed|touched|updated|edited) (more than|over) <older_than:age> ago"
        "|from (more than|over) <older_than:age> ago|older then <older_than:age>|unmodified for <older_than:age>|unchanged (in|for) <older_than:age>|that nobody [has] touched (in|for) <older_than:age>|not modified in the (last|past) <older_than:lately>"
        "|that have not been (touched|modified|changed) in the (last|past) <older_than:lately>|that are (more than|over) <older_than:age> old|modified (more than|over) <older_than:age> ago|with [an] age over <older_than:age>|which nobody (has changed|changed|edited) (in|for) <older_than:age>|> <older_than:age> old|that date back (more than|over) <older_than:age>|of more than <older_than:age> ago|that i haven't (touched|changed|edited) (in|for) (over|more than|) <older_than:age>|which (are|have been) (unchanged|untouched) for <older_than:age>|(modified|changed|updated|edited) (earlier than|longer than|more than) <older_than:age> ago|not (changed|edited|modified) since <older_than:age>|that sat there for (over|more than) <older_than:age>|at least <older_than:age> old|aged over <older_than:age>|with (no changes|no modifications) (in|for) (over|) <older_than:age>|which haven't been (modified|changed|updated) (in|for) (the last|the past) <older_than:lately>|from <older_than:age> ago or (earlier|before)|older then <older_than:age>|stale for <older_than:age>|beyond <older_than:age> (old|of age)",
        "are older than <older_than:age>|haven't been (touched|modified|changed|updated) (in|for) (over|more than|) <older_than:age>|are more than <older_than:age> old|haven't changed (in|for) <older_than:age>|have not been (modified|changed) in the last <older_than:lately>|were last (modified|changed|touched) more than <older_than:age> ago",
        2.0,
        ("newer", "after", "before"),
    ),
    Condition(
        "newer",
        "(modified|changed|edited|updated|touched|created) (in|within|during|over) the (last|past) <newer_than:lately>|from the (last|past) <newer_than:lately>|newer than <newer_than:age>|younger than <newer_than:age>|less than <newer_than:age> old"
        "|(that|which) (changed|were (modified|changed|edited|touched|updated)|have changed|have been (modified|changed|edited)) (in|within|during) the (last|past) <newer_than:lately>|(modified|changed|edited) (less than|within) <newer_than:age> ago|of the (last|past) <newer_than:lately>"
        "|(i|we) (modified|changed|edited|touched|worked on|wrote|made) (in|within|during) the (last|past) <newer_than:lately>|(modified|changed|edited|touched|from) this <newer_than:thisunit>|(modified|changed|edited|touched) (in|within) (the last|the past|last|less than) <newer_than:lately>|not older than <newer_than:age>"
        "|that are newer than <newer_than:age>|which are (less than|under) <newer_than:age> old|under <newer_than:age> old|not more than <newer_than:age> old|that i (touched|saved|changed) (in|within) the last <newer_than:lately>|with changes (in|within|during) the (last|past) <newer_than:lately>|from less than <newer_than:age> ago|(modified|changed) in the most recent <newer_than:lately>|that (appeared|were added|were made|came in) (in|within|during) the (last|past) <newer_than:lately>|updated this <newer_than:thisunit>|i (changed|made|saved) this <newer_than:thisunit>|new (in|within) the (last|past) <newer_than:lately>|(modified|changed|edited) no (longer|more) than <newer_than:age> ago|(modified|changed|touched) recently, (within|in) the last <newer_than:lately>",
        "changed (in|within|during) the (last|past) <newer_than:lately>|were (modified|changed|edited|touched|updated) (in|within|during) the (last|past) <newer_than:lately>|are newer than <newer_than:age>|have (changed|been modified|been edited|been touched) (in|within|during) the (last|past) <newer_than:lately>|did (i|we) (change|edit|modify|touch) (in|during) the (last|past) <newer_than:lately>|are less than <newer_than:age> old|(changed|were modified) this <newer_than:thisunit>",
        1.6,
        ("older", "after", "before"),
    ),
    Condition(
        "after",
        "(modified|changed|edited|updated|touched|created) (after|since) <modified_after:moment>|newer than <modified_after:moment>|since <modified_after:moment>|(that|which) (changed|have changed|were modified|were changed|were edited) since <modified_after:moment>"
        "|(modified|changed|edited|touched) <modified_after:recentday>|from <modified_after:recentday>|i (changed|edited|modified|worked on|touched) <modified_after:recentday>|dated after <modified_after:moment>|after <modified_after:moment>|(modified|changed) on or after <modified_after:moment>|with changes since <modified_after:moment>",
        "(changed|were modified|were changed|were edited|have changed) since <modified_after:moment>|changed <modified_after:recentday>|are newer than <modified_after:moment>|did i (change|edit|modify|touch) <modified_after:recentday>|were (modified|edited|touched|changed) <modified_after:recentday>|were (changed|modified) after <modified_after:moment>",
        0.9,
        ("older", "newer"),
    ),
    Condition(
        "before",
        "(modified|changed|edited|updated|touched|created) before <modified_before:moment>|older than <modified_before:moment>|from before <modified_before:moment>|(not (touched|modified|changed)|untouched|unmodified|unchanged) since <modified_before:moment>"
        "|that haven't (been (touched|modified|changed)|changed) since <modified_before:moment>|last (modified|changed|touched) before <modified_before:moment>|dated before <modified_before:moment>|before <modified_before:moment>|that predate <modified_before:moment>",
        "haven't been (touched|modified|changed) since <modified_before:moment>|are older than <modified_before:moment>|(were last modified|were modified|were changed|date from) before <modified_before:moment>|haven't changed since <modified_before:moment>|haven't i (touched|changed|edited) since <modified_before:moment>|have i not (touched|changed) since <modified_before:moment>|have not been (edited|updated|changed) since <modified_before:moment>|predate <modified_before:moment>",
        0.7,
        ("older", "newer"),
    ),
    Condition(
        "contains",
        "(containing|that contain|which contain|that include|including|mentioning|that mention|with) [the (word|text|string|phrase|words)] <contains:needle>|with <contains:needle> (in them|inside|in it|in their (content|contents|text))|that (say|talk about|refer to|reference|use|have) <contains:needle>"
        "|(where|in which) <contains:needle> (appears|occurs|is mentioned|is used|shows up)|having <contains:needle> in (them|their content)|that have <contains:needle> (in them|inside|somewhere)|whose (content|text|contents) (contains|includes|mentions|has) <contains:needle>|matching the text <contains:needle>|w/ <contains:needle> inside|with the (string|word|text|line|phrase|term|keyword) <contains:needle> [in them|inside|]|that have the (string|word|text|phrase) <contains:needle> [in them]|in which the (word|text|string) <contains:needle> (appears|occurs|can be found)|where it says <contains:needle>|having the (text|word) <contains:needle>|that contain the (string|text|words|phrase) <contains:needle> (somewhere|anywhere|inside|)|(containing|with) [the] (keyword|term|expression) <contains:needle>|with a line (saying|containing|with) <contains:needle>|with content <contains:needle>|that quote <contains:needle>|whose content (matches|has) <contains:needle>|including the (word|text) <contains:needle>",
        "(contain|mention|include|have|use|reference|say|refer to) [the (word|text|string|phrase)] <contains:needle>|have <contains:needle> (in them|inside|somewhere|in their text)|talk about <contains:needle>|contain the (word|string|text) <contains:needle>",
        2.0,
    ),
    Condition(
        "name_contains",
        "with <name_contains:piece> in (the|their) (name|filename|names|file name|title)|whose (name|filename|names) (contains|contain|includes|has|have) <name_contains:piece>|that have <name_contains:piece> in (the|their) (name|names|filename)|having <name_contains:piece> in (the|their) name|with names (containing|that contain|including) <name_contains:piece>"
        "|named something (like|with) <name_contains:piece>|(called|named) something with <name_contains:piece>|with <name_contains:piece> somewhere in the name|where the name (contains|includes|has) <name_contains:piece>|that include <name_contains:piece> in their (name|filename)|with a name (containing|that contains|including) <name_contains:piece>|with <name_contains:piece> as part of (the|their) name|that have the (word|string|text|letters) <name_contains:piece> in (the|their) (name|names|filename)|having the (string|word) <name_contains:piece> in (the|their) (name|filename)|whose (name|filename) (mentions|features) <name_contains:piece>|with the (word|string) <name_contains:piece> in (the|their) (name|names|filename|title)|w/ <name_contains:piece> in the name|that are named after <name_contains:piece>",
        "have <name_contains:piece> in (the|their) (name|filename|names)|are (called|named) something with <name_contains:piece>",
        1.2,
        ("name", "name_starts", "name_ends"),
    ),
    Condition(
        "name_starts",
        "(starting|beginning|that start|that begin|which start|which begin) with <name_starts:piece>|whose (name|names|filename) (starts|start|begins|begin) with <name_starts:piece>|with names (starting|beginning) with <name_starts:piece>|prefixed [with] <name_starts:piece>|with [the] prefix <name_starts:piece>|with <name_starts:piece> at the (start|beginning|front) of (the|their) name|that are prefixed with <name_starts:piece>|with a name (starting|beginning) with <name_starts:piece>|that have the prefix <name_starts:piece>|named <name_starts:piece> something|(whose|where the) name (starts|begins) with the (word|letters|string|prefix) <name_starts:piece>|starting by <name_starts:piece>",
        "start with <name_starts:piece>|begin with <name_starts:piece>|have names (starting|beginning) with <name_starts:piece>|have the prefix <name_starts:piece>",
        1.0,
        ("name", "name_contains", "name_ends"),
    ),
    Condition(
        "name_ends",
        "(whose|where the) (name|names|filename) (ends|end) (with|in) <name_ends:piece>|with names (ending|that end) (in|with) <name_ends:piece>|(ending|that end) (in|with) <name_ends:piece>|with [the] suffix <name_ends:piece>|with <name_ends:piece> at the end of (the|their) name",
        "end (with|in) <name_ends:piece>|have names (ending|that end) (in|with) <name_ends:piece>|have the suffix <name_ends:piece>",
        0.7,
        ("name", "name_contains", "name_starts"),
    ),
    Condition(
        "name",
        "(named|called|with the name|by the name of|that are called|that are named|whose name is|that go by the name|with name|having the name|going by) <name:exactname>|matching [the (pattern|glob)] <name:glob>|(named|called|like) <name:glob>|that match <name:glob>|with names (like|matching) <name:glob>|of the form <name:glob>",
        "are (called|named) <name:exactname>|match [the pattern] <name:glob>|are named like <name:glob>",
        1.2,
        ("name_contains", "name_starts", "name_ends"),
    ),
    Condition("empty", "that (are|have been left) empty|(that have|with) nothing in them|without [any] content<+empty>|which are empty", "are empty|have nothing in them|have no content", 0.5, ("larger", "smaller", "contains", "nonempty", "between")),
    Condition("nonempty", "that (are not|aren't) empty|which aren't empty|that have something in them|with something in them", "are not empty|aren't empty|have something in them", 0.25, ("empty",)),
    Condition("executable", "that are executable|(that|which) can be executed|i can (run|execute)|with the (executable|execute) (bit|permission|flag) [set]|with execute permission|marked [as] executable", "are executable|can be executed|have the (execute|executable) bit set|are marked executable", 0.4, ("notexecutable", "mode")),
    Condition("notexecutable", "that (are not|aren't) executable|that (can't|cannot) be executed|without [the] execut(e|able) (bit|permission)|not marked executable", "are not executable|aren't executable|lack the execute bit", 0.25, ("executable", "mode")),
    Condition("hidden", "that are hidden|that (start|begin) with a dot|starting with a dot", "are hidden|start with a dot", 0.25, ("nothidden", "name", "name_starts")),
    Condition("nothidden", "that (are not|aren't) hidden|(except|excluding|without|but not|ignoring) (the|) hidden (ones|files)|which aren't hidden", "are not hidden|aren't hidden", 0.2, ("hidden", "name", "name_starts")),
    Condition("mode", "with (permissions|mode|permission|perms|permission bits|the permissions) [set to] <mode:octal>|(that have|having) (permissions|mode) <mode:octal>|whose (mode|permissions) (is|are) <mode:octal>|chmod <mode:octal>|set to <mode:octal>", "have (mode|permissions|permission) <mode:octal>|are (chmod|set to) <mode:octal>", 0.4, ("executable", "notexecutable")),
    Condition("depth1", "(directly|only directly|right) (in it|here)|(not|but not|and not|excluding|ignoring) in [the|any] (subfolders|subdirectories|sub folders|subdirs)|(without|not) (going|looking|descending|recursing) into [the|any] (subfolders|subdirectories)|(at|on) the top level [only]|top level only|non-recursively|without recursing|[but] only the top level|no (subfolders|recursion)", "are at the top level|are directly in here", 0.5, ("depthmax", "depthmin")),
    Condition("depthmax", "(at most|up to|no more than|max|maximum) <max_depth:depth> (levels|folders|directories) (deep|down)|(within|in the first) <max_depth:depth> levels|[to a] (max depth|maximum depth|depth) of <max_depth:depth>|max depth <max_depth:depth>|not deeper than <max_depth:depth> (levels|folders)", "are at most <max_depth:depth> (levels|folders) deep", 0.3, ("depth1", "depthmin")),
    Condition("depthmin", "(at least) <min_depth:depth> (levels|folders|directories) (deep|down)|(min|minimum|a minimum) depth of <min_depth:depth>|(nested|buried) at least <min_depth:depth> (levels|folders) (deep|down)|(deeper than|from level) <min_depth:depth> levels", "are at least <min_depth:depth> (levels|folders) deep", 0.2, ("depth1", "depthmax")),
    Condition("exclude", "(except|excluding|other than|but not|ignoring|leaving out|skipping|apart from|aside from|save for|bar|minus|with the exception of|not counting|besides|, keep|, spare|, leave) <exclude:excluded>|(except|excluding|but not|ignoring|skipping|leaving out|outside|not) [those|the ones|anything|what is|what's] (in|inside|under) <exclude:exdir>|(but|and) (skip|ignore|leave out|exclude|omit|not) <exclude:excluded>", "are not in <exclude:exdir>", 0.7),
    Condition("nocase", "(named|called) <name:glob>(,|) (ignoring case|case insensitively|case insensitive|regardless of case|in any case)<+ignore_case>|with <name_contains:piece> in (the|their) name(,|) (ignoring case|case insensitive|case-insensitively|no matter the case|upper or lower case)<+ignore_case>", "have <name_contains:piece> in the name(,|) (ignoring case|case insensitively|regardless of case)<+ignore_case>", 0.35, ("name", "name_contains", "name_starts", "name_ends")),
)  # fmt: skip

_FLAGS: dict[str, tuple[str, object]] = {
    "empty": ("empty", True), "nonempty": ("empty", False), "executable": ("executable", True), "notexecutable": ("executable", False),
    "hidden": ("hidden", True), "nothidden": ("hidden", False), "depth1": ("max_depth", 1),
}  # fmt: skip
_TOTAL = sum(c.weight for c in CONDITIONS)
_BY_NAME = {c.name: c for c in CONDITIONS}


@slot("sizerange")
def _sizerange(scene: Scene) -> tuple[str, object]:
    """The argument `<sizerange>`."""
    return _range(scene, " and " if scene.chance(0.8) else " to ")


@slot("sizerange2")
def _sizerange2(scene: Scene) -> tuple[str, object]:
    """The argument `<sizerange2>`."""
    return _range(
        scene,
        scene.pick(
            [" but smaller than ", " and smaller than ", " and under ", " but under ", " but less than "]
        ),
    )


def _range(scene: Scene, glue: str) -> tuple[str, object]:
    low, high = sorted(scene.rng.sample(range(1, 1000), 2))
    unit = scene.pick(["MB", "KB", "kb", "mb", "GB", "megabytes", "k", "M", "bytes"])
    space = " " if len(unit) > 2 or scene.chance(0.5) else ""
    one, two = f"{low}{space}{unit}", f"{high}{space}{unit}"
    return f"{bare(one)}{glue}{bare(two)}", {"larger_than": one, "smaller_than": two}


@slot("thisunit")
def _thisunit(scene: Scene) -> tuple[str, object]:
    """The argument `<thisunit>`."""
    text = scene.pick(["week", "month", "year", "week"])
    return bare(text), text


@slot("recentday")
def _recentday(scene: Scene) -> tuple[str, object]:
    """The argument `<recentday>`."""
    text = scene.pick(["today", "today", "yesterday"])
    return bare(text), text


@slot("octal")
def _octal(scene: Scene) -> tuple[str, object]:
    """The argument `<octal>`."""
    text = scene.pick(
        ["644", "755", "600", "777", "700", "664", "0644", "444", "0755", "640", "750", "666", "400"]
    )
    if scene.chance(0.2):
        text = "".join(scene.rng.choices("01234567", k=3))
    return bare(text), text


@slot("exactname")
def _exactname(scene: Scene) -> tuple[str, object]:
    """The argument `<exactname>`."""
    text = fresh(scene, file_name).replace(" (1)", "")
    if "." not in text and text not in BARE_NAMES:
        text += f".{extension(scene)}"
    return argument(scene, text), text


@slot("glob")
def _glob(scene: Scene) -> tuple[str, object]:
    """The argument `<glob>`."""
    one, ext = word(scene), extension(scene)
    text = scene.pick([f"*.{ext}", f"*.{ext}", f"{one}*", f"*{one}*", f"*_{one}.{ext}", f"{one}_*.{ext}", f"{one}?.{ext}", f"{one}*.{ext}", f"*{one}", f"{one}-[0-9].{ext}", f"*.{ext}*"])  # fmt: skip
    return argument(scene, text, 0.25), text


@slot("excluded")
def _excluded(scene: Scene) -> tuple[str, object]:
    """The argument `<excluded>`: one exception, sometimes two or three."""
    parts = [_exception(scene) for _ in range(scene.rng.choice([1, 1, 1, 1, 2, 2, 3]))]
    said = [said for said, _ in parts]
    joint = scene.pick([" and ", " and ", ", ", " or "])
    return (
        ", ".join([*said[:-2], joint.join(said[-2:])]),
        parts[0][1] if len(parts) == 1 else [text for _, text in parts],
    )


def _exception(scene: Scene) -> tuple[str, str]:
    draw = scene.rng.random()
    if draw < 0.4:
        said, value = (
            scene.pick(
                ["node_modules", ".git", "vendor", "venv", ".venv", "build", "__pycache__", "dist", "target"]
            ),
            "",
        )
        value = said
        said = argument(scene, said)
        return (
            f"the {said} (folder|directory)".replace(
                "(folder|directory)", scene.pick(["folder", "directory", "dir"])
            )
            if scene.chance(0.4)
            else said
        ), value
    if draw < 0.6:
        value = fresh(scene, dir_name)
        said = argument(scene, value)
        return f"the {said} {scene.pick(['folder', 'directory', 'dir'])}", value
    if draw < 0.8:
        value = fresh(scene, file_name)
        return argument(scene, value), value
    phrase, pattern = _glob(scene)
    return phrase, str(pattern)


# --------------------------------------------------------------------------------------------------- head nouns

KIND_WORDS: dict[str, tuple[list[str], list[str]]] = {
    "image": (["image", "picture", "photo", "image file", "photograph", "pic"], ["images", "pictures", "photos", "image files", "pics", "photographs", "image files"]),
    "video": (["video", "movie", "video file", "clip", "film"], ["videos", "movies", "video files", "clips", "video clips", "films"]),
    "audio": (["audio file", "song", "music file", "sound file", "track", "recording"], ["audio files", "songs", "music files", "sound files", "audio", "recordings", "music tracks"]),
    "document": (["document", "doc"], ["documents", "docs", "document files", "text documents"]),
    "spreadsheet": (["spreadsheet"], ["spreadsheets", "spreadsheet files"]),
    "archive": (["archive", "compressed file"], ["archives", "compressed files", "archive files"]),
    "code": (["source file", "code file"], ["source files", "code files", "source code files", "program files", "source code"]),
    "data": (["data file"], ["data files"]),
    "notebook": (["notebook"], ["notebooks", "jupyter notebooks", "notebook files"]),
    "model": (["model file", "checkpoint"], ["model files", "model weights", "model checkpoints", "checkpoints"]),
}  # fmt: skip
KINDS = tuple(KIND_WORDS)

EXT_PLURALS = [
    "pdfs",
    "pngs",
    "gifs",
    "csvs",
    "txts",
    "jsons",
    "zips",
    "tarballs",
    "mp3s",
    "mp4s",
    "svgs",
    "jpgs",
    "jpegs",
    "logs",
    "tmps",
    "baks",
    "pys",
    "mds",
]
EXT_WORDS = [
    "python",
    "markdown",
    "javascript",
    "typescript",
    "rust",
    "ruby",
    "golang",
    "text",
    "yaml",
    "jpeg",
    "shell",
    "bash",
    "word",
    "excel",
    "powerpoint",
    "temp",
    "temporary",
    "backup",
    "config",
    "log",
    "object",
    "kotlin",
    "perl",
    "latex",
    "c++",
    "compiled",
]
THINGS = [
    "things",
    "stuff",
    "everything",
    "items",
    "entries",
    "anything",
    "files and folders",
    "files and directories",
    "files/directories",
    "files or folders",
]


def _ext_span(scene: Scene) -> tuple[str, object]:
    """Extension words before "files": "python", ".tmp", "jpg and png", "*.log" is a name pattern instead."""

    def one() -> str:
        draw = scene.rng.random()
        if draw < 0.25:
            return scene.pick(EXT_WORDS)
        ext = extension(scene)
        if draw < 0.55:
            ext = "." + ext
        elif draw < 0.62:
            ext = ext.upper()
        return ext

    first = one()
    values: list[object] = [first]
    said = bare(first)
    draw = scene.rng.random()
    if draw < 0.13:
        other = one()
        if other.lower().lstrip(".") != first.lower().lstrip("."):
            values.append(other)
            said = f"{said}{scene.pick([' and ', ' or ', ' and ', ', ', ' & '])}{bare(other)}"
    return said, values


def head(scene: Scene, plural: bool, find: dict[str, object], *, dirs: bool = True) -> str:
    """A head noun; it may set extension, kind or type."""
    draw = scene.rng.random()
    if draw < 0.30:
        find["type"] = "file"
        if scene.chance(0.06):
            return scene.pick(["regular files", "plain files", "ordinary files", "normal files"])[
                : None if plural else -1
            ]
        return "files" if plural else "file"
    if draw < 0.58:
        if plural and scene.chance(0.25):
            text = scene.pick(EXT_PLURALS)
            find["extension"] = [text]
            return bare(text)
        said, find["extension"] = _ext_span(scene)
        if plural and scene.chance(0.10) and all(str(v).startswith(".") for v in find["extension"]):  # type: ignore[attr-defined]
            return said  # "all .log", "every .tmp and .bak"
        noun = ("files" if plural else "file") if scene.chance(0.9) else ("ones" if plural else "one")
        return f"{said} {noun}"
    if draw < 0.64:
        find["extension"] = [("." if scene.chance(0.8) else "") + extension(scene)]
        form = scene.pick(
            [
                "files (ending|that end) in X",
                "files with [the] [file] extension X",
                "files with [a|the] X extension",
                "files of type X",
                "X files",
                "X-files"[:1] + " files",
                "files (ending|that end) with X",
                "files with extension X",
                "files (having|that have) the extension X",
                "files of (the|) X type",
                "files in X format",
                "files whose extension is X",
                "files with an X extension",
                "files w/ X extension",
            ]
        )
        ext = find["extension"]
        assert isinstance(ext, list)
        if not str(ext[0]).startswith(".") and "end" in form:
            form = "files with [the] extension X"
        return say(
            scene, form if plural else form.replace("files", "file").replace("that end", "that ends")
        ).replace("X", bare(str(ext[0])))
    if draw < 0.80:
        kind = (
            scene.pick(list(KINDS))
            if scene.chance(0.4)
            else scene.pick(["image", "video", "audio", "document"])
        )
        find["kind"] = kind
        return scene.pick(KIND_WORDS[kind][1 if plural else 0])
    if dirs and draw < 0.89:
        find["type"] = "directory"
        return scene.pick(
            ["folders", "directories", "dirs", "subfolders", "subdirectories"]
            if plural
            else ["folder", "directory", "dir", "subfolder"]
        )
    if draw < 0.91:
        find["type"] = "link"
        return scene.pick(
            ["symlinks", "links", "symbolic links", "soft links"]
            if plural
            else ["symlink", "link", "symbolic link"]
        )
    if draw < 0.94 and plural and dirs:
        return scene.pick(THINGS)
    find["type"] = "file"
    return "files" if plural else "file"


_DIR_CONDITIONS = {
    "older",
    "newer",
    "after",
    "before",
    "name_contains",
    "name_starts",
    "name_ends",
    "name",
    "empty",
    "nonempty",
    "depth1",
    "depthmax",
    "depthmin",
    "exclude",
    "hidden",
    "nothidden",
    "nocase",
    "mode",
}


def choose_conditions(scene: Scene, find: dict[str, object], how_many: int) -> list[Condition]:
    """Conditions that fit the head noun and each other."""
    chosen: list[Condition] = []
    barred: set[str] = set()
    not_file = find.get("type") in ("directory", "link")
    for _ in range(how_many * 4):
        if len(chosen) >= how_many:
            break
        at = scene.rng.random() * _TOTAL
        found = CONDITIONS[-1]
        for condition in CONDITIONS:
            at -= condition.weight
            if at < 0:
                found = condition
                break
        if found.name in barred or (not_file and found.name not in _DIR_CONDITIONS):
            continue
        if ("extension" in find or "kind" in find) and found.name in ("name", "hidden", "nocase"):
            continue
        if any(found.name in other.clashes for other in chosen):
            continue
        if found.name == "larger" and any(c.name == "smaller" for c in chosen):
            continue
        if found.name == "smaller" and any(c.name == "larger" for c in chosen):
            continue
        barred |= {found.name, *found.clashes}
        chosen.append(found)
    return chosen


def apply(scene: Scene, condition: Condition, wording: str, find: dict[str, object]) -> str:
    """Says one condition and writes its fields."""
    inner = scene.inner()
    said = say(inner, wording)
    for key, value in inner.values.items():
        if isinstance(value, dict) and "larger_than" in value:
            find.update(value)
        else:
            find[key] = value
    if condition.name in _FLAGS:
        key, value = _FLAGS[condition.name]
        find[key] = value
    if "contains" in find and find.get("type") == "file":
        del find["type"]
    return said


macro(
    inplace="(in|in|in|inside|under|within|from|of) <root:root>|(in|inside) <root:root>|(in|under) <root:root> (and below|and its subfolders|recursively|and everything below)|anywhere (in|under|below) <root:root>|somewhere (in|under) <root:root>|(below|underneath) <root:root>|(residing|located|stored|found|living|lying) (in|under|inside) <root:root>|(that are|which are|that live|that reside) (in|under|inside) <root:root>|in the <root:dirname> (tree|directory tree|folder tree|hierarchy)|(under|in) (the|) <root:dirname> (and all its subdirectories|and all subfolders|at any depth|or below|or deeper)|throughout <root:root>|starting (from|in|at) <root:root>|out of <root:root>|@ <root:dirname>|across <root:root>",
    here="(in|inside|under) (this|the current|the present|the working) (folder|directory|dir)|here|(in|inside) this (project|repo|tree)|around here|anywhere|in the current (folder|directory) (tree|and below)|recursively|in (all|any|the) subfolders|in (cwd|pwd)|in here|in the current (directory tree|folder and its subfolders|directory and below)|under the (current|present|current working) directory|in this folder and all its subfolders|at any depth|lying around (here|)|below this (folder|directory)|everywhere|on any level",
)


def place(scene: Scene, find: dict[str, object], chance: float = 0.42) -> str:
    """Where to look: a directory, here, or nothing said."""
    draw = scene.rng.random()
    if chance < 0:
        return ""
    if draw < chance:
        inner = scene.inner()
        if scene.may_front and not scene.front and scene.chance(0.12):
            scene.front = say(inner, "(in|inside|under|within|from) <root:root>")
            find["root"] = inner.values["root"]
            return ""
        said = say(inner, "{inplace}")
        find["root"] = inner.values["root"]
        return said
    return say(scene, "{here}") if draw < chance + 0.12 else ""


def _beside_rank(scene: Scene, find: dict[str, object]) -> list[str]:
    """At most one condition that reads well after "the 5 largest files"."""
    fitting = ("contains", "name_contains", "newer", "older", "name_starts", "exclude")
    chosen = [c for c in choose_conditions(scene, find, 1) if c.name in fitting]
    return [apply(scene, condition, condition.post, find) for condition in chosen]


SUPERLATIVES = {
    "largest": "(largest|biggest|heaviest|largest|fattest)",
    "smallest": "(smallest|tiniest|lightest)",
    "newest": "(newest|latest|most recent|most recently (modified|changed|edited)|last (modified|changed|edited)|youngest)",
    "oldest": "(oldest|oldest|least recently (modified|changed))",
}  # fmt: skip


def superlative(scene: Scene, find: dict[str, object]) -> str:
    """As in "the 5 largest python files", "the newest file in docs", without its place and conditions."""
    order = scene.pick(["largest", "largest", "newest", "newest", "oldest", "smallest"])
    find["sort"] = order
    adjective = say(scene, SUPERLATIVES[order])
    if scene.chance(0.42):
        find["limit"] = 1
        noun = head(scene, False, find, dirs=False)
        return f"the {adjective} {noun}"
    if scene.chance(0.22):
        return f"the {adjective} {head(scene, True, find, dirs=False)}"
    inner = scene.inner()
    n = say(inner, "<limit:count>")
    find["limit"] = inner.values["limit"]
    noun = head(scene, True, find, dirs=False)
    form = scene.pick(
        [
            "the {n} {a} {s}",
            "the {n} {a} {s}",
            "the {a} {n} {s}",
            "{n} {a} {s}",
            "the top {n} {a} {s}",
            "top {n} {a} {s}",
            "{a} {n} {s}",
        ]
    )
    return form.format(n=n, a=adjective, s=noun)


_ADJECTIVES = {"empty": ("empty", True), "hidden": ("hidden", True), "executable": ("executable", True), "zero-byte": ("empty", True), "non-empty": ("empty", False), "zero byte": ("empty", True), "0 byte": ("empty", True)}  # fmt: skip


def noun_phrase(
    scene: Scene, *, determined: bool = True, least: int = 0, places: float = 0.42
) -> tuple[str, dict[str, object]]:
    """A plural (or superlative) file set and its `file.find` fields. Always narrower than "everything" when `least` ≥ 1."""
    find: dict[str, object] = {}
    if determined and scene.chance(0.13):
        parts = [superlative(scene, find)]
        if scene.chance(0.2):
            parts += _beside_rank(scene, find)
        parts.append(place(scene, find, places))
        return " ".join(p for p in parts if p), find
    singular = determined and scene.chance(0.08)
    noun = head(scene, not singular, find)
    adjective = ""
    plain_head = find.get("type") in ("file", "directory") and "extension" not in find
    if plain_head and scene.chance(0.13):
        word_said = scene.pick(list(_ADJECTIVES))
        key, value = _ADJECTIVES[word_said]
        if not (find["type"] == "directory" and (key == "executable" or "byte" in word_said)):
            adjective = word_said + " "
            find[key] = value
    draw = scene.rng.random()
    count = 0 if draw < 0.30 else 1 if draw < 0.78 else 2 if draw < 0.95 else 3
    if not find or set(find) <= {"type"}:
        count = max(count, least)
    chosen = [
        c
        for c in choose_conditions(scene, find, count)
        if not (
            adjective
            and c.name
            in (
                "empty",
                "nonempty",
                "hidden",
                "executable",
                "notexecutable",
                "larger",
                "smaller",
                "contains",
                "between",
                "name",
                "name_starts",
                "nothidden",
                "mode",
            )
        )
    ]
    if determined:
        det = (
            "every "
            if singular
            else say(scene, "(all|all the|the|any|all of the|all|all my|my|the|every one of the|)")
        )
        if noun in ("everything", "anything"):
            det = ""
    else:
        det = ""
    where = place(scene, find, places)
    said = [apply(scene, c, c.post, find) for c in chosen]
    parts = [where, *said] if scene.chance(0.55) else [*said, where]
    if len(said) > 1 and scene.chance(0.35):
        glue = scene.pick([" and ", " and ", " that are also ", ", "])
        parts = [where, glue.join(said)] if glue != " that are also " else [where, " and ".join(said)]
    return " ".join(p for p in [f"{det} {adjective}{noun}".strip(), *parts] if p), find


@slot("set")
def set_slot(scene: Scene) -> tuple[str, object]:
    """A file set with at least one condition."""
    said, find = noun_phrase(scene, least=1)
    return said, FileSet(find)


@slot("bareset")
def bareset_slot(scene: Scene) -> tuple[str, object]:
    """A file set without "all the": after "how many", "any", or alone."""
    said, find = noun_phrase(scene, determined=False, least=1)
    return said, FileSet(find)


@slot("textset")
def textset_slot(scene: Scene) -> tuple[str, object]:
    """A set of text files: by extension or name, mostly in a place."""
    find: dict[str, object] = {}
    if scene.chance(0.2):
        order = scene.pick(["newest", "newest", "largest", "oldest"])
        find["sort"] = order
        adjective = say(scene, SUPERLATIVES[order])
        find["limit"] = 1
        if scene.chance(0.5):
            find["type"], noun = "file", "file"
        else:
            said, extensions = _ext_span(scene)
            find["extension"] = extensions
            noun = said + " file"
            if scene.chance(0.3):
                find["extension"] = ["log"]
                noun = f"{bare('log')}{scene.pick(['', ' file'])}"
        return f"the {adjective} {noun} {place(scene, find)}".strip(), FileSet(find)
    if scene.chance(0.12):
        find["kind"] = "code"
        code = scene.pick(
            [
                "the code",
                "my code",
                "the source code",
                "the source files",
                "all source files",
                "the codebase",
                "all the code",
                "our code",
                "the sources",
                "all code files",
                "the program code",
            ]
        )
        return f"{code} {place(scene, find)}".strip(), FileSet(find)
    if scene.chance(0.75):
        said, find["extension"] = _ext_span(scene)
        said += " files"
    else:
        inner = scene.inner()
        said = say(inner, "files (called|named|matching) <name:glob>")
        find.update(inner.values)
        find["type"] = "file"
    det = say(scene, "(all|all the|the|any|all of the|my|every|the)")
    if det == "every":
        said = (
            said[: -len("files")] + "file" if said.endswith("files") else said.replace("files ", "file ", 1)
        )
    where = place(scene, find)
    return f"{det} {said} {where}".strip(), FileSet(find)


macro(
    herein="(in|inside|from) (this|the current) (folder|directory)|here|in here|in this (folder|directory) and below",
    whole="everything|all the (contents|things|stuff|entries)|the (contents|whole contents|entire contents)|all the contents|everything that('s| is)|all that is|whatever is|all contents|every (item|entry|thing)",
)


@slot("opset")
def opset_slot(scene: Scene) -> tuple[str, object]:
    """A file set to act on: also "all files in X", and "everything in X", which is what X lists."""
    draw = scene.rng.random()
    if draw < 0.07:
        inner = scene.inner()
        if scene.chance(0.8):
            said = say(inner, "{whole} (in|inside|from|of|within) <path:root>")
        else:
            said = say(inner, "{whole} {herein}")
        return re.sub(r"\b(contents) (that's|that is)", r"\1", said), FileSet(dict(inner.values), "file.list")
    if draw < 0.15:
        find: dict[str, object] = {"type": "file"}
        noun = "files"
        if scene.chance(0.2):
            find["type"], noun = "directory", scene.pick(["folders", "directories", "subfolders"])
        inner = scene.inner()
        where = say(
            inner,
            "(in|inside|from|under|within) <root:root>|(in|inside|from) <root:root>"
            if scene.chance(0.75)
            else "{herein}",
        )
        find.update(inner.values)
        return f"{scene.pick(['all', 'all the', 'all', 'the', 'every one of the'])} {noun} {where}", FileSet(
            find
        )
    return set_slot(scene)


@slot("obj")
def obj_slot(scene: Scene) -> tuple[str, object]:
    """What an operation acts on: named paths or a file set."""
    return files_slot(scene) if scene.chance(0.46) else opset_slot(scene)


@slot("textobj")
def textobj_slot(scene: Scene) -> tuple[str, object]:
    """Text to look into: named files, a directory, or a set of text files."""
    draw = scene.rng.random()
    if draw < 0.55:
        return source_slot(scene)
    if draw < 0.7:
        said, value = dir_slot(scene)
        return said, [value]
    return textset_slot(scene)


def question(scene: Scene) -> tuple[str, dict[str, object]]:
    """As in "which python files in src are older than a week" without its question word."""
    find: dict[str, object] = {}
    noun = head(scene, True, find)
    chosen = choose_conditions(scene, find, 1 if scene.chance(0.85) else 2)
    where = place(scene, find, 0.35)
    predicates = " and ".join([apply(scene, c, c.predicate, find) for c in chosen])
    if not predicates:
        predicates = "are there"
    parts = [noun, where, predicates] if scene.chance(0.6) else [noun, predicates, where]
    return " ".join(p for p in parts if p), find


@slot("whichset")
def whichset_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<whichset>`."""
    said, find = question(scene)
    return said, FileSet(find)


def assert_patterns() -> None:
    """Compiles every wording once, so that a broken one fails in the tests and not in a training run."""
    for condition in CONDITIONS:
        pattern(condition.post)
        pattern(condition.predicate)
    for text in MACROS.values():
        pattern(text)


@slot("adjset")
def adjset_slot(scene: Scene) -> tuple[str, object]:
    """As in "empty", "hidden", "executable": after "how many files are"."""
    name = scene.pick(["empty", "hidden", "executable"])
    return name, FileSet({"type": "file", name: True})


@slot("sortedset")
def sortedset_slot(scene: Scene) -> tuple[str, object]:
    """A narrowed set with the order in which to show it."""
    find: dict[str, object] = {}
    noun = head(scene, True, find)
    said = [apply(scene, c, c.post, find) for c in choose_conditions(scene, find, 1)]
    where = place(scene, find)
    inner = scene.inner()
    order = say(inner, "{orderly}")
    find["sort"] = inner.values["sort"]
    det = say(scene, "(all|all the|the|my|)")
    return " ".join(p for p in [det, noun, where, *said, order] if p), FileSet(find)


def _top(scene: Scene, one: bool | None, determiner: str) -> tuple[str, object]:
    find: dict[str, object] = {}
    order = scene.pick(["largest", "largest", "newest", "newest", "oldest", "smallest"])
    find["sort"] = order
    adjective = say(scene, SUPERLATIVES[order])
    single = scene.chance(0.5) if one is None else one
    number = ""
    if not single and scene.chance(0.3):
        single = False  # "the largest files": all of them, in that order
    elif single:
        find["limit"] = 1
    else:
        inner = scene.inner()
        number = say(inner, "<limit:count>")
        find["limit"] = inner.values["limit"]
    noun = head(scene, not single, find, dirs=False)
    if scene.chance(0.05):
        find = {k: v for k, v in find.items() if k in ("sort", "limit")}
        noun = "one" if single else scene.pick(["things", "items", "entries"])
    if single or not number:
        core = f"{determiner} {adjective} {noun}"
    elif scene.chance(0.15) and order in ("largest", "newest"):
        by = "size" if order == "largest" else scene.pick(["date", "modification time", "age"])
        core = f"{determiner} top {number} {noun} by {by}"
    else:
        form = scene.pick(["{d} {n} {a} {s}", "{d} {a} {n} {s}", "{d} top {n} {a} {s}", "{d} {n} {a} {s}"])
        core = form.format(d=determiner, n=number, a=adjective, s=noun)
    parts = [core.strip()]
    if scene.chance(0.15):
        parts += _beside_rank(scene, find)
    parts.append(place(scene, find))
    return " ".join(p for p in parts if p), FileSet(find)


@slot("top")
def top_slot(scene: Scene) -> tuple[str, object]:
    """As in "the 5 largest files", "the newest png"."""
    return _top(scene, None, "the")


@slot("topone")
def topone_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<topone>`."""
    return _top(scene, True, scene.pick(["the", "the", "my"]))


@slot("topmany")
def topmany_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<topmany>`."""
    return _top(scene, False, scene.pick(["the", "the", "my"]))


@slot("topbare")
def topbare_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<topbare>`."""
    return _top(scene, None, "")


@slot("topwhich")
def topwhich_slot(scene: Scene) -> tuple[str, object]:
    """As in "file is the largest", "python file was modified last"."""
    find: dict[str, object] = {"limit": 1}
    noun = head(scene, False, find, dirs=False)
    order = scene.pick(["largest", "newest", "oldest", "smallest"])
    find["sort"] = order
    predicate = {
        "largest": "is (the|) (largest|biggest)|takes [up] the most space|is the heaviest",
        "smallest": "is (the|) smallest",
        "newest": "is (the|) newest|was (modified|changed|edited|touched) (last|most recently)|is the most recent|did i (change|edit|modify|touch) last",
        "oldest": "is (the|) oldest|has not been touched the longest",
    }[order]
    said = say(scene, predicate)
    where = place(scene, find)
    return (f"{noun} {where} {said}" if scene.chance(0.5) else f"{noun} {said} {where}").strip(), FileSet(
        find
    )


@slot("globset")
def globset_slot(scene: Scene) -> tuple[str, object]:
    """A bare pattern of a shell: "*.tmp", of the names in one folder."""
    _, value = _glob(scene)
    return str(value), [value]


@slot("globname")
def globname_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<globname>`."""
    said, value = _glob(scene)
    return said, FileSet({"name": value})


@slot("exdir")
def exdir_slot(scene: Scene) -> tuple[str, object]:
    """A directory to leave out."""
    text = fresh(scene, dir_name)
    return argument(scene, text, 0.06), text


@slot("depth")
def depth_slot(scene: Scene) -> tuple[str, object]:
    """A few levels."""
    text = scene.pick(["two", "three", "four", "five", "2", "3", "4", "5", "1", "one", "6"])
    return bare(text), text


@slot("rootfirst")
def rootfirst_slot(scene: Scene) -> tuple[str, object]:
    """As in "the src folder for python files older than a week": after "search"."""
    inner = scene.inner()
    where = say(
        inner, "<root:root>|<root:root>|the <root:dirname> (tree|directory tree|folder and its subfolders)"
    )
    said, find = (
        noun_phrase(scene, least=1, places=-1.0)
        if scene.chance(0.5)
        else noun_phrase(scene, determined=False, least=1, places=-1.0)
    )
    return (
        f"{where} {scene.pick(['for', 'for', 'and find', 'to find', 'and list', 'looking for', 'and show me'])} {said}",
        FileSet({**inner.values, **find}),
    )


@slot("zipset")
def zipset_slot(scene: Scene) -> tuple[str, object]:
    """Archives to unpack: "all zip files in docs", "every tarball"."""
    find: dict[str, object] = {}
    if scene.chance(0.3):
        find["kind"] = "archive"
        noun = scene.pick(["archives", "archive files", "compressed files"])
    else:
        text = scene.pick(["zips", "tarballs", ".zip", "zip", ".tar.gz", ".tgz", "tgz", ".tar"])
        find["extension"] = [text]
        noun = bare(text) + ("" if text in ("zips", "tarballs") else " files")
    parts = [scene.pick(["all", "all the", "the", "every one of the", "any", "all of the", "my"]), noun]
    chosen = choose_conditions(scene, find, 1 if scene.chance(0.3) else 0)
    parts += [apply(scene, c, c.post, find) for c in chosen]
    parts.append(place(scene, find, 0.5))
    return " ".join(p for p in parts if p), FileSet(find)
