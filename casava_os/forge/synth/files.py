"""Phrasings of family `file`: finding, listing, counting, reading, measuring."""

from casava_os.forge.synth.build import template
from casava_os.forge.synth.grammar import macro

macro(
    find="(find|find|find me|look for|search for|locate|get|get me|fetch me|track down|seek out|dig up|look up|identify|select|pick out|spot)",
    show="(gimme|show|show me|list|display|print|give me|tell me|list out|print out|output|enumerate|let me see|bring up|view|see)",
    delete="(delete|delete|remove|remove|erase|get rid of|wipe|clean out|trash|nuke|purge|drop|throw away|throw out|bin|ditch|clear out|kill off|discard|rm|destroy|dispose of|del|eliminate|toss|clean up|zap|scrap|scrub|take out)",
    make="(make|create|create|create|add|set up|generate|start|make me|create me|prepare|make|produce|create)",
    copy="(copy|copy|duplicate|cp|put a copy of|make a copy of|replicate|clone|back up|backup)",
    move="(move|move|mv|relocate|transfer|shift|put|send|drag|bring|push|shove|stick|migrate)",
    folder="(folder|directory|dir|folder|directory)",
)

template(
    "file.find/set",
    "@s",
    """
!{find} <s:set>
!{find} <s:set>
!recursively {find} <s:set>
!{find} <s:set> (recursively|and list them|and show them|and print (them|their names|the names|the paths)|and tell me their names|for me|and give me their paths|and nothing else|, one per line|with their (full|relative|) paths)
!{show} <s:set>
!{show} <s:set>
!(get|give) me a list of <s:set>
!make a list of <s:set>
!print the (names|paths) of <s:set>
!(find|check|see) if there are any <s:bareset>
!(find|figure|work) out (which|what) <s:whichset>
!(check|see|tell me|show me|list) (which|what) <s:whichset>
!go through everything and (find|list) <s:set>
!run a search for <s:set>
!search (everywhere|) for <s:set>
?(which|what) <s:whichset>
?(which|what) <s:whichset>
?(which|what) <s:whichset>
?are there any <s:bareset>
?is there (a|any|some) <s:bareset>
?do (i|we) have any <s:bareset>
?have we got any <s:bareset>
?where are <s:set>
?what are <s:set>
?can (i|we) (see|get|have) (a list of|) <s:set>
?could (i|we) (see|get|have) (a list of|) <s:set>
?may i (see|have) (a list of|) <s:set>
?(do|can) you (know|see) (which|what) <s:whichset>
?where can i find <s:set>
?would there be any <s:bareset>
?isn't there (a|any|some) <s:bareset>
?where did i (put|save|leave) <s:set>
?any <s:bareset>
?got any <s:bareset>
?which are <s:set>
?can you see any <s:bareset>
?what <s:bareset> (are there|exist|do i have|have i got)
.i (need|want) (a list of|to see|to find|to know|to have a look at|to locate) <s:set>
.(i am|i'm|im) looking for <s:set>
.(i'd|i would) like (a list of|to see) <s:set>
.i lost <s:set>
.there (must|should) be some <s:bareset>, (find|show) them
.we need to find <s:set>
.looking for <s:set>
.searching for <s:set>
.i want <s:set>
:<s:bareset>
:<s:bareset>
:<s:set>
:list of <s:bareset>
:<s:bareset> please
:only <s:bareset>
:<s:bareset>, (where|list|show|which)
:names of <s:set>
:list: <s:bareset>
""",
    weight=9,
)

template(
    "file.find/root-first",
    "@s",
    """
!(search|scan|look through|go through|check|comb through|crawl|traverse|search in|look in|look inside|walk|explore|examine|inspect) <s:rootfirst>
!(do|run) a search (of|in) <s:rootfirst>
?can you (search|scan|look through|check) <s:rootfirst>
.i (searched|looked) in vain through <s:rootfirst>DROP
:search <s:rootfirst>
""".replace(".i (searched|looked) in vain through <s:rootfirst>DROP\n", ""),
    weight=1.4,
)

