"""The shell: a terminal interface over the kernel. It shows events and hands answers back; it decides nothing itself.

`opening.open_shell` is the way in. `wording` needs no terminal library and serves the command line, too.
"""
