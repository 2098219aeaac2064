//! Custom sections on the way out: which stay as they are, which follow the code, which are dropped because they would lie.

use super::attestation::{self, ATTESTATION, PROVENANCE};
use super::{CustomSection, Module, Numbering, SectionPlace};
use crate::ir::entity::FuncId;
use cranelift_entity::EntityRef;
use std::borrow::Cow;
use std::ops::Range;
use wasm_encoder::Encode;

/// A body as written.
pub(super) struct WrittenBody<'a> {
    /// Locals and code.
    pub bytes: Cow<'a, [u8]>,
    /// Whether the bytes are those of the input.
    pub is_input: bool,
}

/// The code section as written.
pub(super) struct CodeMap<'a> {
    /// Each body.
    pub bodies: &'a [WrittenBody<'a>],
    /// Range of each body in the payload.
    pub ranges: &'a [Range<usize>],
    /// Offset of the payload in the section's bytes.
    pub code_start: usize,
    /// Size of the payload.
    pub code_len: usize,
}

/// What is known about the change from input to output, by which sections are judged.
struct Change<'a> {
    module: &'a Module,
    numbering: &'a Numbering,
    code: &'a CodeMap<'a>,
    /// Whether the payload of the code section is other than it was.
    code_changed: bool,
    /// Whether the code stands elsewhere in the file or is other than it was.
    positions_changed: bool,
}

/// Puts the module together: its sections, and between them the custom sections. Positions in the file are only known when
/// everything before is written, so sections that depend on the whole module (meld's) are filled in at the end.
pub(super) fn write_customs(
    module: &Module,
    numbering: &Numbering,
    code: &CodeMap<'_>,
    sections: &[(SectionPlace, Vec<u8>)],
) -> (Vec<u8>, Vec<String>) {
    let mut notes = Notes::default();
    let source = module.code_range.clone().and_then(|r| module.source.get(r));
    let code_changed = match source {
        None => code.code_len > 0 && !code.bodies.is_empty(),
        Some(_) => code.bodies.iter().any(|b| !b.is_input) || code.bodies.len() != defined_raw(module),
    };
    let mut change = Change { module, numbering, code, code_changed, positions_changed: code_changed };

    // The position of the code section decides about source maps, and source maps follow the code section.
    let mut wasm = Vec::with_capacity(module.source.len());
    let mut meld: Vec<(usize, &CustomSection)> = Vec::new();
    for (place, bytes) in sections {
        if *place == SectionPlace::Code && !bytes.is_empty() {
            let position = wasm.len() + code.code_start;
            change.positions_changed |= module.code_range.as_ref().is_none_or(|r| r.start != position);
        }
        wasm.extend_from_slice(bytes);
        for custom in module.customs.iter().filter(|c| c.after == *place) {
            if custom.name == ATTESTATION || custom.name == PROVENANCE {
                meld.push((wasm.len(), custom));
            } else if let Some(data) = change.outgoing(custom, &mut notes) {
                append_custom(&custom.name, &data, &mut wasm);
            }
        }
    }
    if !meld.is_empty() {
        wasm = write_meld(&change, &meld, wasm, &mut notes);
    }
    (wasm, notes.sentences())
}

/// What became of custom sections, those with the same fate together.
#[derive(Default)]
struct Notes(Vec<(String, Vec<String>)>);

impl Notes {
    fn push(&mut self, name: &str, fate: impl Into<String>) {
        let fate = fate.into();
        let name = format!("`{name}`");
        match self.0.iter_mut().find(|(f, _)| *f == fate) {
            Some((_, names)) => names.push(name),
            None => self.0.push((fate, vec![name])),
        }
    }

    fn sentences(&self) -> Vec<String> {
        let noun = |n: usize| if n == 1 { "custom section" } else { "custom sections" };
        self.0
            .iter()
            .map(|(fate, names)| format!("{} {} {fate}", noun(names.len()), names.join(", ")))
            .collect()
    }
}

/// Inserts meld's sections, which say the hash of everything else, at their positions.
fn write_meld(
    change: &Change<'_>,
    meld: &[(usize, &CustomSection)],
    wasm: Vec<u8>,
    notes: &mut Notes,
) -> Vec<u8> {
    let is_stale = attestation::without_meld(&change.module.source).as_ref() != Some(&wasm);
    let mut out = Vec::with_capacity(wasm.len() + 4096);
    let mut done = 0;
    for (position, custom) in meld {
        out.extend_from_slice(&wasm[done..*position]);
        done = *position;
        let updated = if !is_stale {
            Some(custom.data.clone())
        } else if custom.name == ATTESTATION {
            attestation::update_attestation(&custom.data, &wasm)
        } else {
            attestation::update_provenance(&custom.data, &wasm, &|f| change.written_range(f))
        };
        match updated {
            Some(data) => {
                if is_stale {
                    notes.push(&custom.name, "updated to the new code");
                }
                append_custom(&custom.name, &data, &mut out);
            }
            None => notes.push(&custom.name, "dropped: not in a known form"),
        }
    }
    out.extend_from_slice(&wasm[done..]);
    out
}