template(
    "file.find/recent",
    "file.find type=file *=*",
    """
?what (changed|has changed|was changed|got changed|was modified|is new) since <modified_after:moment> [in <root:root>]
?what (changed|was changed|was modified|did i change|did i edit|did i work on|did i touch|was edited) <modified_after:recentday> [in <root:root>]
?what (changed|has changed|was changed|did i change|have i changed|did i edit|did i work on|have i worked on|have i been working on|is new|was modified) (in|during|within) the (last|past) <newer_than:lately> [in <root:root>]
?what (did i change|have i changed|did i work on|have i been working on|changed|is new) this <newer_than:thisunit> [in <root:root>]
?what (changed|is new|was modified) (recently|lately|most recently|last) [in <root:root>]<sort=newest>
?what (did|have) i (work on|change|edit|worked on|changed) (recently|lately|last) [in <root:root>]<sort=newest>
!(show|list|tell me|show me) what (changed|has changed|was modified|i changed|i worked on) since <modified_after:moment> [in <root:root>]
!(show|list|tell me|show me) what (changed|has changed|was modified|i changed|i worked on) (in|during|within) the (last|past) <newer_than:lately> [in <root:root>]
!(show|list|find|get|give me) (the|my|all|) (recent|recently changed|recently modified|latest|most recent|recently edited|recently updated) files [in <root:root>]<sort=newest>
!(show|list|tell me) the files (i changed|i worked on|that changed|modified) (recently|lately) [in <root:root>]<sort=newest>
:(recent|recently changed|recently modified|latest|newest) files [in <root:root>]<sort=newest>
:changes since <modified_after:moment> [in <root:root>]
:(changed|modified|edited) <modified_after:recentday> [in <root:root>]
:(changed|modified|edited) (in the last|last) <newer_than:lately> [in <root:root>]
:(today|yesterday)DROP
""".replace(":(today|yesterday)DROP\n", ""),
    weight=1.1,
)

template(
    "file.find/name",
    "file.find",
    """
!{find} <name:exactname>
!{find} <name:exactname> (in|under|inside|somewhere in) <root:root>
!(find|locate|look for|search for) (the|a|my) file (called|named|) <name:exactname><type=file>
!(find|locate|look for) (the|a|any|every) (file|files) (called|named) <name:exactname> (in|under|inside) <root:root><type=file>
!(find|locate|look for|search for) (the|a|my) (folder|directory|dir) (called|named|) <name:pathless><type=directory>
!(find|locate|look for|search for) (the|any|every) (folder|directory) (called|named) <name:pathless> (in|under) <root:root><type=directory>
!find out where <name:exactname> is
!tell me where <name:exactname> (is|lives|went)
!check (if|whether) <name:exactname> exists
!check (if|whether) there is a file (called|named) <name:exactname><type=file>
?where is <name:exactname>
?where's <name:exactname>
?where is <name:exactname> (in|inside|under) <root:root>
?where is (my|the) file <name:exactname><type=file>
?where did <name:exactname> go
?where (do|did) (i|we) (keep|put|save|store) <name:exactname>
?does <name:exactname> exist
?does <name:exactname> exist (in|under) <root:root>
?is there (a|any) file (called|named) <name:exactname><type=file>
?is there (a|any) file (called|named) <name:exactname> (in|under) <root:root><type=file>
?is there (a|any) (folder|directory) (called|named) <name:pathless><type=directory>
?do (i|we) have (a|any) <name:exactname>
?do we have a file named <name:exactname> anywhere<type=file>
?in which folder is <name:exactname>
?have you seen <name:exactname>
.i can't find <name:exactname>
.(i am|i'm|im) looking for <name:exactname>
.i lost <name:exactname>
.i need to find <name:exactname>
.i don't (know|remember) where <name:exactname> is
.i forgot where i put <name:exactname>
:where <name:exactname>
:find . -name <name:glob>
:find . -name <name:exactname>
:find <root:dirname> -name <name:glob>
:find <root:dirname> -type f -name <name:glob><type=file>
:find . -type f<type=file>
:find . -type d<type=directory>
:find <root:dirname> -type d<type=directory>
:find . -empty<+empty>
:locate <name:exactname>
:<name:glob>
:<name:glob> (in|under) <root:root>
""",
    weight=3,
)

