"""Phrasings of family `text`: searching, counting, replacing, sorting, columns, CSV and JSON; files and piped input."""

from __future__ import annotations

from casava_os.forge.synth.build import template
from casava_os.forge.synth.grammar import Scene, macro, slot
from casava_os.forge.synth.words import (
    _place,
    argument,
    bare,
    dir_name,
    fresh,
    listed,
    needle_slot,
    quoted,
    stem,
    word,
)

macro(
    seek="(search|search for|look for|grep|grep for|find|scan for|hunt for|check for|look up)",
    lineswith="(lines|rows|all lines|every line|the lines|all the lines|all rows)",
    ci="(, ignoring case|, case insensitive|, case-insensitively|, ignore case|, regardless of case| case insensitively|, no matter the case|, upper or lower case|, any case)<+ignore_case>",
    ww="( as a whole word|, whole words only|, whole word only|, only whole words| as a separate word|, exact word)<+whole_word>",
    thisin="(this|the input|stdin|the text|that|it|this text|what i piped|the piped text|this input|what i pasted|the output|the stream|here)",
    flagsw="||||{ci}|{ww}",
    caseonly="|||{ci}",
)

template(
    "text.search",
    "text.search pattern=#pattern source=@source regex=#regex ignore_case=#ignore_case whole_word=#whole_word invert=#invert limit=#limit",
    """
!(search for|look for|grep|grep for|scan for|hunt for|check for) <pattern:needle> in <source:textobj>{flagsw}
!(search|grep|look through|go through|scan) <source:textobj> for <pattern:needle>{flagsw}
!(search for|look for|grep for) (the (word|text|string|phrase)|) <pattern:needle> in <source:textobj>{flagsw}
!find (the (word|text|string|phrase)|every|all|all occurrences of|every mention of|every occurrence of|each|any mention of|uses of|all mentions of) <pattern:needle> in <source:textobj>{flagsw}
!(show|print|list|find|give me|display|get) {lineswith} (with|containing|that contain|that have|mentioning|that mention|including|having) <pattern:needle> (in|of|from) <source:textobj>{caseonly}
!(show|print|list|find|give me) <source:textobj> {lineswith} (with|containing) <pattern:needle>{caseonly}
!(show|tell) me where <pattern:needle> (is used|is mentioned|appears|occurs|is defined|shows up|is) in <source:textobj>{flagsw}
!(search for|look for|grep|grep for) <pattern:needle>{flagsw}
!(search for|grep for|look for) <pattern:needle> (in all files|in every file|everywhere|in this folder|here|in here|in the whole project|across all files|in the current directory|recursively){flagsw}
!find (every|all|each) (mention|occurrence|mentions|occurrences|use|uses) of <pattern:needle> (here|in this project|in this folder|everywhere|in all files|){flagsw}
!find {lineswith} (with|containing|that contain) <pattern:needle>{caseonly}
!(show|print|list|find|give me|display) {lineswith} (without|not containing|that (don't|do not) (contain|have|mention|include)|which don't contain|that lack) <pattern:needle> (in|of|from) <source:source>{caseonly}<+invert>
!(show|print) (everything|all) (in|of) <source:source> (except|but|apart from) {lineswith} (with|containing) <pattern:needle><+invert>
!filter out {lineswith} (with|containing) <pattern:needle> from <source:source><+invert>
!(show|print|find|list|get|display) {lineswith} (matching|that match) [the] (regex|regular expression|pattern|regexp) <pattern:regex> in <source:textobj>{caseonly}<+regex>
!(search|grep|scan) <source:textobj> for the (regex|regular expression|pattern|regexp) <pattern:regex>{caseonly}<+regex>
!(search for|grep for|look for|find) the (regex|regular expression|regexp) <pattern:regex> in <source:textobj>{caseonly}<+regex>
!(search for|grep for|look for|find) the (regex|regular expression|regexp) <pattern:regex> (everywhere|in all files|here|){caseonly}<+regex>
!(show|print|find|give me|get) the first <limit:count> (lines|matches|occurrences|hits|results) (with|containing|of|for) <pattern:needle> in <source:source>{caseonly}
!(search for|grep for|look for) <pattern:needle> in <source:textobj>, (at most|no more than|max|only the first|just the first|stop after) <limit:count> (matches|results|hits|lines)
?(where|in which lines|on which lines) (is|does) <pattern:needle> (used|mentioned|appear|occur|defined|come up|show up) in <source:textobj>
?(where|in which files and lines) (is|do we use|do we mention) <pattern:needle> (used|mentioned|called|)
?which lines (in|of) <source:source> (contain|mention|have|include) <pattern:needle>{caseonly}
?which lines (in|of) <source:source> (don't|do not) (contain|mention|have|include) <pattern:needle>{caseonly}<+invert>
?which lines (in|of) <source:source> match [the] (regex|regular expression|pattern) <pattern:regex><+regex>
?does <source:onefile> (contain|mention|have|include|say) <pattern:needle> [anywhere]
?is <pattern:needle> (mentioned|used|in there|anywhere) in <source:textobj>
?is there (a|any|some|any mention of|anything about) <pattern:needle> in <source:textobj>
?are there any (errors like|lines with|mentions of|occurrences of) <pattern:needle> in <source:textobj>
?who (uses|calls|imports) <pattern:needle> in <source:textobj>
?what does <source:onefile> say about <pattern:needle>
.i (want|need) (to see|to find|) (all|every|the|) {lineswith} (with|containing|that mention) <pattern:needle> in <source:textobj>
.i (want|need) to (search|grep) <source:textobj> for <pattern:needle>
.i (want|need) to (find|know|see) where <pattern:needle> (is used|is|occurs|appears) in <source:textobj>
.(i am|i'm) looking for <pattern:needle> in <source:source>
:grep <pattern:needle> <source:files1>
:grep -i <pattern:needle> <source:files1><+ignore_case>
:grep -v <pattern:needle> <source:files1><+invert>
:grep -w <pattern:needle> <source:files1><+whole_word>
:grep -n <pattern:needle> <source:files1>
:grep -E <pattern:regex> <source:files1><+regex>
:grep -r <pattern:needle> <source:dirname>
:grep -rn <pattern:needle> .
:grep -rn <pattern:needle> <source:dirname>
:grep -ri <pattern:needle> <source:dirname><+ignore_case>
:grep -r <pattern:needle>
:rg <pattern:needle>
:rg <pattern:needle> <source:dirname>
:rg -i <pattern:needle><+ignore_case>
:ag <pattern:needle>
:<pattern:needle> in <source:source>
!find <pattern:needle> in <source:onedotted>
:find <pattern:needle> in <source:onedotted>
:{lineswith} with <pattern:needle> in <source:source>
:lines without <pattern:needle> in <source:source><+invert>
:search <pattern:needle>
:search <source:source> for <pattern:needle>
:occurrences of <pattern:needle> in <source:textobj>
""",
    weight=4.0,
)

