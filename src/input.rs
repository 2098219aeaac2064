//! Input files: binary modules and text.

use crate::Error;

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
