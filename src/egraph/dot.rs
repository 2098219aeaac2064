//! An e-graph as a graph for Graphviz: a box for each class, in it its nodes, from them edges to the classes of their operands.

use super::facts::Graph;
use super::node::Head;
use egg::Id;
use hashbrown::HashMap;
use std::fmt::Write;

/// The text, in the order of classes and nodes. Immediates stand in the nodes that have them; what a class is known to be stands
/// at its box.
pub fn graph(graph: &Graph) -> String {
    let mut classes: Vec<Id> =
        graph.classes().map(|c| c.id).filter(|&id| graph[id].data.imm.is_none()).collect();
    classes.sort_unstable();
    let number: HashMap<Id, usize> = classes.iter().enumerate().map(|(n, &id)| (id, n)).collect();
    let mut s = String::from("digraph egraph {\n  compound=true;\n  node [shape=box, fontname=monospace];\n");
    for (n, &id) in classes.iter().enumerate() {
        let data = &graph[id].data;
        let ty = data.ty.map_or(String::new(), |t| format!(": {t}"));
        let constant = data.constant.map_or(String::new(), |c| format!(" = {c}"));
        writeln!(s, "  subgraph cluster_{n} {{\n    label=\"c{n}{ty}{constant}\";").expect("a string");
        let mut nodes: Vec<_> = graph[id].nodes.iter().collect();
        nodes.sort_unstable();
        let mut edges = String::new();
        for (i, node) in nodes.into_iter().enumerate() {
            let mut label = match node.head {
                Head::Version(v) => format!("version {v}"),
                _ => node.to_string(),
            };
            for &child in &node.children {
                let child = graph.find(child);
                match (graph[child].data.imm, number.get(&child)) {
                    (Some(imm), _) => write!(label, " {imm}").expect("a string"),
                    // An edge into a class that holds its own source would have no end outside of the box.
                    (None, Some(&to)) if to == n => write!(label, " c{n}").expect("a string"),
                    (None, Some(&to)) => {
                        writeln!(edges, "  n{n}_{i} -> n{to}_0 [lhead=cluster_{to}];").expect("a string");
                    }
                    (None, None) => {}
                }
            }
            writeln!(s, "    n{n}_{i} [label=\"{label}\"];").expect("a string");
        }
        s.push_str("  }\n");
        s.push_str(&edges);
    }
    s.push_str("}\n");
    s
}
