# SPDX-License-Identifier: GPL-2.0-or-later
"""The functions that are not followed: what each may change, and what it returns.

Upstream's and ours make the same calls with the same memory, or there is a difference. So what a
call does is the same on both sides too: a value that nothing is known of, with the same name.
"""

from errors import NotUnderstood
from machine import Ended
from values import known, unknown

# The gap tree's shape matters to what comes after: this code runs for real, on both sides.
FOLLOWED = ("rbtree_remove", "rbtree_insert_rebalance", "vm_map_lookup_entry")
# May change the map's lock, and that alone.
LOCKING = ("lock_write", "lock_done", "lock_set_recursive", "lock_clear_recursive",
           "lock_write_to_read")


class Callees:
    def __init__(self, world, others):
        self.world = world
        self.others = others
        self.image = image = world.image
        names = ["vm_object_coalesce", "vm_object_shadow", "vm_object_allocate", "vm_fault_wire",
                 "vm_fault_unwire", "kmem_cache_free", "kmem_cache_alloc", "vm_object_reference",
                 "pmap_protect", "Assert", "Panic", *LOCKING, *FOLLOWED]
        self.at = {image.symbols[name]: name for name in names if name in image.symbols}
        self.lock_start = world.map + image.byte("vm_map", "lock")
        self.lock_size = image.structs["vm_map"]["members"]["lock"][1] // 8

    def enter(self, state, address):
        """Where to go on: at the function, or behind its call if it is played."""
        name = self.at.get(address)
        if name is None:
            return address
        if state.get("dflag") != 1:
            raise NotUnderstood(f"{name} is called with the direction flag set")
        if name in ("Assert", "Panic"):
            self.end(state, name)
        count = self.image.arguments[name]
        arguments = [state.argument(index) for index in range(count)]
        # The pointers that are written through are chosen before anything changes.
        stores = self.stores(state, name, arguments)
        back = state.choose(state.stack.read(state.get("esp"), 4))
        marked = self.others.before_call(state, name)
        new = self.allocate(state) if name == "kmem_cache_alloc" else None
        if new:
            stores = [(new + at, size, piece) for at, size, piece in self.image.pieces("vm_map_entry")]
            state.allocated += 1
        values = [(argument, 32) for argument in arguments]
        state.events.append(("call", name, values, state.memory.content.copy()))
        label = f"{name}{state.calls}"
        state.calls += 1
        if stores is None:
            state.effects.append(None)
            return address
        written = []
        for target, size, what in stores:
            value = unknown(f"{label}.{what}", 8 * size)
            state.memory.write(target, size, value)
            written.append((target, size, value))
        self.others.after_call(state, name, label, written, marked)
        if name == "kmem_cache_free" and not self.world.reads_freed:
            state.memory.forget(arguments[1], self.world.entry_size)
        self.come_back(state, name, label, count, back, written, new)
        return back

    def allocate(self, state):
        """Memory for an entry, or none."""
        if state.argument(0) != self.image.symbols["vm_map_entry_cache"]:
            raise NotUnderstood("something other than an entry is allocated")
        if state.choose(unknown(f"kmem_cache_alloc{state.calls}.fails", 1)):
            return 0
        if state.allocated == len(self.world.spare):
            raise NotUnderstood(f"more than {state.allocated} entries are allocated")
        return self.world.spare[state.allocated]

    def come_back(self, state, name, label, count, back, written, returned):
        """What the ABI lets a function change besides."""
        esp = state.get("esp")
        for address in [a for a in state.stack.content if a < esp + 4]:
            del state.stack.content[address]
        for index in range(count):
            state.stack.write(esp + 4 + 4 * index, 4, state.fresh("argument", 32))
        if name in ("vm_object_coalesce", "vm_object_allocate"):
            returned = unknown(f"{label}.returned", 32)
        state.put("eax", state.fresh("eax", 32) if returned is None else returned)
        for register in ("ecx", "edx", "cc_op", "cc_dep1", "cc_dep2", "cc_ndep"):
            state.put(register, state.fresh(register, 32))
        state.put("esp", esp + 4)
        state.effects.append((returned, written))

    def stores(self, state, name, arguments):
        """(address, size, name) of what the function may change; None: it is followed."""
        world, image = self.world, self.image
        if name == "vm_map_lookup_entry":
            return None
        if name in FOLLOWED:
            tree = state.choose(arguments[0])
            if name == "rbtree_remove" and not world.follows_tree and tree == world.map + image.byte("vm_map", "hdr.tree"):
                return self.tree_of_entries()
            return None
        if name in LOCKING:
            if state.choose(arguments[0]) != self.lock_start:
                raise NotUnderstood(f"{name} of another lock than the map's")
            lock = [p for p in image.pieces("vm_map")
                    if self.lock_start <= world.map + p[0] < self.lock_start + self.lock_size]
            return [(world.map + offset, size, piece) for offset, size, piece in lock]
        if name == "vm_object_coalesce":
            return [self.target(state, arguments[6], "object"),
                    self.target(state, arguments[7], "offset")]
        if name == "vm_object_shadow":
            return [self.target(state, arguments[0], "object"),
                    self.target(state, arguments[1], "offset")]
        if name == "kmem_cache_free" and state.choose(arguments[1]) not in world.names:
            raise NotUnderstood("something other than an entry is freed")
        return []

    def target(self, state, pointer, what):
        address = state.choose(pointer)
        if not self.world.may_write(address, 4):
            raise NotUnderstood(f"a pointer to {address:#x} is handed over")
        return address, 4, what

    def tree_of_entries(self):
        """Nobody but the tree's own code looks at its nodes: any tree becomes any other."""
        world, image = self.world, self.image
        stores = [(world.map + image.byte("vm_map", "hdr.tree"), 4, "root")]
        node = image.byte("vm_map_entry", "tree_node")
        size = image.structs["vm_map_entry"]["members"]["tree_node"][1] // 8
        for entry, name in world.names.items():
            stores += [(entry + node + at, 4, f"{name}.node{at}") for at in range(0, size, 4)]
        return stores

    def end(self, state, name):
        """An assertion or a panic: which one is the condition and the function."""
        texts = (0, 3) if name == "Assert" else (2, 3)
        words = []
        for index in texts:
            pointer = state.argument(index)
            if not known(pointer):
                raise NotUnderstood(f"{name} of a text that is not known")
            words.append(self.image.text(pointer))
        raise Ended(name, tuple(words))
