# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds the lifted code, and what is made of it here, against the processor.

Of the pairs of paths that were compared, enough are run natively, by the oracle, from a state that
takes both, that every instruction that was ever reached is run there. Each must end as predicted.
"""

import random
import subprocess
import tomllib
from pathlib import Path

from concrete import expected, state_text

SKIPPED = 77


class Samples:
    """States for the processor, with what is predicted for them."""

    def __init__(self, covered=None, every=97):
        """`covered`: the instructions that samples of other cases have."""
        self.texts, self.predictions = [], {}
        self.covered = set() if covered is None else covered
        self.every, self.seen = every, 0
        self.random = random.Random(1)

    def offer(self, pair):
        """Takes a pair that has an instruction that no sample has, and some of the others."""
        instructions = pair.shipped[0].instructions() | pair.ours[0].instructions()
        self.seen += 1
        if instructions <= self.covered and self.random.randrange(self.every):
            return
        self.covered |= instructions
        name = f"{pair.case.name}, pair {self.seen}"
        self.texts.append(state_text(name, pair))
        self.predictions[name] = expected(pair)

    def add(self, other):
        """Takes over what another process collected."""
        self.texts += other.texts
        self.predictions.update(other.predictions)
        self.covered |= other.covered
        self.seen += other.seen


class Oracle:
    """The program that runs states on the processor."""

    def __init__(self, program, kernel, object_file, folder):
        self.command = [program, "state", "--kernel", kernel, "--object", object_file]
        self.folder = Path(folder)

    def run(self, texts, name, results=False):
        """(status, output, results) of running these states."""
        states = self.folder / f"{name}.toml"
        states.write_text("".join(texts))
        command = [*self.command, str(states)]
        written = self.folder / f"{name}-results.toml"
        if results:
            command += ["--results", str(written)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        table = tomllib.loads(written.read_text()) if results and done.returncode < 2 else None
        return done.returncode, done.stdout + done.stderr, table


def disagreements(predictions, results):
    """Where the processor did not do what was predicted, in words."""
    found = []
    base = None
    for result in results["result"]:
        for side, (ended, calls, memory) in predictions[result["name"]].items():
            native = result[side]
            where = f"{result['name']}, {side}"
            if native["ended"] != ended:
                found.append(f"{where}: ended with {native['ended']}, not {ended}")
            if native["calls"] != calls:
                found.append(f"{where}: calls {native['calls']}, not {calls}")
            after, base = bytes.fromhex(native["memory"]), result["arena"]
            for start, data in memory:
                if start < base or start >= base + len(after):
                    continue
                there = after[start - base : start - base + len(data)]
                for offset, (a, b) in enumerate(zip(there, data)):
                    if a != b:
                        found.append(f"{where}: byte {start + offset:#x} is {a:#x}, not {b:#x}")
    return found
