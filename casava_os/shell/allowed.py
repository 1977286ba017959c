"""`/policy`: what the person always allows, as they said it, and how it is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from casava_os.kernel.life import real, text_of
from casava_os.shell.screens.viewer import ViewerScreen
from casava_os.shell.wording import home_path
from casava_sandbox.layer.visible import visible
from casava_syscalls.results import Err
from casava_syscalls.values import Text

if TYPE_CHECKING:
    from casava_os.shell.screens.conversation import ConversationScreen


async def standing_rules(screen: ConversationScreen, argument: str) -> None:
    """Lists the standing rules, or with `remove N` takes one back."""
    rules = screen.shell.kernel.landing.standing
    if rules is None:
        screen.say("Nothing can be allowed for good here", "warning")
        return
    verb, _, number = argument.partition(" ")
    if verb == "remove" and number.strip().isdigit():
        removed = rules.remove(int(number))
        if isinstance(removed, Err):
            screen.say(str(removed), "error")
            return
        said = removed.value.sentence(home_path(removed.value.workspace)).removesuffix(": no longer ask")
        screen.say(f"Taken back; it is asked for again: {said}", "done")
        return
    if argument:
        screen.say("/policy lists your rules; /policy remove N takes one back", "warning")
        return
    found = rules.read()
    if isinstance(found, Err):
        screen.say(str(found), "error")
        return
    here = text_of(real(screen.shell.workspace))
    lines = [
        f"{n}  {'here  ' if rule.workspace == here else '      '}{rule.sentence(home_path(rule.workspace))}"
        for n, rule in enumerate(found.value, 1)
    ]
    if not lines:
        screen.say("You have allowed nothing for good. In a question, A shows the rule that would.")
        return
    told = [*lines, "", "/policy remove N takes one back", f"They stand in {home_path(str(rules.path))}"]
    body = Text(text=visible("\n".join(told), keep="\n"))
    screen.shell.push_screen(ViewerScreen.of_value("What is no longer asked for", body))
