//! What the passes between functions found out, in the words of [`super::check`], which believes none of it.
//!
//! Linear in the signatures.

use super::check::{Claim, Claims, Crossing, Same};
use super::constants::Constants;
use super::globals;
use super::interface::Known;
use super::ranges::Ranges;
use super::signatures::Signatures;
use crate::analysis::bits::width_mask;
use crate::interp::Const;
use crate::ir::entity::{FuncId, GlobalId};
use crate::ir::ops::{Imm, Op};
use crate::module::Module;
use cranelift_entity::EntitySet;

/// What is claimed of a module, and used in the functions that can be called: `is_called`.
pub fn claims(
    module: &Module,
    (constants, ranges, signatures): (&Constants, &Ranges, &Signatures),
    (known, unread): ([&globals::Known; 2], &EntitySet<GlobalId>),
    is_called: impl Fn(FuncId) -> bool,
) -> Claims {
    let crossing = |func: FuncId| {
        if !is_called(func) {
            return Crossing::default();
        }
        let ty = module.func_type(func);
        let (dropped_params, dropped_results) = signatures.of(func);
        let params = (0..).zip(&ty.params).map(|(n, &ty)| Claim {
            is: constants.param(func, n).and_then(constant).map(Same::Constant),
            zeros: ranges.param(func, n) & width_mask(Some(ty)),
        });
        let results = (0..).zip(&ty.results).map(|(n, &ty)| Claim {
            is: match constants.result(func, n) {
                Known::Constant(op, imm) => constant((op, imm)).map(Same::Constant),
                Known::Parameter(p) => Some(Same::Parameter(p)),
                Known::Result(..) | Known::Other => None,
            },
            zeros: ranges.result(func, n) & width_mask(Some(ty)),
        });
        let (params, results) = (params.collect(), results.collect());
        Crossing { params, results, dropped_params, dropped_results }
    };
    let mut claims = Claims {
        functions: module.funcs.keys().map(crossing).collect(),
        unread: unread.clone(),
        ..Claims::default()
    };
    for g in module.globals.keys() {
        claims.globals[g] = known.into_iter().find_map(|known| known[g].and_then(constant));
    }
    claims
}

fn constant((op, imm): (Op, Imm)) -> Option<Const> {
    Const::from_imm(&imm).filter(|c| c.to_op().0 == op)
}
