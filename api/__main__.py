"""Operator commands: `python -m api --help`."""

from api.cli import operate

if __name__ == "__main__":
    operate()
