//! Function graph to e-graph.

use super::facts::{Graph, Known, put, unite};
use super::node::{Head, Node};
use crate::analysis::memory_ssa::{MemorySsa, Resource, Version, VersionDef};
use crate::interp::Const;
use crate::ir::entity::{GlobalId, Inst, MemoryId, Value};
use crate::ir::function::Function;
use crate::ir::info::ModuleInfo;
use crate::ir::ops::{Imm, Kind, Op};
use crate::rules::shape;
use cranelift_entity::packed_option::ReservedValue;
use cranelift_entity::{EntityRef, SecondaryMap};
use egg::{EGraph, Id};
use hashbrown::HashMap;
use smallvec::SmallVec;

/// Version number of what never changes: immutable globals.
pub(crate) const NEVER: u32 = u32::MAX;

/// The e-graph of one function, and where its values and versions are in it.
pub struct Built {
    /// The graph, rebuilt.
    pub graph: Graph,
    /// Class of each value of the function; [`Built::class`].
    class_of: SecondaryMap<Value, Option<Id>>,
    /// Class of each effect version that a node mentions.
    versions: HashMap<Version, Id>,
}

impl Built {
    /// The canonical class of a value.
    pub fn class(&self, v: Value) -> Id {
        self.graph.find(self.class_of[v].expect("every value of a live block was added"))
    }

    /// What a value was added as: in a graph that explains itself, exactly its own node. `None` in dead code.
    pub fn added(&self, v: Value) -> Option<Id> {
        self.class_of[v]
    }

    /// What each version that the graph names is, with its canonical class, in the order of versions.
    pub fn named_versions(&self, memory: &MemorySsa) -> Vec<(VersionDef, Id)> {
        let added = self.added_versions(memory).into_iter();
        added.map(|(def, id)| (def, self.graph.find(id))).collect()
    }

    /// What each version that the graph names is, with what it was added as, in the order of versions.
    pub fn added_versions(&self, memory: &MemorySsa) -> Vec<(VersionDef, Id)> {
        let mut list: Vec<(Version, Id)> = self.versions.iter().map(|(&v, &id)| (v, id)).collect();
        list.retain(|(v, _)| !v.is_reserved_value());
        list.sort_unstable();
        list.into_iter().map(|(v, id)| (memory.def(v), id)).collect()
    }

    /// The class of a version, which is named now if nothing depended on it before.
    pub fn name_version(&mut self, v: Version) -> Id {
        named(&mut self.graph, &mut self.versions, v)
    }

    /// What a version was added as; `None` when nothing in the graph depends on it.
    pub fn added_version(&self, v: Version) -> Option<Id> {
        self.versions.get(&v).copied()
    }

    /// The canonical class of a version; `None` when nothing in the graph depends on it.
    pub fn version(&self, v: Version) -> Option<Id> {
        self.versions.get(&v).map(|&id| self.graph.find(id))
    }
}

/// Builds the e-graph of `f`. `order` lists the blocks so that dominators come first.
pub fn build(
    f: &Function,
    order: &[crate::ir::entity::Block],
    memory: &MemorySsa,
    info: &impl ModuleInfo,
) -> Built {
    build_in(EGraph::new(Known::new(f)), f, order, memory, info)
}

/// [`build`], of a graph that can say why two terms are equal. It is several times as large.
pub fn build_explained(
    f: &Function,
    order: &[crate::ir::entity::Block],
    memory: &MemorySsa,
    info: &impl ModuleInfo,
) -> Built {
    let graph =
        EGraph::new(Known::new(f)).with_explanations_enabled().without_explanation_length_optimization();
    build_in(graph, f, order, memory, info)
}

fn build_in(
    graph: Graph,
    f: &Function,
    order: &[crate::ir::entity::Block],
    memory: &MemorySsa,
    info: &impl ModuleInfo,
) -> Built {
    let mut b = Builder {
        f,
        memory,
        info,
        graph,
        class_of: SecondaryMap::with_capacity(f.values.len()),
        versions: HashMap::new(),
    };
    for &block in order {
        for &p in f.block_params(block) {
            b.leaf(p);
        }
        for &inst in &f.blocks[block].insts {
            b.inst(inst);
        }
    }
    b.graph.rebuild();
    Built { graph: b.graph, class_of: b.class_of, versions: b.versions }
}

