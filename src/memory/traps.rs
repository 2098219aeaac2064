//! Traps that stay when what made them goes: out of bounds, of the same kind and at the same point.

use super::edit::{insert, insert_i32, split};
use super::objects::constant;
use crate::ir::entity::{Block, MemoryId, Value};
use crate::ir::function::{Function, Terminator};
use crate::ir::info::ModuleInfo;
use crate::ir::ops::{Imm, MemArg, Op};
use crate::ir::types::Type;

/// Reads the byte `offset` behind an address, which traps as a read of all before it would. At this position of a block.
pub fn probe(f: &mut Function, block: Block, at: usize, memory: MemoryId, address: Value, offset: u32) {
    let imm = Imm::Mem(MemArg { memory, offset: offset.into(), align: 0 });
    insert(f, block, at, Op::I32Load8U, imm, &[address], Type::I32);
}

/// Traps where reading `length` bytes from `from` would: the end lies behind the end of the memory, which has addresses
/// of 32 bits. Splits the block at the position, unless the length is constant.
pub fn trap_out_of_bounds(
    f: &mut Function,
    (block, at): (Block, usize),
    memory: MemoryId,
    from: Value,
    length: Value,
    info: &dyn ModuleInfo,
) {
    match constant(f, length) {
        // A read of nothing traps as well where it starts behind the end, which no access of a byte can tell.
        Some(n) if n > 0 => probe(f, block, at, memory, from, n - 1),
        _ => {
            let rest = split(f, block, at);
            let trap = f.add_block();
            let outside = insert_i32(f, trap, 0, u32::MAX);
            // 2^33 - 2: outside of every memory with addresses of 32 bits.
            probe(f, trap, 1, memory, outside, u32::MAX);
            f.blocks[trap].term = Some(Terminator::Unreachable);
            let mut add = |op: Op, imm: Imm, args: &[Value], ty: Type| {
                let inst = f.append(block, op, imm, args, &[ty]);
                f.results(inst)[0]
            };
            let start = add(Op::I64ExtendI32U, Imm::None, &[from], Type::I64);
            let bytes = add(Op::I64ExtendI32U, Imm::None, &[length], Type::I64);
            let end = add(Op::I64Add, Imm::None, &[start, bytes], Type::I64);
            let pages = add(Op::MemorySize, Imm::Memory(memory), &[], Type::I32);
            let pages = add(Op::I64ExtendI32U, Imm::None, &[pages], Type::I64);
            let log2 = info.page_size(memory).trailing_zeros();
            let log2 = add(Op::I64Const, Imm::I64(log2.into()), &[], Type::I64);
            let size = add(Op::I64Shl, Imm::None, &[pages, log2], Type::I64);
            let cond = add(Op::I64GtU, Imm::None, &[end, size], Type::I32);
            let (then, els) = (f.edge(trap, &[]), f.edge(rest, &[]));
            f.blocks[block].term = Some(Terminator::Branch { cond, then, els });
        }
    }
}
