"""Requests that are not compiled to actions: the underspecified get a question, the impossible a refusal."""

from __future__ import annotations

from casava_os.forge.synth.build import template
from casava_os.forge.synth.grammar import Scene, macro, slot
from casava_os.forge.synth.words import ENGLISH, argument, bare, fresh, word

template("ask/target", "ask about=target", """
!{delete} (it|them|that|this|these|those|that one|the thing|stuff|some stuff|something|things|the file|the files|a file|some files|one of them|the other one)
!(move|copy) (it|them|that|stuff|the file|the files|some files|something|these) to <x:dirname>
!(rename|chmod|compress|zip|hash|open|show|read|print|sort|edit|check) (it|them|that|this|this one|the file|the thing|something|that file)
!make (it|them|that|this) (executable|read-only|private|writable)
!rename (it|that|the file|this file) to <x:newname>
!(sort|count|dedupe) (it|that)
!(zip|pack|archive) (it|them|the files|these) (into|as) <x:archive>
!(replace|change) <x:needle> (with|by|to) <x:word> in (it|the file|that file|there|that)
!(append|add) <x:content> to (it|the file|that file|that)
!(show|print) (the|) first <x:count> lines
!(show|print) (the|) last <x:count> lines
!(clean|tidy) (up|it up|that up)
!(extract|unzip|unpack) (it|that|the archive|the zip|them)
!(link|symlink) (it|that)
!copy to <x:dirname>
!move to <x:dirname>
!(delete|remove) the (old|wrong|bad|other|unneeded|useless) (one|ones|file|files)
!(open|show) the (last|other|previous|right|usual) one
!search for <x:needle> in (it|that file|the file)
?how many (lines|words) (are in it|does it have|are in the file|does the file have|are in that|are in this)
?how big is (it|the file|that|that file|this)
?when was (it|that|the file) (changed|modified)
?what('s| is) in (it|that file|the file|that one)
?how many (errors|warnings|TODOs) are in (this|it|that|there)
?who owns (it|that|the file)
?is it executable
:delete
:rm
:remove
:remove file
:delete file
:cat
:head
:wc -l
:chmod +x
:unzip
:rename to <x:newname>
:mv
:sort
:open
:move files
:chmod <x:octal>
.i (want|need) to delete (something|a file|some files|it)
.i (want|need) to (rename|move|copy|zip|read|edit) (something|a file|it|some files)
.i made a mistake in (a file|one of the files)
.(it|that) should be executable
""".replace("!(sort|count|dedupe) (it|that)\n", ""), weight=3.0)  # fmt: skip

template("ask/destination", "ask about=destination", """
!(copy|duplicate|cp) (the file|) <x:filename>
!(move|mv|relocate|transfer|shift) (the file|) <x:filename>
!(move|copy) <x:set>
!(move|copy|put) <x:obj> (somewhere|somewhere else|elsewhere|away|into a folder|to another folder|to a different place|somewhere safe|to the other folder|into the right folder|there|in a better place)
!(move|copy) <x:onefile> to
!(move|copy) <x:onefile> into
!back up <x:onefile>
!(make|create) a (copy|backup|backup copy|duplicate) of <x:onefile>
!find <x:set> and (move|copy) them
!relocate <x:dir>
!(save|put) <x:content> (in|into) a file
!(write|save) <x:content>
?where (should|can|shall) (i|we) (put|move|copy) (the file|) <x:filename>
?can you (copy|move) (the file|) <x:filename>
.i (want|need) to (move|copy) <x:onefile>
.<x:onefile> should be (somewhere else|moved|copied)
.i need a (copy|backup) of <x:onefile>
:cp <x:filename>
:mv <x:filename>
:move <x:filename>
:copy <x:filename>
:move <x:filename> to
:backup <x:filename>
""", weight=1.6)  # fmt: skip

template("ask/content", "ask about=content", """
!(append|add) (something|some text|text|a line|a note|an entry|a comment) to <x:onefile>
!append to <x:filename>
!(write|put) (something|some text|a note|text|a line) (in|into|to) <x:onefile>
!(add|put|insert) (a|another|one more) line (to|in|at the end of|at the top of) <x:onefile>
!(write|add) to <x:filename>
!edit <x:onefile>
!(change|modify|update) <x:onefile>
!(change|update) the (text|contents|content) of <x:onefile>
!overwrite <x:onefile>
!prepend (something|a header|a line|some text) to <x:onefile>
!replace the (contents|text) of <x:onefile>
!(fill|populate) <x:filename>
!search <x:onefile>
!(search|grep|look) in <x:onefile>
!(search|grep) (through|) <x:dir>
!replace (text|something|some words|a word|words) in <x:onefile>
?can you (edit|change|update) <x:onefile>
.i (want|need) to (write|add|change|edit) something in <x:onefile>
.<x:filename> needs (another|one more) line
.<x:onefile> is wrong
:append <x:filename>
:edit <x:filename>
:vim <x:filename>
:nano <x:filename>
:grep
:echo >> <x:filename>
:search
:grep in <x:filename>
:write <x:filename>
""", weight=1.6)  # fmt: skip

