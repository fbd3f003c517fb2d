# SPDX-License-Identifier: GPL-2.0-or-later
"""What the induction takes for known, and that it refuses scans that are wrong. Needs PROVE_IMAGE."""

import os
import unittest

from errors import NotUnderstood
from image import Image
from induction import Induction, NotInductive, Point, Step, Walks
from lift import Lifter
from machine import Machine
from maps import SCAN
from state import Fork, take
from test_refusals import with_code, word
from values import settle, unknown
from window import CURSOR, START, Elsewhere, split, variables

# mov 4(%esp), %eax; mov 8(%esp), %edx; mov 12(%esp), %ecx: from the stack to where gcc has them.
TAKE = [0x8B, 0x44, 0x24, 4, 0x8B, 0x54, 0x24, 8, 0x8B, 0x4C, 0x24, 12]


def scan_with(code):
    """A scan that does this, and then what the shipped one does."""
    scan = Image(os.environ["PROVE_IMAGE"]).symbols[SCAN]
    # push $scan; ret
    return with_code(SCAN, [*TAKE, *code, 0x68, *word(scan), 0xC3])


class Wrong(unittest.TestCase):
    def refused(self, image, words, kind=NotInductive):
        with self.assertRaisesRegex(kind, words):
            Induction(Walks(image, False), Lifter(image)).run()

    def test_no_scan_at_all(self):
        self.refused(with_code(SCAN, [0xC3]), "against returns")

    def test_another_end(self):
        # add $1, %ecx
        self.refused(scan_with([0x83, 0xC1, 1]), "against")

    def test_an_entry_left_out(self):
        # mov 4(%edx), %edx
        self.refused(scan_with([0x8B, 0x52, 4]), "memory at the end: entry")

    def test_a_store_before(self):
        # addl $1, 8(%edx): the limit of the first entry
        self.refused(scan_with([0x83, 0x42, 8, 1]), "memory|against")

    def test_the_third_entry_is_another(self):
        # mov 4(%edx), %eax; mov 4(%eax), %eax; addl $1, 8(%eax); and again the map
        code = [0x8B, 0x42, 4, 0x8B, 0x40, 4, 0x83, 0x40, 8, 1, 0x8B, 0x44, 0x24, 4]
        self.refused(scan_with(code), "memory at the end: header")

    def test_a_loop_without_an_end(self):
        self.refused(with_code(SCAN, [0xEB, 0xFE]), "a path of more than")

    def test_a_pointer_that_is_no_link(self):
        # mov object(%edx), %edx; mov (%edx), %eax
        member = Image(os.environ["PROVE_IMAGE"]).byte("vm_map_entry", "object.vm_object")
        self.refused(scan_with([0x8B, 0x52, member, 0x8B, 0x02]), "not modelled", NotUnderstood)


class Window(unittest.TestCase):
    def setUp(self):
        self.case = Walks(Image(os.environ["PROVE_IMAGE"]), False)
        self.state, _ = self.case.start("ours")
        self.world = self.case.world

    def test_the_entry_that_is_there(self):
        self.assertEqual(self.state.choose(settle(START + 8)), self.world.here + 8)

    def test_another_is_the_header_or_elsewhere(self):
        link = self.state.load(settle(START + 4), 4)
        for header, outcome in [(True, self.world.header + 12), (False, None)]:
            state = self.state.copy()
            with self.assertRaises(Fork) as fork:
                state.choose(settle(link + 12))
            take(state.chosen, fork.exception.term, header)
            if header:
                self.assertEqual(state.choose(settle(link + 12)), outcome)
                continue
            with self.assertRaises(Elsewhere) as end:
                state.choose(settle(link + 12))
            self.assertIs(end.exception.value, link)

    def test_what_is_no_link_leads_nowhere(self):
        with self.assertRaises(Fork) as fork:
            self.state.choose(unknown("entry.offset", 32))
        self.assertIs(fork.exception.term, unknown("entry.offset", 32))


class Points(unittest.TestCase):
    """What is kept from step to step, and nothing else."""

    def setUp(self):
        self.case = Walks(Image(os.environ["PROVE_IMAGE"]), False)
        self.state, _ = self.case.start("ours")
        Machine(Lifter(self.case.image), None).start(self.state, self.case.address("ours"))
        self.link = self.state.load(settle(START + 4), 4)

    def keep(self, value, pointer=None, cursor=CURSOR):
        pointer = self.link if pointer is None else pointer
        return Point(self.state, pointer, cursor, None).keep("here", value)

    def test_the_new_entry(self):
        self.assertIs(self.keep(self.link), CURSOR)
        self.assertEqual(split(self.keep(settle(self.link + 8))), (CURSOR, 8))

    def test_what_does_not_change(self):
        for value in (START, settle(START + 8), unknown("end", 32), unknown("kept.ebx", 32), 7):
            self.assertIs(self.keep(value), value)
        self.assertIs(self.keep(START, START, START), START)

    def test_all_else_is_anything(self):
        for value in (CURSOR, unknown("entry.links.end", 32), unknown("map.size", 32)):
            self.assertEqual(variables(self.keep(value)), {"ours.here"})

    def test_which_step_covers_which(self):
        def step(*registers):
            self.state.put("eax", registers[0])
            self.state.put("ecx", registers[1])
            points = {side: Point(self.state, self.link, CURSOR, None) for side in ("shipped", "ours")}
            return Step(self.case, CURSOR, points, [])

        anything = unknown("map.size", 32)
        self.assertTrue(step(1, anything).covers(step(1, 2)))
        self.assertFalse(step(1, 2).covers(step(1, anything)))
        self.assertFalse(step(1, anything).covers(step(2, 2)))
        self.assertTrue(step(1, START).covers(step(1, START)))
        self.assertFalse(step(1, START).covers(step(1, self.link)))
        whole = step(1, 2)
        self.state.stack.forget(self.case.world.esp, 4)
        self.assertFalse(step(1, 2).covers(whole), "it has nothing where the other has the return")


if __name__ == "__main__":
    unittest.main()
