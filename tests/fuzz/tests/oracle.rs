//! What the comparison has to see: pairs of modules that differ in one way, and pairs that only look as if they did.

use loom_fuzz::oracle::{Engines, Verdict, compare, compare_in};

/// A module whose start function is imported, with an exported memory and a function that writes `value` to it.
fn writing(value: u32) -> Vec<u8> {
    let text = format!(
        r#"(module
  (import "host" "begin" (func $begin))
  (memory (export "m") 1)
  (global (export "g") (mut i32) (i32.const 7))
  (func (export "write") (i32.store8 (i32.const 100) (i32.const {value})))
  (start $begin))"#
    );
    wat::parse_str(text).expect("text parses")
}

/// wasmi calls a host function that is itself the start function without an instance; what it could not see then is looked
/// at again later.
#[test]
fn state_is_seen_after_an_imported_start_function() {
    let verdict = compare(&writing(1), &writing(2), 1, 3);
    assert!(matches!(verdict, Verdict::Mismatch(_)), "{verdict:?}");
    let verdict = compare(&writing(1), &writing(1), 1, 3);
    assert!(matches!(verdict, Verdict::Equal(_)), "{verdict:?}");
}

#[test]
fn engines_agree_on_an_imported_start_function() {
    let verdict = compare_in(Engines::Both, &writing(1), &writing(1), 1, 3);
    assert!(matches!(verdict, Verdict::Equal(_)), "{verdict:?}");
}
