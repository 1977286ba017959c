"""Requests whose command names what Casava OS has no call for: owners, access times, other machines, the host itself.

The reason is the one that the forge's rules give such requests. It follows from the program alone and cannot be proved
by running anything, so these lines are kept apart from the translated ones.
"""

from __future__ import annotations

import re

from casava_os.forge import corpus
from casava_os.forge.people.rewrite import rewritten

_OWNERS = r"\b(?:own(?:er|ed|ership|s|ing)?|belong(?:s|ing)?|chown|chgrp|users?|groups?)\b"
_RULES: tuple[tuple[str, str, str], ...] = (
    (r"(?:^|\||exec |xargs [^|]*|sudo )\s*(?:chown|chgrp)\b", _OWNERS, "unavailable"),
    (r"^(?:sudo )?find\b[^|]* -(?:user|group|uid|gid|nouser|nogroup)\b", _OWNERS, "unavailable"),
    (r"^(?:sudo )?find\b[^|]* -(?:atime|amin|anewer)\b", r"\baccess(?:ed|es)?\b|\bread\b", "unavailable"),
    (r"^(?:sudo )?(?:ssh|scp|sftp)\b", r"\b(?:ssh|scp|sftp|remote|server|host|hosts|machine)\b|@", "unavailable"),
    (r"^(?:sudo )?rsync\b.*(?:@|::|[A-Za-z0-9]:)", r"\b(?:rsync|remote|server|host|ssh)\b|@|:", "unavailable"),
    (r"\b(?:convert|mogrify|ffmpeg)\b", r"\b(?:convert(?:s|ing)?|resiz(?:e|es|ing)|images?|video)\b", "unavailable"),
    (r"^(?:sudo )?(?:yum|apt-get|apt|aptitude|brew|rpm|dpkg|pacman)\b", r"\b(?:install(?:s|ed|ing)?|package|packages|updat(?:e|es)|upgrad(?:e|es)|remov(?:e|es)|uninstall)\b", "outside"),
    (r"^(?:sudo )?(?:mount|umount)\b\s+[^|\s]", r"\b(?:mount|remount|unmount|bind)(?:s|ed|ing)?\b", "outside"),
    (r"^(?:sudo )?(?:reboot|shutdown|halt|poweroff)\b", r"\b(?:reboot|restart|shut ?down|halt|power|turn)(?:s|ing)?\b", "outside"),
    (r"^(?:sudo )?(?:useradd|adduser|userdel|usermod|passwd|groupadd|chsh|chpasswd)\b", r"\b(?:users?|passwords?|groups?|account|shell)\b", "outside"),
    (r"^(?:sudo )?(?:kill|pkill|killall)\b(?! -l)", r"\b(?:process(?:es)?|pid|kill(?:s|ing)?|signal|terminate)\b", "outside"),
)  # fmt: skip
_NOT_AN_ORDER = re.compile(r"\$|`|\bvariable\b|\bscript\b|\bcurrent shell\b", re.IGNORECASE)


def refusal(request: str, command: str) -> corpus.Line | None:
    """The refusal that a request gets for what its command does; None where the table does not know it."""
    pair = rewritten(request, command, keep_absolute=True)
    if _NOT_AN_ORDER.search(pair.request) or len(pair.request.split()) < 2:
        return None
    for program, words, reason in _RULES:
        if re.search(program, pair.command) and re.search(words, pair.request, re.IGNORECASE):
            return corpus.Line(pair.request, ({"call": "refuse", "reason": reason},))
    return None
