# SPDX-License-Identifier: GPL-2.0-or-later
"""What can be proved, by name, and the work of it on several processes."""

import multiprocessing
import time

from errors import NotUnderstood
from concrete import state_text
from callers import clips, inherits, protects
from image import Image
from induction import Induction, Walks, walks
from inner import Within, inner
from lift import Lifter
from maps import COALESCE, coalesces, scans
from native import Samples
from proof import Proof
from ranges import ranges

GAPS = "who is to leave the gap tree has a gap, and says rightly whether he is in the tree"
ORDER = "start < end of each entry, end <= start of the next"
NEST = "the marked entries keep their order and limits"
TREES = "the trees are trees of the map's entries; no submaps"
PLAIN = "a user's map, nothing wired, shared or projected, no lock held (callers.py, few_paths)"
CALLS = "the clips, the coalesce and the scan are equal"
INSIDE = f"{ORDER}; {TREES}"
ENTRIES = "where a link leads is an entry or the header"


class Suite:
    def __init__(self, name, title, preconditions, cases, asked=False, needs=(), callers=False):
        self.name, self.title, self.preconditions = name, title, preconditions
        # `asked`: long, and left out unless it is asked for. `needs`: suites whose states run on the
        # processor what this one came by, which has no states of whole calls.
        self.cases, self.asked, self.needs = cases, asked, needs
        # Whether it is of an object that has the callers.
        self.callers = callers


SUITES = [
    Suite("coalesce-2", "coalesce, 2 entries", GAPS, lambda image: coalesces(image, 2)),
    Suite("coalesce-3", "coalesce, 3 entries", GAPS, lambda image: coalesces(image, 3)),
    Suite("coalesce-4", "coalesce, 4 entries", GAPS, lambda image: coalesces(image, 4), asked=True),
    Suite("scan-1", "scan, 1 entry", ORDER, lambda image: scans(image, 1)),
    Suite("scan-2", "scan, 2 entries", ORDER, lambda image: scans(image, 2), asked=True),
    Suite("scan-1-marks", "scan, 1 entry, others at its mark", f"{ORDER}; {NEST}",
          lambda image: scans(image, 1, others=True)),
    Suite("scan-any", "scan, any map, and other CPUs", ENTRIES, walks,
          needs=("scan-1", "scan-1-marks", "scan-2")),
    Suite("scan-1-others", "scan, 1 entry, and other CPUs", f"{ORDER}; {NEST}",
          lambda image: scans(image, 1, others=True, strangers=1), asked=True),
    Suite("scan-2-others", "scan, 2 entries, and other CPUs", f"{ORDER}; {NEST}",
          lambda image: scans(image, 2, others=True, strangers=1), asked=True),
    Suite("clips-1", "clips, 1 entry", INSIDE, lambda image: clips(image, 1), callers=True),
    Suite("clips-2", "clips, 2 entries", INSIDE, lambda image: clips(image, 2), callers=True, asked=True),
    Suite("inherit-1", "inherit, 1 entry", f"{ORDER}; {TREES}", lambda image: inherits(image, 1),
          callers=True, asked=True),
    Suite("inherit-few", "inherit, 1 entry, few states", f"{ORDER}; {TREES}; {PLAIN}",
          lambda image: inherits(image, 1, True), callers=True),
    Suite("protect-few", "protect, 1 entry, few states", f"{ORDER}; {TREES}; {PLAIN}",
          lambda image: protects(image, 1, True), callers=True, asked=True),
    Suite("within", "what our callers call, from inside", f"{INSIDE}; {GAPS}", inner, callers=True, asked=True,
          needs=("clips-1", "coalesce-2", "scan-1")),
    Suite("inherit-any", "inherit, any map", f"{ENTRIES}; {CALLS}", lambda image: ranges(image, "vm_map_inherit"),
          needs=("inherit-few",), callers=True, asked=True),
    Suite("protect-any", "protect, any map", f"{ENTRIES}; {CALLS}", lambda image: ranges(image, "vm_map_protect"),
          needs=("protect-few",), callers=True, asked=True),
]
BY_NAME = {suite.name: suite for suite in SUITES}


