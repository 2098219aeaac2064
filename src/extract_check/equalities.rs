//! What the checker asks of those who say which terms are equal.

use crate::egraph::build::Built;
use crate::egraph::facts::base_of;
use crate::egraph::node::Node;
use crate::interp::Const;
use crate::ir::entity::Value;
use crate::rules::Facts;
use egg::Id;
use smallvec::SmallVec;

/// Classes of equal terms over the values and states of the function before extraction.
pub trait Equalities {
    /// The class of a value of the function before.
    fn class(&self, v: Value) -> Id;
    /// The class by its one name.
    fn find(&self, id: Id) -> Id;
    /// The class of a term over classes, if there is such a term.
    fn lookup(&self, node: Node) -> Option<Id>;
    /// The constant that a class is.
    fn constant(&self, id: Id) -> Option<Const>;
    /// Whether an integer is known not to be 0.
    fn nonzero(&self, id: Id) -> bool;
    /// Whether the sign bit of an integer is known to be 0.
    fn nonneg(&self, id: Id) -> bool;
    /// Classes and constants whose sums, wrapping, a class is.
    fn bases(&self, id: Id) -> SmallVec<[(Id, u64); 4]>;
}

impl Equalities for Built {
    fn class(&self, v: Value) -> Id {
        Built::class(self, v)
    }

    fn find(&self, id: Id) -> Id {
        self.graph.find(id)
    }

    fn lookup(&self, node: Node) -> Option<Id> {
        self.graph.lookup(node)
    }

    fn constant(&self, id: Id) -> Option<Const> {
        Facts::constant(&self.graph, id)
    }

    fn nonzero(&self, id: Id) -> bool {
        Facts::nonzero(&self.graph, id)
    }

    fn nonneg(&self, id: Id) -> bool {
        Facts::nonneg(&self.graph, id)
    }

    fn bases(&self, id: Id) -> SmallVec<[(Id, u64); 4]> {
        SmallVec::from_slice(&[base_of(&self.graph, id)])
    }
}
