# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel with our object, as `oracle image` writes them."""

import tomllib
from pathlib import Path

from errors import NotUnderstood


class Region:
    def __init__(self, table, memory):
        self.what = table["what"]
        self.start = table["address"]
        self.bytes = memory[table["offset"] : table["offset"] + table["size"]]
        self.end = self.start + table["size"]


class Image:
    """Bytes, symbols and layouts."""

    def __init__(self, folder):
        folder = Path(folder)
        table = tomllib.loads((folder / "image.toml").read_text())
        memory = (folder / "memory.bin").read_bytes()
        self.version = table["version"]
        self.regions = [Region(region, memory) for region in table["region"]]
        self.symbols = {name: address for name, (address, _) in table["symbols"].items()}
        self.ours, self.inner = table["ours"], table["inner"]
        self.place = table["place"]
        self.arguments = table["calls"]
        self.structs = table["struct"]
        self.pieces_of = {}
        self.functions = sorted((a, s, n) for n, (a, s) in table["symbols"].items() if s)

    def constant(self, address, size):
        """Bytes that nothing can change: code and constants; None elsewhere."""
        for region in self.regions:
            if region.start <= address and address + size <= region.end and region.what != "data":
                at = address - region.start
                return region.bytes[at : at + size]
        return None

    def code(self, address):
        """The bytes from `address` up, as many as an instruction block may want."""
        for region in self.regions:
            if region.start <= address < region.end and region.what != "data":
                at = address - region.start
                return region.bytes[at : at + 512]
        raise NotUnderstood(f"a jump to {address:#x}, where no code is")

    def text(self, address):
        """The C string at `address`."""
        if isinstance(address, int):
            for region in self.regions:
                if region.start <= address < region.end and region.what != "data":
                    at = address - region.start
                    return region.bytes[at : region.bytes.index(0, at)].decode("latin-1")
        raise NotUnderstood(f"no constant text at {address}")

    def name(self, address):
        """The function that `address` lies in, for reports."""
        for name, start in [*self.ours.items(), *self.inner.items()]:
            if start == address:
                return f"our {name}"
        for start, size, name in self.functions:
            if start <= address < start + size:
                offset = address - start
                return f"{name}+{offset:#x}" if offset else name
        return f"{address:#x}"

    def size(self, structure):
        return self.structs[structure]["size"]

    def byte(self, structure, member):
        """Offset of a member in bytes."""
        return self.structs[structure]["members"][member][0] // 8

    def bit(self, structure, member):
        """A one-bit member's byte and its bit in that."""
        first, bits = self.structs[structure]["members"][member]
        assert bits == 1, member
        return first // 8, first % 8

    def pieces(self, structure):
        """(offset, bytes, name) for every byte of a structure once, as big as its members are."""
        if structure not in self.pieces_of:
            self.pieces_of[structure] = self.find_pieces(structure)
        return self.pieces_of[structure]

    def find_pieces(self, structure):
        taken, pieces = set(), []
        members = self.structs[structure]["members"]
        for name, (first, bits) in members.items():
            whole = first % 8 == 0 and bits in (8, 16, 32)
            inner = any(other.startswith(name + ".") for other in members)
            place = range(first // 8, (first + bits) // 8)
            if whole and not inner and not taken.intersection(place):
                taken.update(place)
                pieces.append((place[0], len(place), name))
        for offset in range(self.size(structure)):
            if offset % 4 == 0 and not taken.intersection(range(offset, offset + 4)):
                words = [n for n, (f, b) in members.items() if f // 32 == offset // 4 and b % 8]
                if not words:
                    taken.update(range(offset, offset + 4))
                    pieces.append((offset, 4, f"word{offset}"))
            if offset not in taken:
                taken.add(offset)
                pieces.append((offset, 1, f"byte{offset}"))
        return sorted(pieces)
