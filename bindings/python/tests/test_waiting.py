"""Threads, Ctrl-C, forks, event loops, and the end of the interpreter, while a request waits for the network."""

import os
import signal
import subprocess

import pytest

from conftest import token_requests
from provider import Provider

posix = pytest.mark.skipif(os.name != "posix", reason="signals and forks")
linux = pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="what a thread does")


# Less than the 30 s after which a request ends by itself.
SOON = 20


def ended(process):
    """The exit code, the output and the errors of a process that should end now."""
    try:
        output, errors = process.communicate(timeout=SOON)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return process.returncode, output, errors


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
        assert ended(process) == (0, "", "")


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
        assert ended(process) == (0, '{"interrupted": true}\n', "")


@posix
def test_ctrl_c_ends_a_wait_for_a_person(place):
    screen, terminal = os.openpty()
    with (
        os.fdopen(screen, "rb", buffering=0) as screen,
        place("no-account").start(
            """
import azcred
try:
    azcred.Credential(only="device-code").get_token(ARM)
except KeyboardInterrupt:
    say(interrupted=True)
""",
            errors=terminal,
        ) as process,
    ):
        os.close(terminal)
        shown = b""
        while b"enter the code" not in shown:
            shown += screen.read(1024)
        process.send_signal(signal.SIGINT)
        assert ended(process) == (0, '{"interrupted": true}\n', None)


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


@linux
def test_a_canceled_task_ends_its_request(place, fault):
    fault(kind="hang", path="/contoso.com/")
    got = place("sp").run("""
import asyncio, os
import azcred.aio
def sockets():
    found = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
        except OSError:
            pass
    return found
async def until(condition):
    while not condition():
        await asyncio.sleep(0.01)
async def main():
    async with azcred.aio.Credential(cache=False, additionally_allowed_tenants="*") as credential:
        await credential.get_token(ARM)
        before = sockets()
        task = asyncio.create_task(credential.get_token(ARM, tenant_id="contoso.com"))
        await asyncio.sleep(0.3)
        during = sockets()
        task.cancel()
        # Less than the 10 s after which an attempt ends by itself.
        await asyncio.wait_for(until(lambda: sockets() < during), 5)
        say(canceled=True, connected=during >= before > 0)
asyncio.run(main())
""")
    assert got == {"canceled": True, "connected": True}


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


@linux
def test_the_thread_of_requests_does_not_run_while_the_process_forks(place):
    got = place("sp").run("""
import os, threading, time
from pathlib import Path
def used():
    # Nanoseconds of the processor: 'Documentation/scheduler/sched-stats.rst' of Linux.
    for task in Path("/proc/self/task").iterdir():
        if (task / "comm").read_text().strip() == "azcred":
            return int((task / "schedstat").read_text().split()[0])
ran = []
def during():
    before, until = used(), time.perf_counter() + 0.02
    while time.perf_counter() < until:
        pass
    ran.append(used() - before)
# It runs after azcred's: those that are registered first are called last.
os.register_at_fork(before=during)
import azcred
stop = threading.Event()
def works():
    while not stop.is_set():
        azcred.Credential(cache=False).get_token(ARM)
threads = [threading.Thread(target=works) for _ in range(4)]
azcred.Credential().get_token(ARM)
for thread in threads:
    thread.start()
started = used()
for _ in range(20):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
stop.set()
for thread in threads:
    thread.join()
say(during=sum(ran), between=used() - started - sum(ran))
""")
    # It still goes to sleep when the fork begins.
    assert got["during"] < got["between"] / 20, got