template(
    "file.find/all",
    "file.find",
    """
!(find|list|show|get) (every file|all files|all the files) (recursively|including (the ones in|) subfolders|in here and (below|all subfolders)|in the whole tree|everywhere)<type=file>
!(find|show|list) (all|the) (folders|directories|subfolders) (here|in here|)<type=directory>
!(find|show|list) (all|the|all the) (folders|directories|subfolders|subdirectories|dirs) (in|inside|under|of) <root:root><type=directory>
!(find|get) (all|all the|every) (files|file) (in|under|inside|below) <root:root><type=file>
!(find|show|list) (all|the|) (symlinks|symbolic links|links) [(in|under) <root:root>]<type=link>
!(show|list|give me) (every single|every|each) file (in|under|below) <root:root> [and its subfolders|recursively]<type=file>
!recursively list (the|all|) files (in|under|of) <root:root><type=file>
!recursively list (everything|all) (in|under) <root:root>
!list (everything|all) (in|under|below) <root:root> recursively
!show the (whole|entire|complete) (tree|file tree) (of|under|in) <root:root>
!list only (the|) (folders|directories)<type=directory>
!list just the (folders|directories|dirs) in <root:root><type=directory>
?(what|which) (folders|directories|subfolders) are there (in <root:root>|here|)<type=directory>
?(what|which) (folders|directories|subfolders) (are in|does) <root:root> (have|contain|hold)<type=directory>
?are there any files (in|under|inside) <root:root><type=file>
?(is|are) there any (folders|subfolders|directories) (in|under|inside) <root:root><type=directory>
?are there any (symlinks|links|symbolic links) (here|in <root:root>)<type=link>
:ls -R
:ls -R <root:dirname>
:tree
:tree <root:dirname>
:tree of <root:root>
:(all|just|only) (folders|directories|dirs) (in <root:root>|here)<type=directory>
:(all|) (symlinks|links) (in <root:root>|)<type=link>
:all files recursively<type=file>
""",
    weight=1.0,
)

template(
    "file.find/other",
    "file.find type=other root=#root",
    """
!(find|show|list|look for) (all|any|the|) {special} [(in|under) <root:root>|here]
?are there any {special} (here|in <root:root>)
?(which|what) {special} (are there|do i have) [in <root:root>]
:{special} (in <root:root>|here|)
""",
    weight=0.12,
)
macro(
    special="(special files|sockets|named pipes|fifos|device files|socket files|pipes and sockets|character devices|block devices)"
)

template(
    "file.list",
    "file.list",
    """
!(list|show|show me|display|print|give me) (the|all the|all|) (files|contents|content|things|everything|entries) (in|of|inside|from) <path:dir>
!(list|show|show me|display|print) (the|all|) (files|contents|things|everything) (here|in here|in this folder|in this directory|in the current directory|of this folder|in the current folder)
!(list|show me|show) (the|all|the|) (files|everything)
!list <path:dir>
!(show|display|open) (the|) <path:dirname> (folder|directory|dir)
!(look|have a look|take a look|peek) (in|inside|into) <path:dir>
!(see|show me|tell me) what's (in|inside) <path:dir>
!(see|show me|tell me|check) what is (in|inside) <path:dir>
!(show|tell|let) me (see|) what (<path:dir> contains|i have in <path:dir>|is here)
!(list|show) (everything|all|all files) in <path:dir>, (also|even|including) (the|) hidden (files|ones|stuff)<+hidden>
!(list|show) (everything|all files|all the files|the contents) including (the|) hidden (files|ones|stuff)<+hidden>
!list all files (in|of) <path:dir> (with|including) (dotfiles|hidden files)<+hidden>
!(list|show) (the|) (files|contents|entries) (of|in) <path:dir> ({orderly})
!(list|show) (the|all|) files {orderly}
!(list|show) <path:dir> {orderly}
!print the directory listing [of <path:dir>]
!(give|show) me a (directory|) listing of <path:dir>
!dir <path:dirname>
?what's (in|inside) <path:dir>
?what is (in|inside|stored in|kept in) <path:dir>
?what (files|things|stuff) (are|is) (in|inside|there in) <path:dir>
?(what|which) files (are|do i have|have i got) (here|in this folder|in the current directory)
?what's (here|in here|in this folder|in this directory|in the current folder)
?what do (i|we) have (here|in <path:dir>)
?what does <path:dir> (contain|have|hold|have in it)
?what (have i|did i) (got|put|put) in <path:dir>
?which files does <path:dir> (contain|hold|have)
?(what|which) files (are|do i have) in <path:dir>
.i (want|need|'d like) to see what's in <path:dir>
.i (want|need) to see the (files|contents) (in|of) <path:dir>
.i (want|need) (a list of the|the list of) files in <path:dir>
:ls
:ls <path:dirname>
:ls -l
:ls -la<+hidden>
:ls -a <path:dirname><+hidden>
:ls -la <path:dirname><+hidden>
:ls -l <path:dirname>
:ls -lh <path:dirname>
:ls -t<sort=newest>
:ls -lt <path:dirname><sort=newest>
:ls -S <path:dirname><sort=largest>
:ls -lS<sort=largest>
:dir
:ll
:files in <path:dir>
:contents of <path:dir>
:(files|everything) (here|in this folder)
:<path:dir> contents
:listing of <path:dir>
:files {orderly}
:files in <path:dir> {orderly}
:list
""",
    weight=3.2,
)
macro(
    orderly="((sorted|ordered|sort|order) by size|largest first|biggest first|by size|with the (biggest|largest) (first|on top))<sort=largest>|(smallest first|smallest to largest|with the smallest first|by size ascending)<sort=smallest>"
    "|((sorted|ordered) by (date|time|modification time|age)|newest first|most recent first|latest first|by date|with the newest first|by modification time|in order of modification)<sort=newest>|(oldest first|with the oldest (first|on top)|from oldest to newest|oldest to newest)<sort=oldest>|((sorted|ordered|grouped) by (extension|type|file type)|by (extension|type))<sort=extension>"
)

