//! Numbers in rule files.

use crate::interp::Const;
use crate::ir::ops::Op;
use crate::ir::types::Type;

/// The type of a constant operator.
pub(super) fn const_type(op: Op) -> Option<Type> {
    Some(match op {
        Op::I32Const => Type::I32,
        Op::I64Const => Type::I64,
        Op::F32Const => Type::F32,
        Op::F64Const => Type::F64,
        Op::V128Const => Type::V128,
        _ => return None,
    })
}

/// One more than the largest lane that `op` can name in its immediate; 0 if it names none.
pub fn lanes(op: Op) -> u64 {
    let name = op.name();
    if op == Op::I8x16Shuffle {
        return 32;
    }
    for (part, n) in [("8_lane", 16), ("16_lane", 8), ("32_lane", 4), ("64_lane", 2)] {
        if name.ends_with(part) && name.starts_with("v128.") {
            return n;
        }
    }
    let shape = name.split('.').next().unwrap_or_default();
    shape.split('x').nth(1).and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// A number that is an index, offset, lane or count.
pub(super) fn parse_index(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| format!("`{text}` is no number from 0 to {}", u64::MAX))
}

/// A constant of the given type. Integers may be written signed or unsigned, vectors as 128 bits in hexadecimal.
pub(super) fn parse(text: &str, ty: Type) -> Result<Const, String> {
    let bad = || format!("`{text}` is no constant of type {ty}");
    match ty {
        Type::I32 | Type::I64 => {
            let bits = ty.bits().unwrap_or(0);
            let value = integer(text).ok_or_else(bad)?;
            if value < -(1i128 << (bits - 1)) || value >= 1i128 << bits {
                return Err(format!("`{text}` does not fit {ty}"));
            }
            Const::from_bits(ty, value as u128).ok_or_else(bad)
        }
        Type::F32 => float(text, 23, 0xff, |t| t.parse::<f32>().ok().map(|x| u64::from(x.to_bits())))
            .map(|b| Const::F32(b as u32))
            .ok_or_else(bad),
        Type::F64 => float(text, 52, 0x7ff, |t| t.parse::<f64>().ok().map(f64::to_bits))
            .map(Const::F64)
            .ok_or_else(bad),
        Type::V128 => text
            .strip_prefix("0x")
            .and_then(|hex| u128::from_str_radix(hex, 16).ok())
            .map(Const::V128)
            .ok_or_else(|| format!("`{text}` is no v128: write its 128 bits as 0x…")),
        Type::Ref(_) => Err(bad()),
    }
}

fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let magnitude = match digits.strip_prefix("0x") {
        Some(hex) if hex.starts_with(|c: char| c.is_ascii_hexdigit()) => {
            i128::from_str_radix(hex, 16).ok()?
        }
        Some(_) => return None,
        None => digits.parse().ok()?,
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// Bits of a float: decimal, `inf`, `nan` (canonical) or `nan:0x…` with a payload.
fn float(text: &str, fraction: u32, exponent: u64, decimal: impl Fn(&str) -> Option<u64>) -> Option<u64> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let infinity = exponent << fraction;
    let magnitude = if rest == "inf" {
        infinity
    } else if rest == "nan" {
        infinity | 1 << (fraction - 1)
    } else if let Some(hex) = rest.strip_prefix("nan:0x") {
        let payload = u64::from_str_radix(hex, 16).ok()?;
        if payload == 0 || payload >> fraction != 0 {
            return None;
        }
        infinity | payload
    } else if rest.starts_with(|c: char| c.is_ascii_digit()) {
        decimal(rest)?
    } else {
        return None;
    };
    let sign = u64::from(negative) << (fraction + exponent.count_ones());
    Some(magnitude | sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(parse("-1", Type::I32), Ok(Const::I32(u32::MAX)));
        assert_eq!(parse("0xffffffff", Type::I32), Ok(Const::I32(u32::MAX)));
        assert!(parse("4294967296", Type::I32).is_err());
        assert!(parse("-2147483649", Type::I32).is_err());
        assert!(parse("-", Type::I64).is_err());
        assert!(parse("0x-1", Type::I64).is_err());
        assert_eq!(parse("-0.0", Type::F32), Ok(Const::F32(0x8000_0000)));
        assert_eq!(parse("-inf", Type::F64), Ok(Const::F64(f64::NEG_INFINITY.to_bits())));
        assert_eq!(parse("nan", Type::F32), Ok(Const::F32(0x7fc0_0000)));
        assert_eq!(parse("-nan:0x1", Type::F64), Ok(Const::F64(0xfff0_0000_0000_0001)));
        assert!(parse("infinity", Type::F64).is_err());
        assert_eq!(lanes(Op::I8x16ReplaceLane), 16);
        assert_eq!(lanes(Op::V128Load16Lane), 8);
    }
}
