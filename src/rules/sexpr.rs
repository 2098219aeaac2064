//! Reader of s-expressions with positions. It keeps an explicit stack, so that no text can overflow the machine's.

use crate::error::Error;

/// Deepest nesting of parentheses accepted. Rules need about ten; everything later may recurse over terms because
/// of this cap.
pub const MAX_DEPTH: usize = 64;
/// Largest rule file accepted, in bytes.
pub const MAX_BYTES: usize = 4 << 20;
/// Longest word accepted, in bytes.
const MAX_WORD: usize = 256;

/// Line and column, both from 1, of the first character of a term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pos {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Pos {
    /// An error at this position.
    pub fn error(self, message: impl Into<String>) -> Error {
        Error::at_line(self.line, self.column, message)
    }
}

/// One s-expression with the position of its first character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sexpr {
    /// Where it starts.
    pub pos: Pos,
    /// What it is.
    pub kind: SexprKind,
}

/// Atom or list. Nesting is at most [`MAX_DEPTH`], which makes derived drops and comparisons safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SexprKind {
    /// Anything without parentheses and blanks.
    Atom(String),
    /// A parenthesised sequence.
    List(Vec<Sexpr>),
}

impl Sexpr {
    /// The text of an atom.
    pub fn atom(&self) -> Option<&str> {
        match &self.kind {
            SexprKind::Atom(a) => Some(a),
            SexprKind::List(_) => None,
        }
    }

    /// The items of a list.
    pub fn list(&self) -> Option<&[Sexpr]> {
        match &self.kind {
            SexprKind::Atom(_) => None,
            SexprKind::List(l) => Some(l),
        }
    }

    /// How many words and lists it has. Recursion is bounded by [`MAX_DEPTH`].
    pub fn size(&self) -> usize {
        1 + self.list().unwrap_or_default().iter().map(Sexpr::size).sum::<usize>()
    }

    /// The first atom of a list.
    pub fn head(&self) -> Option<&str> {
        self.list()?.first()?.atom()
    }
}

/// Reads all top-level s-expressions of `text`.
pub fn read(text: &str) -> Result<Vec<Sexpr>, Error> {
    if text.len() > MAX_BYTES {
        return Err(Error::new(format!("the rule file is larger than {MAX_BYTES} bytes")));
    }
    let mut top: Vec<Sexpr> = Vec::new();
    let mut open: Vec<(Pos, Vec<Sexpr>)> = Vec::new();
    // A byte order mark is no part of the first word.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut chars = text.char_indices().peekable();
    let mut pos = Pos { line: 1, column: 1 };
    while let Some((start, c)) = chars.next() {
        let here = pos;
        advance(&mut pos, c);
        match c {
            ';' => {
                while let Some((_, c)) = chars.next_if(|&(_, c)| c != '\n') {
                    advance(&mut pos, c);
                }
            }
            '(' => {
                if open.len() == MAX_DEPTH {
                    return Err(here.error(format!("parentheses nest more than {MAX_DEPTH} deep")));
                }
                open.push((here, Vec::new()));
            }
            ')' => {
                let Some((at, items)) = open.pop() else {
                    return Err(here.error("this `)` closes nothing"));
                };
                let list = Sexpr { pos: at, kind: SexprKind::List(items) };
                open.last_mut().map_or(&mut top, |(_, items)| items).push(list);
            }
            c if c.is_whitespace() => {}
            c if c.is_control() => return Err(here.error(format!("control character U+{:04X}", c as u32))),
            _ => {
                let mut end = start + c.len_utf8();
                while let Some((i, c)) = chars.next_if(|&(_, c)| !ends_atom(c)) {
                    end = i + c.len_utf8();
                    advance(&mut pos, c);
                }
                if end - start > MAX_WORD {
                    return Err(here.error(format!("a word of more than {MAX_WORD} bytes")));
                }
                let atom = Sexpr { pos: here, kind: SexprKind::Atom(text[start..end].to_string()) };
                open.last_mut().map_or(&mut top, |(_, items)| items).push(atom);
            }
        }
    }
    match open.last() {
        Some((at, _)) => Err(at.error("this `(` is never closed")),
        None => Ok(top),
    }
}

/// The s-expression that starts at a position of a text that [`read`] accepts, as it is written; empty if none does.
pub fn written_at(text: &str, at: Pos) -> &str {
    let mut pos = Pos { line: 1, column: 1 };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut start, mut depth, mut comment) = (None, 0u32, false);
    for (i, c) in text.char_indices() {
        if pos == at {
            start = Some(i);
        }
        advance(&mut pos, c);
        comment = if comment { c != '\n' } else { c == ';' };
        let Some(from) = start.filter(|_| !comment) else { continue };
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return &text[from..i + c.len_utf8()];
        }
    }
    ""
}

fn ends_atom(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '(' | ')' | ';')
}

fn advance(pos: &mut Pos, c: char) {
    if c == '\n' {
        pos.line += 1;
        pos.column = 1;
    } else {
        pos.column += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_comments() {
        let s = read("; hello\n (a (b\n  c)) ; x\n d").unwrap();
        assert_eq!(s.len(), 2);
        assert_eq!(s[0].pos, Pos { line: 2, column: 2 });
        let inner = &s[0].list().unwrap()[1];
        assert_eq!(inner.list().unwrap()[1].pos, Pos { line: 3, column: 3 });
        assert_eq!(s[1].atom(), Some("d"));
    }

    #[test]
    fn what_is_written() {
        let text = "; (x\n (a ; )\n  (b)) (c)";
        let read = read(text).unwrap();
        assert_eq!(written_at(text, read[0].pos), "(a ; )\n  (b))");
        assert_eq!(written_at(text, read[1].pos), "(c)");
        assert_eq!(written_at(text, Pos { line: 9, column: 1 }), "");
    }

    #[test]
    fn unbalanced() {
        assert_eq!(read("(a\n (b)").unwrap_err().to_string(), "<input>:1:1: this `(` is never closed");
        assert_eq!(read("(a)\n)").unwrap_err().to_string(), "<input>:2:1: this `)` closes nothing");
    }

    #[test]
    fn hostile_nesting_is_an_error() {
        let deep = "(".repeat(100_000);
        assert!(read(&deep).unwrap_err().to_string().contains("64 deep"));
        let wide = "()".repeat(100_000);
        assert_eq!(read(&wide).unwrap().len(), 100_000);
    }
}