template(
    "file.find/sorted",
    "@s",
    """
!{show} <s:sortedset>
!{find} <s:sortedset>
:<s:sortedset>
.i (need|want) <s:sortedset>
?what are <s:sortedset>
""",
    weight=0.8,
)

template(
    "file.find/superlative",
    "@s",
    """
?what('s| is) <s:topone>
?which (is|one is) <s:topone>
?which <s:topwhich>
?what <s:topwhich>
!{show} <s:top>
!{find} <s:top>
!tell me what <s:topone> is
!tell me which <s:topwhich>
!tell me the name of <s:topone>
?what are <s:topmany>
?which are <s:topmany>
.i (want|need) to (know|see) <s:top>
.i need <s:top>
:<s:top>
:<s:topbare>
""",
    weight=2.6,
)

template(
    "file.count",
    "file.count paths=@s",
    """
?how many <s:bareset> are there
?how many <s:bareset> (do i have|do we have|have i got|exist|can you find|are there here|are here)
?how many <s:bareset>
?how many <s:whichset>
?how many <s:whichset>
?what('s| is) the (number|count|total number) of <s:bareset>
?how many of the files are <s:adjset>
!count <s:set>
!count <s:set>
!count (up|how many) <s:bareset> [there are]
!tell me how many <s:bareset> there are
!(tell me|work out|find out|show me|check|calculate) how many <s:whichset>
!(give|get) me (a|the) count of <s:set>
!(give me|print|show|get|report) the number of <s:bareset>
!(tell|show) me the (number|total number|amount) of <s:bareset>
!find <s:set> and (count them|tell me how many there are|give me the count|count how many there are)
.i (want|need|would like) to know how many <s:bareset> there are
.i want to know the number of <s:bareset>
.i wonder how many <s:whichset>
:number of <s:bareset>
:count of <s:bareset>
:count <s:bareset>
:# of <s:bareset>
:<s:bareset>, how many
:<s:bareset> count
:<s:bareset>? how many
:total <s:bareset>
""",
    weight=4.2,
)

template(
    "file.count/list",
    "file.list path=#path; file.count paths=$1",
    """
?how many (entries|items|things) are (in|inside|directly in) <path:dir>
?how many (entries|items|things) (are here|are in this folder|are there here|does this folder have)
?how many (entries|items|things) does <path:dir> (have|contain|hold)
!count the (entries|items|things) (in|of|inside) <path:dir>
!count (the|) (entries|items|things) in (this|the current) (folder|directory)
:number of (entries|items) in <path:dir>
""",
    weight=0.35,
)

template(
    "file.count/all",
    "file.find *=*; file.count paths=$1",
    """
?how many files (are there|are here|do i have|are in this folder|are there in this folder|are there in total|in total)<type=file>
?how many files (are|are there) (in|inside|under) <root:root><type=file>
?how many files does <root:root> (contain|have|hold)<type=file>
?how many (folders|directories|subfolders) (are|are there) (in|inside|under) <root:root><type=directory>
?how many (folders|directories|subfolders) (are here|are there|do i have)<type=directory>
?how many (folders|directories|subfolders) does <root:root> (contain|have)<type=directory>
?how many (symlinks|links|symbolic links) are (here|in <root:root>)<type=link>
!count (the|all|all the|my) files<type=file>
!count (the|all|all the|) files (in|inside|under) <root:root><type=file>
!count (the|all|all the|) (folders|directories|subfolders) (in|inside|under) <root:root><type=directory>
:number of files in <root:root><type=file>
:file count<type=file>
:file count of <root:root><type=file>
:how many files<type=file>
""",
    weight=1.0,
)

