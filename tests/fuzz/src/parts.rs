//! A module as sections in bytes and bodies as operators in bytes: what mutation and reduction work on without knowing any
//! operator.

use wasm_encoder::{CodeSection, RawSection};
use wasmparser::{Parser, Payload};

/// A function body taken apart.
#[derive(Clone)]
pub struct Body {
    /// Encoded declarations of locals.
    pub locals: Vec<u8>,
    /// Encoded operators, the final `end` included.
    pub operators: Vec<Vec<u8>>,
}

/// A module taken apart.
#[derive(Clone)]
pub struct Parts {
    /// Sections before the code, without custom ones.
    pub before: Vec<(u8, Vec<u8>)>,
    /// The code.
    pub bodies: Vec<Body>,
    /// Sections after the code, without custom ones.
    pub after: Vec<(u8, Vec<u8>)>,
}

/// Takes a module apart. `None` when it cannot be read.
pub fn split(wasm: &[u8]) -> Option<Parts> {
    let mut parts = Parts { before: Vec::new(), bodies: Vec::new(), after: Vec::new() };
    let mut seen_code = false;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.ok()?;
        if let Payload::CodeSectionEntry(body) = &payload {
            seen_code = true;
            let start = body.get_operators_reader().ok()?.original_position();
            let range = body.range();
            let mut reader = body.get_operators_reader().ok()?;
            let mut operators = Vec::new();
            let mut at = start;
            while !reader.eof() {
                reader.read().ok()?;
                let end = reader.original_position();
                operators.push(wasm[at as usize..end as usize].to_vec());
                at = end;
            }
            parts
                .bodies
                .push(Body { locals: wasm[range.start as usize..start as usize].to_vec(), operators });
        } else if let Some((id, range)) = payload.as_section()
            && id != 10
        {
            let list = if seen_code { &mut parts.after } else { &mut parts.before };
            // Custom sections say nothing about behaviour.
            if id != 0 {
                list.push((id, wasm[range.start as usize..range.end as usize].to_vec()));
            }
        }
    }
    Some(parts)
}

/// The module again.
pub fn join(parts: &Parts) -> Vec<u8> {
    let mut module = wasm_encoder::Module::new();
    for (id, data) in &parts.before {
        module.section(&RawSection { id: *id, data });
    }
    if !parts.bodies.is_empty() {
        let mut code = CodeSection::new();
        for body in &parts.bodies {
            let mut bytes = body.locals.clone();
            body.operators.iter().for_each(|o| bytes.extend(o));
            code.raw(&bytes);
        }
        module.section(&code);
    }
    for (id, data) in &parts.after {
        module.section(&RawSection { id: *id, data });
    }
    module.finish()
}
