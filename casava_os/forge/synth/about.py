"""Orders that first name what they are about and then say what to do with it: "find the logs and zip them into a.zip".

Every operation on files is crossed with every way of bringing files up; so an operation is written once, as it is said
of "them" (a file set) and of "it" (a named file).
"""

from __future__ import annotations

import re

from casava_os.forge.synth.build import template

THEM: tuple[tuple[str, str, str, float], ...] = (
    ("file.delete", "paths=@o", "{delete} (them|them all|all of them|every one of them|each of them|those|these|the lot)", 3.0),
    ("file.move", "paths=@o to=#to", "(move|put|shift|transfer|relocate|bring|drag|send) (them|them all|all of them|those|these|everything) (to|into) <to:dir>", 2.4),
    ("file.copy", "paths=@o to=#to", "(copy|duplicate|back up) (them|them all|all of them|those|these|each of them) (to|into) <to:dir>", 2.0),
    ("file.archive", "paths=@o to=#to", "(zip|pack|compress|archive|bundle|tar|put) (them|them all|all of them|those|these|them up) (into|as|in) <to:archive>", 1.8),
    ("file.chmod", "paths=@o mode=#mode", "make (them|all of them|those|them all|each of them) <mode:modeword>|(set|change) their (mode|permissions|permission bits) to <mode:octal>|chmod them [to] <mode:octal>|chmod <mode:octal> them", 1.4),
    ("file.count", "paths=@o", "count (them|them all|those)|tell me (how many there are|how many you found|the number|the count)|give me (the number|a count)", 1.2),
    ("file.size", "paths=@o", "(tell me|show|print|give me|calculate|compute|work out) (their total size|how (big|large) they are together|their combined size|how much space they take [up])|sum up their sizes|add up their sizes", 1.2),
    ("file.stat", "paths=@o", "(show|print|list|give me|tell me) their (details|metadata|permissions|owners|modification times|timestamps|attributes)|stat (them|each of them)", 1.0),
    ("file.hash", "paths=@o algorithm=#algorithm", "(compute|show|print|give me|calculate) their {hashnames}|(hash|checksum) (them|each of them|all of them) {hashwith}", 1.0),
    ("file.read", "paths=@o", "(show|print|display|output|dump) their (contents|content|text)|(cat|read) (them|all of them|each of them)", 0.9),
    ("file.read", "paths=@o first=#first", "(show|print|give me|display) (the|their) first <first:count> lines [of each|]|(show|print) the first <first:count> lines of (them|each|each of them)", 0.8),
    ("file.read", "paths=@o last=#last", "(show|print|give me|display) (the|their) last <last:count> lines|(show|print) the last <last:count> lines of (them|each|each of them)", 0.7),
    ("file.rename", "paths=@o prefix=#prefix", "(add|put) the prefix <prefix:piece> (to|on) (them|their names|each|each name)|prefix (them|their names) with <prefix:piece>|put <prefix:piece> (before|in front of) their names", 0.8),
    ("file.rename", "paths=@o suffix=#suffix", "(add|append|put) the suffix <suffix:piece> to (them|their names|each name)|put <suffix:piece> after their names", 0.6),
    ("file.rename", "paths=@o case=#case", "(rename them to|make their names|turn their names to|change their names to) (lowercase|lower case)<case=lower>|(rename them to|make their names|turn their names to) (uppercase|upper case)<case=upper>|lowercase their names<case=lower>", 0.6),
    ("file.rename", "paths=@o extension=#extension", "(change|set) their (extension|extensions|file extension) to <extension:newext>|give them the extension <extension:newext>|rename them to <extension:dotext>", 0.8),
    ("file.rename", "paths=@o find=#find replacement=#replacement", "(replace|change) <find:piece> (with|by|to) <replacement:piece> in their names", 0.7),
    ("text.replace", "paths=@o find=#find replacement=#replacement", "(replace|change|swap|substitute) (every|all|each|) <find:needle> (with|by|to) <replacement:repl> in (them|all of them|each of them|those|each)", 1.5),
    ("text.search", "source=@o pattern=#pattern ignore_case=#ignore_case", "(search|grep) (them|all of them|those) for <pattern:needle>{caseonly}|(look|search) for <pattern:needle> in (them|all of them|those|each of them){caseonly}|(show|print) {lineswith} (with|containing) <pattern:needle> in them", 1.3),
    ("text.count", "source=@o what=#what", "count (their {unit}|the {unit} in them|the {unit})|tell me how many {unit} they have [together|in total]", 1.0),
    ("text.count", "source=@o what=#what pattern=#pattern", "count (how often|how many times) <pattern:needle> (appears|occurs|is mentioned) in them<what=matches>|count the lines (with|containing) <pattern:needle> in them<what=matching_lines>", 0.8),
    ("file.touch", "paths=@o", "touch (them|all of them|each of them)|(update|refresh|bump) their (timestamps|modification times|dates)", 0.5),
)  # fmt: skip

