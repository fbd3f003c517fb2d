// SPDX-License-Identifier: GPL-2.0-or-later
//! A file of the tree: what its functions are, and conditionals around some of them.

use std::ops::RangeInclusive;

use anyhow::{ensure, Context, Result};

use super::tokens::{functions, tokens, Function, Token};

/// The file as tokens.
pub struct Code<'a> {
    file: &'static str,
    pub tokens: Vec<Token<'a>>,
}

impl<'a> Code<'a> {
    pub fn of(file: &'static str, source: &'a str) -> Code<'a> {
        Code { file, tokens: tokens(source) }
    }

    /// The one definition of a function.
    pub fn find(&self, name: &str) -> Result<Function> {
        let mut found = functions(&self.tokens, name);
        ensure!(found.len() < 2, "{} defines {name} {} times", self.file, found.len());
        found.pop().with_context(|| format!("{} defines no function {name}", self.file))
    }

    /// What to say of a function whose fingerprint is none of those that are known.
    pub fn differs(&self, name: &str, known: &[u64]) -> Option<String> {
        match self.find(name).map(|function| function.fingerprint) {
            Ok(now) if known.contains(&now) => None,
            Ok(now) => Some(format!("{name} (fingerprint {now:#x})")),
            Err(_) => Some(format!("{name} (not there)")),
        }
    }
}

/// The file as lines, of which there are always as many: so no line number in an assertion or in debugging
/// information moves.
#[derive(Clone)]
pub struct Lines(Vec<String>);

impl Lines {
    pub fn of(source: &str) -> Lines {
        Lines(source.split('\n').map(str::to_owned).collect())
    }

    pub fn text(self) -> String {
        self.0.join("\n")
    }

    /// Has C leave these lines out where the macro is defined. The conditionals take the place of blank lines.
    /// Where the one in front is another conditional by now, the comment that the lines begin with is made
    /// shorter by one of its empty lines.
    pub fn guard(
        &mut self,
        name: &str,
        range: RangeInclusive<usize>,
        macro_name: &str,
    ) -> Result<()> {
        let (first, last) = range.into_inner();
        let blank = |lines: &[String], at: Option<usize>| {
            at.filter(|&at| lines.get(at).is_some_and(String::is_empty))
        };
        let begin = blank(&self.0, first.checked_sub(1)).or_else(|| self.make_room(first));
        let end = blank(&self.0, Some(last + 1));
        let (begin, end) = begin.zip(end).with_context(|| {
            format!("there is no blank line in front of and behind {name} for a conditional")
        })?;
        self.0[begin] = format!("#ifndef {macro_name}");
        self.0[end] = format!("#endif /* !{macro_name} */");
        Ok(())
    }

    /// A free line at the beginning of a comment, at the cost of its first line without a word.
    fn make_room(&mut self, comment: usize) -> Option<usize> {
        if self.0.get(comment)?.trim_end() != "/*" {
            return None;
        }
        let empty = self.0[comment..].iter().position(|line| line.trim() == "*")?;
        let end = self.0[comment..].iter().position(|line| line.contains("*/"))?;
        (empty < end).then(|| self.0[comment..=comment + empty].rotate_right(1))?;
        Some(comment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(text: &str, range: RangeInclusive<usize>) -> Option<String> {
        let mut lines = Lines::of(text);
        lines.guard("f", range, "M").ok()?;
        Some(lines.text())
    }

    #[test]
    fn conditionals_stand_on_blank_lines() {
        assert_eq!(guarded("\nf\n\n", 1..=1).unwrap(), "#ifndef M\nf\n#endif /* !M */\n");
        assert_eq!(guarded("a\nf\n\n", 1..=1), None);
        assert_eq!(guarded("\nf\nb\n", 1..=1), None);
        assert_eq!(guarded("f\n\n", 0..=0), None);
    }

    #[test]
    fn a_comment_gives_a_line_of_its_own() {
        assert_eq!(
            guarded("#endif\n/*\n *\tf:\n *\n *\tword\n */\nf\n\n", 1..=6).unwrap(),
            "#endif\n#ifndef M\n/*\n *\tf:\n *\tword\n */\nf\n#endif /* !M */\n"
        );
        assert_eq!(guarded("#endif\n/*\n *\tf: */\n *\nf\n\n", 1..=4), None);
        assert_eq!(guarded("#endif\n/* f */\nf\n\n", 1..=2), None);
    }
}
