# SPDX-License-Identifier: GPL-2.0-or-later
"""That no gap tree is left out, and that values and memory are what they seem."""

import unittest

import z3

from errors import Unset
from maps import shapes
from memory import Memory
from values import equal, known, settle, unknown


class Shapes(unittest.TestCase):
    def test_as_many_as_there_are(self):
        # None; alone; two on one list, or two nodes, each at the root with the other at a side.
        self.assertEqual(len(list(shapes([0]))), 2)
        self.assertEqual(len(list(shapes([0, 1]))), 1 + 2 + 2 + 4)
        # Three: all on one list; two on one list and one node beside; three nodes, two colorings.
        three = 1 + 3 + 3 * (2 + 4) + 6 + 6 * 4 + 6 * 2
        self.assertEqual(len(list(shapes([0, 1, 2]))), three)

    def test_each_once(self):
        names = [str(shape) for shape in shapes([0, 1, 2])]
        self.assertEqual(len(set(names)), len(names))


class Sums(unittest.TestCase):
    def setUp(self):
        self.start, self.end, self.gap = [unknown(f"test.{n}", 32) for n in ("start", "end", "gap")]

    def test_two_ways_to_say_one_thing(self):
        between = settle(self.start - self.end)
        first = equal(between, self.gap, 32)
        self.assertIs(equal(self.start, settle(self.end + self.gap), 32), first)

    def test_they_mean_the_same(self):
        for a, b in [(self.start + self.end, self.gap), (self.start - self.end, self.gap + 7),
                     (3 * self.start + 1, self.end), (self.start + 1, 5 - self.end)]:
            meant = equal(settle(a), settle(b), 32)
            solver = z3.Solver()
            solver.add(meant != (a == b))
            self.assertEqual(solver.check(), z3.unsat)

    def test_known_ones(self):
        self.assertIs(equal(settle(self.start + 1), settle(self.start + 2), 32), False)
        self.assertTrue(known(equal(settle(self.start + 1), settle(1 + self.start), 32)))


class Bytes(unittest.TestCase):
    def test_a_value_comes_back_whole(self):
        memory, value = Memory(), unknown("test.value", 32)
        memory.write(100, 4, value)
        self.assertIs(memory.read(100, 4), value)

    def test_parts_and_neighbours(self):
        memory = Memory()
        memory.write(100, 4, 0x44332211)
        memory.write(104, 4, 0x88776655)
        self.assertEqual(memory.read(102, 4), 0x66554433)
        memory.write(101, 1, 0)
        self.assertEqual(memory.read(100, 4), 0x44330011)

    def test_parts_of_a_term(self):
        memory, value = Memory(), unknown("test.value", 32)
        memory.write(100, 4, value)
        memory.write(103, 1, 0)
        expected = z3.simplify(value & 0x00FFFFFF)
        solver = z3.Solver()
        solver.add(memory.read(100, 4) != expected)
        self.assertEqual(solver.check(), z3.unsat)

    def test_what_was_never_set(self):
        memory = Memory()
        memory.write(100, 2, 7)
        with self.assertRaises(Unset):
            memory.read(100, 4)
        memory.forget(101, 1)
        with self.assertRaises(Unset):
            memory.read(100, 2)


if __name__ == "__main__":
    unittest.main()
