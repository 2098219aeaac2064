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
    if bytes.starts_with(b"\0asm") {
        return Ok(bytes.to_vec());
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Error::at(0, "neither a WebAssembly binary (no `\\0asm` magic) nor UTF-8 text"))?;
    wat::parse_str(text).map_err(|e| Error::new(e.to_string()))
}

/// Optimizes one core module (binary format).
///
/// # Errors
/// With a byte offset when the input is not a valid module. Nothing is rejected because the optimizer
/// does not know it: what the SSA does not model is kept as it is and counted in the report.
pub fn optimize(input: &[u8], _options: &Options) -> Result<Output, Error> {
    let mut features = wasmparser::WasmFeatures::default();
    features |= wasmparser::WasmFeatures::CUSTOM_PAGE_SIZES | wasmparser::WasmFeatures::LEGACY_EXCEPTIONS;
    wasmparser::Validator::new_with_features(features).validate_all(input)?;
    let report =
        Report { input_bytes: input.len() as u64, output_bytes: input.len() as u64, ..Report::default() };
    Ok(Output { wasm: input.to_vec(), report })
}