@posix
def test_a_thousand_forks_while_other_threads_are_inside_get_token(place, fault):
    # Requests in this tenant never end, so that one thread is inside at every fork. Others begin and end all the time.
    fault(kind="hang", path="/contoso.com/")
    got = place("sp").run("""
import os, signal, threading, time
import azcred
shared = azcred.Credential()
first = shared.get_token(ARM).token
stop = threading.Event()
rounds = [0, 0, 0]
is_inside = False
def waits():
    global is_inside
    credential = azcred.Credential(tenant="contoso.com", cache=False)
    while True:
        is_inside = True
        try:
            credential.get_token(ARM)
        except azcred.ClientAuthenticationError:
            is_inside = False
def works(number, **options):
    while not stop.is_set():
        assert azcred.Credential(**options).get_token(ARM).token
        rounds[number] += 1
threading.Thread(target=waits, daemon=True).start()
threads = [threading.Thread(target=works, args=(0,)), threading.Thread(target=works, args=(1,)),
           threading.Thread(target=works, args=(2,), kwargs={"cache": False})]
for thread in threads:
    thread.start()
def child():
    # A child that hangs ends by this signal: before an attempt ends by itself, after 10 s, and the next one succeeds.
    signal.alarm(8)
    try:
        # All but the first need a thread for their requests, and the second a session: the child has to make them.
        good = shared.get_token(ARM).token == first and shared.get_token("https://storage.azure.com/.default").token
        good = good and azcred.Credential().get_token(ARM).token == first
        # As it was at the fork: the thread that would change it is not in this process.
        os._exit(1 if not good else 2 if not is_inside else 0)
    except BaseException:
        os._exit(3)
codes = {}
for _ in range(50):
    children = []
    for _ in range(20):
        while not is_inside:
            time.sleep(0.001)
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
import builtins, time
class Last:
    # Its end takes longer than a thread that waits for a token sleeps: each wants the GIL meanwhile.
    def __del__(self, sleep=time.sleep):
        sleep(0.3)
builtins.last = Last()
"""
        ) as process:
            assert ended(process) == (0, "", "")


def test_the_interpreter_ends_while_an_event_loop_is_told_of_a_result(place, fault):
    fault(kind="hang")
    with place("sp").start(
        """
import asyncio, builtins, threading, time, azcred.aio
waits = threading.Event()
class Slow(asyncio.SelectorEventLoop):
    # Told that the request has ended, because the interpreter ends: it has the GIL again when the interpreter is gone.
    def call_soon_threadsafe(self, callback, *args, context=None):
        if threading.current_thread() is not threading.main_thread():
            time.sleep(0.3)
        return super().call_soon_threadsafe(callback, *args, context=context)
async def hangs():
    request = asyncio.ensure_future(azcred.aio.Credential().get_token(ARM))
    await asyncio.sleep(0)
    waits.set()
    await request
threading.Thread(target=Slow().run_until_complete, args=(hangs(),), daemon=True).start()
waits.wait()
class Last:
    def __del__(self, sleep=time.sleep):
        sleep(0.6)
builtins.last = Last()
"""
    ) as process:
        assert ended(process) == (0, "", "")


@posix
def test_a_sign_in_that_is_being_renewed_is_stored_before_the_interpreter_ends(place, tmp_path):
    alone = place(None)
    with Provider(tmp_path) as provider:

        def start(source, code, errors=subprocess.PIPE):
            made = f"import azcred\ncredential = azcred.Credential(only={source!r})\n"
            return alone.start(made + code, errors=errors, AZURE_AUTHORITY_HOST=provider.url)

        screen, terminal = os.openpty()
        signs_in = "credential.get_token('https://a.example/.default')"
        with os.fdopen(screen), start("device-code", signs_in, terminal) as process:
            os.close(terminal)
            assert ended(process) == (0, "", None)
        renews = f"""
import atexit, threading
from pathlib import Path
threading.Thread(target=credential.get_token, args=("https://b.example/.default",), daemon=True).start()
while not Path({str(provider.has_come)!r}).exists():
    threading.Event().wait(0.01)
# It runs before azcred's hook: those that are registered last are called first.
atexit.register(Path({str(provider.answers)!r}).touch)
"""
        with start("azcred", renews) as process:
            code, *_ = ended(process)
        assert code == 0
        with start(
            "azcred", "say(token=credential.get_token('https://c.example/.default').token)"
        ) as process:
            assert ended(process) == (0, '{"token": "t"}\n', "")
