"""Phrasings of family `file` that change something: make, write, copy, move, rename, delete, chmod, link, pack."""

from __future__ import annotations

from casava_os.forge.synth.build import template
from casava_os.forge.synth.grammar import Scene, macro, say, slot
from casava_os.forge.synth.words import bare

template(
    "file.touch",
    "file.touch",
    """
!{make} (a|an|a new|one|) (empty|blank) file (called|named|with the name|) <paths:newfile>
!{make} (a|a new|new|) file (called|named|with the name) <paths:newfile>
!{make} (a|a new|) file <paths:newfile>
!(create|make|add|make me|create me|set up) <paths:newfile>[ (as an empty file|with nothing in it|, empty)]
!{make} (the|) (empty|) files <paths:newfiles>
!{make} (empty|new|) files (called|named) <paths:newfiles>
!touch <paths:newfile>
!touch the file <paths:filename>
!(update|refresh|bump|reset) the (timestamp|modification time|mtime|date) (of|on) <paths:obj>
!set the (modification time|timestamp) of <paths:files> to now
!make (an|a new|) empty <paths:filename>
?can i have an empty file (called|named) <paths:filename>
.i (need|want) (an|a new|an empty|a blank) file (called|named) <paths:newfile>
.i (need|want) (an empty|a new) <paths:filename>
.there should be an empty file (called|named) <paths:filename>
:touch <paths:files1>
:new file <paths:newfile>
:empty file <paths:filename>
:new empty file (called|named|) <paths:filename>
:create <paths:filename>
:file <paths:filename>, empty
""",
    weight=1.8,
)

template(
    "file.make_dir",
    "file.make_dir",
    """
!{make} (a|a new|an empty|another|new|the|) {folder} (called|named|with the name|) <paths:newdir>
!{make} (a|a new|the|) {folder} (called|named|) <paths:newdir>
!{make} (a|the|) <paths:dirname> {folder}
!{make} (the|) (folders|directories|dirs) <paths:newdirs>
!{make} (folders|directories|dirs) (called|named|for) <paths:newdirs>
!mkdir <paths:dirname>
!{make} (nested|) (folders|directories) <paths:deepdir>
!{make} the {folder} <paths:deepdir> (with|including|and) (its|all|the) (parents|parent folders|parent directories|missing parents)
?can i (get|have) a {folder} (called|named) <paths:dirname>
.i (need|want) (a|a new|another) {folder} (called|named|for) <paths:newdir>
.i (need|want) a <paths:dirname> {folder}
.there should be a {folder} (called|named) <paths:dirname>
:mkdir <paths:dirname>
:mkdir -p <paths:deepdir>
:mkdir <paths:spacedirs>
:md <paths:dirname>
:new {folder} <paths:newdir>
:new {folder} (called|named) <paths:dirname>
:new folders <paths:newdirs>
""",
    weight=1.9,
)

template(
    "file.write/create",
    "file.write",
    """
!{make} (a|a new|the|) file (called|named|) <path:newfile> (with|containing|that contains|that says|saying|with the text|with the content|with the contents|with the line|that reads|having) <content:content>
!{make} (a|a new|the|) file (called|named|) <path:newfile> (with the text|with the content|containing|saying|that says|with)[:] <content:open_content>
!{make} <path:newfile> (with|containing|saying|that says|with the text|with the content) <content:content>
!{make} <path:filename> (containing|saying|with the text|that says|with the words) <content:open_content>
!(write|save|put|store|dump) <content:content> (to|in|into) (a|a new|a file called|a new file called|the new file|) <path:newfile>
!(write|save|put|store) <content:content> (to|in|into|as) <path:newfile>
!(write|save|put) the (text|words|line|sentence|string) <content:content> (in|into|to) <path:newfile>
!(write|save|put) <content:bare_content> (in|into|to) (a new file|a file|a file called) <path:filename>
!(write|put|save) (to|into|in) <path:newfile>(:| the text| the following:) <content:open_content>
!echo <content:content> (into|to) <path:filename>
!note down <content:content> in <path:filename>
!jot down <content:content> in <path:filename>
!in <path:filename>, write <content:content>
!make me a <path:filename> that (says|contains) <content:content>
.i (need|want) a file (called|named) <path:newfile> (with|containing|that says) <content:content>
.i (need|want) a file <path:filename> (saying|that says|with the text) <content:open_content>
:echo <content:content> > <path:filename>
:new file <path:newfile> with <content:content>
:new file <path:filename>: <content:open_content>
:<path:filename> with (the text|content|the line) <content:content>
:<content:content> > <path:filename>
:write <content:content> <path:filename>
:note to <path:filename>: <content:open_content>
""",
    weight=2.6,
)