IT: tuple[tuple[str, str, str, float], ...] = (
    ("file.delete", "paths=@o", "{delete} it", 2.0),
    ("file.move", "paths=@o to=#to", "(move|put|shift|transfer|relocate) it (to|into) <to:dir>", 1.6),
    ("file.copy", "paths=@o to=#to", "(copy|duplicate|back up) it (to|into) <to:dir>|(copy it|make a copy of it|back it up) (as|to) <to:newname>|(make|create) a (copy|duplicate) [of it] (called|named) <to:newname>", 1.6),
    ("file.rename", "paths=@o to=#to", "(rename it|change its name) to <to:newname>|(call|name) it <to:newname> [instead]|give it the name <to:newname>", 1.6),
    ("file.archive", "paths=@o to=#to", "(zip|pack|compress|archive) it (into|as|in) <to:archive>", 1.2),
    ("file.chmod", "paths=@o mode=#mode", "make it <mode:modeword>|(set|change) its (mode|permissions) to <mode:octal>|chmod it [to] <mode:octal>", 1.4),
    ("file.read", "paths=@o", "(show|print|display|read) (it|its contents|its content|its text)|(show|tell|let) me [see] (what it says|what's in it)", 1.2),
    ("file.read", "paths=@o first=#first", "(show|print|give me|display) (the|its) first <first:count> lines|(show|print) only the first <first:count> lines", 1.0),
    ("file.read", "paths=@o last=#last", "(show|print|give me|display) (the|its) last <last:count> lines|(show|print) only the last <last:count> lines", 1.0),
    ("file.size", "paths=@o", "(tell me|show|check) (how big it is|its size)|how big is it|what('s| is) its size", 0.9),
    ("file.stat", "paths=@o", "(tell me|show|check) (when it was (last|) (changed|modified)|who owns it|its permissions|its details|its metadata)|when was it (last|) (changed|modified)|who owns it", 1.0),
    ("file.hash", "paths=@o algorithm=#algorithm", "(compute|show|print|give me|calculate) its {hashname}|what('s| is) its {hashname}", 0.9),
    ("file.link", "target=#o path=#path", "(create|make) a {link} to it (called|named|at) <path:filename>|(symlink|link) it (to|as) <path:filename>", 0.8),
    ("text.replace", "paths=@o find=#find replacement=#replacement", "(replace|change|swap|substitute) (every|all|each|) <find:needle> (with|by|to) <replacement:repl> (in it|inside it|there|)", 1.6),
    ("text.search", "source=@o pattern=#pattern", "(search|grep) it for <pattern:needle>|(look|search) for <pattern:needle> in it|(show|print|find) {lineswith} (with|containing) <pattern:needle>", 1.3),
    ("text.count", "source=@o what=#what", "count (its {unit}|the {unit} (in it|))|(tell me|) how many {unit} (does it have|are in it|it has)", 1.4),
    ("text.count", "source=@o what=#what pattern=#pattern", "(count|tell me) (how often|how many times) <pattern:needle> (appears|occurs|is mentioned) (in it|there|)<what=matches>|count the lines (with|containing) <pattern:needle><what=matching_lines>", 1.0),
    ("text.sort", "source=@o *=*", "sort (it|its lines|the lines){sortopts}", 1.0),
    ("text.unique", "source=@o", "(remove|drop) (the|its|all|) duplicate lines|(show|print) (only|) its (unique|distinct) lines", 0.8),
    ("file.write", "path=#o content=#content how=append", "(append|add) <content:content> to it|(add|append) (the line|a line) <content:content> (at the end|to it|at the bottom|)", 1.4),
    ("file.write", "path=#o content=#content how=prepend", "(put|add|insert) <content:content> at (the|its) (top|beginning|start)|prepend <content:content> [to it]", 0.9),
    ("file.write", "path=#o content=#content how=overwrite", "(replace its (content|contents|text)|overwrite it) with <content:content>|change its (content|contents) to <content:content>", 0.9),
    ("file.touch", "paths=@o", "touch it|(update|refresh|bump) its (timestamp|modification time)", 0.4),
)  # fmt: skip

