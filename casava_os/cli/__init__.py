"""The command line: thin commands over the kernel. stdout is data, stderr has one owner, exit codes are an API."""

import sys


def main() -> int:
    """The `casava-os` command; gives its exit code."""
    from casava_os.cli.entry import command

    return command(sys.argv[1:])
