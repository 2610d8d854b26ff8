"""Prometheus and Alertmanager of Debian's packages, with deploy's own files, watching a stack of this machine.

What differs from an installation is said here and nowhere else: addresses, the folder of secrets, and time. A minute
of patience is four seconds, as a scrape is one and not fifteen; a queue is old after two seconds and not two minutes.
"""

import json
import re
import threading
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import yaml
from typing_extensions import override

from dev.children import Children, Program, wait_until
from dev.home import CHECKOUT
from dev.ports import free_ports
from dev.probes import http_answers
from tests.debian import at_home, program

DEPLOY = CHECKOUT / "deploy"
SECRETS = "/run/secrets"
LOOK = "1s"
MINUTE_SECONDS = 4


def hastened(text: str) -> str:
    """Rules and routes with some seconds for each minute that somebody is patient; what is computed stays as it is."""
    text = re.sub(r"(?m)^( +)for: (\d+)m$", lambda at: f"{at[1]}for: {int(at[2]) * MINUTE_SECONDS}s", text)
    text = text.replace('{kind!="analysis"}) > 120', '{kind!="analysis"}) > 2')
    return re.sub(r"(group_wait|group_interval): (?!0s).+", r"\1: 1s", text)


def rules() -> str:
    """The rules of deploy in a hurry; refuses where nothing became faster, because then the files have changed."""
    slow = (DEPLOY / "prometheus" / "rules.yml").read_text("utf-8")
    fast = hastened(slow)
    assert slow.count("    for: ") == sum(1 for line in fast.splitlines() if re.fullmatch(r" +for: \d+s", line))
    assert '_queue_oldest_seconds{kind!="analysis"}) > 2\n' in fast
    return fast


def prometheus_config(targets: Mapping[str, str], alertmanager: str | None, secrets: Path) -> dict[str, Any]:
    """The scrape jobs of deploy, each with its target here; without an alertmanager nobody is told."""
    text = (DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8").replace(SECRETS, str(secrets))
    config = yaml.safe_load(text)
    config["global"] = {"scrape_interval": LOOK, "scrape_timeout": LOOK, "evaluation_interval": LOOK}
    told = [{"static_configs": [{"targets": [alertmanager]}]}] if alertmanager else []
    config["alerting"] = {"alertmanagers": told}
    for job in config["scrape_configs"]:
        del job["dns_sd_configs"]
        job["static_configs"] = [{"targets": [targets[job["job_name"]]]}] if job["job_name"] in targets else []
    return config


@contextmanager
def running_prometheus(
    folder: Path, targets: Mapping[str, str], alertmanager: str | None = None, token: str = ""
) -> Generator["Prometheus"]:
    """Prometheus with deploy's jobs and rules; `targets` are addresses by the name of the job."""
    binary = program("prometheus", "prometheus")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics_token").write_text(token)
    (folder / "rules.yml").write_text(rules())
    (folder / "prometheus.yml").write_text(yaml.safe_dump(prometheus_config(targets, alertmanager, folder)))
    (port,) = free_ports(1)
    command = (
        binary, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
    )  # fmt: skip
    with started(folder, "prometheus", command, port):
        yield Prometheus(f"http://127.0.0.1:{port}")


@contextmanager
def started(folder: Path, name: str, command: tuple[str, ...], port: int) -> Generator[None]:
    """A server that says it is ready, for as long as the block runs."""
    with Children(folder) as children:
        child = children.start(Program(name, command, {}))
        wait_until(http_answers(port, "/-/ready"), child)
        yield


@dataclass(frozen=True, slots=True)
class Prometheus:
    """What it can be asked."""

    url: str

    def ask(self, query: str) -> list[dict[str, Any]]:
        """What a query finds."""
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": query}).json()
        assert "success" == answer["status"], f"{query}: {answer}"
        return answer["data"]["result"]


@dataclass(frozen=True, slots=True)
class Called:
    """One call that reached its receiver: `trigger` or `resolve`, what is said, and which section tells what to do."""

    receiver: str
    action: str
    alert: str
    summary: str
    runbook: str = ""


@dataclass(slots=True)
class Receivers:
    """Pager and mailbox on loopback: they keep whatever Alertmanager sends them."""

    port: int = 0
    calls: list[Called] = field(default_factory=list[Called])

    def heard(self, receiver: str, action: str, alert: str) -> Called | None:
        """The first such call, if it came."""
        wanted = (receiver, action, alert)
        return next((call for call in self.calls if (call.receiver, call.action, call.alert) == wanted), None)

    def take(self, receiver: str, body: dict[str, Any]) -> None:
        """Keep what was sent in the words of PagerDuty's Events API v2, or of a webhook of Alertmanager's."""
        if receiver == "pager":
            alert, _, summary = body.get("payload", {}).get("summary", "").partition(": ")
            runbook = body.get("payload", {}).get("custom_details", {}).get("runbook", "")
            self.calls.append(Called(receiver, body["event_action"], alert, summary, runbook))
            return
        for one in body["alerts"]:
            action = "trigger" if one["status"] == "firing" else "resolve"
            words = one["annotations"]
            self.calls.append(Called(receiver, action, one["labels"]["alertname"], words["summary"], words["runbook"]))


@contextmanager
def listening() -> Generator[Receivers]:
    """Both receivers behind one port: POST /pager and POST /mail."""
    receivers = Receivers()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            receivers.take(self.path.strip("/"), body)
            self.send_response(202)
            self.end_headers()

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Be silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        receivers.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, name="receivers")
        thread.start()
        try:
            yield receivers
        finally:
            server.shutdown()
            thread.join()


def alertmanager_config(receivers: Receivers, secrets: Path) -> dict[str, Any]:
    """The routes and receivers of deploy: the pager's address is ours, and what would be mailed is posted."""
    text = (DEPLOY / "alertmanager" / "alertmanager.yml").read_text("utf-8").replace(SECRETS, str(secrets))
    config = yaml.safe_load(hastened(text))
    config["global"]["pagerduty_url"] = f"http://127.0.0.1:{receivers.port}/pager"
    for receiver in config["receivers"]:
        for mail in receiver.pop("email_configs", []):
            hook = {"url": f"http://127.0.0.1:{receivers.port}/mail", "send_resolved": mail["send_resolved"]}
            receiver.setdefault("webhook_configs", []).append(hook)
    return config


@contextmanager
def running_alertmanager(folder: Path, receivers: Receivers) -> Generator[str]:
    """Alertmanager with deploy's routes, receivers and silences by consequence; yields host:port."""
    name = "prometheus-alertmanager"  # Debian's word for both
    program_at_home = at_home(name, name)
    folder.mkdir(parents=True, exist_ok=True)
    for secret in ("pager_key", "smtp_password"):
        (folder / secret).write_text("k" * 32)
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(alertmanager_config(receivers, folder)))
    (port,) = free_ports(1)
    command = (
        *program_at_home, f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", "--log.level=warn",
    )  # fmt: skip
    with started(folder, "alertmanager", command, port):
        yield f"127.0.0.1:{port}"


@contextmanager
def watching(folder: Path, targets: Mapping[str, str], token: str) -> Generator[tuple[Prometheus, Receivers]]:
    """Everything that stands between a figure of the stack and somebody's telephone."""
    with ExitStack() as open_:
        receivers = open_.enter_context(listening())
        alertmanager = open_.enter_context(running_alertmanager(folder / "alertmanager", receivers))
        yield open_.enter_context(running_prometheus(folder / "prometheus", targets, alertmanager, token)), receivers
