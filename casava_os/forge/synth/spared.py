"""Phrasings that speak of deleting, moving, renaming or running, and ask for none of it: what must not happen, or not yet.

A model that knows only orders hears an order in "don't delete a.txt" and in "which logs could go?". What stands beside such
words is done (a list, a count); what only forbids, or asks for leave or advice, is answered by a question.
"""

from casava_os.forge.synth.build import template
from casava_os.forge.synth.grammar import Scene, macro, say

macro(
    dont="(don't|do not|dont|don't you dare|never|please don't|please do not|pls dont|on no account|under no circumstances|you must not|you mustn't|don't ever|no need to)",
    do_away="(delete|delete|remove|remove|erase|get rid of|throw away|throw out|trash|bin|purge|wipe|discard|destroy|clean up|clear out|rm|toss|touch|change|overwrite)",
    done_away="(deleted|deleted|removed|removed|erased|thrown away|thrown out|trashed|binned|purged|wiped|discarded|cleaned up|cleared out|overwritten)",
    doing_away="(deleting|removing|erasing|moving|renaming|touching|changing|throwing away|overwriting|cleaning up)",
    do_harm="(delete|remove|move|rename|touch|change|throw away|overwrite|erase|clean up|run|stop|archive)",
    could="(can|could|may|might|should|can safely|could safely|ought to)",
    them_yet="(them|anything|any of them|any|a thing|them yet|anything yet|a single one|anything at all)",
    they="(he|she|they|my boss|my colleague|the admin|someone|the wiki|the manual|the ticket|my predecessor|john|the intern|our sysadmin|a friend)",
    said_i="(says|said|thinks|told me|suggested|claims|insists|wrote|recommends) (i|we|that i|that we) (should|could|can|must|may|ought to)",
    wants_to="(wants to|plans to|would like to|is going to|is about to|intends to|will|might|may|asked if he could|promised to)",
    has_done="(has|already|just|had|has already|has just|accidentally|has accidentally) (deleted|removed|moved|renamed|thrown away|erased|overwritten|cleaned up)",
    nothing_done="nothing (is to be|should be|may be|must be|gets|is) {done_away}",
)

template(
    "file.find/spared",
    "@s",
    """
?(which|what) <s:bareset> {could} be {done_away}
?(which|what) <s:bareset> {could} (go|be moved|be archived|be renamed|be got rid of|be spared)
?which of <s:set> {could} be {done_away}
?(which|what) <s:bareset> (can|could|should|may|might|shall) (i|we) {do_away} [if we need the space]
?(which|what) <s:bareset> would be {done_away} (if (i|we) (cleaned up|said yes|did it)|by that|)
?(which|what) <s:bareset> (are|would be) safe to {do_away}
?(which|what) <s:bareset> (are|is) (not needed|old enough to be {done_away}|to be {done_away} (later|tomorrow|next week))
?(which|what) <s:bareset> (did|have) (i|we|they) not {done_away}
?are there <s:bareset> (that|which) {could} be {done_away}
?are there <s:bareset> left that (i|we) (haven't|have not) {done_away}
!{show} <s:set>, (but|and) {dont} {do_harm} {them_yet}
!{show} <s:set> without {doing_away} (them|anything|any of them)
!{show} <s:set>, (but|) (don't|do not) {do_away} {them_yet}
!{show} <s:set>, {nothing_done}
!{show} <s:set> before (i|we) {do_harm} (them|anything|some of them)
!{show} <s:set> so (that|) i can {do_away} (some|them) (later|myself|by hand|tomorrow)
!{show} <s:set>, i('ll| will) {do_away} them (later|myself|by hand|tomorrow)
!{show} <s:set> (which|that) (i|we) {could} {do_away}
!only {show} <s:set>, (no deleting|no moving|no renaming|hands off|nothing else is to happen)
!(check|see|tell me) (which|what) <s:bareset> {could} be {done_away}
.{dont} {do_harm} {them_yet}, (just|only|instead) {show} <s:set>
.{dont} {do_harm} {them_yet}: {show} <s:set>
!{show} <s:set>, but (hold off on|refrain from|wait with|forget about|no) {doing_away} (them|anything|any of them)
.(hold off on|refrain from|forget about) {doing_away} (anything|them), (just|only) {show} <s:set>
.{they} {said_i} {do_away} <s:set>, (just|first|for now only) {show} them
.{they} {has_done} <s:set>, {show} (what is left|the rest|them)
.{nothing_done}, (just|only|) {show} <s:set>
.before (i|we) {do_harm} (anything|a thing|them), {show} <s:set>
.before (i|we) {do_away} <s:set>, (show|list) them[ to me]
.(later|tomorrow|some day|next week) i('ll| will) {do_harm} <s:set>, (for now|today) (just|only) (list|show) them
.i('m| am) (thinking of|thinking about|planning on|not yet) {doing_away} <s:set>, (show|list) them first[ and do nothing else]
.i (already|have) {done_away} (some|most|a few) of them, {show} <s:set>
.someone has {done_away} (a lot|too much|something) here, {show} <s:set>
:<s:bareset>, {dont} {do_harm} {them_yet}
:<s:bareset> that {could} be {done_away}
:{done_away} later: <s:bareset>, (just|only) list them
""",
    weight=6.0,
)