template(
    "file.write/append",
    "file.write how=append *=*",
    """
!(append|add|attach) <content:content> to <path:onefile>
!(append|add|attach|write) <content:content> (to|at) the (end|bottom|tail) of <path:onefile>
!(append|add) (the|a) (line|text|sentence|row|entry|words) <content:content> (to|to the end of|at the end of|at the bottom of|in) <path:onefile>
!(append|add) (the|a) (line|text|entry) (saying|that says|with|reading) <content:content> to <path:onefile>
!(append|add|put|stick|tack) <content:content> (on|to|at) the (end|bottom) of <path:onefile>
!(append|add) <content:bare_content> to (the end of|the bottom of|the file|) <path:filename>
!(append|add) to <path:onefile>(:| the text| the line| the following:) <content:open_content>
!(append|add) the (line|text) <content:content> to <path:filename>, (keep|keeping|don't touch) (the rest|what's there|what is already there)
!write <content:content> after the last line of <path:onefile>
!in <path:filename>, (add|append) (the line|a line|) <content:content> (at the end|at the bottom|)
!add (a|another|one more) line to <path:onefile>: <content:open_content>
!put (another|one more) line (saying|with) <content:content> (at the end of|in) <path:filename>
.<path:filename> (needs|should get) (a|another) line <content:content> at the end
.i (want|need) to (add|append) <content:content> to <path:onefile>
:echo <content:content> >> <path:filename>
:<content:content> >> <path:filename>
:append <content:content> <path:filename>
:append to <path:filename>: <content:open_content>
:add <content:content> to <path:filename>
""",
    weight=2.0,
)

template(
    "file.write/prepend",
    "file.write how=prepend *=*",
    """
!(prepend) <content:content> to <path:onefile>
!(put|add|insert|write|place|stick) <content:content> (at|to|on) the (top|beginning|start|head|front) of <path:onefile>
!(put|add|insert) (the|a) (line|text|header|heading|comment) <content:content> (at|on|to) the (top|beginning|start|very top) of <path:onefile>
!(insert|add|put) <content:content> (before|above) (the first line|everything else|all the text|the rest) (of|in) <path:onefile>
!(put|add|insert) <content:content> as the first line (of|in) <path:onefile>
!(start|begin|open) <path:onefile> with the line <content:content>
!in <path:filename>, (add|put|insert) <content:content> at the (top|beginning|start)
!at the (top|beginning) of <path:onefile>, (add|put|insert|write) <content:content>
!add a (header|first|new first) line to <path:filename>: <content:open_content>
.<path:filename> should start with <content:content>
.i (want|need) <content:content> at the top of <path:filename>
:prepend <content:content> to <path:filename>
:top of <path:filename>: <content:open_content>
""",
    weight=1.3,
)

template(
    "file.write/overwrite",
    "file.write how=overwrite *=*",
    """
!(overwrite|replace) <path:onefile> with [the text] <content:content>
!(overwrite|replace|change|set) the (contents|content|text|whole content|entire contents) of <path:onefile> (with|to|by) <content:content>
!(replace|overwrite) (everything|all|all the text|the whole text) (in|of) <path:onefile> (with|by) <content:content>
!write <content:content> (over|over the contents of|over what's in) <path:onefile>
!write <content:content> (to|into) <path:filename>,? (overwriting|replacing) (it|what's there|the old content|the old text|whatever is there|the existing content)
!(save|put|write) <content:content> (in|into|to) <path:filename> (and|,) (overwrite|replace) (it|what's there|the old content|what is there)
!make <path:onefile> contain (only|nothing but|just) <content:content>
!let <path:filename> contain (only|just|nothing but) <content:content>
!change <path:filename> so that it (only says|contains only|just says) <content:content>
!overwrite <path:filename> with[:] <content:open_content>
!set <path:filename> to <content:content>
.<path:filename> should (only|just) (say|contain) <content:content>
:overwrite <path:filename> <content:content>
:replace contents of <path:filename> with <content:content>
:<path:filename> := <content:content>
""",
    weight=1.3,
)

