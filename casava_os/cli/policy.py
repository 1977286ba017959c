"""`policy`: what is no longer asked for, and how it is taken back."""

from __future__ import annotations

from typing import Annotated

import typer

from casava_os.cli.options import Json

app = typer.Typer(help="What you allow for good: list it, take it back.", no_args_is_help=True)


@app.command("list")
def list_rules(json: Json = False) -> int:
    """List the standing rules, by number: what each allows, and where."""
    from casava_os.cli.follow import Front
    from casava_os.kernel.policyfile import StandingRules
    from casava_os.paths import config_dir
    from casava_os.shell.wording import home_path
    from casava_syscalls.results import Err

    front = Front(json=json)
    book = StandingRules(config_dir())
    rules = book.read()
    if isinstance(rules, Err):
        return front.fail(rules)
    if json:
        for rule in rules.value:
            front.output.json(rule)
        return 0
    front.output.rows(
        [(number, rule.sentence(home_path(rule.workspace))) for number, rule in enumerate(rules.value, 1)]
    )
    if rules.value:
        front.screen.note(
            f"They stand in {home_path(str(book.path))}; `casava-os policy remove N` takes one back."
        )
    else:
        front.screen.note(
            "You have allowed nothing for good. In the shell, A in a question shows the rule that would."
        )
    return 0


@app.command("remove")
def remove_rule(
    number: Annotated[
        int, typer.Argument(metavar="N", min=1, help="Its number in the list.", show_default=False)
    ],
    json: Json = False,
) -> int:
    """Take a standing rule back: what it allowed is asked for again, at once."""
    from casava_os.cli.follow import Front
    from casava_os.kernel.policyfile import StandingRules
    from casava_os.paths import config_dir
    from casava_os.shell.wording import home_path
    from casava_syscalls.results import Err

    front = Front(json=json)
    removed = StandingRules(config_dir()).remove(number)
    if isinstance(removed, Err):
        return front.fail(removed)
    if json:
        front.output.json(removed.value)
    else:
        said = removed.value.sentence(home_path(removed.value.workspace)).removesuffix(": no longer ask")
        front.screen.note(f"Taken back; it is asked for again: {said}")
    return 0
