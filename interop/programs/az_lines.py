"""Runs command lines of Azure CLI in one process, with Azure CLI's Python: to start it takes longer than a command.

Reads a JSON list of lines, each a list of arguments. Prints a JSON list of exit codes, outputs and errors.
"""

import io
import json
import sys
from contextlib import redirect_stderr

from azure.cli.core import get_default_cli

# Azure CLI's log keeps the stream of its first line.
ERRORS = io.StringIO()


def result_of(arguments):
    out, start = io.StringIO(), ERRORS.tell()
    try:
        # An instance keeps the settings of its first line.
        code = get_default_cli().invoke(arguments, out_file=out)
    except SystemExit as ended:
        code = ended.code
    return code, out.getvalue(), ERRORS.getvalue()[start:]


with redirect_stderr(ERRORS):
    results = [result_of(line) for line in json.load(sys.stdin)]
json.dump(results, sys.stdout)
