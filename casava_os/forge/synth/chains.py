"""Requests of several steps: written chains whose later steps use earlier ones, and words that join independent orders."""

from __future__ import annotations

from itertools import accumulate

from casava_os.forge.synth.about import cross_twice
from casava_os.forge.synth.build import TEMPLATES, Template, template
from casava_os.forge.synth.grammar import Scene

_START = len(TEMPLATES)

JOINS = [" and ", " and ", " and then ", ", then ", ", and then ", " then ", "; ", ". then ", ". after that, ", ", after that ", ", and ", ", and also ", ". also, ", " and also ", " and afterwards ", ", afterwards ", " & ", ". next, ", ". and ", " plus ", ", once that's done, ", ", when that is done, ", ". finally, ", " followed by: "]  # fmt: skip


def connect(scene: Scene, parts: list[str]) -> str:
    """Joins orders in the order in which they are to be done."""
    if len(parts) == 2 and scene.chance(0.04) and not scene.open_end:
        return f"before you {parts[1]}, {parts[0]}"
    if len(parts) > 2 and scene.chance(0.3):
        return f"first {parts[0]}, then {parts[1]}{scene.pick([' and finally ', ', and finally ', ', then ', ' and then '])}{parts[2]}"
    if len(parts) == 2 and scene.chance(0.08):
        return f"first {parts[0]}{scene.pick([', then ', ' and then ', ', after that '])}{parts[1]}"
    if len(parts) == 2 and scene.chance(0.03):
        return f"after you {parts[0]}, {parts[1]}"
    said = parts[0]
    for n, part in enumerate(parts[1:], 1):
        joint = ", " if len(parts) > 2 and n < len(parts) - 1 and scene.chance(0.5) else scene.pick(JOINS)
        said += joint + part
    return said


def chain(name: str, plan: str, phrases: str, weight: float = 1.0, *, stdin: bool = False) -> None:
    """A template that only stands in chains."""
    template(f"chain/{name}", plan, phrases, weight=weight, stdin=stdin, family="chain")