fn append_custom(name: &str, data: &[u8], out: &mut Vec<u8>) {
    out.push(0);
    wasm_encoder::CustomSection { name: name.into(), data: data.into() }.encode(out);
}

/// Number of functions that the input's code section has.
fn defined_raw(module: &Module) -> usize {
    let source = module.code_range.clone().and_then(|r| module.source.get(r)).unwrap_or_default();
    wasmparser::BinaryReader::new(source, 0).read_var_u32().unwrap_or(0) as usize
}

impl Change<'_> {
    /// The payload to write for a custom section, `None` to drop it.
    fn outgoing<'c>(&self, custom: &'c CustomSection, notes: &mut Notes) -> Option<Cow<'c, [u8]>> {
        if custom.is_names {
            let names = self.module.names.as_ref()?;
            return Some(names.write(self.module, self.numbering).into());
        }
        let name = custom.name.as_str();
        let reason = match name {
            "name" if self.code_changed || !self.numbering.is_identity() => "it is not in a known form",
            "sourceMappingURL" if self.positions_changed => "the source map is about the old code",
            "external_debug_info" if self.code_changed => "the debug information is about the old code",
            "linking" if self.code_changed || !self.numbering.is_identity() => {
                "the symbols are those of the old code"
            }
            _ if name.starts_with(".debug_") && self.code_changed => {
                "the debug information is about the old code"
            }
            _ if name.starts_with("reloc.") && (self.code_changed || !self.numbering.is_identity()) => {
                "the relocations are those of the old code"
            }
            _ if name.starts_with("metadata.code.")
                && (self.code_changed || !self.numbering.funcs.is_identity()) =>
            {
                return self.code_metadata(custom, notes);
            }
            _ => return Some(Cow::Borrowed(&custom.data)),
        };
        notes.push(name, format!("dropped: {reason}"));
        None
    }

    /// Range of a function's body in the code section, for functions that are written and have a body, with its final
    /// index.
    fn written_range(&self, func: u32) -> Option<(u32, Range<usize>)> {
        let (index, place) = self.place(func)?;
        Some((index, self.code.ranges.get(place)?.clone()))
    }

    /// Final index and place in the code section of a function given by its index in the input, if it is still written.
    fn place(&self, func: u32) -> Option<(u32, usize)> {
        if func as usize >= self.module.funcs.len() {
            return None;
        }
        let func = FuncId::new(func as usize);
        if self.module.funcs[func].body.is_none() || !self.numbering.funcs.is_written(func) {
            return None;
        }
        let imported = self.numbering.funcs.order().len() - self.code.bodies.len();
        let index = self.numbering.funcs.get(func);
        Some((index, (index as usize).checked_sub(imported)?))
    }

    /// Annotations of instructions by offset in their body (branch hints, traces): kept for the bodies that are as they
    /// were, for a function index that may be new.
    fn code_metadata<'c>(&self, custom: &'c CustomSection, notes: &mut Notes) -> Option<Cow<'c, [u8]>> {
        let (mut kept, mut dropped, mut entries) = (0u32, 0, Vec::new());
        let parsed = for_each_metadata(&custom.data, &mut |func, entry| match self.place(func) {
            Some((index, place)) if self.code.bodies[place].is_input => {
                index.encode(&mut entries);
                entries.extend_from_slice(entry);
                kept += 1;
            }
            _ => dropped += 1,
        });
        let name = &custom.name;
        if parsed.is_err() {
            notes.push(name, "dropped: not in a known form");
            return None;
        }
        if dropped > 0 {
            notes.push(name, format!("dropped for {dropped} functions with new bodies"));
        }
        let mut data = Vec::with_capacity(entries.len() + 5);
        kept.encode(&mut data);
        data.extend_from_slice(&entries);
        (kept > 0).then_some(Cow::Owned(data))
    }
}

/// Calls `visit` with the function index and the other bytes of each entry of a code metadata section.
fn for_each_metadata(data: &[u8], visit: &mut dyn FnMut(u32, &[u8])) -> wasmparser::Result<()> {
    let mut reader = wasmparser::BinaryReader::new(data, 0);
    for _ in 0..reader.read_var_u32()? {
        let func = reader.read_var_u32()?;
        let start = reader.original_position() as usize;
        for _ in 0..reader.read_var_u32()? {
            reader.read_var_u32()?;
            let size = reader.read_var_u32()?;
            reader.read_bytes(size as usize)?;
        }
        visit(func, &data[start..reader.original_position() as usize]);
    }
    Ok(())
}
