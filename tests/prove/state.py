# SPDX-License-Identifier: GPL-2.0-or-later
"""A point on a path through the code of one side."""

from errors import NotUnderstood, Stray
from lift import REGISTERS
from memory import Memory
from values import known, opposite, unknown


class Fork(Exception):
    """The path goes on by the value of a term, which must be chosen first."""

    def __init__(self, term):
        super().__init__()
        self.term = term


def take(chosen, term, value):
    """Notes that the term has this value."""
    chosen[term.ident] = value
    if isinstance(value, bool):
        chosen[opposite(term).ident] = not value


class State:
    """Registers, memory, and what happened so far."""

    def __init__(self, world, side):
        self.world = world
        self.side = side
        self.registers = Memory()
        self.stack = Memory()
        self.memory = Memory()
        self.block = None
        self.index = 0
        self.temporaries = None
        self.events = []
        # The values that were chosen on this path, by the term's ident.
        self.chosen = {}
        self.calls = self.allocated = self.lookups = 0
        self.names = 0
        # The entry that the path stands at, if it is to end here.
        self.pause = None
        self.steps = 0
        # The hint's lock: held by this thread, and how often it was tried and looked at.
        self.holds_hint_lock = False
        self.tries = self.looks = 0
        # Whether the map is unlocked, and what was read since others last acted.
        self.others = None
        # What each call returned and wrote, or None where its own code ran.
        self.effects = []
        # The instructions, as a list from the last one back.
        self.trace = None

    def copy(self):
        new = object.__new__(State)
        new.__dict__.update(self.__dict__)
        new.registers = self.registers.copy()
        new.stack = self.stack.copy()
        new.memory = self.memory.copy()
        new.temporaries = list(self.temporaries) if self.temporaries is not None else None
        new.events = list(self.events)
        new.chosen = dict(self.chosen)
        new.effects = list(self.effects)
        if self.others is not None:
            new.others = self.others.copy()
        return new

    # Choices

    def choose(self, term):
        """The number or bool that the term is on this path."""
        if isinstance(term, (int, bool)):
            return term
        found = self.chosen.get(term.ident)
        if found is None:
            found = self.world.place(self, term)
        if found is None:
            raise Fork(term)
        return found

    def fresh(self, what, bits):
        """A value that nothing is known of and that the other side need not have."""
        self.names += 1
        return unknown(f"{self.side}.{what}.{self.names}", bits)

    # Registers and memory

    def get(self, name):
        return self.registers.read(REGISTERS[name], 4)

    def put(self, name, value):
        self.registers.write(REGISTERS[name], 4, value)

    def load(self, address, size):
        address = self.choose(address)
        world = self.world
        if world.stack_start <= address < world.stack_end:
            return self.stack.read(address, size)
        if address == world.hint_lock:
            return world.look_at_hint_lock(self, size)
        if address in self.memory.content:
            if self.others is not None:
                self.others.note_read(self, address, size)
            return self.memory.read(address, size)
        constant = world.image.constant(address, size)
        if constant is None:
            raise NotUnderstood(f"a read of {size} bytes at {address:#x}, which is not modelled")
        return int.from_bytes(constant, "little")

    def store(self, address, size, value):
        address = self.choose(address)
        world = self.world
        if world.stack_start <= address < world.stack_end:
            self.stack.write(address, size, value)
            return
        if not world.may_write(address, size) or not self.memory.has(address, size):
            raise Stray(f"a store of {size} bytes to {address:#x}")
        world.note_store(self, address, size, value)
        self.memory.write(address, size, value)

    def instructions(self):
        """The addresses of all instructions of the path."""
        found, trace = set(), self.trace
        while trace is not None:
            trace, address = trace
            found.add(address)
        return found

    def last(self):
        """The address of the last instruction."""
        return self.trace[1] if self.trace else 0

    def argument(self, index):
        """The argument on the stack of the function that was just called."""
        esp = self.get("esp")
        if not known(esp):
            raise NotUnderstood("a stack pointer that is not known")
        return self.stack.read(esp + 4 + 4 * index, 4)