chain("mkdir-move", "file.make_dir paths=#d; file.move paths=@o to=#d", """
!{make} (a|a new|the|) {folder} (called|named|) <d:dirname> and (move|put) <o:obj> (into it|in it|there|inside|in there|inside it)
!{make} (a|a new|) {folder} <d:dirname>, then (move|put) <o:obj> (into it|there|in it)
!(move|put) <o:obj> into a new {folder} (called|named) <d:dirname>
!(move|put) <o:obj> (into|in) a {folder} (called|named) <d:dirname>, (make|create) it first
.i (need|want) a (new|) {folder} (called|named) <d:dirname> with <o:opset> (moved into it|in it, moved from here)
:mkdir <d:dirname> && mv <o:paths> <d2:nothing>
""".replace(":mkdir <d:dirname> && mv <o:paths> <d2:nothing>\n", ""), 2.5)  # fmt: skip
chain("mkdir-copy", "file.make_dir paths=#d; file.copy paths=@o to=#d", """
!{make} (a|a new|the|) {folder} (called|named|) <d:dirname> and copy <o:obj> (into it|in it|there|inside|to it|in there)
!{make} (a|a new|) {folder} <d:dirname>, then copy <o:obj> (into it|there|to it)
!copy <o:obj> into a new {folder} (called|named) <d:dirname>
""", 1.6)  # fmt: skip
chain("mkdir-touch", "file.make_dir paths=#d; file.touch paths=#f", """
!{make} (a|a new|) {folder} (called|named|) <d:newdirfile> (with an empty|containing an empty|with a blank) (file|file called|) <f:joinedlast> [in it]
!{make} (a|a new|) {folder} (called|named|) <d:newdirfile> and (create|make|put) (an empty file|a file|an empty) <f:joinedlast> (in it|inside|inside it|there)
""", 1.0)  # fmt: skip
chain("mkdir-write", "file.make_dir paths=#d; file.write path=#f content=#c", """
!{make} (a|a new|) {folder} (called|named|) <d:newdirfile> and (write|put|save) <c:content> (to|into|in) <f:joinedlast> (in it|inside it|there)
!{make} (a|a new|) {folder} (called|named|) <d:newdirfile> with a file <f:joinedlast> (saying|containing|that says) <c:content>
""", 0.9)  # fmt: skip
chain("archive-delete", "file.archive paths=@o to=#a; file.delete paths=@o", """
!{pack} <o:obj> (into|to|as) <a:archive> and (then|) (delete|remove|erase) (them|it|the originals|the original|the originals afterwards|the source files)
!find <o:opset>, {pack} them into <a:archive> and (then|) (delete|remove|erase) (them|the originals|those files)
!{pack} <o:obj> (into|as) <a:archive>, then (delete|remove|get rid of) (them|it|the originals)
!archive <o:obj> (in|to|as) <a:archive> and (delete|remove) what (was|has been) archived
.i want <o:opset> (zipped|packed|archived) (into|in|as) <a:archive> and then (deleted|removed)
""", 2.0)  # fmt: skip
chain("copy-delete", "file.copy paths=@o to=#to; file.delete paths=@o", """
!copy <o:opset> (to|into) <to:dir> and (then|) (delete|remove) (them here|the originals|the source files|the originals here)
!copy <o:opset> (to|into) <to:dir>, then delete the originals
""", 0.6)  # fmt: skip
chain("archive-move", "file.archive paths=@o to=#a; file.move paths=#a to=#to", """
!{pack} <o:obj> (into|as) <a:archive> and move (it|the archive|that|the zip|the result) (to|into) <to:dir>
!{make} an archive <a:archive> (of|from) <o:obj> and (put|move) it (into|in) <to:dir>
""", 1.2)  # fmt: skip
chain("archive-hash", "file.archive paths=@o to=#a; file.hash paths=#a algorithm=#algorithm", """
!{pack} <o:obj> (into|as) <a:archive> and (give me|print|show|compute|tell me) (its|the) {hashname} [of (it|the archive)]
""", 0.9)  # fmt: skip
chain("archive-size", "file.archive paths=@o to=#a; file.size paths=#a", """
!{pack} <o:obj> (into|as) <a:archive> and (tell me how big (it|the archive) is|show (its|the archive's) size|show me the size of the archive)
""", 0.8)  # fmt: skip
chain("extract-delete", "file.extract paths=#a to=#to; file.delete paths=#a", """
!{unpack} <a:archive> (to|into) <to:dir> and (then|) (delete|remove|erase) (it|the archive|the zip)
!{unpack} <a:archive> and (then|) (delete|remove|erase) (it|the archive|the zip)
!{unpack} <a:archive>, then (delete|remove|get rid of) (it|the archive)
""", 1.3)  # fmt: skip
chain("extract-list", "file.extract paths=#a to=#to; file.list path=#to", """
!{unpack} <a:archive> (to|into) <to:dirname> and (list|show) (its contents|what's in there|the files|what was in it|what is in it)
""", 0.7)  # fmt: skip
chain("copy-replace", "file.copy paths=#f to=#to; text.replace paths=#f find=#x replacement=#y", """
!(make a (backup|backup copy|copy) of|copy|back up) <f:filename> (as|to) <to:newname> (and then|, then|and) replace <x:needle> (with|by) <y:repl> in (it|the original|the original file)
!(make a backup of|back up) <f:filename> (as|to) <to:newname> before (changing|replacing) <x:needle> (to|with) <y:repl> in it
!before replacing <x:needle> with <y:repl> in <f:filename>, copy it to <to:newname>
""", 1.3)  # fmt: skip
chain("copy-replace-copy", "file.copy paths=#f to=#to; text.replace paths=#to find=#x replacement=#y", """
!copy <f:filename> to <to:newname> and replace <x:needle> (with|by) <y:repl> in (the copy|the new file|the new one|the copied file)
!duplicate <f:filename> as <to:newname> and change <x:needle> to <y:repl> in the (copy|duplicate)
""", 1.0)  # fmt: skip
chain("touch-chmod", "file.touch paths=#f; file.chmod paths=#f mode=#mode", """
!{make} (an empty file|a file|an empty file called|a new file|) <f:filename> and make it <mode:modeword>
!{make} (an empty file|a file|a file called) <f:filename> (with mode|with permissions) <mode:octal>
""", 0.8)  # fmt: skip
chain("write-chmod", "file.write path=#f content=#c; file.chmod paths=#f mode=#mode", """
!(write|save|put) <c:content> (to|into|in) <f:filename> and make it <mode:modeword>
!{make} (a file|a file called|a script) <f:filename> (with|containing) <c:content> and make it <mode:modeword>
!{make} (an executable script|an executable file) <f:filename> (with|containing|that says) <c:content><mode=+x>
""", 1.0)  # fmt: skip
chain("chmod-run", "file.chmod paths=#f mode=+x; process.run command=#f", """
!make <f:runnable> executable and (run|execute|start) it
!make <f:runnable> executable, then (run|execute) it
""", 0.8)  # fmt: skip
chain("write-read", "file.write path=#f content=#c; file.read paths=#f", """
!(write|save|put) <c:content> (to|into|in) <f:filename> and (show|print|show me|display|read) (it|the file|the result|its contents)
!{make} (a file|) <f:filename> with <c:content> and (show|print) it
""", 0.9)  # fmt: skip
chain("append-show", "file.write path=#f content=#c how=append; file.read paths=#f", """
!(append|add) <c:content> to <f:filename> and (then|) (show|print|show me|display) (it|the file|the result|the whole file)
!(append|add) <c:content> (to|at the end of) <f:filename>, then (show|print) the file
""", 0.9)  # fmt: skip
chain("append-count", "file.write path=#f content=#c how=append; text.count source=#f what=#what", """
!(append|add) <c:content> to <f:filename> and (then|) (count its {unit}|tell me how many {unit} it has (now|))
""", 0.6)  # fmt: skip
chain("replace-diff", "file.copy paths=#f to=#to; text.replace paths=#f find=#x replacement=#y; file.diff left=#to right=#f", """
!copy <f:filename> to <to:newname>, replace <x:needle> with <y:repl> in <f2:same_f> and (show|compare) the (difference|differences|diff)
""".replace("<f2:same_f>", "the original"), 0.7)  # fmt: skip
chain("save-list", "@s; file.write path=#f content=$1", """
!(save|write|put|store|dump) (the|a) list of <s:bareset> (to|in|into) <f:filename>
!find <s:set> and (save|write|store|put|dump) (the list|the result|their names|the names|the paths|them) (to|in|into) <f:filename>
!(save|write) the (names|paths) of <s:set> (to|into) <f:filename>
!(make|create) a list of <s:set> and (save|put|write) it (to|in|as) <f:filename>
:list of <s:bareset> > <f:filename>
:list of <s:bareset> to <f:filename>
""", 2.0)  # fmt: skip
chain("save-search", "text.search pattern=#x source=@src ignore_case=#ignore_case invert=#invert; file.write path=#f content=$1", """
!(save|write|put|copy) {lineswith} (with|containing|that contain) <x:needle> (from|in|of) <src:source> (to|into|in) <f:filename>
!(search|grep) <src:source> for <x:needle> and (save|write|put) (the result|the lines|the matches|what you find|the output) (to|into|in) <f:filename>
!(extract|filter) {lineswith} (with|containing) <x:needle> from <src:source> (to|into) <f:filename>
!(save|write|put) {lineswith} (without|not containing) <x:needle> from <src:source> (to|into|in) <f:filename><+invert>
:grep <x:needle> <src:files1> > <f:filename>
""", 1.8)  # fmt: skip
chain("save-sort", "text.sort source=@src *=*; file.write path=#f content=$1", """
!sort <src:source>{sortopts} and (save|write|store|put) (it|the result|the output|that|the sorted lines) (to|in|into|as) <f:filename>
!(save|write) (a sorted version|a sorted copy) of <src:source> (to|in|as) <f:filename>
:sort <src:files1> > <f:filename>
""".replace("<src:", "<source:"), 1.3)  # fmt: skip
chain("save-unique", "text.unique source=@source *=*; file.write path=#f content=$1", """
!(remove|drop) (the|) duplicate lines (from|in) <source:source> and (save|write|store) (it|the result|that) (to|in|into|as) <f:filename>
!(save|write|put) the (unique|distinct) lines of <source:source> (to|into|in) <f:filename>
""", 0.9)  # fmt: skip
chain("save-count", "text.count source=@source what=#what; file.write path=#f content=$1", """
!count the {unit} (in|of) <source:source> and (save|write|put|store) (it|the result|the number|that) (to|in|into) <f:filename>
!(save|write|put) the {unitsing} count of <source:source> (to|into|in) <f:filename>
""", 0.8)  # fmt: skip
chain("save-lines", "file.read paths=@source first=#first last=#last; file.write path=#f content=$1", """
!(save|write|put|copy) the first <first:count> lines of <source:source> (to|into|in) <f:filename>
!(save|write|put|copy) the last <last:count> lines of <source:source> (to|into|in) <f:filename>
:head -n <first:count> <source:files1> > <f:filename>
:tail -n <last:count> <source:files1> > <f:filename>
!(take|get) the (first) <first:count> lines of <source:source> and (save|write|put) them (to|in|into) <f:filename>
!(take|get) the (last) <last:count> lines of <source:source> and (append|add) them to <f:filename><how=append>
""".replace("!(take|get) the (last) <last:count> lines of <source:source> and (append|add) them to <f:filename><how=append>\n", ""), 1.1)  # fmt: skip
chain("append-file", "file.read paths=@source; file.write path=#f content=$1 how=append", """
!append the (contents|content|text) of <source:source> to <f:filename>
!(add|append) (the text of|everything in|the contents of) <source:source> (to the end of|at the end of) <f:filename>
:cat <source:files1> >> <f:filename>
""", 1.0)  # fmt: skip
chain("concatenate", "file.read paths=@source; file.write path=#f content=$1", """
!(concatenate|merge|combine|join) <source:newfiles> (into|to) <f:filename>
!(concatenate|merge|combine|join) (all|the|all the|) <source:textset> (into|to) (one file|a single file|one file called|) <f:filename>
:cat <source:spacefiles> > <f:filename>
""".replace("(all|the|all the|) <source:textset>", "<source:textset>"), 1.2)  # fmt: skip
chain("save-run", "process.run command=#c cwd=#cwd; file.write path=#f content=$1", """
!(run|execute) <c:command> and (save|write|put|store|redirect) (the output|its output|what it prints|the result) (to|in|into) <f:filename>
!(save|write|put|store) the output of <c:command> (to|in|into) <f:filename>
!in <cwd:dirname>, (run|execute) <c:command> and (save|write) (the output|its output) (to|into) <f:filename>
""", 1.3)  # fmt: skip
chain("save-facts", "system.disk; file.write path=#f content=$1", """
!(save|write|put) (the disk space|the free disk space|how much disk space is left) (to|into|in) <f:filename>
""", 0.25)  # fmt: skip
chain("save-memory", "system.memory; file.write path=#f content=$1", """
!(save|write|put) (the memory usage|how much ram is free|the free memory) (to|into|in) <f:filename>
""", 0.25)  # fmt: skip
chain("save-date", "system.time; file.write path=#f content=$1 how=append", """
!(append|add) (the date|the current date|the current time|today's date) to <f:filename>
:date >> <f:filename>
""", 0.35)  # fmt: skip
chain("save-date-new", "system.time; file.write path=#f content=$1", """
!(save|write|put) (the date|the current date|the current time|today's date|the time) (to|into|in) <f:filename>
:date > <f:filename>
""", 0.3)  # fmt: skip
chain("save-diff", "file.diff left=#l right=#r; file.write path=#f content=$1", """
!(save|write|put) the (diff|differences|difference) (between|of) <l:filename> and <r:filename> (to|into|in) <f:filename>
!(compare|diff) <l:filename> (and|with) <r:filename> and (save|write|put) the (result|differences|diff|output) (to|into|in) <f:filename>
:diff <l:filename> <r:filename> > <f:filename>
""", 0.8)  # fmt: skip
chain("save-hash", "file.hash paths=@o algorithm=#algorithm; file.write path=#f content=$1", """
!(save|write|put|store) the {hashnames} of <o:obj> (to|into|in) <f:filename>
!(compute|calculate) the {hashname} of <o:onefile> and (save|write) it (to|into|in) <f:filename>
""", 0.8)  # fmt: skip
chain("save-listing", "file.list path=#p; file.write path=#f content=$1", """
!(save|write|put|store) (the listing|a listing|the contents listing|the list of files|the directory listing) of <p:dir> (to|into|in) <f:filename>
:ls <p:dirname> > <f:filename>
:ls > <f:filename>
""", 0.6)  # fmt: skip
chain("save-csv", "text.csv source=@source *=*; file.write path=#f content=$1", """
!(save|write|put|export|store) (the|all|) {rows} of <source:table> {cond} (to|into|in) <f:filename>
!(save|write|extract|export) (the|) columns <columns:colnames> (of|from) <source:table> (to|into|in) <f:filename>
""", 0.9)  # fmt: skip
chain("stdin-save", "file.write path=#path content=$0 how=#how", """
!(save|write|store|put|dump) {thisin} (to|in|into|as) <path:newfile>
!(append|add) {thisin} to <path:filename><how=append>
!(put|add|insert) {thisin} at the (top|beginning) of <path:filename><how=prepend>
!(overwrite|replace) (the contents of|) <path:filename> with {thisin}<how=overwrite>
:> <path:filename>
:to <path:filename>
:save as <path:filename>
:tee <path:filename>
""".replace(":> <path:filename>\n", ""), 1.2, stdin=True)  # fmt: skip
chain("stdin-save-search", "text.search source=$0 pattern=#x; file.write path=#f content=$1", """
!(save|write|put) {lineswith} (with|containing) <x:needle> (to|into|in) <f:filename>
""", 0.6, stdin=True)  # fmt: skip
chain("stdin-sort-lines", "text.sort source=$0 *=*; text.lines source=$1 first=#first", """
!sort {thisin}{sortopts} and (show|print|keep|take|give me) the first <first:count> [lines]
!sort {thisin} and (show|print|keep) (only the|the) (top|first) <first:count> lines
""", 0.5, stdin=True)  # fmt: skip
chain("sort-lines", "text.sort source=@source *=*; text.lines source=$1 first=#first last=#last", """
!sort <source:source>{sortopts} and (show|print|give me|display|keep) the (first|top) <first:count> (lines|)
!sort <source:source>{sortopts} and (show|print|give me|display|keep) the last <last:count> (lines|)
!(show|print|give me) the first <first:count> lines of <source:source> (after sorting|when sorted|once it's sorted)
""", 1.2)  # fmt: skip
chain("search-count", "text.search pattern=#x source=@source regex=#regex ignore_case=#ignore_case invert=#invert; text.unique source=$1 count=#count", """
!(find|get|take) {lineswith} (with|containing) <x:needle> in <source:source> and (remove|drop) (the|) duplicates
!(show|print|list) the (unique|distinct) lines (with|containing) <x:needle> in <source:source>
!find {lineswith} (with|containing) <x:needle> in <source:source> and count how often each (occurs|appears)<+count>
""", 0.9)  # fmt: skip
chain("search-sort", "text.search pattern=#x source=@src; text.sort source=$1 reverse=#reverse unique=#unique numeric=#numeric", """
!(find|get|show|take) {lineswith} (with|containing) <x:needle> in <src:source> and sort them({rev}|{alpha}|{num}|)
!(show|print) {lineswith} (with|containing) <x:needle> in <src:source>, sorted({rev}|{alpha}|)
""", 1.0)  # fmt: skip
chain("search-lines", "text.search pattern=#x source=@src; text.lines source=$1 last=#last", """
!(show|print|give me|get) the last <last:count> (lines|matches) (with|containing|for) <x:needle> in <src:source>
!(find|get) {lineswith} (with|containing) <x:needle> in <src:source> and show (only|) the last <last:count>
""", 0.9)  # fmt: skip
chain("columns-unique", "text.columns source=@source columns=#columns delimiter=#delimiter; text.unique source=$1 count=#count", """
!(take|show|get|extract) {colword} <columns:count> of <source:source>[{delim}] and (remove|drop) (the|) duplicates
!(show|print|list|get) the (unique|distinct|different) values (in|of) {colword} <columns:count> of <source:source>[{delim}]
!count how often each value (in|of) {colword} <columns:count> of <source:source> (occurs|appears)<+count>
""".replace(":cut -f <columns:count> <source:filename> | sort | uniq -c<+count>\n", ""), 1.0)  # fmt: skip
chain("columns-sort", "text.columns source=@source columns=#columns delimiter=#delimiter; text.sort source=$1 reverse=#reverse numeric=#numeric unique=#unique", """
!(take|show|get|extract) {colword} <columns:count> of <source:source>[{delim}] and sort (it|them|the result)({rev}|{num}|{uniq}|)
""", 0.8)  # fmt: skip
chain("unique-count", "text.unique source=@source; text.count source=$1", """
?how many (unique|distinct|different) lines (are|are there) in <source:source>
?how many (unique|distinct|different) lines does <source:source> have
!count the (unique|distinct|different) lines (in|of) <source:source>
:number of (unique|distinct) lines in <source:source>
""", 1.2)  # fmt: skip
chain("two-counts", "text.count source=#a what=#what; text.count source=#b what=#what", """
!count the {unit} (in|of) <a:filename> and <b:filename> (separately|each|one by one|individually)
?how many {unit} (does|do) <a:filename> and <b:filename> each have
""", 0.8)  # fmt: skip
chain("count-both", "text.count source=#a; text.count source=#a what=words", """
!count the lines and [the] words (in|of) <a:filename>
?how many lines and words (are|are there) in <a:filename>
""", 0.5)  # fmt: skip
chain("sum-mean", "text.aggregate source=@source column=#column; text.aggregate source=@source column=#column how=mean", """
?what are the (sum|total) and [the] (average|mean) of (the|) <column:colname> (column|) in <source:table>
!(compute|give me|show|calculate) the (sum|total) and [the] (average|mean) of <column:colname> in <source:table>
""", 0.5)  # fmt: skip
chain("min-max", "text.aggregate source=@source column=#column how=min; text.aggregate source=@source column=#column how=max", """
?what are the (minimum|smallest|lowest) and [the] (maximum|largest|highest) <column:colname> in <source:table>
!(compute|give me|show|calculate) the (minimum|min) and [the] (maximum|max) of <column:colname> in <source:table>
""", 0.5)  # fmt: skip
chain("find-show-delete", "@s; file.size paths=$1; file.delete paths=$1", """
!(tell me|show me|calculate) (how much space|how big) <s:set> (take|are) and (then|) (delete|remove) them
!find <s:set>, (tell me how big they are|show their total size) and (delete|remove|erase) them
""", 0.9)  # fmt: skip
chain("find-count-delete", "@s; file.count paths=$1; file.delete paths=$1", """
!count <s:set> and (then|) (delete|remove|erase) them
!find <s:set>, count them and (then|) (delete|remove|erase) them
!(tell me|say) how many <s:bareset> there are, then delete them
""", 0.9)  # fmt: skip
chain("find-count-size", "@s; file.count paths=$1; file.size paths=$1", """
?how many <s:bareset> are there and how (big|large) are they (together|in total|)
!count <s:set> and (show|give me|tell me) their total size
""", 0.9)  # fmt: skip
chain("copy-chmod", "file.copy paths=@o to=#to; file.chmod paths=$1 mode=#mode", """
!copy <o:opset> (to|into) <to:dir> and make the copies <mode:modeword>
!copy <o:opset> (to|into) <to:dir> and (set|change) the (mode|permissions) of the copies to <mode:octal>
""", 0.8)  # fmt: skip
chain("mkdir-move-archive", "file.make_dir paths=#d; file.move paths=@o to=#d; file.archive paths=#d to=#a", """
!{make} (a|a new|) {folder} (called|named|) <d:dirname>, (move|put) <o:opset> (into it|in it|there) and (zip|pack|compress|archive) (it|the folder) (into|as) <a:archive>
!(move|put) <o:opset> into a new {folder} (called|named) <d:dirname> and then (zip|pack|compress|archive) (it|that folder) (into|as) <a:archive>
""", 1.3)  # fmt: skip
chain("mkdir-copy-archive", "file.make_dir paths=#d; file.copy paths=@o to=#d; file.archive paths=#d to=#a", """
!{make} (a|a new|) {folder} (called|named|) <d:dirname>, copy <o:obj> (into it|in it|there) and (zip|pack|compress|archive) (it|the folder) (into|as) <a:archive>
""", 1.0)  # fmt: skip
chain("archive-move-delete", "@s; file.archive paths=$1 to=#a; file.move paths=#a to=#to; file.delete paths=$1", """
!{pack} <s:set> (into|as) <a:archive>, move (it|the archive) (to|into) <to:dir> and (delete|remove) the originals
!find <s:set>, {pack} them (into|as) <a:archive>, (put|move) the archive (in|into|to) <to:dir> and (delete|remove) (the originals|the original files)
""", 1.1)  # fmt: skip
chain("mkdirs-moves", "file.make_dir paths=#d; file.move paths=@o to=#d; file.make_dir paths=#e; file.move paths=@p to=#e", """
!(move|put) <o:opset> into a new folder <d:dirname> and <p:opset> into a new folder <e:dirname>
!{make} (a folder|) <d:dirname> and move <o:opset> there, then {make} (a folder|) <e:dirname> and move <p:opset> there
""", 0.8)  # fmt: skip
chain("two-moves", "file.move paths=@o to=#d; file.move paths=@p to=#e", """
!(move|put) <o:opset> (to|into) <d:dirname> and <p:opset> (to|into) <e:dirname>
!(move|put) <o:onefile> (to|into) <d:dirname> and <p:onefile> (to|into) <e:dirname>
.<o:opset> (go|belong|should go) (to|into|in) <d:dirname>, <p:opset> (to|into|in) <e:dirname>
""", 1.4)  # fmt: skip
chain("two-copies", "file.copy paths=@o to=#d; file.copy paths=@p to=#e", """
!copy <o:opset> (to|into) <d:dirname> and <p:opset> (to|into) <e:dirname>
!copy <o:onefile> (to|into) <d:dirname> and <p:onefile> (to|into) <e:dirname>
""", 0.8)  # fmt: skip
chain("copy-both", "file.copy paths=@o to=#d; file.copy paths=@o to=#e", """
!copy <o:obj> (to|into) (both|) <d:dirname> and <e:dirname>
!(put|make) a copy of <o:onefile> (in|into) <d:dirname> and another (one|) in <e:dirname>
""", 0.8)  # fmt: skip
chain("copy-one-move-other", "file.copy paths=@o to=#d; file.move paths=@p to=#e", """
!copy <o:obj> (to|into) <d:dirname> and move <p:obj> (to|into) <e:dirname>
!move <p:obj> to <e:dirname> after copying <o:obj> to <d:dirname>
""", 0.8)  # fmt: skip
chain("delete-but-archive", "file.copy paths=@o to=#d; file.delete paths=@p", """
!copy <o:obj> (to|into) <d:dirname> and delete <p:obj>
!before (deleting|removing) <p:obj>, copy <o:obj> to <d:dirname>
""", 0.8)  # fmt: skip
chain("spawn-logs", "process.spawn command=#c; process.logs job=$1", """
!{runw} <c:command> {bgshort} and (show|print|give me) (its|the) (output|logs|log) [so far]
""", 0.8)  # fmt: skip
chain("spawn-wait", "process.spawn command=#c cwd=#cwd; process.wait job=$1 seconds=#seconds", """
!{runw} <c:command> {bgshort} and (wait for it|wait until it is done|wait for it to finish|wait until it's finished)
!{runw} <c:command> {bgshort} and wait (at most|no longer than) <seconds:timeout> for it
!in <cwd:dirname>, {runw} <c:command> {bgshort} and (wait for it|wait until it is done)
""", 0.9)  # fmt: skip
chain("spawn-run", "process.spawn command=#c; process.run command=#d", """
!{runw} <c:command> {bgshort} and (then|) (run|execute) <d:command>
!{runw} <c:command> {bgshort}, then (run|execute) <d:command>
""", 0.8)  # fmt: skip
chain("spawn-run-kill", "process.spawn command=#c; process.run command=#d; process.signal job=$1", """
!{runw} <c:command> {bgshort}, run <d:command> and (then|) (stop|kill|terminate) (the first one|the background job|the server|the background program)
""", 0.7)  # fmt: skip
chain("run-run", "process.run command=#c cwd=#cwd; process.run command=#d cwd=#cwd", """
!(run|execute) <c:command> and (then|) <d:command>
!(run|execute) <c:command>, then <d:command>
!(run|execute) <c:command> and (then|) (run|execute) <d:command> (afterwards|after that|)
!in <cwd:dirname>, run <c:command> and (then|) <d:command>
!(run|execute) first <c:command>, then <d:command>
""", 1.3)  # fmt: skip
chain("write-run", "file.write path=#f content=#c; process.run command=#d", """
!(write|save|put) <c:content> (to|into|in) <f:filename> and (then|) (run|execute) <d:command>
""", 0.8)  # fmt: skip
chain("run-archive", "process.run command=#c; file.archive paths=@o to=#a", """
!(run|execute) <c:command> and (then|) {pack} <o:files> (into|as) <a:archive>
""", 0.7)  # fmt: skip
chain("rename-move", "file.rename paths=#f to=#to; file.move paths=#to to=#d", """
!rename <f:filename> to <to:newname> and move it (to|into) <d:dirname>
!rename <f:filename> to <to:newname>, then move it (to|into) <d:dirname>
""", 0.9)  # fmt: skip
chain("stat-hash", "file.stat paths=#f; file.hash paths=#f algorithm=#algorithm", """
!(show|give me|print) the (details|metadata|info) and the {hashname} of <f:filename>
""", 0.5)  # fmt: skip
chain("read-count", "file.read paths=#f; text.count source=#f what=#what", """
!(show|print|show me|display) <f:filename> and (count its {unit}|tell me how many {unit} it has)
""", 0.7)  # fmt: skip
chain("replace-read", "text.replace paths=#f find=#x replacement=#y; file.read paths=#f", """
!replace <x:needle> (with|by) <y:repl> in <f:filename> and (then|) (show|print|show me|display) (it|the file|the result)
!(change|replace) <x:needle> (to|with) <y:repl> in <f:filename>, then (show|print) (it|the file)
""", 1.0)  # fmt: skip
chain("two-replaces", "text.replace paths=#f find=#x replacement=#y; text.replace paths=#f find=#v replacement=#w", """
!in <f:filename>, replace <x:needle> (with|by) <y:repl> and <v:repl> (with|by) <w:repl>
!replace <x:needle> with <y:repl> and <v:repl> with <w:repl> in <f:filename>
""", 1.0)  # fmt: skip
chain("two-facts", "system.cpu; system.memory", """
!(show|tell me|show me) the (cpu|processor) and [the] (memory|ram) [usage|]
?how are (cpu and memory|cpu and ram) doing
:cpu and memory
:cpu and ram usage
""", 0.35)  # fmt: skip
chain("disk-usage", "system.disk; file.usage", """
!(show|tell me) (the free disk space|how much disk space is left) and what takes [up] the most space here
""", 0.4)  # fmt: skip
chain("host-kernel", "system.host; system.kernel", """
?(what|which) (distro|os) and (what|which) kernel (is this|am i running|do i have)
!(show|tell me) the distro and [the] kernel version
:distro and kernel
""", 0.3)  # fmt: skip
chain("touch-write", "file.touch paths=#f; file.write path=#g content=#c", """
!{make} an empty file <f:filename> and a file <g:filename> (with|containing|saying) <c:content>
!{make} an empty <f:filename> and (write|put) <c:content> (to|into|in) <g:filename>
""", 0.8)  # fmt: skip
chain("make-link", "file.make_dir paths=#d; file.link target=#d path=#p", """
!{make} (a|a new|) {folder} (called|named|) <d:dirname> and (a {link} <p:filename> to it|link <p:filename> to it|a {link} to it called <p:filename>)
""", 0.6)  # fmt: skip
chain("replace-set-count", "@s; text.count source=$1 what=matches pattern=#x; text.replace paths=$1 find=#x replacement=#y", """
!count how often <x:needle> (appears|occurs) in <s:textset> and (then|) replace it (with|by) <y:repl>
""", 0.6)  # fmt: skip
chain("set-search-save", "@s; text.search pattern=#x source=$1; file.write path=#f content=$2", """
!(search|grep) <s:textset> for <x:needle> and (save|write|put) (the result|the matches|what you find) (to|into|in) <f:filename>
!find (all lines|lines|every line) (with|containing) <x:needle> in <s:textset> and (save|write|put) them (to|into|in) <f:filename>
""", 1.3)  # fmt: skip
chain("find-two", "@s; file.copy paths=$1 to=#d; file.rename paths=$2 prefix=#p case=#case", """
!copy <s:set> (to|into) <d:dirname> and (add the prefix|prefix) <p:piece> (to|to the names of) the copies
!copy <s:set> (to|into) <d:dirname> and (make the names of the copies lowercase|rename the copies to lowercase)<case=lower>
""".replace("(add the prefix|prefix) <p:piece> (to|to the names of) the copies", "add the prefix <p:piece> (to|to the names of) the copies"), 0.8)  # fmt: skip