template("ask/name", "ask about=name", """
!{make} (a|a new|an empty|another|one more|some) (file|folder|directory|text file|python file|document|csv|script|subfolder)
!{make} (files|folders|some files|two folders|three files|a couple of folders)
!{make} (a|a new) (folder|file) (for me|here|in this folder|please|in <x:dirname>)
!rename <x:onefile>
!(give|find) <x:onefile> (a better|another|a new|a different) name
!rename <x:onefile> to (something|something else|something better|something shorter|a better name)
!rename <x:set>
!{make} a (symlink|link|shortcut) to <x:onefile>
!(zip|compress|archive|tar|pack|gzip) <x:obj>
!(zip|tar|pack) up <x:obj>
!(make|create) (a zip|an archive|a tarball|a zip file) (of|from|with) <x:obj>
!put <x:set> (into|in) (a zip|an archive|a zip file|a tarball)
!change the name of <x:onefile>
?can you rename <x:onefile>
?can i have a new (folder|file)
.i (want|need) (a|a new|an empty) (file|folder|directory)
.i (want|need) to (rename|zip|compress) <x:onefile>
.<x:onefile> needs (a better|another|a new) name
:touch
:mkdir
:new file
:new folder
:rename <x:filename>
:ren <x:filename>
:zip <x:filename>
:tar <x:dirname>
:compress <x:filename>
:create file
:create folder
:make folder
""", weight=1.7)  # fmt: skip

template("ask/command", "ask about=command", """
!(run|execute|start|launch|run) (it|that|this|something|the command|a command|the program|the script|a script|the thing|the tests|the usual|my program|the usual thing|it again|the same|that again)
!run it (again|in the background|with sudo|for me|now)
!(run|execute|start) (something|a program|a command|a job) in the background
!(run|execute)
!start (the|a) (server|app|job|service|build|program|daemon)
!(launch|fire up) (the|my) (app|program|thing)
!run a command
!(build|compile|test) (it|the project|this|everything)
?can you run (it|that|something|a command|the tests)
?can you (build|compile) (it|this)
.i (want|need) to run (something|a command|a program|the tests|it)
.(it|the program) should (run|be running)
:run
:execute
:exec
:start
:run tests
:build
:run the
""", weight=1.1)  # fmt: skip

template("ask/condition", "ask about=condition", """
!{delete} (some|a few|most|certain|the right|the wrong|unnecessary|unneeded|useless|unused|irrelevant|unimportant|obsolete|old and useless) (files|of the files|of them|folders|things)
!(move|copy) (some|a few|certain|the important|the relevant|the right|the other) files to <x:dirname>
!(find|show|list) (the|some|my) (important|relevant|interesting|right|good|wrong|bad|usual|correct|nice|other) (files|file|ones|stuff|things)
!{delete} (what|whatever|everything|all|the files|the stuff) (i don't need|that isn't needed|that is useless|nobody needs|we don't need) [anymore]
!{delete} the (junk|garbage|rubbish|clutter|crap|mess) [in <x:dirname>]
!clean (up|) (this folder|this directory|<x:dir>|everything|my files|this mess)
!(clean|clean up|tidy) (my|our|the|) <x:dirname> (folder|directory|dir)
!(tidy|tidy up|organize|organise|sort out|declutter) (this folder|<x:dir>|my files|everything|this directory)
!make (some|more) (space|room)
!free up (some|) (space|disk space|room) [in <x:dirname>]
!find (the|a) file [i need|i was working on|i want|i am looking for]
!find (files|a file|some files|something|stuff)
!{delete} files (older|larger|bigger) than
!find files (older|larger|bigger|smaller) than
!find files (named|called|containing|with|that contain)
!filter <x:table>
?where is (my|the|that) file
?which files (are important|do i need|can i delete|can be deleted|should i keep|are not needed|matter)
?what can i delete [in <x:dirname>]
.i (want|need) (some|more) (space|room)
.(this folder|it) is (a mess|too big|too full|messy)
.i'm looking for (a file|something|that file from before)
:find
:cleanup
:clean <x:dirname>
:find file
:files
:files older than
:files larger than
:files with
:search files
""".replace(":files\n", ""), weight=1.4)  # fmt: skip

