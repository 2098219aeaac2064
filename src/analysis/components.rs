//! Strongly connected components of the call graph by Tarjan's algorithm, iterative; linear in functions plus call sites.
//! ("Depth-First Search and Linear Graph Algorithms", SIAM Journal on Computing 1972.)

use crate::ir::entity::FuncId;
use cranelift_entity::EntityRef;

/// Calls `emit` with each component of `count` functions, callees before callers, its members in ascending order. Callees
/// beyond the end are left out.
pub fn components<'a>(
    count: usize,
    callees: impl Fn(FuncId) -> &'a [FuncId],
    mut emit: impl FnMut(&[FuncId]),
) {
    let mut tarjan = Tarjan {
        number: vec![0; count],
        low: vec![0; count],
        on_stack: vec![false; count],
        stack: Vec::new(),
        next: 1,
    };
    let mut work: Vec<(FuncId, usize)> = Vec::new();
    for root in (0..count).map(FuncId::new) {
        if tarjan.number[root.index()] != 0 {
            continue;
        }
        tarjan.enter(root);
        work.push((root, 0));
        while let Some((func, next)) = work.last_mut() {
            let (f, at) = (*func, *next);
            *next += 1;
            match callees(f).get(at) {
                Some(c) if c.index() >= count => {}
                Some(&c) if tarjan.number[c.index()] == 0 => {
                    tarjan.enter(c);
                    work.push((c, 0));
                }
                Some(c) => {
                    if tarjan.on_stack[c.index()] {
                        tarjan.low[f.index()] = tarjan.low[f.index()].min(tarjan.number[c.index()]);
                    }
                }
                None => {
                    work.pop();
                    if let Some((caller, _)) = work.last() {
                        let c = caller.index();
                        tarjan.low[c] = tarjan.low[c].min(tarjan.low[f.index()]);
                    }
                    if tarjan.low[f.index()] == tarjan.number[f.index()] {
                        tarjan.leave(f, &mut emit);
                    }
                }
            }
        }
    }
}

/// The state of the search.
struct Tarjan {
    /// Number in the order of the search, 0 when not visited yet.
    number: Vec<u32>,
    low: Vec<u32>,
    on_stack: Vec<bool>,
    /// Functions whose component is not complete.
    stack: Vec<FuncId>,
    next: u32,
}

impl Tarjan {
    fn enter(&mut self, f: FuncId) {
        self.number[f.index()] = self.next;
        self.low[f.index()] = self.next;
        self.next += 1;
        self.on_stack[f.index()] = true;
        self.stack.push(f);
    }

    /// The component of `root` is everything above it on the stack.
    fn leave(&mut self, root: FuncId, emit: &mut impl FnMut(&[FuncId])) {
        let start = self.stack.iter().rposition(|&f| f == root).unwrap_or(0);
        let mut component = self.stack.split_off(start);
        for f in &component {
            self.on_stack[f.index()] = false;
        }
        component.sort_unstable();
        emit(&component);
    }
}