SETS = """
!(find|get|locate|look for|search for|collect|take|gather|pick|pick out|select|identify|list) <o:opset> and {x}
!(find|get|look for|locate|take|select) <o:opset>, then {x}
!(find|get|look for|take|select|collect) <o:opset>, and {x}
!(find|search) [for] <o:opset>, {x}
!(find|look for|locate) <o:opset>. {x}
!(find|look for|locate) <o:opset>. then {x}
.if there are (any|) <o:bareset>, {x}
.if you (find|see) (any|) <o:bareset>, {x}
.(when|whenever|wherever) you find <o:bareset>, {x}
.for (all|all the|each of the|every one of the|the|any) <o:bareset>, {x}
.for (all|the|any) <o:bareset>: {x}
.see <o:opset>? {x}
.(i have|i've got|there are|i see|we have|i found) (some|a few|lots of|too many|a lot of|a bunch of|) <o:bareset>. {x}
.(i have|i've got|there are|we have) (some|a few|lots of|too many|a lot of|) <o:bareset>, {x}
.(i have|there are) (some|a few|many|) <o:bareset>, (please|could you|can you|i want you to|i'd like you to) {x}
.(you know|about) <o:opset>: {x}
.<o:opset>: {x}
.<o:opset>, {x}
.<o:opset> - {x}
.<o:opset> (please|), {x}
?are there any <o:bareset>? {x}
?do i have any <o:bareset>? if so, {x}
?(is there|are there) <o:bareset>? if (yes|so), {x}
?(see|got) any <o:bareset>? {x}
?can you find <o:opset> and {x}
:<o:bareset>: {x}
:<o:bareset> -> {x}
:<o:bareset>, {x}
"""
NAMED = """
!(take|open|get|find|grab|look at|go to|use) <o:onefile> and {x}
!(take|get|grab) <o:onefile>, then {x}
.(i have|there is|there's|i've got|we have) a file (called|named|) <o:filename>, {x}
.(i have|there is|there's|i've got|we have) a file (called|named) <o:filename>. {x}
.(i need|i don't like|i just made|i've written|someone sent me|we use) <o:filename>. {x}
.<o:onefile>: {x}
.<o:onefile>, {x}
.<o:onefile> - {x}
.(about|regarding|concerning|with) <o:onefile>: {x}
.for <o:onefile>, {x}
?(see|you see|you know) <o:onefile>? {x}
?do you see <o:onefile>? {x}
:<o:filename>: {x}
:<o:filename>, {x}
:<o:filename> -> {x}
"""


def _cross(ops: tuple[tuple[str, str, str, float], ...], ways: str, mark: str, scale: float) -> None:
    for n, (call, arguments, words, weight) in enumerate(ops):
        template(
            f"{call}/{mark}{n}",
            f"{call} {arguments}",
            ways.replace("{x}", f"({words})"),
            weight=weight * scale,
        )


SETS_TWICE = """
!(find|get|look for|locate|take|collect|select) <o:opset>, {x} and {y}
!(find|get|look for|take|select) <o:opset>, {x} and then {y}
!(find|get|look for|locate) <o:opset>, {x}, then {y}
!(find|look for) <o:opset>. {x} and {y}
!(find|look for) <o:opset>. then {x}. (finally|after that|then|and then|also) {y}
.for (all|all the|the|any) <o:bareset>, {x} and {y}
.if there are any <o:bareset>, {x} and {y}
.(i have|there are|i've got) (some|a few|lots of|) <o:bareset>. {x} and then {y}
.<o:opset>: {x}, then {y}
.<o:opset>: {x} and {y}
?are there any <o:bareset>? {x} and {y}
:<o:bareset>: {x} and {y}
"""
NAMED_TWICE = """
!(take|open|get|grab) <o:onefile>, {x} and {y}
!(take|open|get|grab) <o:onefile>, {x} and then {y}
!(take|open|get) <o:onefile>. {x}, then {y}
.(i have|there is|there's) a file (called|named|) <o:filename>, {x} and {y}
.<o:onefile>: {x} and {y}
.<o:onefile>: {x}, then {y}
.for <o:onefile>, {x} and (then|) {y}
:<o:filename>: {x} and {y}
"""

_LAST = ("file.delete", "file.move", "file.rename")
"""After these, "them" is no longer where it was."""
_SETS_FIELDS = re.compile(r"\{(hashname|hashnames|hashwith|unit|caseonly|sortopts|link)\}")


def _second(arguments: str, words: str) -> tuple[str, str]:
    """The same operation with its fields under other names, so that two of them fit into one request."""
    arguments = re.sub(r"#(\w+)", r"#\1_2", arguments)
    words = re.sub(r"<(\w+):", r"<\1_2:", words)
    words = re.sub(r"<(\w+)=", r"<\1_2=", words)
    return arguments, re.sub(r"<\+(\w+)>", r"<+\1_2>", words)


def _cross_twice(ops: tuple[tuple[str, str, str, float], ...], ways: str, mark: str, scale: float) -> None:
    for n, (call, arguments, words, weight) in enumerate(ops):
        if call in _LAST or "*=*" in arguments:
            continue
        for m, (other, arguments2, words2, weight2) in enumerate(ops):
            if other == call or _SETS_FIELDS.search(words2) or "#o" in arguments2 or "*=*" in arguments2:
                continue
            renamed, said = _second(arguments2, words2)
            template(
                f"chain/{mark}{n}-{m}",
                f"{call} {arguments}; {other} {renamed}",
                ways.replace("{x}", f"({words})").replace("{y}", f"({said})"),
                weight=weight * weight2 * scale,
                family="chain",
            )


def cross_twice() -> None:
    """Declares the requests that do two things with the same files; they stand among the chains."""
    _cross_twice(THEM, SETS_TWICE, "them", 0.10)
    _cross_twice(IT, NAMED_TWICE, "it", 0.06)


_cross(THEM, SETS, "them", 0.20)
_cross(IT, NAMED, "it", 0.16)
