//! What code costs: tables in text (`rules/costs/*.cost`, `--cost FILE`), one for each objective, and the lengths of encodings.
//!
//! **In:** a table as text. **Out:** a [`CostTable`] that prices an operator with its immediate, a constant, a use of a local,
//! and says how much more what stands in a loop counts. Extraction chooses nodes by it, the pipeline chooses between
//! two bodies by it. A price is `bytes × length + time × time of the operator`.
//!
//! # The text
//!
//! ```text
//! (bytes 1)               the weight of one byte of code
//! (time 2)                the weight of one unit of time
//! (loop 8 6)              a loop's body counts 8 times, for at most 6 loops around each other
//! (local 1)               time of reading or writing a local
//! (hoist 8)               pure operators that take as long or longer are computed before a loop that does not change them
//! (reuse 3)               price, not time, of using what is computed anyway once more; less than a read of a local lets
//!                         what it was computed from die early
//! (op :load 16)           time of a group of operators, or
//! (op i32.mul i64.mul 12) of some by name; of several that fit, the last one holds
//! ```
//!
//! The groups are `:other` (all), `:const`, `:float` (takes a float), `:vector` (takes a vector), `:load`, `:store`, `:atomic`,
//! `:global`, `:call`, `:branch` and `:constant-divisor` (integer divisions by a constant, which engines do without dividing,
//! and remainders, which take a multiplication and a subtraction more; 0: like the others); `;` starts a comment. What is not said is 0, but for `loop`, which is `1 0`.
//!
//! Complexity: a table is read in time linear in its text; a price is a lookup.

mod bytes;
mod text;

pub use bytes::{const_bytes, op_bytes, sleb_len, uleb_len};

use crate::Error;
use crate::interp::Const;
use crate::ir::ops::Op;
use crate::options::Objective;
use std::path::Path;
use std::sync::LazyLock;

/// Prices for one objective.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostTable {
    /// Weight of a byte.
    bytes: u64,
    /// Weight of a unit of time.
    time: u64,
    /// How often the body of a loop counts, and for how many loops around each other.
    loops: (u64, u32),
    /// Time of a use of a local.
    local: u64,
    /// Price of another use of a value that is computed anyway; `None`: as of any other value.
    reuse: Option<u64>,
    /// Time from which on a pure operator is computed before a loop; `None`: never.
    hoist: Option<u64>,
    /// Time of a branch.
    branch: u64,
    /// Time of a division by a constant.
    constant_divisor: u64,
    /// Time by operator.
    ops: Vec<u64>,
}

/// The largest number that a table may hold: sums over a function stay far from overflow.
pub const MAX_NUMBER: u64 = 10_000;

/// The deepest nest of loops that is counted.
pub const MAX_LOOPS: u32 = 8;

/// The built-in tables.
static SIZE: LazyLock<CostTable> = LazyLock::new(|| builtin(include_str!("../../rules/costs/size.cost")));
static SPEED: LazyLock<CostTable> = LazyLock::new(|| builtin(include_str!("../../rules/costs/speed.cost")));

fn builtin(text: &str) -> CostTable {
    CostTable::parse(text).expect("the built-in tables are well-formed (tested)")
}

impl CostTable {
    /// The built-in table of an objective.
    pub fn of(objective: Objective) -> &'static CostTable {
        match objective {
            Objective::Size => &SIZE,
            Objective::Speed => &SPEED,
        }
    }

    /// Reads a table.
    ///
    /// # Errors
    /// With line and column when the text is no table.
    pub fn parse(text: &str) -> Result<CostTable, Error> {
        text::parse(text)
    }

    /// Reads a table from a file.
    ///
    /// # Errors
    /// When the file cannot be read or is no table; both name the file.
    pub fn load(path: &Path) -> Result<CostTable, Error> {
        let text = crate::rules::read_text(path, "cost table")?;
        CostTable::parse(&text).map_err(|e| e.in_file(path.display().to_string()))
    }

    /// Price of an operator; `imm` gives its n-th immediate as rules see it.
    pub fn op(&self, op: Op, imm: impl Fn(usize) -> u64) -> u64 {
        self.weigh(op_bytes(op, imm), self.ops[op as usize])
    }

    /// Price of an integer division or remainder by a constant. Engines make a remainder of the quotient.
    pub fn division_by_constant(&self, op: Op) -> u64 {
        let from_quotient = match op {
            Op::I32RemS | Op::I32RemU => self.op_time(Op::I32Mul) + self.op_time(Op::I32Sub),
            Op::I64RemS | Op::I64RemU => self.op_time(Op::I64Mul) + self.op_time(Op::I64Sub),
            _ => 0,
        };
        match self.constant_divisor {
            0 => self.op(op, |_| 0),
            time => self.weigh(1, time + from_quotient),
        }
    }

    /// Price of an operator whose immediates are those of no rule.
    pub fn opaque(&self, op: Op) -> u64 {
        self.weigh(2, self.ops[op as usize])
    }

    /// Price of making a constant.
    pub fn constant(&self, c: Const) -> u64 {
        self.weigh(const_bytes(c), self.ops[Op::I32Const as usize])
    }

    /// Price of reading a local.
    pub fn local(&self) -> u64 {
        self.weigh(2, self.local)
    }

    /// Whether time counts at all. Where it does not, only bytes decide.
    pub fn for_time(&self) -> bool {
        self.time > 0
    }

    /// Time of one execution of an operator.
    pub fn op_time(&self, op: Op) -> u64 {
        self.ops[op as usize]
    }

    /// Time of one use of a local.
    pub fn local_time(&self) -> u64 {
        self.local
    }

    /// Time of one branch.
    pub fn branch_time(&self) -> u64 {
        self.branch
    }

    /// Price of using a value once more that the program computes there in any case; `None`: it is not told apart.
    pub fn reuse(&self) -> Option<u64> {
        self.reuse
    }

    /// Whether an operator is computed before a loop in which its operands do not change.
    pub fn hoists(&self, op: Op) -> bool {
        self.hoist.is_some_and(|least| self.ops[op as usize] >= least)
    }

    /// How often what stands within so many loops counts.
    pub fn frequency(&self, loops: u32) -> u64 {
        self.loops.0.pow(loops.min(self.loops.1))
    }

    fn weigh(&self, bytes: u64, time: u64) -> u64 {
        bytes * self.bytes + time * self.time
    }
}
