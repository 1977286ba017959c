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
        screen.notify("Nothing can be allowed for good here", severity="warning")
        return
    verb, _, number = argument.partition(" ")
    if verb == "remove" and number.strip().isdigit():
        removed = rules.remove(int(number))
        if isinstance(removed, Err):
            screen.notify(visible(str(removed)), severity="error", markup=False)
            return
        said = removed.value.sentence(home_path(removed.value.workspace)).removesuffix(": no longer ask")
        screen.notify(visible(f"Taken back; it is asked for again: {said}"), markup=False)
        return
    if argument:
        screen.notify("/policy lists your rules; /policy remove N takes one back", severity="warning")
        return
    found = rules.read()
    if isinstance(found, Err):
        screen.notify(visible(str(found)), severity="error", markup=False)
        return
    here = text_of(real(screen.shell.workspace))
    lines = [
        f"{n}  {'here  ' if rule.workspace == here else '      '}{rule.sentence(home_path(rule.workspace))}"
        for n, rule in enumerate(found.value, 1)
    ]
    if not lines:
        screen.notify("You have allowed nothing for good. In a question, A shows the rule that would.")
        return
    told = [*lines, "", "/policy remove N takes one back", f"They stand in {home_path(str(rules.path))}"]
    body = Text(text=visible("\n".join(told), keep="\n"))
    screen.shell.push_screen(ViewerScreen.of_value("What is no longer asked for", body))
