# SPDX-License-Identifier: GPL-2.0-or-later
"""What the functions find: a map, its entries, a thread, and the lock around the map's hint.

Things lie where the oracle has them, so that a state of here is one of there.
"""

import z3

from errors import NotUnderstood
from lift import REGISTERS
from machine import RETURN
from values import join, known, part, unknown

# What a register of these holds at a call must be there again at the return.
KEPT = ("ebx", "esi", "edi", "ebp")
GS = 0x30
# How often in one call another CPU is found to hold the hint's lock, by an exchange and by a look.
MOST_WAITS = 1
# Whether another CPU holds it when it is first tried.
HELD = unknown("hint_lock.try0", 1)


class World:
    def __init__(self, image, entries, strangers=0, spare=0):
        self.image = image
        place = image.place
        self.map = place["map"]
        self.header = self.map + image.byte("vm_map", "hdr")
        self.map_size = image.size("vm_map")
        self.entry_size = image.size("vm_map_entry")
        step = self.entry_size + 15 & ~15
        first = place["free"]
        everyone = [first + step * number for number in range(entries + strangers + spare)]
        self.entries, self.strangers = everyone[:entries], everyone[entries:entries + strangers]
        # Memory that an entry may be allocated in, one after another.
        self.spare = everyone[entries + strangers:]
        self.arena_end = first + step * len(everyone)
        self.names = {entry: f"e{i}" for i, entry in enumerate(self.entries)}
        self.names.update({entry: f"new{i}" for i, entry in enumerate(self.strangers + self.spare)})
        # Whether the code of the tree of entries is followed, as that of the gap tree is.
        self.follows_tree = False
        # Whether an entry that was freed may be read again, as upstream's vm_map_protect does.
        self.reads_freed = False
        self.thread = place["thread"]
        self.privilege = self.thread + image.byte("thread", "vm_privilege")
        self.stack_start = place["stack"]
        self.stack_end = self.stack_start + place["stack_size"]
        self.esp = self.stack_end - 0x100
        self.return_esp = self.esp + 4
        self.hint = self.map + image.byte("vm_map", "hint")
        self.hint_lock = None
        if image.structs["vm_map"]["members"]["hint_lock"][1]:
            self.hint_lock = self.map + image.byte("vm_map", "hint_lock")
        self.gs, self.gs_base = GS, place["percpu_array"]

    def entry_name(self, address):
        """A pointer in words, for reports."""
        if not known(address):
            return str(address)
        things = [(self.header, 16, "header"), (self.map, self.map_size, "map")]
        things += [(entry, self.entry_size, name) for entry, name in self.names.items()]
        for start, size, name in things:
            if start <= address < start + size:
                return f"{name}+{address - start:#x}" if address != start else name
        return f"{address:#x}"

    # The first state

    def fill(self, memory, base, structure, name):
        """Every member and every byte between them: a value that nothing is known of."""
        for offset, size, member in self.image.pieces(structure):
            if base + offset != self.hint_lock:
                memory.write(base + offset, size, unknown(f"{name}.{member}", 8 * size))

    def set_member(self, memory, base, structure, member, value):
        memory.write(base + self.image.byte(structure, member), 4, value)

    def set_bit(self, memory, entry, member, value):
        """Makes one bit of an entry known."""
        byte, bit = self.image.bit("vm_map_entry", member)
        old = memory.read(entry + byte, 1)
        parts = [(value, 1)]
        if bit > 0:
            parts.insert(0, (part(old, 0, bit), bit))
        if bit < 7:
            parts.append((part(old, bit + 1, 7 - bit), 7 - bit))
        memory.write(entry + byte, 1, join(parts))

    def first_memory(self, state):
        """A map whose ring is whole; all else is free. Returns the conditions on it."""
        memory = state.memory
        self.fill(memory, self.map, "vm_map", "map")
        for entry in self.entries + self.strangers:
            self.fill(memory, entry, "vm_map_entry", self.names[entry])
        ring = [self.header, *self.entries]
        for at, entry in enumerate(ring):
            self.set_link(memory, entry, "prev", ring[at - 1])
            self.set_link(memory, entry, "next", ring[(at + 1) % len(ring)])
        return self.surroundings(memory)

    def surroundings(self, memory):
        """What lies outside of the map."""
        memory.write(self.privilege, 4, unknown("thread.vm_privilege", 32))
        memory.write(self.image.place["kernel_pmap"], 4, unknown("kernel_pmap", 32))
        thread = unknown("active_thread", 32)
        memory.write(self.image.place["active_thread"], 4, thread)
        return [z3.Or(thread == 0, thread == self.thread)]

    def place(self, _state, _address):
        """Where something lies whose address is no number: nowhere that is known of itself."""
        return None

    def set_link(self, memory, entry, which, to):
        # The header begins with the same links as an entry.
        self.set_member(memory, entry, "vm_map_entry", f"links.{which}", to)

    def first_registers(self, state, arguments):
        """As at a call: `arguments` on the stack, or a register's name each with its value."""
        for name in ("eax", "ecx", "edx", "cc_op", "cc_dep1", "cc_dep2", "cc_ndep"):
            state.put(name, state.fresh(name, 32))
        for name in KEPT:
            state.put(name, unknown(f"kept.{name}", 32))
        state.put("dflag", 1)
        state.put("gs", self.gs)
        for table in ("ldt", "gdt"):
            state.registers.write(REGISTERS[table], 8, 0)
        state.put("esp", self.esp)
        state.stack.write(self.esp, 4, RETURN)
        if isinstance(arguments, dict):
            for name, value in arguments.items():
                state.put(name, value)
        else:
            for index, value in enumerate(arguments):
                state.stack.write(self.esp + 4 + 4 * index, 4, value)

    # Stores

    def may_write(self, address, size):
        for start, length in [(self.map, self.map_size), (self.privilege, 4)] + \
                [(entry, self.entry_size) for entry in self.names]:
            if start <= address and address + size <= start + length:
                return True
        return False

    def note_store(self, state, address, size, value):
        if address < self.hint + 4 and address + size > self.hint:
            if (address, size) != (self.hint, 4):
                raise NotUnderstood("a store to a part of the hint")
            state.events.append(("store", "the hint", [(value, 32)], None))

    # The hint's lock: one word, 0 or 1, that other CPUs hold now and then.

    def load_to_exchange(self, state, address, size):
        if address != self.hint_lock or size != 4:
            raise NotUnderstood(f"an exchange at {address:#x}")
        if state.holds_hint_lock:
            return 1
        held = 0
        if state.tries < MOST_WAITS:
            held = state.choose(unknown(f"hint_lock.try{state.tries}", 1))
        state.tries += 1
        return held

    def look_at_hint_lock(self, state, size):
        if size != 4:
            raise NotUnderstood("a read of a part of the hint's lock")
        if state.holds_hint_lock:
            return 1
        held = 0
        if state.looks < MOST_WAITS:
            held = state.choose(unknown(f"hint_lock.look{state.looks}", 1))
        state.looks += 1
        return held

    def exchange(self, state, address, found, stored):
        if address != self.hint_lock or not known(found) or stored not in (0, 1):
            raise NotUnderstood(f"an exchange at {address:#x}")
        if stored == 0:
            state.events.append(("store", "the hint's lock: free", [], None))
            state.holds_hint_lock = False
        elif found == 0:
            state.events.append(("store", "the hint's lock: taken", [], None))
            state.holds_hint_lock = True
