// SPDX-License-Identifier: GPL-2.0-or-later
//! Trees whose SAVE_HINT is three bare statements: behind an `if` without braces, only the first of them depends on the test.

use super::tokens::{functions, tokens, Kind};

const MACRO: &str = "SAVE_HINT";
const USER: &str = "vm_map_coalesce_entry";

/// For the patch's message.
pub const MESSAGE: &str = "
In this tree SAVE_HINT is three statements without a block around them
(upstream gave it one in 00e36dab, February 2025), and the coalesce has it
behind an if without braces.  So in C only the taking of the hint's lock
depends on the test: the hint is stored and the lock released each time.
The Rust does all three if the hint is the entry that goes away, and none
of them if not.  With the option, the kernel differs from its C there.
";

/// For the terminal.
pub const NOTE: &str = "SAVE_HINT of this tree's vm/vm_map.c is three bare statements, as before upstream's \
    00e36dab. Behind `if (map->hint == entry)` its C of vm_map_coalesce_entry stores the hint and releases the \
    hint's lock each time, the Rust only if the test holds. The patch's message says so too; see docs/patch.md";

/// Whether the C of the coalesce does by that macro what our Rust does not.
pub fn differs(source: &str) -> bool {
    let tokens = tokens(source);
    let bare = tokens
        .iter()
        .filter(|token| token.kind == Kind::Directive)
        .filter_map(|token| body(token.text))
        .any(is_bare);
    bare && functions(&tokens, USER).iter().any(|function| function.names(MACRO))
}

/// What the macro stands for, if this line defines it.
fn body(directive: &str) -> Option<&str> {
    let rest = directive.strip_prefix('#')?.trim_start().strip_prefix("define")?;
    let parameters = rest.trim_start().strip_prefix(MACRO)?.strip_prefix('(')?;
    parameters.split_once(')').map(|(_, body)| body)
}

fn is_bare(body: &str) -> bool {
    let body = body.replace("\\\n", " ");
    let body = body.trim();
    let one = ["MACRO_BEGIN", "do", "{", "({"].iter().any(|begin| body.starts_with(begin));
    !one && body.split(';').filter(|statement| !statement.trim().is_empty()).count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const USE: &str =
        "int vm_map_coalesce_entry(int map)\n{\n\tif (map)\n\t\tSAVE_HINT(map, 1);\n}\n";

    fn differs_with(body: &str) -> bool {
        differs(&format!("#define\tSAVE_HINT(map,value) \\\n{body}\n\n{USE}"))
    }

    #[test]
    fn bare_statements_are_seen() {
        assert!(differs_with(
            "\tlock(&(map)->lock); \\\n\t(map)->hint = (value); \\\n\tunlock(&(map)->lock);"
        ));
        assert!(differs_with("lock(map); (map)->hint = (value)"));
    }

    #[test]
    fn one_statement_is_none_of_them() {
        for body in [
            "\tMACRO_BEGIN \\\n\tlock(map); \\\n\tunlock(map); \\\n\tMACRO_END",
            "do { lock(map); unlock(map); } while (0)",
            "{ lock(map); unlock(map); }",
            "({ lock(map); unlock(map); })",
            "save_hint(map, value);",
            "",
        ] {
            assert!(!differs_with(body), "{body}");
        }
        assert!(!differs(USE));
    }

    #[test]
    fn it_matters_only_where_the_coalesce_uses_it() {
        let bare = "#define SAVE_HINT(map) lock(map); unlock(map);\n";
        assert!(differs(&format!("{bare}{USE}")));
        assert!(!differs(&format!(
            "{bare}int vm_map_coalesce_entry(int map)\n{{\n\treturn map;\n}}\n"
        )));
        assert!(!differs(&format!("#define OTHER(map) lock(map); unlock(map);\n{USE}")));
    }
}
