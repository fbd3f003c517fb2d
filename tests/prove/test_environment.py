# SPDX-License-Identifier: GPL-2.0-or-later
"""That environment.sh skips where there is no Python for it or no network, and nowhere else."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Plays Python: -c is the question for the version, the packages or itself, -m venv, -m ensurepip and -m pip.
PYTHON = """#!/bin/sh
case "$1 $2" in
    *"import sys"*) exit {old} ;;
    *"import pyvex"*) exit 0 ;;
    *"import os"*) echo "$0" ;;
    "-m venv") mkdir -p "$5/bin"; cp "$0" "$5/bin/python" ;;
    "-m ensurepip") echo pip >"${{0%/bin/*}}/pip" ;;
    "-m pip") echo "$PYTHONPATH" >"${{0%/bin/*}}/pip-from"; echo "{pip}"; exit {status} ;;
esac
"""


class Environment(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(dir=os.environ.get("TMPDIR")))
        self.addCleanup(shutil.rmtree, self.folder)

    def make(self, old=0, pip="", status=0, argument=None):
        """Runs environment.sh with this Python alone."""
        tools = self.folder / "bin"
        tools.mkdir(exist_ok=True)
        for name in ["sh", "dirname", "mkdir", "cmp", "rm", "cp", "cat", "grep", "ls", "tail", "flock"]:
            if not (tools / name).exists():
                (tools / name).symlink_to(shutil.which(name))
        python = tools / "python3"
        python.write_text(PYTHON.format(old=old, pip=pip, status=status))
        python.chmod(0o755)
        script = (HERE / "environment.sh").read_text().replace(" /usr/bin/python3", "")
        (self.folder / "environment.sh").write_text(script)
        shutil.copy(HERE / "requirements.txt", self.folder)
        return subprocess.run(["sh", self.folder / "environment.sh", argument or self.folder / "env"],
                              env={"PATH": str(tools)}, capture_output=True, text=True, check=False)

    def test_it_is_made_once(self):
        first, second = self.make(), self.make(old=1, pip="not again", status=1)
        self.assertEqual((first.returncode, first.stderr), (0, ""))
        self.assertEqual(first.stdout, f"{self.folder}/env/bin/python\n")
        self.assertEqual((second.returncode, second.stdout), (0, first.stdout))

    def test_an_unpacked_python_has_its_pip_beside_it(self):
        self.make()
        made = self.folder / "env"
        self.assertEqual((made / "pip-from").read_text(), "\n")
        self.assertTrue((made / "pip").exists())
        shutil.rmtree(made)
        wheel = self.folder / "share/python-wheels/pip-23-py3.whl"
        wheel.parent.mkdir(parents=True)
        wheel.touch()
        self.assertEqual(self.make().returncode, 0)
        self.assertEqual((made / "pip-from").read_text(), f"{wheel}\n")
        self.assertFalse((made / "pip").exists())

    def test_no_python(self):
        for argument in (None, "--python"):
            done = self.make(old=1, argument=argument)
            self.assertEqual((done.returncode, done.stdout), (77, ""))
            self.assertIn("SKIP proof: no Python 3.11 to 3.13", done.stderr)

    def test_no_network(self):
        done = self.make(pip="ERROR: No matching distribution found for z3", status=1)
        self.assertEqual((done.returncode, done.stdout), (77, ""))
        self.assertIn("SKIP proof: pip could not install", done.stderr)
        self.assertIn("No matching distribution", done.stderr.splitlines()[-1])

    def test_other_bytes_are_no_skip(self):
        done = self.make(pip="ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", status=1)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertNotIn("SKIP", done.stderr)

    def test_half_an_environment_is_made_again(self):
        self.make(pip="x", status=1)
        self.assertEqual(self.make().returncode, 0)


if __name__ == "__main__":
    unittest.main()
