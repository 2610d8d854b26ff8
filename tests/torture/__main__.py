"""`python -m tests.torture`: break the real stack in every way we know, and count what is lost."""

import argparse
import sys
from pathlib import Path

from tests.torture.faults import REGISTERED, Fault
from tests.torture.groups import register_all
from tests.torture.runs import Run, run_all, show_list, show_table, state_folder


def main() -> int:
    """Run what was asked for; 0 when nothing was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--short", action="store_true", help="the most telling faults, in under three minutes")
    parser.add_argument("--seed", type=int, default=1, help="what decides pictures, options and moments")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="the faults whose names contain one of these words")
    parser.add_argument("--list", action="store_true", help="say what there is and what is expected")
    parser.add_argument("--rounds", type=int, help="do each fault this often instead of as often as it says")
    parser.add_argument("--keep", action="store_true", help="keep the state folders, to read the logs")
    options = parser.parse_args()
    register_all()
    chosen = [one for one in REGISTERED if _is_wanted(one, options.only, short=options.short)]
    if options.list:
        show_list(chosen)
        return 0
    with state_folder(keep=options.keep) as folder:
        run = Run(Path(folder), options.seed, short=options.short, rounds=options.rounds)
        rows = run_all(run, chosen)
        if options.keep:
            sys.stdout.write(f"state and logs: {folder}\n")
    return show_table(rows, options.seed)


def _is_wanted(one: Fault, words: list[str] | None, *, short: bool) -> bool:
    if words:
        return any(word.lower() in one.name.lower() for word in words)
    return one.short_rounds > 0 if short else True


if __name__ == "__main__":
    sys.exit(main())
