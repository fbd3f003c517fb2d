# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever is not understood ends the proof. Each way is shown with machine code that takes it.

Needs PROVE_IMAGE, a folder that `oracle image` wrote; the code here takes our coalesce's place.
"""

import os
import unittest

import explore
import suites
from image import Image
from lift import Lifter
from maps import Case, COALESCE, SCAN
from proof import Proof

OURS = 0x40000000


def with_code(function, code):
    """The image, with `code` as our function."""
    image = Image(os.environ["PROVE_IMAGE"])
    region = next(region for region in image.regions if region.what == "ours")
    region.bytes = bytes(code) + b"\xcc" * (len(region.bytes) - len(code))
    image.ours = {**image.ours, function: OURS}
    return image


def word(value):
    return list(value.to_bytes(4, "little"))


def outcome(code, function=COALESCE, position=1):
    """What a proof says of the code: None for proved, else the Difference."""
    image = with_code(function, code)
    case = Case(image, function, 2, position)
    return Proof(case, Lifter(image)).run()


class Refusals(unittest.TestCase):
    def refused(self, code, words, position=1):
        difference = outcome(code, position=position)
        self.assertIsNotNone(difference, "it was proved")
        self.assertFalse(difference.understood, difference.what)
        self.assertIn(words, difference.what)

    def test_an_unknown_operation(self):
        # imul %ecx, %eax
        self.refused([0x0F, 0xAF, 0xC1, 0xC3], "the operation Iop_Mul32")

    def test_an_unknown_helper(self):
        # cpuid
        self.refused([0x0F, 0xA2, 0xC3], "a statement of kind Ist_Dirty")

    def test_unknown_flags(self):
        # shl %eax; jo
        self.refused([0xD1, 0xE0, 0x70, 0x00, 0xC3], "flags of kind")

    def test_a_trap(self):
        self.refused([0xCC], "a jump of kind Ijk_SigTRAP")

    def test_what_is_no_instruction(self):
        self.refused([0x0F, 0x0B], "a jump of kind Ijk_NoDecode")

    def test_a_jump_to_nowhere(self):
        # mov $0x5000, %eax; jmp *%eax
        self.refused([0xB8, *word(0x5000), 0xFF, 0xE0], "where no code is")

    def test_a_jump_to_anywhere(self):
        # jmp *%eax: whatever the caller left there
        self.refused([0xFF, 0xE0], "where no code is")

    def test_an_unknown_address(self):
        # mov 0x5000, %eax
        self.refused([0xA1, *word(0x5000), 0xC3], "which is not modelled")

    def test_a_pointer_that_may_be_anything(self):
        # mov 8(%esp), %ecx; mov object(%ecx), %ecx; mov (%ecx), %eax
        member = Image(os.environ["PROVE_IMAGE"]).byte("vm_map_entry", "object.vm_object")
        self.refused([0x8B, 0x4C, 0x24, 0x08, 0x8B, 0x49, member, 0x8B, 0x01, 0xC3],
                     "which is not modelled")

    def test_a_table_that_is_too_long(self):
        # mov 4(%esp), %ecx; movzbl timestamp(%ecx), %eax; and $31, %eax; movzbl 12(%ecx, %eax), %eax;
        # mov %eax, -4(%esp)
        member = Image(os.environ["PROVE_IMAGE"]).byte("vm_map", "timestamp")
        code = [0x8B, 0x4C, 0x24, 0x04, 0x0F, 0xB6, 0x41, member, 0x83, 0xE0, 0x1F]
        code += [0x0F, 0xB6, 0x44, 0x01, 12, 0x89, 0x44, 0x24, 0xFC, 0x31, 0xC0, 0xC3]
        self.refused(code, "more than 16 values", position=2)

    def test_the_kernels_own_data(self):
        image = Image(os.environ["PROVE_IMAGE"])
        self.refused([0xA1, *word(image.symbols["vm_map_entry_cache"]), 0xC3],
                     "which is not modelled")

    def test_an_unset_byte(self):
        # mov -8(%esp), %eax
        self.refused([0x8B, 0x44, 0x24, 0xF8, 0xC3], "was never set")

    def test_a_stray_store(self):
        # mov %eax, 0x5000
        self.refused([0xA3, *word(0x5000), 0xC3], "a store of 4 bytes to 0x5000")

    def test_a_store_to_code(self):
        self.refused([0xA3, *word(OURS), 0xC3], "a store of 4 bytes")

    def test_an_exchange_elsewhere(self):
        # mov 4(%esp), %ecx; xchg %eax, (%ecx)
        self.refused([0x8B, 0x4C, 0x24, 0x04, 0x87, 0x01, 0xC3], "an exchange at")

    def test_another_segment(self):
        # mov %fs:0, %eax
        self.refused([0x64, 0xA1, *word(0), 0xC3], "never set")

    def test_a_loop_without_an_end(self):
        self.refused([0xEB, 0xFE], "a path of more than")

    def test_a_return_with_another_stack(self):
        # ret $4
        self.refused([0xC2, 0x04, 0x00], "a return with the stack pointer at")

    def test_a_solver_that_gives_up(self):
        old = explore.z3.SimpleSolver
        explore.z3.SimpleSolver = lambda: tired(old())
        try:
            image = Image(os.environ["PROVE_IMAGE"])
            proof = Proof(Case(image, COALESCE, 2, 1), Lifter(image))
            with self.assertRaisesRegex(explore.Unknown, "gave up"):
                proof.run()
        finally:
            explore.z3.SimpleSolver = old

    def test_conditions_that_nothing_meets(self):
        image = Image(os.environ["PROVE_IMAGE"])
        case = Case(image, SCAN, 1, 0)
        order = case.in_order
        case.in_order = lambda state: [explore.z3.Not(c) for c in order(state)] + order(state)
        with self.assertRaisesRegex(Exception, "contradict"):
            Proof(case, Lifter(image)).run()


def tired(solver):
    """A solver that answers nothing."""
    solver.set("max_conflicts", 0)
    solver.set("rlimit", 1)
    return solver


class Counterexamples(unittest.TestCase):
    def test_the_hints_lock_is_free_or_held_as_asked(self):
        image = Image(os.environ["PROVE_IMAGE"])
        for held in (0, 1):
            seen = set()
            case = Case(image, COALESCE, 2, 1)
            proof = Proof(case, Lifter(image), lambda pair: seen.add(pair.holds_hint_lock()), held)
            self.assertIsNone(proof.run())
            self.assertEqual(seen, {held})

    def test_one_with_it_free_and_one_with_it_held(self):
        # xor %eax, %eax; ret
        image = with_code(COALESCE, [0x31, 0xC0, 0xC3])
        suites.WORKER["lifter"] = Lifter(image)
        proof = Proof(Case(image, COALESCE, 2, 1), Lifter(image))
        self.assertIsNotNone(proof.run())
        texts = suites.counterexamples(proof)
        if proof.case.world.hint_lock is None:
            self.assertEqual(len(texts), 1)
            return
        self.assertEqual(["hold_hint = true" in text for text in texts].count(True), 1)
        self.assertEqual(len(texts), 2)


class Differences(unittest.TestCase):
    def differs(self, code, words, position=1):
        difference = outcome(code, position=position)
        self.assertIsNotNone(difference, "it was proved")
        self.assertTrue(difference.understood, difference.what)
        self.assertIn(words, difference.what)

    def test_another_result(self):
        # Upstream refuses the header: mov $2, %eax; ret
        self.differs([0xB8, *word(2), 0xC3], "the result", position=2)

    def test_a_call_that_is_not_made(self):
        # xor %eax, %eax; ret
        difference = outcome([0x31, 0xC0, 0xC3])
        self.assertRegex(difference.what, "ours does not|against returns")

    def test_a_register_that_is_not_kept(self):
        # xor %eax, %eax; xor %ebx, %ebx; ret
        self.differs([0x31, 0xC0, 0x31, 0xDB, 0xC3], "register ebx", position=2)

    def test_the_direction_flag(self):
        # xor %eax, %eax; std; ret
        self.differs([0x31, 0xC0, 0xFD, 0xC3], "direction flag", position=2)

    def test_a_store_that_upstream_does_not_make(self):
        # mov 4(%esp), %ecx; incl (%ecx); xor %eax, %eax; ret
        self.differs([0x8B, 0x4C, 0x24, 0x04, 0xFF, 0x01, 0x31, 0xC0, 0xC3],
                     "memory at the end: map", position=2)

    def test_a_result_that_is_garbage(self):
        self.differs([0xC3], "the result", position=2)

    def test_the_right_answer_is_proved(self):
        self.assertIsNone(outcome([0x31, 0xC0, 0xC3], position=2))


if __name__ == "__main__":
    unittest.main()