template("ask/value", "ask about=value", """
!(change|set) the (permissions|mode|rights|access rights) of <x:obj>
!chmod <x:filename>
!(change|fix) the permissions (of|on) <x:onefile>
!make <x:onefile> (bigger|smaller|larger|better|faster|different|shorter|longer|right|good|nicer)
!(show|print) (some|a few) lines of <x:onefile>
!(show|print) (a|one) (column|line) of <x:onefile>
!(show|print|cut|extract) (a few|some|certain) columns (of|from) <x:table>
!(sum|average|add up) a column (of|in) <x:table>
!(sum|average|total) <x:table>
!(stop|kill|wait for) (a job|the job|one of the jobs|some job)
!(show|print) lines of <x:filename> from
!change the extension of <x:obj>
!(add|put) a (prefix|suffix) to <x:obj>
!(rename|change) the extension of <x:set>
!wait
?what('s| is) the (sum|average|total|maximum) (of|in) <x:table>
?what('s| is) the value in <x:jsonone>
.the permissions of <x:onefile> are wrong
.i (want|need) to change the (permissions|mode|extension) of <x:onefile>
:chmod <x:filename>
:head -n <x:filename>
:head <x:filename>
:tail <x:filename>
!(show|print|display) the (beginning|start|end|top|bottom|first lines|last lines|first few lines|last few lines) of <x:onefile>
?how does <x:onefile> (begin|end|start)
:kill job
:wait for job
:column of <x:table>
:permissions <x:filename> to
""".replace(":permissions <x:filename> to\n", "").replace("!(rename|change) the extension of <x:set>\n", "").replace("!(show|print) lines of <x:filename> from\n", ""), weight=1.1)  # fmt: skip


@slot("jsonone")
def _jsonone(scene: Scene) -> tuple[str, object]:
    """The argument `<jsonone>`."""
    text = fresh(scene, lambda s: word(s) + ".json")
    return argument(scene, text), text


template("ask/meaning", "ask about=meaning", """
:<x:gibberish>
:<x:gibberish>
:<x:gibberish>
:<x:gibberish> <x:gibberish>
:<x:lonely>
:<x:lonely>
:<x:lonely> <x:lonely>
:<x:lonely> <x:lonely> <x:lonely>
:(do it|do that|go|go on|again|more|yes|no|ok|okay|sure|continue|next|back|stop|cancel|hm|hmm|uh|what|huh|help|help me|?|??|...|please|pls|test|and|the|it|this|that|undo that thing|you know what to do|same as before|like last time|the usual|as always|as before|one more time|never mind|nothing|whatever)
:(make it (bigger|better|faster|nice|work|right|so)|fix (it|this|everything|the problem|the bug)|improve (it|this)|do (something|anything|your thing|the thing|the needful)|solve (it|this)|handle (it|this)|take care of (it|this)|sort (it|this) out|make (it|this) happen|change it|update it|process it|use it)
:(if|when|because|but|so|and then|or|then|with|for|from|to|into|of the) <x:lonely>
:(the file|the folder|a folder|my file|that file|this thing|a file)
:<x:filename> <x:filename>
:<x:lonely> (the|a|of|in|to)
:(in|from|to|with|under) <x:dirname>
:(something|anything) (with|about|in|for) <x:lonely>
:(i|we) (want|need) (to|a|the|some)
:(can|could) you (please|)
:i (want|need|would like) (something|that|it|more)
:(all|every|each) (of|the) <x:lonely>
:<x:number>
""", weight=2.6)  # fmt: skip


@slot("gibberish")
def _gibberish(scene: Scene) -> tuple[str, object]:
    """The argument `<gibberish>`."""
    draw = scene.rng.random()
    if draw < 0.35:
        row = scene.pick(
            ["asdfghjkl", "qwertyuiop", "zxcvbnm", "asdf", "jkl;", "hjkl", "qwer", "yxcv", "fdsa"]
        )
        text = "".join(scene.rng.choices(row, k=scene.rng.randint(3, 12)))
    elif draw < 0.6:
        text = "".join(scene.rng.choices("abcdefghijklmnopqrstuvwxyz", k=scene.rng.randint(4, 14)))
    elif draw < 0.75:
        text = "".join(scene.rng.choices("!@#$%^&*()_+=-[]{};:<>?/", k=scene.rng.randint(2, 9)))
    elif draw < 0.85:
        text = scene.pick(list("abcdefghijklmnopqrstuvxyz")) * scene.rng.randint(2, 7)
    else:
        text = scene.pick(
            [
                "blah",
                "foo bar",
                "lorem ipsum",
                "bla bla",
                "la la la",
                "xyzzy",
                "hodor",
                "aaa",
                "brrr",
                "zzz",
                "qwerty",
                "tbd",
                "n/a",
            ]
        )
    return bare(text), text