template(
    "text.search/stdin",
    "text.search source=$0 pattern=#pattern regex=#regex ignore_case=#ignore_case whole_word=#whole_word invert=#invert limit=#limit",
    """
!(search for|look for|grep|grep for|find) <pattern:needle> in {thisin}{flagsw}
!(show|print|list|give me|keep|only show|filter|extract) (only|) {lineswith} (with|containing|that contain|that mention) <pattern:needle>{caseonly}
!(drop|remove|filter out|leave out|hide|skip) {lineswith} (with|containing|that contain) <pattern:needle>{caseonly}<+invert>
!(show|print|keep|list) {lineswith} (without|not containing|that don't contain) <pattern:needle>{caseonly}<+invert>
!(show|keep|print) {lineswith} matching (the|) (regex|regular expression|pattern) <pattern:regex><+regex>
!(show|print) the first <limit:count> lines (with|containing) <pattern:needle>
?which lines (of this|in this|here|) (contain|mention|have) <pattern:needle>{caseonly}
?does (this|the input|it) (contain|mention) <pattern:needle>
:grep <pattern:needle>
:grep -i <pattern:needle><+ignore_case>
:grep -v <pattern:needle><+invert>
:only lines with <pattern:needle>
:lines with <pattern:needle>
:lines without <pattern:needle><+invert>
:<pattern:needle> lines only
""",
    weight=0.8,
    stdin=True,
)

macro(
    unit="(lines|rows|lines of text|lines)|words<what=words>|(characters|chars|letters)<what=characters>|bytes<what=bytes>",
    unitsing="line|word<what=words>|(character|char)<what=characters>|byte<what=bytes>",
    occ="(occurrences|instances|mentions|appearances|uses)",
)

template(
    "text.count",
    "text.count source=@source what=#what pattern=#pattern regex=#regex ignore_case=#ignore_case",
    """
?how many {unit} (are|are there) in <source:textobj>
?how many {unit} (does|do) <source:textobj> (have|contain|consist of)
?how many {unit} (long is|is) <source:onefile> [long]
?how many {unit} are in <source:textset> (in total|altogether|together|combined|)
?how long is <source:onefile> in {unit}
?how many {unit} did i write in <source:source>
?what('s| is) the {unitsing} count (of|for|in) <source:textobj>
?what('s| is) the (number|total number) of {unit} (in|of) <source:textobj>
!count (the|all|all the|) {unit} (in|of|from) <source:textobj>
!count <source:textobj> {unit}
!count how many {unit} <source:source> (has|contains)
!(tell me|show me|find out|show|check|see) how many {unit} (there are|are) in <source:textobj>
!(tell me|show|find out) how many {unit} <source:onefile> has
!(give me|show|print|get|calculate|compute) the {unitsing} count (of|for) <source:textobj>
!(give me|show|print|get|report) the (number|total number) of {unit} (in|of) <source:textobj>
!(do|make) a {unitsing} count (of|on) <source:textobj>
.i (want|need) (to know the|the|a) {unitsing} count (of|for) <source:textobj>
.i (want|need) to know how many {unit} <source:onefile> has
:{unitsing} count <source:source>
:{unitsing} count of <source:textobj>
:{unit} in <source:textobj>
:number of {unit} in <source:textobj>
:count {unit} <source:files1>
:wc -l <source:files1>
:wc -w <source:files1><what=words>
:wc -c <source:files1><what=bytes>
:wc -m <source:files1><what=characters>
:<source:files1> {unitsing} count
:loc in <source:textset>
""",
    weight=2.6,
)

template(
    "text.count/code",
    "file.find kind=code root=#root; text.count source=$1",
    """
?how many lines of code (are|are there|do i have|do we have|have i written|are there in total) [{inroot}]
?how (big|large|long) is (the|my|this) (codebase|code base|project) in lines [of code]
?how many lines does (the|my|this) (codebase|source code|code base|project's code) have
!count (the|all|all the|my) lines of code [{inroot}]
!(tell me|show me|find out|work out) how many lines of code (there are|i have|we have) [{inroot}]
!(show|give me) the (lines of code|line count of the code|loc) [{inroot}]
.i (want|need) (to know|) the number of lines of code [{inroot}]
:lines of code [{inroot}]
:loc [{inroot}]
:cloc
:cloc <root:dirname>
""",
    weight=0.6,
)

