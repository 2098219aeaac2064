//! Functions that are equal but for constants share one body, which takes the constants as parameters.
//!
//! **What.** Functions of one type whose bodies are the same but for operands of `i32.const`, `i64.const`, `f32.const` and
//! `f64.const` (and but for calls of themselves) get one new function with a parameter for each column of constants that differ;
//! columns that are equal throughout share one. Where every call of a member is direct and seen, the calls pass the constants
//! and the member goes; otherwise it stays as a *forwarder*: its parameters, its constants, one call. A group with too many
//! columns, or one that does not pay, is split by the constants of the column with the fewest different ones.
//!
//! **Licence.** What a body does follows from its operators and their operands; a parameter that is never written is the
//! constant that it was called with, NaN payloads included. A forwarder has its own index and type: references to it stay what they were.
//!
//! **Declines.** Where the bytes of bodies, entries of sections, calls and a new type do not sum up to [`MIN_SAVING`] less; more
//! than [`MAX_PARAMETERS`] columns; signatures with references to types of the module, which a plan may have left out.
//!
//! It runs on the last bodies, after [`super::merge`]; functions that call members are perhaps equal up to constants themselves
//! then, hence [`MAX_PASSES`].
//!
//! Complexity: linear in the code for each of the passes and each split around each other ([`MAX_SPLITS`]).
//!
//! Reference: Binaryen's MergeSimilarFunctions; LLVM's MergeSimilarFunctions of the Swift compiler.

use crate::Error;
use crate::cost::{const_bytes, uleb_len};
use crate::interp::Const;
use crate::ir::entity::{FuncId, TypeId};
use crate::ir::types::{HeapType, RefType, Type};
use crate::module::{Body, Entity, Fate, Module, Numbering, Plan, REMOVED, remap_body, rewrite_body};
use cranelift_entity::{EntityRef, EntitySet, SecondaryMap};
use hashbrown::{HashMap, HashSet};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use wasm_encoder::{Function, Ieee32, Ieee64, Instruction};
use wasmparser::Operator;

/// Parameters that a body gets at most: each is pushed in every call.
pub const MAX_PARAMETERS: usize = 6;
/// Bytes that a group must save: more than what lengths written as LEB128 may grow by when others change.
pub const MIN_SAVING: i64 = 8;
/// How often a group is split before what is left of it stays as it is.
pub const MAX_SPLITS: u32 = 24;
/// How often the whole module is looked at.
pub const MAX_PASSES: u32 = 3;

/// Its name in the report.
pub const PASS: &str = "equal-up-to-constants";
/// The name of [`MAX_SPLITS`] there.
pub const LIMIT: &str = "equal-up-to-constants-splits";

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shared {
    /// Functions whose bodies went into a shared one.
    pub functions: u64,
    /// Groups that were split [`MAX_SPLITS`] times.
    pub given_up: u64,
}

/// Lets functions that are equal up to constants share their bodies.
///
/// # Errors
/// When a body is malformed, which validation rules out.
pub fn parametrize(module: &mut Module, plan: &mut Plan) -> Result<Shared, Error> {
    let mut all = Shared::default();
    for _ in 0..MAX_PASSES {
        let shared = pass(module, plan)?;
        all.functions += shared.functions;
        all.given_up += shared.given_up;
        if shared.functions == 0 {
            break;
        }
    }
    Ok(all)
}

fn pass(module: &mut Module, plan: &mut Plan) -> Result<Shared, Error> {
    let program = Written::new(module, plan)?;
    let found: Vec<Found> =
        program.classes().into_par_iter().map(|class| program.groups(class)).collect::<Result<_, Error>>()?;
    let given_up = found.iter().filter(|f| f.given_up).count() as u64;
    let outlines = program.outlines;
    let groups: Vec<Group> = found.into_iter().flat_map(|f| f.groups).collect();
    let functions = groups.iter().map(|g| g.members.len() as u64).sum();
    apply(module, plan, &outlines, groups)?;
    Ok(Shared { functions, given_up })
}

