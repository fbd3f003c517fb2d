# SPDX-License-Identifier: GPL-2.0-or-later
"""Refute every version of our functions that is wrong on purpose.

Each version of the lists is compiled and proved equal to the kernel's code; that must fail, with a
state in which the oracle, on the processor, sees a difference too. Versions that no small map shows
stand in tests/prove/wrong.toml with the reason. Exit status: 0 all as expected; 1 not; 2 bad usage.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from native import SKIPPED, Oracle
from suites import BY_NAME, prove_suites

sys.setrecursionlimit(20000)
HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
# The quick ones first: the first that refutes a version ends it.
ORDER = ["coalesce-2", "scan-1", "coalesce-3", "scan-2", "scan-1-others", "coalesce-4"]


class CannotBuild(Exception):
    """A version that does not apply or does not compile."""


def arguments():
    parser = argparse.ArgumentParser(prog="wrong", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, what in [("--image", "where images are written"), ("--oracle", "the oracle's program"),
                       ("--kernel", "the kernel"), ("--object", "our object, which is right"),
                       ("--headers", "the folder of the kernel's structs.h"),
                       ("--work", "where versions are made")]:
        parser.add_argument(name, required=True, metavar="PATH", help=what)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N")
    parser.add_argument("--only", action="append", metavar="NAME", help="this version alone")
    parser.add_argument("lists", nargs="+", metavar="LIST")
    return parser.parse_args()


def read(lists):
    """The wrong versions, and why some are not refuted."""
    versions = [version for path in lists
                for version in tomllib.loads(Path(path).read_text())["wrong"]]
    listed = tomllib.loads((HERE / "wrong.toml").read_text()).get("same", [])
    names = {version["name"] for version in versions}
    for same in listed:
        if same["name"] not in names:
            raise SystemExit(f"wrong.toml: there is no wrong version {same['name']}")
    return versions, {same["name"]: same["reason"] for same in listed}


def copy_crate(folder):
    """A workspace that shares everything with this one but src/."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for item in TOP.iterdir():
        if item.name not in ("src", "build", "target", ".git"):
            (folder / item.name).symlink_to(item)
    shutil.copytree(TOP / "src", folder / "src")
    return folder


def build(version, crate, work, headers):
    """Compiles a version; the copy is right again afterwards."""
    right = {}
    try:
        for change in version["change"]:
            file = crate / change["file"]
            text = file.read_text()
            right.setdefault(file, text)
            if text.count(change["from"]) != 1:
                raise CannotBuild(f"`{change['from']}' does not stand once in {change['file']}")
            file.write_text(text.replace(change["from"], change["to"]))
        made = work / "vm_map.o"
        command = [TOP / "tools/build-object.sh", "--crate", crate, "--headers", headers, made]
        done = subprocess.run(command, env={**os.environ, "BUILD": str(work / "build")},
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise CannotBuild(f"it does not compile:\n{done.stderr}")
        return made
    finally:
        for file, text in right.items():
            file.write_text(text)


def judge(version, made, options):
    """(whether it was refuted, what there is to say)."""
    work = Path(options.work) / "wrong"
    image = work / "image"
    subprocess.run([options.oracle, "image", "--kernel", options.kernel, "--object", made,
                    "--out", image], check=True)
    oracle = Oracle(options.oracle, options.kernel, str(made), work)
    for name in ORDER:
        result = prove_suites(image, [name], options.jobs, with_samples=False)[name]
        if result.failure:
            return False, f"{BY_NAME[name].title}: {result.failure}"
        if result.difference:
            status, output, _ = oracle.run([result.difference.state], "counterexample")
            what = f"{BY_NAME[name].title}: {result.difference.what}"
            if status == SKIPPED:
                return True, f"{what} (not run on the processor: {output.strip()})"
            if status != 1:
                return False, f"{what}, BUT THE ORACLE SEES NO DIFFERENCE\n{output}"
            return True, what
    return None, "proved equal"


def main():
    options = arguments()
    work = Path(options.work) / "wrong"
    versions, listed = read(options.lists)
    if options.only:
        versions = [version for version in versions if version["name"] in options.only]
    crate = copy_crate(work / "crate")
    (work / "build").mkdir(exist_ok=True)
    if not (work / "build/sysroot").exists() and (TOP / "build/sysroot").exists():
        (work / "build/sysroot").symlink_to(TOP / "build/sysroot")
    refuted = bad = 0
    for version in versions:
        name = version["name"]
        try:
            caught, what = judge(version, build(version, crate, work, Path(options.headers).resolve()),
                                 options)
        except CannotBuild as reason:
            caught, what = False, str(reason)
        if caught and name not in listed:
            refuted += 1
            print(f"refuted: {name}: {what}", flush=True)
        elif caught is None and name in listed:
            print(f"not refuted, as listed: {name}: {listed[name]}", flush=True)
        else:
            bad += 1
            print(f"NOT AS EXPECTED: {name}: {what}", flush=True)
    print(f"{refuted} of {len(versions)} wrong versions refuted; {len(listed)} are listed as not; "
          f"{bad} not as expected")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