template(
    "text.count/matches",
    "text.count source=@source what=#what pattern=#pattern regex=#regex ignore_case=#ignore_case",
    """
?how (many times|often) (does|is) [the (word|string|text|phrase)] <pattern:needle> (appear|occur|mentioned|used|come up|show up|in there) in <source:textobj>{caseonly}<what=matches>
?how many {occ} of <pattern:needle> are [there] in <source:textobj>{caseonly}<what=matches>
?how many times do we (use|mention|say) <pattern:needle> in <source:textobj><what=matches>
?how many times does <source:source> (mention|contain|say|use) <pattern:needle>{caseonly}<what=matches>
?how many <pattern:bareword> are [there] in <source:source><what=matches>
?how many lines (in|of) <source:textobj> (contain|mention|have|include) <pattern:needle>{caseonly}<what=matching_lines>
?how many lines (with|containing|mentioning|that contain|that mention) <pattern:needle> are [there] in <source:textobj>{caseonly}<what=matching_lines>
?how many lines of <source:source> match [the] (regex|regular expression|pattern) <pattern:regex><+regex><what=matching_lines>
?how many times does the (regex|regular expression|pattern) <pattern:regex> match in <source:source><+regex><what=matches>
?on how many lines (does|is) <pattern:needle> (appear|occur|mentioned) in <source:source><what=matching_lines>
!count (the|all|all the|every|) {occ} of <pattern:needle> in <source:textobj>{caseonly}<what=matches>
!count (how often|how many times) <pattern:needle> (appears|occurs|is used|is mentioned) in <source:textobj>{caseonly}<what=matches>
!count (the|all|all the|) lines (with|containing|that contain|mentioning|that mention|having) <pattern:needle> in <source:textobj>{caseonly}<what=matching_lines>
!count (the|all|) lines (in|of) <source:textobj> (that contain|containing|with|mentioning) <pattern:needle>{caseonly}<what=matching_lines>
!count (the|) lines (in|of) <source:source> (that match|matching) [the] (regex|regular expression|pattern) <pattern:regex><+regex><what=matching_lines>
!(tell|show) me how (often|many times) <pattern:needle> (appears|occurs|is mentioned|is used) in <source:textobj>{caseonly}<what=matches>
!(tell|show) me how many lines of <source:source> (contain|mention) <pattern:needle>{caseonly}<what=matching_lines>
!(give me|show|get) the number of {occ} of <pattern:needle> in <source:textobj><what=matches>
!(give me|show|get) the number of lines (with|containing) <pattern:needle> in <source:textobj><what=matching_lines>
.i (want|need) to know how (often|many times) <pattern:needle> (appears|occurs|is used) in <source:textobj><what=matches>
.i (want|need) the number of lines (with|containing) <pattern:needle> in <source:source><what=matching_lines>
:count <pattern:needle> in <source:textobj><what=matches>
:number of {occ} of <pattern:needle> in <source:textobj><what=matches>
:how often <pattern:needle> in <source:source><what=matches>
:grep -c <pattern:needle> <source:files1><what=matching_lines>
:number of lines with <pattern:needle> in <source:source><what=matching_lines>
:lines with <pattern:needle> in <source:source>, how many<what=matching_lines>
:<pattern:needle> count in <source:source><what=matches>
""",
    weight=2.4,
)

template(
    "text.count/stdin",
    "text.count source=$0 what=#what pattern=#pattern regex=#regex ignore_case=#ignore_case",
    """
?how many {unit} (are|are there) (in {thisin}|here|)
?how many {unit} does (this|the input|it) have
?how many {unit} (is this|is it)
?how many <pattern:bareword> are (in {thisin}|there|here)<what=matches>
?how (many times|often) (does|is) <pattern:needle> (appear|occur|mentioned|come up) (in {thisin}|here|)<what=matches>
?how many lines (in {thisin}|here|) (contain|mention|have) <pattern:needle>{caseonly}<what=matching_lines>
?how many lines (with|containing) <pattern:needle> are (in {thisin}|there|here)<what=matching_lines>
!count (the|all the|) {unit} (in {thisin}|of {thisin}|)
!count (the|all|) {occ} of <pattern:needle> (in {thisin}|)<what=matches>
!count (the|) lines (with|containing) <pattern:needle> (in {thisin}|)<what=matching_lines>
!count <pattern:needle> in {thisin}<what=matches>
:{unitsing} count
:wc -l
:wc -w<what=words>
:number of {unit}
:grep -c <pattern:needle><what=matching_lines>
""",
    weight=0.8,
    stdin=True,
)


@slot("bareword")
def _bareword(scene: Scene) -> tuple[str, object]:
    """A noun whose plural -s is left outside when the text is not itself a plural."""
    text = scene.pick(
        ["errors", "warnings", "TODOs", "exceptions", "commas", "failures", "timeouts", "matches", "ERRORs"]
    )
    if scene.chance(0.5):
        text = word(scene)
    return bare(text), text


