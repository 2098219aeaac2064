//! The straight line of the stages, and the public entry point.

use crate::{Error, Options, Report};

/// What [`optimize`] returns.
#[derive(Clone, Debug)]
pub struct Output {
    /// The optimized module: validated, equal in behaviour.
    pub wasm: Vec<u8>,
    /// What was done.
    pub report: Report,
}

/// Reads `.wasm` or `.wat` input: text is assembled, binary is returned as it is.
///
/// # Errors
/// With line and column when the text does not parse.
pub fn read_input(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    // No text begins with a zero byte: what does is binary, and decoding tells what is wrong with it.
    if bytes.starts_with(b"\0") {
        return Ok(bytes.to_vec());
    }
    if bytes.is_empty() {
        return Err(Error::at(0, "the input is empty"));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let message = "neither a WebAssembly binary (no `\\0asm` magic) nor UTF-8 text";
        Error::at(e.valid_up_to() as u64, message)
    })?;
    let located = |e: wast::Error| {
        let (line, column) = e.span().linecol_in(text);
        Error::at_line(line as u32 + 1, column as u32 + 1, e.message())
    };
    let buffer = wast::parser::ParseBuffer::new(text).map_err(located)?;
    let mut module = wast::parser::parse::<wast::Wat<'_>>(&buffer).map_err(located)?;
    module.encode().map_err(located)
}

/// Optimizes one core module (binary format).
///
/// # Errors
/// With a byte offset when the input is not a valid module. Nothing is rejected because the optimizer
/// does not know it: what the SSA does not model is kept as it is and counted in the report.
pub fn optimize(input: &[u8], _options: &Options) -> Result<Output, Error> {
    let features = crate::module::accepted_features();
    wasmparser::Validator::new_with_features(features).validate_all(input)?;
    let report =
        Report { input_bytes: input.len() as u64, output_bytes: input.len() as u64, ..Report::default() };
    Ok(Output { wasm: input.to_vec(), report })
}
