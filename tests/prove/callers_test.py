# SPDX-License-Identifier: GPL-2.0-or-later
"""That proofs of the callers refuse what is wrong, and what they do not understand. Needs PROVE_IMAGE,
an image of an object with the callers."""

import os
import unittest

from callers import Call, Locked, inherits, shapes, trees
from contracts import COALESCE, FOUND, Contracts, Inner
from errors import NotUnderstood
from image import Image
from induction import Induction, NotInductive
from lift import Lifter
from proof import Proof
from ranges import Ranges
from state import Fork, take
from test_refusals import with_code, word
from values import settle, unknown
from window import Elsewhere

INHERIT = "vm_map_inherit"


def shipped(function):
    return list(word(Image(os.environ["PROVE_IMAGE"]).symbols[function]))


def before(code):
    """An inherit that does this, and then what the shipped one does."""
    # push $inherit; ret
    return with_code(INHERIT, [*code, 0x68, *shipped(INHERIT), 0xC3])


class Wrong(unittest.TestCase):
    def refused(self, image, words, kind=NotInductive):
        with self.assertRaisesRegex(kind, words):
            Induction(Ranges(image, INHERIT), Lifter(image)).run()

    def test_the_shipped_code_is_equal_to_itself(self):
        # nop
        image = before([0x90])
        self.assertIsNone(Induction(Ranges(image, INHERIT), Lifter(image)).run())

    def test_nothing_at_all(self):
        # xor %eax, %eax; ret
        self.refused(with_code(INHERIT, [0x31, 0xC0, 0xC3]), "ours does not: call lock_write")

    def test_another_range(self):
        # addl $1, 12(%esp)
        self.refused(before([0x83, 0x44, 0x24, 12, 1]), "against|argument")

    def test_another_inheritance(self):
        # addl $1, 16(%esp)
        self.refused(before([0x83, 0x44, 0x24, 16, 1]), "memory")

    def test_a_read_without_the_lock(self):
        # mov 4(%esp), %ecx; mov size(%ecx), %ecx
        member = Image(os.environ["PROVE_IMAGE"]).byte("vm_map", "size")
        self.refused(before([0x8B, 0x4C, 0x24, 4, 0x8B, 0x49, member]), "is read without the map's lock",
                     NotUnderstood)

    def test_a_small_map_tells_too(self):
        image = before([0x83, 0x44, 0x24, 16, 1])
        difference = Proof(inherits(image, 1, True)[0], Lifter(image)).run()
        self.assertTrue(difference.understood, difference.what)


class Calls(unittest.TestCase):
    """What is taken for a call of the clips, the coalesce and the scan."""

    def setUp(self):
        self.image = Image(os.environ["PROVE_IMAGE"])
        self.case = Ranges(self.image, INHERIT)
        self.world = self.case.world
        self.state, _ = self.case.start("ours")
        self.state.others = None
        self.contracts = Contracts(self.world, self.case.others)

    def decide(self, answer, ask):
        """Asks until nothing is open, with the same answer to each."""
        while True:
            try:
                return ask()
            except Fork as fork:
                take(self.state.chosen, fork.term, answer(fork.term))

    def test_who_touches(self):
        link = self.state.load(self.world.here, 4)
        outcomes = []
        for header, ends in [(True, None), (False, False), (False, True)]:
            self.state.chosen = {}
            answers = {str(settle(link == self.world.header)): header}
            outcomes.append(self.decide(lambda term: answers.get(str(term), ends if "end" in str(term) else False),
                                        lambda: self.contracts.touches(self.state, FOUND)))
        self.assertEqual(outcomes, [False, False, True])
        self.assertFalse(self.contracts.touches(self.state, self.world.header))

    def test_an_old_link_leads_elsewhere(self):
        link = self.state.load(self.world.here, 4)
        take(self.state.chosen, settle(link == self.world.header), False)
        self.assertEqual(self.state.choose(link), self.world.before)
        self.state.memory.write(self.world.here, 4, unknown("later.links.prev", 32))
        with self.assertRaises(Elsewhere):
            self.state.choose(link)

    def test_a_call_changes_all_but_the_limits(self):
        old = dict(self.state.memory.content)
        self.contracts.change(self.state, "test")
        kept = {a for a, byte in self.state.memory.content.items() if byte is old[a]}
        limit = self.world.map + self.image.byte("vm_map", "hdr.links.start")
        outside = {self.world.privilege, self.image.place["kernel_pmap"], self.image.place["active_thread"]}
        expected = set(range(limit, limit + 8)).union(*[range(at, at + 4) for at in outside])
        self.assertEqual(kept, expected)

    def test_our_own_functions_are_there(self):
        self.assertIsNotNone(Inner(self.image, COALESCE).address)


class Maps(unittest.TestCase):
    def test_the_header_of_what_is_read_before_the_lock(self):
        case = inherits(Image(os.environ["PROVE_IMAGE"]), 1)[0]
        self.assertIsInstance(case, Call)
        self.assertIsInstance(case.others, Locked)
        state, _ = case.start("ours")
        with self.assertRaisesRegex(NotUnderstood, "header.* is read without"):
            state.load(case.world.header + 8, 4)

    def test_all_trees(self):
        self.assertEqual([len(trees(count)) for count in (1, 2)], [1, 2])
        self.assertEqual(len(list(shapes([0]))), 2)


if __name__ == "__main__":
    unittest.main()
