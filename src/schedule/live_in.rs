//! Where block parameters are live at the starts of blocks, asked for a few of them: what decides whether an edge disturbs another one, and
//! which of two values of a loop is computed first.
//!
//! Linear in the blocks in which a parameter is live; the steps of all of them are capped.

use super::LowerError;
use crate::analysis::Cfg;
use crate::ir::entity::{Block, Value};
use crate::ir::function::{Function, ValueDef};
use hashbrown::{HashMap, HashSet};

/// Where chosen values are live, found on demand.
pub(super) struct LiveIn {
    uses: HashMap<Value, Vec<Block>>,
    known: HashMap<Value, HashSet<Block>>,
    steps: usize,
    max_steps: usize,
}

impl LiveIn {
    pub(super) fn new(f: &Function, values: impl Iterator<Item = Value>, max_steps: usize) -> LiveIn {
        let mut uses: HashMap<Value, Vec<Block>> = values.map(|v| (v, Vec::new())).collect();
        for &b in &f.layout {
            let mut note = |v: &Value| {
                if let Some(list) = uses.get_mut(v)
                    && list.last() != Some(&b)
                {
                    list.push(b);
                }
            };
            for &i in &f.blocks[b].insts {
                f.args(i).iter().for_each(&mut note);
            }
            f.term(b).operands(&f.pool).iter().for_each(&mut note);
            for e in f.term(b).edges() {
                f.edge_args(e).iter().for_each(&mut note);
            }
        }
        LiveIn { uses, known: HashMap::new(), steps: 0, max_steps }
    }

    /// Counts steps that somebody made for it.
    pub(super) fn count(&mut self, steps: usize) -> Result<(), LowerError> {
        self.steps += steps;
        if self.steps > self.max_steps {
            Err(LowerError::Limit("liveness of loop parameters"))
        } else {
            Ok(())
        }
    }

    /// Blocks at whose start a block parameter is live.
    pub(super) fn blocks(
        &mut self,
        f: &Function,
        cfg: &Cfg,
        v: Value,
    ) -> Result<&HashSet<Block>, LowerError> {
        if !self.known.contains_key(&v) {
            let ValueDef::Param(home, _) = f.values[v].def else {
                return Err(LowerError::Unsupported("parameter expected"));
            };
            let mut set = HashSet::new();
            let mut work = self.uses.get(&v).cloned().unwrap_or_default();
            while let Some(b) = work.pop() {
                if b != home && set.insert(b) {
                    self.count(1 + cfg.preds(b).len())?;
                    work.extend_from_slice(cfg.preds(b));
                }
            }
            self.known.insert(v, set);
        }
        Ok(&self.known[&v])
    }
}
