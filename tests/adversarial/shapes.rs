//! The list of shapes, each at any size.

use super::{control, straight, whole};

/// A family of modules.
pub struct Shape {
    pub name: &'static str,
    pub make: fn(usize) -> Vec<u8>,
    /// Size of the run with every test: a second or less.
    pub quick: usize,
    /// Largest size of the full list. Above `largest_valid` the module must be rejected.
    pub full: usize,
    /// Most that WebAssembly's implementation limits allow.
    pub largest_valid: usize,
}

const fn shape(name: &'static str, make: fn(usize) -> Vec<u8>, quick: usize, full: usize) -> Shape {
    Shape { name, make, quick, full, largest_valid: usize::MAX }
}

const fn limited(name: &'static str, make: fn(usize) -> Vec<u8>, limit: usize) -> Shape {
    Shape { name, make, quick: limit, full: limit + 1, largest_valid: limit }
}

pub const SHAPES: &[Shape] = &[
    shape("blocks", control::blocks, 10_000, 1_000_000),
    shape("ifs", control::ifs, 10_000, 1_000_000),
    shape("block_values", control::block_values, 10_000, 700_000),
    shape("loop_values", control::loop_values, 2_000, 500_000),
    shape("loop_locals", control::loop_locals, 500, 200_000),
    shape("loop_row", control::loop_row, 1_000, 100_000),
    shape("live_across_loops", control::live_across_loops, 1_000, 49_000),
    shape("if_values", control::if_values, 2_000, 400_000),
    shape("else_ladder", control::else_ladder, 2_000, 300_000),
    shape("diamonds", control::diamonds, 1_000, 200_000),
    shape("table_values", control::table_values, 100_000, 1_000_000),
    shape("table_nest_values", control::table_nest_values, 2_000, 500_000),
    shape("table_square_values", control::table_square_values, 200, 1_500),
    shape("machine_few_locals", control::machine_few_locals, 1_000, 100_000),
    shape("machine_many_locals", control::machine_many_locals, 300, 40_000),
    shape("rotation", control::rotation, 2_000, 49_000),
    shape("exits", control::exits, 2_000, 500_000),
    shape("back_edges", control::back_edges, 2_000, 500_000),
    shape("wide_blocks", control::wide_blocks, 30, 4_000),
    shape("dead_code", control::dead_code, 10_000, 700_000),
    shape("phi_web", control::phi_web, 300, 100_000),
    shape("try_tables", control::try_tables, 1_000, 200_000),
    shape("handlers", control::handlers, 100, 5_000),
    shape("deep_sum", straight::deep_sum, 10_000, 1_000_000),
    shape("eqz_chain", straight::eqz_chain, 10_000, 1_000_000),
    shape("mixed_chain", straight::mixed_chain, 5_000, 900_000),
    shape("doubling", straight::doubling, 5_000, 900_000),
    shape("fibonacci", straight::fibonacci, 2_000, 600_000),
    shape("local_sum", straight::local_sum, 5_000, 49_000),
    shape("parameter_sum", straight::parameter_sum, 1_000, 1_000),
    shape("constants", straight::constants, 50_000, 1_900_000),
    shape("giant_block", straight::giant_block, 5_000, 900_000),
    shape("load_chain", straight::load_chain, 5_000, 900_000),
    shape("load_store_chain", straight::load_store_chain, 1_000, 200_000),
    shape("accesses", straight::accesses, 2_000, 300_000),
    shape("reload", straight::reload, 1_000, 200_000),
    shape("overwritten", straight::overwritten, 2_000, 600_000),
    shape("post_increment", straight::post_increment, 2_000, 300_000),
    shape("many_memories", straight::many_memories, 2_000, 400_000),
    shape("memory_loops", straight::memory_loops, 500, 200_000),
    shape("bulk", straight::bulk, 500, 200_000),
    shape("grows", straight::grows, 1_000, 200_000),
    shape("selects", straight::selects, 2_000, 600_000),
    shape("divisions", straight::divisions, 5_000, 1_000_000),
    shape("floats", straight::floats, 5_000, 1_000_000),
    shape("vectors", straight::vectors, 2_000, 150_000),
    shape("widths", straight::widths, 2_000, 600_000),
    shape("global_chain", straight::global_chain, 2_000, 600_000),
    shape("calls", straight::calls, 1_000, 500_000),
    shape("crossing", straight::crossing, 1_000, 24_000),
    shape("tees", straight::tees, 2_000, 49_000),
    shape("call_chain", whole::call_chain, 2_000, 100_000),
    shape("call_ring", whole::call_ring, 2_000, 300_000),
    shape("call_star", whole::call_star, 2_000, 300_000),
    Shape {
        name: "functions",
        make: whole::functions,
        quick: 20_000,
        full: 1_000_001,
        largest_valid: 1_000_000,
    },
    shape("entities", whole::entities, 2_000, 100_000),
    shape("types", whole::types, 2_000, 40_000),
    shape("recursive_types", whole::recursive_types, 2_000, 200_000),
    shape("wide_gc", whole::wide_gc, 2_000, 10_000),
    shape("constant_expression", whole::constant_expression, 10_000, 1_000_000),
    shape("names", whole::names, 5_000, 300_000),
    shape("giant_segments", whole::giant_segments, 1_000_000, 200_000_000),
    limited("locals", whole::locals, 50_000),
    limited("parameters", whole::parameters, 1_000),
    limited("memories", whole::memories, 100),
    Shape { name: "locals_lie", make: whole::locals_lie, quick: 1, full: 1, largest_valid: 0 },
    Shape { name: "code_count_lie", make: whole::code_count_lie, quick: 1, full: 1, largest_valid: 0 },
    Shape {
        name: "code_over_limit",
        make: straight::constants,
        quick: 1_920_000,
        full: 1_920_000,
        largest_valid: 0,
    },
    shape("offsets64", whole::offsets64, 144, 144),
];
