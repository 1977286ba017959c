"""Phrasings of families `container`, `infra`, `memory` and `net`: what lies outside the workspace."""

from __future__ import annotations

from casava_os.forge.synth.build import template
from casava_os.forge.synth.grammar import Scene, macro, slot
from casava_os.forge.synth.words import bare, dir_name, fresh, quoted, stem
from casava_os.forge.synth.words import made_up as any_made_up
from casava_os.forge.synth.words import word as any_word

IMAGES = ["redis", "postgres", "nginx", "mysql", "mariadb", "mongo", "rabbitmq", "minio", "grafana", "prometheus", "node", "python", "alpine", "ubuntu", "debian", "busybox", "traefik", "caddy", "httpd", "jenkins", "gitea", "memcached", "influxdb", "vault", "consul", "keycloak", "wordpress", "ghost", "nextcloud", "jellyfin", "pihole", "portainer", "registry", "kafka", "zookeeper", "cassandra", "couchdb", "neo4j", "solr", "clickhouse", "ollama", "pytorch", "tensorflow", "jupyter", "chroma", "qdrant", "weaviate", "golang", "rust", "openjdk"]  # fmt: skip
TAGS = [
    "latest",
    "16",
    "7",
    "7.2",
    "3.11",
    "3.12-slim",
    "1.27-alpine",
    "22.04",
    "bookworm",
    "alpine",
    "8.0",
    "v2",
    "2.9.1",
    "stable",
    "edge",
    "nightly",
    "main",
    "cuda12.1",
    "lts",
]
BLUEPRINTS = [
    "postgres",
    "redis",
    "nginx",
    "minio",
    "jupyter",
    "prometheus",
    "grafana",
    "llm-server",
    "rag",
    "monitoring",
]
NAMES = [
    "web",
    "api",
    "db",
    "cache",
    "worker",
    "proxy",
    "app",
    "backend",
    "frontend",
    "queue",
    "search",
    "auth",
    "mail",
    "scheduler",
    "gateway",
    "site",
    "shop",
    "blog",
    "metrics",
    "store",
]


def made_up(scene: Scene) -> str:
    """A made-up name that docker would take."""
    while not ((text := any_made_up(scene)).isascii() and text.isalnum() and text[0].isalpha()):
        pass
    return text


def word(scene: Scene) -> str:
    """A word that docker would take."""
    while not ((text := any_word(scene)).isascii() and text.isalnum() and text[0].isalpha()):
        pass
    return text


def image(scene: Scene) -> str:
    """An image's name: known or made up, with or without registry and tag."""
    name = scene.pick(IMAGES) if scene.chance(0.7) else scene.pick([made_up(scene), word(scene).lower()])
    if scene.chance(0.18):
        owner = scene.pick([made_up(scene), word(scene).lower(), "library", "bitnami"])
        name = f"{scene.pick(['', '', 'ghcr.io/', 'quay.io/', 'localhost:5000/'])}{owner}/{name}"
    if scene.chance(0.35):
        name += ":" + (
            scene.pick(TAGS) if scene.chance(0.7) else f"{scene.rng.randint(0, 20)}.{scene.rng.randint(0, 9)}"
        )
    elif scene.chance(0.12):
        name = name.capitalize()
    return name


def container(scene: Scene) -> str:
    """A container's or a stack's name."""
    draw = scene.rng.random()
    if draw < 0.4:
        return scene.pick(NAMES)
    if draw < 0.6:
        return f"{scene.pick([word(scene).lower(), made_up(scene)])}{scene.pick(['-', '_', '-'])}{scene.pick(NAMES)}"
    if draw < 0.7:
        return f"{scene.pick(NAMES)}{scene.pick(['-', '_', ''])}{scene.rng.randint(1, 9)}"
    return scene.pick(IMAGES) if draw < 0.8 else scene.pick([word(scene).lower(), made_up(scene)])


def _fresh(scene: Scene, text: str) -> str:
    return fresh(scene, lambda _: text)


@slot("image")
def _image(scene: Scene) -> tuple[str, object]:
    """The argument `<image>`."""
    text = _fresh(scene, image(scene))
    return bare(quoted(scene, text) if scene.chance(0.05) else text), text


@slot("container", "stack")
def _container(scene: Scene) -> tuple[str, object]:
    """The argument `<container>` or `<stack>`."""
    text = _fresh(scene, container(scene))
    return bare(quoted(scene, text) if scene.chance(0.06) else text), text


@slot("containers")
def _containers(scene: Scene) -> tuple[str, object]:
    """One container, sometimes two or three."""
    texts = list(
        dict.fromkeys(_fresh(scene, container(scene)) for _ in range(scene.rng.choice([1, 1, 1, 1, 2, 2, 3])))
    )
    said = [bare(text) for text in texts]
    glue = scene.pick([" and ", " and ", ", ", " "])
    return (", ".join([*said[:-2], glue.join(said[-2:])]) if len(said) > 1 else said[0]), texts


@slot("service")
def _service(scene: Scene) -> tuple[str, object]:
    """The argument `<service>`."""
    text = _fresh(scene, scene.pick(NAMES) if scene.chance(0.6) else container(scene))
    return bare(text), text


@slot("blueprint")
def _blueprint(scene: Scene) -> tuple[str, object]:
    """The argument `<blueprint>`."""
    text = _fresh(scene, scene.pick(BLUEPRINTS) if scene.chance(0.85) else made_up(scene))
    return bare(text), text


@slot("spec")
def _spec(scene: Scene) -> tuple[str, object]:
    """A Compose file."""
    name = scene.pick(["compose", "docker-compose", "compose", stem(scene).replace(" ", "_"), "stack", f"compose.{scene.pick(NAMES)}"])  # fmt: skip
    text = f"{name}.{scene.pick(['yml', 'yaml'])}"
    if scene.chance(0.2):
        text = f"{dir_name(scene).replace(' ', '_')}/{text}"
    text = _fresh(scene, text)
    return bare(text), text


