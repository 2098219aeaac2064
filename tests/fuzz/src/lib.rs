//! Differential fuzzing of loom: generators, an oracle on wasmi, a reducer. `docs/testing.md` says how to use them.
//!
//! - [`generate`]: structured modules shaped like fused components;
//! - [`single`]: one operator a module, with operands at the edges;
//! - [`left_sides`]: instances of the rules' left sides;
//! - [`smith`]: wasm-smith with several memories;
//! - [`oracle`]: runs before and after, compares everything observable;
//! - [`case`]: one case from a seed: source, options, verdict;
//! - [`reduce`]: makes a failing module small;
//! - [`regression`]: runs the `.wat` files under `tests/regressions`.

pub mod case;
pub mod digest;
pub mod generate;
pub mod host;
pub mod left_sides;
pub mod oracle;
pub mod reduce;
pub mod regression;
pub mod rng;
pub mod single;
pub mod smith;
pub mod surface;
pub mod value;
pub mod wasmi_run;