template(
    "file.copy",
    "file.copy paths=@paths to=#to overwrite=#overwrite",
    """
!{copy} <paths:obj> (to|into|to|in) <to:dir>
!{copy} <paths:obj> (to|into|to) <to:dir> {copynoise}
!{copy} <paths:onefile> (to|as|into|to a file called) <to:newname>
!{copy} <paths:onefile> (to|into) <to:dirasname>
!{copy} <paths:onefile> to <to:newfilejoin>
!{copy} <paths:onefile> (to|into|as) <to:newname>(, overwriting| and overwrite| and replace|, replacing) (it|what's there|the old one|the existing one|whatever is there) [if it exists]<+overwrite>
!{copy} <paths:obj> (to|into) <to:dir>(, overwriting| and overwrite| and replace|, replacing) (what's there|existing files|the files there|whatever is there|anything that exists)<+overwrite>
!(make|create|take) a (copy|duplicate|backup|backup copy) of <paths:onefile> (called|named|as|to|under the name) <to:newname>
!(make|create|put|save) a (copy|duplicate|backup) of <paths:obj> (in|into|inside) <to:dir>
!save <paths:onefile> (also|a second time) as <to:newname>
!overwrite <to:filename> (with|from|using) <paths:onefile><+overwrite>
!(overwrite|replace|update) <to:filename> (with|from|by|using) a copy of <paths:onefile><+overwrite>
!(restore|recreate|refresh|renew) <to:filename> (from|with|using) <paths:onefile><+overwrite>
!make <to:filename> (a copy of|the same as|identical to|equal to) <paths:onefile>
.<to:filename> should be (a copy of|the same as|identical to) <paths:onefile>
!(put|place|drop|store) copies of <paths:opset> (in|into|inside) <to:dir>
!back <paths:onefile> up (to|as|into) <to:newname>
!back up <paths:obj> (to|into|in) <to:dir>
!(make|create) copies of <paths:opset> in <to:dir>
!copy (over|across) <paths:obj> (to|into) <to:dir>
!find <paths:opset> and copy (them|them all|all of them|everything found|each of them|these) (to|into) <to:dir>
!take <paths:opset> and (copy|duplicate) (them|those) (to|into) <to:dir>
?can i have a copy of <paths:onefile> (in <to:dir>|called <to:newname>|as <to:newname>)
.i (want|need) (a copy|copies) of <paths:obj> in <to:dir>
.i (want|need) <paths:onefile> (copied|duplicated) (to|into) <to:dir>
.<paths:opset> should be copied (to|into) <to:dir>
.<paths:onefile> needs a (copy|backup) (called|named) <to:newname>
:cp <paths:filename> <to:filename>
:cp <paths:filename> <to:dirname>
:cp -r <paths:dirname> <to:dirname>
:cp -a <paths:dirname> <to:dirname>
:cp -f <paths:filename> <to:filename><+overwrite>
:copy <paths:filename> <to:filename>
:copy <paths:filename> -> <to:dirname>
:backup <paths:filename> to <to:filename>
:<paths:opset> -> copy to <to:dirname>
:cp <paths:set> to <to:dirname>
""",
    weight=3.0,
)
macro(
    copynoise="(keeping|keep|preserving|without changing|but keep) (the|their|its) (names|name|structure|timestamps|dates)|recursively|with everything in (it|them)|verbosely|and leave the (originals|original) (where they are|alone|in place)|(but|and) don't (touch|change) the (originals|original)|one by one|for safekeeping|just in case|as a backup|and (create|make) (it|the folder) if (needed|necessary|it doesn't exist|it is missing)"
)