template(
    "text.replace",
    "text.replace paths=@paths find=#find replacement=#replacement regex=#regex ignore_case=#ignore_case whole_word=#whole_word",
    """
!(replace|change|swap|substitute|switch) <find:needle> (with|by|to|for|into) <replacement:repl> in <paths:textobj>{flagsw}
!(replace|change|substitute) (all|every|each|all occurrences of|every occurrence of|all instances of|each|any) <find:needle> (with|by|to) <replacement:repl> in <paths:textobj>{flagsw}
!(replace|change) (the (word|text|string|phrase|value)) <find:needle> (with|by|to|into) <replacement:repl> in <paths:textobj>{flagsw}
!in <paths:textobj>, (replace|change|swap) <find:needle> (with|by|to|for) <replacement:repl>{flagsw}
!(find and replace|search and replace|do a find and replace of) <find:needle> (with|by|to) <replacement:repl> in <paths:textobj>{flagsw}
!(find|look for) <find:needle> in <paths:textobj> and (replace|change) it (with|by|to) <replacement:repl>{flagsw}
!(turn|convert) (every|all|each|the|) <find:needle> into <replacement:repl> in <paths:textobj>{flagsw}
!(update|edit|modify|fix|correct) <paths:onefile>(: replace|, replacing| by replacing|, changing|: change| and change| and replace) <find:needle> (with|to|by) <replacement:repl>
!(use|write|put) <replacement:repl> instead of <find:needle> in <paths:textobj>
!rename (the (variable|function|class|method|symbol)|) <find:word> to <replacement:word> in <paths:textset>
!(set|change) (every|all) <find:needle> (in|inside|throughout|across) <paths:textobj> to <replacement:repl>
!(replace|change) <find:needle> (with|to|by) <replacement:repl> (throughout|everywhere in|across|all over|inside) <paths:textobj>{flagsw}
!(delete|remove|erase|strip|take out|cut) (all|every|each|all occurrences of|every occurrence of|the (word|text|string)) <find:needle> (from|in|inside) <paths:textobj>{caseonly}
!replace (the|everything matching the|) (regex|regular expression|pattern) <find:regex> (with|by) <replacement:repl> in <paths:textobj>{caseonly}<+regex>
!(replace|substitute) (everything|all text|whatever) (that matches|matching) <find:regex> (with|by) <replacement:repl> in <paths:textobj><+regex>
?can <find:needle> be (replaced|changed) (with|by|to) <replacement:repl> in <paths:textobj>
.<find:needle> should be (replaced (with|by)|changed to) <replacement:repl> in <paths:textobj>
.every <find:needle> in <paths:textobj> should be <replacement:repl>
.i (want|need) <find:needle> (replaced (with|by)|changed to) <replacement:repl> in <paths:textobj>
.i (want|need) to (replace|change) <find:needle> (with|to) <replacement:repl> in <paths:textobj>
.i misspelled <replacement:word> as <find:word> in <paths:textobj>, (fix|correct) it
:replace <find:needle> <replacement:repl> <paths:files1>
:<find:needle> -> <replacement:repl> in <paths:textobj>
:<find:needle> => <replacement:repl> in <paths:source>
:replace <find:needle> with <replacement:repl> <paths:files1>
:sed <find:needle> to <replacement:repl> in <paths:source>
:s/<find:needle> -> <replacement:repl> in <paths:source>
""".replace(":s/<find:needle> -> <replacement:repl> in <paths:source>\n", ""),
    weight=3.0,
)


@slot("repl")
def _repl(scene: Scene) -> tuple[str, object]:
    """The argument `<repl>`."""
    for _ in range(10):
        said, value = needle_slot(scene)
        if value not in scene.values.values():
            return said, value
    text = fresh(scene, word)
    return bare(quoted(scene, text)), text


macro(
    rev="( in reverse| in reverse order| backwards| descending| in descending order|, reversed| from z to a|, z to a)<+reverse>",
    num="( numerically| by number| as numbers| by numeric value| in numeric order| in numerical order)<+numeric>",
    numrev="( numerically, largest first| from largest to smallest number| numerically in reverse| by number descending| numerically, descending)<+numeric><+reverse>",
    alpha="( alphabetically| in alphabetical order| by name| a to z| in order| ascending|)",
    uniq="( and (remove|drop) (duplicates|duplicate lines|repeated lines)|, without duplicates| and keep only unique lines|, unique lines only| removing duplicates)<+unique>",
    bycol="( by (the|) <column:nth> (column|field)| by (column|field) <column:count>| on (column|field) <column:count>)",
    sortopts="{alpha}|{alpha}|{rev}|{num}|{numrev}|{uniq}|{bycol}|{bycol}{num}|{bycol}{rev}|{ci}|{bycol}{delim}|{alpha}{uniq}",
    delim="(, separated by <delimiter:delimiter>|, delimited by <delimiter:delimiter>| with <delimiter:delimiter> as (the|) (separator|delimiter)|, split at <delimiter:delimiter>| using <delimiter:delimiter> as (the|) (separator|delimiter))",
)

template(
    "text.sort",
    "text.sort source=@source *=*",
    """
!(sort|order|alphabetize) <source:source>{sortopts}
!sort (the lines|lines|all lines|the rows|the content|the contents) (of|in|from) <source:source>{sortopts}
!(put|bring|arrange) (the lines|the rows) (of|in) <source:source> (in|into) (order|alphabetical order)
!(put|bring|arrange) (the lines|the rows) (of|in) <source:source> (in|into) (reverse order|reverse alphabetical order|descending order)<+reverse>
!(show|print|display|give me|output) <source:source> sorted{sortopts}
!(show|print|display|give me|output) the (lines|rows|contents) of <source:source> sorted{sortopts}
!(show|print|give me) a sorted (version|copy|list) of <source:source>
.i (want|need) <source:source> sorted{sortopts}
.i (want|need) the lines of <source:source> (sorted|in order){sortopts}
:sort <source:files1>
:sort -r <source:files1><+reverse>
:sort -n <source:files1><+numeric>
:sort -u <source:files1><+unique>
:sort -nr <source:files1><+numeric><+reverse>
:sort -k <column:count> <source:files1>
:<source:source> sorted{sortopts}
:sorted <source:source>
""",
    weight=1.6,
)
template(
    "text.sort/stdin",
    "text.sort source=$0 *=*",
    """
!(sort|order) {thisin}{sortopts}
!sort (the lines|these lines|all lines|the rows|lines|it all){sortopts}
!sort{sortopts}
!(put|arrange) (the lines|these) in (order|alphabetical order)
?can this be sorted{sortopts}
:sort
:sort -r<+reverse>
:sort -n<+numeric>
:sort -u<+unique>
:sorted{sortopts}
""",
    weight=0.6,
    stdin=True,
)

