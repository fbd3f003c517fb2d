# SPDX-License-Identifier: GPL-2.0-or-later
"""Machine code as VEX statements, and where each register lies in VEX's guest state."""

import pyvex

ARCH = pyvex.ARCH_X86
REGISTERS = {
    name: ARCH.get_register_offset(name)
    for name in ("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "cc_op", "cc_dep1",
                 "cc_dep2", "cc_ndep", "dflag", "gs", "ldt", "gdt")
}
WIDTHS = {"Ity_I1": 1, "Ity_I8": 8, "Ity_I16": 16, "Ity_I32": 32, "Ity_I64": 64}


class Block:
    """A run of instructions that is entered at its start alone."""

    def __init__(self, address, irsb):
        self.address = address
        self.irsb = irsb
        self.statements = irsb.statements
        self.next = irsb.next
        self.jumpkind = irsb.jumpkind
        self.widths = [WIDTHS.get(kind) for kind in irsb.tyenv.types]
        self.atomic_loads = self.find_atomic_loads()
        self.instructions = [s.addr for s in self.statements if s.tag == "Ist_IMark"]

    def find_atomic_loads(self):
        """The loads that a compare-and-swap of the same instruction completes."""
        found, since = set(), []
        for index, statement in enumerate(self.statements):
            if statement.tag == "Ist_IMark":
                since = []
            elif statement.tag == "Ist_WrTmp" and statement.data.tag == "Iex_Load":
                since.append(index)
            elif statement.tag == "Ist_CAS":
                found.update(since)
        return found


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