template(
    "file.move",
    "file.move paths=@paths to=#to overwrite=#overwrite",
    """
!{move} <paths:obj> (to|into|to|into|over to) <to:dir>
!{move} <paths:obj> (to|into) <to:dir>
!{move} <paths:obj> (to|into) <to:dir> {movenoise}
!move <paths:onefile> to <to:filename>
!move <paths:onefile> to <to:newfilejoin>
!{move} <paths:obj> (to|into) <to:dir>(, overwriting| and overwrite| and replace|, replacing) (what's there|existing files|the files there|whatever is there|anything that exists)<+overwrite>
!move <paths:onefile> to <to:filename>(, overwriting| and overwrite|, replacing) (it|what's there|the old one) [if it exists]<+overwrite>
!(put|move) <paths:onefile> (in the place of|over) <to:filename><+overwrite>
!(collect|gather|group|sort|file|store|stash|archive away|tuck) <paths:opset> (in|into|inside|under) <to:dir>
!(put|place|drop|throw) <paths:obj> (in|into|inside) <to:dir>
!find <paths:opset> and (move|put|relocate|shift) (them|them all|all of them|everything found|each of them|these) (to|into) <to:dir>
!take <paths:opset> and (move|put|shift) (them|those) (to|into) <to:dir>
!get <paths:opset> out of here and into <to:dir>
?can <paths:opset> go (in|into|to) <to:dir>
.<paths:obj> (belongs|should go|should be moved|needs to go|needs to be moved|has to go) (in|into|to) <to:dir>
.i (want|need) <paths:obj> (in|moved to|moved into|to be in) <to:dir>
.i'd like to have <paths:obj> in <to:dir> instead
:mv <paths:filename> <to:filename>
:mv <paths:filename> <to:dirname>
:mv <paths:dirname> <to:dirname>
:mv <paths:opset> <to:dirname>
:move <paths:filename> <to:dirname>
:<paths:filename> -> <to:dirname>
:<paths:opset> to <to:dirname>
:<paths:opset> into <to:dir>
:mv -f <paths:filename> <to:filename><+overwrite>
""",
    weight=3.0,
)
macro(
    movenoise="(keeping|keep|preserving|without changing) (the|their|its) (names|name|structure|dates)|verbosely|one by one|and (create|make) (it|the folder) if (needed|necessary|it doesn't exist|it is missing)|where (they belong|it belongs)|so (i can find them later|it's tidy|that it's clean here)|instead of leaving (it|them) here"
)

template(
    "file.rename/to",
    "file.rename",
    """
!rename <paths:onefile> (to|as|into|to|to) <to:newname>
!rename (the|) (file|folder|directory) <paths:filename> (to|as) <to:newname>
!rename the {folder} <paths:dirname> (to|as) <to:pathless>
!rename the <paths:dirname> {folder} (to|as) <to:pathless>
!(change|alter) the (name|filename) of <paths:onefile> (to|into) <to:newname>
!(change|alter) <paths:filename>'s name (to|into) <to:newname>
!(give) <paths:onefile> the (new name|name) <to:newname>
!call <paths:onefile> <to:newname> (instead|from now on|now)
!(name) <paths:onefile> <to:newname> instead
!(change|alter) the name <paths:filename> to <to:newname>
.<paths:filename> should be (called|named|renamed to|renamed) <to:newname>
.<paths:filename> needs (a new name: <to:newname>|to be called <to:newname>|to be renamed <to:newname>)
.i (want|need) to rename <paths:onefile> (to|as) <to:newname>
.i want <paths:onefile> to be (called|named) <to:newname>
:rename <paths:filename> <to:newname>
:rename <paths:filename> to <to:newname>
:rename <paths:filename> -> <to:newname>
:ren <paths:filename> <to:newname>
""",
    weight=2.0,
)