_DELIMITERS = [",", ";", ":", "|", "/", "-", "=", "#", "::", "->", "&"]


@slot("delimiter")
def _delimiter(scene: Scene) -> tuple[str, object]:
    """The argument `<delimiter>`."""
    text = scene.pick(_DELIMITERS)
    return bare(quoted(scene, text)), text


@slot("nth")
def _nth(scene: Scene) -> tuple[str, object]:
    """The argument `<nth>`."""
    text = scene.pick(
        [
            "second",
            "third",
            "2nd",
            "3rd",
            "4th",
            "fourth",
            "fifth",
            "5th",
            "first",
            "1st",
            "sixth",
            "7th",
            "second",
            "third",
            "tenth",
        ]
    )
    return bare(text), text


template(
    "text.unique",
    "text.unique source=@source *=*",
    """
!(remove|drop|delete|eliminate|strip|get rid of|leave out) (the|all|) (duplicate|repeated|duplicated|double) (lines|rows|entries) (from|in|of) <source:source>{caseonly}
!(show|print|list|give me|get|display|output) (only|just|) (the|) (unique|distinct|different) (lines|rows|entries|values) (of|in|from) <source:source>{caseonly}
!(show|print) <source:source> without (duplicates|duplicate lines|repeated lines|repetitions){caseonly}
!(dedupe|deduplicate|uniq|make unique) <source:source>{caseonly}
!(dedupe|deduplicate) the lines (of|in) <source:source>{caseonly}
!count how (often|many times) each (line|entry|row|value) (appears|occurs|is repeated) in <source:source><+count>
!count the (unique|distinct) lines (in|of) <source:source> with their (frequency|frequencies|counts)<+count>
!(show|print|list|give me) (each|every|the|) (unique|distinct) (line|lines) (of|in) <source:source> with (its|their|how often they occur, the) (count|counts|frequency)<+count>
!(show|print|list|find|give me) the most (frequent|common) lines (in|of) <source:source><+count>
?what are the (unique|distinct|different) (lines|values|entries) (in|of) <source:source>
?how often does each (line|entry|row) (occur|appear) in <source:source><+count>
?(which|what) lines (occur|appear) most often in <source:source><+count>
?what are the most (common|frequent) lines in <source:source><+count>
.i (want|need) only the (unique|distinct) lines of <source:source>
:uniq <source:files1>
:uniq -c <source:files1><+count>
:(unique|distinct) lines (of|in) <source:source>
:line frequencies (of|in) <source:source><+count>
:dedupe <source:files1>
""",
    weight=1.2,
)
template(
    "text.unique/stdin",
    "text.unique source=$0 *=*",
    """
!(remove|drop|get rid of) (the|) (duplicates|duplicate lines|repeated lines) (from this|in this|){caseonly}
!(show|print|keep) only (the|) (unique|distinct) (lines|ones|values){caseonly}
!(dedupe|deduplicate|uniq) {thisin}{caseonly}
!count how often each line (occurs|appears|is there)<+count>
?which lines (occur|appear) most often<+count>
?what are the (unique|distinct|different) lines
:uniq
:uniq -c<+count>
:(unique|distinct) lines
:dedupe
""",
    weight=0.45,
    stdin=True,
)

template(
    "text.lines/stdin",
    "text.lines source=$0 first=#first last=#last from_line=#range.0 to_line=#range.1",
    """
!(show|print|give me|get|keep|take) (the|only the|just the) first <first:count> (lines|rows) [of {thisin}]
!(show|print|give me|get|keep|take) (the|only the|just the) last <last:count> (lines|rows) [of {thisin}]
!(show|print|get|keep) lines <range:linerange> [of {thisin}]
!(show|print|get) line <range:oneline> [of {thisin}]
!(show|print) the (first|top) line [of {thisin}]<first=1>
!(show|print) the (last|final) line [of {thisin}]<last=1>
?what('s| is) the last line<last=1>
?what are the first <first:count> lines
:head
:head -n <first:count>
:tail -n <last:count>
:first <first:count> lines
:last <last:count> lines
""".replace(":head\n", ""),
    weight=0.6,
    stdin=True,
)

macro(colword="(column|field|column|col)", colswords="(columns|fields|columns|cols)")

template(
    "text.columns",
    "text.columns source=@source columns=#columns delimiter=#delimiter",
    """
!(show|print|extract|get|give me|cut|take|display|list|output) {colword} <columns:count> (of|from|in) <source:source>[{delim}]
!(show|print|extract|get|give me|cut|take|display) (only|just|) the <columns:nth> {colword} (of|from|in) <source:source>[{delim}]
!(show|print|extract|get|give me|cut|take|display) {colswords} <columns:nums> (of|from|in) <source:source>[{delim}]
!(show|print|extract|get|give me|display) (only|just|) the <columns:nths> {colword} (of|from|in) <source:source>[{delim}]
!from <source:source>, (take|show|print|extract) {colword} <columns:count>[{delim}]
!(show|print) the <columns:nth> word of (each|every) line (in|of) <source:source>
?what('s| is) in the <columns:nth> {colword} of <source:source>[{delim}]
.i (want|need) (only|just|) {colswords} <columns:nums> of <source:source>[{delim}]
.i (want|need) (only|just|) the <columns:nth> {colword} of <source:source>[{delim}]
:{colword} <columns:count> of <source:source>[{delim}]
:{colswords} <columns:nums> of <source:source>[{delim}]
:cut -f <columns:count> <source:files1>
:cut -d <delimiter:delimiter> -f <columns:count> <source:files1>
:<source:files1> {colword} <columns:count>
:<columns:nth> {colword} of <source:source>
""",
    weight=1.3,
)
template(
    "text.columns/stdin",
    "text.columns source=$0 columns=#columns delimiter=#delimiter",
    """
!(show|print|extract|get|give me|cut|take|keep) {colword} <columns:count> [of {thisin}][{delim}]
!(show|print|extract|get|give me|keep) (only|just|) the <columns:nth> {colword} [of {thisin}][{delim}]
!(show|print|extract|get|keep) {colswords} <columns:nums>[{delim}]
:{colword} <columns:count>
:{colswords} <columns:nums>
:<columns:nth> {colword}
:cut -f <columns:count>
""",
    weight=0.4,
    stdin=True,
)