@slot("port")
def _port(scene: Scene) -> tuple[str, object]:
    """One number: a port of the host."""
    text = str(scene.rng.choice([80, 443, 3000, 5000, 5432, 6379, 8000, 8080, 8888, 9000, 9090, scene.rng.randint(1024, 65535)]))  # fmt: skip
    return bare(text), [text]


@slot("portpair")
def _portpair(scene: Scene) -> tuple[str, object]:
    """Host and container, as docker writes them; sometimes two pairs."""
    pairs = [f"{scene.rng.randint(1024, 9999)}:{scene.pick(['80', '443', '3000', '5432', '6379', '8080', '8000'])}"]  # fmt: skip
    if scene.chance(0.08):
        pairs[0] += scene.pick(["/udp", "/tcp"])
    if scene.chance(0.15):
        pairs.append(f"{scene.rng.randint(1024, 9999)}:{scene.rng.randint(80, 9000)}")
    return scene.pick([" and ", " ", ", "]).join(bare(pair) for pair in pairs), pairs


@slot("settings", "env")
def _settings(scene: Scene) -> tuple[str, object]:
    """NAME=value, once to three times."""
    pairs: list[str] = []
    for _ in range(scene.rng.choice([1, 1, 1, 2, 3])):
        name = scene.pick([word(scene).upper(), word(scene).lower(), f"{word(scene).upper()}_{word(scene).upper()}", "POSTGRES_PASSWORD", "DEBUG", "TZ", "LOG_LEVEL", "user", "size", "PORT"])  # fmt: skip
        value = scene.pick([word(scene), str(scene.rng.randint(0, 9999)), "true", "false", "1", "debug", made_up(scene)])  # fmt: skip
        pairs.append(f"{name.replace(' ', '_')}={value.replace(' ', '_')}")
    glue = scene.pick([" and ", " ", ", "])
    return glue.join(bare(pair) for pair in pairs), pairs


@slot("mountpair")
def _mountpair(scene: Scene) -> tuple[str, object]:
    """A mount as docker writes it."""
    source = scene.pick(["", "./", ""]) + dir_name(scene).replace(" ", "_").replace(":", "")
    target = scene.pick(["/data", "/app", "/etc/nginx", "/var/lib/postgresql/data", "/srv", "/usr/share/nginx/html", f"/{made_up(scene)}", "/config"])  # fmt: skip
    text = _fresh(scene, f"{source}:{target}{':ro' if scene.chance(0.15) else ''}")
    return bare(text), [text]


@slot("inside")
def _inside(scene: Scene) -> tuple[str, object]:
    """A path inside a container."""
    text = scene.pick(["/etc/nginx/nginx.conf", "/var/log/app.log", "/app/out.csv", "/data", "/backup/dump.sql", "/etc/hosts", "/var/lib/data", "/srv/www"])  # fmt: skip
    if scene.chance(0.6):
        text = f"/{scene.pick(['app', 'data', 'etc', 'var/log', 'tmp', 'srv', 'opt'])}/{scene.pick([made_up(scene), word(scene).lower(), word(scene).lower() + '.conf', word(scene).lower() + '.log'])}"
    text = _fresh(scene, text.replace(" ", "_"))
    return bare(text), text


@slot("incommand")
def _incommand(scene: Scene) -> tuple[str, object]:
    """A command line for a container, in quotation marks."""
    text = scene.pick(["ls /", "env", "ps aux", "cat /etc/hosts", "redis-cli ping", "psql -U postgres", "nginx -t", "python -V", "date", "bash", "sh", f"ls /{word(scene).lower()}", f"echo {word(scene)}", f"{word(scene).lower()} --version", "pg_dump mydb", "nginx -s reload", "df -h", "python manage.py migrate"])  # fmt: skip
    left = scene.pick(["`", '"', "'", "`"])
    return bare(f"{left}{text}{left}"), text


@slot("incommand_open")
def _incommand_open(scene: Scene) -> tuple[str, object]:
    """A command line up to the end of the request."""
    text = scene.pick(["ls /", "env", "ps aux", "cat /etc/hosts", "redis-cli ping", "psql -U postgres", "nginx -t", "python -V", "sh", "bash", f"{word(scene).lower()} --version"])  # fmt: skip
    scene.open_end = True
    return bare(text), text


@slot("cpus")
def _cpus(scene: Scene) -> tuple[str, object]:
    """The argument `<cpus>`."""
    text = scene.pick(["1", "2", "4", "0.5", "1.5", "two", "four", "8"])
    return bare(text), text


@slot("gpus")
def _gpus(scene: Scene) -> tuple[str, object]:
    """The argument `<gpus>`; one GPU needs no word."""
    text = scene.pick(["1", "2", "4", "two", "8", "four"])
    return bare(text), text


@slot("replicas")
def _replicas(scene: Scene) -> tuple[str, object]:
    """The argument `<replicas>`."""
    text = scene.pick(
        [str(scene.rng.randint(0, 12)), scene.pick(["two", "three", "four", "five", "ten", "six"])]
    )
    return bare(text), text


@slot("lease")
def _lease(scene: Scene) -> tuple[str, object]:
    """The argument `<lease>`: a time."""
    text = scene.pick(["an hour", "two hours", "30 minutes", "a day", "2h", "90 minutes", "3 days", "a week", "12 hours", "ten minutes", "24h", "half an hour", f"{scene.rng.randint(2, 50)} {scene.pick(['minutes', 'hours', 'days', 'min', 'h'])}"])  # fmt: skip
    return bare(text), text


