"""Phrasings of families `process` and `system`: running programs, and facts of the host."""

from __future__ import annotations

from casava_os.forge.synth.build import template
from casava_os.forge.synth.grammar import CLOSE, OPEN, Scene, macro, slot
from casava_os.forge.synth.words import bare, dir_name, extension, file_name, stem, word
from casava_os.kernel.compiler.lexer import atoms

PROGRAMS = [
    "python {p}",
    "python3 {p}",
    "python {p} --{w} {n}",
    "python -m {w}",
    "python -m pytest",
    "pytest",
    "pytest -q",
    "pytest -x {d}",
    "pytest -k {w}",
    "make",
    "make {w}",
    "make -j{n}",
    "make clean",
    "npm install",
    "npm run {w}",
    "npm test",
    "npm start",
    "yarn build",
    "node {j}",
    "node {j} --{w}={n}",
    "cargo build",
    "cargo test",
    "cargo run --release",
    "go build ./...",
    "go test ./...",
    "go run main.go",
    "git status",
    "git log --oneline",
    "git diff",
    "git add .",
    "git commit -m '{w}'",
    "git push",
    "git pull",
    "git checkout -b {w}",
    "git branch",
    "ruff check .",
    "ruff check {d}",
    "mypy {d}",
    "black .",
    "eslint {d}",
    "tsc",
    "tsc --noEmit",
    "bash {s}",
    "sh {s}",
    "./{s}",
    "./{s} --{w}",
    "./{w}",
    "./{w} {f}",
    "java -jar {w}.jar",
    "javac {w}.java",
    "gcc {w}.c -o {w}",
    "g++ -O2 {w}.cpp",
    "cmake ..",
    "ffmpeg -i {w}.mp4 {w}.mp3",
    "pip list",
    "pip freeze",
    "uv run {p}",
    "uvicorn {w}:app",
    "flask run",
    "python manage.py {w}",
    "python manage.py runserver",
    "rake {w}",
    "bundle exec {w}",
    "php {w}.php",
    "ruby {w}.rb",
    "perl {w}.pl",
    "Rscript {w}.R",
    "julia {w}.jl",
    "lua {w}.lua",
    "dotnet build",
    "mvn package",
    "gradle build",
    "terraform plan",
    "echo {w}",
    "echo $HOME",
    "whoami",
    "seq {n}",
    "sleep {n}",
    "date +%s",
    "uname -a",
    "id",
    "env",
    "printenv",
    "which {w}",
    "awk '{{print $1}}' {f}",
    "sed -n {n}p {f}",
    "{w}",
    "{w} --help",
    "{w} --version",
    "{w} -v {f}",
    "{w} {f} {f}",
    "{w} --{w} {w}",
    "jq . {f}",
    "tr a-z A-Z < {f}",
    "python -c 'print({n})'",
    "http-server",
    "jupyter nbconvert {w}.ipynb",
    "sphinx-build {d} {d}",
    "mkdocs build",
    "hugo",
    "jekyll serve",
    "pre-commit run --all-files",
    "tox",
    "nox",
    "coverage run -m pytest",
    "pyinstaller {p}",
    "poetry install",
    "poetry run {w}",
    "stack build",
    "cabal run",
    "mix test",
    "swift build",
    "zig build",
    "nim c {w}.nim",
    "convert {w}.png {w}.jpg",
    "pandoc {w}.md -o {w}.pdf",
    "pdflatex {w}.tex",
    "sqlite3 {w}.db",
    "diff3 {f} {f} {f}",
    "{w} ",
    " sort",
    "cat {f} ",
    " sort ",
    " uniq -c",
    "ls -la ",
    " head",
    "find . -name '*.{e}' ",
    " wc -l",
    "ps aux ",
    " grep {w}",
    "du -sh * ",
    " sort -h",
    "cat {f} ",
    " {w}",
    "sort {f} ",
    " uniq -c ",
    " sort -rn",
    "for i in 1 2 3; do echo $i; done",
    "test -f {f} && echo yes",
]
_COMMANDS = []
_joined = ""
for _piece in PROGRAMS:
    # A pipe inside a command was split with the alternatives: it is told by its spaces.
    if _joined.endswith(" ") and _piece.startswith(" "):
        _joined += "|" + _piece
        continue
    if _joined:
        _COMMANDS.append(_joined)
    _joined = _piece
_COMMANDS.append(_joined)


def command(scene: Scene, simple: bool = False) -> str:
    """A command line."""
    for _ in range(20):
        form = scene.pick(_COMMANDS)
        text = form.format(
            p=f"{stem(scene)}.py", w=word(scene), n=scene.rng.randint(1, 99), d=dir_name(scene).replace(" ", "_"), j=f"{stem(scene)}.js",
            s=f"{stem(scene)}.sh", f=file_name(scene).replace(" ", "_").replace("(", "").replace(")", ""), e=extension(scene),
        )  # fmt: skip
        if not simple or not any(c in text for c in "|;'\"<&>"):
            return text
    return "make"


