//! Terms, which of them are equal, and what is known of them.
//!
//! Each class has one name ([`Closure::find`]), its terms, and the terms that have it as an operand. Two terms with the same head over the same
//! classes are in one class; so are an operator on constants and its result. What is known of a class is joined from its terms.

use super::facts::{Known, known};
use crate::egraph::node::{Head, Node};
use crate::ir::function::Function;
use crate::ir::types::Type;
use egg::Id;
use hashbrown::HashMap;
use std::cell::RefCell;

pub(super) struct Closure {
    /// All terms, as they were added.
    nodes: Vec<Node>,
    /// Towards the name of the class; the paths are shortened by whoever asks.
    above: RefCell<Vec<Id>>,
    /// Of the name of a class: its terms.
    members: Vec<Vec<Id>>,
    /// Of the name of a class: the terms over it.
    uses: Vec<Vec<Id>>,
    /// Of the name of a class: what is known of it.
    known: Vec<Known>,
    /// Terms by head and classes.
    table: HashMap<Node, Id>,
    /// Pairs that are to be one.
    pending: Vec<(Id, Id)>,
    /// Terms of which more may be known.
    stale: Vec<Id>,
    types: Vec<Type>,
    max_terms: usize,
    failed: Option<&'static str>,
}

impl Closure {
    /// No terms, over the values of `f`.
    pub fn new(f: &Function, max_terms: usize) -> Closure {
        Closure {
            nodes: Vec::new(),
            above: RefCell::default(),
            members: Vec::new(),
            uses: Vec::new(),
            known: Vec::new(),
            table: HashMap::new(),
            pending: Vec::new(),
            stale: Vec::new(),
            types: f.values.values().map(|v| v.ty).collect(),
            max_terms,
            failed: None,
        }
    }

    /// Why what is here cannot be used.
    pub fn failed(&self) -> Option<&'static str> {
        self.failed
    }

    /// The name of a class.
    pub fn find(&self, id: Id) -> Id {
        let mut above = self.above.borrow_mut();
        let mut root = id;
        while above[usize::from(root)] != root {
            root = above[usize::from(root)];
        }
        let mut at = id;
        while above[usize::from(at)] != root {
            at = std::mem::replace(&mut above[usize::from(at)], root);
        }
        root
    }

    /// What is known of a class.
    pub fn known(&self, id: Id) -> &Known {
        &self.known[usize::from(self.find(id))]
    }

    /// The terms of a class, as they were added.
    pub fn members(&self, id: Id) -> impl Iterator<Item = &Node> {
        self.members[usize::from(self.find(id))].iter().map(|&m| &self.nodes[usize::from(m)])
    }

    /// The type of a value of the function.
    pub fn leaf_type(&self, index: u32) -> Option<Type> {
        self.types.get(index as usize).copied()
    }

    /// A term over the names of classes, commutative operands in order.
    fn key(&self, node: &Node) -> Node {
        let mut key = node.clone();
        for c in &mut key.children {
            *c = self.find(*c);
        }
        if let Head::Op(op) = key.head
            && op.info().commutes
        {
            key.children.sort_unstable();
        }
        key
    }

    /// The class of a term, if it is there.
    pub fn lookup(&self, node: &Node) -> Option<Id> {
        self.table.get(&self.key(node)).map(|&id| self.find(id))
    }

    /// Adds a term.
    pub fn add(&mut self, node: Node) -> Id {
        let id = self.insert(node);
        self.settle();
        id
    }

    fn insert(&mut self, node: Node) -> Id {
        let key = self.key(&node);
        if let Some(&id) = self.table.get(&key) {
            return id;
        }
        if self.nodes.len() >= self.max_terms {
            self.failed = Some("too many terms");
        }
        let id = Id::from(self.nodes.len());
        for (n, &c) in key.children.iter().enumerate() {
            if !key.children[..n].contains(&c) {
                self.uses[usize::from(c)].push(id);
            }
        }
        self.known.push(Known::default());
        self.nodes.push(node);
        self.above.get_mut().push(id);
        self.members.push(vec![id]);
        self.uses.push(Vec::new());
        self.table.insert(key, id);
        self.stale.push(id);
        id
    }

    /// Makes two terms equal, with all that follows.
    pub fn unite(&mut self, a: Id, b: Id) {
        self.pending.push((a, b));
        self.settle();
    }

    fn settle(&mut self) {
        while self.failed.is_none() {
            if let Some((a, b)) = self.pending.pop() {
                self.join(a, b);
            } else if let Some(id) = self.stale.pop() {
                let more = known(self, &self.nodes[usize::from(id)]);
                self.learn(id, more);
            } else {
                break;
            }
        }
    }

    fn join(&mut self, a: Id, b: Id) {
        let (mut a, mut b) = (self.find(a), self.find(b));
        if a == b {
            return;
        }
        let weight = |id: Id| self.members[usize::from(id)].len() + self.uses[usize::from(id)].len();
        if weight(a) < weight(b) {
            std::mem::swap(&mut a, &mut b);
        }
        let (to, from) = (usize::from(a), usize::from(b));
        self.above.get_mut()[from] = a;
        let members = std::mem::take(&mut self.members[from]);
        self.members[to].extend(members);
        let uses = std::mem::take(&mut self.uses[from]);
        for &user in &uses {
            let key = self.key(&self.nodes[usize::from(user)]);
            match self.table.get(&key) {
                Some(&other) if self.find(other) != self.find(user) => self.pending.push((other, user)),
                Some(_) => {}
                None => {
                    self.table.insert(key, user);
                }
            }
        }
        let more = std::mem::take(&mut self.known[from]);
        // Those above the one have not heard of the other.
        if self.known[to] != more {
            self.stale.extend_from_slice(&uses);
        }
        self.uses[to].extend(uses);
        self.learn(a, more);
    }

    /// Adds to what is known of a class.
    fn learn(&mut self, id: Id, more: Known) {
        let root = self.find(id);
        let at = usize::from(root);
        let had = self.known[at].constant;
        match self.known[at].join(&more) {
            Err(why) => self.failed = Some(why),
            Ok(false) => return,
            Ok(true) => self.stale.extend_from_slice(&self.uses[at]),
        }
        if let (None, Some(c)) = (had, self.known[at].constant) {
            let constant = self.insert(Node::leaf(Head::Const(c)));
            self.pending.push((root, constant));
        }
    }
}
