// SPDX-License-Identifier: GPL-2.0-or-later
//! C as a list of tokens: enough to find a function and to tell whether its code is known.

/// A piece of C other than white space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Word,
    Other,
    Comment,
    /// A whole preprocessor line, continuations included.
    Directive,
}

/// A token; lines are counted from 0.
pub struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    /// Where it begins, in bytes.
    pub start: usize,
    pub first_line: usize,
    pub last_line: usize,
}

/// Splits C into tokens. What is never closed ends with the text.
pub fn tokens(source: &str) -> Vec<Token<'_>> {
    let bytes = source.as_bytes();
    let mut tokens = Vec::new();
    let (mut at, mut line, mut line_is_empty) = (0, 0, true);
    while at < bytes.len() {
        if bytes[at].is_ascii_whitespace() {
            if bytes[at] == b'\n' {
                line += 1;
                line_is_empty = true;
            }
            at += 1;
            continue;
        }
        let (kind, length) = token_at(&source[at..], line_is_empty);
        let text = &source[at..at + length];
        let last = line + text.matches('\n').count();
        tokens.push(Token { kind, text, start: at, first_line: line, last_line: last });
        at += length;
        line = last;
        line_is_empty = false;
    }
    tokens
}

fn token_at(rest: &str, line_is_empty: bool) -> (Kind, usize) {
    let bytes = rest.as_bytes();
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    match bytes[0] {
        b'/' if rest.starts_with("/*") => {
            (Kind::Comment, rest[2..].find("*/").map_or(rest.len(), |end| end + 4))
        }
        b'/' if rest.starts_with("//") => (Kind::Comment, rest.find('\n').unwrap_or(rest.len())),
        b'#' if line_is_empty => (Kind::Directive, directive_length(rest)),
        quote @ (b'"' | b'\'') => (Kind::Other, quoted_length(bytes, quote)),
        byte if is_word(&byte) => {
            (Kind::Word, bytes.iter().position(|byte| !is_word(byte)).unwrap_or(rest.len()))
        }
        // A character beyond ASCII takes more than one byte.
        _ => (Kind::Other, rest.chars().next().map_or(1, char::len_utf8)),
    }
}

fn quoted_length(bytes: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < bytes.len() && bytes[at] != quote && bytes[at] != b'\n' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + usize::from(bytes.get(at) == Some(&quote))).min(bytes.len())
}

/// To the end of the line, or of the last one that a backslash or a comment continues it by.
fn directive_length(rest: &str) -> usize {
    let mut at = 0;
    while at < rest.len() {
        let tail = &rest[at..];
        if let Some(comment) = tail.strip_prefix("/*") {
            at += comment.find("*/").map_or(tail.len(), |end| end + 4);
        } else if tail.starts_with("\\\n") {
            at += 2;
        } else if tail.starts_with('\n') {
            break;
        } else {
            at += tail.chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// A function's definition.
pub struct Function {
    /// Where the comment in front of it begins, if one stands right there, or else its head.
    pub first_line: usize,
    /// Where its last brace stands.
    pub last_line: usize,
    /// A number for its code, whatever its comments and white space.
    pub fingerprint: u64,
    /// Its tokens among the file's, comments left out.
    pub code: Vec<usize>,
    words: Vec<String>,
}

impl Function {
    /// A whole file, as though it were one.
    pub fn whole(tokens: &[Token<'_>]) -> Function {
        let code: Vec<usize> =
            (0..tokens.len()).filter(|&index| tokens[index].kind != Kind::Comment).collect();
        let words: Vec<String> = code.iter().map(|&index| squeeze(tokens[index].text)).collect();
        Function {
            first_line: 0,
            last_line: tokens.last().map_or(0, |token| token.last_line),
            fingerprint: fingerprint(&words),
            code,
            words,
        }
    }

    pub fn names(&self, word: &str) -> bool {
        self.count(word) > 0
    }

    pub fn count(&self, word: &str) -> usize {
        self.words.iter().filter(|other| *other == word).count()
    }
}

/// Every definition of the function `name`: none in most files, two if the preprocessor chooses one.
pub fn functions(tokens: &[Token<'_>], name: &str) -> Vec<Function> {
    let code: Vec<usize> =
        (0..tokens.len()).filter(|&index| tokens[index].kind != Kind::Comment).collect();
    let text = |place: usize| code.get(place).map_or("", |&index| tokens[index].text);
    let mut found = Vec::new();
    for place in 0..code.len() {
        if text(place) != name || text(place + 1) != "(" {
            continue;
        }
        let Some(body) = closing(&text, code.len(), place + 1).map(|end| end + 1) else { continue };
        if text(body) != "{" {
            continue;
        }
        let Some(last) = closing(&text, code.len(), body) else { continue };
        let first = (0..place)
            .rev()
            .find(|&at| matches!(text(at), ";" | "}") || tokens[code[at]].kind == Kind::Directive)
            .map_or(0, |at| at + 1);
        let words: Vec<String> = (first..=last).map(|at| squeeze(text(at))).collect();
        found.push(Function {
            first_line: start_with_comment(tokens, code[first]),
            last_line: tokens[code[last]].last_line,
            fingerprint: fingerprint(&words),
            code: code[first..=last].to_vec(),
            words,
        });
    }
    found
}

/// The place of what closes the bracket at `open`.
fn closing<'a>(text: &impl Fn(usize) -> &'a str, count: usize, open: usize) -> Option<usize> {
    let mut depth = 0;
    for place in open..count {
        match text(place) {
            "(" | "{" => depth += 1,
            ")" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(place);
        }
    }
    None
}

/// The line of `first`, or of a comment that ends on the line before.
fn start_with_comment(tokens: &[Token<'_>], first: usize) -> usize {
    let start = tokens[first].first_line;
    match first.checked_sub(1).map(|before| &tokens[before]) {
        Some(before) if before.kind == Kind::Comment && before.last_line + 1 == start => {
            before.first_line
        }
        _ => start,
    }
}

/// A token's text on one line.
pub fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// FNV-1a, 64 bits, over the tokens with a NUL behind each.
pub fn fingerprint(words: &[String]) -> u64 {
    words
        .iter()
        .flat_map(|word| word.bytes().chain([0]))
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
int calls(int a) { return wanted(a); }

/* Says so. */
static int
wanted(int a)
{
\t/* } */ char c = '}'; /* { */
#define NOT_A_BRACE \\
\t}
\treturn \"}\\\"}\"[a] + c;
}

int after;
";

    #[test]
    fn finds_a_definition_and_neither_a_call_nor_a_brace_that_is_none() {
        let found = functions(&tokens(SOURCE), "wanted");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].first_line, found[0].last_line), (2, 10));
        assert!(found[0].names("return") && !found[0].names("calls"));
        assert!(functions(&tokens(SOURCE), "after").is_empty());
    }

    #[test]
    fn the_fingerprint_sees_code_and_nothing_else() {
        let of = |source: &str| functions(&tokens(source), "f")[0].fingerprint;
        assert_eq!(of("int f(void) { return 1; }"), of("int\nf (void)\n{ /* one */ return 1;\n}"));
        assert_ne!(of("int f(void) { return 1; }"), of("int f(void) { return 2; }"));
        assert_ne!(of("int f(void) { return 1; }"), of("static int f(void) { return 1; }"));
    }

    #[test]
    fn text_that_never_closes_ends() {
        for source in ["/* ", "\"a\\", "f(", "int f(void) {", "#define a \\", "'"] {
            assert!(functions(&tokens(source), "f").is_empty());
        }
    }
}
