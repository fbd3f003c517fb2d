# SPDX-License-Identifier: GPL-2.0-or-later
# Turns lines "struct.member bit-offset bits" (or "struct 0 bits"; "struct.member: ..." of a bit-field) into C that does not
# compile where they are wrong.
BEGIN {
    print "extern void differs (void) __attribute__ ((error (\"a bit-field lies elsewhere\")));"
    print "void check_bits (void);"
    print "void check_bits (void) {"
}
NF == 0 { next }
NF != 3 { print "#error \"not a row of the record: " $0 "\""; next }
{
    dot = index($1, ".")
    if (!dot) {
        printf "_Static_assert (8 * sizeof (struct %s) == %s, \"%s\");\n", $1, $3, $0
        next
    }
    type = "struct " substr($1, 1, dot - 1)
    member = substr($1, dot + 1)
    if (!sub(/:$/, "", member)) {
        printf "_Static_assert (8 * __builtin_offsetof (%s, %s) == %s\n", type, member, $2
        printf "  && 8 * sizeof (((%s *) 0)->%s) == %s, \"%s\");\n", type, member, $3, $0
        next
    }
    # The address of a bit-field cannot be had, but the optimiser knows which bits a store sets.
    printf "{ union { %s s; unsigned char bytes[sizeof (%s)]; } u = { .bytes = { 0 } };\n", type, type
    printf "  u.s.%s = -1; if (0", member
    end = $2 + $3
    for (at = $2; at < end; at += width) {
        width = 8 - at % 8
        if (width > end - at)
            width = end - at
        printf " || u.bytes[%d] != %d", at / 8, (2 ^ width - 1) * 2 ^ (at % 8)
    }
    # Not one bit more on either side.
    if (int($2 / 8) > 0)
        printf " || u.bytes[%d]", $2 / 8 - 1
    printf " || (%d < sizeof u.bytes && u.bytes[%d %% sizeof u.bytes])) differs (); }\n", (end + 7) / 8, (end + 7) / 8
}
END {
    if (NR == 0)
        print "#error \"the record is empty\""
    print "}"
}
