"""The shell's own themes: dark, light, and one of high contrast. Colours never carry a meaning alone."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="dark",
    primary="#7fb0d6",
    secondary="#a9b7c6",
    accent="#7fb0d6",
    foreground="#d7dce2",
    background="#15181d",
    surface="#1b1f26",
    panel="#232932",
    success="#8cc48a",
    warning="#e3b765",
    error="#ec7f86",
    dark=True,
    variables={
        "footer-key-foreground": "#7fb0d6",
        "input-cursor-background": "#d7dce2",
        "border": "#3a4452",
        "text-muted": "#8a96a3",
        "text-disabled": "#626d79",
    },
)
LIGHT = Theme(
    name="light",
    primary="#1f5f93",
    secondary="#4c5a68",
    accent="#1f5f93",
    foreground="#1f262d",
    background="#fafaf8",
    surface="#f1f1ee",
    panel="#e5e6e3",
    success="#226b2b",
    warning="#855600",
    error="#ad1f2b",
    dark=False,
    variables={
        "footer-key-foreground": "#1f5f93",
        "border": "#b9bdc2",
        "text-muted": "#5d6670",
        "text-disabled": "#878e96",
    },
)
CONTRAST = Theme(
    name="high-contrast",
    primary="#00ffff",
    secondary="#ffffff",
    accent="#ffff00",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1c1c1c",
    success="#00ff5f",
    warning="#ffff00",
    error="#ff8080",
    dark=True,
    text_alpha=1.0,
    variables={
        "footer-key-foreground": "#ffff00",
        "border": "#ffffff",
        "text-muted": "#ffffff",
        "text-disabled": "#ffffff",
        "block-cursor-foreground": "#000000",
        "block-cursor-background": "#ffff00",
    },
)

THEMES = {theme.name: theme for theme in (DARK, LIGHT, CONTRAST)}