@slot("lasttime")
def _lasttime(scene: Scene) -> tuple[str, object]:
    """A time that has passed."""
    text = scene.pick(["hour", "ten minutes", "5 minutes", "day", "week", "24 hours", "half hour", "2 hours", "month", "30 seconds", f"{scene.rng.randint(2, 90)} {scene.pick(['minutes', 'hours', 'days', 'min'])}"])  # fmt: skip
    return bare(text), text


@slot("since")
def _since(scene: Scene) -> tuple[str, object]:
    """A day."""
    text = scene.pick(
        ["today", "yesterday", "today", "monday", "last friday", "yesterday", "this morning"][:6]
    )
    return bare(text), text


HOSTS = [
    "example.com",
    "example.org",
    "api.github.com",
    "www.nasa.gov",
    "data.gov.uk",
    "files.lab.example",
    "intranet.local",
    "www.spiegel.de",
    "cdn.site.io",
    "news.ycombinator.com",
    "archive.org",
]


@slot("url")
def _url(scene: Scene) -> tuple[str, object]:
    """An address, with or without its scheme."""
    host = scene.pick(HOSTS) if scene.chance(0.5) else f"{scene.pick(['', 'www.', 'data.'])}{made_up(scene)}.{scene.pick(['com', 'org', 'net', 'io', 'de'])}"  # fmt: skip
    path = ""
    if scene.chance(0.75):
        path = "/" + scene.pick([word(scene).lower(), f"{word(scene).lower()}/{made_up(scene)}"]).replace(
            " ", "_"
        )
        path += scene.pick(["", ".csv", ".json", ".zip", ".html", ".tar.gz", ".txt", ".pdf", f"?q={made_up(scene)}"])  # fmt: skip
    scheme = scene.pick(["https://", "https://", "http://", ""])
    if not scheme and not path and not host.startswith("www."):
        scheme = "https://"
    text = _fresh(scene, f"{scheme}{host}{path}")
    return bare(text), text


FACTS = "staging runs on port {n}|the {w} server is called {v}|{v} is on vacation until {w}|backups go to {v}|i prefer {w} over {w2}|the wifi password is {v}|our deadline is friday|{w} approves all invoices|my favourite editor is {v}|the {w} project lives in {v}|releases happen on tuesdays|{v} must never be deleted|the {w} key is under the {w2}|we use {w} for {w2}|logs rotate every {n} days|the {w} meeting moved to {n} o'clock|python {n} is broken here|fold {n} is leaky|client {v} pays late|{w} is allergic to {w2}|i sort photos by {w}"


def _fact(scene: Scene) -> str:
    return scene.pick(FACTS.split("|")).format(
        n=scene.rng.randint(2, 9000), w=word(scene).lower(), v=scene.pick([made_up(scene), word(scene)]), w2=word(scene).lower()
    )  # fmt: skip


@slot("fact")
def _fact_open(scene: Scene) -> tuple[str, object]:
    """A sentence up to the end of the request."""
    text = _fact(scene)
    scene.open_end = True
    return bare(text), text


@slot("fact_quoted")
def _fact_quoted(scene: Scene) -> tuple[str, object]:
    """A sentence in quotation marks."""
    text = _fact(scene)
    left, right = scene.rng.choice([('"', '"'), ("\u201c", "\u201d")])
    text = text.replace('"', "")
    return bare(f"{left}{text}{right}"), text


@slot("about")
def _about(scene: Scene) -> tuple[str, object]:
    """What a memory is about, in one to three words."""
    text = scene.pick([f"the {word(scene).lower()}", word(scene).lower(), made_up(scene), f"the {word(scene).lower()} {scene.pick(['logs', 'server', 'project', 'photos', 'backup', 'budget', 'model', 'router', 'invoices'])}", f"{scene.pick(['my', 'our', 'his'])} {word(scene).lower()}", scene.pick(["staging", "the vpn", "the backups", "the dataset", "the release", "the printer"])])  # fmt: skip
    text = _fresh(scene, text)
    return bare(text), text


@slot("entry")
def _entry(scene: Scene) -> tuple[str, object]:
    """A memory's id."""
    text = scene.pick([f"m{scene.rng.randint(1, 999)}", str(scene.rng.randint(1, 400)), f"{made_up(scene)}-{scene.rng.randint(1, 99)}"])  # fmt: skip
    return bare(text), text


macro(
    box="(container|container|docker container|box|docker box)",
    boxes="(containers|containers|docker containers|dockers|boxes)",
    up="(run|start|launch|spin up|fire up|bring up|kick off|boot|create|get me|give me|set up)",
    private="(|||, keep it private|, but keep it private|, not reachable from outside|, only for me|, locally|, loopback only)",
    contextra="([called|named|as] <name:container>|on port <ports:port>|on <ports:portpair>|with port[s] <ports:portpair>|with <env:env>|with <memory:size> [of] (memory|ram)|limited to <memory:size> [of ram]|with <cpus:cpus> (cpus|cores|cpu cores)|with <gpus:gpus> gpus|for <lease:lease>|(with no|without any|without) network<network=none>|with (internet|internet access|network access)<network=bridge>|mounting <mounts:mountpair>|with <mounts:mountpair> mounted|in the foreground<detach=false>|(always restarting|restart always|that always restarts)<restart=always>|(unless stopped|restart unless stopped)<restart=unless-stopped>|restarting on failure<restart=on-failure>)",
    them="(them|them all|all of them|the lot|those|every one of them|everything)",
    stackw="(stack|deployment|stack|setup|environment)",
    halt="(stop|stop|halt|shut down|bring down|stop running|shut off|take down|turn off)",
    drop="(remove|remove|delete|get rid of|throw away|bin|rm|destroy|wipe)",
    deploy="(deploy|deploy|bring up|set up|roll out|spin up|install|provision|stand up|put up|launch)",
    teardown="(tear down|destroy|take down|tear down|remove|get rid of|bring down|dismantle|kill)",
    bar="(except|except for|excepting|excluding|but|but not|bar|apart from|aside from|other than|save for|save|minus|besides|not counting|with the exception of|without)",
    stays="(stays|stay|is to stay|must stay|keeps running|must not be touched|is left alone)",
    since_i="(i started|i launched|i spun up|i brought up|i've started|that is mine|of mine|i created)",
)

