"""Every setting and every key: what it means, what it is, where that comes from; changed here, written to the person's file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from casava_os.kernel.policyfile import FILE as POLICY
from casava_os.kernel.policyfile import StandingRules
from casava_os.kernel.standing import Standing
from casava_os.paths import config_dir
from casava_os.shell import keys as shell_keys
from casava_os.shell.keys import Bound
from casava_os.shell.screens.help import key_owners, key_text
from casava_os.shell.settingsfile import (
    FILE,
    Setting,
    parsed,
    read_file,
    settings_list,
    text_of,
    told_value,
    write,
)
from casava_os.shell.themes import THEMES
from casava_os.shell.wording import home_path
from casava_sandbox.layer.visible import visible
from casava_syscalls.names import path_text
from casava_syscalls.results import Err, Ok

KEY_WIDTH, VALUE_WIDTH = 30, 22
AT_ONCE = frozenset({"shell.theme"})
"""Settings that are in force as soon as they are written; keys are, too."""


EVERYDAY = ("shell.theme", "model", "sandbox", "shell.plain")
"""Settings that come first; the keys and what is allowed for good follow, then everything else."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the list: a setting, a key, or what is allowed for good."""

    key: str
    value: str
    source: str
    doc: str
    setting: Setting | None = None
    bound: Bound | None = None
    rule: Standing | None = None
    """What is allowed for good: it can only be taken back."""