template(
    "file.count/spared",
    "file.count paths=@s",
    """
?how many <s:bareset> {could} be {done_away}
?how many <s:bareset> would be {done_away} [if (i|we) (cleaned up|did it)]
?how many <s:bareset> (are|were) (not|never) {done_away}
?how many <s:bareset> (can|could|should) (i|we) {do_away}
!(count|just count|only count) <s:set>, {dont} {do_harm} {them_yet}
!count <s:set> without {doing_away} (them|anything|any of them)
!count <s:set> before (i|we) {do_harm} (them|any)
.{dont} {do_harm} {them_yet}, (just|only) (count|tell me the number of) <s:set>
.{nothing_done}, (just|only) count <s:set>
!count <s:set>, (hold off on|refrain from|no) {doing_away} (them|anything)
""",
    weight=1.6,
)

template(
    "file.find/gone",
    "file.find",
    """
?(was|is) <name:exactname> (deleted|removed|moved|renamed|thrown away|erased|overwritten|gone|still there|still around)
?has <name:exactname> been (deleted|removed|moved|renamed|thrown away|erased)
?has (somebody|someone|anybody|anyone) (deleted|removed|moved|renamed|thrown away) <name:exactname>
?did (i|we|you|somebody|someone|anyone) (delete|remove|move|rename|throw away|erase) <name:exactname>
?(have|had) (i|we) (already|not|) (deleted|removed|moved|renamed) <name:exactname>
?where was <name:exactname> moved [to]
.i (hope|think|fear|believe) (someone|i|we) (deleted|moved|removed|renamed) <name:exactname>, (find it|look for it|is it there|check)
""",
    weight=1.0,
)

