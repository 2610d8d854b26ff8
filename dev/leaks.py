"""`python -m dev.leaks`: keys and passwords that must not be committed, found by detect-secrets. `make checks` runs it.

What it has found and somebody has looked at stands in dev/known_leaks.txt: stand-ins' passwords and examples. `--known`
writes that file anew; look at the difference before you commit it.
"""

import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import click
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

from dev.home import CHECKOUT

KNOWN = CHECKOUT / "dev" / "known_leaks.txt"
# Keys of whom this house or its makers deal with, and whatever looks as random as a key.
PLUGINS = (
    "AWSKeyDetector", "BasicAuthDetector", "GitHubTokenDetector", "GitLabTokenDetector", "JwtTokenDetector",
    "KeywordDetector", "NpmDetector", "PrivateKeyDetector", "PypiTokenDetector", "SlackDetector", "StripeDetector",
)  # fmt: skip
ENTROPY = ({"name": "Base64HighEntropyString", "limit": 4.5}, {"name": "HexHighEntropyString", "limit": 3.0})
FILTERS = ("is_sequential_string", "is_templated_secret", "is_indirect_reference", "is_likely_id_string",
           "is_not_alphanumeric_string", "is_potential_uuid", "is_prefixed_with_dollar_sign")  # fmt: skip
# Checksums and pictures by the thousand.
PASSED_OVER = ("requirements.lock", "samples/", "docs/pictures/", "dev/known_leaks.txt")


def committed() -> list[str]:
    """What is in the repository, or would be after `git add`; nothing where this is no checkout."""
    listed = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
    try:
        names = subprocess.run(listed, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        click.echo("this is no git checkout: nothing is looked at")
        return []
    return sorted(name for name in set(names) if not name.startswith(PASSED_OVER) and (CHECKOUT / name).is_file())


def found_in(names: list[str]) -> list[tuple[str, int]]:
    """What looks like a secret in these files: `file kind hash` and its line. The hash tells nothing of the secret."""
    plugins = [*({"name": name} for name in PLUGINS), *ENTROPY]
    filters = [{"path": f"detect_secrets.filters.heuristic.{name}"} for name in FILTERS]
    found = SecretsCollection(root=str(CHECKOUT))
    with transient_settings({"plugins_used": plugins, "filters_used": filters}):
        for name in names:
            found.scan_file(name)
    return [(f"{name} {one.type} {one.secret_hash}", one.line_number) for name, one in found]


@click.command()
@click.option("--known", is_flag=True, help="Take whatever is found for known.")
def main(known: bool) -> None:
    """Exits 1 and says where, when something looks like a secret and is not known."""
    names = committed()
    with ProcessPoolExecutor(2) as pool:
        found = [one for part in pool.map(found_in, (names[::2], names[1::2])) for one in part]
    if known:
        KNOWN.write_text("".join(f"{line}\n" for line in sorted({line for line, _ in found})), "utf-8")
    accepted = set(KNOWN.read_text("utf-8").splitlines())
    new = sorted((line, number) for line, number in found if line not in accepted)
    for line, number in new:
        name, _, kind = line.rpartition(" ")[0].partition(" ")
        click.echo(f"{name}:{number}: {kind}")
    if new:
        click.echo("If none of these is a secret: python -m dev.leaks --known")
    sys.exit(bool(new))


if __name__ == "__main__":
    main()