template("container.list", "container.list", """
!(list|show|show me|give me|print|display) (the|my|all the|) (running|) {boxes} [on this machine|that are up|]
!(list|show) (all|all the) {boxes}, (stopped ones too|also the stopped ones|including stopped ones|running or not|even exited ones)<+all>
!(list|show me) (running and stopped|stopped and running|dead and living) {boxes}<+all>
!(list|show) (the|all|) {boxes} {bar} <exclude:containers>
?what('s| is) running in docker {bar} <exclude:containers>
?(which|what) {boxes} (are running|are up|do i have) {bar} <exclude:containers>
:all {boxes} {bar} <exclude:containers>
!(list|show|find) (the|all|) {boxes} (with|having) <name_contains:word> in (the|their) name
!(list|show) (the|all|) {boxes} (made from|of|from|that use|based on) [the image] <image:image>
!(list|show) (my|only my|just my) (own|) {boxes}<+mine>
!(list|show) (the|) {boxes} (that|) {since_i}<+mine>
!(list|show) {boxes} started (in the last|within the last|in the past) <newer_than:lasttime>
!(list|show) {boxes} (started since|from|started after) <started_after:since>
?(which|what) {boxes} (are running|are up|run here|do i have|do we have|are alive|are there)
?(which|what) {boxes} (exist|are there), (stopped ones too|running or not)<+all>
?is (anything|any {box}) running in docker
?what('s| is) running in docker [right now|]
?which {boxes} (did i start|have i started|are mine)<+mine>
?which {boxes} (did i start|have i started) <started_after:since><+mine>
?how do the {boxes} look
:docker ps
:docker ps
:docker ps -a<+all>
:docker container ls
:docker container ls -a<+all>
:docker ps --all<+all>
:running {boxes}
:{boxes}
:all {boxes} incl(.|) stopped<+all>
:my {boxes}<+mine>
""", weight=1.3)  # fmt: skip
template("container.run", "container.run", """
!{up} <image:image>{private}
!{up} (a|an|a new|one) <image:image> {box}{private}
!{up} <image:image> {contextra}{private}
!{up} <image:image> {contextra} [and|] {contextra}
!{up} (a|an|a new) <image:image> {box} {contextra}{private}
!{up} (a|an|a new) {box} (from|of|with|using) [the image] <image:image> [{contextra}]
!{up} (a|an|) <image:image> (in docker|in a container|as a container|in its own container) [{contextra}]
!{up} (a|an|) <image:image> (database|server|instance|broker|cache|) {contextra}{private}
!{up} <image:image> and (expose|publish|map|open) port[s] <ports:portpair>
!(expose|publish) <image:image> on port <ports:port>
!{up} <image:image> (as|under the name|called|named) <name:container> {contextra}
!run <command:incommand> in a (fresh|new|throwaway|temporary) <image:image> {box}
!run <command:incommand> in (a|an) <image:image> {box}
!(keep|leave) (a|an) <image:image> running for <lease:lease>
!{up} <image:image> but (kill|remove|stop|drop) it after <lease:lease>
.i (need|want|could use|'d like) (a|an) <image:image> (container|database|server|instance|) [{contextra}]
.i (need|want) <image:image> (running|up|up and running) [on port <ports:port>|for <lease:lease>|]
?can i (have|get) (a|an) <image:image> {contextra}
:docker run <image:image>
:docker run -d <image:image>
:docker run -d --name <name:container> <image:image>
:docker run -p <ports:portpair> <image:image>
:docker run -d -p <ports:portpair> --name <name:container> <image:image>
:docker run -e <env:env> <image:image>
:docker run -v <mounts:mountpair> <image:image>
:<image:image> {box}
:<image:image> {box} on <ports:port>
:new {box} <image:image> [{contextra}]
:start <image:image>
""", weight=2.6)  # fmt: skip

