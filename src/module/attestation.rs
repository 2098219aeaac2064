//! meld's two custom sections. Both name the SHA-256 of the module without the two of them; the provenance also says where
//! each function's body stands in the code section. (Read from meld 0.52's output; design, section 7.)

use sha2::{Digest, Sha256};
use std::ops::Range;

/// Name of the attestation: JSON.
pub const ATTESTATION: &str = "wsc.transformation.attestation";
/// Name of the provenance: binary.
pub(super) const PROVENANCE: &str = "component-provenance";

/// The attestation for the new module: `output.hash` and `output.size` are those of `rest`, the module without meld's
/// sections, and `metadata.optimized_by` says who changed it. `None` when it does not look as expected.
pub(super) fn update_attestation(data: &[u8], rest: &[u8]) -> Option<Vec<u8>> {
    let mut json: serde_json::Value = serde_json::from_slice(data).ok()?;
    let output = json.get_mut("output")?.as_object_mut()?;
    output.insert("hash".into(), hex(&Sha256::digest(rest)).into());
    output.insert("size".into(), rest.len().into());
    let metadata = json.get_mut("metadata")?.as_object_mut()?;
    metadata.insert("optimized_by".into(), concat!("loom ", env!("CARGO_PKG_VERSION")).into());
    serde_json::to_vec(&json).ok()
}

/// A module without meld's sections: what they are about. `None` when it is malformed.
pub(super) fn without_meld(wasm: &[u8]) -> Option<Vec<u8>> {
    let mut out = wasm.get(..8)?.to_vec();
    let mut at = 8;
    while at < wasm.len() {
        let mut reader = wasmparser::BinaryReader::new(&wasm[at..], 0);
        let id = reader.read_u8().ok()?;
        let size = reader.read_var_u32().ok()? as usize;
        let end = at + reader.original_position() as usize + size;
        let is_melds = id == 0 && reader.read_string().is_ok_and(|n| n == ATTESTATION || n == PROVENANCE);
        if !is_melds {
            out.extend_from_slice(wasm.get(at..end)?);
        }
        at = end;
    }
    Some(out)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(n)?;
        self.0 = tail;
        Some(head)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }
}

/// The provenance for the new module: entries of functions that are gone are left out, the others get their new index
/// and place. `range` gives both. `None` when it is not version 3 as meld 0.52 writes it:
///
/// | bytes | meaning |
/// |---|---|
/// | 4 + 2 + 1 | `SCPV`, version, a flag |
/// | 32 | SHA-256 of the module without meld's sections |
/// | 4 | number of entries |
/// | 4, 4 + n, 4, 1 | of each: function index, component name, index in its module, whether a place follows |
/// | 4, 4 | start and end of the body in the code section's payload |
pub(super) fn update_provenance(
    data: &[u8],
    rest: &[u8],
    range: &dyn Fn(u32) -> Option<(u32, Range<usize>)>,
) -> Option<Vec<u8>> {
    let mut reader = Reader(data);
    let head = reader.take(7)?;
    if &head[..6] != b"SCPV\x03\0" {
        return None;
    }
    reader.take(32)?;
    let count = reader.u32()?;
    let mut entries = Vec::with_capacity(data.len());
    let mut kept = 0u32;
    for _ in 0..count {
        let func = reader.u32()?;
        let name_length = reader.u32()?;
        let name = reader.take(name_length as usize)?;
        let original = reader.u32()?;
        let placed = reader.take(1)?[0];
        if placed == 1 {
            reader.take(8)?;
        } else if placed != 0 {
            return None;
        }
        let Some((index, place)) = range(func) else { continue };
        kept += 1;
        entries.extend_from_slice(&index.to_le_bytes());
        entries.extend_from_slice(&name_length.to_le_bytes());
        entries.extend_from_slice(name);
        entries.extend_from_slice(&original.to_le_bytes());
        entries.push(placed);
        if placed == 1 {
            entries.extend_from_slice(&(place.start as u32).to_le_bytes());
            entries.extend_from_slice(&(place.end as u32).to_le_bytes());
        }
    }
    if !reader.0.is_empty() {
        return None;
    }
    let mut out = head.to_vec();
    out.extend_from_slice(&Sha256::digest(rest));
    out.extend_from_slice(&kept.to_le_bytes());
    out.extend_from_slice(&entries);
    Some(out)
}
