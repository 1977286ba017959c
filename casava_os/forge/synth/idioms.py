"""Phrasings of the shell idioms: what no syscall says and a known script does."""

from __future__ import annotations

from casava_os.forge.synth.build import template
from casava_os.forge.synth.grammar import Scene, macro, slot
from casava_os.forge.synth.words import bare, word
from casava_os.kernel.compiler.idioms import IDIOMS


@slot("nth")
def _nth(scene: Scene) -> tuple[str, object]:
    """A number with its ending ("10th"): the word itself is what is copied."""
    n = scene.rng.randint(2, 100)
    text = f"{n}{'th' if 10 < n % 100 < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')}"
    return bare(text), text


@slot("lineprefix")
def _lineprefix(scene: Scene) -> tuple[str, object]:
    """A short text to put before or after lines."""
    text = scene.pick(["> ", "# ", "- ", "// ", "* ", word(scene), f"{word(scene)}: ", ";", "--"]).strip()
    left = scene.pick(['"', "'", "`"])
    return bare(f"{left}{text}{left}"), text


macro(
    showl="(show|print|show me|give me|output|display|list)",
    oflines="(the lines of|the lines in|)",
    backwards="(backwards|in reverse order|from bottom to top|last line first|upside down|from the end to the start|in reverse)",
    infolder="(in|under|of|for) <root:dir>",
    aboutx="(lines around|lines of context around|lines of context for|lines before and after)",
)

