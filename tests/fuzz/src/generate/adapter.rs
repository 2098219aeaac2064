//! A chain of functions in the form that meld's adapters have: caller, adapter, allocator, callee, in two memories.

use super::{MemoryShape, Shape, Signature, Types};
use crate::rng::Rng;
use wasm_encoder::{BlockType, Function, Instruction as I, MemArg, ValType};

/// Functions of a chain: caller, adapter, post-return, allocator, callee.
pub(crate) const COUNT: usize = 5;

const CALLER: usize = 0;
const ADAPTER: usize = 1;
const POST_RETURN: usize = 2;
const ALLOCATOR: usize = 3;
const CALLEE: usize = 4;

/// Signatures in the order of the functions.
pub(crate) fn signatures() -> Vec<Signature> {
    use ValType::{I32, I64};
    let sig = |params: &[ValType], results: &[ValType]| Signature {
        params: params.to_vec(),
        results: results.to_vec(),
    };
    vec![
        sig(&[I32, I32], &[I64]),
        sig(&[I32, I32, I32], &[]),
        sig(&[I32], &[]),
        sig(&[I32, I32, I32, I32], &[I32]),
        sig(&[I32, I32], &[I32]),
    ]
}

fn at(memory: u32, offset: u64) -> MemArg {
    super::memarg(offset, 0, memory)
}

/// The two memories of the chain: the first pair of 32-bit ones (or none).
fn pair(memories: &[MemoryShape]) -> Option<(u32, u32)> {
    let mut narrow = (0..memories.len() as u32).filter(|i| !memories[*i as usize].is64);
    let first = narrow.next()?;
    Some((first, narrow.next().unwrap_or(first)))
}