/// A body without its constants.
struct Outline {
    func: FuncId,
    /// Of the type and the body without its constants.
    hash: [u8; 32],
    /// The functions that it names, as often as it does, without its calls of itself.
    named: Vec<FuncId>,
    /// Those of them that it takes references of.
    taken: Vec<FuncId>,
}

/// What is written, before anything is shared.
struct Written<'a> {
    module: &'a Module,
    plan: &'a Plan,
    numbering: Numbering,
    outlines: Vec<Outline>,
    /// Functions that something other than a call refers to.
    referred: EntitySet<FuncId>,
    /// Calls of each function but its own.
    calls: SecondaryMap<FuncId, u32>,
}

/// A group that shares a body.
struct Group {
    members: Vec<Member>,
    /// The parameter that stands for each of the constants of the first member, in order.
    holes: Vec<Option<u32>>,
    /// Types of the new parameters.
    types: Vec<Type>,
}

struct Member {
    func: FuncId,
    /// The constants for the new parameters.
    args: Vec<Const>,
    /// Whether it stays, as a forwarder.
    stays: bool,
}

/// What came of the functions with one outline.
#[derive(Default)]
struct Found {
    groups: Vec<Group>,
    given_up: bool,
}

/// A function with the outline of others.
#[derive(Clone)]
struct Candidate {
    func: FuncId,
    /// Its constants, in order.
    constants: Vec<Const>,
    /// What its body takes in the sections.
    bytes: i64,
}

/// Functions with one outline.
struct Class {
    members: Vec<Candidate>,
    splits: u32,
}

/// The columns of a class: which parameter stands for which constant, and what each member passes.
struct Columns {
    holes: Vec<Option<u32>>,
    /// Arguments of all members, by parameter.
    args: Vec<Vec<Const>>,
}

fn constant(op: &Operator<'_>) -> Option<Const> {
    match *op {
        Operator::I32Const { value } => Some(Const::I32(value as u32)),
        Operator::I64Const { value } => Some(Const::I64(value as u64)),
        Operator::F32Const { value } => Some(Const::F32(value.bits())),
        Operator::F64Const { value } => Some(Const::F64(value.bits())),
        _ => None,
    }
}

fn push_constant(c: Const, out: &mut Function) {
    let mut sink = out.instructions();
    match c {
        Const::I32(v) => sink.i32_const(v as i32),
        Const::I64(v) => sink.i64_const(v as i64),
        Const::F32(v) => sink.f32_const(Ieee32::new(v)),
        Const::F64(v) => sink.f64_const(Ieee64::new(v)),
        Const::V128(v) => sink.v128_const(v as i128),
    };
}

/// The function that is written for another one: that one was merged into it, or it is the same.
fn resolve(plan: &Plan, func: FuncId) -> FuncId {
    match plan.funcs[func] {
        Fate::Merge(other) => other,
        Fate::Keep | Fate::Remove => func,
    }
}

