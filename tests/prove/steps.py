# SPDX-License-Identifier: GPL-2.0-or-later
"""What each statement of a block does to a state, worked out once for the block.

A statement becomes a step, a function of the machine and the state, which says whether it jumped.
An expression becomes a function of the state. What is not understood says so when it is run: code
that no path comes to need not be.
"""

from errors import NotUnderstood
from ops import HELPERS, choose, operation
from values import known

WIDTHS = {"Ity_I1": 1, "Ity_I8": 8, "Ity_I16": 16, "Ity_I32": 32, "Ity_I64": 64}
# Jumps that mean nothing besides.
PLAIN_JUMPS = ("Ijk_Boring", "Ijk_Yield")


def not_understood(what):
    def refuse(*_):
        raise NotUnderstood(what)

    return refuse


class Steps:
    """The steps of a block."""

    def __init__(self, irsb):
        self.widths = [WIDTHS.get(kind) for kind in irsb.tyenv.types]
        statements = irsb.statements
        atomic_loads = find_atomic_loads(statements)
        makers = {"Ist_WrTmp": self.write_temporary, "Ist_Put": self.put, "Ist_Store": self.store,
                  "Ist_Exit": self.exit, "Ist_IMark": self.mark, "Ist_CAS": self.compare_and_swap}
        self.steps = []
        for index, statement in enumerate(statements):
            if statement.tag in ("Ist_NoOp", "Ist_AbiHint"):
                continue
            maker = makers.get(statement.tag)
            if maker is None:
                self.steps.append(not_understood(f"a statement of kind {statement.tag}"))
            elif index in atomic_loads:
                self.steps.append(self.load_to_exchange(statement))
            else:
                self.steps.append(maker(statement))
        self.next = self.value(irsb.next)

    # Statements

    def write_temporary(self, statement):
        number, value = statement.tmp, self.value(statement.data)

        def step(_machine, state):
            state.temporaries[number] = value(state)

        return step

    def put(self, statement):
        offset, value = statement.offset, self.value(statement.data)
        width = self.width(statement.data)
        if width not in (8, 16, 32):
            return not_understood(f"a register is set to {statement.data}")
        size = width // 8

        def step(_machine, state):
            state.registers.write(offset, size, value(state))

        return step

    def store(self, statement):
        address, value = self.value(statement.addr), self.value(statement.data)
        width = self.width(statement.data)
        if width not in (8, 16, 32):
            return not_understood(f"a store of the type of {statement.data}")
        size = width // 8

        def step(_machine, state):
            state.store(address(state), size, value(state))

        return step

    def exit(self, statement):
        guard, target, kind = self.value(statement.guard), statement.dst.value, statement.jumpkind

        def step(machine, state):
            if not state.choose(guard(state)):
                return False
            if kind not in PLAIN_JUMPS:
                raise NotUnderstood(f"an exit of kind {kind}")
            machine.enter(state, target)
            return True

        return step

    def mark(self, statement):
        address = statement.addr

        def step(machine, state):
            machine.executed.add(address)
            state.trace = (state.trace, address)

        return step

    def load_to_exchange(self, statement):
        """The load that a compare-and-swap of the same instruction completes."""
        number, address = statement.tmp, self.value(statement.data.addr)
        size = size_of(statement.data.ty)

        def step(_machine, state):
            found = state.world.load_to_exchange(state, state.choose(address(state)), size)
            state.temporaries[number] = found

        return step

    def compare_and_swap(self, statement):
        """An exchange: it always finds what the load before it found."""
        if statement.oldHi != 0xFFFFFFFF or statement.dataHi is not None:
            return not_understood("a compare-and-swap of two words")
        number, address = statement.oldLo, self.value(statement.addr)
        expected, data = self.value(statement.expdLo), self.value(statement.dataLo)

        def step(_machine, state):
            at, found = state.choose(address(state)), expected(state)
            state.world.exchange(state, at, found, data(state))
            state.temporaries[number] = found

        return step

    # Expressions

    def width(self, expression):
        if expression.tag == "Iex_RdTmp":
            return self.widths[expression.tmp]
        return expression.con.size if expression.tag == "Iex_Const" else None

    def value(self, expression):
        tag = expression.tag
        if tag == "Iex_RdTmp":
            number = expression.tmp
            return lambda state: state.temporaries[number]
        if tag == "Iex_Const":
            constant = expression.con.value
            constant = bool(constant) if expression.con.tag == "Ico_U1" else constant
            return lambda state: constant
        if tag == "Iex_Get":
            offset, size = expression.offset, size_of(expression.ty)
            return lambda state: state.registers.read(offset, size)
        if tag == "Iex_Load":
            address, size = self.value(expression.addr), size_of(expression.ty)
            return lambda state: state.load(address(state), size)
        if tag in ("Iex_Unop", "Iex_Binop"):
            return self.operation(expression.op, [self.value(a) for a in expression.args])
        if tag == "Iex_ITE":
            guard, yes, no = [self.value(part) for part in (
                expression.cond, expression.iftrue, expression.iffalse)]
            bits = self.width(expression.iftrue)
            return lambda state: choose(guard(state), yes(state), no(state), bits)
        if tag == "Iex_CCall":
            return self.helper(expression.cee.name, [self.value(a) for a in expression.args])
        return not_understood(f"an expression of kind {tag}")

    def operation(self, name, arguments):
        if len(arguments) == 1:
            only = arguments[0]
            return lambda state: operation(name, only(state))
        first, second = arguments
        return lambda state: operation(name, first(state), second(state))

    def helper(self, name, arguments):
        if name == "x86g_use_seg_selector":
            return lambda state: use_selector(state, *[a(state) for a in arguments])
        meaning = HELPERS.get(name)
        if meaning is None:
            return not_understood(f"VEX's helper {name}")
        return lambda state: meaning(*[a(state) for a in arguments])


def find_atomic_loads(statements):
    """The loads that a compare-and-swap of the same instruction completes."""
    found, since = set(), []
    for index, statement in enumerate(statements):
        if statement.tag == "Ist_IMark":
            since = []
        elif statement.tag == "Ist_WrTmp" and statement.data.tag == "Iex_Load":
            since.append(index)
        elif statement.tag == "Ist_CAS":
            found.update(since)
    return found


def size_of(kind):
    """Bytes of a type. The descriptor tables are pointers of 64 bits."""
    if kind not in ("Ity_I8", "Ity_I16", "Ity_I32", "Ity_I64"):
        raise NotUnderstood(f"a value of type {kind}")
    return WIDTHS[kind] // 8


def use_selector(state, _ldt, _gdt, selector, address):
    """x86g_use_seg_selector: gs begins at percpu_array. A failure would be in the high half."""
    if selector != state.world.gs or not known(address):
        raise NotUnderstood("a segment other than gs")
    return (state.world.gs_base + address) & 0xFFFFFFFF
