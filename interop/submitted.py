"""A job with 5,000 files of code, 1 MB in all, as azure-ai-ml submits it: the time beside a plain copy of the files,
and the uploads of the first and of the second submission.

The times are those of `jobs.create_or_update` in a running program.
"""

import json
import os
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

from emulator import Emulator
from submitter import Identity, Submitter, python
from way import HERE

FILES, FOLDERS, BYTES = 5000, 50, 200


class Uploads:
    """Counts the uploads while it is used: the emulator keeps 4,096 requests."""

    def __init__(self, emulator):
        self.emulator, self.number = emulator, 0

    def __enter__(self):
        self.emulator.admin("DELETE", "/requests")
        self.last, self.ended = 0, threading.Event()
        self.thread = threading.Thread(target=self._count)
        self.thread.start()
        return self

    def _count(self):
        while self._read() or not self.ended.is_set():
            pass

    def _read(self):
        requests = self.emulator.admin("GET", f"/requests?after={self.last}&wait=1")
        for one in requests:
            assert one["number"] > self.last
            self.last = one["number"]
            self.number += one["service"] == "blob" and one["method"] == "PUT" and one["status"] == 201
        return requests

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def made(folder):
    """The files, each with its own content."""
    for number in range(FILES):
        file = folder / f"part_{number % FOLDERS}" / f"file_{number}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# {number}\n".ljust(BYTES - 1, "x") + "\n", encoding="utf-8")


def main():
    with (
        tempfile.TemporaryDirectory() as folder,
        Emulator(os.environ["AZCRED_BINARY"], Path(folder)) as emulator,
    ):
        desk = Submitter(emulator, Path(folder)).with_project("azure-ai-ml")
        made(desk.folder / "many")
        began = time.perf_counter()
        shutil.copytree(desk.folder / "many", Path(folder) / "copy")
        copy = time.perf_counter() - began
        print(
            f"a job with {FILES} files of code, {FILES * BYTES / 1e6:.0f} MB in all, submitted by azure-ai-ml"
        )
        print(f"  {'a plain copy of the files':<26} {copy:8.2f} s")
        for submission in ("first", "second"):
            command = (python("AZCRED_AZURE_AI_ML"), HERE / "programs" / "azure_ai_ml.py", "code=many")
            with Uploads(emulator) as uploads:
                done = desk.submit(*command, identity=Identity("sp"))
            result = json.loads(done.stdout)
            if "seconds" not in result:
                sys.exit(f"the submission failed: {result}")
            print(f"  {submission + ' submission':<26} {result['seconds']:8.2f} s, {uploads.number} uploads")


if __name__ == "__main__":
    main()
