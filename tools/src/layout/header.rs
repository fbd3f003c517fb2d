// SPDX-License-Identifier: GPL-2.0-or-later
//! Writes the structures as a C header that asserts what it claims.

use std::collections::BTreeSet;
use std::fmt::Write;

use anyhow::{bail, Result};

use kit::dwarf::{contained, CType, Layouts, Member, Struct};

/// The text of structs.h for these layouts; `origin` names the kernel.
pub fn write(layouts: &Layouts, origin: &str) -> Result<String> {
    let mut order = Vec::new();
    let mut placed = BTreeSet::new();
    for s in layouts.structs.values() {
        place(layouts, s, &mut placed, &mut order);
    }
    let mut out = String::new();
    writeln!(out, "/* SPDX-License-Identifier: GPL-2.0-or-later */")?;
    writeln!(out, "/* Written by `vmtool layout` from the DWARF of {origin}; not for editing. */")?;
    writeln!(out, "#ifndef GNUMACH_STRUCTS_H\n#define GNUMACH_STRUCTS_H\n")?;
    let mut declared = BTreeSet::new();
    for member in order.iter().flat_map(|s| &s.members) {
        mentioned(&member.c_type, &mut declared);
    }
    for (kind, name) in declared {
        writeln!(out, "{kind} {name};")?;
    }
    for s in &order {
        definition(&mut out, s)?;
    }
    writeln!(out, "\n#endif /* GNUMACH_STRUCTS_H */")?;
    Ok(out)
}

/// What a structure holds by value has to be defined before it.
fn place<'a>(
    layouts: &'a Layouts,
    s: &'a Struct,
    placed: &mut BTreeSet<&'a str>,
    order: &mut Vec<&'a Struct>,
) {
    if !placed.insert(&s.name) {
        return;
    }
    for member in &s.members {
        for inner in contained(&member.c_type) {
            if let Some(inner) = layouts.structs.get(inner) {
                place(layouts, inner, placed, order);
            }
        }
    }
    order.push(s);
}

fn mentioned<'a>(c_type: &'a CType, names: &mut BTreeSet<(&'a str, &'a str)>) {
    match c_type {
        CType::Named(kind, name) => {
            names.insert((kind, name));
        }
        CType::Pointer(inner) | CType::Array(inner, _) | CType::Qualified(_, inner) => {
            mentioned(inner, names);
        }
        // The last two are refused before they are written.
        CType::Void | CType::Scalar(..) | CType::Unnamed(..) | CType::Other(_) => {}
    }
}

/// What this header cannot say, in words.
fn inexpressible(member: &Member) -> Option<String> {
    fn of(c_type: &CType) -> Option<String> {
        match c_type {
            CType::Unnamed(kind, ..) => Some(format!("its type is an unnamed {kind}")),
            CType::Other(words) => Some(words.clone()),
            CType::Pointer(inner) | CType::Array(inner, _) | CType::Qualified(_, inner) => {
                of(inner)
            }
            CType::Void | CType::Scalar(..) | CType::Named(..) => None,
        }
    }
    match member.name.is_empty() {
        true => Some("it has no name".to_string()),
        false => of(&member.c_type),
    }
}

fn definition(out: &mut String, s: &Struct) -> Result<()> {
    let tag = format!("{} {}", s.kind, s.name);
    writeln!(out, "\n{tag} {{")?;
    // Where C would put the next bit-field; a hole needs a nameless one.
    let mut next_bit = 0;
    if s.members.is_empty() {
        // An empty structure is no C, and Rust warns of it in calls: this has size 0 as well.
        writeln!(out, "\tchar nothing[0];")?;
    }
    for m in &s.members {
        if let Some(why) = inexpressible(m) {
            bail!("{tag}: member {}: {why}, which this tool cannot express", m.name);
        }
        if m.is_bit_field {
            let CType::Scalar(c_type, bytes) = unqualified(&m.c_type) else {
                bail!("{tag}: bit-field {} is not of a scalar type", m.name);
            };
            if s.kind == "struct" {
                let unit = bytes * 8;
                if next_bit / unit != (next_bit + m.bit_size - 1) / unit {
                    next_bit = (next_bit / unit + 1) * unit;
                }
                if m.bit_offset < next_bit || m.bit_offset - next_bit > unit {
                    bail!(
                        "{tag}: bit-field {} is at bit {}, where C would not put it",
                        m.name,
                        m.bit_offset
                    );
                }
                if m.bit_offset > next_bit {
                    writeln!(out, "\t{c_type} :{};", m.bit_offset - next_bit)?;
                }
            }
            writeln!(out, "\t{c_type} {}:{};", m.name, m.bit_size)?;
        } else {
            writeln!(out, "\t{};", declarator(&m.c_type, &m.name))?;
        }
        next_bit = m.bit_offset + m.bit_size;
    }
    writeln!(out, "}};")?;
    writeln!(out, "_Static_assert(sizeof({tag}) == {}, \"size of {tag}\");", s.size)?;
    for m in s.members.iter().filter(|m| !m.is_bit_field) {
        writeln!(
            out,
            "_Static_assert(__builtin_offsetof({tag}, {0}) == {1}, \"place of {2}.{0}\");",
            m.name,
            m.bit_offset / 8,
            s.name
        )?;
    }
    Ok(())
}

fn unqualified(c_type: &CType) -> &CType {
    match c_type {
        CType::Qualified(_, inner) => unqualified(inner),
        other => other,
    }
}

/// `type name` with stars and brackets where C wants them.
fn declarator(c_type: &CType, name: &str) -> String {
    match c_type {
        CType::Void => format!("void {name}"),
        CType::Scalar(scalar, _) => format!("{scalar} {name}"),
        CType::Named(kind, tag) => format!("{kind} {tag} {name}"),
        CType::Unnamed(..) | CType::Other(_) => unreachable!("refused by the definition"),
        CType::Qualified(word, inner) => match **inner {
            CType::Pointer(_) => declarator(inner, &format!("{word} {name}")),
            _ => format!("{word} {}", declarator(inner, name)),
        },
        CType::Pointer(inner) => match **inner {
            CType::Array(..) => declarator(inner, &format!("(*{name})")),
            _ => declarator(inner, &format!("*{name}")),
        },
        CType::Array(inner, count) => declarator(inner, &format!("{name}[{count}]")),
    }
}
