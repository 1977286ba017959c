"""Standard error: plans, progress, changesets, questions and failures. The one place that writes there.

Everything shown here is for a person: it is made harmless first (`visible`), coloured on a terminal (not with
`NO_COLOR`), and written without wrapping, so that a log keeps one fact on one line.
"""

from __future__ import annotations

import sys
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from casava_os.shell.reading import typed_line
from casava_os.shell.wording import privileges_text, sizes_text
from casava_sandbox.layer.visible import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from casava_os.kernel.ports import Change
    from casava_syscalls.results import Err

Answer = Literal["yes", "no", "diff", "hold"]

_ANSWERS: dict[str, Answer] = {
    "y": "yes", "yes": "yes", "n": "no", "no": "no", "d": "diff", "diff": "diff", "h": "hold", "hold": "hold",
}  # fmt: skip
_MARKS = {
    "added": ("+", "green"),
    "deleted": ("-", "red"),
    "changed": ("~", "yellow"),
    "mode": ("m", "yellow"),
    "renamed": (">", "cyan"),
}
_EFFECT_STYLES = {"read": "green", "write": "yellow", "delete": "red", "execute": "magenta"}

MOST_CHANGES = 40
"""How many changes are listed before the rest is counted."""
MOST_DIFF_LINES = 200


class Screen:
    """Standard error with its one owner."""

    def __init__(self) -> None:
        self._closed = sys.stderr is None
        self._terminal = not self._closed and sys.stderr.isatty()
        self._progressing = False

    @cached_property
    def _console(self) -> Console:
        from rich.console import Console

        return Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked: standard input and standard error are both a terminal."""
        return self._terminal and sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()

    def line(self, *parts: str | tuple[str, str]) -> None:
        """One line of parts; a part is text, or text with its style. Newlines inside are made visible."""
        self._write([part if isinstance(part, tuple) else (part, "") for part in parts], keep="")

    def text(self, text: str, style: str = "") -> None:
        """Text of several lines."""
        self._write([(text.removesuffix("\n"), style)], keep="\n\t")

    def _write(self, parts: Sequence[tuple[str, str]], *, keep: str) -> None:
        if self._closed:
            return
        self.settle()
        try:
            if not self._terminal:  # no need of rich, and nothing for it to colour
                print("".join(visible(text, keep=keep) for text, _ in parts), file=sys.stderr, flush=True)  # noqa: T201
                return
            from rich.text import Text

            self._console.print(Text.assemble(*((visible(text, keep=keep), style) for text, style in parts)))
        except BrokenPipeError:
            self._closed = True

    def raw(self, text: str) -> None:
        """What a program of the person's wrote to its standard error: as it is for a pipe, harmless for a terminal."""
        if self._closed:
            return
        self.settle()
        from casava_syscalls.names import text_to_name

        try:
            sys.stderr.flush()
            data = visible(text, keep="\n\t").encode() if self._terminal else text_to_name(text)
            sys.stderr.buffer.write(data)
            sys.stderr.flush()
        except BrokenPipeError:
            self._closed = True

    # -------------------------------------------------------------------------------------------- what is said

    def error(self, err: Err) -> None:
        """A failure: title, sentence, next step."""
        self.line(("error: ", "bold red"), (err.title, "bold"))
        if err.message:
            self.text(_indented(err.message))
        if err.hint:
            self.line("  → ", (err.hint, "cyan"))

    def warning(self, text: str) -> None:
        self.line(("warning: ", "yellow"), text)

    def note(self, text: str) -> None:
        self.line((text, "dim"))

    def progress(self, text: str) -> None:
        """How far something is: on a terminal one line that is written over, elsewhere nothing."""
        if self._terminal and not self._closed:
            self.settle()
            room = max(10, self._console.width - 1)
            shown = visible(text)
            self._console.print(
                shown if len(shown) <= room else shown[: room - 1] + "…", end="\r", style="dim"
            )
            self._progressing = True

    def settle(self) -> None:
        """Takes the line of progress away, before anything else is written to the terminal."""
        if self._progressing and not self._closed:
            self._progressing = False
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def step(
        self, number: int, line: str, effects: Sequence[str], verdict: str = "", reason: str = ""
    ) -> None:
        """One step of a plan: its number, its call, a badge for each effect, and policy's verdict."""
        parts: list[str | tuple[str, str]] = [(f"{number} ", "dim"), line, " "]
        for effect in effects:
            parts += [" ", (f"[{effect}]", _EFFECT_STYLES.get(effect, "bold red"))]
        if verdict and verdict != "allow":
            parts += [
                " ",
                (verdict, "bold red" if verdict == "deny" else "yellow"),
                (f": {reason}" if reason else "", "dim"),
            ]
        self.line(*parts)

    def changes(self, changes: Sequence[Change], *, summary: str = "", most: int = MOST_CHANGES) -> None:
        """A changeset as a list: `+` added, `~` changed, `-` deleted, `>` renamed, `m` mode; with sizes."""
        for change in changes[:most]:
            mark, style = _MARKS[change.action]
            name = change.path + ("/" if change.type == "directory" else "")
            old = f"{change.source} → " if change.source else ""
            target = f" → {change.target}" if change.target is not None else ""
            self.line(
                "  ",
                (f"{mark} ", f"bold {style}"),
                old,
                (name, style),
                target,
                (_apart(sizes_text(change)), "dim"),
                (_apart(privileges_text(change)), "bold red"),
            )
        if len(changes) > most:
            self.line((f"  … and {len(changes) - most} more", "dim"))
        if summary:
            self.line(("  " + summary, "bold"))

    def diff(self, diff: str, *, most: int = MOST_DIFF_LINES) -> None:
        """A unified diff, its first `most` lines."""
        lines = diff.splitlines()
        for line in lines[:most]:
            self.line((line, _diff_style(line)))
        if len(lines) > most:
            self.line((f"… and {len(lines) - most} more lines", "dim"))

    # ------------------------------------------------------------------------------------------------- asking

    async def ask(self, question: str, *, offers: str = "yn") -> Answer:
        """Asks the person, one letter of `offers` for each answer; the end of input is a no."""
        words = {"y": "yes", "n": "no", "d": "show the diff", "h": "hold it for later"}
        named = (
            f" {', '.join(name for name in _ANSWERS if name[1:] and name[0] in offers)}" if offers[2:] else ""
        )
        while True:
            self._prompt(f"{question}{named} [{'/'.join(offers)}] ")
            typed = await typed_line()
            answer = _ANSWERS.get((typed or "no").strip().lower())
            if answer is not None and answer[0] in offers:
                return answer
            self.note(", ".join(f"{offer} = {words[offer]}" for offer in offers))

    async def choose(self, count: int) -> int:
        """Which of so many things the person means, from 1; 0 for none of them, and at the end of input."""
        numbers = "/".join(str(number) for number in range(1, count + 1))
        while True:
            self._prompt(f"Which one? [{numbers}, Enter for none] ")
            typed = (await typed_line() or "").strip().lower()
            if typed in ("", "n", "no", "none"):
                return 0
            if typed.isascii() and typed.isdigit() and 1 <= int(typed) <= count:
                return int(typed)
            self.note("its number, or Enter for none of them: nothing has run")

    def _prompt(self, text: str) -> None:
        sys.stderr.write(visible(text))
        sys.stderr.flush()


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _diff_style(line: str) -> str:
    if line.startswith(("+++", "---", "diff ")):
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")


def _apart(text: str) -> str:
    return f"  {text}" if text else ""
