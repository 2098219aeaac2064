//! The module layer: decode and encode, byte for byte where nothing changed, and renumbered where something did.

use loom_wasm::Error;
use loom_wasm::ir::entity::{DataId, ElemId, FuncId, GlobalId, MemoryId, TableId, TagId, TypeId};
use loom_wasm::ir::types::Type;
use loom_wasm::module::{Body, Entity, Fate, Module, Plan, accepted_features, decode, encode};
use std::path::{Path, PathBuf};

fn module_of(wat: &str) -> Module {
    decode(&wat::parse_str(wat).unwrap()).unwrap().validate_bodies().unwrap()
}

fn validate(wasm: &[u8]) {
    wasmparser::Validator::new_with_features(accepted_features()).validate_all(wasm).unwrap();
}

fn written(module: &Module) -> Vec<u8> {
    let out = encode(module, &module.numbering()).unwrap();
    validate(&out.wasm);
    assert!(out.notes.is_empty(), "{:?}", out.notes);
    out.wasm
}

/// Every section kind and every feature, written the way wasm-tools writes it.
const SAMPLES: &[&str] = &[
    "(module)",
    // Imports of every kind, in mixed order; exports of every kind.
    r#"(module $m
        (import "a" "m0" (memory $m0 1))
        (import "a" "f0" (func $f0 (param i32)))
        (import "a" "t0" (table $t0 1 funcref))
        (import "a" "f1" (func $f1))
        (import "a" "g0" (global $g0 i32))
        (import "a" "e0" (tag $e0 (param i64)))
        (memory $m1 1 2)
        (export "f0" (func $f0)) (export "t0" (table $t0)) (export "m1" (memory $m1))
        (export "g0" (global $g0)) (export "e0" (tag $e0)) (export "f2" (func $f2))
        (func $f2 (param $x i32) (local $y i64) call $f1)
        (start $f1))"#,
    // Tables: initialiser, 64 bits, maximum, typed.
    r#"(module (type $t (func))
        (func $f) (elem declare func $f)
        (table $a 3 10 (ref $t) (ref.func $f)) (table $b i64 1 externref)
        (table $c 0 (ref null $t)))"#,
    // Memories: 64 bits, shared, page size.
    r#"(module (memory i64 1 2) (memory 1 2 shared) (memory 3 (pagesize 1)) (memory i64 0 (pagesize 65536)))"#,
    // Constant expressions.
    r#"(module
        (type $s (struct (field (mut i8)) (field i64))) (type $a (array (mut i16)))
        (import "e" "g" (global $g i32)) (import "e" "h" (global $h i64)) (import "e" "x" (global $x externref))
        (global i32 (i32.add (global.get $g) (i32.mul (i32.const -3) (i32.sub (i32.const 4) (i32.const 1)))))
        (global i64 (i64.add (global.get $h) (i64.mul (i64.const -3) (i64.sub (i64.const 4) (i64.const 1)))))
        (global f32 (f32.const nan:0x200000)) (global (mut f64) (f64.const -0x1p-1074))
        (global v128 (v128.const i64x2 1 -1))
        (global (ref $s) (struct.new $s (i32.const 1) (i64.const 2)))
        (global (ref $s) (struct.new_default $s))
        (global (ref $a) (array.new $a (i32.const 1) (i32.const 2)))
        (global (ref $a) (array.new_default $a (i32.const 2)))
        (global (ref $a) (array.new_fixed $a 2 (i32.const 1) (i32.const 2)))
        (global (ref i31) (ref.i31 (i32.const 7)))
        (global anyref (any.convert_extern (global.get $x)))
        (global externref (extern.convert_any (ref.null none)))
        (global funcref (ref.func 0)) (global (ref null $s) (ref.null $s)) (global exnref (ref.null exn))
        (func))"#,
    // Element segments of all eight forms, and declared ones.
    r#"(module (table $t 10 funcref) (table $u 10 funcref) (table $x 10 externref)
        (func $f) (func $g)
        (elem (i32.const 0) $f $g)
        (elem $p func $f)
        (elem (table $u) (i32.const 1) func $g)
        (elem declare func $g)
        (elem (i32.const 2) funcref (ref.func $f) (ref.null func))
        (elem $q externref (ref.null extern))
        (elem (table $x) (i32.const 0) externref (ref.null extern))
        (elem declare funcref (ref.func $f))
        (func (table.init $t $p (i32.const 0) (i32.const 0) (i32.const 1)) (elem.drop $q)))"#,
    // Data segments and the data count.
    r#"(module (memory $a 1) (memory $b 1)
        (data (i32.const 3) "xyz") (data $p "passive\00\ff") (data (memory $b) (i32.const 0) "b")
        (func (memory.init $b $p (i32.const 0) (i32.const 0) (i32.const 1)) (data.drop $p)))"#,
    // Recursion groups, subtyping, finality.
    r#"(module
        (rec (type $a (sub (struct (field (ref null $b))))) (type $b (sub final $a (struct (field (ref null $b)) (field i32)))))
        (rec) (rec (type $c (func (param (ref $a)) (result (ref null $c)))))
        (type $d (sub (func (param i32)))) (type $e (sub $d (func (param i32))))
        (type (array (mut (ref null any)))) (type (func (result i32 i64 f32 f64 v128))))"#,
    // Names of everything.
    r#"(module $m (type $ty (struct (field $fld i32))) (type $fn (func (param i32)))
        (func $f (type $fn) (param $p i32) (local $l i64) (block $lab))
        (table $t 1 funcref) (memory $mem 1) (global $g i32 (i32.const 0)) (tag $tag)
        (elem $e func $f) (data $d "x"))"#,
    // Exceptions, legacy and new.
    r#"(module (tag $e (param i32))
        (func (try (do (throw $e (i32.const 1))) (catch $e drop) (catch_all rethrow 0)))
        (func (try $l (do (try (do) (delegate $l)))))
        (func (result i32 exnref) (try_table (result i32 exnref) (catch $e 0) (catch_all_ref 0) unreachable) ))"#,
    // Threads, wide arithmetic, SIMD, tail calls, multi-value blocks.
    r#"(module (memory 1 1 shared) (type $t (func (param i32) (result i32 i32)))
        (func (result i32) (i32.atomic.rmw8.cmpxchg_u (i32.const 0) (i32.const 1) (i32.const 2)))
        (func (param i64 i64 i64 i64) (result i64 i64) local.get 0 local.get 1 local.get 2 local.get 3 i64.add128)
        (func (param v128) (result v128) (i32x4.relaxed_trunc_f32x4_s (local.get 0)))
        (func $r (param i32) (result i32 i32) (block (type $t) (return_call $r))) )"#,
];

