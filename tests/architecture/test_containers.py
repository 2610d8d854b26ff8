"""What Docker would say, without Docker: Debian's docker-compose reads the compose file, hadolint the Dockerfiles."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.architecture.source import ROOT
from tests.debian import FOLDER, program

COMPOSE = ROOT / "docker-compose.yml"
# What version 1 of docker-compose, which Debian 12 has, is written in and with.
NEEDS = (
    "python3-attr", "python3-certifi", "python3-chardet", "python3-charset-normalizer", "python3-docker",
    "python3-dockerpty", "python3-docopt", "python3-dotenv", "python3-idna", "python3-jsonschema",
    "python3-pyrsistent", "python3-requests", "python3-six", "python3-texttable", "python3-urllib3",
    "python3-websocket", "python3-yaml",
)  # fmt: skip
# What has come to the format since version 1, by what said the same before.
SINCE_VERSION_1 = {
    "name: tovector\n": "",
    "env_file: [{ path: .env, required: false }]": "env_file: [.env]",
}


def docker_compose(folder: Path, *arguments: str) -> str:
    """Debian's docker-compose, asked in a folder."""
    command = program("docker-compose", "docker-compose", *NEEDS)
    if command.startswith(str(FOLDER)) and not Path("/usr/bin/python3").exists():
        pytest.skip("docker-compose wants Debian's own Python")
    packages = FOLDER / "docker-compose" / "usr" / "lib" / "python3" / "dist-packages"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(packages)}
    run = subprocess.run(
        (command, *arguments), cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_docker_compose_understands_the_compose_file(tmp_path: Path) -> None:
    text = COMPOSE.read_text("utf-8")
    if re.search(r"version v?1\.", docker_compose(tmp_path, "version")):
        for new, old in SINCE_VERSION_1.items():
            assert new in text
            text = text.replace(new, old)
    (tmp_path / "docker-compose.yml").write_text(text)
    shutil.copy(ROOT / ".env.example", tmp_path / ".env")
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    understood = yaml.safe_load(docker_compose(tmp_path, "config"))
    meant = yaml.safe_load(text)
    assert meant["services"].keys() == understood["services"].keys()
    assert meant["secrets"].keys() == understood["secrets"].keys()
    assert meant["volumes"].keys() == understood["volumes"].keys()
    assert "vectorize" == understood["services"]["worker-vectorize"]["environment"]["QUEUE"]


@pytest.mark.parametrize("name", ["deploy/Dockerfile", "deploy/pgbouncer/Dockerfile"])
def test_hadolint_finds_nothing_to_say_of_a_dockerfile(name: str) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is packaged for Linux on x86-64 alone")
    run = subprocess.run((hadolint, "--no-color", name), cwd=ROOT, capture_output=True, text=True, check=False)
    assert (0, "") == (run.returncode, run.stdout)