for _call, _verbs, _jargon in (
    ("start", "(start|start up|boot|resume|wake up|start again|bring back|turn on|power on)", "docker start"),
    ("stop", "{halt}", "docker stop"),
    ("restart", "(restart|bounce|reboot|restart|cycle|stop and start|recycle)", "docker restart"),
    ("remove", "{drop}", "docker rm"),
):
    template(f"container.{_call}", f"container.{_call}", f"""
!{_verbs} (the|my|our|) {{box}} <containers:containers>
!{_verbs} (the|my|our|that|) <containers:container> {{box}}
!{_verbs} (the|) {{boxes}} <containers:containers>
!{_verbs} <containers:containers> (in docker|the container[s]|, the container)
.(i want|i need) (the|my) {{box}} <containers:container> to (be {_call}ped|be {_call}ed|{_call})
?(can|could) you {_verbs} (the|my) <containers:container> {{box}}
:{_jargon} <containers:containers>
:{_jargon} <containers:container>
:{_call} {{box}} <containers:container>
""".replace("be stoped|", "").replace("be removeped|be removeed|", "").replace("be startped|", "").replace("be restartped|", "").replace("be stopped|be stoped", "be stopped"), weight=0.8)  # fmt: skip
    _more = " volumes=#volumes" if _call == "remove" else ""
    template(f"container.{_call}/listed", f"container.list all=#all mine=#mine image=#image name_contains=#part newer_than=#within started_after=#since exclude=#spare; container.{_call} containers=$1{_more}", f"""
!{_verbs} (all|all the|every|all my|all of the|all running) {{boxes}} {{bar}} <spare:containers>
!{_verbs} (everything|every {{box}}) {{bar}} <spare:containers> (in docker|in docker, please|on docker)
!{_verbs} (all|all the|all my) {{boxes}}, (only|just) <spare:container> {{stays}}
!{_verbs} (all|all the) {{boxes}}(, | - |: )(not|keep|leave|spare|but not|but keep|but leave|never|don't touch|do not touch) <spare:containers> [alone|running]
!{_verbs} (all|the) {{boxes}} (of|from|made from) <image:image>(,|) {{bar}} <spare:containers>
.{{bar}} <spare:containers>, {_verbs} (all|all the|every) {{boxes}}
.(leave|keep|spare) <spare:containers> [alone](,| and) {_verbs} all (other|the other) {{boxes}}
!{_verbs} (all|all the|every|all my running|all of the) {{boxes}}
!{_verbs} (all|) {{boxes}} (made from|of|from|that use|running) (the image|) <image:image>
!{_verbs} (all|the|every|) {{boxes}} (with|having) <part:word> in (the|their) name
!{_verbs} (all|all the|) {{boxes}} (that|) {{since_i}}<+mine>
!{_verbs} (all|everything|all {{boxes}}) {{since_i}} <since:since><+mine>
!{_verbs} (all|) (my|my own) {{boxes}}<+mine>
!{_verbs} (all|) {{boxes}} started (in the last|within the last) <within:lasttime>
!(list|find) (my|) {{boxes}} {{since_i}} and {_verbs} {{them}}<+mine>
!list the {{boxes}} (of|from) <image:image> (and|then) {_verbs} {{them}}
""" + ("!{drop} (all|all the|every|the) (stopped|exited|dead) {boxes}<+all>\n!{drop} (all|) {boxes}(, running or not|, also the stopped ones|, even the stopped)<+all>\n!{drop} (all|every) {boxes} with their volumes<+volumes>\n" if _call == "remove" else "!start (all|the) stopped {boxes}<+all>\n" if _call == "start" else ""), weight=0.5)  # fmt: skip
template("container.stop/grace", "container.stop", """
!{halt} (the|) {box} <containers:container> (but|and|) (give|giving|allow) it <grace:lease> [to finish|first]
!{halt} <containers:container> with (a grace period|a grace time) of <grace:lease>
:docker stop -t <grace:lease> <containers:container>
""".replace(":docker stop -t <grace:lease> <containers:container>\n", ""), weight=0.25)  # fmt: skip
template("container.remove/force", "container.remove", """
!(force remove|forcibly remove|force-remove|kill and remove|remove by force) (the|) {box} <containers:containers><+force>
!{drop} (the|) {box} <containers:container> (even if it is running|even when it's running|even though it runs|no matter what|by force)<+force>
!{drop} (the|) {box} <containers:container> (with|and|together with|including) its (volumes|volume|data volumes)<+volumes>
:docker rm -f <containers:container><+force>
:docker rm -v <containers:container><+volumes>
""", weight=0.6)  # fmt: skip
template("container.logs", "container.logs", """
!(show|print|show me|give me|get|fetch|dump) the (logs|log|output) (of|from|for) (the|my|) ({box}|) <container:container> [{box}]
!(show|print) (the|) <container:container> (container logs|container's logs|logs of docker|container output)
!(show|print|give me) the last <last:count> (lines of the|log lines of the|lines from the|log lines from) {box} <container:container>
!(tail|follow|watch|stream) the logs of (the|) {box} <container:container><+follow>
!(show|print) what (the|) {box} <container:container> (printed|said|logged|wrote) [in the last <newer_than:lasttime>]
!(show|print) the logs of {box} <container:container> (from|of|for) the last <newer_than:lasttime>
?what (does|did) (the|my|) {box} <container:container> (say|print|log|complain about|write)
?what('s| is) (the|my|) <container:container> {box} (logging|saying|printing|doing)
?why (did|does) (the|my) {box} <container:container> (crash|die|fail|not start)
:docker logs <container:container>
:docker logs -f <container:container><+follow>
:docker logs --tail <last:digits> <container:container>
:logs {box} <container:container>
:<container:container> {box} logs
""", weight=1.2)  # fmt: skip
template("container.exec", "container.exec", """
!(run|execute|exec|call) <command:incommand> (in|inside|within) (the|my|) ({box}|) <container:container> [{box}]
!(in|inside) (the|my|) {box} <container:container> (run|execute|call) <command:incommand>
!(go into|enter|get into|hop into) (the|my) {box} <container:container> and (run|execute) <command:incommand>
!(use|call) <command:incommand> (in|inside) (the|) <container:container> {box}
:docker exec <container:container> <command:incommand_open>
:docker exec -it <container:container> <command:incommand_open>
:exec <command:incommand> in <container:container> {box}
""", weight=0.9)  # fmt: skip
template("container.inspect", "container.inspect", """
!(inspect|examine|look into) (the|my|) {box} <container:container>
!(show|tell|give) me (the details|everything you know|all details|the configuration|the config|all there is to know) (of|about|on) (the|my|) {box} <container:container>
?(what|which) (ip|image|settings|config|mounts|ports) does (the|) {box} <container:container> (have|use)
?how is (the|) {box} <container:container> (configured|set up)
:docker inspect <container:container>
:inspect {box} <container:container>
""", weight=0.6)  # fmt: skip
template("container.stats", "container.stats", """
!(show|print|give me|list) (the|) (resource usage|cpu and memory use|stats|statistics|memory use|resource consumption|cpu use) of (the|all|all the|my) {boxes}
!(show|print|give me) (the|) (resource usage|cpu and memory use|stats|memory use|load) of (the|my|) {box} <containers:containers>
?how much (memory|ram|cpu|power) (do|are) (the|my) {boxes} (use|using|eat|take)
?how much (memory|ram|cpu) does (the|my|) {box} <containers:container> (use|take|need|eat)
?which {box} (uses|eats|takes) (the most|most) (memory|ram|cpu)
:docker stats
:docker stats <containers:container>
:{box} stats
""", weight=0.7)  # fmt: skip
template("container.images", "container.images", """
!(list|show|show me|give me|print) (the|my|all|all the|our|) (docker images|container images|images in docker|images of docker|docker image list|images that docker has)
!(list|show) (the|all|) (docker images|container images) (with|having) <name_contains:word> in (the|their) name
!(list|show|find) (the|all|) (dangling|untagged|orphaned|unused) (docker images|container images|images in docker)<+dangling>
?(which|what) (docker images|container images|images does docker) (do i have|are there|have|exist|are on this machine)
:docker images
:docker image ls
:docker images --filter dangling=true<+dangling>
:dangling (docker|container) images<+dangling>
""", weight=0.7)  # fmt: skip
template("container.pull", "container.pull", """
!(pull|fetch|download|get|grab|load) (the|a|) [docker|container|] image <image:image>
!(pull|fetch|download|get) (the|) <image:image> (image|docker image|container image) [from the registry|from docker hub|]
!pull <image:image> [from the registry|from docker hub|]
!(update|refresh) the (docker|container|) image <image:image>
.i need the image <image:image> (here|on this machine|locally)
:docker pull <image:image>
:pull <image:image>
:image <image:image> pull
""", weight=0.8)  # fmt: skip
template("container.build", "container.build", """
!(build|create|make) (a|an|the|) (docker image|container image|image) [from the dockerfile|from here|from this folder|from this directory|]
!(build|create|make) (a|an|the|) (docker image|container image|image) (from|out of|in|with) [the folder] <context:dir> [(called|named|tagged|as|tag it) <tag:image>]
!(build|create) (a|an|the) (docker image|container image|image) (called|named|tagged|with the tag) <tag:image> [from <context:dir>]
!(build|create) (the|an|) image <tag:image> (from|using|with) [the] (dockerfile|docker file) <dockerfile:filename>
!(build|dockerize|containerize) <context:dir> (as|into|and tag it|and call it) <tag:image>
!build (this|the project|the app) (into|as) (a docker image|an image|a container image) [called <tag:image>]
:docker build .
:docker build -t <tag:image> .
:docker build -t <tag:image> <context:dir>
:docker build -f <dockerfile:filename> .
:build image <tag:image>
""", weight=0.8)  # fmt: skip
template("container.copy", "container.copy_out", """
!(copy|get|fetch|pull|take|bring|grab) <source:inside> (out of|from) (the|my|) {box} <container:container> [to <to:dir>|into <to:dir>|]
!(copy|save) (the file|the folder|) <source:inside> (from|in) {box} <container:container> (to|as|into) <to:filename>
!from (the|) {box} <container:container> (get|copy|fetch) <source:inside>
:docker cp out of <container:container> <source:inside>
""", weight=0.6)  # fmt: skip
template("container.copy_in", "container.copy_in", """
!(copy|put|push|send|place|upload|drop) <source:filename> (into|to|inside|in) (the|my|) {box} <container:container> (at|as|to|under|in) <to:inside>
!(copy|put) <source:filename> (to|at|into) <to:inside> (in|inside|of) (the|my|) {box} <container:container>
:cp <source:filename> into {box} <container:container> at <to:inside>
""", weight=0.6)  # fmt: skip
template("chain/container.build-run", "container.build context=#context tag=#tag; container.run image=#tag ports=#ports name=#name", """
!build (the|an|) image <tag:image> (from <context:dir>|) and (run|start|launch) it [on port <ports:port>|as <name:container>|]
!(build|make) <tag:image> (from <context:dir>|from the dockerfile), then (run|start) (it|a container from it) [on port <ports:port>|on <ports:portpair>|]
""", weight=0.5)  # fmt: skip
template("chain/container.pull-run", "container.pull image=#image; container.run image=#image ports=#ports name=#name", """
!(pull|fetch|get) <image:image> and (run|start|launch) it [on port <ports:port>|as <name:container>|]
!(pull|fetch) the image <image:image>, then (start|run) (a container from it|it) [named <name:container>|]
""", weight=0.5)  # fmt: skip
template("chain/container.stop-remove", "container.stop containers=#c; container.remove containers=#c", """
!{halt} and {drop} (the|my|) {box} <c:containers>
!{halt} (the|my|) {box} <c:container> (and|, then|and then) {drop} it
!{halt} (the|) {boxes} <c:containers> and {drop} them
""", weight=0.5)  # fmt: skip
template("chain/container.restart-logs", "container.restart containers=#c; container.logs container=#c last=#last", """
!restart (the|) {box} <c:container> and (show|print) (its|the) (logs|log|output)
!(bounce|restart) <c:container> (container|) and show me the last <last:count> (log lines|lines of its log)
""", weight=0.4)  # fmt: skip
template("chain/container.logs-search", "container.logs container=#c newer_than=#within; text.search pattern=#pattern source=$1", """
!(search|grep|look through) the logs of (the|) {box} <c:container> for <pattern:needle>
!(find|show) (lines with|lines containing|) <pattern:needle> in the logs of (the|) {box} <c:container>
?(are|were) there (any|) <pattern:needle> (lines|messages|) in the logs of (the|) {box} <c:container> [in the last <within:lasttime>]
""", weight=0.6)  # fmt: skip
template("chain/container.logs-save", "container.logs container=#c last=#last newer_than=#within; file.write path=#f content=$1", """
!(save|write|dump|store) the logs of (the|) {box} <c:container> (to|in|into) <f:filename>
!(save|write) the last <last:count> log lines of {box} <c:container> (to|in|into) <f:filename>
""", weight=0.5)  # fmt: skip

