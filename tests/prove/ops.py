# SPDX-License-Identifier: GPL-2.0-or-later
"""What VEX's operations and flag helpers mean. What is not here is not understood."""

import z3

from errors import NotUnderstood
from values import condition, known, opposite, part, remembered, same, settle, term


def arithmetic(bits, on_ints, on_terms):
    mask = (1 << bits) - 1

    def apply(a, b):
        if known(a) and known(b):
            return on_ints(a, b) & mask
        return settle(on_terms(term(a, bits), term(b, bits)))

    return apply


def comparison(bits, on_ints, on_terms):
    def apply(a, b):
        if known(a) and known(b):
            return on_ints(a, b)
        return settle(on_terms(term(a, bits), term(b, bits)))

    return apply


def shift(bits, on_ints, on_terms):
    """By a byte; VEX defines it for less than the width alone."""

    def apply(a, by):
        if not known(by) or by >= bits:
            raise NotUnderstood(f"a shift of {bits} bits by {by}")
        if known(a):
            return on_ints(a, by) & (1 << bits) - 1
        return settle(on_terms(a, z3.BitVecVal(by, bits)))

    return apply


def widen(bits, to):
    return lambda a: a if known(a) else settle(z3.ZeroExt(to - bits, a))


def from_bit(bits):
    def apply(a):
        if isinstance(a, bool):
            return int(a)
        return settle(z3.If(a, z3.BitVecVal(1, bits), z3.BitVecVal(0, bits)))

    return apply


def to_bit(a):
    return bool(a & 1) if known(a) else settle(z3.Extract(0, 0, a) == 1)


def invert(bits):
    return lambda a: ~a & (1 << bits) - 1 if known(a) else settle(~a)


def logic(bits):
    return {
        f"Iop_And{bits}": arithmetic(bits, lambda a, b: a & b, lambda a, b: a & b),
        f"Iop_Or{bits}": arithmetic(bits, lambda a, b: a | b, lambda a, b: a | b),
        f"Iop_Xor{bits}": arithmetic(bits, lambda a, b: a ^ b, lambda a, b: a ^ b),
        f"Iop_Add{bits}": arithmetic(bits, lambda a, b: a + b, lambda a, b: a + b),
        f"Iop_Sub{bits}": arithmetic(bits, lambda a, b: a - b, lambda a, b: a - b),
        f"Iop_Not{bits}": invert(bits),
    }


def equality(bits):
    def alike(a, b):
        return same(a, b, bits)

    def differ(a, b):
        return opposite(same(a, b, bits))

    return {
        f"Iop_CmpEQ{bits}": alike,
        f"Iop_CmpNE{bits}": differ,
        f"Iop_CasCmpNE{bits}": differ,
        f"Iop_ExpCmpNE{bits}": differ,
    }


OPERATIONS = {
    **logic(8),
    **logic(16),
    **logic(32),
    **equality(8),
    **equality(16),
    **equality(32),
    "Iop_CmpLT32U": comparison(32, lambda a, b: a < b, z3.ULT),
    "Iop_CmpLE32U": comparison(32, lambda a, b: a <= b, z3.ULE),
    "Iop_Shl32": shift(32, lambda a, b: a << b, lambda a, b: a << b),
    "Iop_Shr32": shift(32, lambda a, b: a >> b, z3.LShR),
    "Iop_8Uto32": widen(8, 32),
    "Iop_16Uto32": widen(16, 32),
    "Iop_1Uto8": from_bit(8),
    "Iop_1Uto32": from_bit(32),
    "Iop_32to1": to_bit,
    "Iop_32to8": lambda a: part(a, 0, 8),
    "Iop_32to16": lambda a: part(a, 0, 16),
    "Iop_64to32": lambda a: part(a, 0, 32),
    "Iop_64HIto32": lambda a: part(a, 32, 32),
}


@remembered
def operation(name, *arguments):
    meaning = OPERATIONS.get(name)
    if meaning is None:
        raise NotUnderstood(f"the operation {name}")
    return meaning(*arguments)


def choose(guard, yes, no, bits):
    """VEX's if-then-else of values."""
    if isinstance(guard, bool):
        return yes if guard else no
    return either(guard, yes, no, bits)


@remembered
def either(guard, yes, no, bits):
    if bits == 1:
        return settle(z3.If(guard, condition(yes), condition(no)))
    return settle(z3.If(guard, term(yes, bits), term(no, bits)))


# VEX keeps the flags as the operation that made them and its operands: (name, operand bits) by
# the number in cc_op.
FLAGS = {3 * kind + 1 + size: (name, 8 << size)
         for kind, name in enumerate(["add", "sub", None, None, "logic", "inc", "dec"])
         for size in range(3) if name}


def flags(cc_op, dep1, dep2, ndep):
    """Carry, zero, sign and overflow as conditions, or None where not understood."""
    if not known(cc_op) or cc_op not in FLAGS:
        raise NotUnderstood(f"flags of kind {cc_op}")
    name, bits = FLAGS[cc_op]
    a = part(dep1, 0, bits)
    b = part(dep2, 0, bits)
    alike = condition(same(a, b, bits))
    a, b = term(a, bits), term(b, bits)
    if name == "add":
        result, carry = a + b, z3.ULT(a + b, a)
        overflow = z3.Extract(bits - 1, bits - 1, ~(a ^ b) & (a ^ result)) == 1
    elif name == "sub":
        result, carry = a - b, z3.ULT(a, b)
        overflow = z3.Extract(bits - 1, bits - 1, (a ^ b) & (a ^ result)) == 1
    elif name == "logic":
        result, carry, overflow = a, z3.BoolVal(False), z3.BoolVal(False)
    else:
        # Increments keep the old carry, which is the lowest bit of ndep.
        result, carry = a, z3.Extract(0, 0, term(ndep, 32)) == 1
        edge = 1 << bits - 1 if name == "inc" else (1 << bits - 1) - 1
        overflow = a == edge
    zero = alike if name == "sub" else result == 0
    return carry, zero, z3.Extract(bits - 1, bits - 1, result) == 1, overflow


def bit32(value):
    value = settle(value)
    return from_bit(32)(value)


@remembered
def calculate_condition(code, cc_op, dep1, dep2, ndep):
    """x86g_calculate_condition: the condition codes of i386's conditional jumps."""
    if not known(code):
        raise NotUnderstood("a condition code that is not known")
    carry, zero, sign, overflow = flags(cc_op, dep1, dep2, ndep)
    meanings = {
        0: overflow,
        2: carry,
        4: zero,
        6: z3.Or(carry, zero),
        8: sign,
        12: z3.Xor(sign, overflow),
        14: z3.Or(z3.Xor(sign, overflow), zero),
    }
    if code & ~1 not in meanings:
        raise NotUnderstood(f"the condition code {code}")
    meaning = meanings[code & ~1]
    return bit32(z3.Not(meaning) if code & 1 else meaning)


@remembered
def calculate_eflags_c(cc_op, dep1, dep2, ndep):
    """x86g_calculate_eflags_c: the carry flag as a number."""
    return bit32(flags(cc_op, dep1, dep2, ndep)[0])


HELPERS = {
    "x86g_calculate_condition": calculate_condition,
    "x86g_calculate_eflags_c": calculate_eflags_c,
}