def _open_at_ends(text: str) -> bool:
    """Whether the text, unquoted, begins and ends where atoms do."""
    found = atoms(text)
    return (
        not found[0].quoted
        and not found[-1].quoted
        and found[-1].text not in ".,;:!?"
        and found[0].start == 0
        and found[-1].end == len(text)
    )


@slot("command")
def _command(scene: Scene) -> tuple[str, object]:
    """In quotation marks or backticks, sometimes bare in the middle of a request."""
    text = command(scene)
    draw = scene.rng.random()
    marks = [("`", "`"), ('"', '"'), ("'", "'"), ("`", "`")]
    if (
        draw < 0.3
        and not text.endswith(".")
        and _open_at_ends(text)
        and not any(c in text for c in "|;'\"<&>")
    ):
        return bare(text), text
    at = int(scene.rng.random() * len(marks))
    for n in range(len(marks)):
        left, right = marks[(at + n) % len(marks)]
        if left not in text:
            return f"{OPEN}{left}{text}{right}{CLOSE}", text
    return bare("make"), "make"


@slot("open_command")
def _open_command(scene: Scene) -> tuple[str, object]:
    """Bare, up to the end of the request."""
    text = command(scene)
    while not _open_at_ends(text):
        text = command(scene, simple=True)
    scene.open_end = True
    return bare(text), text


@slot("typed_command")
def _typed_command(scene: Scene) -> tuple[str, object]:
    """A whole command line as one types it into a shell, of a program that no syscall replaces."""
    for _ in range(30):
        text = command(scene)
        first = text.split()[0]
        if (
            _open_at_ends(text)
            and len(text.split()) > 1
            and (first in TYPED or text.startswith("./") or "|" in text)
        ):
            scene.open_end = True
            return bare(text), text
    scene.open_end = True
    return bare("git status"), "git status"


@slot("program_file")
def _program_file(scene: Scene) -> tuple[str, object]:
    """A program in the workspace that is run by its name alone: `plot.py`, `./build.sh`, `tools/report.rb`."""
    text = f"{word(scene)}{scene.pick(['', '', f'_{word(scene)}', f'-{word(scene)}'])}"
    text += scene.pick([".py", ".py", ".py", ".sh", ".sh", ".sh", ".rb", ".js", ".pl", ".R", ".bash", ""])
    folder = scene.pick(["", "", "", "./", f"{word(scene)}/"]) if "." in text else "./"
    return bare(folder + text), folder + text


TYPED = {
    "python",
    "python3",
    "make",
    "npm",
    "yarn",
    "node",
    "cargo",
    "go",
    "git",
    "ruff",
    "mypy",
    "bash",
    "sh",
    "java",
    "gcc",
    "g++",
    "pip",
    "uv",
    "flask",
    "php",
    "ruby",
    "perl",
    "dotnet",
    "mvn",
    "gradle",
    "terraform",
    "awk",
    "sed",
    "echo",
    "seq",
    "sleep",
    "pytest",
    "./configure",
    "ffmpeg",
    "pandoc",
    "poetry",
    "convert",
    "tsc",
}

macro(
    runw="(run|execute|launch|start|fire up|invoke|kick off|call|exec|run)",
    bg="(in the background|in background|as a background job|as a background process|without waiting|and don't wait for it|detached|and let it run|and keep it running|in the bg|and leave it running)",
    limit_s="(for (at most|no more than|max|up to|not longer than) <seconds:timeout>|with a (timeout|time limit|limit) of <seconds:timeout>|but (stop|kill|abort) it after <seconds:timeout>|and give up after <seconds:timeout>)",
)