/// Samples whose body or type the test above cannot express validly are found here, not in a failing round trip.
#[test]
fn samples_are_valid() {
    for sample in SAMPLES {
        if let Err(e) = wasmparser::Validator::new_with_features(accepted_features())
            .validate_all(&wat::parse_str(sample).unwrap())
        {
            panic!("{e}\n{sample}");
        }
    }
}

#[test]
fn untouched_samples_come_back_byte_for_byte() {
    for sample in SAMPLES {
        let wasm = wat::parse_str(sample).unwrap();
        let module = decode(&wasm).unwrap().validate_bodies().unwrap();
        assert_eq!(written(&module), wasm, "{sample}");
    }
}

#[test]
fn truncated_samples_are_rejected_with_an_offset_and_never_panic() {
    for sample in SAMPLES {
        let wasm = wat::parse_str(sample).unwrap();
        for end in 0..wasm.len() {
            let Err(error) = decode(&wasm[..end]).and_then(|d| d.validate_bodies()) else { continue };
            assert!(matches!(error.position, loom_wasm::error::Position::Offset(_)), "{error} {sample}");
        }
    }
}

#[test]
fn flipped_bytes_never_panic() {
    for sample in SAMPLES {
        let wasm = wat::parse_str(sample).unwrap();
        for at in 8..wasm.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff, wasm[at] ^ 1, wasm[at] ^ 4] {
                let mut broken = wasm.clone();
                broken[at] = value;
                if let Ok(module) = decode(&broken).and_then(|d| d.validate_bodies()) {
                    validate(&encode(&module, &module.numbering()).unwrap().wasm);
                }
            }
        }
    }
}

fn error_of(wasm: &[u8]) -> Error {
    match decode(wasm).and_then(|d| d.validate_bodies()) {
        Ok(_) => panic!("accepted"),
        Err(e) => e,
    }
}

#[test]
fn faults_name_their_offset() {
    let component = wat::parse_str("(component)").unwrap();
    assert_eq!(
        error_of(&component).to_string(),
        "<input>: a component, not a core module: fuse it first (at offset 0x4)"
    );
    assert!(error_of(b"").to_string().contains("(at offset 0x0)"));
    assert!(error_of(b"\0asm\x01\0\0").to_string().contains("(at offset 0x"));
    let mut invalid = wat::parse_str("(module (func (result i32) i32.const 0))").unwrap();
    let last = invalid.len() - 3;
    assert_eq!(invalid[last], 0x41);
    invalid[last] = 0x42;
    assert!(error_of(&invalid).to_string().contains("type mismatch"), "{}", error_of(&invalid));
    let shared = wat::parse_str("(module (type (shared (func))))").unwrap();
    assert!(error_of(&shared).to_string().contains("(at offset 0x"));
}

fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let fused = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fused");
    for dir in std::fs::read_dir(&fused).into_iter().flatten().flatten() {
        files.push(dir.path().join("fused.wasm"));
        files.push(dir.path().join("static.wasm"));
    }
    for dir in [fused.join("shapes"), Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus")] {
        files.extend(std::fs::read_dir(dir).into_iter().flatten().flatten().map(|f| f.path()));
    }
    files.retain(|f| f.is_file() && f.extension().is_some_and(|e| e == "wasm"));
    files.sort();
    files
}

/// Real modules, where they are present. Go writes overlong section sizes; all others come back as they were.
#[test]
fn real_modules_come_back_byte_for_byte() {
    let (mut identical, mut total) = (0, 0);
    for file in files() {
        let wasm = std::fs::read(&file).unwrap();
        let module = decode(&wasm).unwrap().validate_bodies().unwrap();
        let out = written(&module);
        total += 1;
        if out == wasm {
            identical += 1;
        } else {
            println!("{}: {} -> {} bytes", file.display(), wasm.len(), out.len());
            assert!(out.len() <= wasm.len(), "{} grew", file.display());
        }
        let again = decode(&out).unwrap().validate_bodies().unwrap();
        assert_eq!(written(&again), out, "{}", file.display());
    }
    println!("{identical} of {total} byte-identical");
}
