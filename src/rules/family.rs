//! Families: `:for` writes one rule for several types or operators by substitution of upper-case words.

use super::sexpr::{Sexpr, SexprKind};
use crate::error::Error;

/// Most instances one `:for` may have.
const MAX_INSTANCES: usize = 4096;

/// Most words that change together in one clause.
const MAX_WORDS: usize = 16;

/// Longest text that a word may stand for, in bytes. As it may have words of the clauses before in it, it could otherwise
/// grow with each clause by a factor.
const MAX_TEXT: usize = 64;

/// One choice for all words of a family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Choice {
    /// Word and what it stands for; longer words first, so that `AB` is not taken for `A` and `B`.
    words: Vec<(String, String)>,
    /// What is appended to the rule's name, with its `@`s.
    pub(super) suffix: String,
}

/// Whether a list can be a clause of `:for`: a word in upper case and its alternatives, or a list of words and lists. A
/// left side whose operator is a word has variables or terms where a clause has alternatives.
pub(super) fn is_clause(s: &Sexpr) -> bool {
    let Some((head, rows)) = s.list().and_then(|l| l.split_first()) else { return false };
    match head.atom() {
        Some(word) => is_word(word) && rows.iter().all(|r| r.atom().is_some_and(|a| !a.starts_with('?'))),
        None => head.head().is_some_and(is_word) && rows.iter().all(|r| r.list().is_some()),
    }
}

fn is_word(s: &str) -> bool {
    !s.is_empty() && s.bytes().all(|b| b.is_ascii_uppercase())
}

/// All choices of the clauses, as their product in the order written. No clauses: one empty choice.
///
/// With a `narrow` width, a family over `(N 32 64)` is read for that width instead: the operators are those on `i32`, and
/// every number made from `N` is that of the narrow width. Other families have no narrow reading.
pub(super) fn choices(clauses: &[Sexpr], narrow: Option<u32>) -> Result<Vec<Choice>, Error> {
    let mut all = vec![Choice::default()];
    if narrow.is_some() && !clauses.iter().any(is_width) {
        return Ok(Vec::new());
    }
    for clause in clauses {
        if clause.list().is_some_and(|l| l.len() > MAX_INSTANCES + 1) {
            return Err(clause.pos.error(format!("a family of more than {MAX_INSTANCES} instances")));
        }
        let alternatives = match narrow {
            Some(width) if is_width(clause) => vec![Choice::narrow(width)],
            _ => alternatives(clause)?,
        };
        if all.len() * alternatives.len() > MAX_INSTANCES {
            return Err(clause.pos.error(format!("a family of more than {MAX_INSTANCES} instances")));
        }
        all = all.iter().flat_map(|a| alternatives.iter().map(|b| a.and(b))).collect();
        if all.iter().any(|c| c.words.iter().any(|(w, v)| w.len().max(v.len()) > MAX_TEXT)) {
            return Err(clause.pos.error(format!("a word of :for stands for more than {MAX_TEXT} bytes")));
        }
    }
    for c in &mut all {
        c.words.sort_by_key(|(w, _)| std::cmp::Reverse(w.len()));
    }
    Ok(all)
}

/// Whether a clause is `(N 32 64)`.
fn is_width(clause: &Sexpr) -> bool {
    let words = clause.list().unwrap_or_default().iter().map(|s| s.atom());
    words.eq([Some("N"), Some("32"), Some("64")])
}

/// `(N 32 64)`, or `((A B) (eq ne) (ne eq))` where words change together.
fn alternatives(clause: &Sexpr) -> Result<Vec<Choice>, Error> {
    let items = clause.list().unwrap_or_default();
    let Some((head, rows)) = items.split_first() else {
        return Err(clause.pos.error("empty clause of :for"));
    };
    if rows.is_empty() {
        return Err(clause.pos.error("this clause of :for has no alternatives"));
    }
    let words: Vec<&Sexpr> = match &head.kind {
        SexprKind::Atom(_) => vec![head],
        SexprKind::List(l) => l.iter().collect(),
    };
    for w in &words {
        if !w.atom().is_some_and(is_word) {
            return Err(w.pos.error("a word of :for is written in upper-case letters only"));
        }
    }
    if words.len() > MAX_WORDS {
        return Err(head.pos.error(format!("more than {MAX_WORDS} words in one clause of :for")));
    }
    let mut out = Vec::new();
    for row in rows {
        let values: Vec<&Sexpr> = match (&row.kind, &head.kind) {
            (SexprKind::List(l), SexprKind::List(_)) => l.iter().collect(),
            _ => vec![row],
        };
        if values.len() != words.len() {
            return Err(row.pos.error(format!(
                "expected {} alternatives, found {}",
                words.len(),
                values.len()
            )));
        }
        let mut choice = Choice::default();
        for (w, v) in words.iter().zip(&values) {
            let (Some(w), Some(v)) = (w.atom(), v.atom()) else {
                return Err(v.pos.error("an alternative of :for is one word"));
            };
            choice.words.push((w.to_string(), v.to_string()));
        }
        out.push(choice);
    }
    // The name shows as many columns as it takes to tell the rows apart.
    let prefix =
        |c: &Choice, n: usize| c.words[..n].iter().map(|w| w.1.as_str()).collect::<Vec<_>>().join("-");
    let distinct = |n: usize| {
        let mut seen: Vec<String> = out.iter().map(|c| prefix(c, n)).collect();
        seen.sort();
        seen.windows(2).all(|w| w[0] != w[1])
    };
    let columns = (1..=words.len()).find(|&n| distinct(n));
    let Some(columns) = columns else {
        return Err(clause.pos.error("two alternatives of this clause are the same"));
    };
    let suffixes: Vec<String> = out.iter().map(|c| format!("@{}", prefix(c, columns))).collect();
    for (choice, suffix) in out.iter_mut().zip(suffixes) {
        choice.suffix = suffix;
    }
    Ok(out)
}