@slot("lonely")
def _lonely(scene: Scene) -> tuple[str, object]:
    """A word on its own that says nothing."""
    text = scene.pick(ENGLISH)
    return bare(text), text


@slot("number")
def _number(scene: Scene) -> tuple[str, object]:
    """The argument `<number>`."""
    text = str(scene.rng.randint(0, 99999))
    return bare(text), text


# ----------------------------------------------------------------------------------------------------- refusals

TOPICS = ["love", "the sea", "my cat", "autumn", "the moon", "coffee", "winter", "dogs", "the universe", "football", "friendship", "the french revolution", "black holes", "quantum physics", "the stock market", "philosophy", "music", "cooking", "history", "dinosaurs", "world war two", "climate change", "napoleon", "shakespeare", "the beatles", "bitcoin", "yoga", "vikings", "volcanoes", "elephants", "chess", "space travel"]  # fmt: skip
PLACES = [
    "france",
    "berlin",
    "tokyo",
    "london",
    "new york",
    "spain",
    "brazil",
    "the world",
    "europe",
    "paris",
    "canada",
    "australia",
    "rome",
    "india",
    "kenya",
    "norway",
    "peru",
    "egypt",
    "madrid",
    "chicago",
]
FOODS = [
    "pancakes",
    "lasagna",
    "bread",
    "curry",
    "apple pie",
    "sushi",
    "pizza",
    "soup",
    "chili",
    "cookies",
    "pasta",
    "risotto",
    "tacos",
]
LANGUAGES = [
    "french",
    "german",
    "spanish",
    "italian",
    "japanese",
    "latin",
    "chinese",
    "portuguese",
    "russian",
    "arabic",
]


def _from(options: list[str]) -> object:
    def make(scene: Scene) -> tuple[str, object]:
        text = scene.pick(options) if scene.chance(0.85) else word(scene)
        return bare(text), text

    return make


for _name, _options in (("topic", TOPICS), ("place", PLACES), ("food", FOODS), ("language", LANGUAGES)):
    slot(_name)(_from(_options))  # type: ignore[arg-type]