impl<'a> Written<'a> {
    fn new(module: &'a Module, plan: &'a Plan) -> Result<Written<'a>, Error> {
        let numbering = module.numbering_of(plan);
        let written: Vec<FuncId> = numbering.funcs.order().to_vec();
        let outlines: Vec<Outline> = written
            .into_par_iter()
            .filter(|&f| module.funcs[f].body.is_some())
            .map(|f| outline(module, plan, f))
            .collect::<Result<_, Error>>()?;
        let mut calls: SecondaryMap<FuncId, u32> = SecondaryMap::new();
        for outline in &outlines {
            outline.named.iter().for_each(|&f| calls[f] += 1);
        }
        let referred = referred(module, plan, &numbering, &outlines);
        Ok(Written { module, plan, numbering, outlines, referred, calls })
    }

    /// The functions with the same outline, where there are several.
    fn classes(&self) -> Vec<Vec<FuncId>> {
        let mut by_hash: HashMap<[u8; 32], Vec<FuncId>> = HashMap::new();
        for o in &self.outlines {
            by_hash.entry(o.hash).or_default().push(o.func);
        }
        let mut classes: Vec<Vec<FuncId>> = by_hash.into_values().filter(|class| class.len() > 1).collect();
        classes.sort_unstable();
        classes
    }

    /// The groups of a class that pay.
    fn groups(&self, class: Vec<FuncId>) -> Result<Found, Error> {
        let mut found = Found::default();
        let ty = self.module.func_type(class[0]);
        if ty.params.iter().chain(&ty.results).any(names_a_type) {
            return Ok(found);
        }
        let members = class.into_iter().map(|f| self.candidate(f)).collect::<Result<_, Error>>()?;
        let mut work = vec![Class { members, splits: 0 }];
        while let Some(class) = work.pop() {
            let columns = columns(&class.members);
            if columns.args.len() <= MAX_PARAMETERS
                && let Some(group) = self.group(&class.members, &columns)?
            {
                let taken: HashSet<FuncId> = group.members.iter().map(|m| m.func).collect();
                found.groups.push(group);
                let rest: Vec<_> = class.members.into_iter().filter(|m| !taken.contains(&m.func)).collect();
                if rest.len() > 1 && class.splits < MAX_SPLITS {
                    work.push(Class { members: rest, splits: class.splits + 1 });
                }
            } else if class.splits < MAX_SPLITS {
                work.extend(split(class, &columns));
            } else {
                found.given_up = true;
            }
        }
        Ok(found)
    }

    fn candidate(&self, func: FuncId) -> Result<Candidate, Error> {
        let (body, offset) = self.module.body(func);
        let length = remap_body(body, offset, &self.numbering)?.len();
        let bytes = entry(length) + self.of_type(func);
        Ok(Candidate { func, constants: constants(self.module, func)?, bytes })
    }

    /// Bytes of a function's type index.
    fn of_type(&self, func: FuncId) -> i64 {
        uleb_len(self.numbering.types.get(self.module.funcs[func].ty).into()) as i64
    }

    /// The group of those members that are worth it, if the whole is.
    fn group(&self, members: &[Candidate], columns: &Columns) -> Result<Option<Group>, Error> {
        let worth = |n: &usize| self.saved(&members[*n], columns, *n).0 > 0;
        let left: Vec<Candidate> = (0..members.len()).filter(worth).map(|n| members[n].clone()).collect();
        match left.len() {
            0 | 1 => Ok(None),
            n if n == members.len() => self.pays(members, columns),
            // Without the others there may be fewer columns, so that each of these saves as much or more.
            _ => self.pays(&left, &self::columns(&left)),
        }
    }

    fn pays(&self, members: &[Candidate], columns: &Columns) -> Result<Option<Group>, Error> {
        let types: Vec<Type> = columns.args.iter().map(|column| column[0].ty()).collect();
        let mut group = Group { members: Vec::new(), holes: columns.holes.clone(), types };
        let mut bytes = 0;
        for (n, member) in members.iter().enumerate() {
            let (saved, stays) = self.saved(member, columns, n);
            bytes += saved;
            let args = columns.args.iter().map(|column| column[n]).collect();
            group.members.push(Member { func: member.func, args, stays });
        }
        let signature = self.module.func_type(members[0].func);
        let params = [&signature.params[..], &group.types].concat();
        let ty = self.module.find_func_type(&params, &signature.results);
        if ty.is_none_or(|ty| self.numbering.types.get(ty) == REMOVED) {
            let lengths = uleb_len(params.len() as u64) + uleb_len(signature.results.len() as u64);
            // At most two bytes for each type.
            bytes -= (1 + lengths) as i64 + 2 * (params.len() + signature.results.len()) as i64;
        }
        // Where it calls itself, the index is counted with its greatest length.
        let body = shared_body(self.module, self.plan, &group, FuncId::from_u32(REMOVED - 1))?;
        let body = remap_body(&body, 0, &self.numbering)?;
        bytes -= entry(body.len()) + uleb_len(self.numbering.types.order().len() as u64 + 1) as i64;
        Ok((bytes >= MIN_SAVING).then_some(group))
    }

    /// The bytes that go with a member's body, less those of its forwarder or in its calls, and whether it stays.
    fn saved(&self, member: &Candidate, columns: &Columns, n: usize) -> (i64, bool) {
        let func = member.func;
        let pushed: i64 = columns.args.iter().map(|column| const_bytes(column[n]) as i64).sum();
        // Every group adds a function, and has two members or more.
        let index = uleb_len((self.numbering.funcs.order().len() + self.outlines.len() / 2) as u64) as i64;
        let params = self.module.func_type(func).params.len() as u64;
        let gets: u64 = (0..params).map(|p| 1 + uleb_len(p)).sum();
        let forwarder = entry((1 + gets as i64 + pushed + 1 + index + 1) as usize) + self.of_type(func);
        let old = uleb_len(self.numbering.funcs.get(func).into()) as i64;
        let calls = i64::from(self.calls[func]) * (pushed + index - old);
        match self.referred.contains(func) || forwarder < calls {
            true => (member.bytes - forwarder, true),
            false => (member.bytes - calls, false),
        }
    }
}