@slot("nums")
def _nums(scene: Scene) -> tuple[str, object]:
    """The argument `<nums>`."""
    values = sorted(scene.rng.sample(range(1, 12), scene.rng.choice((2, 2, 3))))
    texts = [str(v) for v in values]
    return listed(scene, [bare(t) for t in texts]), texts


@slot("nths")
def _nths(scene: Scene) -> tuple[str, object]:
    """The argument `<nths>`."""
    names = ["first", "second", "third", "fourth", "fifth", "sixth"]
    values = sorted(scene.rng.sample(range(6), 2))
    texts = [names[v] for v in values]
    return f"{bare(texts[0])} and {bare(texts[1])}", texts


COLUMNS = [
    "name",
    "age",
    "city",
    "country",
    "email",
    "price",
    "amount",
    "total",
    "date",
    "quantity",
    "status",
    "id",
    "user_id",
    "score",
    "year",
    "month",
    "salary",
    "department",
    "region",
    "product",
    "category",
    "rating",
    "title",
    "author",
    "duration",
    "temperature",
    "height",
    "weight",
    "latitude",
    "longitude",
    "label",
    "value",
    "cost",
    "revenue",
    "sales",
    "gender",
    "grade",
    "state",
    "zip",
    "population",
]


@slot("colname")
def _colname(scene: Scene) -> tuple[str, object]:
    """The argument `<colname>`."""

    def make(s: Scene) -> str:
        if s.chance(0.6):
            return s.pick(COLUMNS)
        return word(s) if s.chance(0.7) else f"{word(s)}_{word(s)}"

    text = fresh(scene, make)
    return argument(scene, text, 0.12), text


@slot("colnames")
def _colnames(scene: Scene) -> tuple[str, object]:
    """The argument `<colnames>`."""
    pairs = [_colname(scene) for _ in range(scene.rng.choice((2, 2, 3)))]
    return listed(scene, [said for said, _ in pairs]), [value for _, value in pairs]


@slot("table")
def _table(scene: Scene) -> tuple[str, object]:
    """A CSV or TSV file."""
    name = fresh(scene, lambda s: f"{stem(s)}.{s.pick(['csv', 'csv', 'csv', 'csv', 'tsv', 'txt', 'CSV'])}")
    if scene.chance(0.12):
        folder = fresh(scene, dir_name)
        if scene.chance(0.5):
            return f"{argument(scene, name)} in {_place(scene, argument(scene, folder))}", [
                {"name": name, "in": folder}
            ]
        return argument(scene, f"{folder}/{name}"), [f"{folder}/{name}"]
    return argument(scene, name), [name]


@slot("cellvalue")
def _cellvalue(scene: Scene) -> tuple[str, object]:
    """The argument `<cellvalue>`."""
    if scene.chance(0.35):
        text = (
            str(scene.rng.randint(0, 5000))
            if scene.chance(0.8)
            else f"{scene.rng.randint(0, 99)}.{scene.rng.randint(1, 9)}"
        )
        return bare(text), text
    text = word(scene)
    text = text.capitalize() if scene.chance(0.3) else text
    return argument(scene, text, 0.2), text


@slot("cellnumber")
def _cellnumber(scene: Scene) -> tuple[str, object]:
    """The argument `<cellnumber>`."""
    text = (
        str(scene.rng.randint(0, 9000))
        if scene.chance(0.85)
        else f"{scene.rng.randint(0, 99)}.{scene.rng.randint(1, 9)}"
    )
    return bare(text), text


macro(
    rows="(rows|lines|entries|records|rows)",
    cond="(where|with|whose|in which) <where_column:colname> (is|equals|=|is equal to|==|being) <where_value:cellvalue>"
    "|(where|in which) <where_column:colname> (is not|isn't|!=|is different from|does not equal) <where_value:cellvalue><where_op=not_equals>"
    "|(where|in which|whose) <where_column:colname> (contains|includes|has) <where_value:cellvalue><where_op=contains>"
    "|(where|in which|with|whose) [the] <where_column:colname> (is above|above|is greater than|is over|over|is more than|greater than|is larger than|>|exceeds) <where_value:cellnumber><where_op=above>"
    "|(where|in which|with|whose) [the] <where_column:colname> (is below|below|is less than|is under|under|less than|is smaller than|<|is lower than) <where_value:cellnumber><where_op=below>",
    csvsort="(sorted|ordered) by <sort_by:colname>|(sorted|ordered) by <sort_by:colname> (descending|in descending order|from highest to lowest|highest first|desc|largest first)<+descending>|by <sort_by:colname>, (highest first|descending)<+descending>|(sorted|ordered) by <sort_by:colname> (ascending|lowest first)",
)

