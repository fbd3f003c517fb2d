# SPDX-License-Identifier: GPL-2.0-or-later
"""Prove our functions equal to a kernel's own machine code, for every small map.

Lifts both sides' code, runs every path with all fields unknown, and lets z3 compare each pair of
paths that one state can take. See docs/prove.md. Exit status: 0 proved; 1 not proved: a state in
which the two differ is printed and run by the oracle, or the code was not understood; 2 bad usage.
"""

import argparse
import os
import sys
import time
from pathlib import Path

from image import Image
from native import SKIPPED, Oracle, disagreements
from suites import BY_NAME, SUITES, more_samples, prove_suites

sys.setrecursionlimit(20000)
PROVED, NOT_PROVED, USAGE = 0, 1, 2


def arguments():
    parser = argparse.ArgumentParser(prog="prove", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", required=True, metavar="DIR",
                        help="what `oracle image` wrote: the kernel with our object")
    parser.add_argument("--oracle", required=True, metavar="FILE", help="the oracle's program")
    parser.add_argument("--kernel", required=True, metavar="FILE", help="that kernel")
    parser.add_argument("--object", required=True, metavar="FILE", help="that object")
    parser.add_argument("--work", required=True, metavar="DIR", help="where states are written")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N",
                        help="processes (default: one per processor)")
    parser.add_argument("--callers", action="store_true",
                        help="the object has the callers: prove them, if nothing else is named")
    parser.add_argument("suite", nargs="*", metavar="SUITE",
                        help="what to prove (default: those without a star): "
                             + ", ".join(suite.name + "*" * suite.asked for suite in SUITES))
    options = parser.parse_args()
    unknown = [name for name in options.suite if name not in BY_NAME]
    if unknown:
        parser.error(f"there is no suite {unknown[0]}; there are {', '.join(BY_NAME)}")
    lacking = [name for name in options.suite if BY_NAME[name].callers and not options.callers]
    if lacking:
        parser.error(f"{lacking[0]} is for an object with the callers: --callers (make: CALLERS=1)")
    options.suite = options.suite or [suite.name for suite in SUITES if not suite.asked
                                      and suite.callers == options.callers]
    return options


def progress(suite, result, cases):
    if sys.stderr.isatty():
        end = "\r\x1b[K" if result.cases == cases else ""
        print(f"\r{suite.title}: {result.cases} of {cases} calls, {result.pairs} pairs {end}",
              end="", file=sys.stderr, flush=True)


def heading(image):
    print(image.version)
    print(f"{'proved equal':32} {'calls':>6} {'paths':>7} {'pairs':>7} {'CPU s':>7}  provided that",
          flush=True)


def row(suite, result):
    print(f"{suite.title:32} {result.cases:6} {result.paths:7} {result.pairs:7} "
          f"{result.seconds:7.1f}  {suite.preconditions}", flush=True)


def show_difference(difference, oracle):
    """Prints a counterexample as the oracle prints it; True if it differs on the processor too."""
    print(f"NOT EQUAL: {difference.case}: {difference.what}")
    status, output, _ = oracle.run(difference.states, "counterexample")
    print(output, end="")
    if status == 1:
        print("the oracle, which ran this state on the processor, sees a difference too")
    elif status == SKIPPED:
        print("the state could not be run on the processor here")
    else:
        print("THE ORACLE SEES NO DIFFERENCE: the proof's model of the code is wrong")
    return status == 1


def check_lifting(results, oracle):
    """Whether the processor does in sampled states what was predicted; prints what it saw."""
    texts, predictions, covered, executed = [], {}, set(), set()
    for result in results.values():
        texts += result.samples.texts
        predictions.update(result.samples.predictions)
        covered |= result.samples.covered
        executed |= result.executed
    if executed - covered:
        print(f"no sample runs the instruction at {min(executed - covered):#x}")
        return False
    status, output, table_ = oracle.run(texts, "samples", results=True)
    if status == SKIPPED:
        print(f"SKIP the lifted code is not held against the processor: {output.strip()}")
        return True
    if status != 0:
        print(output, end="")
        print("the oracle sees a difference in states that were proved equal")
        return False
    wrong = disagreements(predictions, table_)
    for line in wrong[:10]:
        print(line)
    print(f"{len(texts)} states run on the processor too, with all {len(executed)} instructions: "
          + ("as predicted" if not wrong else f"{len(wrong)} predictions were WRONG"))
    return not wrong


def main():
    options = arguments()
    Path(options.work).mkdir(parents=True, exist_ok=True)
    oracle = Oracle(options.oracle, options.kernel, options.object, options.work)
    names = options.suite
    began = time.monotonic()
    heading(Image(options.image))
    results = prove_suites(options.image, names, options.jobs, report=progress, done=row)
    results.update(more_samples(results))
    failed = [result for result in results.values() if result.failure or result.difference]
    for result in failed:
        if result.failure:
            print(f"NOT PROVED: {result.failure}")
        else:
            show_difference(result.difference, oracle)
    if failed:
        return NOT_PROVED
    good = check_lifting(results, oracle)
    print(f"{time.monotonic() - began:.0f} s on {options.jobs} processes")
    return PROVED if good else NOT_PROVED


if __name__ == "__main__":
    sys.exit(main())