template(
    "file.read",
    "file.read",
    """
!(show|show me|display|print|read|open|cat|output|view|dump|read out|print out|type out|let me see|let me read) <paths:source>
!(show|show me|display|print|read|output|dump|give me) (the|) (contents|content|text|whole text|full text) of <paths:source>
!(read|open|view) <paths:source> (to|for) me
!print (out|) <paths:source> (to the screen|in the terminal|on screen|here|to stdout)
!(show|tell|let) me (see|) what's (in|inside) <paths:onefile>
!(show|tell) me what <paths:onefile> (says|contains|has in it)
!(take|have) a look at <paths:onefile>
!look at <paths:onefile>
!pull up <paths:onefile>
?what's (in|inside) <paths:onefile>
?can (i|we) (see|read|have a look at|view|look at) <paths:onefile>
?could (i|you) (see|show me|open|read) <paths:onefile>
?may i (see|read) <paths:onefile>
?what('s| is) written in <paths:onefile>
?what (text|stuff|content) (is|do we have) in <paths:onefile>
?what is (in|inside|written in) <paths:onefile>
?what does <paths:onefile> (say|contain|look like|have in it)
?what('s| is) the (content|text) of <paths:onefile>
.i (want|need|'d like) to (read|see|look at|view) <paths:onefile>
.i need the contents of <paths:onefile>
:cat <paths:files1>
:less <paths:files1>
:more <paths:files1>
:contents of <paths:onefile>
:type <paths:files1>
:text of <paths:onefile>
""",
    weight=2.2,
)

template(
    "file.read/set",
    "file.read paths=@s",
    """
!(show|print|display|output|dump|give me) the (contents|content|text) of <s:textset>
!(cat|read|concatenate|read through|print out the contents of) <s:textset>
!(show|print|tell) me what('s| is) (written|) in <s:textset>
!find <s:textset> and (print|show|read|display|cat) (them|their contents|what's in them)
?what do <s:textset> say
""",
    weight=0.5,
)

macro(
    headw="(first|top|beginning|opening|initial|leading)",
    tailw="(last|bottom|final|end|trailing|ending)",
    lns="(lines|rows|lines)",
)

template(
    "file.read/first",
    "file.read",
    """
!(show|show me|print|display|read|give me|get|output|see) (the|) (first|top|initial|opening) <first:count> {lns} (of|from|in) <paths:textobj>
!(show|print|give me|read|output) (only|just|) the first <first:count> {lns} of <paths:source>
!(show|print) (the|) (beginning|start|head|top) of <paths:source>, <first:count> {lns}
!head <first:count> {lns} of <paths:source>
!(show|print|give me) (the|) (first|top|opening) line (of|from|in) <paths:source><first=1>
?what('s| is) (the|) first line of <paths:source><first=1>
?what (is|does) the first line (of|in) <paths:onefile> (say|)<first=1>
?what are the first <first:count> {lns} of <paths:source>
?how does <paths:onefile> start, (the|) first <first:count> {lns}
.i (want|need) (only|just|to see|) the first <first:count> {lns} of <paths:source>
:first <first:count> {lns} of <paths:source>
:first <first:count> of <paths:source>
:head -n <first:digits> <paths:files1>
:top <first:count> {lns} of <paths:source>
:<paths:files1> first <first:count> lines
:<paths:files1>: first <first:count> lines
:head -<first:digits> <paths:files1>
:head -n<first:digits> <paths:files1>
:first line of <paths:source><first=1>
""",
    weight=1.5,
)

template(
    "file.read/last",
    "file.read",
    """
!(show|show me|print|display|read|give me|get|output|see) (the|) (last|bottom|final) <last:count> {lns} (of|from|in) <paths:textobj>
!(show|print|give me|read|output) (only|just|) the last <last:count> {lns} of <paths:source>
!(show|print) (the|) (end|tail|bottom) of <paths:source>, <last:count> {lns}
!tail <last:count> {lns} of <paths:source>
!tail the last <last:count> {lns} of <paths:source>
!(show|print|give me) (the|) (last|final|bottom) line (of|from|in) <paths:source><last=1>
?what('s| is) (the|) last line of <paths:source><last=1>
?what are the last <last:count> {lns} of <paths:source>
?how does <paths:onefile> end, (the|) last <last:count> {lns}
.i (want|need) (only|just|to see|) the last <last:count> {lns} of <paths:source>
:last <last:count> {lns} of <paths:source>
:last <last:count> of <paths:source>
:tail -n <last:digits> <paths:files1>
:<paths:files1> last <last:count> lines
:<paths:files1>: last <last:count> lines
:tail -<last:digits> <paths:files1>
:tail -n<last:digits> <paths:files1>
:last line of <paths:source><last=1>
""",
    weight=1.5,
)

