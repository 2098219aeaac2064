//! The forms of the output (`--emit`).

use super::args::Emit;
use loom_wasm::ir::function::Function;
use loom_wasm::ir::{dot, print};
use loom_wasm::lift::{Lifted, lift};
use loom_wasm::module::{Module, decode};
use loom_wasm::{Error, Output};

/// The bytes to write: the module, or the SSA form of its functions.
pub fn render(emit: Emit, output: &Output) -> Result<Vec<u8>, Error> {
    match emit {
        Emit::Wasm => Ok(output.wasm.clone()),
        Emit::Wat => wasmprinter::print_bytes(&output.wasm)
            .map(String::into_bytes)
            .map_err(|e| Error::new(format!("the output could not be printed as text: {e}"))),
        Emit::Ssa => ssa(&output.wasm),
        Emit::Dot => match &output.report.egraph_dot {
            Some(dot) => Ok(dot.clone().into_bytes()),
            None => Err(Error::new("--emit dot: the function got no e-graph")),
        },
        Emit::Cfg => for_each_function(&output.wasm, "//", &mut |text, module, function| {
            text.push_str(&dot::function(function, module.func_name(function.id)));
        }),
    }
}

/// The SSA form of a module's functions.
pub fn ssa(wasm: &[u8]) -> Result<Vec<u8>, Error> {
    for_each_function(wasm, ";", &mut |text, module, function| {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&print::function(function, module.func_name(function.id)));
    })
}

/// Lifts the functions of a module one after the other and writes each; those that the SSA does not model are named in a
/// comment.
fn for_each_function(
    wasm: &[u8],
    comment: &str,
    write: &mut dyn FnMut(&mut String, &Module, &Function),
) -> Result<Vec<u8>, Error> {
    let decoded = decode(wasm)?;
    let mut text = String::new();
    let mut raw = String::new();
    let mut allocations = Default::default();
    for body in decoded.bodies {
        let func = body.func;
        let lifted;
        (lifted, allocations) = lift(&decoded.module, &decoded.types, body, allocations)?;
        match lifted {
            Lifted::Function(function) => write(&mut text, &decoded.module, &function),
            Lifted::Raw(reason) => raw.push_str(&format!("{comment} {func} is kept as it is: {reason}\n")),
        }
    }
    if text.is_empty() && raw.is_empty() {
        raw = format!("{comment} the module defines no function\n");
    }
    text.push_str(&raw);
    Ok(text.into_bytes())
}