template(
    "file.rename/bulk",
    "file.rename paths=@paths find=#find replacement=#replacement prefix=#prefix suffix=#suffix case=#case extension=#extension",
    """
!(change|set|switch|convert) the (extension|file extension|ending|suffix) of <paths:obj> (to|into) <extension:newext>
!rename <paths:opset> (to have|so they have|to) (the|a|) <extension:newext> (extension|ending|extensions)
!(give) <paths:obj> the (extension|file extension) <extension:newext>
!rename <paths:opset> to <extension:dotext>
!change <paths:opset> to <extension:dotext> (files|)
!(add|put|prepend) (the|a|) (prefix|) <prefix:piece> (to|in front of|before|at the beginning of|at the start of) (the|all|) (names|filenames|file names|name) of <paths:obj>
!(add|put) the prefix <prefix:piece> (to|on) <paths:obj>
!prefix <paths:obj> with <prefix:piece>
!prefix the (names|filenames) of <paths:opset> with <prefix:piece>
!rename <paths:opset> (so they|so that they|to) start with <prefix:piece>
!(add|append|put) (the|a|) suffix <suffix:piece> to <paths:obj>
!(add|append|put) (the|a|) suffix <suffix:piece> to the (names|filenames|name) of <paths:obj>
!(add|append|put) <suffix:piece> (to|at|after) the end of the (names|filenames|name) of <paths:obj>
!suffix <paths:obj> with <suffix:piece>
!(make|turn|convert|change) the (names|filenames|file names|name) of <paths:obj> (to|into|) (lowercase|lower case|small letters)<case=lower>
!(lowercase|downcase) the (names|filenames|name) of <paths:obj><case=lower>
!rename <paths:obj> to (lowercase|lower case|all lowercase)<case=lower>
!(make|turn|convert|change) the (names|filenames|file names|name) of <paths:obj> (to|into|) (uppercase|upper case|capitals|capital letters|all caps)<case=upper>
!(uppercase|upcase|capitalize all of) the (names|filenames|name) of <paths:obj><case=upper>
!rename <paths:obj> to (uppercase|upper case|all caps)<case=upper>
!(replace|change|swap|substitute) <find:piece> (with|by|to) <replacement:piece> in the (names|filenames|file names|name) of <paths:obj>
!in the (names|filenames|file names) of <paths:opset>, (replace|change) <find:piece> (with|to|by) <replacement:piece>
!rename <paths:obj>(, replacing|, changing| replacing| by replacing| and change) <find:piece> (with|to|by) <replacement:piece>
!(change|rename) <find:piece> to <replacement:piece> in (all|the) (file names|filenames|names) of <paths:opset>
.the (names|filenames) of <paths:opset> should be (lowercase|in lower case)<case=lower>
.<paths:opset> should have the extension <extension:newext>
.<paths:opset> should (start with|have the prefix) <prefix:piece>
:rename <paths:opset> (lowercase|to lower)<case=lower>
:rename <paths:opset> <find:piece> -> <replacement:piece>
:prefix <prefix:piece> for <paths:opset>
""",
    weight=2.2,
)

template(
    "file.delete",
    "file.delete paths=@paths",
    """
!{delete} <paths:obj>
!{delete} <paths:obj>
!{delete} <paths:opset>
!{delete} <paths:obj> {deletenoise}
!{delete} (the|) (file|folder|directory|dir) <paths:dirname>
!{delete} the (whole|entire|complete) <paths:dirname> {folder}
!{delete} <paths:dir> (and|with|together with|including) (everything|all|all that is|whatever is) in it
!find <paths:opset> and {delete} (them|them all|all of them|everything found|each of them|these|every one of them)
!find and {delete} <paths:opset>
!look for <paths:opset> and {delete} (them|all of them)
!make <paths:obj> (disappear|go away)
!(take|get) <paths:opset> and {delete} them
.i (don't|do not) need <paths:obj> (anymore|any more|any longer), {delete} (it|them)
.i (don't|do not) (want|need) <paths:obj> (anymore|any longer)[ please], so {delete} (it|them)
.<paths:obj> can (be deleted|go|be removed|be thrown away|be trashed)
.<paths:obj> should be (deleted|removed|erased|gone)
.<paths:obj> must (go|be deleted|be removed)
.i want <paths:obj> (gone|deleted|removed|erased)
.i (want|need|'d like) to {delete} <paths:obj>
.(no one|nobody) needs <paths:obj> (anymore|any more): {delete} (it|them)
:rm <paths:files1>
:rm <paths:filename>
:rm -rf <paths:dirname>
:rm -r <paths:dirname>
:rm -f <paths:files1>
:rm <paths:globset>
:rmdir <paths:dirname>
:del <paths:files1>
:delete <paths:files1>
:remove <paths:opset>
:<paths:opset>: (delete|remove)
:<paths:opset>? delete (them|those)
:find . -name <paths:globname> -delete
""",
    weight=3.6,
)
macro(
    deletenoise="(permanently|for good|forever|recursively|completely|right away|once and for all|quietly|without asking|safely)|, (i don't need (it|them) (anymore|any more)|(they are|it's|they're) (useless|obsolete|just junk|not needed|taking up space))|(because|since) (my disk is full|i need (the space|space)|(they're|it's) (old|outdated|not needed anymore))|to (free|save) (up|) (some|) space|if (there are any|they exist|it exists)|, but (be careful|nothing else|leave the rest alone|only (those|that))|and (nothing else|leave (everything else|the rest) (alone|untouched))"
)