template(
    "file.read/range",
    "file.read from_line=#range.0 to_line=#range.1 paths=#paths",
    """
!(show|print|display|give me|get|read|output) lines <range:linerange> (of|from|in) <paths:source>
!(show|print|display|give me) me lines <range:linerange> of <paths:source>
!(show|print|display|get) <paths:source> (from line <range:linerange2>|lines <range:linerange>)
!(show|print|get|display|give me) (line|line number) <range:oneline> (of|from|in) <paths:source>
!(show|print|get|display|give me) the <range:onelineth> line (of|from|in) <paths:source>
!(show|print|read) (everything|all lines|the rest) (of|in) <paths:source> (from|starting at|starting from|after) line <range:fromline>
!(show|print|read) <paths:source> (from|starting at|starting from) line <range:fromline>
!(show|print|read) <paths:source> (up to|until|to) line <range:toline>
?what('s| is) (on|in|at) line <range:oneline> of <paths:source>
?what does line <range:oneline> of <paths:source> say
.i (want|need) to see lines <range:linerange> of <paths:source>
:lines <range:linerange> of <paths:source>
:<paths:files1> lines <range:linerange>
:line <range:oneline> of <paths:source>
:<paths:files1> line <range:oneline>
""",
    weight=1.1,
)

template(
    "file.size",
    "file.size paths=@paths",
    """
?how (big|large|heavy) (is|are) <paths:obj>
?how much (space|room|disk space|storage) (does|do) <paths:obj> (take|take up|use|occupy|need|consume)
?how (big|large) (is|are) <paths:obj> (in total|altogether|all together|together|combined|on disk|)
?what('s| is) the (total|combined|overall|) size of <paths:obj>
?how much do <paths:set> (weigh|add up to|take together|sum up to)
!(show|tell me|give me|get|print|compute|calculate|work out|report) the (total|combined|file|) size of <paths:obj>
!(tell me|find out|check|work out|see) how (big|large) <paths:obj> (is|are)
!(add up|sum up|total) the (size|sizes) of <paths:set>
!(measure|weigh) <paths:obj>
!(tell|show) me how much (space|room|disk) <paths:obj> (takes|take) [up]
.i (want|need) to know how (big|large) <paths:files> is
:size of <paths:obj>
:total size of <paths:set>
:<paths:files> size
:du -sh <paths:files>
:du -s <paths:files>
:du -h <paths:onedotted>
:space used by <paths:set>
:how big <paths:files>
""",
    weight=2.4,
)

template(
    "file.size/here",
    "file.size",
    """
?how (big|large) is (this folder|this directory|the current folder|the current directory|this project|everything here|all of this|it all here)
?how much (space|room|disk space) does (this folder|this directory|everything here|this project) (take|take up|use|occupy)
?what('s| is) the (total|) size of (this folder|this directory|everything here|the current directory)
!(show|tell me|get|compute) the (total|) size of (this folder|this directory|the current folder|everything in here)
:total size
:du -sh
:du -sh .
:size of (this folder|this directory|.)
:folder size
""",
    weight=0.45,
)

