//! Differential fuzzing of loom: generators, an oracle on wasmi, a reducer. `docs/testing.md` says how to use them.
//!
//! - [`generate`]: structured modules shaped like fused components;
//! - [`chains`]: programs in the form of fused components, with their adapters;
//! - [`single`]: one operator a module, with operands at the edges;
//! - [`left_sides`]: instances of the rules' left sides;
//! - [`smith`]: wasm-smith with several memories;
//! - [`data`]: memories and results of which only a part is used;
//! - [`mutate`]: mutations of modules from [`seeds`], by [`splice`] and wasm-mutate; [`extract`] makes seeds;
//! - [`private`]: takes exports away, so that the whole-program passes have something to do;
//! - [`nan`]: makes NaNs of arithmetic canonical;
//! - [`choices`]: the options of a case;
//! - [`oracle`]: runs before and after, compares everything observable; [`wasmi_run`] and [`host`] are its engine,
//!   `wasmtime_run` (feature `wasmtime`) is a second one;
//! - [`case`]: one case from a seed: source, options, verdict;
//! - [`campaign`]: many cases, tallies, a state to go on from;
//! - [`flip`]: damaged modules, which must be rejected with a place or optimized;
//! - [`reduce`]: makes a failing module small;
//! - [`regression`]: runs the `.wat` files under `tests/regressions`.

pub mod campaign;
pub mod case;
pub mod chains;
pub mod choices;
pub mod data;
pub mod digest;
pub mod extract;
pub mod flip;
pub mod generate;
pub mod host;
pub mod left_sides;
pub mod mutate;
pub mod nan;
pub mod oracle;
pub mod parts;
pub mod private;
pub mod reduce;
pub mod regression;
pub mod rng;
pub mod seeds;
pub mod single;
pub mod smith;
pub mod splice;
pub mod state;
pub mod surface;
pub mod value;
pub mod wasmi_run;
#[cfg(feature = "wasmtime")]
pub mod wasmtime_run;