impl Choice {
    fn narrow(width: u32) -> Choice {
        let word = |w: &str, v: String| (w.to_string(), v);
        Choice {
            words: vec![word("iN.", "i32.".to_string()), word("N", width.to_string())],
            suffix: format!("@{width}"),
        }
    }

    /// Both choices; the words of the second may stand for text with words of the first.
    fn and(&self, next: &Choice) -> Choice {
        let mut words = self.words.clone();
        words.extend(next.words.iter().map(|(w, v)| (w.clone(), self.atom(v))));
        Choice { words, suffix: format!("{}{}", self.suffix, self.atom(&next.suffix)) }
    }

    /// The s-expression with all words replaced. Recursion is bounded by the reader's nesting cap.
    pub(super) fn apply(&self, s: &Sexpr) -> Sexpr {
        if self.words.is_empty() {
            return s.clone();
        }
        let kind = match &s.kind {
            SexprKind::Atom(a) => SexprKind::Atom(self.atom(a)),
            SexprKind::List(l) => SexprKind::List(l.iter().map(|x| self.apply(x)).collect()),
        };
        Sexpr { pos: s.pos, kind }
    }

    fn atom(&self, a: &str) -> String {
        if a.starts_with(['?', ':', '-']) || a.starts_with(|c: char| c.is_ascii_digit()) {
            return a.to_string();
        }
        let mut out = String::new();
        let mut rest = a;
        let mut replaced = false;
        'outer: while let Some(c) = rest.chars().next() {
            for (w, v) in &self.words {
                if let Some(tail) = rest.strip_prefix(w.as_str()) {
                    out.push_str(v);
                    rest = tail;
                    replaced = true;
                    continue 'outer;
                }
            }
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
        if replaced { arithmetic(&out).unwrap_or(out) } else { out }
    }
}

/// `32-1`, `64/8`, `2*32`, `32+1`: so that a family can write the number that belongs to its width.
fn arithmetic(s: &str) -> Option<String> {
    let at = s.find(['-', '/', '*', '+']).filter(|&i| i > 0)?;
    let (a, b): (i128, i128) = (s[..at].parse().ok()?, s[at + 1..].parse().ok()?);
    let v = match s.as_bytes()[at] {
        b'-' => a.checked_sub(b)?,
        b'/' => a.checked_div(b)?,
        b'*' => a.checked_mul(b)?,
        _ => a.checked_add(b)?,
    };
    Some(v.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::sexpr::read;
    use super::*;

    #[test]
    fn substitution() {
        let clauses = read("(N 32 64) ((A B) (eq ne) (ne eq))").unwrap();
        let choices = choices(&clauses, None).unwrap();
        assert_eq!(
            choices.iter().map(|c| c.suffix.as_str()).collect::<Vec<_>>(),
            ["@32@eq", "@32@ne", "@64@eq", "@64@ne"]
        );
        let s = read("(iN.A ?N (iN.const N-1) iN.B N/8 0xA)").unwrap();
        let l = choices[3].apply(&s[0]);
        let text: Vec<_> = l.list().unwrap().iter().filter_map(|x| x.atom()).collect();
        assert_eq!(text, ["i64.ne", "?N", "i64.eq", "8", "0xA"]);
    }

    #[test]
    fn bad_clauses() {
        assert!(choices(&read("(N)").unwrap(), None).is_err());
        assert!(choices(&read("((A B) (x))").unwrap(), None).is_err());
        let many = "(A 1 2 3 4 5 6 7 8 9) ".repeat(6);
        assert!(choices(&read(&many).unwrap(), None).is_err());
    }
}
