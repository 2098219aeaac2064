//! What can be told of a module without an engine: what its code can write, and whether it can trap.

use wasmparser::{Parser, Payload};

/// What a module (or the host through it) can do after its instantiation. Operators are judged by their names, so that a
/// new one counts as doing everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Writes some memory.
    pub writes_memory: bool,
    /// Writes some table.
    pub writes_table: bool,
    /// Reads or writes some memory.
    pub accesses_memory: bool,
    /// Grows some memory.
    pub grows: bool,
    /// Has an operator that can trap, calls the host or throws.
    pub traps: bool,
}

impl Facts {
    const ALL: Facts =
        Facts { writes_memory: true, writes_table: true, accesses_memory: true, grows: true, traps: true };

    /// Reads the code.
    pub fn of(wasm: &[u8]) -> Facts {
        Self::read(wasm).unwrap_or(Self::ALL)
    }

    fn read(wasm: &[u8]) -> Option<Facts> {
        let mut facts = Facts {
            writes_memory: false,
            writes_table: false,
            accesses_memory: false,
            grows: false,
            traps: false,
        };
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.ok()? {
                // The host pokes memories when it is called; it writes no tables.
                Payload::ImportSection(_) => (facts.writes_memory, facts.traps) = (true, true),
                Payload::StartSection { .. } => return None,
                Payload::CodeSectionEntry(body) => {
                    let mut operators = body.get_operators_reader().ok()?;
                    while !operators.eof() {
                        let name = format!("{:?}", operators.read().ok()?);
                        let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
                        facts.operator(name);
                    }
                }
                _ => {}
            }
        }
        Some(facts)
    }

    fn operator(&mut self, name: &str) {
        let has = |parts: &[&str]| parts.iter().any(|p| name.contains(p));
        self.grows |= name == "MemoryGrow";
        if name == "MemorySize" {
            return;
        }
        self.writes_memory |= has(&["Store", "Memory", "Atomic"]);
        self.accesses_memory |= has(&["Store", "Load", "Memory", "Atomic"]);
        let table = name.contains("Table") && !matches!(name, "BrTable" | "TableGet" | "TableSize");
        self.writes_table |= table;
        // Only what is known to be harmless is: numeric operators without a trap, locals, globals, plain control.
        let harmless = has(&["TruncSat"])
            || (has(&["I32", "I64", "F32", "F64", "I8x16", "I16x8", "V128", "x4", "x2"])
                && !has(&["Load", "Store", "Div", "Rem", "Trunc", "Atomic"]))
            || matches!(name, "F32Div" | "F64Div" | "F32Trunc" | "F64Trunc" | "F32x4Div" | "F64x2Div")
            || matches!(
                name,
                "Block"
                    | "Loop"
                    | "If"
                    | "Else"
                    | "End"
                    | "Br"
                    | "BrIf"
                    | "BrTable"
                    | "Return"
                    | "Nop"
                    | "Drop"
                    | "Select"
            )
            || has(&["LocalGet", "LocalSet", "LocalTee", "GlobalGet", "GlobalSet", "MemorySize"])
            || name == "Call";
        self.traps |= !harmless;
    }
}
