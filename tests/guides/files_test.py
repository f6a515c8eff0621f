#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The files that the guides show: each is read the way its reader does, and the command in it is
run, with a store and a job of the test's own.

    files_test.py PROGRAM
"""
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
JOBS = ROOT / "examples/jobs"
CONTAINERS = ROOT / "examples/containers"
PROGRAM = str(Path(sys.argv.pop(1)).resolve())
PATIENCE = 60


class UnitFile:
    """As systemd.syntax(7) has it: sections, `KEY=VALUE`, comments."""

    def __init__(self, path):
        self.values, section = {}, None
        for line in path.read_text().splitlines():
            if not line.strip() or line[0] in "#;":
                continue
            if header := re.fullmatch(r"\[(\w+)\]", line):
                section = header.group(1)
                continue
            key, equals, value = line.partition("=")
            if not (section and equals and re.fullmatch(r"[A-Z]\w+", key)):
                raise ValueError(f"{path.name}: {line}")
            self.values.setdefault((section, key), []).append(value)

    def one(self, section, key):
        [value] = self.values[section, key]
        return value


class Files(unittest.TestCase):
    def setUp(self):
        self.place = Path(tempfile.mkdtemp(prefix="holdfast-guides-"))
        self.addCleanup(shutil.rmtree, self.place)
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.place),
                            "HOLDFAST_STORE": f"sqlite:{self.place}/locks.db"}
        # The job tells that it runs, and ends with a code that nothing else has.
        self.job = self.place / "job"
        self.job.write_text(f"#!/bin/sh\necho \"$HOLDFAST_NAME\" >{self.place}/ran\nexit 21\n")
        self.job.chmod(0o755)

    def start(self, words):
        child = subprocess.Popen(words, env=self.environment, cwd=self.place,
                                 stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end, child)
        return child

    @staticmethod
    def end(child):
        if child.poll() is None:
            child.kill()
        child.communicate()

    def wait_until(self, true, what):
        end = time.monotonic() + PATIENCE
        while not true():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.02)

    def wait_for(self, path):
        self.wait_until(lambda: path.exists() and path.read_text(), f"{path} did not come")
        return path.read_text().strip()

    @staticmethod
    def waits(child):
        """Whether it has been refused, and watches the file of notices."""
        try:
            files = list(Path(f"/proc/{child.pid}/fd").iterdir())
            return any("inotify" in os.readlink(x) for x in files)
        except FileNotFoundError:  # It closed one meanwhile.
            return False

    def show(self, name):
        return subprocess.run([PROGRAM, "show", name], env=self.environment,
                              capture_output=True).returncode

    def run_and_keep(self, words, name, kept):
        """Runs it until the job has run; then the lock is still held if `kept`."""
        self.assertEqual(words[0], "/usr/bin/holdfast")
        child = self.start([PROGRAM, *words[1:-1], str(self.job)])
        self.assertEqual(self.wait_for(self.place / "ran"), name)
        if kept:
            self.assertEqual(self.show(name), 0, "the lock is not kept")
            child.send_signal(signal.SIGTERM)
        code = child.wait(PATIENCE)
        self.assertEqual(code, 21)
        self.assertEqual(self.show(name), 1)

    def test_the_crontab_has_times_a_user_and_a_command_that_works(self):
        lines = [x for x in (JOBS / "nightly.cron").read_text().splitlines()
                 if x and not x.startswith("#")]
        settings = [x for x in lines if re.fullmatch(r"[A-Z_]+=\S+", x)]
        self.assertEqual(settings, ["HOLDFAST_STORE=redis://locks.example.com"])
        [entry] = [x for x in lines if x not in settings]
        *times, user, command = entry.split(None, 6)
        for field, (low, high) in zip(times, [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]):
            if field != "*":
                self.assertTrue(low <= int(field) <= high, field)
        self.assertRegex(user, r"^[a-z][a-z0-9-]*$")
        self.assertNotIn("%", command, "cron makes a new line of it")
        self.run_and_keep(shlex.split(command), "nightly", kept=True)

    def test_units_say_what_systemd_knows(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("no systemd-analyze")
        for path in JOBS.iterdir():
            text = path.read_text()
            # Programs have to be there, and manual pages too.
            for word in ("/usr/bin/holdfast", "/usr/local/bin/nightly", "/usr/local/bin/serve"):
                text = text.replace(word, str(self.job))
            (self.place / path.name).write_text(text.replace("Documentation=man:holdfast(1)\n", ""))
        units = [str(self.place / x) for x in
                 ("nightly.service", "nightly.timer", "leader.service")]
        said = subprocess.run(["systemd-analyze", "verify", "--man=no", *units],
                              capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual((said.returncode, said.stdout + said.stderr), (0, ""))

    def test_the_service_of_a_timer_runs_its_job(self):
        unit, timer = UnitFile(JOBS / "nightly.service"), UnitFile(JOBS / "nightly.timer")
        self.assertEqual(unit.one("Service", "Type"), "oneshot")
        self.assertEqual(unit.one("Service", "SuccessExitStatus"), "75")
        self.assertNotIn(("Install", "WantedBy"), unit.values, "the timer starts it")
        self.assertEqual(timer.one("Install", "WantedBy"), "timers.target")
        self.run_and_keep(shlex.split(unit.one("Service", "ExecStart")), "nightly", kept=True)

    def test_the_service_of_a_leader_runs_and_waits_when_it_is_not_elected(self):
        unit = UnitFile(JOBS / "leader.service")
        self.assertEqual(unit.one("Service", "Restart"), "always")
        words = shlex.split(unit.one("Service", "ExecStart"))
        first = subprocess.run([PROGRAM, "acquire", "leader", "--ttl", "1m"], text=True,
                               env=self.environment, capture_output=True, check=True)
        lease = dict(line.split(None, 1) for line in first.stdout.splitlines())
        second = self.start([PROGRAM, *words[1:-1], str(self.job)])
        self.wait_until(lambda: self.waits(second), "it does not wait")
        subprocess.run([PROGRAM, "release", "leader", lease["id"]], env=self.environment,
                       check=True)
        self.assertEqual(self.wait_for(self.place / "ran"), "leader")
        self.assertEqual(second.wait(PATIENCE), 21)

    def dockerfile(self):
        text = re.sub(r"\\\n", " ", (CONTAINERS / "Dockerfile").read_text())
        return [x.split(None, 1) for x in text.splitlines() if x and not x.startswith("#")]

    def test_the_image_is_made_of_the_package_and_its_entry_point_works(self):
        made = self.dockerfile()
        self.assertEqual([x for x, _ in made], ["FROM", "COPY", "RUN", "ENTRYPOINT", "CMD"])
        made = dict(made)
        version = re.search(r"project\(\w+\s+VERSION ([\d.]+)",
                            (ROOT / "CMakeLists.txt").read_text()).group(1)
        self.assertIn(f"holdfast_{version}_amd64.deb", made["COPY"])
        for word in re.findall(r"/opt/holdfast\S+", made["RUN"]):
            self.assertIn(Path(word).name, made["COPY"])
        subprocess.run(["sh", "-n", "-c", made["RUN"]], check=True)
        words = json.loads(made["ENTRYPOINT"]) + json.loads(made["CMD"])
        self.run_and_keep(words, "nightly", kept=False)

    def test_the_cron_job_of_kubernetes_gives_the_job_time_to_stop(self):
        spec = yaml.safe_load((CONTAINERS / "nightly.yaml").read_text())["spec"]
        self.assertRegex(spec["schedule"], r"^[\d*]+( [\d*]+){4}$")
        self.assertEqual(spec["jobTemplate"]["spec"]["backoffLimit"], 0)
        pod = spec["jobTemplate"]["spec"]["template"]["spec"]
        self.assertGreater(pod["terminationGracePeriodSeconds"], 5, "the longest default grace")
        [container] = pod["containers"]
        self.assertEqual(container["args"], json.loads(dict(self.dockerfile())["CMD"]))
        [store] = [x["value"] for x in container["env"] if x["name"] == "HOLDFAST_STORE"]
        [mount] = container["volumeMounts"]
        self.assertIn(f"?password_file={mount['mountPath']}/", store)
        self.assertEqual([x["name"] for x in pod["volumes"]], [mount["name"]])
        # The program takes such a URL: it is the server that is not there.
        self.environment["HOLDFAST_STORE"] = store.replace("locks.example.com", "127.0.0.1:1") \
            .replace(mount["mountPath"], str(self.place))
        (self.place / "password").write_text("secret words\n")
        self.assertEqual(self.show("nightly"), 69)

    def test_as_process_1_a_stop_reaches_the_job(self):
        apart = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc",
                 "--kill-child"]
        if not shutil.which("unshare") or subprocess.run([*apart, "true"],
                                                         stderr=subprocess.DEVNULL).returncode:
            self.skipTest("namespaces are not allowed here")
        self.job.write_text("#!/bin/sh\ntrap 'exit 21' TERM\n"
                            f"cat /proc/1/comm >{self.place}/ran\n"
                            "while :; do sleep 0.05; done\n")
        child = self.start([*apart, PROGRAM, "run", "nightly", "--", str(self.job)])
        self.assertEqual(self.wait_for(self.place / "ran"), Path(PROGRAM).name)
        children = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGTERM)
        self.assertEqual(child.wait(PATIENCE), 21)
        self.assertEqual(self.show("nightly"), 1)


if __name__ == "__main__":
    unittest.main()