template("infra.catalog", "infra.catalog", """
!(show|list|print|show me|give me) (the|all|all the|) (blueprints|catalog|catalogue|available blueprints|stack catalog|deployable blueprints|stacks i can deploy|service templates)
?(what|which) (blueprints|stacks|services) (can i deploy|are there to deploy|can you deploy|are in the catalog|could i bring up)
?what can (i|you) deploy
:infra catalog
:blueprints
""", weight=0.4)  # fmt: skip
for _call, _verb, _weight in (
    ("infra.apply", "{deploy}", 2.2),
    ("infra.plan", "(plan|preview|dry run|dry-run|show me what would change for|show what would happen with|simulate|show the plan for)", 0.9),
):  # fmt: skip
    template(_call, _call, f"""
!{_verb} (the|a|) {{stackw}} (in|from|of|described in|using|with) <spec:spec>
!{_verb} <spec:spec>
!{_verb} (the compose file|the compose stack|the docker compose file|compose file|everything in|the services in|the stack file) <spec:spec>
!{_verb} (the|a|an|) <blueprint:blueprint> (blueprint|stack|setup|environment)
!{_verb} (the|a|an|) <blueprint:blueprint> (blueprint|stack|environment) (as|called|named) <stack:stack>
!{_verb} (the|a|an|) <blueprint:blueprint> (stack|blueprint) with <settings:settings>
!{_verb} <spec:spec> (as|under the name|called) <stack:stack>
!{_verb} <spec:spec> (on|to|with) kubernetes<driver=kubernetes>
!{_verb} <spec:spec> (with|through|using|via) terraform<driver=terraform>
!{_verb} (the|) <blueprint:blueprint> (stack|blueprint|) (on|to) (kubernetes|k8s)<driver=kubernetes>
""" + ("""
!{deploy} <blueprint:blueprint> [for <lease:lease>]
!{deploy} (a|an) <blueprint:blueprint> [as <stack:stack>|for <lease:lease>|]
!{deploy} (the|a|an) <blueprint:blueprint> (blueprint|stack) for <lease:lease>
!{deploy} <spec:spec> for <lease:lease>
.i (need|want) (the|a|an) <blueprint:blueprint> (stack|environment|setup) [for <lease:lease>]
:docker compose -f <spec:spec> up
:docker-compose -f <spec:spec> up -d
:terraform apply <spec:spec><driver=terraform>
:kubectl apply -f <spec:spec><driver=kubernetes>
:deploy <blueprint:blueprint>
:up <spec:spec>
""" if _call == "infra.apply" else """
!(show|tell) me what (deploying|bringing up) <spec:spec> would (change|do|create)
?what would (deploying|deploy|bringing up|applying) <spec:spec> (change|do|create|cost|touch)
?what would (happen|change) if i (deployed|applied|brought up) (the|) <blueprint:blueprint> (stack|blueprint|)
?what would <spec:spec> (change|create|do) (on|with|in) (terraform|aws)<driver=terraform>
:terraform plan <spec:spec><driver=terraform>
:plan <spec:spec>
"""), weight=_weight)  # fmt: skip
template("infra.status", "infra.status", """
!(show|list|print|show me|check|give me) (the|my|) (status|state|health) of (the|my|all|) stacks
!(list|show) (the|my|all|all my|) (stacks|deployments|running stacks|deployed stacks)
!(show|check|print|tell me) (the|) (status|health|state) of (the|my|) (stack|deployment) <stack:stack>
!(show|check) (how|whether) (the|) (stack|deployment) <stack:stack> (is doing|is up|is healthy|runs)
!(list|show) stacks (deployed|started|brought up) (in the last|within the last) <newer_than:lasttime>
!(list|show) (the|) stacks (deployed|started|from) (since|) <started_after:since>
?(which|what) (stacks|deployments) (are up|are running|do i have|are there|exist|did i deploy)
?how is (the|my) (stack|deployment) <stack:stack> (doing|going|)
?is (the|my) (stack|deployment) <stack:stack> (up|healthy|running|ok|still up)
?are (the|my|all) stacks (healthy|ok|up)
:stack status
:stacks
:status stack <stack:stack>
:docker compose ls
""", weight=1.0)  # fmt: skip
template("infra.scale", "infra.scale", """
!scale (the|my|) (stack|deployment|) <stack:stack> to <replicas:replicas> [replicas|instances|copies]
!scale (the service|) <service:service> (of|in) (the|) (stack|) <stack:stack> (to|up to|down to) <replicas:replicas> [replicas|instances|copies|]
!(run|have|keep|bring up) <replicas:replicas> (replicas|instances|copies) of <service:service> (in|of) (the|) (stack|) <stack:stack>
!(run|have|keep) <replicas:replicas> (replicas|instances|copies) of (the stack|the deployment|) <stack:stack>
!(increase|decrease|set|change|raise) the (number of|) (replicas|instances) of <stack:stack> to <replicas:replicas>
.i (need|want) <replicas:replicas> (replicas|instances|copies) of <service:service> (in|of) <stack:stack>
:scale <stack:stack> <replicas:replicas>
:<stack:stack> x <replicas:replicas> replicas
:scale <stack:stack> <service:service> to <replicas:replicas>
""", weight=0.9)  # fmt: skip
template("infra.extend", "infra.extend", """
!(extend|prolong|renew) (the lease of|the lease on|) (the|my|) (stack|deployment) <stack:stack> (by|for|to) [another] <lease:lease>
!(keep|leave) (the|my|) (stack|deployment) <stack:stack> (up|running|alive|) for (another|) <lease:lease> [longer|more|]
!(give) (the|) stack <stack:stack> (another|) <lease:lease> [more|]
.i (need|want) (the|) stack <stack:stack> for (another|) <lease:lease>
:extend <stack:stack> <lease:lease>
""", weight=0.5)  # fmt: skip
template("infra.destroy", "infra.destroy", """
!{teardown} (the|my|) (stack|deployment|environment) <stack:stack>
!{teardown} (the|my|) <stack:stack> (stack|deployment|environment)
!{teardown} (the|) stack <stack:stack> (with|and|including|together with) (all|) its (data|volumes)<+volumes>
!{teardown} (the|my) <stack:stack> stack and (its|all its) (data|volumes)<+volumes>
.i (no longer|don't) need (the|) stack <stack:stack> (any more|anymore|), (tear it down|get rid of it)
:destroy stack <stack:stack>
:teardown <stack:stack> stack
:terraform destroy stack <stack:stack>
""", weight=0.9)  # fmt: skip
template("infra.destroy/listed", "infra.status newer_than=#within started_after=#since; infra.destroy stack=$1 volumes=#volumes", """
!{teardown} (all|all the|all my|every|all of my) (stacks|deployments)
!{teardown} (everything|all that|all the stacks|all stacks) i (deployed|brought up|started|set up) [<since:since>]
!{teardown} (everything|all stacks) i (deployed|started) in the last <within:lasttime>
!{teardown} (all|all the) stacks (with|and|including) their (data|volumes)<+volumes>
""", weight=0.5)  # fmt: skip