/// Bytes of a body with its length.
fn entry(body: usize) -> i64 {
    uleb_len(body as u64) as i64 + body as i64
}

fn names_a_type(ty: &Type) -> bool {
    matches!(ty, Type::Ref(RefType { heap: HeapType::Concrete(_), .. }))
}

fn outline(module: &Module, plan: &Plan, func: FuncId) -> Result<Outline, Error> {
    let (bytes, offset) = module.body(func);
    let (mut named, mut taken) = (Vec::new(), Vec::new());
    let is_own = |index: u32| resolve(plan, FuncId::from_u32(index)) == func;
    let mut blank = |op: &Operator<'_>, out: &mut Function| {
        match *op {
            // Of itself each calls itself.
            Operator::Call { function_index } if is_own(function_index) => {
                out.instruction(&Instruction::Call(REMOVED))
            }
            Operator::ReturnCall { function_index } if is_own(function_index) => {
                out.instruction(&Instruction::ReturnCall(REMOVED))
            }
            Operator::RefFunc { function_index } => {
                taken.push(resolve(plan, FuncId::from_u32(function_index)));
                return false;
            }
            _ => {
                let zero = constant(op).and_then(|c| Const::from_bits(c.ty(), 0));
                zero.into_iter().for_each(|zero| push_constant(zero, out));
                return zero.is_some();
            }
        };
        true
    };
    let body = rewrite_body(bytes, offset, &mut blank, &mut |entity| match entity {
        Entity::Func(f) => {
            let f = resolve(plan, f);
            named.push(f);
            f.as_u32()
        }
        Entity::Type(t) => module.canonical_type(t).as_u32(),
        other => other.index(),
    })?;
    let mut hash = Sha256::new();
    hash.update(module.canonical_type(module.funcs[func].ty).as_u32().to_le_bytes());
    hash.update(&body);
    Ok(Outline { func, hash: hash.finalize().into(), named, taken })
}