class Result:
    """What came of one case, or of all cases of a suite."""

    def __init__(self, covered=None):
        self.cases = self.paths = self.pairs = 0
        self.seconds = 0.0
        self.executed = set()
        self.samples = Samples(covered)
        # A difference in words and as a state; or why there is no proof.
        self.difference = self.failure = None

    def add(self, other):
        self.cases += other.cases
        self.paths += other.paths
        self.pairs += other.pairs
        self.seconds += other.seconds
        self.executed |= other.executed
        self.samples.add(other.samples)
        self.difference = self.difference or other.difference
        self.failure = self.failure or other.failure


class Difference:
    """In words, and as states in which the processor is to see it."""

    def __init__(self, case, what, states):
        self.case, self.what, self.states = case, what, states


WORKER = {}


def set_up(folder):
    WORKER["image"] = Image(folder)
    WORKER["lifter"] = Lifter(WORKER["image"])
    WORKER["cases"], WORKER["covered"] = {}, set()


def cases_of(name):
    if name not in WORKER["cases"]:
        WORKER["cases"][name] = BY_NAME[name].cases(WORKER["image"])
    return WORKER["cases"][name]


def prove_case(task):
    name, number, with_samples = task
    case = cases_of(name)[number]
    result = Result(WORKER["covered"])
    result.cases = 1
    began = time.process_time()
    if isinstance(case, Walks):
        proof = Induction(case, WORKER["lifter"])
    else:
        whole = not isinstance(case, Within)
        proof = Proof(case, WORKER["lifter"], result.samples.offer if with_samples and whole else None)
    try:
        difference = proof.run()
        if difference and isinstance(case, Within):
            result.failure = f"{case.name}: {difference.what}"
        elif difference:
            result.difference = Difference(case.name, difference.what, counterexamples(proof))
    except NotUnderstood as reason:
        where = WORKER["image"].name(reason.state.last()) if hasattr(reason, "state") else "?"
        result.failure = f"{case.name}: {type(reason).__name__}: {reason} (near {where})"
    except RecursionError:
        result.failure = f"{case.name}: forks nest too deep"
    result.paths, result.pairs = proof.shipped_paths, proof.pairs
    result.executed = proof.executed
    result.seconds = time.process_time() - began
    return result


def counterexamples(proof):
    """The state of the difference that was found; where the hint's lock is tried, one in which it
    is held and one in which it is free, if they differ in both. The oracle needs the first to see
    who does not wait, but can compare memory at each call in the second alone: how far one gets
    before the lock is let go is a matter of time."""
    case = proof.case
    texts = [state_text(case.name, proof.pair)]
    if case.function == COALESCE and case.world.hint_lock is not None:
        held = proof.pair.holds_hint_lock()
        other = Proof(case, WORKER["lifter"], held=1 - held)
        if other.run():
            name = f"{case.name}, the hint's lock {'free' if held else 'held'}"
            texts.append(state_text(name, other.pair))
    return texts


def prove_suites(folder, names, jobs, with_samples=True, report=None, done=None):
    """{name: Result} of suites, one after another. Ends at the first that fails."""
    set_up(folder)
    results = {}
    context = multiprocessing.get_context("fork")
    with context.Pool(jobs, set_up, (str(folder),)) as pool:
        for name in names:
            total = Result()
            tasks = [(name, number, with_samples) for number in range(len(cases_of(name)))]
            for result in pool.imap_unordered(prove_case, tasks):
                total.add(result)
                if total.difference or total.failure:
                    break
                if report:
                    report(BY_NAME[name], total, len(tasks))
            results[name] = total
            if total.difference or total.failure:
                pool.terminate()
                break
            if done:
                done(BY_NAME[name], total)
    return results


def more_samples(results):
    """Results of cases whose samples run instructions that no sample of `results` runs."""
    if any(result.failure or result.difference for result in results.values()):
        return {}
    missing = set().union(*[result.executed for result in results.values()])
    missing -= set().union(*[result.samples.covered for result in results.values()])
    more = {}
    needs = dict.fromkeys(need for name in results for need in BY_NAME[name].needs)
    for name in [need for need in needs if need not in results]:
        for number in range(len(cases_of(name))):
            if missing:
                result = prove_case((name, number, True))
                more.setdefault(name, Result()).add(result)
                missing -= result.samples.covered
    return more
