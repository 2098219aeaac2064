//! A function graph as a picture for Graphviz: a box for each block, an arrow for each edge with what it is taken for and
//! the values that it carries. Edges back to a block that the layout puts before are dashed.

use super::function::{CatchKind, Edge, Function, Terminator};
use super::print;
use cranelift_entity::SecondaryMap;
use std::fmt::Write;

/// Text of one `digraph`.
pub fn function(f: &Function, name: Option<&str>) -> String {
    let mut s = String::new();
    write_function(&mut s, f, name).expect("writing to a string");
    s
}

fn write_function(out: &mut String, f: &Function, name: Option<&str>) -> std::fmt::Result {
    writeln!(out, "digraph \"{}\" {{", f.id)?;
    let title = name.map_or(f.id.to_string(), |n| format!("{} {n}", f.id));
    writeln!(out, "  label=\"{}\"; node [shape=box, fontname=monospace];", escape(&title))?;
    let mut place: SecondaryMap<_, usize> = SecondaryMap::new();
    for (n, &b) in f.layout.iter().enumerate() {
        place[b] = n;
    }
    for (n, &b) in f.layout.iter().enumerate() {
        let params: Vec<String> =
            f.block_params(b).iter().map(|&v| format!("{v}: {}", f.values[v].ty)).collect();
        let mut lines = format!("{b}({}):\n", params.join(", "));
        for &i in &f.blocks[b].insts {
            writeln!(lines, "  {}", print::inst(f, i))?;
        }
        writeln!(lines, "  {}", print::terminator(f, b))?;
        writeln!(out, "  {b} [label=\"{}\"];", escape(&lines))?;
        for (role, edge) in roles(f.blocks[b].term.as_ref()) {
            let args: Vec<String> = f.edge_args(edge).iter().map(|v| v.to_string()).collect();
            let label = format!("{role}({})", args.join(", "));
            let style = if place[edge.block] <= n { ", style=dashed" } else { "" };
            writeln!(out, "  {b} -> {} [label=\"{}\"{style}];", edge.block, escape(&label))?;
        }
    }
    writeln!(out, "}}")
}

/// The edges with what each is taken for.
fn roles(term: Option<&Terminator>) -> Vec<(String, &Edge)> {
    let Some(term) = term else { return Vec::new() };
    let handlers = match term {
        Terminator::Invoke { handlers, .. }
        | Terminator::Throw { handlers, .. }
        | Terminator::ThrowRef { handlers, .. } => handlers.as_slice(),
        _ => &[],
    };
    let mut list: Vec<(String, &Edge)> = match term {
        Terminator::Branch { then, els, .. } => vec![("then".to_string(), then), ("else".to_string(), els)],
        Terminator::BrOn { taken, els, .. } => vec![("taken".to_string(), taken), ("else".to_string(), els)],
        Terminator::Table { targets, default, .. } => {
            let numbered = targets.iter().enumerate().map(|(n, e)| (n.to_string(), e));
            numbered.chain([("default".to_string(), default)]).collect()
        }
        Terminator::Jump(edge) => vec![(String::new(), edge)],
        Terminator::Invoke { normal, .. } => vec![("normal".to_string(), normal)],
        _ => Vec::new(),
    };
    list.extend(handlers.iter().map(|h| {
        let role = match h.kind {
            CatchKind::One(tag) => format!("catch {tag}"),
            CatchKind::OneRef(tag) => format!("catch_ref {tag}"),
            CatchKind::All => "catch_all".to_string(),
            CatchKind::AllRef => "catch_all_ref".to_string(),
        };
        (role, &h.edge)
    }));
    list
}

/// In a quoted label; `\l` ends a left-aligned line.
fn escape(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for c in s.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\l"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::parse;

    #[test]
    fn boxes_and_arrows() {
        let text = "function func0 (i32) -> () {
            b0(v0: i32):
                br b1(v0)
            b1(v1: i32):
                br_if v1, b1(v0), b2()
            b2():
                invoke call func1() normal b3() catch tag0 b3()
            b3():
                return
            }";
        let f = parse::function(text).expect("parses");
        let dot = function(&f, Some("a\"b"));
        for line in [
            "label=\"func0 a\\\"b\"; node",
            "b0 [label=\"b0(v0: i32):\\l  br b1(v0)\\l\"];",
            "b0 -> b1 [label=\"(v0)\"];",
            "b1 -> b1 [label=\"then(v0)\", style=dashed];",
            "b1 -> b2 [label=\"else()\"];",
            "b2 -> b3 [label=\"normal()\"];",
            "b2 -> b3 [label=\"catch tag0()\"];",
        ] {
            assert!(dot.contains(line), "{line}\n{dot}");
        }
    }
}
