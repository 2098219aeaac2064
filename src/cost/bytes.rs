//! Lengths of encodings (specification, chapter 5: binary format).

use crate::interp::Const;
use crate::ir::ops::{Feature, ImmKind, Op};

/// Length of a number as signed LEB128, in bytes.
pub fn sleb_len(value: i64) -> u64 {
    let significant = 65 - if value < 0 { (!value).leading_zeros() } else { value.leading_zeros() };
    u64::from(significant.div_ceil(7))
}

/// Length of a number as unsigned LEB128, in bytes.
pub fn uleb_len(value: u64) -> u64 {
    u64::from((64 - value.leading_zeros()).max(1).div_ceil(7))
}

/// Bytes of the instruction that makes a constant.
pub fn const_bytes(c: Const) -> u64 {
    match c {
        Const::I32(v) => 1 + sleb_len(i64::from(v as i32)),
        Const::I64(v) => 1 + sleb_len(v as i64),
        Const::F32(_) => 5,
        Const::F64(_) => 9,
        Const::V128(_) => 18,
    }
}

/// Bytes of an operator with its immediate; `imm` gives the n-th immediate as rules see it.
pub fn op_bytes(op: Op, imm: impl Fn(usize) -> u64) -> u64 {
    let prefix = match op.info().feature {
        Feature::simd | Feature::relaxed_simd => 2,
        Feature::saturating_float_to_int | Feature::bulk_memory | Feature::threads | Feature::gc => 2,
        Feature::wide_arithmetic => 2,
        _ => 1,
    };
    let immediate = match op.info().imm {
        ImmKind::None => 0,
        ImmKind::Mem => 1 + uleb_len(imm(1)) + u64::from(imm(0) != 0),
        ImmKind::MemLane => 2 + uleb_len(imm(1)) + u64::from(imm(0) != 0),
        ImmKind::Shuffle => 16,
        ImmKind::Global | ImmKind::Memory | ImmKind::Lane => uleb_len(imm(0)),
        _ => 2,
    };
    prefix + immediate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_encoder() {
        use wasm_encoder::Encode;
        for shift in 0..64 {
            for delta in [-1i64, 0, 1] {
                let v = (1i64 << shift).wrapping_add(delta);
                for v in [v, v.wrapping_neg()] {
                    let mut bytes = Vec::new();
                    v.encode(&mut bytes);
                    assert_eq!(sleb_len(v), bytes.len() as u64, "{v}");
                    bytes.clear();
                    (v as u64).encode(&mut bytes);
                    assert_eq!(uleb_len(v as u64), bytes.len() as u64, "{v}");
                }
            }
        }
    }
}
