"""The command line that the scripts about speed share."""

import argparse
from pathlib import Path


def positive(text: str) -> int:
    """A type of argument: a whole number, 1 or more."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: should be 1 or more")
    return number


def configuration_parser(
    program: str, *, set_help: str = "as for nmt train"
) -> argparse.ArgumentParser:
    """A parser of a configuration and of the keys that are set beside it."""
    parser = argparse.ArgumentParser(prog=program)
    parser.add_argument("config", type=Path, metavar="CONFIG.yaml")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help=set_help,
    )
    return parser