/// The functions that something other than a call refers to.
fn referred(module: &Module, plan: &Plan, numbering: &Numbering, outlines: &[Outline]) -> EntitySet<FuncId> {
    let mut found = EntitySet::new();
    let mut add = |entity| {
        if let Entity::Func(f) = entity {
            found.insert(resolve(plan, f));
        }
    };
    module.exports.iter().for_each(|e| add(e.entity));
    module.start.into_iter().for_each(|f| add(Entity::Func(f)));
    let tables = module.tables.keys().map(Entity::Table);
    let globals = module.globals.keys().map(Entity::Global);
    let elems = module.elems.keys().map(Entity::Elem);
    let others = tables.chain(globals).chain(elems).filter(|&e| numbering.is_written(e));
    others.for_each(|e| module.references_of(e, &mut add));
    outlines.iter().flat_map(|o| &o.taken).for_each(|&f| add(Entity::Func(f)));
    found
}

/// The constants of a body, in order.
fn constants(module: &Module, func: FuncId) -> Result<Vec<Const>, Error> {
    let (bytes, offset) = module.body(func);
    let mut list = Vec::new();
    let mut note = |op: &Operator<'_>, _: &mut Function| {
        list.extend(constant(op));
        false
    };
    rewrite_body(bytes, offset, &mut note, &mut Entity::index)?;
    Ok(list)
}

fn columns(members: &[Candidate]) -> Columns {
    let first = &members[0].constants;
    let mut columns = Columns { holes: vec![None; first.len()], args: Vec::new() };
    let mut known: HashMap<Vec<Const>, u32> = HashMap::new();
    for (place, c) in first.iter().enumerate() {
        if members.iter().all(|m| m.constants[place] == *c) {
            continue;
        }
        let column: Vec<Const> = members.iter().map(|m| m.constants[place]).collect();
        let next = known.len() as u32;
        let param = *known.entry(column).or_insert_with_key(|column| {
            columns.args.push(column.clone());
            next
        });
        columns.holes[place] = Some(param);
    }
    columns
}

/// The parts of a class that have the same constant in the column with the fewest different ones.
fn split(class: Class, columns: &Columns) -> Vec<Class> {
    let different = |column: &Vec<Const>| column.iter().collect::<HashSet<_>>().len();
    let Some(column) = columns.args.iter().min_by_key(|column| different(column)) else { return Vec::new() };
    let mut parts: HashMap<Const, Vec<Candidate>> = HashMap::new();
    for (member, c) in class.members.into_iter().zip(column) {
        parts.entry(*c).or_default().push(member);
    }
    let mut parts: Vec<_> = parts.into_iter().filter(|(_, members)| members.len() > 1).collect();
    parts.sort_unstable_by_key(|(c, _)| *c);
    parts.into_iter().map(|(_, members)| Class { members, splits: class.splits + 1 }).collect()
}

/// The body of a group: that of its first member, with parameters for constants. The new parameters are the last ones, so locals
/// move; calls of itself pass them on.
fn shared_body(module: &Module, plan: &Plan, group: &Group, shared: FuncId) -> Result<Vec<u8>, Error> {
    let first = group.members[0].func;
    let (bytes, offset) = module.body(first);
    let params = module.func_type(first).params.len() as u32;
    let added = group.types.len() as u32;
    let moved = |local: u32| if local < params { local } else { local + added };
    let is_own = |index: u32| resolve(plan, FuncId::from_u32(index)) == first;
    let mut holes = group.holes.iter();
    let mut replace = |op: &Operator<'_>, out: &mut Function| {
        let pass_on = |out: &mut Function| {
            (params..params + added).for_each(|p| {
                out.instruction(&Instruction::LocalGet(p));
            });
        };
        match *op {
            Operator::LocalGet { local_index } => out.instruction(&Instruction::LocalGet(moved(local_index))),
            Operator::LocalSet { local_index } => out.instruction(&Instruction::LocalSet(moved(local_index))),
            Operator::LocalTee { local_index } => out.instruction(&Instruction::LocalTee(moved(local_index))),
            Operator::Call { function_index } if is_own(function_index) => {
                pass_on(out);
                out.instruction(&Instruction::Call(shared.as_u32()))
            }
            Operator::ReturnCall { function_index } if is_own(function_index) => {
                pass_on(out);
                out.instruction(&Instruction::ReturnCall(shared.as_u32()))
            }
            _ => {
                let hole = constant(op).and_then(|_| *holes.next()?);
                return hole.is_some_and(|n| {
                    out.instruction(&Instruction::LocalGet(params + n));
                    true
                });
            }
        };
        true
    };
    rewrite_body(bytes, offset, &mut replace, &mut Entity::index)
}