template(
    "process.run",
    "process.run",
    """
!{runw} <command:command>
!{runw} <command:open_command>
!{runw} <command:open_command>
!{runw} <command:program_file>
!{runw} (the script|the program|my script|our script|the file|that script|script) <command:program_file>
!{runw} <command:program_file> (please|now|again|for me|once more|one more time)
!{runw} (the command|this command|the program|the following command)[:] <command:open_command>
!{runw} (the command|this command|the program|) <command:command>
!{runw} <command:command> and (show|tell|give) me (the output|what it prints|what happens|the result|its output)
!{runw} the (tests|test suite|unit tests|build|linter|server|script|program|app|benchmark|migration) (with|using|by running|via) <command:command>
!(build|compile|test|lint|format|start|install|run) (it|the project|everything|this|the code|the app) (with|using|by running|via) <command:command>
!(run|execute) <command:command> in <cwd:dir>
!in <cwd:dir>, {runw} <command:command>
!in <cwd:dir> {runw} <command:open_command>
!(go|cd|change) (to|into) <cwd:dir> and {runw} <command:open_command>
!{runw} <command:command> from <cwd:dir>
!{runw} <command:command> (inside|in the folder) <cwd:dirname>
!{runw} <command:command> {limit_s}
!{runw} <command:command> with <env:env>
!{runw} <command:command> with [the environment variable[s]|the variable|] <env:env> [set]
!(set|with) <env:env> (and|,) {runw} <command:command>
!use <command:command> to (build|test|check|do) (it|this|everything)
!(see|check|tell me) what <command:command> (prints|says|outputs|gives|returns)
!what does <command:command> (print|say|output|return)
!(see|check) (if|whether) <command:command> (works|passes|succeeds|runs)
?what (does|happens when i run|is the output of) <command:command> [print|say]
?does <command:command> (work|pass|succeed|run)
.i (want|need) (to run|the output of) <command:command>
.i (want|need) you to run <command:open_command>
:<command:typed_command>
:<command:typed_command>
:<command:typed_command>
:run: <command:open_command>
:$ <command:typed_command>
:<command:command>
:run <command:program_file>
:exec <command:open_command>
:output of <command:command>
""",
    weight=3.4,
)
template(
    "process.run/script",
    "process.run",
    """
!(run|execute) (this|the|the following) (python|python3) (code|script|snippet|program)[:] <script:pyscript><interpreter=python3>
!(run|execute) (this|the|the following) (shell script|shell|shell snippet|shell code|script)[:] <script:shscript>
!(run|execute) (this|the|the following) bash (script|code|snippet)[:] <script:shscript><interpreter=bash>
!(evaluate|eval) <script:pyscript> (in|with|using) python<interpreter=python3>
!(run|execute) <script:shscript> (as a|as) (shell script|script)
!(run|execute) <script:shscript> (as a|as) bash script<interpreter=bash>
!(run|execute) <script:pyscript> (as|in|with) python<interpreter=python3>
?what does (this|the) python (code|snippet|script) (print|do|output|give)[:] <script:pyscript><interpreter=python3>
:python: <script:pyscript><interpreter=python3>
:bash script: <script:shscript><interpreter=bash>
:python code <script:pyscript><interpreter=python3>
""",
    weight=0.7,
)


@slot("pyscript")
def _pyscript(scene: Scene) -> tuple[str, object]:
    """The argument `<pyscript>`."""
    n, w = scene.rng.randint(1, 999), word(scene)
    text = scene.pick([f"print({n})", f"print({n} * {n})", "import os; print(os.getcwd())", f"for i in range({n}): print(i)", f"x = {n}; print(x)", f"import {w}; {w}.run()", f"print(len('{w}'))", "import sys; print(sys.version)", f"print([{n}, {n}])", f"import math; print(math.sqrt({n}))", f"{w} = {n}; print({w} + 1)", f"print(sum(range({n})))", f"open('{w}.txt', 'w').write('{w}')"])  # fmt: skip
    return _marked(scene, text)


@slot("shscript")
def _shscript(scene: Scene) -> tuple[str, object]:
    """The argument `<shscript>`."""
    n, w, v = scene.rng.randint(1, 99), word(scene), word(scene)
    text = scene.pick([f"echo {w}; echo {v}", f"mkdir {w}; touch {w}/{v}", f"for i in 1 2 {n}; do echo $i; done", f"cd {w}; make; ./{v}", f"set -e; {w}; {v}", f"x={n}; echo $x", f"for f in *.{extension(scene)}; do wc -l $f; done", f"echo {w} > {v}.txt; cat {v}.txt", f"if [ -f {w} ]; then echo yes; fi"])  # fmt: skip
    return _marked(scene, text)


def _marked(scene: Scene, text: str) -> tuple[str, object]:
    marks = [("`", "`"), ("`", "`"), ('"', '"')]
    left, right = marks[int(scene.rng.random() * 3)]
    if left in text:
        left = right = "`"
    return f"{OPEN}{left}{text}{right}{CLOSE}", text