template("memory.remember", "memory.remember", """
!(remember|note|memorize|keep in mind|bear in mind|don't forget|make a note|note down|remember for next time|remember for later|please remember) that <text:fact>
!(remember|note|keep in mind|make a note)[:] <text:fact>
!(remember|memorize|note down|keep in mind|store in memory) <text:fact_quoted> [for later|for next time|]
!(add|save|put) <text:fact_quoted> (to|into|in) (your|the) memory
.(just so you know|for your memory|for the record|for future sessions|fyi), (remember|keep in mind) that <text:fact>
:remember: <text:fact>
:note to self: <text:fact>
:memo: <text:fact>
""", weight=1.2)  # fmt: skip
template("memory.recall", "memory.recall", """
!(recall|tell me|show me|bring up) what (i|we) (said|told you|noted|did|decided|wrote) about <about:about>
!(recall|show me|bring up|search) (your memory|what you remember|what you know|your notes|my notes) (about|on|for) <about:about>
!(show|list|give me) (the|) <limit:count> (newest|last|best) memories (about|on) <about:about>
!(show|tell) me what we did with <about:about> (in the last|within the last|over the last) <newer_than:lasttime>
?what did (i|we) (say|tell you|do|decide|note) (about|with|on) <about:about>
?what did (i|we) (say|do|tell you) (about|with) <about:about> (in the last|over the past) <newer_than:lasttime>
?what do you (remember|know|recall) about <about:about>
?do you (remember|recall|still know) (anything|what i said|something) about <about:about>
?have i (told you|said|mentioned) anything about <about:about>
:memory search <about:about>
:recall <about:about>
:notes about <about:about>
""", weight=1.2)  # fmt: skip
template("memory.forget", "memory.forget", """
!(forget|erase|delete|wipe|drop) (what|everything|all) (i said|i told you|you know|you remember|we said|you have stored) about <about:about>
!(forget|erase) (your memories|the notes|all memories|my notes) (about|on|of) <about:about>
!(remove|delete|erase) <about:about> from (your|the) memory
!(forget|delete|remove) (memory|entry|the memory|the memory entry|note) <entry:entry>
:forget <about:about>
:forget entry <entry:entry>
:memory rm <entry:entry>
""", weight=0.9)  # fmt: skip