struct Builder<'a, I> {
    f: &'a Function,
    memory: &'a MemorySsa,
    info: &'a I,
    graph: Graph,
    class_of: SecondaryMap<Value, Option<Id>>,
    versions: HashMap<Version, Id>,
}

impl<I: ModuleInfo> Builder<'_, I> {
    fn leaf(&mut self, v: Value) {
        let id = self.graph.add(Node::leaf(Head::Leaf(v)));
        self.class_of[v] = Some(id);
    }

    fn imm(&mut self, i: u64) -> Id {
        self.graph.add(Node::leaf(Head::Imm(i)))
    }

    fn operands(&self, inst: Inst) -> SmallVec<[Id; 4]> {
        self.f.args(inst).iter().map(|&a| self.class_of[a].expect("definitions come before uses")).collect()
    }

    fn version(&mut self, v: Option<Version>) -> Id {
        named(&mut self.graph, &mut self.versions, v.unwrap_or(Version::reserved_value()))
    }

    /// The node of a load or other read whose value is a function of its operands and a version.
    fn read(&mut self, inst: Inst, resource: Option<Resource>) -> Option<Node> {
        let data = &self.f.insts[inst];
        let imms = immediates(data.op, &data.imm)?;
        let mut children: SmallVec<[Id; 4]> = SmallVec::new();
        for i in imms {
            let id = self.imm(i);
            children.push(id);
        }
        children.extend(self.operands(inst));
        if let Some(r) = resource {
            let version = self.memory.before(inst, r);
            // Without versions nothing is known of when the resource changes.
            version?;
            let id = self.version(version);
            children.push(id);
        }
        Some(Node { head: Head::Op(data.op), children })
    }

    fn inst(&mut self, inst: Inst) {
        let data = &self.f.insts[inst];
        let (op, imm) = (data.op, data.imm);
        match op.kind() {
            Kind::Const => {
                let head = match Const::from_imm(&imm) {
                    Some(c) => Head::Const(c),
                    None => Head::Opaque(op, imm),
                };
                self.value(inst, Node::leaf(head), false);
            }
            Kind::Pure if self.f.results(inst).len() == 1 => {
                let node = self
                    .read(inst, None)
                    .unwrap_or_else(|| Node { head: Head::Opaque(op, imm), children: self.operands(inst) });
                self.value(inst, node, false);
            }
            Kind::Trap => match self.read(inst, None) {
                Some(node) => self.value(inst, node, true),
                None => self.opaque(inst),
            },
            Kind::Load => {
                let memory = imm.memarg().map(|a| a.memory).filter(|&m| !self.info.is_shared(m));
                match memory.and_then(|m| self.read(inst, Some(Resource::data(m)))) {
                    Some(node) => self.value(inst, node, true),
                    None => self.opaque(inst),
                }
            }
            Kind::MemorySize => {
                let memory = memory_of(&imm).filter(|&m| !self.info.is_shared(m));
                match memory.and_then(|m| self.read(inst, Some(Resource::size(m)))) {
                    Some(node) => self.value(inst, node, true),
                    None => self.opaque(inst),
                }
            }
            Kind::GlobalGet => match imm {
                Imm::Global(g) if !self.info.is_mutable(g) => {
                    let (g, never) =
                        (self.imm(u64::from(g.as_u32())), self.graph.add(Node::leaf(Head::Version(NEVER))));
                    self.value(inst, Node::new(Head::Op(op), [g, never]), true);
                }
                Imm::Global(g) => match self.read(inst, Some(Resource::global(g))) {
                    Some(node) => self.value(inst, node, true),
                    None => self.opaque(inst),
                },
                _ => self.opaque(inst),
            },
            _ => self.opaque(inst),
        }
        self.made_versions(inst);
    }

    /// The one result is this node's class; with `stays`, also the value that the instruction in the skeleton gives.
    fn value(&mut self, inst: Inst, node: Node, stays: bool) {
        let v = self.f.results(inst)[0];
        let id = put(&mut self.graph, node);
        self.class_of[v] = Some(id);
        if stays {
            let leaf = self.graph.add(Node::leaf(Head::Leaf(v)));
            unite(&mut self.graph, id, leaf, "the instruction itself");
        }
    }

    fn opaque(&mut self, inst: Inst) {
        for &v in self.f.results(inst) {
            self.leaf(v);
        }
    }

    /// Gives the versions that an instruction makes their classes. Only effects that rules look through are nodes.
    fn made_versions(&mut self, inst: Inst) {
        let imm = self.f.insts[inst].imm;
        let Some(resource) = written(self.f, inst) else { return };
        let Some(made) = self.memory.made_by(inst, resource) else { return };
        let node = match imm {
            Imm::MemCopy { src, .. } => {
                let Some(mut node) = self.read(inst, Some(resource)) else { return };
                let before = self.memory.before(inst, Resource::data(src));
                // What is copied out of a shared memory is no more known than what is loaded from it.
                if before.is_none() || self.info.is_shared(src) {
                    return;
                }
                let source = self.version(before);
                node.children.push(source);
                node
            }
            _ => match self.read(inst, Some(resource)) {
                Some(node) => node,
                None => return,
            },
        };
        let id = self.graph.add(node);
        self.versions.insert(made, id);
    }
}