template(
    "file.chmod",
    "file.chmod paths=@paths mode=#mode recursive=#recursive",
    """
!make <paths:obj> <mode:modeword>
!(make|turn) <paths:onefile> (into a|into an) <mode:modefile> file
!mark <paths:obj> as <mode:modeword2>
!(set|change) the (permissions|mode|permission bits|access rights|rights|file mode) (of|on|for) <paths:obj> to <mode:octal>
!(set|change) <paths:obj> to (mode|permissions|permission) <mode:octal>
!chmod <paths:obj> (to|with) <mode:octal>
!chmod <mode:octal> on <paths:obj>
!(give) <paths:obj> (permissions|mode|the permissions|permission) <mode:octal>
!give <paths:obj> <mode:permname> (permission|permissions|rights)
!(add|set|turn on|enable|grant|allow) <mode:permname2> (permission|permissions|the bit|rights) (to|on|for) <paths:obj>
!(remove|take away|drop|revoke|take|turn off|disable|strip|unset) <mode:unpermname> (permission|permissions|rights) (from|on) <paths:obj>
!(let|allow) (everyone|everybody|anyone|all users) (to|) (read|see) <paths:obj><mode=+r>
!(let|allow) (everyone|everybody|anyone|all users) (to|) (read and write|read and change|edit) <paths:obj><mode=a+rw>
!(protect|lock|write-protect|write protect) <paths:obj> (against|from) (changes|writing|being overwritten|accidental changes|edits)<mode=a-w>
!(write-protect|write protect) <paths:obj><mode=a-w>
!(set|change) the permissions of (everything|all files|all) in <paths:dirlist> to <mode:octal><+recursive>
!(recursively|) chmod <paths:dirlist> (to|with) <mode:octal> recursively<+recursive>
!recursively (set|change) the (permissions|mode) (of|on) <paths:dirlist> to <mode:octal><+recursive>
!make (everything|all files|all) (in|inside|under) <paths:dirlist> <mode:modeword><+recursive>
!make <paths:dirlist> and (everything|all|all files) in it <mode:modeword><+recursive>
!find <paths:opset> and make them <mode:modeword>
!hide <paths:obj> from (everyone else|everybody else|other users|others)<mode=go-rwx>
.<paths:obj> should be <mode:modeword>
.<paths:onefile> (needs|has) to be <mode:modeword>
.i (want|need) <paths:obj> to be <mode:modeword>
.i (want|need) to be able to (run|execute) <paths:onefile><mode=+x>
.nobody (else|but me) should (be able to|) (read|see|open) <paths:onefile><mode=go-rwx>
.only i should be able to (read|open|see) <paths:obj><mode=go-rwx>
:chmod <mode:octal> <paths:files1>
:chmod <mode:symbolic> <paths:files1>
:chmod -R <mode:octal> <paths:dirname><+recursive>
:chmod -R <mode:symbolic> <paths:dirname><+recursive>
:chmod <mode:octal> <paths:opset>
:<paths:filename> <mode:modeword>
:permissions of <paths:filename> to <mode:octal>
""",
    weight=2.2,
)
_MODES = {
    "+x": "executable|runnable|an executable|executable by everyone|executable for all",
    "-x": "non-executable|not executable|nonexecutable|no longer executable",
    "a-w": "read-only|read only|readonly|unwritable|write-protected|not writable",
    "u+w": "writable|writeable|writable again|writable for me|editable",
    "+r": "readable by everyone|readable for everyone|readable|readable for all|world-readable|world readable",
    "go-rwx": "private|readable only by me|only readable by me|accessible only to me|inaccessible to others",
    "u+x": "executable for me only|executable by the owner|executable for the owner|executable only for me",
    "a+rw": "readable and writable by everyone|readable and writable for everyone|world-writable and readable",
    "+w": "writable for everyone|writable by everyone|world-writable|writable by all|world writable",
}
_WEIGHTED = ["+x"] * 4 + ["a-w"] * 3 + ["u+w", "u+w", "+r", "go-rwx", "go-rwx", "-x", "u+x", "a+rw", "+w"]


@slot("modeword")
def _modeword(scene: Scene) -> tuple[str, object]:
    """The argument `<modeword>`."""
    mode = scene.pick(_WEIGHTED)
    return say(scene, _MODES[mode]), mode