template(
    "process.run/stdin",
    "process.run stdin=$0 command=#command",
    """
!(run|execute) <command:command> (with|on|over) (this|the input|this as input|this as its input)
!(pipe|feed|pass|send|give) (this|the input|it) (to|into|through) <command:command>
!(feed|pass) (this|it) (to|into) <command:open_command>
:pipe to <command:open_command>
""",
    weight=0.4,
    stdin=True,
)
template(
    "process.run/input",
    "process.run stdin=#stdin command=#command",
    """
!(run|execute) <command:command> with <stdin:content> (as input|as its input|as stdin|on stdin|on standard input|as standard input)
!(pipe|feed|pass|send) <stdin:content> (to|into) <command:command>
""",
    weight=0.4,
)
template(
    "process.run/query",
    "@s; process.run stdin=$1 command=#command",
    """
!find <s:set> and (pipe|feed|pass|send|give) (them|the list|the result|their names) (to|into|through) <command:command>
!(pipe|pass|feed|send) (the|a) list of <s:set> (to|into|through) <command:command>
!{runw} <command:command> with the list of <s:set> as (input|its input|stdin)
""",
    weight=0.5,
)
template(
    "process.spawn",
    "process.spawn",
    """
!{runw} <command:command> {bg}
!{bgstart} <command:command>
!{bgstart} <command:open_command>
!{runw} {bg}: <command:open_command>
!{runw} <command:command> {bg} in <cwd:dir>
!{runw} <command:command> {bg} with <env:env>
!{runw} <command:command> with <env:env> {bg}
!in <cwd:dir>, {runw} <command:command> {bg}
!(spawn|daemonize|background) <command:open_command>
!keep <command:command> running {bgshort}
!(start|launch|run|bring up) the (server|dev server|app|watcher|worker|service) {bg} (with|using) <command:command>
!let <command:command> run {bgshort}
.i (want|need) <command:command> (running|to run) {bgshort}
:<command:command> &
:<command:command> {bgshort}
:nohup <command:command> &
:bg: <command:open_command>
:spawn <command:open_command>
""",
    weight=1.4,
)
macro(
    bgshort="(in the background|in background|in the bg|as a background job)",
    bgstart="(start in the background|run in the background|spawn|launch in the background|background|run in bg|start a background job with|start a background job running|start a background process:)",
)
template(
    "process.list",
    "process.list",
    """
!(list|show|show me|display) (the|my|all|all the|) (background jobs|jobs|running jobs|background programs|background processes|sandbox processes|programs running in the sandbox|jobs i started)
!(list|show) what('s| is) running in the (sandbox|background)
?what('s| is) running in the (sandbox|background)
?(which|what) (background jobs|jobs|background programs) (are|are still) running
?are (there any|any) (background jobs|jobs|background programs) (running|still running|left)
?is (anything|something) (still|) running in the background
?what jobs do i have
?which jobs are (active|alive|there|still going)
.i (want|need) to see (the|my) (jobs|background jobs)
:jobs
:background jobs
:running jobs
:jobs -l
:list jobs
""",
    weight=0.9,
)
template(
    "process.wait",
    "process.wait",
    """
!(wait|wait for|wait until) (job|background job|job number|job no.) <job:index> (to finish|to end|is done|finishes|has finished|is finished|)
!wait for (job|background job|job number) <job:index>
!wait (until|till) (job|job number) <job:index> (is done|finishes|ends|is finished|has ended)
!wait <seconds:timeout> for (job|job number) <job:index>
!wait (for|until) (job|job number) <job:index> (is done|finishes|), (at most|but not more than|no longer than|max) <seconds:timeout>
!(block|hold|stay) until job <job:index> (is done|finishes)
!(tell me|let me know) when job <job:index> (is done|finishes|has finished|ends)
?(has|is) job <job:index> (finished|done) yet, wait for it
?can you wait for job <job:index>
.i want to wait for job <job:index>
:wait <job:index>
:wait for <job:index>
:wait job <job:index>
:wait %<job:index>
""".replace(":wait %<job:index>\n", ""),
    weight=0.9,
)
template(
    "process.logs",
    "process.logs",
    """
!(show|show me|print|display|give me|get|see) (the|) (output|logs|log|console output|printout) (of|from|for) (job|background job|job number) <job:index>
!(show|print|give me) (the|) last <last:count> lines (of|from) (job|background job|job number) <job:index>
!(show|print|give me) (the|) last <last:count> (log|output) lines of job <job:index>
!(show|print|give me) what job <job:index> (has printed|printed|says|has written|put out) (so far|)
!tail (the output of|) job <job:index>, <last:count> lines
?what (has|did) job <job:index> (printed|print|said|say|written|output) (so far|until now|)
?what('s| is) the output of job <job:index> [so far]
?what are the last <last:count> lines of job <job:index>
?how is job <job:index> (doing|going), show (its|the) (output|log)
.i (want|need) to see the (output|logs) of job <job:index>
:logs <job:index>
:logs of job <job:index>
:job <job:index> (output|logs|log)
:output of job <job:index>
:last <last:count> lines of job <job:index>
""",
    weight=0.9,
)
template(
    "process.signal",
    "process.signal",
    """
!(stop|kill|terminate|end|quit|cancel|abort|shut down|finish off) (job|background job|job number) <job:index>
!(stop|terminate|cancel) (job|job number) <job:index> (gracefully|politely|nicely|now|please)
!(kill|stop) job <job:index> (hard|with force|forcefully|forcibly|immediately with KILL|with -9|with SIGKILL|with KILL|the hard way)<signal=KILL>
!(force kill|force-kill|force quit|forcibly kill) job <job:index><signal=KILL>
!(interrupt|ctrl-c|press ctrl-c on|send ctrl-c to) job <job:index><signal=INT>
!(pause|suspend|freeze|halt) job <job:index><signal=STOP>
!(resume|continue|unpause|unfreeze|unsuspend) job <job:index><signal=CONT>
!(tell job <job:index> to reload|reload job <job:index>|hang up job <job:index>|make job <job:index> reload its config)<signal=HUP>
!send (a|the|) {sig} [signal] to (job|background job|job number) <job:index>
!signal job <job:index> with {sig}
?can you (stop|kill|end|cancel) job <job:index>
.job <job:index> (should stop|must stop|hangs, kill it|is stuck, stop it|can be stopped)
.i (want|need) to (stop|kill|cancel) job <job:index>
:kill job <job:index>
:kill %<job:index>
:kill -9 job <job:index><signal=KILL>
:stop <job:index>
:stop job <job:index>
:pause job <job:index><signal=STOP>
:{sig} to job <job:index>
""".replace(":kill %<job:index>\n", ""),
    weight=1.0,
)
macro(
    sig="(TERM|SIGTERM|sigterm|term)|(KILL|SIGKILL|sigkill)<signal=KILL>|(INT|SIGINT|sigint)<signal=INT>|(HUP|SIGHUP|sighup|hup)<signal=HUP>|(STOP|SIGSTOP|sigstop)<signal=STOP>|(CONT|SIGCONT|sigcont)<signal=CONT>|(USR1|SIGUSR1|sigusr1|usr1)<signal=USR1>|(USR2|SIGUSR2|sigusr2|usr2)<signal=USR2>"
)


