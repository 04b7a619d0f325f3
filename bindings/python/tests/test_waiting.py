"""Threads, Ctrl-C, forks, event loops, and the end of the interpreter, while a request waits for the network."""

import os
import signal
import subprocess

import pytest

from conftest import token_requests

posix = pytest.mark.skipif(os.name != "posix", reason="signals and forks")


def ended(process):
    """The exit code and the errors of a process that should end now."""
    try:
        _, errors = process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return process.returncode, errors


HANGS = """
import azcred, threading
started = threading.Event()
credential = azcred.Credential()
def hangs():
    try:
        credential.get_token(ARM)
    except Exception:
        pass
"""


def test_the_gil_is_released_while_a_thread_waits(place, fault):
    fault(kind="hang")
    # The program says so while the other thread waits, and ends although it still does.
    with place("sp").start(
        HANGS
        + """
thread = threading.Thread(target=hangs, daemon=True)
thread.start()
sys.setswitchinterval(1000)
thread.join(timeout=0.5)
say(alive=thread.is_alive(), sum=sum(range(1000)))
"""
    ) as process:
        assert '"alive": true' in process.stdout.readline()
        code, errors = ended(process)
    assert (code, errors) == (0, "")


@posix
def test_ctrl_c_ends_a_wait(place, fault):
    fault(kind="hang")
    # The line is written while the main thread waits in `get_token`: only then can another thread run.
    with place("sp").start("""
import azcred, threading
credential = azcred.Credential()
sys.setswitchinterval(1000)
try:
    threading.Thread(target=say, kwargs={"waits": True}).start()
    credential.get_token(ARM)
except KeyboardInterrupt:
    say(interrupted=True)
""") as process:
        assert "waits" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert "interrupted" in process.stdout.readline()
        assert ended(process) == (0, "")


def test_many_threads_share_one_request(place, emulator, fault):
    got = place("sp").run("""
import azcred
from concurrent.futures import ThreadPoolExecutor
credential = azcred.Credential()
with ThreadPoolExecutor(32) as threads:
    tokens = list(threads.map(lambda _: credential.get_token(ARM).token, range(200)))
say(tokens=len(set(tokens)))
""")
    assert got == {"tokens": 1}
    assert token_requests(emulator) == 1


def test_several_event_loops_share_a_credential(place, emulator, fault):
    got = place("sp").run("""
import asyncio, threading
import azcred.aio
credential = azcred.aio.Credential()
tokens = []
async def many():
    infos = await asyncio.gather(*(credential.get_token_info(ARM) for _ in range(50)))
    tokens.extend(info.token for info in infos)
loops = [threading.Thread(target=asyncio.run, args=(many(),)) for _ in range(4)]
for loop in loops:
    loop.start()
for loop in loops:
    loop.join()
asyncio.run(many())
asyncio.run(credential.close())
say(tokens=len(tokens), different=len(set(tokens)))
""")
    assert got == {"tokens": 250, "different": 1}
    assert token_requests(emulator) == 1


def test_a_canceled_task_ends_and_the_loop_goes_on(place, fault):
    fault(kind="hang")
    got = place("sp").run("""
import asyncio
import azcred.aio
async def main():
    async with azcred.aio.Credential() as credential:
        task = asyncio.create_task(credential.get_token(ARM))
        await asyncio.sleep(0.2)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass
        try:
            await asyncio.wait_for(credential.get_token(ARM), 0.2)
        except asyncio.TimeoutError:
            say(canceled=task.cancelled())
asyncio.run(main())
""")
    assert got == {"canceled": True}


def test_an_async_error_is_the_same(place):
    got = place("no-account").run("""
import asyncio
import azcred.aio
from azure.core.credentials import AccessToken
from azure.identity.aio import ChainedTokenCredential
class Next:
    async def get_token(self, *scopes, **kwargs):
        return AccessToken("next", 1)
    async def close(self):
        pass
async def main():
    async with ChainedTokenCredential(azcred.aio.Credential(), Next()) as chain:
        say(token=(await chain.get_token(ARM)).token)
asyncio.run(main())
""")
    assert got == {"token": "next"}


@posix
def test_a_thousand_forks_while_other_threads_get_tokens(place):
    got = place("sp").run("""
import os, signal, threading
import azcred
shared = azcred.Credential()
first = shared.get_token(ARM).token
stop = threading.Event()
rounds = [0, 0, 0]
def works(number, **options):
    while not stop.is_set():
        assert azcred.Credential(**options).get_token(ARM).token
        rounds[number] += 1
threads = [threading.Thread(target=works, args=(0,)), threading.Thread(target=works, args=(1,)),
           threading.Thread(target=works, args=(2,), kwargs={"cache": False})]
for thread in threads:
    thread.start()
def child():
    # A child that hangs ends by this signal.
    signal.alarm(60)
    try:
        # The second needs a thread for its request, which the child has to make.
        good = shared.get_token(ARM).token == azcred.Credential().get_token(ARM).token == first
        os._exit(0 if good else 1)
    except BaseException:
        os._exit(2)
codes = {}
for _ in range(50):
    children = []
    for _ in range(20):
        pid = os.fork()
        if pid == 0:
            child()
        children.append(pid)
    for pid in children:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        codes[code] = codes.get(code, 0) + 1
stop.set()
for thread in threads:
    thread.join()
say(codes=codes, worked=all(rounds))
""")
    assert got == {"codes": {"0": 1000}, "worked": True}


@posix
def test_a_child_gets_a_token_while_its_parents_request_hangs(place, fault):
    fault(kind="hang")
    got = place("sp").run(
        HANGS
        + """
import os
thread = threading.Thread(target=hangs, daemon=True)
thread.start()
thread.join(timeout=0.5)
reader, writer = os.pipe()
if os.fork() == 0:
    try:
        # A wrong answer, at once, instead of a lock that the parent's request holds.
        azcred.Credential(only="azure-cli", unattended=True).get_token(ARM)
    except azcred.CredentialUnavailableError as error:
        os.write(writer, error.kind.encode())
    finally:
        os._exit(0)
os.close(writer)
say(child=os.read(reader, 100).decode(), waits=thread.is_alive())
"""
    )
    assert got == {"child": "unavailable", "waits": True}


def test_the_interpreter_ends_while_a_thread_and_a_task_wait(place, fault):
    fault(kind="hang")
    sp = place("sp")
    for _ in range(5):
        with sp.start(
            HANGS
            + """
import asyncio, azcred.aio
for _ in range(4):
    threading.Thread(target=hangs, daemon=True).start()
async def waits():
    try:
        await azcred.aio.Credential().get_token(ARM)
    except Exception:
        pass
threading.Thread(target=asyncio.run, args=(waits(),), daemon=True).start()
threading.Event().wait(0.2)
"""
        ) as process:
            code, errors = ended(process)
        assert code == 0, errors