template("refuse/off_topic", "refuse reason=off_topic", """
!(tell me|write|write me|compose|give me|make up|sing) a (joke|poem|story|song|haiku|limerick|fairy tale|riddle|rap|novel|love letter|short story|speech) (about <x:topic>|)
!(explain|describe|tell me about|teach me about|talk about|summarize the history of) <x:topic> (to me|in simple words|briefly|)
!translate <x:content> (to|into) <x:language>
!(teach|help) me (to speak|learn|) <x:language>
!(book|find) me a (flight|hotel|table|train|ticket) (to|in) <x:place>
!(order|buy|get) me (a pizza|some food|coffee|a beer|a new phone|flowers|a ticket)
!(call|text|phone|email|message) (my mother|my boss|john|her|him|a taxi|the police|my friend)
!(play|put on) (some|) (music|a song|jazz|a movie|a game) (for me|)
!(recommend|suggest) (a|me a|some|me some) (good|nice|) (movie|book|restaurant|recipe|song|game|series|podcast)
!(give me|find me|tell me) a recipe for <x:food>
!(tell me|give me) (a fun fact|some advice|your opinion|the news|today's news|the weather|the football results|a quote)
!(remind|wake) me (at 7|tomorrow morning|in an hour|to call mom|at noon)
!(solve|do|help me with) my (maths|math|physics|chemistry|english) homework
!(solve|compute|calculate) (x + 2 = 5|2x = 10|the integral of x squared|the derivative of sin x|7 times 8|15% of 80|12 * 12)
!(roleplay|pretend|act) (as|that you are|like) (a pirate|my friend|a doctor|a teacher|a cat)
!(cheer me up|entertain me|make me laugh|talk to me|keep me company|be my friend|say something nice)
?(what('s| is)|how is) the weather (like|today|tomorrow|in <x:place>|)
?will it (rain|snow|be sunny) (today|tomorrow|in <x:place>|on sunday)
?how are you [doing|today|]
?(who|what) are you
?what('s| is) (your|) (name|favourite colour|favorite movie|opinion on <x:topic>|age)
?(what('s| is)) the (capital|population|president|currency|language|largest city|anthem) of <x:place>
?who (won the world cup|invented the telephone|is the president|wrote hamlet|painted the mona lisa|was napoleon|is the king of <x:place>|discovered <x:topic>)
?how (tall is mount everest|far is the moon|old is the universe|do i cook <x:food>|do i make <x:food>|deep is the ocean|many people live in <x:place>|long is a marathon)
?what (is|are) (the meaning of life|<x:topic>|love|consciousness|the rules of chess|black holes)
?what should i (eat|wear|do|cook|watch|read) (today|tonight|for dinner|tomorrow|on the weekend)
?do you (love me|dream|have feelings|like <x:topic>|know <x:topic>|believe in god|sleep)
?can you (sing|dance|speak <x:language>|feel pain|tell me a joke|cook|play chess with me|write me a poem|give me relationship advice)
?what('s| is) (2 + 2|seven times eight|the square root of 144|15% of 80|pi|12 times 12)
?how do you say <x:content> in <x:language>
?(when is|what day is) (easter|christmas|my birthday|thanksgiving) (this year|)
?what happened (in 1969|yesterday in the news|in <x:place> last year)
?who is going to win the (election|game|match)
?why is the sky blue
?is there (a god|life on mars|life after death)
?(what|which) (film|movie|book|song) should i (watch|read|listen to)
.(i am|i'm|i feel) (sad|bored|tired|hungry|lonely|happy|in love|so tired|sick)
.i (love|hate|like) (you|my job|mondays|<x:topic>|computers)
.i need (a hug|a holiday|some advice|a recipe for <x:food>|money|a girlfriend|sleep)
.(you are|you're) (great|stupid|wonderful|the best|useless|funny|my friend)
.it is (cold|hot|raining|late|monday)
:(hi|hello|hey|good morning|good evening|good night|hey there|hello there|yo|hola|bonjour|greetings|what's up|sup|howdy|hi there|how's it going|how do you do)
:(thanks|thank you|bye|goodbye|see you|good job|well done|nice|lol|haha|wow|cool|great|awesome|ok thanks|thx|cheers|sorry)
:weather (in <x:place>|today|tomorrow|forecast|)
:joke
:(poem|essay|story) about <x:topic>
:recipe (for|) <x:food>
:translate <x:content>
:capital of <x:place>
:news (today|)
:<x:topic> (facts|quotes|meaning|explained)
""", weight=2.4)  # fmt: skip

template("refuse/impossible", "refuse reason=impossible", """
!print (this|it|<x:filename>|<x:filename>) (on paper|on the printer|with my printer|at the printer in the office|in colour on paper|twice on paper)
!(undelete|restore|recover|bring back) (the files|what|the photos|everything) (i deleted|i lost|i removed|that was deleted) (last year|last month|months ago|ages ago|in 2019|years ago)
!make (my|this|the) (laptop|computer|machine|pc|internet|cpu|disk) (faster|quicker|twice as fast|bigger|quieter|cheaper|new|lighter)
!(repair|fix) (my|the) (broken|) (screen|keyboard|hard drive|monitor|battery|printer|headphones|mouse)
!(guess|crack|tell me|find out) (my|the|his|her) (forgotten|wifi|gmail|bank|) password
!(scan|photograph|fax) (this|the|a) (document|page|letter|receipt) [for me]
!(charge|cool) (my|the) (battery|laptop|cpu|phone)
!(burn|write) <x:filename> (to|onto) a (cd|dvd|blu-ray)
!(turn|switch) (off|on) the (lights|tv|heating|coffee machine|air conditioner)
!(open|close) the (window|door|garage) (in the living room|of my house|)
!(predict|tell me) (what will be in <x:filename> tomorrow|how many files i will have next year|the lottery numbers|the future)
!(read|open) <x:filename> from (my phone|yesterday's newspaper|my neighbour's computer|the future)
!(show|tell) me what (i am thinking|<x:filename> will say tomorrow|my password was before)
!(find|tell me) (who|why) (stole my laptop|moved my keys|broke the printer)
!(compress|shrink) <x:filename> to (zero|0) bytes without (losing|loss of) (anything|data)
!(download|give me|add) more (ram|memory|disk space|cores)
!(upgrade|double|increase) (my|the) (ram|memory|cpu|graphics card|hardware|cores)
!(take|make) a (photo|picture|selfie) (of me|with the webcam|)
!(make|take|record) a (phone call|voice memo|video of me)
!(eject|insert|flip) the (dvd|cd|floppy|tape)
!(make|let) <x:filename> (write itself|fix itself|finish itself)
!(move|lift|carry) (my|the) (computer|desk|printer) (to|into) the (kitchen|office|other room)
?can you (print this on paper|make me rich|make my computer faster|smell|see me|repair my screen|read my mind|download more ram|travel back in time)
?can you (get back|recover|restore) (a|the) file (i deleted|that was overwritten) (years|months) ago
?where (did i put|are) my (keys|glasses|phone|wallet)
?what will <x:filename> (contain|look like|say) (tomorrow|next week|next year)
.i want (more ram|a faster cpu|a bigger screen|my deleted photos from 2015 back)
.i spilled (coffee|water) on (my|the) (keyboard|laptop)
.my (screen|keyboard|mouse|battery) is broken
:undelete (everything|all) from (last year|2019|years ago)
:(print|fax) <x:filename> on paper
:more (ram|cores)
:faster (computer|laptop)
""", weight=1.2)  # fmt: skip