class SettingsScreen(ModalScreen[None]):
    """Words above, the list of what has them all, and below what is under the cursor, or a field to change it."""

    CSS_PATH = ["over.tcss", "settings.tcss"]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "enter", "Change", priority=True, id="settings.change"),
        Binding("up", "move(-1)", "Up", priority=True, show=False),
        Binding("down", "move(1)", "Down", priority=True, show=False),
        Binding("pageup", "move(-10)", "Up", priority=True, show=False),
        Binding("pagedown", "move(10)", "Down", priority=True, show=False),
        Binding("ctrl+z", "reset", "Default", priority=True, id="settings.reset"),
        Binding("escape,f10", "back", "Close", id="settings.back"),
    ]

    def __init__(self, options: Mapping[str, str]) -> None:
        """`options`: settings that an option decided, with the option."""
        super().__init__()
        self._options = options
        self._lines: list[_Line] = []
        self._shown: list[_Line] = []
        self._editing: _Line | None = None

    def compose(self) -> ComposeResult:
        place = home_path(path_text(str(config_dir() / FILE)))
        with Vertical(id="over"):
            yield Static(
                Content.assemble(("Settings", "bold"), "  ", (visible(place), "$text-muted")), id="about"
            )
            yield Input(placeholder="words of a setting or of a key", compact=True, id="words")
            found = OptionList(compact=True, id="found")
            found.can_focus = False
            yield found
            yield Static("", id="doc", markup=False)
            yield Input(compact=True, id="value")
            yield Static("", id="said", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#value").display = False
        self._load()
        self.query_one("#words").focus()

    # -------------------------------------------------------------------------------------------- the list

    @property
    def _keymap(self) -> dict[str, str]:
        keys: dict[str, str] = getattr(self.app, "keys", {})
        return keys

    def _load(self) -> None:
        """Reads everything anew, and keeps the cursor where it was."""
        listed = settings_list(config_dir(), self._options)
        if isinstance(listed, Err):
            self._fail(listed)
            settings: list[Setting] = []
        else:
            settings = listed.value
        lines = [_Line(one.key, one.told, one.source, one.doc, setting=one) for one in settings]
        for one in shell_keys.bound(key_owners()):
            mine = self._keymap.get(one.id)
            doc = f"{one.where}: {one.doc}"
            source = FILE if mine else "default"
            lines.append(_Line(f"key {one.id}", key_text(mine or one.key), source, doc, bound=one))
        rules = StandingRules(config_dir()).read()
        if isinstance(rules, Err):
            self._fail(rules)
        else:
            for number, rule in enumerate(rules.value, 1):
                doc = f"You allowed this for good: {rule.sentence(home_path(rule.workspace))}. Ctrl-Z takes it back."
                lines.append(_Line(f"always {number}", "no longer ask", POLICY, doc, rule=rule))
        self._lines = sorted(lines, key=_rank)
        self._search(self.query_one("#words", Input).value)

    def _search(self, words: str) -> None:
        wanted = words.casefold().split()
        found = self.query_one("#found", OptionList)
        before = self._current
        self._shown = [
            line
            for line in self._lines
            if all(word in f"{line.key} {line.doc} {line.value}".casefold() for word in wanted)
        ]
        found.set_options([Option(self._row(line)) for line in self._shown])
        at = next((n for n, line in enumerate(self._shown) if before and line.key == before.key), 0)
        found.highlighted = at if self._shown else None
        self._tell()

    @staticmethod
    def _row(line: _Line) -> Text:
        value = visible(line.value) or "none"
        value = value if cell_len(value) <= VALUE_WIDTH else value[: VALUE_WIDTH - 1] + "…"
        row = Text(f"{line.key:<{KEY_WIDTH}} ")
        row.append(f"{value:<{VALUE_WIDTH}} ", style="" if line.source == "default" else "bold")
        row.append("" if line.source == "default" else line.source, style="dim")
        return row

    @property
    def _current(self) -> _Line | None:
        at = self.query_one("#found", OptionList).highlighted
        return self._shown[at] if at is not None and at < len(self._shown) else None

    def _tell(self) -> None:
        """What is under the cursor."""
        line = self._current
        if line is None:
            self.query_one("#doc", Static).update("")
            return
        parts: list[str | tuple[str, str]] = [(visible(line.doc), "")]
        if (one := line.setting) is not None:
            if one.choices:
                parts.append((f"\nOne of: {', '.join(one.choices)}.", "$text-muted"))
            usual = told_value(one.key, one.default) or "none"
            parts.append((f"\nDefault: {usual}. This value comes from: {one.source}.", "$text-muted"))
        elif line.bound is not None:
            parts.append((f"\nDefault: {key_text(line.bound.key)}.", "$text-muted"))
        self.query_one("#doc", Static).update(Content.assemble(*parts))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if event.input.id == "words":
            self._search(event.value)
        else:
            self._say("")

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if self._editing is None:
            self._tell()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._begin()

    # ------------------------------------------------------------------------------------------- changing

    def action_move(self, by: int) -> None:
        """Up or down in the list."""
        found = self.query_one("#found", OptionList)
        if self._editing is None and self._shown:
            found.highlighted = min(len(self._shown) - 1, max(0, (found.highlighted or 0) + by))
            self._say("")

    def action_enter(self) -> None:
        """Begins to change what is under the cursor, or writes what was typed."""
        if self._editing is None:
            self._begin()
        else:
            self._write(self._editing, self.query_one("#value", Input).value)

    def _begin(self) -> None:
        line = self._current
        if line is None:
            return
        if line.rule is not None:
            self._say("Ctrl-Z takes it back; it is asked for again then.")
            return
        self._editing = line
        field = self.query_one("#value", Input)
        choices = line.setting.choices if line.setting is not None else ()
        field.suggester = SuggestFromList(choices) if choices else None
        field.value = (
            line.setting.shown
            if line.setting is not None
            else (self._keymap.get(line.bound.id, line.bound.key) if line.bound is not None else "")
        )
        field.display = True
        field.focus()
        field.select_all()
        outdone = (
            f" {line.source} decides it; the file would count without that."
            if (line.setting is not None and line.setting.outdone)
            else ""
        )
        self._say(f"Enter writes it, Esc leaves it as it is.{outdone}")

    def _write(self, line: _Line, text: str) -> None:
        if line.bound is not None:
            self._write_key(line.bound, text)
            return
        value = parsed(line.key, text)
        if isinstance(value, Err):
            self._fail(value)
            return
        self._keep(line.key, value.value, line.setting)

    def _write_key(self, bound: Bound, text: str) -> None:
        keys = shell_keys.named(text)
        if isinstance(keys, Err):
            self._fail(keys)
            return
        clash = shell_keys.clash(bound, keys.value, shell_keys.bound(key_owners()), self._keymap)
        if clash is not None:
            self._fail(clash)
            return
        wanted = None if keys.value == bound.key else keys.value
        self._keep(f"shell.keys.{bound.id}", wanted, None)

    def action_reset(self) -> None:
        """The default, in force again."""
        line = self._editing or self._current
        if line is not None and line.rule is not None:
            self._take_back(line.rule)
        elif line is not None and line.bound is not None:
            self._keep(f"shell.keys.{line.bound.id}", None, None)
        elif line is not None:
            self._keep(line.key, None, line.setting)

    def _take_back(self, rule: Standing) -> None:
        """What was allowed for good is asked for again."""
        book = StandingRules(config_dir())
        known = book.read()
        at = known.value.index(rule) if isinstance(known, Ok) and rule in known.value else -1
        removed = known if isinstance(known, Err) else book.remove(at + 1)
        self._load()
        if isinstance(removed, Err):
            self._fail(removed)
        else:
            self._say("Taken back; it is asked for again, from now on.")

    def _keep(self, key: str, value: object, setting: Setting | None) -> None:
        if (failed := write(config_dir(), key, value)) is not None:
            self._fail(failed)
            return
        when = "from the next start on"
        if key.startswith("shell.keys."):
            self._use_keys()
            when = "from now on"
        elif key in AT_ONCE:
            chosen = str(value if value is not None else setting.default if setting is not None else "dark")
            self.app.theme = chosen if chosen in THEMES else self.app.theme
            when = "from now on"
        if setting is not None and setting.outdone:
            when = f"once {setting.source} is gone"
        self._end()
        self._load()
        self._say(f"Written: {visible(key)} is {visible(text_of(value)) or 'as by default'}, {when}.")

    def _use_keys(self) -> None:
        data = read_file(config_dir())
        shell = {} if isinstance(data, Err) else data.value.get("shell", {})
        keys = shell.get("keys", {}) if isinstance(shell, dict) else {}
        use: Callable[[Mapping[str, str]], None] | None = getattr(self.app, "use_keys", None)
        if use is not None:
            use(keys)

    def _end(self) -> None:
        self._editing = None
        self.query_one("#value").display = False
        self.query_one("#words").focus()

    def action_back(self) -> None:
        """Leaves the field, or the screen."""
        if self._editing is not None:
            self._end()
            self._say("")
        else:
            self.dismiss()

    def _say(self, text: str) -> None:
        self.query_one("#said", Static).update(Content.styled(text, "$text-muted"))

    def _fail(self, err: Err) -> None:
        sentence = f"{visible(err.title)}: {visible(err.message)}" + (
            f"\n{visible(err.hint)}" if err.hint else ""
        )
        self.query_one("#said", Static).update(Content.styled(sentence, "$text-error"))


def _rank(line: _Line) -> int:
    """Where a line stands in the list: what is changed every day comes first."""
    if line.key in EVERYDAY:
        return EVERYDAY.index(line.key)
    if line.rule is not None:
        return len(EVERYDAY)
    return len(EVERYDAY) + (1 if line.bound is not None else 2)
