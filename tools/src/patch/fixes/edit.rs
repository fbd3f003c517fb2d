// SPDX-License-Identifier: GPL-2.0-or-later
//! One edit of a fix: a place in a function of the user's tree, and our text for it.

use anyhow::{bail, ensure, Context, Result};
use serde::Deserialize;

use super::super::lines;
use super::super::tokens::{fingerprint, functions, squeeze, tokens, Function, Kind, Token};

/// What is done at the place.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Lines in front of the one on which the place begins, and of a comment above it.
    Before,
    /// Lines behind the one on which it ends.
    After,
    /// The text instead of the place, and of a comment on the rest of its last line.
    Replace,
    /// Lines in front of the whole function and its comment; the place is the function's name.
    Above,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    pub file: String,
    /// Without one, the place is anywhere in the file: a declaration in a header.
    #[serde(default)]
    pub function: String,
    pub how: How,
    /// Where the place begins: tokens that the function holds once.
    #[serde(default)]
    from: String,
    /// Where it ends, if not with those: the next such tokens.
    to: Option<String>,
    /// What the tokens of such a longer place must be, by fingerprint.
    #[serde(default)]
    code: Vec<String>,
    pub text: String,
}

/// A place: some of a function's tokens, as places in `Function::code`.
type Span = std::ops::Range<usize>;

impl Edit {
    /// The file's text with the edit in it.
    pub fn apply(&self, source: &str) -> Result<String> {
        let file = tokens(source);
        let function = the(&file, &self.file, &self.function)?;
        if self.how == How::Above {
            let at = lines::starts(source).nth(function.first_line).unwrap_or(0);
            return Ok(lines::insert(source, at, &self.text));
        }
        let span = self.find(&file, &function)?;
        let first = &file[function.code[span.start]];
        let last = &file[function.code[span.end - 1]];
        let (start, end) = (first.start, last.start + last.text.len());
        Ok(match self.how {
            How::Replace => {
                let text = self.text.trim_end_matches('\n');
                format!("{}{text}{}", &source[..start], &source[with_comment(&file, last)..])
            }
            How::Before => {
                let start = above_comment(&file, function.code[span.start]);
                let line = source[..start].rfind('\n').map_or(0, |at| at + 1);
                ensure!(source[line..start].trim().is_empty(), self.unlike("begins inside a line"));
                lines::insert(source, line, &self.text)
            }
            _ => {
                let line = source[end..].find('\n').map_or(source.len(), |at| end + at + 1);
                lines::insert(source, line, &self.text)
            }
        })
    }

    /// Where the function holds our text already.
    pub fn present(&self, file: &[Token<'_>], function: &Function) -> Vec<Span> {
        let ours = words_of(&self.text);
        places(&words(file, function), &ours).map(|at| at..at + ours.len()).collect()
    }

    /// Whether the place is still there, whatever stands in it.
    pub fn begins(&self, file: &[Token<'_>], function: &Function) -> bool {
        places(&words(file, function), &words_of(&self.from)).next().is_some()
    }

    /// The place in the function, if its code is what the edit was written for.
    pub fn find(&self, file: &[Token<'_>], function: &Function) -> Result<Span> {
        let code = words(file, function);
        let from = words_of(&self.from);
        let mut found = places(&code, &from);
        let start = found.next().with_context(|| self.unlike("is not there"))?;
        ensure!(found.next().is_none(), self.unlike("is there more than once"));
        let mut span = start..start + from.len();
        if let Some(to) = &self.to {
            let to = words_of(to);
            let end = places(&code[span.end..], &to)
                .next()
                .with_context(|| self.unlike("does not end as it did"))?;
            span.end += end + to.len();
            let now = format!("{:#x}", fingerprint(&code[span.clone()]));
            if !self.code.contains(&now) {
                bail!(self.unlike(&format!("has other code (fingerprint {now})")));
            }
        }
        Ok(span)
    }

    fn unlike(&self, how: &str) -> String {
        let within = Some(&self.function).filter(|name| !name.is_empty()).unwrap_or(&self.file);
        format!("{}: in {within}, the place at `{}` {how}", self.file, self.from)
    }
}

/// The end of a token, or of a comment that takes up the rest of its line.
fn with_comment(file: &[Token<'_>], last: &Token<'_>) -> usize {
    let mut behind = file.iter().skip_while(|token| token.start <= last.start);
    let (next, after) = (behind.next(), behind.next());
    let comment = next.filter(|next| {
        next.kind == Kind::Comment
            && next.first_line == last.last_line
            && after.is_none_or(|after| after.first_line > next.last_line)
    });
    let end = comment.unwrap_or(last);
    end.start + end.text.len()
}

/// The start of a token, or of the comment in front of it.
fn above_comment(file: &[Token<'_>], index: usize) -> usize {
    let own_line =
        |comment: usize| comment == 0 || file[comment - 1].last_line < file[comment].first_line;
    match index.checked_sub(1) {
        Some(before) if file[before].kind == Kind::Comment && own_line(before) => {
            file[before].start
        }
        _ => file[index].start,
    }
}

/// The one definition of a function; of none, the whole file.
pub fn the(file: &[Token<'_>], name: &str, function: &str) -> Result<Function> {
    if function.is_empty() {
        return Ok(Function::whole(file));
    }
    let mut found = functions(file, function);
    ensure!(found.len() < 2, "{name} defines {function} {} times", found.len());
    found.pop().with_context(|| format!("{name} defines no function {function}"))
}

pub fn words(file: &[Token<'_>], function: &Function) -> Vec<String> {
    function.code.iter().map(|&index| squeeze(file[index].text)).collect()
}

pub fn words_of(text: &str) -> Vec<String> {
    tokens(text)
        .iter()
        .filter(|token| token.kind != Kind::Comment)
        .map(|token| squeeze(token.text))
        .collect()
}

/// Every place at which `words` holds `sought`.
pub fn places<'a>(words: &'a [String], sought: &'a [String]) -> impl Iterator<Item = usize> + 'a {
    words
        .windows(sought.len().max(1))
        .enumerate()
        .filter(move |(_, window)| *window == sought)
        .map(|(at, _)| at)
}