_PHRASES: dict[str, tuple[str, float]] = {
    "reverse_lines": ("""
!{showl} <source:onefile> {backwards}
!(reverse|flip|turn around) (the lines|the order of the lines|the line order) (of|in) <source:onefile>
!(read|cat) <source:onefile> {backwards}
?can i see <source:onefile> {backwards}
:tac <source:files1>
:<source:onefile> reversed
""", 0.5),
    "shuffle_lines": ("""
!(shuffle|randomize|randomise|mix up|scramble) (the lines|the order of the lines|lines|the rows) (of|in) <source:onefile>
!(shuffle|randomize|scramble) <source:onefile>
!put the lines of <source:onefile> in (random order|a random order|any order)
!{showl} <source:onefile> in random order
:shuf <source:files1>
""", 0.5),
    "random_lines": ("""
!{showl} <limit:count> random lines (of|from|in) <source:onefile>
!(pick|choose|draw|sample|select|take) <limit:count> (lines|rows|entries) (at random|randomly) (from|out of|of) <source:onefile>
!(sample|draw) <limit:count> (lines|rows) (from|of) <source:onefile>
!(pick|draw) a random (line|entry) (from|out of|in) <source:onefile><limit=1>
:shuf -n <limit:digits> <source:files1>
""", 0.5),
    "number_lines": ("""
!number the lines (of|in) <source:onefile>
!{showl} <source:onefile> with line numbers
!(add|put) line numbers to (the output of|) <source:onefile>
!{showl} (the numbered lines|numbered lines) of <source:onefile>
:cat -n <source:files1>
:nl <source:files1>
""", 0.5),
    "upper_case": ("""
!{showl} <source:onefile> in (upper case|uppercase|capital letters|capitals|all caps|caps)
!(convert|change|turn) (the text of|the text in|the contents of) <source:onefile> (to|into) (upper case|uppercase|capitals|capital letters|all caps)
!(upcase|uppercase|capitalize) the (text|contents) (of|in) <source:onefile>
:<source:onefile> in caps
""", 0.4),
    "lower_case": ("""
!{showl} <source:onefile> in (lower case|lowercase|small letters)
!(convert|change|turn) (the text of|the text in|the contents of) <source:onefile> (to|into) (lower case|lowercase|small letters)
!(downcase|lowercase) the (text|contents) (of|in) <source:onefile>
:<source:onefile> in lowercase
""", 0.4),
    "without_blank_lines": ("""
!{showl} <source:onefile> without (the|) (blank|empty) lines
!(remove|drop|skip|strip|leave out|filter out) (the|all|) (blank|empty) lines (of|from|in) <source:onefile>
!{showl} (the|only the) (non-empty|non-blank) lines (of|in) <source:onefile>
:<source:onefile> no blank lines
""", 0.5),
    "without_comments": ("""
!{showl} <source:onefile> without (the|) (comments|comment lines|commented lines)
!(remove|drop|skip|strip|leave out|hide) (the|all|) (comments|comment lines) (of|from|in) <source:onefile>
!{showl} (only|just) the (settings|active lines|lines that are not comments|uncommented lines) (of|in) <source:onefile>
:<source:onefile> minus comments
""", 0.4),
    "every_nth_line": ("""
!{showl} every <limit:nth> line (of|in|from) <source:onefile>
!(take|keep|pick|extract|sample) every <limit:nth> (line|row) (of|in|from) <source:onefile>
!{showl} one (line|row) in <limit:count> (of|from) <source:onefile>
""", 0.4),
    "longest_line": ("""
!{showl} the longest line (of|in|from) <source:onefile>
!find the longest line (of|in) <source:onefile>
?(what|which) is the longest line (of|in) <source:onefile>
:longest line <source:onefile>
""", 0.35),
    "shortest_line": ("""
!{showl} the shortest line (of|in|from) <source:onefile>
!find the shortest line (of|in) <source:onefile>
?(what|which) is the shortest line (of|in) <source:onefile>
""", 0.25),
    "long_lines": ("""
!{showl} (the|all|) lines (longer than|of more than|with more than|over) <limit:count> (characters|chars|columns|letters) (of|in|from) <source:onefile>
!(find|check) (the|) lines in <source:onefile> (that are longer than|that exceed|with more than) <limit:count> (characters|chars|columns)
?(which|what) lines (of|in) <source:onefile> (are longer than|exceed|have more than) <limit:count> (characters|chars|columns)
""", 0.4),
    "sort_by_length": ("""
!(sort|order|arrange) (the lines of|the lines in|) <source:onefile> by (length|line length|how long they are)
!{showl} the lines of <source:onefile> from (shortest to longest|short to long)
""", 0.35),
    "word_frequency": ("""
!{showl} the word (frequencies|frequency|counts) (of|in|for) <source:onefile>
!{showl} the <limit:count> most (frequent|common|used) words (of|in|from) <source:onefile>
!count how often (each|every) word (occurs|appears|is used) in <source:onefile>
?(what|which) are the <limit:count> most (common|frequent) words (of|in) <source:onefile>
?(which|what) words (occur|appear) (most|most often) in <source:onefile>
:word frequency <source:onefile>
:top <limit:count> words (in|of) <source:onefile>
""", 0.5),
    "unique_words": ("""
!{showl} (the|all|all the) (unique|distinct|different) words (of|in|from) <source:onefile>
!(make|give me) a list of (all|the|) words (that occur|used) in <source:onefile>
:vocabulary of <source:onefile>
""", 0.35),
    "lines_around": ("""
!{showl} <limit:count> {aboutx} <pattern:needle> in <source:source>
!(search|grep) <source:source> for <pattern:needle> with <limit:count> lines of context
!(search for|grep for|find) <pattern:needle> (with|and show) <limit:count> (lines of context|lines around it|lines before and after it)
:grep -C <limit:digits> <pattern:needle> <source:files1>
""", 0.5),
    "lines_after": ("""
!{showl} (the|) <limit:count> lines (after|following|below|that follow) <pattern:needle> in <source:source>
!(search|grep) <source:source> for <pattern:needle> (and show|with) the <limit:count> lines (after|below|following) (it|each match)
!{showl} what comes after <pattern:needle> in <source:source>, <limit:count> lines
:grep -A <limit:digits> <pattern:needle> <source:files1>
""", 0.4),
    "lines_before": ("""
!{showl} (the|) <limit:count> lines (before|above|preceding|that come before) <pattern:needle> in <source:source>
!(search|grep) <source:source> for <pattern:needle> (and show|with) the <limit:count> lines (before|above|preceding) (it|each match)
:grep -B <limit:digits> <pattern:needle> <source:files1>
""", 0.4),
    "lines_between": ("""
!{showl} (the|all|all the|) (lines|text|part|section) (between|from) <pattern:needle> (and|to|until) <find:needle> (of|in|from) <source:onefile>
!(extract|cut out|get) (the|) (lines|part|section|block) (between|from) <pattern:needle> (and|to|until|up to) <find:needle> (of|in|from) <source:onefile>
""", 0.4),
    "matches_per_file": ("""
!count (the lines with|the lines containing|the matches for|the matches of|) <pattern:needle> (in each file|per file|for each file|file by file) [(in|under) <source:source>]
!{showl} how (many|often) lines (with|mention) <pattern:needle> each file (in <source:source>|) has
?how many lines mention <pattern:needle> (per file|in each file) [(in|under) <source:source>]
:grep -c <pattern:needle> <source:source>
""", 0.4),
    "emails": ("""
!(extract|find|list|get|show|pull|collect|grab) (all|all the|the|every|) (email|e-mail|mail) addresses (from|in|of|out of) <source:source>
!{showl} (the|all|) (emails|e-mails|mail addresses) (that are|) in <source:source>
?(which|what) (email|e-mail) addresses (are|occur|appear) in <source:source>
:emails in <source:source>
""", 0.45),
    "addresses": ("""
!(extract|find|list|get|show|pull|collect) (all|all the|the|every|) (urls|links|web addresses|hyperlinks|web links|http links) (from|in|of|out of) <source:source>
?(which|what) (urls|links|web addresses) (are|occur|appear) in <source:source>
:urls in <source:source>
""", 0.45),
    "ip_addresses": ("""
!(extract|find|list|get|show|pull|collect) (all|all the|the|every|) (ip addresses|ips|ip numbers|ip addrs) (from|in|of|out of) <source:source>
?(which|what) (ip addresses|ips) (are|occur|appear) in <source:source>
:ips in <source:source>
""", 0.45),
    "numbers": ("""
!(extract|list|get|pull|collect) (all|all the|the|every|) numbers (from|in|out of) <source:source>
!{showl} (only|just|all) the numbers (in|from) <source:source>
""", 0.3),
    "sum_column": ("""
!(add up|sum|sum up|total) (the numbers|the values|all numbers) in <source:onefile>
!(add up|sum|sum up|total) the <column:nth> column (of|in) <source:onefile>
!(add up|sum|total) column <column:digits> (of|in) <source:onefile>
?(what|how much) is the (sum|total) of (the numbers|all numbers|the values) in <source:onefile>
""", 0.45),
    "side_by_side": ("""
!(put|show|print|paste) <left:filename> and <right:filename> (side by side|next to each other|beside each other)
!(paste|join|glue) (the lines of|) <left:filename> and <right:filename> (together|line by line|side by side)
:paste <left:filename> <right:filename>
""", 0.4),
    "common_lines": ("""
!{showl} (the|all|) lines (that are in both|common to|that occur in both|shared by) <left:filename> and <right:filename>
?(which|what) lines (are in both|do|are common to) <left:filename> and <right:filename> [(have in common|share)]
!(intersect) <left:filename> (and|with) <right:filename>
""", 0.4),
    "lines_only_in": ("""
!{showl} (the|all|) lines (of|in|from) <left:filename> that are (not|missing|absent) (in|from) <right:filename>
!{showl} what is in <left:filename> but not in <right:filename>
?(which|what) lines of <left:filename> (are missing from|are not in|does not exist in) <right:filename>
""", 0.45),
    "split_by_lines": ("""
!(split|cut|chop|divide|break) <path:filename> (into|in) (pieces|parts|chunks|files|blocks) of <limit:count> (lines|rows) [each]
!(split|cut|break up) <path:filename> (every|after every|after each) <limit:count> (lines|rows)
:split -l <limit:digits> <path:filename>
""", 0.5),
    "split_by_size": ("""
!(split|cut|chop|divide|break) <path:filename> (into|in) (pieces|parts|chunks|files) of <larger_than:size> [each|at most]
!(split|cut) <path:filename> into <larger_than:size> (chunks|pieces|parts)
:split -b <larger_than:size> <path:filename>
""", 0.4),
    "join_files": ("""
!(join|merge|concatenate|combine|glue|put) <paths:files> (together|) (into|in|to) (one file|a single file|the file|a file called|a file|) <to:newfile>
!(concatenate|join|merge|combine|cat together) <paths:files> (as|into) <to:newfile>
:cat <paths:files1> > <to:newfile>
""", 0.5),
    "transpose": ("""
!(transpose|pivot|flip|rotate) (the table|the csv|the rows and columns of|) <source:onedotted>
!(swap|exchange) (the rows and columns|rows and columns|columns and rows) (of|in) <source:onedotted>
""", 0.35),
    "csv_to_json": ("""
!(convert|turn|transform|change|export) (the csv|the table|) <source:onedotted> (to|into|as) json
!{showl} <source:onedotted> as json
.i (want|need) <source:onedotted> (as|in) json
:<source:onedotted> to json
:csv2json <source:onedotted>
""", 0.45),
    "json_to_csv": ("""
!(convert|turn|transform|change|export) (the json|) <source:onedotted> (to|into|as) (csv|a csv|a table|a spreadsheet)
!{showl} <source:onedotted> as (csv|a table)
:<source:onedotted> to csv
:json2csv <source:onedotted>
""", 0.45),
    "csv_header": ("""
!{showl} the (column names|columns|headers|header|column headers|field names) (of|in) <source:onedotted>
!list the (columns|fields) (of|in) <source:onedotted>
?(what|which) (columns|fields|headers) (does|has) <source:onedotted> [have]
?what are the (columns|column names|headers) (of|in) <source:onedotted>
:headers of <source:onedotted>
""", 0.55),
    "json_keys": ("""
!{showl} the (keys|top-level keys|top level keys|properties) (of|in) <source:onedotted>
?(what|which) keys (does|are in) <source:onedotted> [have]
:keys of <source:onedotted>
""", 0.35),
    "json_valid": ("""
!(check|validate|verify|test) (whether|if|that) <source:onedotted> is (valid|correct|well-formed|proper) json
!(validate|lint|check) the json (in|of|file) <source:onedotted>
?is <source:onedotted> (valid|correct|well-formed) json
:jsonlint <source:files1>
""", 0.4),
    "tabs_to_spaces": ("""
!{showl} <source:onefile> with (tabs as spaces|the tabs expanded|spaces instead of tabs)
!(convert|change|turn|expand) (the|all|) tabs (in|of) <source:onefile> (to|into) spaces
:expand <source:files1>
""", 0.35),
    "base64_encode": ("""
!(base64 encode|base64-encode|encode) <source:onefile> (in base64|as base64|with base64|to base64)
!{showl} <source:onefile> (as|in) base64
:base64 <source:files1>
""", 0.35),
    "base64_decode": ("""
!(decode|base64 decode|base64-decode) <source:onefile> (from base64|with base64|as base64)
!decode the base64 (in|of) <source:onefile>
:base64 -d <source:files1>
""", 0.35),
    "hex_dump": ("""
!{showl} (a hex dump|the bytes|a hexdump|the hex) of <source:onefile>
!{showl} <source:onefile> in (hex|hexadecimal)
!(hexdump|hex dump|dump) <source:onefile> (in hex|as hex)
:hexdump <source:files1>
:xxd <source:files1>
""", 0.4),
    "strip_tags": ("""
!(strip|remove|drop) (the|all|) (html|xml|) tags (from|in|of) <source:onefile>
!{showl} <source:onefile> without (the|) (html|) tags
!{showl} the (plain text|text only|bare text) of <source:onefile> without html
""", 0.35),
    "line_endings": ("""
!(convert|change|fix) (the|) (line endings|windows line endings|crlf|dos line endings) (of|in) <paths:files> [to (unix|lf)|]
!(remove|strip) (the|) (carriage returns|windows line endings|crs) (from|in) <paths:files>
:dos2unix <paths:files1>
""", 0.45),
    "trailing_spaces": ("""
!(remove|strip|delete|trim|get rid of) (the|all|) (trailing spaces|trailing whitespace|trailing white space|spaces at the ends of lines|whitespace at line ends) (from|in|of) <paths:files>
!(trim|clean) the line ends (of|in) <paths:files>
""", 0.45),
    "prefix_lines": ("""
!(put|add|insert|prepend) <prefix:lineprefix> (before|in front of|at the beginning of|at the start of|to the start of) (each|every) line (of|in) <source:onefile>
!prefix (each|every) line (of|in) <source:onefile> with <prefix:lineprefix>
""", 0.35),
    "suffix_lines": ("""
!(put|add|append) <suffix:lineprefix> (after|at the end of|to the end of|behind) (each|every) line (of|in) <source:onefile>
!suffix (each|every) line (of|in) <source:onefile> with <suffix:lineprefix>
""", 0.3),
    "tree": ("""
!{showl} (the|a|) (tree|directory tree|folder tree|folder structure|directory structure|hierarchy) [{infolder}|here|]
!{showl} (<root:dir>|this folder) as a tree
?what does the (folder structure|directory tree|tree) [{infolder}] look like
:tree
:tree <root:dirname>
""", 0.6),
    "files_per_extension": ("""
!count (the|my|all|) files (by|per|for each) (extension|file type|type|ending) [{infolder}]
!{showl} how many files (there are of|i have of) (each|every) (extension|type|file type) [{infolder}]
?how many files (are there|do i have) (of each type|per extension|by extension|of each extension) [{infolder}]
?(what|which) (file types|extensions|types of files) (are there|do i have) [{infolder}]
""", 0.5),
    "files_per_folder": ("""
!count (the|) files (in each folder|per folder|per directory|by folder|in every folder|folder by folder) [{infolder}]
!{showl} how many files (each|every) (folder|directory|subfolder) (has|holds|contains) [{infolder}]
?how many files (are in|does) each (folder|directory|subfolder) [{infolder}]
?(which|what) (folder|directory) (has|holds) (the most|most) files [{infolder}]
""", 0.45),
    "sort_by_extension": ("""
!(sort|organize|organise|group|arrange|tidy) (the|all|my|) files [{infolder}|here|] (into folders|into subfolders|in folders|) by (extension|type|file type|ending|kind)
!(make|create) a folder for (each|every) (extension|file type|type) [{infolder}] and move the files (there|into it|in)
!(organize|organise|group) <root:dir> by (extension|file type|type)
:organize by (extension|type)
""", 0.5),
    "sort_by_month": ("""
!(sort|organize|organise|group|arrange|file) (the|all|my|) (files|photos|pictures) [{infolder}|here|] (into folders|into subfolders|in folders|) by (month|date|year and month)
!(make|create) a folder for (each|every) month [{infolder}] and move the files (there|into it|in)
!(organize|organise|group) <root:dir> by (month|date)
""", 0.45),
    "flatten": ("""
!(flatten) (the folder|the directory|) <root:dir>
!flatten (this folder|everything here|all subfolders|the folder structure)
!(move|bring|pull) (all|the|) files (from|out of|in) (the|all|all the) subfolders (up|) (into|of|to) <root:dir> [itself|directly]
""", 0.4),
    "spaces_to_underscores": ("""
!replace (the|) (spaces|blanks) (in|of) (the|all|my|) (file names|filenames|names) [{infolder}|] (with|by) underscores
!(rename|change) (the|all|my|) files [{infolder}|here|] (so that spaces are underscores|to have underscores instead of spaces|with underscores for spaces)
!(get rid of|remove) the spaces in (the|all|my|) (file names|filenames) [{infolder}]
""", 0.45),
    "dated_backup": ("""
!(make|create|take) a (dated backup|backup with today's date|dated copy|copy with today's date|copy with the date in its name|timestamped backup) (of|for) <paths:files>
!(back up|copy) <paths:files> with (the date|today's date|a date) (in the name|at the end|as suffix|appended)
""", 0.45),
    "list_archive": ("""
!(list|show|print) (what is in|what's in|what's inside|the contents of|the files in|the entries of) (the archive|the zip|the tarball|) <path:archive> [without (extracting|unpacking) it]
!(peek|look) (into|inside) (the archive|) <path:archive>
?what('s| is) (in|inside) (the archive|the zip|the tarball|) <path:archive>
?(which|what) files (are in|does) <path:archive> [(contain|hold)]
:unzip -l <path:archive>
:tar tf <path:archive>
:tar -tvf <path:archive>
""", 0.7),
    "absolute_path": ("""
!{showl} the (full|absolute|whole|complete) path (of|to) <paths:files>
?(what|where) is the (full|absolute) path (of|to) <paths:onefile>
:realpath <paths:files1>
:readlink -f <paths:files1>
""", 0.4),
    "calendar": ("""
!{showl} (a|the|this month's|) calendar [of this month|for this month|]
?what does this month look like
:cal
:calendar
""", 0.15),
    "uuid": ("""
!(generate|make|create|give me|print) (a|one|a new|a random) (uuid|guid|unique id)
:uuid
:uuidgen
""", 0.15),
    "password": ("""
!(generate|make|create|give me|suggest|print) (a|a random|a new|a strong|a secure) password
!(generate|make|give me) (a|a random|a strong) password (of|with) <limit:count> (characters|letters|chars)
!(generate|make) a <limit:count> character password
:random password
:pwgen <limit:digits>
""", 0.2),
    "random_number": ("""
!(generate|give me|pick|draw|print|choose) (a|any|one) random number
!(give me|pick|draw|choose|generate) a (random|) number (between|from) <first:digits> (and|to) <last:digits>
:random number
:random <first:digits>-<last:digits>
""", 0.2),
    "sequence": ("""
!(print|show|list|count|write) (the|) numbers (from) <first:digits> (to|up to|through) <last:digits>
!count (up|) from <first:digits> to <last:digits>
!count to <last:digits>
:seq <last:digits>
:seq <first:digits> <last:digits>
""", 0.2),
}  # fmt: skip

