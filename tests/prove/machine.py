# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs lifted code along one path, up to a choice or an end."""

from errors import Endless, NotUnderstood
from ops import HELPERS, choose, operation
from values import known

# Where the functions return to: no code is there.
RETURN = 0x1000
MOST_BLOCKS = 3000
# Jumps that mean nothing besides.
PLAIN_JUMPS = ("Ijk_Boring", "Ijk_Yield")


class Ended(Exception):
    """The path is over: what it returned, or the assertion that stopped it."""

    def __init__(self, how, value):
        super().__init__(how)
        self.how, self.value = how, value


class Machine:
    def __init__(self, lifter, callees):
        self.lifter = lifter
        self.callees = callees
        self.executed = set()

    def run(self, state):
        """Goes on until the state must choose (Fork) or is at its end (Ended)."""
        try:
            while True:
                self.run_block(state)
        except NotUnderstood as reason:
            reason.state = state
            raise

    def start(self, state, address):
        """Calls the function at `address`."""
        state.block = self.lifter.block(address)
        state.index = 0
        state.temporaries = [None] * len(state.block.widths)

    def enter(self, state, address):
        """Jumps; a function that is not followed is played."""
        if address == RETURN:
            raise Ended("returns", state.get("eax"))
        state.steps += 1
        if state.steps > MOST_BLOCKS:
            raise Endless(f"a path of more than {MOST_BLOCKS} blocks")
        address = self.callees.enter(state, address)
        if address == RETURN:
            # A jump to a function in place of a call and a return.
            raise Ended("returns", state.get("eax"))
        self.start(state, address)

    def run_block(self, state):
        block = state.block
        statements = block.statements
        while state.index < len(statements):
            statement = statements[state.index]
            tag = statement.tag
            if tag == "Ist_WrTmp":
                value = self.value(state, statement.data, state.index)
                state.temporaries[statement.tmp] = value
            elif tag == "Ist_Put":
                width = self.width(block, statement.data)
                value = self.value(state, statement.data)
                state.registers.write(statement.offset, width // 8, value)
            elif tag == "Ist_Store":
                width = self.width(block, statement.data)
                address = self.value(state, statement.addr)
                state.store(address, width // 8, self.value(state, statement.data))
            elif tag == "Ist_Exit":
                if state.choose(self.value(state, statement.guard)):
                    if statement.jumpkind not in PLAIN_JUMPS:
                        raise NotUnderstood(f"an exit of kind {statement.jumpkind}")
                    self.enter(state, statement.dst.value)
                    return
            elif tag == "Ist_IMark":
                self.executed.add(statement.addr)
                state.trace = (state.trace, statement.addr)
            elif tag == "Ist_CAS":
                self.compare_and_swap(state, statement)
            elif tag not in ("Ist_NoOp", "Ist_AbiHint"):
                raise NotUnderstood(f"a statement of kind {tag}")
            state.index += 1
        self.leave(state, block)

    def leave(self, state, block):
        target = state.choose(self.value(state, block.next))
        if block.jumpkind == "Ijk_Ret":
            esp = state.choose(state.get("esp"))
            if target == RETURN and esp != state.world.return_esp:
                raise NotUnderstood(f"a return with the stack pointer at {esp:#x}")
        elif block.jumpkind not in PLAIN_JUMPS and block.jumpkind != "Ijk_Call":
            raise NotUnderstood(f"a jump of kind {block.jumpkind} at {block.address:#x}")
        self.enter(state, target)

    def compare_and_swap(self, state, statement):
        """An exchange: it always finds what the load before it found."""
        if statement.oldHi != 0xFFFFFFFF or statement.dataHi is not None:
            raise NotUnderstood("a compare-and-swap of two words")
        address = state.choose(self.value(state, statement.addr))
        expected = self.value(state, statement.expdLo)
        data = self.value(state, statement.dataLo)
        state.world.exchange(state, address, expected, data)
        state.temporaries[statement.oldLo] = expected

    def width(self, block, expression):
        width = None
        if expression.tag == "Iex_RdTmp":
            width = block.widths[expression.tmp]
        elif expression.tag == "Iex_Const":
            width = expression.con.size
        if width not in (8, 16, 32):
            raise NotUnderstood(f"a store of the type of {expression}")
        return width

    def value(self, state, expression, index=None):
        tag = expression.tag
        if tag == "Iex_RdTmp":
            return state.temporaries[expression.tmp]
        if tag == "Iex_Const":
            value = expression.con.value
            return bool(value) if expression.con.tag == "Ico_U1" else value
        if tag == "Iex_Get":
            return state.registers.read(expression.offset, _bytes(expression.ty))
        if tag == "Iex_Load":
            address = self.value(state, expression.addr)
            size = _bytes(expression.ty)
            if index in state.block.atomic_loads:
                return state.world.load_to_exchange(state, state.choose(address), size)
            return state.load(address, size)
        if tag in ("Iex_Unop", "Iex_Binop"):
            return operation(expression.op, [self.value(state, a) for a in expression.args])
        if tag == "Iex_ITE":
            guard = self.value(state, expression.cond)
            yes = self.value(state, expression.iftrue)
            no = self.value(state, expression.iffalse)
            bits = state.block.widths[expression.iftrue.tmp] \
                if expression.iftrue.tag == "Iex_RdTmp" else expression.iftrue.con.size
            return choose(guard, yes, no, bits)
        if tag == "Iex_CCall":
            return self.helper(state, expression)
        raise NotUnderstood(f"an expression of kind {tag}")

    def helper(self, state, expression):
        name = expression.cee.name
        arguments = [self.value(state, a) for a in expression.args]
        if name == "x86g_use_seg_selector":
            return use_selector(state, *arguments)
        if name not in HELPERS:
            raise NotUnderstood(f"VEX's helper {name}")
        return HELPERS[name](*arguments)


def _bytes(kind):
    # The descriptor tables are pointers of 64 bits.
    if kind not in ("Ity_I8", "Ity_I16", "Ity_I32", "Ity_I64"):
        raise NotUnderstood(f"a value of type {kind}")
    return int(kind[5:]) // 8


def use_selector(state, _ldt, _gdt, selector, address):
    """x86g_use_seg_selector: gs begins at percpu_array. A failure would be in the high half."""
    if selector != state.world.gs or not known(address):
        raise NotUnderstood("a segment other than gs")
    return (state.world.gs_base + address) & 0xFFFFFFFF