@slot("index")
def _index(scene: Scene) -> tuple[str, object]:
    """The argument `<index>`."""
    text = str(scene.rng.randint(1, 9)) if scene.chance(0.6) else str(scene.rng.randint(1, 400))
    if scene.chance(0.08):
        text = scene.pick(["one", "two", "three", "four", "five"])
    return bare(text), text


# ---------------------------------------------------------------------------------------------------- the host

macro(
    machine="(machine|computer|host|system|box|server|pc|laptop|device)",
    tellme="(show|tell me|show me|print|display|give me|get|check|report)",
)

template("system.host", "system.host", """
!{tellme} the (hostname|host name|name of this {machine}|distro|distribution|architecture|operating system|os|os version|system info|system information|host info|linux distribution|os release)
!{tellme} (some|) (info|information|details|facts) about (this|the) {machine}
!{tellme} (which|what) (os|distro|operating system|linux distribution) (this is|i'm running|this {machine} runs|is installed)
!(check|tell me|find out) (if|whether) this is a (virtual machine|vm|container)
?what('s| is) the (hostname|host name|name of this {machine}|architecture|distro|os|operating system|os version|distribution)
?what('s| is) this {machine} called
?(what|which) (os|distro|operating system|distribution|linux|linux distribution|flavour of linux|version of linux|architecture) (is this|am i on|am i running|is running here|do i have|is installed|does this {machine} run|are we on)
?which (machine|computer|host|server|box) (am i on|is this|are we on)
?where am i logged in, (what|which) host
?am i (in|on) a (virtual machine|vm)
?is this (ubuntu|debian|fedora|arch|a virtual machine|a vm|64 bit|arm or x86|x86 or arm|linux)
?what kind of {machine} is this
?is this {machine} (virtual|32 or 64 bit|x86|arm)
.i (want|need) to know (which|what) (os|distro|operating system) (this is|i have)
:hostname
:hostnamectl
:(host|os|distro|system) info
:os version
:which distro
:distro
:lsb_release -a
:cat /etc/os-release
:neofetch
:architecture
:uname -m
""".replace(":cat /etc/os-release\n", ""), weight=0.8)  # fmt: skip

template("system.kernel", "system.kernel", """
!{tellme} the (kernel version|kernel|kernel release|linux kernel version|running kernel|version of the kernel)
!{tellme} (which|what) kernel (is running|this is|i have|this {machine} runs|we are on)
?(which|what) (kernel|linux kernel|kernel version|version of the kernel|kernel release) (is this|is running|am i running|am i on|do i have|is installed|do we have|does this {machine} (run|use|have))
?what('s| is) (the|my) (kernel version|kernel|version of the kernel|linux kernel)
?how (old|new|recent) is (the|my) kernel
?is (the|my) kernel (recent|up to date|new enough|older than 6)
.i (want|need) (to know|) the kernel version
:kernel
:kernel version
:uname -r
:uname -a
:uname
:linux kernel version
:which kernel
""".replace("|older than 6)", ")"), weight=0.7)  # fmt: skip