/// Parameters, constants, one call.
fn forwarder(params: u32, args: &[Const], shared: FuncId) -> Vec<u8> {
    let mut out = Function::new([]);
    (0..params).for_each(|p| {
        out.instruction(&Instruction::LocalGet(p));
    });
    args.iter().for_each(|&c| push_constant(c, &mut out));
    out.instructions().call(shared.as_u32()).end();
    out.into_raw_body()
}

/// Adds the shared functions, and lets their members forward to them or be called with the constants.
fn apply(
    module: &mut Module,
    plan: &mut Plan,
    outlines: &[Outline],
    groups: Vec<Group>,
) -> Result<(), Error> {
    let mut replaced: HashMap<FuncId, (FuncId, Vec<Const>)> = HashMap::new();
    // The bodies that are written in the end, with the functions that they name.
    let mut bodies: HashMap<FuncId, FuncId> = outlines.iter().map(|o| (o.func, o.func)).collect();
    for group in groups {
        let first = group.members[0].func;
        let signature = module.func_type(first).clone();
        let params = [&signature.params[..], &group.types].concat();
        let ty: TypeId = module.intern_func_type(&params, &signature.results);
        plan.types[ty] = Fate::Keep;
        let shared = FuncId::new(module.funcs.len());
        let body = shared_body(module, plan, &group, shared)?;
        module.add_func(ty, body);
        bodies.insert(first, shared);
        for member in group.members {
            if member.func != first {
                bodies.remove(&member.func);
            }
            if member.stays {
                let body = forwarder(signature.params.len() as u32, &member.args, shared);
                module.funcs[member.func].body = Some(Body::Encoded(body));
            } else {
                plan.funcs[member.func] = Fate::Remove;
                replaced.insert(member.func, (shared, member.args));
            }
        }
    }
    let callers: Vec<FuncId> = outlines
        .iter()
        .filter(|o| o.named.iter().any(|f| replaced.contains_key(f)))
        .filter_map(|o| bodies.get(&o.func).copied())
        .collect();
    let (module_ref, plan_ref) = (&*module, &*plan);
    let rewritten: Vec<(FuncId, Vec<u8>)> = callers
        .into_par_iter()
        .map(|f| Ok((f, with_calls(module_ref, plan_ref, f, &replaced)?)))
        .collect::<Result<_, Error>>()?;
    for (func, body) in rewritten {
        module.funcs[func].body = Some(Body::Encoded(body));
    }
    Ok(())
}

/// A body whose calls of replaced functions pass the constants.
fn with_calls(
    module: &Module,
    plan: &Plan,
    func: FuncId,
    replaced: &HashMap<FuncId, (FuncId, Vec<Const>)>,
) -> Result<Vec<u8>, Error> {
    let (bytes, offset) = module.body(func);
    let target = |index: u32| replaced.get(&resolve(plan, FuncId::from_u32(index)));
    let mut replace = |op: &Operator<'_>, out: &mut Function| {
        let (Operator::Call { function_index } | Operator::ReturnCall { function_index }) = *op else {
            return false;
        };
        let Some((shared, args)) = target(function_index) else { return false };
        args.iter().for_each(|&c| push_constant(c, out));
        match op {
            Operator::Call { .. } => out.instruction(&Instruction::Call(shared.as_u32())),
            _ => out.instruction(&Instruction::ReturnCall(shared.as_u32())),
        };
        true
    };
    rewrite_body(bytes, offset, &mut replace, &mut Entity::index)
}
