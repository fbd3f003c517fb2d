# SPDX-License-Identifier: GPL-2.0-or-later
"""What other CPUs may do is all that they can do, and no more. Needs PROVE_IMAGE, as test_refusals.py."""

import os
import unittest

import z3

from explore import Solver, denies
from image import Image
from maps import Case, SCAN
from others import MOST_MOVES, Unlocked
from state import Fork, take
from values import settle, unknown


class Others(unittest.TestCase):
    def setUp(self):
        image = Image(os.environ["PROVE_IMAGE"])
        self.case = Case(image, SCAN, 1, 0, others=True, strangers=1)
        self.state, _ = self.case.start("ours")
        self.entry = self.case.world.entries[0]
        self.byte, self.bit = image.bit("vm_map_entry", "in_transition")

    def flags(self):
        return self.state.memory.read(self.entry + self.byte, 1)

    def test_a_flipped_mark_is_a_mark(self):
        """Code that found the bit clear flips it. Whether it is set then, the path alone knows."""
        before = self.flags()
        self.state.memory.write(self.entry + self.byte, 1, settle(before ^ (1 << self.bit)))
        solver = Solver()
        solver.start([z3.Extract(self.bit, self.bit, before) == 0])
        with self.assertRaises(Fork) as fork:
            self.case.others.marked(self.state)
        term = fork.exception.term
        value = solver.evaluate(term)
        solver.solver.add(denies(term, value))
        self.assertFalse(solver.check(), "the path leaves it open")
        take(self.state.chosen, term, value)
        self.assertEqual(self.case.others.marked(self.state), [self.entry])

    def test_a_mark_that_nothing_is_known_of_is_both(self):
        for value, marked in [(0, []), (1, [self.entry])]:
            state = self.state.copy()
            with self.assertRaises(Fork) as fork:
                self.case.others.marked(state)
            take(state.chosen, fork.exception.term, value)
            self.assertEqual(self.case.others.marked(state), marked)

    def disturb(self, marked, label):
        if self.state.others is None:
            self.state.others = Unlocked(self.case.world, marked)
        self.case.others.disturb(self.state, label, [])

    def links(self, which):
        offset = self.case.image.byte("vm_map_entry", f"links.{which}")
        return self.state.memory.read(self.entry + offset, 4)

    def test_what_is_marked_keeps_its_limits_alone(self):
        start, flags = self.links("start"), self.flags()
        self.disturb([self.entry], "test0")
        self.assertIs(self.links("start"), start)
        self.assertIsNot(self.flags(), flags)
        self.state.others = None
        self.disturb([], "test1")
        self.assertIsNot(self.links("start"), start)

    def test_a_walk_may_be_led_elsewhere_and_ends(self):
        """Each of the first turns moves the stranger anew; a later one leaves it where it is."""
        seen = []
        for number in range(MOST_MOVES + 2):
            self.disturb([self.entry], f"turn{number}")
            seen.append(self.links("next"))
        self.assertEqual(len({term.ident for term in seen}), MOST_MOVES)
        self.assertIs(seen[-1], seen[MOST_MOVES - 1])
        stranger, header = self.case.world.strangers[0], self.case.world.header
        place = unknown("turn0.new0.place", 3)
        solver = Solver()
        solver.start([])
        for at, expected in [(1, stranger), (0, header)]:
            solver.solver.push()
            solver.solver.add(place == at, seen[0] != expected)
            self.assertFalse(solver.check())
            solver.solver.pop()

    def test_a_second_read_is_refused(self):
        self.disturb([self.entry], "test0")
        offset = self.case.image.byte("vm_map_entry", "wired_count")
        self.state.load(self.entry + offset, 2)
        with self.assertRaisesRegex(Exception, "is read twice while others may change it"):
            self.state.load(self.entry + offset, 2)


if __name__ == "__main__":
    unittest.main()