template(
    "text.csv",
    "text.csv source=@source *=*",
    """
!(show|print|list|get|give me|display|find|select|filter) (the|all|all the|) {rows} (of|in|from) <source:table> {cond}
!(show|print|list|get|give me|find|select) (the|all|) {rows} {cond} (in|from|of) <source:table>
!(show|print|list|get|give me|display|extract|select) (the|) {colword} <columns:colname> (of|in|from) <source:table>
!(show|print|list|get|give me|display|extract|select) (the|) <columns:colname> {colword} (of|in|from) <source:table>
!(show|print|list|get|give me|display|extract|select) (the|only the|) {colswords} <columns:colnames> (of|in|from) <source:table>
!(show|print|list|get|give me) (the|) <columns:colnames> {colswords} (of|in|from) <source:table>
!(show|print|list|get|give me) <columns:colnames> (of|in|from) <source:table> {cond}
!(show|print|list|get|give me) the {colword} <columns:colname> of the {rows} (of|in) <source:table> {cond}
!(show|print|list|display|give me|sort|order) (the rows of|the table|) <source:table> {csvsort}
!(show|print|list|give me) the <columns:colname> {colword} of <source:table> {csvsort}
!(show|print|give me|list|get) the (top|first) <limit:count> {rows} of <source:table> (sorted by|ordered by|by) <sort_by:colname>
!(show|print|give me|list) the <limit:count> {rows} (in|of|from) <source:table> with the (highest|largest|biggest|greatest) <sort_by:colname><+descending>
!(show|print|give me|list) the <limit:count> {rows} (in|of|from) <source:table> with the (lowest|smallest|least) <sort_by:colname>
!(show|print|give me|find) the {rowsing} (in|of|from) <source:table> with the (highest|largest|biggest|greatest|most) <sort_by:colname><+descending><limit=1>
!(show|print|give me|find) the {rowsing} (in|of|from) <source:table> with the (lowest|smallest|least) <sort_by:colname><limit=1>
!(show|print|display) <source:table> as a table
!(show|print|get) the first <limit:count> (records|entries) of (the table|) <source:table> {cond}
?(which|what) {rows} (of|in) <source:table> have <where_column:colname> (equal to|=) <where_value:cellvalue>
?(which|what) {rows} (of|in) <source:table> have [a] <where_column:colname> (above|over|greater than|higher than|of more than) <where_value:cellnumber><where_op=above>
?(which|what) {rows} (of|in) <source:table> have [a] <where_column:colname> (below|under|less than|lower than) <where_value:cellnumber><where_op=below>
?which {rowsing} (of|in) <source:table> has the (highest|largest|biggest|greatest) <sort_by:colname><+descending><limit=1>
?which {rowsing} (of|in) <source:table> has the (lowest|smallest) <sort_by:colname><limit=1>
?what are the <columns:colname> values in <source:table>
.i (want|need) (the|all|) {rows} of <source:table> {cond}
.i (want|need) (only|just|) the {colswords} <columns:colnames> (of|from) <source:table>
.from <source:table> i (only|just|) need {colswords} <columns:colnames>
:{rows} of <source:table> {cond}
:<source:table> {cond}
:<columns:colnames> (columns|) from <source:table>
:<source:table> {csvsort}
:<columns:colname> {colword} of <source:table>
:<source:table>: {colswords} <columns:colnames>
:select <columns:colnames> from <source:table>
:select <columns:colname> from <source:table> where <where_column:colname> = <where_value:cellvalue>
:top <limit:count> {rows} of <source:table> by <sort_by:colname><+descending>
""",
    weight=2.6,
)
macro(rowsing="(row|line|entry|record)")
template(
    "text.csv/stdin",
    "text.csv source=$0 *=*",
    """
!(show|print|list|get|keep|filter) (the|only|all|only the|) {rows} {cond}
!(show|print|extract|get|keep) (the|) {colword} <columns:colname> [of (this table|this csv|the table)]
!(show|print|extract|get|keep) (only|) (the|) {colswords} <columns:colnames> [of (this table|this csv|the table)]
!(sort|order|show) (this table|this csv|the table|the rows) {csvsort}
?which rows have <where_column:colname> (above|over) <where_value:cellnumber><where_op=above>
?which row has the highest <sort_by:colname><+descending><limit=1>
:<columns:colname> column
:{rows} {cond}
:columns <columns:colnames>
""".replace(
        "(sort|order|show) (this table|this csv|the table|the rows) {csvsort}",
        "show (this table|this csv|the table|the rows) {csvsort}",
    ),
    weight=0.6,
    stdin=True,
)

