// SPDX-License-Identifier: GPL-2.0-or-later
//! Edits on code of ours that has the places of one fix.

use super::*;

/// Stands for the function that the fix is for.
const SOURCE: &str = "\
/* Looks for one. */
int
projected_buffer_in_range(int map)
{
\tvm_map_entry_t entry;

\tif (map == 0)
\t\treturn(FALSE);

\tentry = first(map);
\treturn(entry && entry->start <= end);
}
";

const REPAIRED: &str = "\
/* Looks for one. */
int
projected_buffer_in_range(int map)
{
\tvm_map_entry_t entry;
\tboolean_t found;

\tif (map == 0)
\t\treturn(FALSE);

\tvm_map_lock_read(map);

\tentry = first(map);
\tfound = (entry && entry->start <= end);

\tvm_map_unlock_read(map);

\treturn(found);
}
";

fn fix(name: &str) -> Fix {
    let (name, text, ..) = FIXES.iter().find(|(other, ..)| *other == name).expect("a fix");
    parse(name, text).expect("a description")
}

fn edit(how: &str, from: &str, more: &str, text: &str) -> Edit {
    let head = "file = 'f.c'\nfunction = 'projected_buffer_in_range'\n";
    toml::from_str(&format!(
        "{head}how = '{how}'\nfrom = '{from}'\n{more}\ntext = '''\n{text}'''\n"
    ))
    .expect("an edit")
}

#[test]
fn every_description_is_whole() {
    for (name, text, ..) in FIXES {
        let fix = parse(name, text).expect("a description");
        assert!(fix.subject.len() <= 72, "{name}: {}", fix.subject);
        for line in fix.message.lines() {
            assert!(line.len() <= 75, "{name}: {line}");
        }
        assert!(fix.message.ends_with('\n') && !fix.message.starts_with('\n'), "{name}");
        for edit in &fix.edits {
            assert!(edit.text.ends_with('\n'), "{name}: whole lines");
        }
        for needed in &fix.needs {
            let place = |name: &str| FIXES.iter().position(|(other, ..)| *other == name);
            assert!(place(needed) < place(name) && place(needed).is_some(), "{name}: {needed}");
        }
    }
}

#[test]
fn a_fix_brings_those_that_it_needs() {
    let names = |asked| -> Vec<&str> {
        chosen(asked).expect("descriptions").into_iter().map(|(name, ..)| *name).collect()
    };
    assert_eq!(names("hole-filled"), ["overlapping-wires", "hole-filled"]);
    assert_eq!(names("projected-unlocked"), ["projected-unlocked"]);
    assert_eq!(names(ALL).len(), FIXES.len());
}

#[test]
fn the_edits_make_the_repair_and_do_not_change_what_the_function_was() {
    let was = |source: &str| {
        without_fixes(source, "vm/vm_kern.c", "projected_buffer_in_range").expect("a function")
    };
    let mut source = SOURCE.to_owned();
    for edit in fix("projected-unlocked").edits {
        source = edit.apply(&source).expect("a place");
        assert_eq!(was(&source), was(SOURCE));
    }
    assert_eq!(source, REPAIRED);
    assert_ne!(was(&REPAIRED.replace("first(map)", "last(map)")), was(SOURCE));
    assert_ne!(was(&REPAIRED.replace("vm_map_lock_read", "vm_map_lock")), was(SOURCE));
}

fn refusal(edit: &Edit, source: &str) -> String {
    format!("{:#}", edit.apply(source).expect_err("a refusal"))
}

#[test]
fn a_place_must_be_there_once_and_be_what_it_was() {
    let gone = refusal(&edit("after", "last(map);", "", ""), SOURCE);
    assert!(gone.contains("`last(map);` is not there"), "{gone}");
    let twice = refusal(&edit("after", "return(", "", ""), SOURCE);
    assert!(twice.contains("more than once"), "{twice}");
    let inside = refusal(&edit("before", "= first(map);", "", ""), SOURCE);
    assert!(inside.contains("begins inside a line"), "{inside}");
    let end = refusal(&edit("replace", "entry = first", "to = '#'", ""), SOURCE);
    assert!(end.contains("does not end as it did"), "{end}");
    let missing = refusal(&edit("after", "x", "", ""), "int f(void) { return 0; }\n");
    assert!(missing.contains("defines no function projected_buffer_in_range"), "{missing}");
}

#[test]
fn a_longer_place_is_known_by_its_fingerprint() {
    let with = |code: &str| {
        edit("replace", "entry = first", &format!("to = ';'\ncode = ['{code}']"), "x;\n")
    };
    let other = refusal(&with("0x1"), SOURCE);
    let number = other.split("has other code (fingerprint ").nth(1).expect("a number");
    let known = with(number.trim_end_matches(')'));
    assert!(known.apply(SOURCE).expect("its code").contains("\n\tx;\n"));
    let changed = refusal(&known, &SOURCE.replace("first(map)", "first(map, 1)"));
    assert!(changed.contains("has other code"), "{changed}");
}

#[test]
fn a_declaration_is_found_without_a_function() {
    let edit: Edit = toml::from_str(
        "file = 'f.h'\nhow = 'replace'\nfrom = 'extern void f('\ntext = 'extern int f('\n",
    )
    .expect("an edit");
    let header = "/* extern void f( */\nextern void f(int);\nextern void g(int);\n";
    let changed = edit.apply(header).expect("a place");
    assert_eq!(changed, header.replace("\nextern void f", "\nextern int f"));
    assert!(refusal(&edit, &changed).contains("in f.h, the place at `extern void f(`"));
}

#[test]
fn comments_go_with_their_lines() {
    let with = SOURCE
        .replace("\tentry = first(map);", "\t/* The first. */\n\tentry = first(map); /* it */");
    let apply = |edit: Edit| edit.apply(&with).expect("a place");
    let before = apply(edit("before", "entry = first", "", "\tlock();\n\n"));
    assert!(before.contains("\n\tlock();\n\n\t/* The first. */\n"), "{before}");
    let instead = apply(edit("replace", "entry = first(map);", "", "entry = map;\n"));
    assert!(instead.contains("\n\tentry = map;\n\treturn"), "{instead}");
    let above = apply(edit("above", "", "", "int f;\n\n"));
    assert!(above.starts_with("int f;\n\n/* Looks for one. */\n"), "{above}");
}
