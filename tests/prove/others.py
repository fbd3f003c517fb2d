# SPDX-License-Identifier: GPL-2.0-or-later
"""What other CPUs do to the map while this one has let go of its lock.

They may write anything they like into the map and into every entry, those that are marked in
transition included, and link other entries in anywhere. But a marked entry stays where it is in
the ring, with its limits: that is what the marks are for.
"""

import z3

from errors import NotUnderstood
from values import settle, unknown

# How often, after the map was let go, others put entries elsewhere. Without a limit a walk could be led back for ever, as
# an entry it stands on is put in front of one it has seen; it then is where it was, with other unknown values.
MOST_MOVES = 2


class Nobody:
    """This CPU is alone."""

    def before_call(self, state, name):
        pass

    def after_call(self, state, name, label, written, marked):
        pass


class Unlocked:
    """Since the map was let go: which entries were marked then, and what was read since."""

    def __init__(self, world, marked):
        self.world = world
        self.marked = marked
        self.reads = set()
        # Where each entry that is not marked was last put, and how often they were.
        self.places, self.moves = {}, 0

    def copy(self):
        new = Unlocked(self.world, self.marked)
        new.reads = set(self.reads)
        new.places, new.moves = self.places, self.moves
        return new

    def note_read(self, state, address, size):
        """Others act at every instruction. Letting them act at each call alone is the same, as
        long as nothing that they may change is read twice between two calls."""
        world = self.world
        for byte in range(address, address + size):
            if byte in self.reads:
                raise NotUnderstood(
                    f"{world.entry_name(byte)} is read twice while others may change it")
            if not world.may_write(byte, 1) or world.privilege <= byte < world.privilege + 4:
                continue
            if not any(entry + 8 <= byte < entry + 16 for entry in self.marked):
                self.reads.add(byte)


class Anybody:
    """Other CPUs change all there is but the pmap, marked or not, at each call once the map is not
    locked for writing."""

    def __init__(self, world):
        self.world = world

    def before_call(self, state, name):
        pass

    def after_call(self, state, name, label, written, marked):
        if name in ("lock_done", "lock_write_to_read"):
            state.others = Unlocked(self.world, [])
        if state.others is None:
            return
        state.others.reads = set()
        world = self.world
        places = [(world.map, "vm_map", "map")]
        places += [(entry, "vm_map_entry", who) for entry, who in world.names.items()]
        for base, structure, who in places:
            for offset, size, member in world.image.pieces(structure):
                if base + offset != world.hint_lock and member != "pmap":
                    value = unknown(f"{label}.{who}.{member}", 8 * size)
                    state.memory.write(base + offset, size, value)
        if name == "lock_write":
            state.others = None


class Others:
    """Other CPUs act after each call that this one makes with the map unlocked."""

    def __init__(self, world):
        self.world = world
        image = world.image
        links = ("links.start", "links.end")
        assert [image.byte("vm_map_entry", link) for link in links] == [8, 12], "order of links"

    def before_call(self, state, name):
        """What has to be chosen before the call changes anything."""
        return self.marked(state) if name == "lock_done" else None

    def after_call(self, state, name, label, written, marked):
        if name == "lock_done":
            state.others = Unlocked(self.world, marked)
        if state.others is not None:
            self.disturb(state, label, written)
            if name == "lock_write":
                state.others = None
        elif name in ("lock_write_to_read", "vm_fault_wire", "lock_clear_recursive"):
            # Who looks something up moves the hint.
            self.change(state, self.world.hint, 4, f"{label}.hint", written)

    def marked(self, state):
        """The entries that are marked on this path, in the ring's order."""
        byte, bit = self.world.image.bit("vm_map_entry", "in_transition")
        found = []
        for entry in self.world.entries:
            flags = state.memory.read(entry + byte, 1)
            flags = z3.BitVecVal(flags, 8) if isinstance(flags, int) else flags
            # Who flips the bit after a test has it known by that test alone: ask the path.
            if state.choose(settle(z3.Extract(bit, bit, flags))) == 1:
                found.append(entry)
        return found

    def disturb(self, state, label, written):
        world = self.world
        marked = state.others.marked
        state.others.reads = set()
        lock = world.image.structs["vm_map"]["members"]["lock"][1] // 8
        for offset, size, name in world.image.pieces("vm_map"):
            if world.map + offset != world.hint_lock and offset >= lock and name != "pmap":
                self.change(state, world.map + offset, size, f"{label}.map.{name}", written)
        for entry, who in world.names.items():
            for offset, size, name in world.image.pieces("vm_map_entry"):
                if entry not in marked or name not in ("links.start", "links.end"):
                    self.change(state, entry + offset, size, f"{label}.{who}.{name}", written)
        if state.others.moves < MOST_MOVES:
            state.others.moves += 1
            state.others.places = {entry: unknown(f"{label}.{name}.place", 3)
                                   for entry, name in world.names.items() if entry not in marked}
        self.link(state, marked, written)

    def change(self, state, address, size, name, written, value=None):
        if value is None:
            value = unknown(name, 8 * size)
        state.memory.write(address, size, value)
        written.append((address, size, value))

    def link(self, state, marked, written):
        """The ring: each entry that is not marked stands behind some marked one, or in front of
        all where no walk comes by; more than one in a place stand in the order of their names."""
        world = self.world
        place = state.others.places
        free = list(place)
        offset = world.image.byte("vm_map_entry", "links.next")

        def follower(slot, after):
            """Who comes next in a place, behind the free entries up to `after`."""
            value = marked[slot] if slot < len(marked) else world.header
            value = z3.BitVecVal(value, 32)
            for entry in reversed(free[after:]):
                value = z3.If(place[entry] == slot, z3.BitVecVal(entry, 32), value)
            return value

        for number, entry in enumerate(marked):
            self.change(state, entry + offset, 4, "", written, settle(follower(number + 1, 0)))
        for number, entry in enumerate(free):
            value = z3.BitVecVal(world.header, 32)
            for slot in reversed(range(len(marked) + 1)):
                value = z3.If(place[entry] == slot, follower(slot, number + 1), value)
            self.change(state, entry + offset, 4, "", written, settle(value))