macro(
    aggof="(sum|total|sum total)|(average|mean|avg)<how=mean>|(minimum|smallest value|lowest value|min|smallest|lowest)<how=min>|(maximum|highest value|largest value|max|highest|largest)<how=max>|(number of distinct values|distinct count|number of different values|number of unique values)<how=distinct>",
)
template(
    "text.aggregate",
    "text.aggregate source=@source column=#column how=#how",
    """
?what('s| is) the {aggof} of (the|) <column:colname> {colword} (in|of) <source:table>
?what('s| is) the {aggof} of {colword} <column:colname> (in|of) <source:table>
?what('s| is) the {aggof} of <column:colname> in <source:table>
?what('s| is) the {aggpre} <column:colname> (in|of) <source:table>
?how much is the total of <column:colname> in <source:table>
?how many (different|distinct|unique) <column:colname> values (are|are there) in <source:table><how=distinct>
?how many (different|distinct|unique) values (does the column|are in the column|are there in column) <column:colname> (of|in) <source:table> [have|has]<how=distinct>
?how many (values|entries) does the <column:colname> column of <source:table> have<how=count>
?how (high|large) is the {aggpre} <column:colname> in <source:table>
!(compute|calculate|get|give me|show|find|work out|tell me|print|determine) the {aggof} of (the|) {colword} <column:colname> (in|of|from) <source:table>
!(compute|calculate|get|give me|show|find|work out|tell me|print) the {aggof} of <column:colname> (in|from) <source:table>
!(compute|calculate|get|give me|show|find|work out|tell me) the {aggpre} <column:colname> (in|of|from) <source:table>
!(sum|add|total|sum up|add up|tally) (up|) (the|) <column:colname> {colword} (in|of|from) <source:table>
!(sum|add up|total|sum up) <column:colname> (in|from|over) <source:table>
!average (the|) <column:colname> {colword} (in|of) <source:table><how=mean>
!count the (distinct|unique|different) values (in|of) [the] {colword} <column:colname> (in|of) <source:table><how=distinct>
!count the (values|entries) (in|of) [the] {colword} <column:colname> (in|of) <source:table><how=count>
.i (want|need) the {aggof} of <column:colname> in <source:table>
.i (want|need) (the|) {aggpre} <column:colname> from <source:table>
:{aggof} of <column:colname> in <source:table>
:{aggpre} <column:colname> in <source:table>
:sum(<column:colname>) <source:table>
:<source:table> {aggpre} <column:colname>
:sum <column:colname> <source:table>
""".replace(":sum(<column:colname>) <source:table>\n", ""),
    weight=2.0,
)
macro(
    aggpre="(total|summed)|(average|mean|avg)<how=mean>|(minimum|smallest|lowest|min)<how=min>|(maximum|highest|largest|max|biggest)<how=max>"
)
template(
    "text.aggregate/stdin",
    "text.aggregate source=$0 column=#column how=#how",
    """
?what('s| is) the {aggof} of (the|) <column:colname> {colword}
?what('s| is) the {aggpre} <column:colname>
!(compute|calculate|get|give me|show) the {aggof} of (the|) {colword} <column:colname>
!(sum|add|total|sum up|add up) (the|) <column:colname> {colword}
!average (the|) <column:colname> column<how=mean>
:{aggof} of <column:colname>
:{aggpre} <column:colname>
:sum <column:colname>
""",
    weight=0.5,
    stdin=True,
)


@slot("jsonfile")
def _jsonfile(scene: Scene) -> tuple[str, object]:
    """The argument `<jsonfile>`."""
    name = fresh(
        scene,
        lambda s: (
            s.pick(["package.json", "tsconfig.json", "settings.json", "config.json", "data.json"])
            if s.chance(0.25)
            else f"{stem(s)}.json"
        ),
    )
    if scene.chance(0.1):
        folder = fresh(scene, dir_name)
        return f"{argument(scene, name)} in {argument(scene, folder)}", [{"name": name, "in": folder}]
    return argument(scene, name), [name]


@slot("jsonpath")
def _jsonpath(scene: Scene) -> tuple[str, object]:
    """The argument `<jsonpath>`."""
    keys = [
        word(scene)
        if scene.chance(0.5)
        else scene.pick(
            [
                "server",
                "port",
                "version",
                "name",
                "dependencies",
                "scripts",
                "host",
                "users",
                "items",
                "database",
                "url",
                "timeout",
                "author",
                "license",
            ]
        )
    ]
    while scene.chance(0.4) and len(keys) < 4:
        keys.append(word(scene))
    text = ".".join(keys)
    if scene.chance(0.2):
        text += f"[{scene.rng.randint(0, 9)}]"
        if scene.chance(0.5):
            text += "." + word(scene)
    return argument(scene, text, 0.15), text


template(
    "text.json",
    "text.json source=@source query=#query",
    """
!(show|print|get|give me|read|extract|look up|tell me|find|display|pull) (the|) <query:jsonpath> (from|in|of|out of) <source:jsonfile>
!(show|print|get|give me|read|extract|look up|tell me|find) the (value|setting|field|key|property|entry) <query:jsonpath> (from|in|of) <source:jsonfile>
!(show|print|get|give me|read|look up) the value (of|for|at|under) <query:jsonpath> in <source:jsonfile>
!(get|read|extract) <query:jsonpath> from the json (file|document|) <source:jsonfile>
!(pretty print|pretty-print|prettify|format|indent|beautify) (the json|the json file|) <source:jsonfile>
!(show|print|display) <source:jsonfile> (indented|nicely formatted|pretty-printed|prettified|formatted|nicely indented)
?what('s| is) the (value of|value for|setting|) <query:jsonpath> in <source:jsonfile>
?what('s| is) <query:jsonpath> (set to|) in <source:jsonfile>
?what does <source:jsonfile> (say|have) (for|under|at) <query:jsonpath>
?which <query:jsonpath> is (set|configured|given) in <source:jsonfile>
.i (want|need) (the|) <query:jsonpath> (from|of|in) <source:jsonfile>
:<query:jsonpath> in <source:jsonfile>
:<query:jsonpath> from <source:jsonfile>
:jq .<query:jsonpath> <source:jsonfile>
:value of <query:jsonpath> in <source:jsonfile>
:<source:jsonfile> <query:jsonpath>
:pretty print <source:jsonfile>
""".replace(":jq .<query:jsonpath> <source:jsonfile>\n", "").replace(
        ":<query:jsonpath> in <source:jsonfile>\n", ""
    ),
    weight=1.6,
)
template(
    "text.json/stdin",
    "text.json source=$0 query=#query",
    """
!(show|print|get|give me|extract|pull out) (the|) (value of|value at|field|key|) <query:jsonpath> [(from|in|of) (this json|the json|this)]
!(pretty print|pretty-print|prettify|format|indent) (this json|this|the json)
?what('s| is) the value of <query:jsonpath> [in (this|this json)]
:<query:jsonpath> from (this json|the json)
:pretty print
""".replace("(value of|value at|field|key|)", "(value of|value at|field|key)"),
    weight=0.4,
    stdin=True,
)