template(
    "file.usage",
    "file.usage",
    """
?what('s| is) (taking|using|eating|hogging|filling) [up] (the most|the most|all the|all my|so much) (space|room|disk space|storage) (here|in this folder|)
?what('s| is) (taking|using|eating|hogging|filling) [up] (the most|all the|so much) (space|room|disk space) (in|inside|under) <path:dir>
?what takes [up] the most (space|room) (here|in this folder|)
?what takes [up] the most (space|room) in <path:dir>
?which (folder|directory|subfolder|folders|directories) (is|are) (the biggest|biggest|the largest|largest) (here|in <path:dir>|)
?which (folder|directory|folders|directories) (takes|take|uses|use) [up] the most (space|room|disk) (here|in <path:dir>|)
?what are the <limit:count> (biggest|largest) (folders|directories|subfolders) (here|in <path:dir>|)
?where (is|does) (all|) (my|the) (space|disk space) (going|go) (here|in <path:dir>|)
?how much (space|disk) does each (folder|subfolder|directory|entry|item) (take|take up|use) (in <path:dir>|here|)
?which <limit:count> (folders|directories|entries) (take|use) [up] the most (space|room) (in <path:dir>|)
!(show|give me|print|list|get|display) (the|) (disk usage|space usage|disk use|space used|size) (per|by|of each|for each) (folder|subfolder|directory|subdirectory) (in <path:dir>|here|of <path:dir>|)
!(show|give me|print|get|display) (the|) (disk usage|space usage|usage breakdown) (of|in|for) <path:dir>
!(show|list|find) the <limit:count> (biggest|largest) (folders|directories|subfolders) (here|in <path:dir>|)
!(break down|analyze|analyse|summarize) (the|) (disk|space) usage (of|in) <path:dir>
!(show|find out|tell me) (what|which folders) (takes|take) [up] (the most|so much) space (in <path:dir>|here|)
!(show|find) the (biggest|largest) (folders|directories|subfolders) (here|in <path:dir>|)
.i (want|need) to know what('s| is) taking up (space|the most space) (in <path:dir>|here)
:disk usage (per|by) folder
:disk usage of <path:dir>
:du
:du -h
:du <path:dirname>
:du -h <path:dirname>
:du -h --max-depth=1
:du -h --max-depth=1 <path:dirname>
:(biggest|largest) (folders|directories|subfolders) [in <path:dir>]
:top <limit:count> (folders|directories) by size [in <path:dir>]
:space hogs (in <path:dir>|here)
:usage of <path:dir>
""",
    weight=1.5,
)

template(
    "file.stat",
    "file.stat paths=@paths",
    """
?when was <paths:onefile> (last|) (modified|changed|edited|updated|touched|saved|written)
?when did (i|someone|anybody|we) last (change|edit|touch|modify|update|save) <paths:onefile>
?when did <paths:onefile> (last change|change|get changed last)
?who (owns|is the owner of) <paths:onefile>
?who does <paths:onefile> belong to
?what are the (permissions|rights|access rights|details) (of|on|for) <paths:onefile>
?what (permissions|rights|mode) (does|do) <paths:onefile> have
?how old is <paths:onefile>
?what (kind|type|sort) of file is <paths:onefile>
?is <paths:onefile> (executable|writable|read-only|a link|a symlink|a folder|a directory)
?what('s| is) the (modification time|owner|mode|last modified date|timestamp|age) of <paths:onefile>
!(show|print|give me|get|display|list|tell me) (the|all|) (details|metadata|info|information|attributes|properties|stats|permissions|timestamps|file info|owner|modification time|mode) (of|on|for|about) <paths:obj>
!(show|tell me|check) when <paths:onefile> was (last|) (modified|changed|edited)
!(show|tell me|check) who owns <paths:onefile>
!stat <paths:files>
!(show|tell) me (everything|more|all) about (the file|) <paths:onefile>
.i (want|need) (the|) (details|metadata|permissions|info) (of|for|on) <paths:files>
:stat <paths:files1>
:(details|metadata|permissions|info|owner|properties) (of|on|for) <paths:files>
:file info <paths:onefile>
:<paths:files1> (permissions|info|details|mtime|owner)
""",
    weight=1.6,
)

