# SPDX-License-Identifier: GPL-2.0-or-later
"""Machine code as VEX statements, and where each register lies in VEX's guest state."""

import pyvex

from steps import Steps

ARCH = pyvex.ARCH_X86
REGISTERS = {
    name: ARCH.get_register_offset(name)
    for name in ("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "cc_op", "cc_dep1",
                 "cc_dep2", "cc_ndep", "dflag", "gs", "ldt", "gdt")
}


class Block:
    """A run of instructions that is entered at its start alone."""

    def __init__(self, address, irsb):
        self.address = address
        self.jumpkind = irsb.jumpkind
        made = Steps(irsb)
        self.steps, self.next, self.temporaries = made.steps, made.next, len(made.widths)


class Lifter:
    """Lifts each address once."""

    def __init__(self, image):
        self.image = image
        self.blocks = {}

    def block(self, address):
        block = self.blocks.get(address)
        if block is None:
            code = self.image.code(address)
            block = Block(address, pyvex.lift(code, address, ARCH, opt_level=1, max_inst=99))
            self.blocks[address] = block
        return block
