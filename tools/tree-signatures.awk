# SPDX-License-Identifier: GPL-2.0-or-later
# Turns the record of signatures (src/layout.rs says how it is written) into C that does not compile where they are wrong.

# A type of the record in C. Numbers must also be as wide as the record says, and have a sign or none.
function c_type(word,    stars, base, parts, bits, text) {
    if (word == "...")
        return word
    # The record says no more of it. Those that are used are continuations: thread_block's and vm_fault's.
    if (word == "*function")
        return "void (*) (" taken ")"
    match(word, /^[*&]*/)
    stars = substr(word, 1, RLENGTH)
    base = substr(word, RLENGTH + 1)
    if (split(base, parts, ":") == 2) {
        text = parts[1]
        gsub(/-/, " ", text)
        bits = substr(parts[2], 2)
        printf "_Static_assert (8 * sizeof (%s) == %s && ((%s) -1 < (%s) 1) == %d, \"%s\");\n",
            text, bits, text, text, parts[2] ~ /^i/, word
    } else if (base == "void")
        text = "void"
    else
        text = "struct " base
    # The innermost pointer is the last star, and const is said of what it points to.
    for (; stars != ""; stars = substr(stars, 1, length(stars) - 1))
        text = text (stars ~ /&$/ ? " const *" : " *")
    return text
}
# Whether C has the function of the line so, where continuations take what is TAKEN.
function agrees(taken_then,    parameters, i, result) {
    taken = taken_then
    result = c_type($3)
    parameters = NF == 3 ? "void" : c_type($4)
    for (i = 5; i <= NF; i++)
        parameters = parameters ", " c_type($i)
    return sprintf("__builtin_types_compatible_p (__typeof__ (%s), %s (%s))", $2, result, parameters)
}
$1 == "fn" && NF >= 3 {
    either = agrees("void")
    if ($0 ~ / \*function/)
        either = either " || " agrees("int")
    printf "_Static_assert (%s, \"%s\");\n", either, $0
    next
}
$1 == "var" && NF == 3 {
    printf "_Static_assert (__builtin_types_compatible_p (__typeof__ (%s), %s), \"%s\");\n", $2, c_type($3), $0
    next
}
{ print "#error \"not a line of the record: " $0 "\"" }
END {
    if (NR == 0)
        print "#error \"the record is empty\""
}
