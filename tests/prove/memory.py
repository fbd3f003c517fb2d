# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory whose addresses are numbers and whose bytes are parts of values.

Each byte is (value, index, size): which byte of a value of that many bytes it is. So what is read
as it was written is the same value again, and bytes of bit-fields need no masks.
"""

from errors import Unset
from values import join, part, remembered


@remembered
def cells(value, size):
    """The bytes of a value: the same objects for the same value."""
    return tuple((value, index, size) for index in range(size))


class Memory:
    """Bytes by address. A byte that nobody wrote cannot be read."""

    def __init__(self, content=None):
        self.content = content if content is not None else {}

    def copy(self):
        return Memory(self.content.copy())

    def write(self, address, size, value):
        self.content.update(zip(range(address, address + size), cells(value, size)))

    def forget(self, address, size):
        """Makes bytes unset."""
        for index in range(size):
            self.content.pop(address + index, None)

    def has(self, address, size):
        return all(address + index in self.content for index in range(size))

    def read(self, address, size):
        content = self.content
        try:
            value, index, whole = content[address]
            if index == 0 and whole == size:
                for offset in range(1, size):
                    other, index, _ = content[address + offset]
                    if other is not value or index != offset:
                        break
                else:
                    return value
            return self.gather(address, size)
        except KeyError as byte:
            raise Unset(f"byte {byte.args[0]:#x} is read and was never set") from None

    def gather(self, address, size):
        """Reads what was written in other pieces: neighbours of one value in one go."""
        runs = []
        for offset in range(size):
            value, index, _ = self.content[address + offset]
            if runs and runs[-1][0] is value and runs[-1][2] == index:
                runs[-1][2] += 1
            else:
                runs.append([value, index, index + 1])
        return join([(part(v, 8 * a, 8 * (b - a)), 8 * (b - a)) for v, a, b in runs])