chain("delete-lines", "text.search pattern=#x source=@src invert=true regex=#regex ignore_case=#ignore_case; file.write path=#src content=$1 how=overwrite", """
!(delete|remove|erase|drop|get rid of|cut|strip) (all|every|the|all the|any) (lines|line|rows) (with|containing|that contain|mentioning|that mention|having|that have) <x:needle> (from|in|out of) <src:onefile>
!(delete|remove|erase) (all|the|) lines (in|of) <src:onefile> (that contain|containing|with|mentioning) <x:needle>
!(delete|remove|drop) (all|the|every) (lines|line) (matching|that match) (the|) (regex|pattern|regular expression) <x:regex> (from|in) <src:onefile><+regex>
.(lines|all lines|the lines) (with|containing) <x:needle> (in|of) <src:onefile> (should|must) (go|be deleted|be removed)
.i (don't want|want no) lines (with|containing) <x:needle> in <src:onefile> [anymore]
:delete lines with <x:needle> (from|in) <src:onefile>
""", 1.6)  # fmt: skip
chain("keep-lines", "text.search pattern=#x source=@src; file.write path=#src content=$1 how=overwrite", """
!keep only (the|) lines (with|containing|that contain) <x:needle> in <src:onefile>
!(delete|remove|drop) (all|every|) lines (from|in) <src:onefile> (except|but|apart from|other than) (those|the ones) (with|containing|that contain) <x:needle>
""", 0.8)  # fmt: skip
chain("sort-in-place", "text.sort source=@source *=*; file.write path=#source content=$1 how=overwrite", """
!sort <source:onefile> in place{sortopts}
!sort (the lines of|) <source:onefile>{sortopts} and (save|write) it back
!sort <source:onefile>{sortopts} and overwrite it [with the result]
""", 0.9)  # fmt: skip
chain("unique-in-place", "text.unique source=@source; file.write path=#source content=$1 how=overwrite", """
!(remove|drop) (the|all|) duplicate lines (from|in) <source:onefile> (in place|and save it|and save the file|and write it back|and overwrite it)
!(dedupe|deduplicate) <source:onefile> in place
""", 0.8)  # fmt: skip
chain("csv-unique", "text.csv source=@source columns=#columns; text.unique source=$1 count=#count", """
!(show|print|list|get|give me) the (unique|distinct|different) (values|entries) (of|in) (the|) <columns:colname> {colword} (of|in) <source:table>
!(show|print|list|get|give me) the (unique|distinct|different) values (of|in) {colword} <columns:colname> (of|in) <source:table>
?(which|what) (distinct|different|unique) values does (the|) <columns:colname> {colword} (of|in) <source:table> have
?what are the (distinct|different|unique) values (of|in) <columns:colname> in <source:table>
!count how often each value of <columns:colname> (occurs|appears) in <source:table><+count>
?how often does each <columns:colname> (occur|appear) in <source:table><+count>
""", 1.2)  # fmt: skip
chain("read-search", "@s; text.search pattern=#x source=$1 ignore_case=#ignore_case; text.count source=$2", """
!find {lineswith} (with|containing) <x:needle> in <s:textset>{caseonly} and count them
""", 0.6)  # fmt: skip
chain("empty-folder", "file.list path=#d; file.delete paths=$1", """
!empty <d:dir>
!(empty|clear|clear out|empty out) the <d:dirname> {folder}
!(clear|wipe) the contents of <d:dir>
.<d:dir> should be (emptied|empty)
:empty <d:dirname>
:rm -rf <d:star>
""".replace(":rm -rf <d:star>\n", ""), 1.0)  # fmt: skip
chain("list-sorted-read", "@s; file.read paths=$1 last=#n", """
!(show|print|give me) the last <n:count> lines of <s:topone>
!(open|find) <s:topone> and (show|print) (its|the) last <n:count> lines
""", 0.7)  # fmt: skip
chain("read-top", "@s; file.read paths=$1", """
!(open|read|cat|show me the contents of|print the contents of|display the text of) <s:topone>
!find <s:topone> and (open|read|show|print|display) (it|its contents|what's in it)
?what('s| is) in <s:topone>
?what does <s:topone> (say|contain)
""", 1.0)  # fmt: skip
chain("big-and-old", "@s; @t", """
!(find|show|list) <s:set> and <t:set>
!(find|show|list) <s:set>, and then <t:set>
!(find|show|list) <s:set> and also <t:set>
?which <s:whichset> and which <t:whichset>
""", 1.0)  # fmt: skip
chain("two-facts-more", "system.uptime; system.users", """
?how long has this {machine} been up and who is logged in
!(show|tell me) the uptime and who is logged in
:uptime and users
""", 0.25)  # fmt: skip
chain("facts-three", "system.cpu; system.memory; system.disk", """
!(show|tell me|give me) (the|) (cpu|processor), memory and disk (usage|use|space|info)
!(show|tell me|give me) cpu, (ram|memory) and disk
?how are cpu, memory and disk doing
:cpu, memory and disk
:cpu ram disk
""", 0.4)  # fmt: skip
chain("host-all", "system.host; system.cpu; system.memory", """
!(show|tell me|give me) the (os|distro|hostname), the (cpu|processor) and the (memory|ram)
:os, cpu and ram
""", 0.25)  # fmt: skip

cross_twice()


class _Chains:
    """The templates that stand only here, with their running sums of weights."""

    def __init__(self, templates: list[Template]) -> None:
        self.templates = [t for t in templates if t.weight > 0]
        self.sums = list(accumulate(t.weight for t in self.templates))
        self.total = self.sums[-1]


CHAINS = _Chains(TEMPLATES[_START:])
del TEMPLATES[_START:]