for _name, (_lines, _weight) in _PHRASES.items():
    _call = f"idiom.{_name}"
    assert _call in IDIOMS
    template(_call, _call, _lines, weight=_weight)

template("chain/idiom.save", "idiom.csv_to_json source=#source; file.write path=#f content=$1", """
!(convert|turn) (the csv|) <source:onedotted> (to|into) json and (save|write|store) it (as|to|in|into) <f:filename>
!(convert|turn|export) <source:onedotted> (to|into) <f:filename> as json
""", weight=0.25)  # fmt: skip
template("chain/idiom.save-csv", "idiom.json_to_csv source=#source; file.write path=#f content=$1", """
!(convert|turn) (the json|) <source:onedotted> (to|into) (csv|a table) and (save|write|store) it (as|to|in|into) <f:filename>
""", weight=0.2)  # fmt: skip
template("chain/idiom.shuffle-save", "idiom.shuffle_lines source=#source; file.write path=#f content=$1", """
!(shuffle|randomize) (the lines of|) <source:onefile> and (save|write|store) (it|the result|them) (as|to|in|into) <f:filename>
""", weight=0.2)  # fmt: skip
template("chain/idiom.sample-save", "idiom.random_lines source=#source limit=#limit; file.write path=#f content=$1", """
!(save|write|put) <limit:count> random (lines|rows) (of|from) <source:onefile> (to|in|into) <f:filename>
!(sample|draw) <limit:count> (lines|rows) (of|from) <source:onefile> (to|into) <f:filename>
""", weight=0.25)  # fmt: skip
template("chain/idiom.emails-save", "idiom.emails source=@source; file.write path=#f content=$1", """
!(extract|collect|get) (the|all|) (email|e-mail) addresses (from|in) <source:source> (and save them|into|to|and write them) (to|in|) <f:filename>
""".replace("(into|to|and write them) (to|in|)", "into"), weight=0.2)  # fmt: skip
for _call, _words in (
    ("reverse_lines", "(reverse|flip) (it|this|the input|the lines)"),
    ("number_lines", "number (the lines|these lines|the input)"),
    ("shuffle_lines", "(shuffle|randomize) (it|this|the input|the lines|these)"),
    ("word_frequency", "(count|show) the word frequencies [of this|of the input]"),
    ("upper_case", "(convert|change|turn) (it|this|the input) (to|into) (upper case|capitals)"),
    ("csv_to_json", "(convert|turn) (it|this|the input) (to|into) json"),
    ("csv_header", "(list|show) the (columns|headers|column names) [of this|of the input]"),
    ("emails", "(extract|list) the (email|e-mail) addresses [in this|from the input]"),
    ("base64_decode", "(decode) (it|this|the input) from base64"),
    ("json_valid", "(check|validate) (whether this is valid json|this json|the json)"),
):
    template(f"idiom.{_call}/stdin", f"idiom.{_call} source=$0", f"!{_words}\n", weight=0.12, stdin=True)