@slot("modefile")
def _modefile(scene: Scene) -> tuple[str, object]:
    """The argument `<modefile>`."""
    mode = scene.pick(["+x", "a-w", "a-w", "go-rwx"])
    return say(scene, {"+x": "executable", "a-w": "read-only|read only", "go-rwx": "private"}[mode]), mode


@slot("modeword2")
def _modeword2(scene: Scene) -> tuple[str, object]:
    """The argument `<modeword2>`."""
    mode = scene.pick(["+x", "a-w", "a-w", "+x", "go-rwx"])
    return say(
        scene, {"+x": "executable|runnable", "a-w": "read-only|read only|readonly", "go-rwx": "private"}[mode]
    ), mode


@slot("permname")
def _permname(scene: Scene) -> tuple[str, object]:
    """The argument `<permname>`."""
    mode = scene.pick(["+x", "+x", "u+w", "+r"])
    return say(scene, {"+x": "execute|execution|executable|exec", "u+w": "write", "+r": "read"}[mode]), mode


@slot("permname2")
def _permname2(scene: Scene) -> tuple[str, object]:
    """The argument `<permname2>`."""
    mode = scene.pick(["+x", "+x", "u+w", "+r"])
    return say(
        scene,
        {"+x": "the execute|execute|executable|execution", "u+w": "write|the write", "+r": "read|the read"}[
            mode
        ],
    ), mode


@slot("unpermname")
def _unpermname(scene: Scene) -> tuple[str, object]:
    """The argument `<unpermname>`."""
    mode = scene.pick(["-x", "a-w", "-x", "a-w"])
    return say(
        scene, {"-x": "the execute|execute|executable|execution", "a-w": "write|the write|writing"}[mode]
    ), mode


@slot("symbolic")
def _symbolic(scene: Scene) -> tuple[str, object]:
    """The argument `<symbolic>`."""
    text = scene.pick(["+x", "+x", "u+x", "a-w", "u+w", "+w", "+r", "-x", "go-rwx", "a+rw", "g+w", "o-r", "u=rw", "a+x", "go-w", "g-w", "o+r", "ug+rw"])  # fmt: skip
    return bare(text), text


template(
    "file.link",
    "file.link",
    """
!{make} a {link} (called|named) <path:filename> (pointing|that points|which points|leading|linking|that leads|that refers) to <target:onefile>
!{make} a {link} <path:filename> (pointing|that points|->|leading|linking) to <target:filename>
!{make} a {link} (to|for) <target:filename> (called|named|at|as|under the name|with the name) <path:filename>
!{make} a {link} (pointing|that points|) to <target:filename> (called|named|at|as) <path:filename>
!{make} a {link} from <path:filename> to <target:filename>
!(symlink|soft link|soft-link) <target:filename> (to|as|at|under the name) <path:filename>
!link <target:filename> (as|at|under the name) <path:filename>
!{make} <path:filename> a {link} to <target:filename>
!{make} <path:filename> (point|link) to <target:filename>
!let <path:filename> (point|link) to <target:filename>
!have <path:filename> point to <target:filename>
!{make} a hard link (called|named) <path:filename> (pointing|that points|) to <target:filename><+hard>
!{make} a hard link to <target:filename> (called|named|at|as) <path:filename><+hard>
!{make} a hard link from <path:filename> to <target:filename><+hard>
!(hard link|hardlink|hard-link) <target:filename> (to|as|at) <path:filename><+hard>
.i (need|want) a {link} (called|named) <path:filename> (pointing|that points) to <target:onefile>
.i (need|want) a {link} to <target:filename> (called|named|at) <path:filename>
.i want <path:filename> to (point|link|be a link|be a symlink) to <target:filename>
.<path:filename> should (point|link|be a link|be a symlink) to <target:filename>
:ln -s <target:filename> <path:filename>
:ln <target:filename> <path:filename><+hard>
:ln -sf <target:filename> <path:filename>
:symlink <target:filename> <path:filename>
:{link} <path:filename> -> <target:filename>
:<path:filename> -> <target:filename> (symlink|link)
""",
    weight=1.9,
)
macro(link="(link|symlink|symbolic link|soft link|sym link|symlink|shortcut)")

