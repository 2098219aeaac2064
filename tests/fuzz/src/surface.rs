//! What can be told of a module without an engine: what its code can write at all.

use wasmparser::{Parser, Payload};

/// What a module (or the host through it) can write after its instantiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Writes {
    /// Some memory.
    pub memories: bool,
    /// Some table.
    pub tables: bool,
}

impl Writes {
    /// Reads the code. Operators are judged by their names, so that a new one counts as a write.
    pub fn of(wasm: &[u8]) -> Writes {
        Self::read(wasm).unwrap_or(Writes { memories: true, tables: true })
    }

    fn read(wasm: &[u8]) -> Option<Writes> {
        let mut writes = Writes { memories: false, tables: false };
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.ok()? {
                // The host pokes memories when it is called; it writes no tables.
                Payload::ImportSection(_) => writes.memories = true,
                Payload::StartSection { .. } => return None,
                Payload::CodeSectionEntry(body) if !(writes.memories && writes.tables) => {
                    let mut operators = body.get_operators_reader().ok()?;
                    while !operators.eof() {
                        let name = format!("{:?}", operators.read().ok()?);
                        let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
                        writes.memories |=
                            name.contains("Store") || name.contains("Memory") || name.contains("Atomic");
                        writes.tables |=
                            name.contains("Table") && !matches!(name, "BrTable" | "TableGet" | "TableSize");
                    }
                }
                _ => {}
            }
        }
        Some(writes)
    }
}