template(
    "file.hash",
    "file.hash paths=@paths algorithm=#algorithm",
    """
?what('s| is) the {hashname} (of|for) <paths:onefile>
?what are the {hashnames} of <paths:obj>
!(compute|calculate|show|print|give me|get|work out|generate|make|tell me|find) (the|a|) {hashname} (of|for|from) <paths:obj>
!(compute|calculate|show|print|give me|get) (the|) {hashnames} (of|for) <paths:obj>
!(hash|checksum|fingerprint) <paths:obj> {hashwith}
!(run|do) {hashname} (on|over) <paths:obj>
.i need the {hashname} of <paths:obj>
.i need to verify <paths:onefile>, (give me|what's|show) its {hashname}
:{hashname} (of|for) <paths:obj>
:md5sum <paths:files1><algorithm=md5>
:sha256sum <paths:files1>
:sha1sum <paths:files1><algorithm=sha1>
:sha512sum <paths:files1><algorithm=sha512>
:b2sum <paths:files1><algorithm=blake2b>
:<paths:files1> {hashname}
""",
    weight=1.3,
)
macro(
    hashname="(checksum|hash|sha256|sha256 checksum|sha-256|sha256 hash|digest|SHA256|file hash|sha256sum|fingerprint)|(md5|md5 sum|MD5|md5 checksum|md5 hash|md5sum)<algorithm=md5>|(sha1|SHA1|sha-1|sha1 hash|sha1 checksum|sha1sum)<algorithm=sha1>|(sha512|SHA512|sha-512|sha512 checksum|sha512 hash)<algorithm=sha512>|(blake2|blake2b|BLAKE2|blake2 hash|blake2b checksum)<algorithm=blake2b>",
    hashnames="(checksums|hashes|sha256 sums|sha256 checksums|digests)|(md5 sums|md5 checksums|md5s|MD5 hashes)<algorithm=md5>|(sha1 hashes|sha1 sums)<algorithm=sha1>|(sha512 checksums|sha512 sums)<algorithm=sha512>",
    hashwith="|(with|using) (sha256|SHA-256)|(with|using) (md5|MD5)<algorithm=md5>|(with|using) (sha1|SHA-1)<algorithm=sha1>|(with|using) sha512<algorithm=sha512>|(with|using) blake2b<algorithm=blake2b>",
)

template(
    "file.diff",
    "file.diff",
    """
!(compare|diff) <left:onefile> (and|with|to|against) <right:onefile>
!compare <left:dir> (and|with|to|against) <right:dir>
!(compare|diff) (the|) (files|two files|folders|directories) <left:filename> and <right:filename>
!(show|show me|print|list|find|display|give me) (the|) (differences|changes|diff|difference) (between|of|from) <left:onefile> (and|to|and) <right:onefile>
!(show|tell me|see|check) (what|how) <left:filename> differs from <right:filename>
!(show|tell me|see|check) what('s| is) (different|changed|the difference) (between|from) <left:filename> (and|to|and) <right:filename>
!(check|see|tell me|verify) (if|whether|that) <left:filename> and <right:filename> are (the same|identical|equal|different)
?what('s| is) the (difference|diff) between <left:onefile> and <right:onefile>
?what are the differences between <left:onefile> and <right:onefile>
?what('s| has|) changed (between|from) <left:filename> (and|to) <right:filename>
?how (do|does) <left:filename> (and|differ from) <right:filename> [differ]
?(are|is) <left:filename> and <right:filename> (the same|identical|equal|different)
?is <left:filename> (the same as|identical to|different from|equal to) <right:filename>
?do <left:filename> and <right:filename> (differ|match)
.i (want|need) to (compare|see the differences between) <left:filename> and <right:filename>
:diff <left:filename> <right:filename>
:diff -u <left:filename> <right:filename>
:diff -r <left:dirname> <right:dirname>
:cmp <left:filename> <right:filename>
:diff of <left:filename> and <right:filename>
:<left:filename> vs <right:filename>
:differences <left:filename> <right:filename>
:compare <left:filename> <right:filename>
""",
    weight=1.5,
)

template(
    "file.duplicates",
    "file.duplicates",
    """
!(find|show|show me|list|look for|search for|detect|identify|check for|get|report) (all|any|the|) (duplicates|duplicate files|identical files|files that are duplicates|copies of the same file|dupes|double files|redundant copies) [{inroot}]
!(find|list|show) (all|) files (with the same content|with identical content|that are identical|that are the same|that exist more than once|that exist twice|stored twice) [{inroot}]
!(check|see) (if|whether) (there are any|i have) (duplicates|duplicate files|dupes) [{inroot}]
?are there [any] (duplicates|duplicate files|identical files|dupes|files with the same content) [{inroot}]
?do (i|we) have [any] (duplicates|duplicate files|identical files|double files|dupes) [{inroot}]
?which files (are duplicates|are identical|are the same|have the same content|exist twice|are copies of each other|are duplicated) [{inroot}]
.i (want|need) to (find|see) (the|) (duplicates|duplicate files) [{inroot}]
.i (think|believe) i have (some|) (duplicates|duplicate files) [{inroot}], (find|show|list) them
:(duplicates|duplicate files|dupes|identical files) [{inroot}]
:fdupes <root:dirname>
:fdupes -r .
""",
    weight=1.2,
)
macro(
    inroot="(in|inside|under|within|among the files in) <root:root>|(here|in this folder|in this directory|in here)"
)
