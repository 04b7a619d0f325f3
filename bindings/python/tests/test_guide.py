"""The programs of `docs/python.md`, as its readers run them."""

import re
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[3] / "docs" / "python.md"
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
# The guide's `await` is in a function of the reader's, or in a notebook.
RUN = """
import ast, asyncio, inspect, os
program = {program!r}
for name, variable in (("SUBSCRIPTION", "SUBSCRIPTION"), ("RESOURCE_GROUP", "RESOURCEGROUP"),
                       ("WORKSPACE", "WORKSPACE_NAME")):
    program = program.replace(f'"{{name}}"', repr(os.environ.get("AZUREML_ARM_" + variable, "")))
values = {{}}
waits = eval(compile(program, "python.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), values)
if inspect.iscoroutine(waits):
    asyncio.run(waits)
token = values.get("token")
say(token=getattr(token, "token", token), workspace=hasattr(values.get("client"), "workspaces"))
"""


def test_the_guide_has_programs():
    assert len(PROGRAMS) > 4


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_of_the_guide_runs(program, place):
    # Most need no package of Azure's.
    azure = "" if "azure" in program else "sys.modules['azure'] = None\n"
    got = place("sp").run(azure + RUN.format(program=program))
    assert ("token = " not in program) or got["token"].startswith("eyJ")
    assert ("client = " not in program) or got["workspace"]


def test_the_guides_program_for_errors_prints_the_fix(place):
    (program,) = (program for program in PROGRAMS if "error.fix" in program)
    got = place("no-account").run(
        "import contextlib, io\n"
        "with contextlib.redirect_stdout(io.StringIO()) as printed:\n"
        f"    exec({program!r})\n"
        "say(printed=printed.getvalue().splitlines())"
    )
    why, fix, code, correlation_id = got["printed"]
    assert "no source has a token" in why and "`azcred login`" in fix
    assert (code, correlation_id) == ("None", "None")