template("net.fetch", "net.fetch", """
!(download|fetch|get|grab|retrieve|load|pull|bring me) <url:url>
!(download|fetch|get|grab|retrieve|save|pull) <url:url> (to|as|into|and save it as|and save it to|and store it in|and call it|, save as) <to:filename>
!(save|store|keep) (the page|the file|the contents of|what is at|) <url:url> (as|to|in) <to:filename>
!(download|fetch|get|grab) (the|) (page|file|website|web page|url|contents of|data from|archive from|csv at|json from) <url:url> [to <to:filename>|as <to:filename>|]
!(download|fetch) <url:url> but (give up|stop) after <seconds:timeout>
!(download|fetch) <url:url> (if it is|unless it is|but only if it's) (smaller than|no larger than|below|larger than) <largest:size>
!(show|print|read) (me|) (the page|what is at|what's on|the contents of) <url:url>
!(check|see) what <url:url> (returns|says|answers)
?what('s| is) (on|at) <url:url>
?what does <url:url> (say|return|answer)
.i (need|want) <url:url> (here|on my disk|in <to:filename>|saved as <to:filename>)
:curl <url:url>
:wget <url:url>
:curl -O <url:url>
:curl -o <to:filename> <url:url>
:wget -O <to:filename> <url:url>
:fetch <url:url>
:download <url:url>
:GET <url:url>
""", weight=2.0)  # fmt: skip
template("chain/net.fetch-extract", "net.fetch url=#url to=#f; file.extract paths=#f to=#to", """
!(download|fetch|get) <url:url> (as|to) <f:archive> and (unpack|extract|unzip) it [(to|into) <to:dir>]
!(download|fetch) <url:url> to <f:archive>, then (unpack|extract) it (to|into|in) <to:dir>
""", weight=0.5)  # fmt: skip
template("chain/net.fetch-count", "net.fetch url=#url; text.count source=$1 what=#what pattern=#pattern", """
!(fetch|download|get) <url:url> and count (its|the) {unit}
!(fetch|get) <url:url> and (tell me|count) how often <pattern:needle> (occurs|appears|is in it)<what=matches>
""", weight=0.3)  # fmt: skip
template("chain/net.fetch-search", "net.fetch url=#url; text.search pattern=#pattern source=$1", """
!(fetch|download|get) <url:url> and (search|grep) it for <pattern:needle>
!(look|search) for <pattern:needle> (on|at|in) (the page|) <url:url>
?does <url:url> (mention|contain|say) <pattern:needle>
""", weight=0.3)  # fmt: skip