template("refuse/outside", "refuse reason=outside", """
!(reboot|restart|shut down|power off|turn off|suspend|hibernate) (the|this|my) {machine} [now|in an hour|tonight|]
!(update|upgrade) (the|this|my) (system|os|operating system|{machine}|distribution|kernel|packages)
!(install|uninstall) (the package|) <x:package> (system-wide|on this {machine}|with apt|as a system package|with brew|globally on the host)
!(change|reset|set) (my|the|root's) (login|user|root|sudo) password
!(add|create|delete|remove) (a|the) (user|account|user account|group) (called|named|) <x:lonely> (on this {machine}|)
!(mount|unmount|format|eject) (the|my|a) (usb stick|usb drive|external drive|disk|partition|sd card)
!(restart|stop|start|enable|disable|reload) (the|) (nginx|sshd|apache|postgres|network|bluetooth|cron|firewall|docker|systemd) (service|daemon) [on this {machine}]
!(kill|stop|end|terminate) (the|) (process|pid|process number) <x:number>
!(kill|close|quit) (firefox|chrome|slack|the browser|all browser windows|spotify)
!(change|set) the (system time|time zone of this {machine}|hostname of this {machine}|screen resolution|wallpaper|volume|brightness|keyboard layout)
!(connect|disconnect) (to|from) (the|my) (wifi|vpn|network|bluetooth headset)
!(open|close|block) port <x:number> [in the firewall|]
!(log|sign) me out
!(lock) (the|my) screen
!(edit|change|open) the (crontab|sudoers file|firewall rules|bios settings|boot loader|grub config)
!(add|give) (me|my user) (sudo|root|admin) (rights|access|permissions)
?can you (reboot|restart|shut down) (the|this|my) {machine}
?can you (install|uninstall) <x:package> (on this {machine}|system-wide)
.i (want|need) to (reboot|shut down|restart) (the|this|my) {machine}
.(the|this|my) {machine} should (reboot|shut down|go to sleep) (tonight|at midnight|in an hour)
:reboot
:shutdown now
:shutdown
:sudo reboot
:poweroff
:sudo apt install <x:package>
:apt upgrade
:passwd
:useradd <x:lonely>
:systemctl restart <x:lonely>
:service <x:lonely> restart
:mount /dev/sdb1
:kill -9 <x:number>
:logout
""", weight=1.2)  # fmt: skip


@slot("package")
def _package(scene: Scene) -> tuple[str, object]:
    """The argument `<package>`."""
    text = scene.pick(
        ["vim", "htop", "git", "ffmpeg", "nodejs", "docker", "chrome", "steam", "curl", "gcc", "emacs", "vlc"]
    )
    text = text if scene.chance(0.6) else word(scene)
    return bare(text), text


