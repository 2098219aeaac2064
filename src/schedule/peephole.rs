//! What is redundant once locals have numbers: a write followed by a read of the same local, writes that nothing reads,
//! a frame whose end is the function's.

use super::LowerError;
use super::code::{FUNCTION_FRAME, StackCode, StackOp};
use super::liveness::{CodeRef, liveness};
use crate::chaos::Chaos;

pub(super) fn peephole(code: &mut StackCode, max_steps: usize, chaos: Chaos) -> Result<(), LowerError> {
    if chaos.flip("outermost frame is the function's", (), true) {
        outermost_frame(code);
    }
    if chaos.flip("join writes and reads", (), true) {
        pairs(code);
    }
    if chaos.flip("drop dead writes", (), true) {
        dead_writes(code, max_steps)?;
    }
    Ok(())
}

/// `set x; get x` is `tee x`, `get x; set x` is nothing.
fn pairs(code: &mut StackCode) {
    let old = std::mem::take(&mut code.ops);
    let mut out: Vec<StackOp<u32>> = Vec::with_capacity(old.len());
    // Position in `out` of the last operation that is an instruction, if only notes follow it.
    let mut last: Option<usize> = None;
    for op in old {
        match (last.map(|i| (i, out[i])), op) {
            (Some((i, StackOp::Set(x))), StackOp::Get(y)) if x == y => {
                out[i] = StackOp::Tee(x);
                continue;
            }
            (Some((i, StackOp::Tee(x))), StackOp::Set(y)) if x == y => {
                out[i] = StackOp::Set(x);
                continue;
            }
            (Some((i, StackOp::Get(x))), StackOp::Set(y)) if x == y => {
                out.remove(i);
                last = None;
                continue;
            }
            (Some((i, StackOp::Get(_))), StackOp::Drop) => {
                out.remove(i);
                last = None;
                continue;
            }
            _ => {}
        }
        if !op.is_note() {
            last = Some(out.len());
        }
        out.push(op);
    }
    code.ops = out;
}

fn dead_writes(code: &mut StackCode, max_steps: usize) -> Result<(), LowerError> {
    let count = code.f.params.len() + code.locals.len();
    let view = CodeRef {
        f: &code.f,
        ops: &code.ops,
        frames: code.frame_results.len(),
        labels: &code.labels,
        skip: &[],
    };
    let live = liveness(view, &mut [], count, |l| l, max_steps)?;
    let mut i = 0;
    code.ops.retain_mut(|op| {
        i += 1;
        match *op {
            StackOp::Tee(_) => live.read[i],
            StackOp::Set(_) if !live.read[i] => {
                *op = StackOp::Drop;
                true
            }
            _ => true,
        }
    });
    Ok(())
}

/// A `block` that ends with the function and has its results is the function's own label.
fn outermost_frame(code: &mut StackCode) {
    let mut last = code.ops.len();
    while last > 0 && code.ops[last - 1].is_note() {
        last -= 1;
    }
    let Some(&StackOp::End(id)) = last.checked_sub(1).and_then(|i| code.ops.get(i)) else { return };
    if code.frame_results[id as usize] != code.f.results {
        return;
    }
    if !code.ops.contains(&StackOp::Block(id)) {
        return;
    }
    let rename = |frame: &mut u32| {
        if *frame == id {
            *frame = FUNCTION_FRAME;
        }
    };
    for op in &mut code.ops {
        if let StackOp::Br { frame, .. } | StackOp::BrIf { frame, .. } = op {
            rename(frame);
        }
    }
    code.labels.values_mut().flatten().for_each(rename);
    code.ops[last - 1] = StackOp::Exit;
    code.ops.retain(|op| *op != StackOp::Block(id));
}
