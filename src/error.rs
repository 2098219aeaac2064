//! The one error type of the library: what is wrong, and where in the input.

use std::fmt;

/// Position of an [`Error`] in the file it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// The error concerns the file as a whole.
    None,
    /// Byte offset in a binary file, from 0.
    Offset(u64),
    /// Line and column in a text file, both from 1.
    LineColumn(u32, u32),
}

/// Something wrong with the input (module or rule file). Exit code 1 of the command line.
#[derive(Clone, Debug)]
pub struct Error {
    /// Name of the file; empty when the caller gave bytes only.
    pub file: String,
    /// Where in the file.
    pub position: Position,
    /// One sentence in lower case without a final full stop.
    pub message: String,
}

impl Error {
    /// An error about the input as a whole.
    pub fn new(message: impl Into<String>) -> Self {
        Error { file: String::new(), position: Position::None, message: message.into() }
    }

    /// An error at a byte offset of a binary module.
    pub fn at(offset: u64, message: impl Into<String>) -> Self {
        Error { file: String::new(), position: Position::Offset(offset), message: message.into() }
    }

    /// An error at a line and column (both from 1) of a text file.
    pub fn at_line(line: u32, column: u32, message: impl Into<String>) -> Self {
        Error { file: String::new(), position: Position::LineColumn(line, column), message: message.into() }
    }

    /// The same error, naming the file it is about.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file = file.into();
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.file.is_empty() { "<input>" } else { &self.file };
        match self.position {
            Position::None => write!(f, "{name}: {}", self.message),
            Position::Offset(o) => write!(f, "{name}: {} (at offset 0x{o:x})", self.message),
            Position::LineColumn(l, c) => write!(f, "{name}:{l}:{c}: {}", self.message),
        }
    }
}

impl std::error::Error for Error {}

impl From<wasmparser::BinaryReaderError> for Error {
    fn from(e: wasmparser::BinaryReaderError) -> Self {
        Error::at(e.offset(), e.message())
    }
}