template("refuse/harmful", "refuse reason=harmful", """
!{delete} (everything|all files|all data|every file|all the files|every single file) (on|from|off) (this|the|my) (computer|machine|disk|hard drive|pc|server|laptop|system|drive)
!(wipe|erase|format|destroy|overwrite) (the|this|my) (disk|hard drive|whole disk|computer|machine|hard disk|system|entire drive|server)
!(wipe|destroy|delete) (my|the) (whole|entire|complete) (operating system|system|computer|home folder|home directory)
!{delete} (my|the|our|his) (whole|entire|complete) (home folder|home directory|home|system|hard disk|computer|account)
!(start|run|launch|write me|make|set off) a (fork bomb|virus|ransomware|keylogger|worm|trojan|logic bomb|botnet)
!hack (into|) (my neighbour's wifi|facebook|the bank|nasa|my ex's account|the school server|his computer|a website|my boss's email)
!(steal|read|copy|get) (other people's|someone's|my boss's|her|his|another user's) (passwords|emails|credit card numbers|private files|files|messages|photos)
!(crash|destroy|break|brick|kill) (this|the|my|their) (computer|server|machine|system|os)
!(ddos|attack|flood|take down) (the|a|their|this) (server|website|site|network)
!encrypt (all|everything|all files) (and|then) (demand|ask for) (money|a ransom|bitcoin)
!(spread|install|hide|write) (malware|a virus|spyware|a backdoor|a rootkit|a keylogger) (here|on this machine|on their computer|)
!(spy on|track|stalk|dox) (my wife|my ex|my neighbour|someone|my girlfriend|a coworker)
!fill (the|my|this) disk (until it is full|completely|with garbage until it crashes|with junk)
!(disable|remove|bypass|turn off) the (sandbox|safety|protections|security|antivirus) (and wipe everything|)
!(mine|start mining) (bitcoin|crypto|monero) (on all machines|on this server without telling anyone|secretly)
?can you (hack|break into) (a|the|my neighbour's) (wifi|account|server|bank)
?how do i (hack|break into|ddos) (a|the|someone's) (account|server|website|computer)
?can you (wipe|destroy|erase) (the|this|my) (disk|computer|hard drive)
.i want to (destroy|wipe|brick|crash) (this|the|my) (computer|machine|server|hard drive)
.i want everything on this (computer|machine|disk) (gone|destroyed|deleted)
:rm -rf /
:rm -rf /*
:sudo rm -rf /
:rm -rf --no-preserve-root /
::(){ :|:& };:
:dd if=/dev/zero of=/dev/sda
:mkfs.ext4 /dev/sda
:fork bomb
:format c:
:wipe (the|) disk
:hack <x:lonely>
""".replace("::(){ :|:& };:\n", ""), weight=1.1)  # fmt: skip

macro(
    cont="(container|containers|docker container|docker containers)",
    service="(postgres|redis|nginx|mysql|mongodb|rabbitmq|elasticsearch|grafana|prometheus|kafka|wordpress|jenkins|minio|ollama)",
)
template("refuse/unavailable", "refuse reason=unavailable", """
!(push|publish|upload) (the|my|) (docker image|container image|image) [<x:word>] (to the registry|to docker hub|to ghcr|to our registry)
!(tag|rename) the (docker image|container image) <x:word>
!(remove|delete|prune) (the|all|all unused|all my|) (docker images|container images|docker volumes|docker networks)
!(pause|unpause|freeze|commit|attach to) (the|my) (container|docker container) <x:word>
!(create|start|launch|get me) (a|an|two|three) (virtual machine|vm|ec2 instance|cloud server|lambda function|droplet) [in the <x:lonely> region|on aws|on azure|on gcp|]
!(create|make|list|delete|empty) (a|an|the|my) (s3 bucket|bucket|cloud storage|dns record|load balancer|hosted zone)
!(ship|release|deploy|push) (this|the app|my app|it|my site) to (heroku|vercel|netlify|production|the app store|github pages|firebase)
!(log in|sign in|authenticate) (to|with) (docker hub|aws|the registry|github|azure|my account)
!(search|look up|google|browse) (the web|the internet|online) for <x:topic>
!(open|visit|bring up) (the|) (website|web page|page|site) <x:url> [in the browser|in a tab|in chrome|]
!(open) <x:url> (in|with) (the|my) browser
!(download|get|fetch|install) (chrome|minecraft|photoshop|the latest ubuntu|steam|the driver|a virus scanner)
!(remember|memorize) (this|how i like my files sorted) [for next time|for later|]
!(remind me|wake me|alert me|notify me) (tomorrow|in an hour|at noon|when it is done|on friday) [to <x:lonely>|that <x:lonely>|]
!(send|post) a (request|post request|http request) to <x:url>
:docker push <x:lonely>
:docker volume prune
:docker network ls
:docker login
:kubectl get pods
:kubectl delete pod <x:lonely>
:helm install <x:lonely>
:aws s3 ls
:open <x:url>
:ssh <x:lonely>
:ssh <x:lonely>@<x:lonely>.com
""", weight=1.4)  # fmt: skip


