# SPDX-License-Identifier: GPL-2.0-or-later
"""Refute every version of our functions that is wrong on purpose.

Each version of tests/wrong/ that says `prove` catches it is compiled and proved equal to the kernel's
code; that must fail, with a state in which the oracle, on the processor, sees a difference too. Exit
status: 0 all are refuted; 1 one is not; 2 bad usage.
"""

import argparse
import os
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
CALLERS = ["clips-1", "inherit-few", "protect-few"]
# What these refute must be refused by the induction over entries too.
ANY = {"scan-1": "scan-any", "scan-2": "scan-any", "scan-1-others": "scan-any"}


class CannotBuild(Exception):
    """A version that does not apply or does not compile."""


def arguments():
    parser = argparse.ArgumentParser(prog="wrong", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, what in [("--image", "where images are written"), ("--oracle", "the oracle's program"),
                       ("--kernel", "the kernel"), ("--object", "our object, which is right"),
                       ("--headers", "the folder of the kernel's structs.h"),
                       ("--work", "where versions are made"),
                       ("--vmtool", "the program that makes them")]:
        parser.add_argument(name, required=True, metavar="PATH", help=what)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N")
    parser.add_argument("--callers", action="store_true", help="versions of the callers")
    parser.add_argument("--only", action="append", metavar="NAME", help="this version alone")
    return parser.parse_args()


def read(callers):
    """The names of the wrong versions that must be refuted, of the two functions or of their callers."""
    return [version["name"] for path in sorted((TOP / "tests/wrong").glob("*.toml"))
            for version in tomllib.loads(path.read_text())["wrong"]
            if "prove" in (judges := version.get("caught_by", [])) and ("callers" in judges) == callers]


def build(name, options):
    """Compiles a version."""
    work = Path(options.work).resolve() / "wrong"
    made = work / "vm_map.o"
    command = [options.vmtool, "wrong", "--root", TOP, "--scratch", work / "versions",
               "--headers", options.headers, "--object", made, name]
    if options.callers:
        features = subprocess.run([TOP / "tools/callers-of.sh", options.kernel], capture_output=True, text=True,
                                  check=True)
        command += ["--features", features.stdout.strip()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotBuild(done.stderr)
    return made


def judge(made, options):
    """(whether it was refuted, what there is to say)."""
    work = Path(options.work) / "wrong"
    image = work / "image"
    subprocess.run([options.oracle, "image", "--kernel", options.kernel, "--object", made,
                    "--out", image], check=True)
    oracle = Oracle(options.oracle, options.kernel, str(made), work)
    for name in CALLERS if options.callers else ORDER:
        result = prove_suites(image, [name], options.jobs, with_samples=False)[name]
        if result.failure:
            return False, f"{BY_NAME[name].title}: {result.failure}"
        if result.difference:
            status, output, _ = oracle.run(result.difference.states, "counterexample")
            what = f"{BY_NAME[name].title}: {result.difference.what}"
            any_map = ANY.get(name)
            if any_map and not prove_suites(image, [any_map], 1)[any_map].failure:
                return False, f"{what}, BUT THE INDUCTION FINDS NO DIFFERENCE"
            if status == SKIPPED:
                return True, f"{what} (not run on the processor: {output.strip()})"
            if status != 1:
                return False, f"{what}, BUT THE ORACLE SEES NO DIFFERENCE\n{output}"
            return True, what
    return False, "proved equal"


def main():
    options = arguments()
    (Path(options.work) / "wrong").mkdir(parents=True, exist_ok=True)
    names = [name for name in read(options.callers) if not options.only or name in options.only]
    refuted = 0
    for name in names:
        try:
            caught, what = judge(build(name, options), options)
        except CannotBuild as reason:
            caught, what = False, str(reason)
        refuted += caught
        print(f"{'refuted' if caught else 'NOT REFUTED'}: {name}: {what}", flush=True)
    print(f"{refuted} of {len(names)} wrong versions refuted")
    return 0 if names and refuted == len(names) else 1


if __name__ == "__main__":
    sys.exit(main())
