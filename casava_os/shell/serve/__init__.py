"""The shell in a browser on this machine: one link that works once, one program a tab, nothing left behind.

- `gate.py` decides who may come in: token, cookie, Host, Origin, and whose connection it is
- `peers.py` knows whose connection it is
- `server.py` hands out the page and opens a tab for each websocket
- `tab.py` is one tab as the server sees it: a program, and how it is told to go
- `program.py` and `driver.py` are that program: the shell, drawing into a pipe
- `opening.py` binds, tells the link and serves until somebody ends it
"""

DRIVER = "casava_os.shell.serve.driver:TabDriver"
"""How the program in a tab draws, as Textual wants it named."""