template("refuse/unavailable-tools", "refuse reason=unavailable", """
!convert <x:onefile> (to|into) (a|an|) (pdf|png|jpg|mp3|docx|html|epub|gif|video|word document|different format|xml|webp)
!convert (all|the|all the|my) <x:extword> files (to|into) (pdf|png|jpg|mp3|docx|html|mp4|epub|xml)
!(resize|crop|rotate|blur|sharpen|watermark|scale|flip|shrink) (the (image|picture|photo)|) <x:onefile> [to half its size|by 90 degrees|to 800x600|]
!(resize|crop|rotate|compress) (all|the|all the|my) (images|pictures|photos|videos)
!(change|set) the (owner|group|ownership) of <x:obj> (to <x:lonely>|)
!make <x:lonely> the owner of <x:onefile>
!chown <x:onefile> to <x:lonely>
!give <x:onefile> to (the|) user <x:lonely>
!find files (owned by|belonging to|that belong to) (user|the user|root|me|group|) <x:lonely>
!find (all|) files (accessed|opened|read) (in the last week|today|more than <x:age> ago|recently)
!(encrypt|decrypt|sign|password-protect|lock) <x:onefile> [with (a password|gpg|my key)|]
!(spell check|spellcheck|proofread|check the spelling of|check the grammar of) <x:onefile>
!(summarize|summarise|explain|rewrite|shorten|paraphrase|translate) <x:onefile> [for me|in simple words|into german|]
!(refactor|debug|fix the bug in|improve|optimize|document|review) (the code in|) <x:onefile>
!(follow|watch|monitor|keep an eye on) <x:onefile> [for changes|for new lines|and tell me when it changes|]
!(schedule|run) <x:command> (every day at noon|every night|every hour|tomorrow at 8|every monday|each morning|in two hours)
!(set up|add|create) a cron job (for <x:command>|that runs <x:command> every night|)
!(email|mail|send|upload|share|post) <x:onefile> (to my boss|to john|to the server|to dropbox|on slack|to bob@example.com|by email|to the cloud|to s3)
!(upload|sync|rsync|scp|mirror) <x:obj> (to|with) (the server|s3|the cloud|google drive|my nas|another machine)
!(play|listen to|stream) <x:onefile>
!(plot|draw|chart|graph|visualize) (a chart of|the data in|) <x:onefile>
!(make|draw|create) a (chart|plot|graph|pie chart|histogram) (of|from) <x:onefile>
!(ocr|transcribe|extract the text from) (the image|the picture|the scan|the recording|) <x:onefile>
!(extract|take|get) the (audio|sound) from <x:onefile>
!(merge|combine|join) the pdfs (into one|)
!(ping|traceroute|resolve|look up the ip of|scan the ports of) <x:lonely>.com
!(show|tell|give) me (my|the) (ip address|public ip|network interfaces|wifi password|open ports|routing table|network traffic|dns servers)
!(open|edit) <x:onefile> (in|with) (vim|word|excel|vs code|the browser|photoshop|an editor|emacs)
!(mount|attach) <x:onefile> as a (drive|disk)
!(bookmark|star|tag|label|favourite) <x:onefile> [as important|with <x:lonely>|]
!(copy|put) <x:onefile> (to|on) (the|my) clipboard
!(train|fine-tune|evaluate) (a|the|my) (model|network|classifier) on <x:onefile>
!(tell me|guess) the (language|encoding|author) of <x:onefile>
!undo (the last change|my last command|what you just did|that|everything since yesterday)
?what('s| is) my (ip|ip address|public ip|mac address|wifi password)
?(which|what) ports are (open|in use|listening)
?who (last edited|opened|accessed|read) <x:onefile>
?is the internet (working|up|down|slow)
?how fast is (my|the) (internet|network|connection)
?(what|which) songs are on <x:onefile>
?can you (convert|resize|encrypt|email|split|summarize|translate|upload) <x:onefile>
?what language is <x:onefile> written in
?how many pages (does|are in) <x:onefile> [have]
?how long is the video <x:onefile>
.i (want|need) <x:onefile> as a (pdf|png|word file|mp3)
.i (want|need) to (email|upload|encrypt|resize|convert) <x:onefile>
:ip address
:ifconfig
:ip addr
:ping <x:lonely>.com
:chown <x:lonely> <x:filename>
:tail -f <x:filename>
:crontab -e
:undo
:convert <x:filename> to pdf
:<x:filename> to pdf
:ssh <x:lonely>
:scp <x:filename> <x:lonely>
:open ports
""", weight=1.8)  # fmt: skip


@slot("extword")
def _extword(scene: Scene) -> tuple[str, object]:
    """The argument `<extword>`."""
    text = scene.pick(["png", "jpg", "wav", "docx", "markdown", "csv", "mkv", "svg", "html", "heic"])
    return bare(text), text