template("system.cpu", "system.cpu", """
!{tellme} (the|) (cpu info|cpu|processor|cpu model|number of cores|number of cpus|cpu load|cpu usage|load average|processor details|cpu details|cpu frequency|processor load|system load)
!{tellme} (which|what) (cpu|processor) (this {machine} has|is in here|i have|this is)
!{tellme} how many (cores|cpus|processors|cpu cores) (there are|this {machine} has|i have)
!{tellme} how busy the (cpu|processor) is
?(what|which) (cpu|processor|chip) (is this|do i have|is in this {machine}|does this {machine} have|is installed|have i got|am i running on)
?what('s| is) (the|my) (cpu|processor|cpu model|cpu load|cpu usage|load|load average|processor load|clock speed|cpu frequency)
?how many (cores|cpus|processors|cpu cores|threads|hardware threads) (do i have|does this {machine} have|are there|are available|has this {machine} got|have i got)
?how (busy|loaded|fast|hot) is (the|my) (cpu|processor)
?how (high|big) is the (load|cpu load|system load|load average)
?is the (cpu|processor) (busy|idle|overloaded|under load|at its limit)
?is (this|the) {machine} (busy|under load|overloaded)
.i (want|need) to know (how many cores i have|which cpu this is|the cpu load)
:cpu
:cpu info
:lscpu
:cpu (load|usage|model|cores|speed|temperature)
:nproc
:load average
:number of cores
:processor
""", weight=0.9)  # fmt: skip

template("system.memory", "system.memory", """
!{tellme} (the|) (memory|ram|memory usage|ram usage|free memory|available memory|memory info|swap|swap usage|free ram|amount of ram|total memory|memory use)
!{tellme} how much (ram|memory|swap) (there is|is free|is used|is left|i have|is available|this {machine} has|is in use)
?how much (ram|memory|swap|swap space) (is free|is used|is left|do i have|is there|is available|does this {machine} have|is in use|have i got|is installed|am i using|do we have|has this {machine})
?how much free (ram|memory|swap) (is there|do i have|is left|have i got)
?what('s| is) (the|my) (memory usage|ram usage|free memory|total memory|available memory|swap usage|memory situation)
?(am i|are we) (running out of|low on|short of|out of) (memory|ram)
?is (there|) (enough|any) (memory|ram|swap) (left|free|available)
?is the (memory|ram) (full|nearly full|used up)
?is swap (used|in use|being used|enabled|on)
?do i have enough (ram|memory)
.i (want|need) to (know|see) how much (ram|memory) (is free|i have)
.i (think|fear) (i'm|we're) (running out of|low on) (memory|ram), check
:free
:free -h
:free -m
:memory
:ram
:(memory|ram) usage
:free (ram|memory)
:how much ram
:swap usage
:available memory
:mem info
""", weight=1.0)  # fmt: skip

template("system.disk", "system.disk", """
!{tellme} (the|) (free disk space|disk space|disk space left|free space|available disk space|space left|mounted file systems|mounts|mounted drives|disks|partitions|file systems|free space on the disk|disks and their free space)
!{tellme} how (much (disk space|space|room|storage) (is left|is free|i have left|is available|there is left on the disk)|full (the|my) (disk|disks|drive|hard drive|ssd) (is|are))
?how much (disk space|space|room|storage|free space|disk) (is left|is free|do i have|do i have left|is available|is left on (the disk|the drive|this {machine}|this disk)|have i got left|remains)
?how much (space|room) is (left|free) on (my|the) (disk|drive|hard drive|ssd|hard disk|root partition)
?how (full|big|large) is (my|the) (disk|drive|hard drive|ssd|hard disk|root partition|file system)
?is (my|the) (disk|drive|hard drive|ssd) (full|nearly full|almost full|getting full)
?what (disks|drives|partitions|file systems|mounts) (are there|do i have|are mounted|does this {machine} have)
?(am i|are we) running out of (disk space|disk|storage)
?do i have enough (disk space|space on the disk|room on the disk|storage)
?what('s| is) (the|my) (free disk space|disk space left|remaining disk space)
?what is mounted (here|on this {machine})
.i (want|need) to know how much disk space (is left|i have left)
:df
:df -h
:disk space
:free (disk space|space)
:disk space left
:disk free
:mounts
:storage left
:free space on disk
:lsblk
""", weight=1.0)  # fmt: skip

template("system.gpu", "system.gpu", """
!{tellme} (the|) (gpu|gpu info|graphics card|graphics cards|gpu usage|gpu memory|gpu temperature|video card|gpus|gpu load|gpu details|vram)
!(check|see|tell me) (if|whether) (there is a gpu|this {machine} has a (gpu|graphics card)|a gpu is available|i have a gpu|the gpu is (busy|idle|free))
?(is there|do i have|have i got|do we have|does this {machine} have) (a|any) (gpu|graphics card|nvidia card|cuda device|video card|graphics processor)
?(what|which) (gpu|graphics card|video card|graphics processor) (is this|do i have|is in this {machine}|is installed|does this {machine} have|have i got)
?how much (gpu memory|vram|video memory|memory on the gpu) (is free|is used|do i have|is there|is left|is available|does the gpu have)
?how (hot|busy|loaded|warm) is (the|my) (gpu|graphics card)
?how many (gpus|graphics cards) (are there|do i have|does this {machine} have)
?is (the|my) (gpu|graphics card) (busy|idle|in use|being used|free|hot)
?what('s| is) (the|my) (gpu|graphics card|gpu usage|gpu temperature|gpu load)
?(can i|can we) (use|train on) (a|the) gpu here
.i (want|need) to know (which|what) gpu (i have|is in here)
:gpu
:nvidia-smi
:gpu (info|usage|memory|temperature|load)
:graphics card
:which gpu
:vram
:any gpu
""", weight=0.9)  # fmt: skip

