"""Blob Storage as Azurite has it: the same requests of azure-storage-blob, the same answers.

blob_differences.py has what is different, because Azure is.
"""

import functools
import itertools

import pytest

import azurite
import blob_access_cases  # adds its cases
import blob_cases
from blob_differences import DIFFERENCES
from blob_seen import Session, flat

pytestmark = pytest.mark.xdist_group("blobs")

assert blob_access_cases
number = itertools.count()


@pytest.fixture(scope="module")
def servers(accounts, tmp_path_factory):
    with azurite.started(accounts.emulator, tmp_path_factory.mktemp("azurite")) as storage:
        yield {"Azurite": accounts.azurite(storage)} | {
            way: accounts.server(way) for way in ("ports", "names")
        }


@pytest.fixture(scope="module")
def compared(servers):
    """Compares a case: the differences that no row explains, and the rows that explain one."""
    return functools.cache(lambda name, way: differences(name, servers["Azurite"], servers[way]))


def seen(name, server):
    on = Session(server, f"case-{next(number)}")
    try:
        blob_cases.CASES[name](on)
        return on.calls
    finally:
        on.close()


def differences(name, azurite, emulator):
    unexplained, used = [], set()
    for number, (theirs, ours) in enumerate(zip(seen(name, azurite), seen(name, emulator), strict=True)):
        for difference in compared_calls(theirs, ours):
            row = next((row for row in DIFFERENCES if row.explains(name, *difference)), None)
            if row is None:
                request, path, their, our = difference
                unexplained.append(
                    f"{number}. {request}\n  {path}\n    Azurite:  {their!r}\n    emulator: {our!r}"
                )
            else:
                used.add(row)
    return unexplained, used


def compared_calls(theirs, ours):
    """Each difference of two calls: the request, the path of the value, both values. If the last answers have another
    status or another error, that is the only one."""
    ends = [(call.answers[-1] if call.answers else ("no request", {})) for call in (theirs, ours)]
    request = ends[0][0]
    outcomes = [
        f"{end[1].get('status')} {end[1].get('headers', {}).get('x-ms-error-code', '')}".strip()
        for end in ends
    ]
    if outcomes[0] != outcomes[1]:
        yield request, "outcome", *outcomes
        return
    if theirs.result != ours.result:
        yield request, "result", theirs.result, ours.result
    for one, other in itertools.zip_longest(theirs.answers, ours.answers, fillvalue=("no request", {})):
        if one[0] != other[0]:
            yield one[0], "request", one[0], other[0]
        one_flat, other_flat = flat(one[1]), flat(other[1])
        for path in dict.fromkeys([*one_flat, *other_flat]):
            if one_flat.get(path) != other_flat.get(path):
                yield one[0], path, one_flat.get(path), other_flat.get(path)


# By names, a request takes another way through the emulator, and its path has no account.
@pytest.mark.parametrize("way", ["ports", pytest.param("names", marks=pytest.mark.heavy)])
@pytest.mark.parametrize("name", blob_cases.CASES)
def test_the_emulator_answers_as_azurite(compared, name, way):
    unexplained, _ = compared(name, way)
    assert not unexplained, f"{name}:\n" + "\n".join(unexplained)


def test_every_known_difference_is_there(compared):
    used = set().union(*(compared(name, "ports")[1] for name in blob_cases.CASES))
    gone = [row.what for row in DIFFERENCES if row not in used]
    assert not gone, gone