template(
    "ask/forbidden",
    "ask about=meaning",
    """
.{dont} {do_away} <x:onefile>
.{dont} {do_away} <x:filename>
.{dont} {do_away} <x:dir>
.{dont} {do_away} (anything|a thing|my files|the files|any of my files) [in <x:dirname>|here]
.{dont} move <x:onefile> [to <x:dirname>]
.{dont} rename <x:onefile> [to <x:newname>]
.{dont} (run|start|execute|launch) <x:typed_command>
.{dont} (stop|remove|delete|restart|kill) (the container|container|) <x:container>
.{dont} (stop|remove|delete|restart|kill) (any|the) (container|containers)
.{dont} (tear down|take down|destroy|remove|scale|apply|touch) (the stack|stack) <x:stack>
.{dont} (kill|stop|signal|pause) (job|the job) <x:digits>
.(keep|leave) (the container|container|the stack|) <x:container> (up|running|alone|as it is)
.<x:container> (must not|should not|shouldn't|may not|mustn't) be (stopped|removed|restarted|deleted|killed)
.{dont} (run|do|change|touch) (it|that|this|anything)
.(keep|leave|spare) <x:onefile>, {dont} {do_away} it
.(keep|leave) <x:onefile> (where it is|as it is|alone|in place)
.hands off <x:onefile>
.(i|we) (don't|do not) want <x:onefile> (to be |){done_away}
.(i|we) (don't|do not) want to {do_away} <x:onefile>
.<x:onefile> (must not|should not|shouldn't|may not|mustn't|must never|is not to|isn't to) be ({done_away}|moved|renamed|touched)
.<x:dir> (must not|should not|shouldn't|may not|mustn't) be ({done_away}|moved|renamed|touched)
.(nobody|no one) (may|should|is to|is allowed to) ({do_away}|move|rename) <x:onefile>
.i('ll| will) ({do_away}|move|rename) <x:onefile> (myself|later|tomorrow|some day|when i have time)
.i (have|'ve|) (already|) ({done_away}|moved|renamed) <x:onefile>
.i almost ({done_away}|moved) <x:onefile>
?(should|shall|must|ought) (i|we) ({do_away}|move|rename|keep) <x:onefile>
?is it (safe|ok|okay|fine|wise|a good idea|allowed) to ({do_away}|move|rename|run) <x:onefile>
?what (happens|would happen|will happen) (if|when) (i|you|we) ({do_away}|move|rename|run) <x:onefile>
?why (should|would|did) (i|we|you) ({do_away}|move|rename) <x:onefile>
?why was <x:onefile> ({done_away}|moved|renamed)
?may (i|we) ({do_away}|move|rename) <x:onefile>
?(do|did) (i|we) (have|need) to ({do_away}|move|rename) <x:onefile>
?can <x:onefile> be {done_away}
?(can|could|may|should|might) (i|we) safely {do_away} <x:onefile>
?(may|might|should|could) i {do_away} <x:onefile>
?can i {do_away} <x:onefile>[ or not|, or is it needed|, or will something break|, is it still used|]
.(hold off on|hold off|refrain from|stop|abstain from) {doing_away} <x:onefile> [for now|until monday|till tomorrow|for the moment]
.(hold off on|refrain from|wait with) (running|starting|launching) <x:typed_command>
.(hold off on|refrain from|wait with) (stopping|restarting|removing) (the container|container|) <x:container>
.(forget about|forget|never mind|nevermind|skip) {doing_away} <x:onefile>
.{they} {said_i} ({do_away}|move|rename) <x:onefile>[, what do you think|, is that true|, really|, is (that|he) right|]
.{they} {wants_to} ({do_away}|move|rename) <x:onefile>
.{they} {has_done} <x:onefile>
.i (am|'m) (afraid|scared|hesitant|reluctant|tempted|unsure whether|not sure whether) to {do_away} <x:onefile>
.i (wonder|am wondering|ask myself) (whether|if) (i|we) (should|could|may) ({do_away}|move|rename) <x:onefile>
.(the ticket|the mail|the note|the readme|a comment|the todo list|his message) (says|reads|said): ({do_away}|move|rename) <x:onefile>
.(reminder|todo|to do|next week|tomorrow|later|not now): {do_away} <x:onefile>
?(what|so what) (does|would|will) (deleting|moving|renaming|running) <x:onefile> (do|change|break|mean)
?(can|could) (anybody|anyone else|anyone) (delete|remove|move|rename) <x:onefile>
?who ({done_away}|moved|renamed) <x:onefile>
?when was <x:onefile> ({done_away}|moved|renamed)
?how (do|would|can|could|should) (i|we|one|you) ({do_away}|move|rename|run) <x:onefile>
:not <x:onefile>
:no (delete|rm|move|rename|deleting|moving)
""",
    weight=6.0,
)

BEFORE = (
    "don't delete anything, |without deleting anything, |without changing anything, |before i delete anything, |nothing is to be deleted: |don't change anything, just |"
    "i don't want to delete anything, just |no deleting: |i deleted too much yesterday. |we are going to delete a lot tomorrow. |before i clean up: |don't move or rename anything, "
)
AFTER = (
    ", don't delete anything|, but don't delete anything|, and don't touch anything|, nothing is to be deleted|, without deleting anything|, without changing anything else|, i'll delete them later|, before i clean up"
    "|, i want to delete some later|, no deleting, no moving|, don't remove the originals|, but do not delete it|, and delete nothing|. don't delete anything|. don't move anything"
)


def spare(scene: Scene, form: str, said: str) -> str:
    """Something said beside a harmless order or question that forbids harm, or speaks of it."""
    if form == "!" and not scene.front and (scene.open_end or scene.rng.random() < 0.5):
        return say(scene, BEFORE) + said
    return said if scene.open_end else said + say(scene, AFTER)