template("system.uptime", "system.uptime", """
!{tellme} (the|) (uptime|system uptime|boot time|last boot time|time since (boot|the last reboot)|time of the last (reboot|boot))
!{tellme} (how long|since when) (this|the) {machine} has been (up|running|on)
!{tellme} when (this|the) {machine} was (last|) (booted|rebooted|started|restarted)
?how long (has|is) (this|the) {machine} (been|) (up|running|on|switched on|powered on)
?how long has (it|the {machine}) been (up|running) [since the last (reboot|boot)]
?(when|how long ago) (was|did) (this|the) {machine} (last|) (rebooted|booted|restarted|reboot|boot|started|start)
?since when (is|has) (this|the) {machine} (been|) (up|running|on)
?what('s| is) the (uptime|boot time|system uptime)
?when (was|is) the last (reboot|boot|restart)
?did (this|the) {machine} (reboot|restart) (recently|last night|today)
.i (want|need) to know (the uptime|when the {machine} was last rebooted|how long it has been up)
:uptime
:system uptime
:last boot
:boot time
:how long up
:uptime -p
""", weight=0.8)  # fmt: skip

template("system.users", "system.users", """
!{tellme} (who|) (is logged in|is logged on|else is here|i am)
!{tellme} (the|all|all the|) (logged in users|users who are logged in|users logged in|current user|active users|user sessions|users on this {machine}|current username)
!{tellme} (who|which users) (is|are) (on|using|logged into) this {machine}
?who (is|else is|all is) (logged in|logged on|online|on this {machine}|using this {machine}|here|signed in|connected) [right now|at the moment|]
?who am i [logged in as]
?(which|what) user am i [logged in as|]
?what('s| is) my (username|user name|login|user|login name)
?(which|what|how many) users are (logged in|on this {machine}|online|signed in|active)
?is (anyone|anybody|someone|somebody) else (logged in|on this {machine}|online|here|signed in)
?am i (root|alone on this {machine}|the only one logged in|the only user here)
.i (want|need) to know who (is logged in|else is on this {machine})
:who
:whoami
:w
:users
:logged in users
:current user
:who is logged in
:my username
""".replace("{tellme} (who|) (is logged in|is logged on|else is here|i am)", "{tellme} who (is logged in|is logged on|else is here|i am)"), weight=0.8)  # fmt: skip

template("system.time", "system.time", """
!{tellme} (the|) (time|date|current time|current date|date and time|current date and time|time zone|timezone|system time|today's date|local time)
!{tellme} what (time|day|date) it is
?what time is it [now|right now]
?what('s| is) the (time|date|current time|current date|time now|day|day today|time zone|timezone|system time|local time|date today)
?what('s| is) today's date
?what (day|date|month|year|weekday|day of the week) (is it|is today|is it today|do we have|do we have today)
?which (day|year|month|weekday|timezone|time zone) (is it|is today|are we in|do we have|is set)
?how late is it
?(do you know|have you got|got) (what time it is|the time)
.i (want|need) to know (the time|what time it is|today's date|the date)
:time
:date
:current time
:(today's|) date
:time and date
:time zone
:what time
:clock
:today's date
""", weight=0.8)  # fmt: skip

template("system.environment", "system.environment", """
!{tellme} (the|all|all the|my|) (environment variables|environment|env vars|env variables|env|shell variables|environment settings)
!{tellme} (the value of|) (the|) (environment variable|env var|variable|environment var) <name:envvar>
!{tellme} the value of <name:envvar>
!{tellme} (what|the value) <name:envvar> (is set to|contains|is)
!{tellme} (my|the) <name:envvar> (variable|environment variable|env var)
!echo <name:dollarvar>
!(check|see) (if|whether) <name:envvar> is set
?what('s| is) (the value of|in|) (the|) <name:envvar> (variable|environment variable|env var)
?what('s| is) the value of <name:envvar>
?what('s| is) <name:envvar> (set to|in the environment)
?what('s| is) (my|the) <name:envvar> [set to]
?(which|what) (environment variables|env vars|variables|env variables) (are set|do i have|exist|are there|are defined)
?is <name:envvar> set [in the environment]
?do i have (a|an|) <name:envvar> (variable|environment variable|env var)
?what does (my|the) environment (look like|contain)
.i (want|need) (the value of|to know) <name:envvar>
.i (want|need) to see (my|the|all) (environment variables|env vars)
:env
:printenv
:printenv <name:envvar>
:environment variables
:env vars
:env <name:envvar>
:value of <name:envvar>
:<name:envvar> (variable|env var)
""".replace("!echo <name:dollarvar>\n", "").replace(".i (want|need) (the value of|to know) <name:envvar>", ".i (want|need) the value of <name:envvar>"), weight=0.9)  # fmt: skip


