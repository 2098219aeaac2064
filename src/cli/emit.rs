//! The forms of the output (`--emit`).

use super::args::Emit;
use loom_wasm::{Error, Options, Output};

/// The bytes to write. `input` is the module as read, for the forms that show the optimizer's inside.
pub fn render(emit: Emit, _input: &[u8], _options: &Options, output: &Output) -> Result<Vec<u8>, Error> {
    match emit {
        Emit::Wasm => Ok(output.wasm.clone()),
        Emit::Wat => wasmprinter::print_bytes(&output.wasm)
            .map(String::into_bytes)
            .map_err(|e| Error::new(format!("the output could not be printed as text: {e}"))),
        // The hook for the SSA printer: both take the input and the options, and give text.
        Emit::Ssa | Emit::Dot => Err(Error::new("this build of loom has no SSA printer yet")),
    }
}