/// Body of function `which` of the chain whose first function has index `base`.
pub(crate) fn body(rng: &mut Rng, shape: &Shape, _types: &mut Types, base: usize, which: usize) -> Function {
    // The size of the result area is drawn from the place of the chain so that all bodies agree.
    let area = [8u64, 12, 16, 48][base % 4];
    let index = |which: usize| (base + which) as u32;
    let Some((caller, callee)) = pair(&shape.memories) else {
        let mut f = Function::new([]);
        f.instruction(&I::Unreachable).instruction(&I::End);
        return f;
    };
    let mut code: Vec<I<'static>> = Vec::new();
    let locals;
    match which {
        CALLER => {
            // (a, b): builds an argument and a result area on the shadow stack, calls, reads the area.
            locals = vec![(2, ValType::I32)];
            let (sp, end) = (2u32, 3u32);
            code.extend([I::GlobalGet(1), I::I32Const(64), I::I32Sub, I::LocalTee(sp), I::GlobalSet(1)]);
            code.extend([I::LocalGet(sp), I::LocalGet(0), I::I32Store(at(caller, 0))]);
            code.extend([I::LocalGet(sp), I::LocalGet(1), I::I32Store(at(caller, 4))]);
            code.extend([I::LocalGet(sp), I::I32Const(rng.range(1, 8) as i32)]);
            code.extend([
                I::LocalGet(sp),
                I::I32Const(8),
                I::I32Add,
                I::LocalTee(end),
                I::Call(index(ADAPTER)),
            ]);
            code.extend([
                I::LocalGet(sp),
                I::I32Load8U(at(caller, 8)),
                I::If(BlockType::Result(ValType::I64)),
            ]);
            code.extend([I::LocalGet(end), I::I64Load(at(caller, (area - 8).min(4)))]);
            code.extend([I::Else, I::LocalGet(sp), I::I64Load32U(at(caller, 12)), I::End]);
            code.extend([I::LocalGet(sp), I::I32Const(64), I::I32Add, I::GlobalSet(1)]);
        }
        ADAPTER => {
            // (pointer, length, result area): what meld writes for a string in and a record out.
            locals = vec![(2, ValType::I32)];
            let (copy, result) = (3u32, 4u32);
            code.extend([
                I::I32Const(0),
                I::I32Const(0),
                I::I32Const(1),
                I::LocalGet(1),
                I::Call(index(ALLOCATOR)),
            ]);
            code.extend([I::LocalTee(copy), I::I32Eqz, I::If(BlockType::Empty), I::Unreachable, I::End]);
            code.extend([I::LocalGet(copy), I::LocalGet(0), I::LocalGet(1)]);
            code.push(I::MemoryCopy { src_mem: caller, dst_mem: callee });
            code.extend([I::LocalGet(copy), I::LocalGet(1), I::Call(index(CALLEE)), I::LocalSet(result)]);
            code.extend([I::LocalGet(2), I::LocalGet(result), I::I32Const(area as i32)]);
            code.push(I::MemoryCopy { src_mem: callee, dst_mem: caller });
            code.extend([I::LocalGet(result), I::Call(index(POST_RETURN))]);
        }
        POST_RETURN => {
            locals = vec![];
            if rng.percent(50) {
                code.extend([I::LocalGet(0), I::I32Const(0), I::I32Store8(at(callee, 0))]);
            }
            if rng.percent(50) {
                code.extend([I::I32Const(1024), I::GlobalSet(0)]);
            }
        }
        ALLOCATOR => {
            // (old, old size, alignment, new size): a bump allocator that grows the memory or not.
            locals = vec![(1, ValType::I32)];
            let p = 4u32;
            code.extend([I::GlobalGet(0), I::LocalGet(2), I::I32Add, I::I32Const(1), I::I32Sub]);
            code.extend([I::I32Const(0), I::LocalGet(2), I::I32Sub, I::I32And, I::LocalTee(p)]);
            code.extend([I::LocalGet(3), I::I32Add, I::GlobalSet(0)]);
            code.extend([I::GlobalGet(0), I::MemorySize(callee), I::I32Const(16), I::I32Shl, I::I32GtU]);
            code.push(I::If(BlockType::Empty));
            if rng.percent(50) {
                code.extend([I::I32Const(1), I::MemoryGrow(callee), I::I32Const(-1), I::I32Eq]);
                code.extend([
                    I::If(BlockType::Empty),
                    I::I32Const(1024),
                    I::GlobalSet(0),
                    I::I32Const(0),
                    I::Return,
                ]);
                code.push(I::End);
            } else {
                code.extend([I::I32Const(1024), I::GlobalSet(0), I::I32Const(0), I::Return]);
            }
            code.push(I::End);
            if rng.percent(40) {
                code.extend([I::LocalGet(0), I::If(BlockType::Empty)]);
                code.extend([I::LocalGet(p), I::LocalGet(0), I::LocalGet(1)]);
                code.extend([I::MemoryCopy { src_mem: callee, dst_mem: callee }, I::End]);
            }
            code.push(I::LocalGet(p));
        }
        _ => {
            // (pointer, length): reads the argument, writes a result area at a fixed place, returns its address.
            locals = vec![(3, ValType::I32)];
            let (i, sum, out) = (2u32, 3u32, 4u32);
            code.extend([I::I32Const(512), I::LocalSet(out)]);
            code.extend([I::Block(BlockType::Empty), I::Loop(BlockType::Empty)]);
            code.extend([I::LocalGet(i), I::LocalGet(1), I::I32GeU, I::BrIf(1)]);
            code.extend([I::LocalGet(i), I::I32Const(24), I::I32GeU, I::BrIf(1)]);
            code.extend([I::LocalGet(sum), I::I32Const(31), I::I32Mul]);
            code.extend([I::LocalGet(0), I::LocalGet(i), I::I32Add, I::I32Load8U(at(callee, 0))]);
            code.extend([
                I::I32Add,
                I::LocalSet(sum),
                I::LocalGet(i),
                I::I32Const(1),
                I::I32Add,
                I::LocalSet(i),
            ]);
            code.extend([I::Br(0), I::End, I::End]);
            code.extend([
                I::LocalGet(out),
                I::I32Const(i32::from(rng.percent(80))),
                I::I32Store8(at(callee, 0)),
            ]);
            code.extend([I::LocalGet(out), I::LocalGet(sum), I::I32Store(at(callee, 4))]);
            if area > 8 {
                code.extend([I::LocalGet(out), I::LocalGet(0), I::I32Store(at(callee, 8))]);
            }
            if area >= 16 {
                code.extend([I::LocalGet(out), I::LocalGet(sum), I::I32Store16(at(callee, 12))]);
                code.extend([I::LocalGet(out), I::LocalGet(1), I::I32Store8(at(callee, 14))]);
            }
            code.push(I::LocalGet(out));
        }
    }
    code.push(I::End);
    let mut f = Function::new(locals);
    for ins in &code {
        f.instruction(ins);
    }
    f
}