template(
    "file.archive",
    "file.archive paths=@paths to=#to",
    """
!{pack} <paths:obj> (into|to|in|as) <to:archive>
!{pack} <paths:obj> (into|to|in|as) (an archive|a zip|an archive file|a file|a zip file|an archive called|a file called|an archive named) <to:archive>
!{pack} <paths:obj> (and|,) (call|name) (it|the archive|the file|the result) <to:archive>
!{pack} <paths:obj> and (save|store|write|put) (it|the result|the archive|that) (as|to|in|into) <to:archive>
!{make} (an archive|a zip|a zip file|a tarball|an archive file|a compressed archive|) (called|named|) <to:archive> (of|from|with|containing|out of|holding) <paths:obj>
!{make} (an archive|a zip|a zip file|a tarball|a backup archive) of <paths:obj> (called|named|as|in|at) <to:archive>
!{make} <to:archive> (from|out of|with|containing) <paths:obj>
!(put|add|place|stuff|collect) <paths:obj> (into|in) (the archive|an archive|an archive called|the zip|a new archive|a zip called) <to:archive>
!back up <paths:obj> (to|into|as) <to:archive>
!(zip|tar|gzip|bundle) up <paths:obj> (into|as|to) <to:archive>
!find <paths:opset> and {pack} (them|them all|all of them) (into|to|as) <to:archive>
!compress (down|) <paths:obj> (to|into|as) <to:archive> {packnoise}
.i (need|want) (an archive|a zip|a tarball) of <paths:obj> (called|named) <to:archive>
.i (need|want) <paths:obj> (zipped|packed|archived|compressed|bundled) (into|as|in) <to:archive>
.<paths:obj> should (go|be packed|be zipped|be archived) into <to:archive>
:zip <to:archive> <paths:files1>
:zip -r <to:archive> <paths:dirname>
:tar czf <to:archive> <paths:files1>
:tar -czvf <to:archive> <paths:dirname>
:tar cf <to:archive> <paths:dirname>
:tar up <paths:obj> as <to:archive>
:<paths:obj> -> <to:archive>
:<to:archive> from <paths:obj>
:archive <paths:files1> <to:archive>
:<paths:opset> into <to:archive>
""",
    weight=2.2,
)
macro(
    pack="(zip|zip|compress|pack|bundle|archive|tar|tar up|zip up|pack up|package|gzip|wrap up)",
    packnoise="so (i can mail it|it's smaller|i can send it)|to save space|for (mailing|backup|sending)|with the best compression|keeping the originals|without deleting anything",
)

template(
    "file.extract",
    "file.extract paths=@paths to=#to",
    """
!{unpack} <paths:anarchive>
!{unpack} (the|) (archive|zip|tarball|zip file) <paths:anarchive>
!{unpack} <paths:anarchive> (here|in here|into this folder|in place|in the current folder|right here|to the current directory)
!{unpack} <paths:anarchive> (to|into|inside|to|under) <to:dir>
!{unpack} (the|) (contents|files|everything) (of|in|from) <paths:anarchive> (to|into|in) <to:dir>
!{unpack} (the contents|the files|everything) (of|from) <paths:anarchive>
!get the files out of <paths:anarchive>
!{unpack} <paths:zipset>
!{unpack} <paths:zipset> (to|into) <to:dir>
!find <paths:zipset> and {unpack} them [(to|into) <to:dir>]
.i (want|need) <paths:zipset> (unpacked|extracted) [(to|into) <to:dir>]
!get (the files|everything) out of <paths:anarchive> (into|and into|and put them in) <to:dir>
!open (up|) the archive <paths:anarchive>
!(put|place|drop) (the contents|the files) of the archive <paths:anarchive> (in|into) <to:dir>
?can you {unpack} <paths:anarchive>
.i (need|want) (the files|what's|everything) (in|inside) <paths:anarchive> (unpacked|extracted) (to|into|in) <to:dir>
.i (need|want) to {unpack} <paths:anarchive>
.<paths:anarchive> (should|needs to) be (unpacked|extracted|unzipped) (into|to|in) <to:dir>
:unzip <paths:anarchive>
:unzip <paths:anarchive> -d <to:dirname>
:tar xf <paths:anarchive>
:tar -xzf <paths:anarchive>
:tar xzvf <paths:anarchive> -C <to:dirname>
:untar <paths:anarchive>
:gunzip <paths:anarchive>
:extract <paths:anarchive> <to:dirname>
""",
    weight=1.7,
)
macro(
    unpack="(unzip|unzip|extract|extract|unpack|untar|decompress|uncompress|expand|inflate|unarchive|explode)"
)