@slot("envvar")
def _envvar(scene: Scene) -> tuple[str, object]:
    """The argument `<envvar>`."""
    text = scene.pick(["PATH", "HOME", "USER", "SHELL", "LANG", "EDITOR", "PWD", "TERM", "DISPLAY", "PYTHONPATH", "JAVA_HOME", "VIRTUAL_ENV", "TMPDIR", "LD_LIBRARY_PATH", "GOPATH", "NODE_ENV", "DATABASE_URL", "CUDA_VISIBLE_DEVICES", "TZ", "http_proxy"])  # fmt: skip
    if scene.chance(0.45):
        parts = [w.upper() for w in (word(scene), word(scene))]
        text = "_".join(parts) if scene.chance(0.6) else parts[0]
    return bare(text), text


template("system.processes", "system.processes", """
!{tellme} (the|) top <limit:count> processes {procby}
!{tellme} (the|) <limit:count> processes (that use|using|with) (the|) most {procmost}
!{tellme} (the|all|all the|all running|running|) processes (on this {machine}|of this {machine}|running on this {machine}|)
!{tellme} (the|all|) (running|) processes (sorted|ordered) {procby}
!{tellme} (the|all|) processes (named|called|with the name|matching|containing) <name_contains:procname>
!{tellme} (which|what) (process|program|app) (uses|is using|takes|eats) (the|) most {procmost}<limit=1>
!{tellme} (which|what) (processes|programs|apps) (use|are using|take|eat|hog) (the|) most {procmost}
!{tellme} what('s| is) (eating|hogging|using|using up|slowing) (my|the|all my|all the) {prochog}
!(check|see) (if|whether) <name_contains:procname> is running (on this {machine}|)
!(find|look for) (the|a|all|) <name_contains:procname> (process|processes)
?what('s| is) (eating|hogging|using|using up|taking|consuming) (my|the|all my|all the|so much) {prochog}
?(which|what) (process|program|app|one) (uses|is using|takes|eats|consumes|is hogging|is eating) (the|) most {procmost}<limit=1>
?(which|what) (processes|programs|apps|things) (use|are using|take|eat|consume|hog) (the|) most {procmost}
?(which|what) are the top <limit:count> processes {procby}
?(which|what) <limit:count> processes (use|take|eat) the most {procmost}
?(what|which) (processes|programs) (are running|are there|run) (on this {machine}|right now|at the moment|)
?what('s| is) running on (this|the) {machine}
?is <name_contains:procname> running (on this {machine}|)
?(which|what) processes (were started|started) (last|most recently)<sort=newest>
?what are the newest processes<sort=newest>
?why is (this|the|my) {machine} (so slow|slow), (which processes|what) (use|uses) the cpu
.i (want|need) to (see|know) (which|what) processes (use|eat) the most {procmost}
.my fan is (loud|spinning), what('s| is) using the cpu
:top
:htop
:ps
:ps aux
:processes
:ps <name_contains:procname>
:pgrep <name_contains:procname>
:top <limit:count> processes {procby}
:top processes {procby}
:processes (sorted|) {procby}
:(cpu|processor) hogs
:memory hogs<sort=memory>
:<name_contains:procname> processes
:running processes
:top cpu
""", weight=1.6)  # fmt: skip
macro(
    procby="by (cpu|cpu usage|cpu use|processor use|cpu load)|by (memory|ram|memory usage|ram usage|mem|memory use)<sort=memory>|by (memory|ram)<sort=memory>|by (name)<sort=name>|by (pid|process id)<sort=pid>|by (start time)<sort=newest>",
    procmost="(cpu|processor|processor time|cpu time)|(memory|ram)<sort=memory>",
    prochog="(cpu|processor|processor time|cpu power)|(memory|ram)<sort=memory>",
)


@slot("procname")
def _procname(scene: Scene) -> tuple[str, object]:
    """The argument `<procname>`."""
    text = scene.pick(
        [
            "firefox",
            "chrome",
            "python",
            "nginx",
            "postgres",
            "node",
            "java",
            "sshd",
            "docker",
            "ssh",
            "vim",
            "mysql",
            "redis",
            "code",
            "slack",
            "gnome",
            "bash",
        ]
    )
    if scene.chance(0.45):
        text = word(scene)
    return bare(text), text
