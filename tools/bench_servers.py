# SPDX-License-Identifier: BSL-1.0
"""The servers that tools/bench.py starts: nobody else knows of them, and they end with it."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TMPFS = "/dev/shm" if Path("/dev/shm").is_dir() else None


class Process:
    """A program that runs as long as the `with` does."""

    def place(self, cores):
        for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGCONT)  # Whoever is frozen does not end.
        self.process.terminate()
        self.process.wait()


class Redis(Process):
    """A redis-server on a port that was free."""

    def __init__(self, directory):
        program = shutil.which("redis-server")
        if not program:
            sys.exit("bench: no redis-server on this machine")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--dir", directory],
            stdout=subprocess.DEVNULL)
        self.url = f"redis://127.0.0.1:{self.port}"
        for _ in range(100):
            try:
                self.ask("PING")
                return
            except OSError:
                time.sleep(0.05)
        sys.exit("bench: redis-server does not answer")

    def ask(self, command):
        with socket.create_connection(("127.0.0.1", self.port), 1) as line:
            line.sendall(command.encode() + b"\r\n")
            return line.recv(65536)


class MariaDB(Process):
    """A mariadbd on a socket, with a database. Its files are on tmpfs: else the disk is measured,
    for ours and the limit alike. They are made once, because that takes seconds."""

    SIZES = ["--innodb-log-file-size=256M", "--innodb-buffer-pool-size=512M", "--skip-log-bin"]
    made = None

    def __init__(self):
        if not shutil.which("mariadbd") or not shutil.which("mariadb-install-db"):
            raise FileNotFoundError("no mariadbd on this machine")
        self.directory = tempfile.TemporaryDirectory(prefix="holdfast-bench-", dir=TMPFS)
        root = Path(self.directory.name)
        data = root / "data"
        if not MariaDB.made:
            self.make()
        shutil.copytree(Path(MariaDB.made.name) / "data", data)
        self.process = subprocess.Popen(
            ["mariadbd", "--no-defaults", "--user=root", *self.SIZES, f"--datadir={data}",
             f"--socket={root}/sock", f"--tmpdir={root}", f"--pid-file={root}/pid",
             f"--log-error={root}/log", "--skip-networking", "--skip-name-resolve",
             "--performance-schema=off", "--max-connections=200"])
        self.url = f"mysql+unix://bench:bench@{root}/sock?db=locks"
        ask = ["mariadb", "--no-defaults", "-uroot", f"--socket={root}/sock", "-e",
               "CREATE DATABASE locks; CREATE USER bench@localhost IDENTIFIED BY 'bench'; "
               "GRANT ALL ON locks.* TO bench@localhost"]
        for _ in range(200):
            if subprocess.run(ask, stderr=subprocess.DEVNULL, check=False).returncode == 0:
                return
            time.sleep(0.1)
        self.process.kill()
        sys.exit("bench: mariadbd does not answer")

    @classmethod
    def make(cls):
        cls.made = tempfile.TemporaryDirectory(prefix="holdfast-bench-", dir=TMPFS)
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", "--user=root", *cls.SIZES,
             f"--datadir={cls.made.name}/data", f"--tmpdir={cls.made.name}", "--skip-test-db",
             "--auth-root-authentication-method=normal"],
            stdout=subprocess.DEVNULL, check=True)

    def __exit__(self, *told):
        super().__exit__(*told)
        self.directory.cleanup()
