//! Use counts of values. Linear in the size of the graph.

use crate::ir::entity::Value;
use crate::ir::function::Function;
use cranelift_entity::SecondaryMap;

/// How often each value is an operand of an instruction, a terminator or an edge of a live block.
#[derive(Clone, Debug)]
pub struct UseCounts {
    counts: SecondaryMap<Value, u32>,
}

impl UseCounts {
    /// Counts all uses in live blocks.
    pub fn compute(f: &Function) -> UseCounts {
        let mut counts: SecondaryMap<Value, u32> = SecondaryMap::with_capacity(f.values.len());
        for &b in &f.layout {
            let insts = f.blocks[b].insts.iter().flat_map(|&i| f.args(i));
            let term = f.blocks[b].term.iter();
            let ends =
                term.flat_map(|t| t.operands(&f.pool).iter().chain(t.edges().flat_map(|e| f.edge_args(e))));
            for &v in insts.chain(ends) {
                counts[v] = counts[v].saturating_add(1);
            }
        }
        UseCounts { counts }
    }

    /// Number of uses of a value.
    pub fn count(&self, v: Value) -> u32 {
        self.counts[v]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::parse;

    #[test]
    fn operands_terminators_and_edges_count() {
        let text = "function func0 (i32) -> (i32) {
            b0(v0: i32):
                v1: i32 = i32.add v0, v0
                br_if v0, b1(v1, v1), b1(v0, v1)
            b1(v2: i32, v3: i32):
                return v2
            }";
        let f = parse::function(text).expect("parses");
        let uses = UseCounts::compute(&f);
        let counts: Vec<u32> = f.values.keys().map(|v| uses.count(v)).collect();
        assert_eq!(counts, [4, 3, 1, 0]);
    }
}