fn named(graph: &mut Graph, versions: &mut HashMap<Version, Id>, v: Version) -> Id {
    *versions.entry(v).or_insert_with(|| graph.add(Node::leaf(Head::Version(v.index() as u32))))
}

/// What an instruction writes whose effect is a node.
pub fn written(f: &Function, inst: Inst) -> Option<Resource> {
    let data = &f.insts[inst];
    match (data.op.kind(), data.imm) {
        (Kind::Store, imm) => imm.memarg().map(|a| Resource::data(a.memory)),
        (Kind::MemoryFill, Imm::Memory(m)) => Some(Resource::data(m)),
        (Kind::MemoryCopy, Imm::MemCopy { dst, .. }) => Some(Resource::data(dst)),
        (Kind::GlobalSet, Imm::Global(g)) => Some(Resource::global(g)),
        _ => None,
    }
}

fn memory_of(imm: &Imm) -> Option<MemoryId> {
    match *imm {
        Imm::Memory(m) => Some(m),
        _ => None,
    }
}

/// The immediates of an operator as rules see them; `None` when rules cannot name it.
pub fn immediates(op: Op, imm: &Imm) -> Option<SmallVec<[u64; 4]>> {
    shape(op)?;
    let index = |i: usize| i as u64;
    Some(match *imm {
        Imm::None => SmallVec::new(),
        Imm::Mem(a) => SmallVec::from_slice(&[index(a.memory.index()), a.offset]),
        Imm::MemLane(a, lane) => SmallVec::from_slice(&[index(a.memory.index()), a.offset, lane.into()]),
        Imm::Lane(lane) => SmallVec::from_slice(&[lane.into()]),
        Imm::Shuffle(lanes) => lanes.iter().map(|&l| u64::from(l)).collect(),
        Imm::Memory(m) => SmallVec::from_slice(&[index(m.index())]),
        Imm::MemCopy { dst, src } => SmallVec::from_slice(&[index(dst.index()), index(src.index())]),
        Imm::Global(g) => SmallVec::from_slice(&[index(g.index())]),
        _ => return None,
    })
}

/// The immediate of an operator from what rules see of it. The alignment hint, which rules do not see, is the smallest.
pub fn immediate(op: Op, imms: &[u64]) -> Option<Imm> {
    use crate::ir::ops::{ImmKind, MemArg};
    let memory = |i: usize| imms.get(i).map(|&m| MemoryId::new(m as usize));
    let byte = |i: usize| imms.get(i).and_then(|&l| u8::try_from(l).ok());
    Some(match op.info().imm {
        ImmKind::None => Imm::None,
        ImmKind::Mem => Imm::Mem(MemArg { memory: memory(0)?, offset: *imms.get(1)?, align: 0 }),
        ImmKind::MemLane => {
            Imm::MemLane(MemArg { memory: memory(0)?, offset: *imms.get(1)?, align: 0 }, byte(2)?)
        }
        ImmKind::Lane => Imm::Lane(byte(0)?),
        ImmKind::Shuffle => {
            let mut lanes = [0; 16];
            for (i, lane) in lanes.iter_mut().enumerate() {
                *lane = byte(i)?;
            }
            Imm::Shuffle(lanes)
        }
        ImmKind::Memory => Imm::Memory(memory(0)?),
        ImmKind::Global => Imm::Global(GlobalId::new(*imms.first()? as usize)),
        _ => return None,
    })
}
