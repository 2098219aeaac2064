//! Changes to a graph that the passes have in common.

use crate::analysis::Cfg;
use crate::ir::cleanup::{cleanup, resolve, substitute};
use crate::ir::dce::dce;
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::Function;
use crate::ir::ops::{Imm, Op};
use crate::ir::types::Type;
use cranelift_entity::SecondaryMap;
use cranelift_entity::packed_option::PackedOption;
use hashbrown::HashMap;

/// Values and what replaces them.
pub type Replaced = SecondaryMap<Value, PackedOption<Value>>;

/// Puts a new instruction with one result at a position of a block.
pub fn insert(
    f: &mut Function,
    block: Block,
    at: usize,
    op: Op,
    imm: Imm,
    args: &[Value],
    ty: Type,
) -> Value {
    let inst = f.make_inst(op, imm, args, &[ty]);
    f.blocks[block].insts.insert(at, inst);
    f.results(inst)[0]
}

/// Puts a constant at a position of a block.
pub fn insert_i32(f: &mut Function, block: Block, at: usize, n: u32) -> Value {
    insert(f, block, at, Op::I32Const, Imm::I32(n as i32), &[], Type::I32)
}

/// Whether two values are computed in the same way from the same values, as far as so many operators deep shows it.
pub fn same(f: &Function, a: Value, b: Value, depth: u32) -> bool {
    if a == b {
        return true;
    }
    let (Some(i), Some(j)) = (f.def_inst(a), f.def_inst(b)) else { return false };
    let (x, y) = (&f.insts[i], &f.insts[j]);
    depth > 0
        && x.op == y.op
        && x.imm == y.imm
        && x.op.is_pure()
        && f.args(i).len() == f.args(j).len()
        && f.args(i).iter().zip(f.args(j)).all(|(&a, &b)| same(f, a, b, depth - 1))
}

/// Where an instruction stands in its block.
pub fn position(f: &Function, block: Block, inst: Inst) -> usize {
    f.blocks[block].insts.iter().position(|&i| i == inst).expect("an instruction of the block")
}

/// Moves what is behind a position of a block, with its end, to a new block behind it, which nothing leads to yet.
pub fn split(f: &mut Function, block: Block, at: usize) -> Block {
    let rest = f.add_block();
    f.layout.pop();
    let place = f.layout.iter().position(|&b| b == block).expect("a live block");
    f.layout.insert(place + 1, rest);
    f.blocks[rest].insts = f.blocks[block].insts.split_off(at);
    f.blocks[rest].term = f.blocks[block].term.take();
    rest
}

/// A variable that is known at the ends of some blocks, on every way to where it is asked for.
pub struct Variable {
    ends: HashMap<Block, Value>,
    /// The parameters made so far, where different values meet.
    params: HashMap<Block, Value>,
    ty: Type,
}

impl Variable {
    /// With its values at the ends of the blocks that set it.
    pub fn new(ends: HashMap<Block, Value>, ty: Type) -> Variable {
        Variable { ends, params: HashMap::new(), ty }
    }

    /// What it is at the start of a block: parameters are added where different values meet.
    pub fn at_start(&mut self, f: &mut Function, cfg: &Cfg, block: Block) -> Value {
        let mut seen: SecondaryMap<Block, bool> = SecondaryMap::new();
        let mut made = Vec::new();
        let mut todo = vec![block];
        while let Some(b) = todo.pop() {
            if std::mem::replace(&mut seen[b], true) || self.params.contains_key(&b) {
                continue;
            }
            if cfg.preds(b).len() > 1 {
                self.params.insert(b, f.add_param(b, self.ty));
                made.push(b);
            }
            todo.extend(cfg.preds(b).iter().copied().filter(|p| !self.ends.contains_key(p)));
        }
        for &b in &made {
            for &p in cfg.preds(b) {
                let v = self.at_end(cfg, p);
                let mut term = f.blocks[p].term.take();
                for e in term.iter_mut().flat_map(|t| t.edges_mut()).filter(|e| e.block == b) {
                    e.args.push(v, &mut f.pool);
                }
                f.blocks[p].term = term;
            }
        }
        match self.params.get(&block) {
            Some(&p) => p,
            None => self.at_end(cfg, cfg.preds(block)[0]),
        }
    }

    fn at_end(&self, cfg: &Cfg, mut block: Block) -> Value {
        loop {
            if let Some(&v) = self.ends.get(&block) {
                return v;
            }
            match self.params.get(&block) {
                Some(&p) => return p,
                None => block = cfg.preds(block)[0],
            }
        }
    }
}

/// Removes instructions from their blocks; nothing may use their results any more.
pub fn remove(f: &mut Function, gone: &[Inst]) {
    let mut is_gone: SecondaryMap<Inst, bool> = SecondaryMap::new();
    for &i in gone {
        is_gone[i] = true;
    }
    for b in f.layout.clone() {
        f.blocks[b].insts.retain(|&i| !is_gone[i]);
    }
}

/// Removes parameters whose arguments are all the same value or the parameter itself, until there are none, then what is
/// dead.
pub fn tidy(f: &mut Function) {
    remove_trivial_params(f);
    dce(f);
    cleanup(f);
}

fn remove_trivial_params(f: &mut Function) {
    loop {
        // For each parameter the only other argument seen so far.
        let mut only: SecondaryMap<Value, PackedOption<Value>> = SecondaryMap::new();
        let mut several: SecondaryMap<Value, bool> = SecondaryMap::new();
        for &b in &f.layout {
            for e in f.term(b).edges() {
                let made = f.produced(e);
                for (n, &p) in f.block_params(e.block).iter().enumerate() {
                    if n < made {
                        several[p] = true;
                        continue;
                    }
                    let arg = f.edge_args(e)[n - made];
                    match only[p].expand() {
                        _ if arg == p => {}
                        None => only[p] = Some(arg).into(),
                        Some(other) => several[p] |= other != arg,
                    }
                }
            }
        }
        let mut replaced = Replaced::new();
        let mut any = false;
        for &b in f.layout.iter().filter(|&&b| b != f.entry) {
            for &p in f.block_params(b) {
                let Some(v) = only[p].expand().filter(|_| !several[p]) else { continue };
                // Two parameters may be each other's only argument in a loop that is never entered.
                if resolve(&mut replaced, v) != p {
                    replaced[p] = Some(v).into();
                    any = true;
                }
            }
        }
        if !any {
            return;
        }
        substitute(f, &mut replaced);
        dce(f);
    }
}
