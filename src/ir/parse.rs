//! Parser of the text form that [`super::print`] writes. `docs/ir.md` has the grammar.
//!
//! It checks that the text is a graph: numbers are defined once, what is used is defined, immediates have the shape that the
//! op table names. Whether the graph makes sense is the verifier's business. The grammar is flat, so nothing recurses;
//! memory is bounded by a multiple of the text's length.

use super::entity::*;
use super::function::*;
use super::ops::{Imm, ImmKind, MemArg, Op};
use super::types::{AbstractHeap, HeapType, RefType, Type};
use crate::error::Error;
use cranelift_entity::{EntityList, EntityRef, ListPool, PrimaryMap};
use hashbrown::HashMap;

/// Numbers of values and blocks may have gaps (dead ones are not printed), but not larger ones than this times the
/// length of the text plus [`GAP_BASE`]: a short text must not ask for much memory.
const GAP_FACTOR: usize = 4;
/// See [`GAP_FACTOR`].
const GAP_BASE: usize = 4096;

/// A function read from text.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The graph.
    pub function: Function,
    /// The quoted name, if the text had one.
    pub name: Option<String>,
}

/// Reads one function.
///
/// # Errors
/// With line and column.
pub fn function(text: &str) -> Result<Function, Error> {
    let mut p = Parser::new(text)?;
    let parsed = p.function()?;
    match p.token {
        Token::End => Ok(parsed.function),
        _ => Err(p.unexpected("the end of the text")),
    }
}

/// Reads any number of functions.
///
/// # Errors
/// With line and column.
pub fn functions(text: &str) -> Result<Vec<Parsed>, Error> {
    let mut p = Parser::new(text)?;
    let mut list = Vec::new();
    while !matches!(p.token, Token::End) {
        list.push(p.function()?);
    }
    Ok(list)
}

#[derive(Clone, Debug, PartialEq)]
enum Token<'a> {
    /// Name, keyword, number or entity.
    Word(&'a str),
    Quoted(String),
    Arrow,
    Punct(char),
    End,
}

struct Parser<'a> {
    text: &'a str,
    /// Byte offset after `token`.
    at: usize,
    /// The next token, not consumed yet.
    token: Token<'a>,
    /// Where `token` starts.
    start: usize,
    /// Line of `token`, from 0.
    line: u32,
}

/// Parts of a function while it is read: maps first, since numbers come in any order.
struct Builder {
    /// Where the function starts in the text.
    start: usize,
    values: HashMap<u32, ValueData>,
    blocks: HashMap<u32, BlockData>,
    insts: PrimaryMap<Inst, InstData>,
    layout: Vec<Block>,
    pool: ListPool<Value>,
    /// Every use of a value with its place.
    uses: Vec<(Value, usize)>,
    /// Every edge's target with its place.
    targets: Vec<(Block, usize)>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Self, Error> {
        let mut p = Parser { text, at: 0, token: Token::End, start: 0, line: 0 };
        p.advance()?;
        Ok(p)
    }

    // ---- tokens ----

    /// Reads the next token into `self.token`.
    fn advance(&mut self) -> Result<(), Error> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b'\n') => {
                    self.line += 1;
                    self.at += 1;
                }
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b';') => {
                    self.at = self.text[self.at..].find('\n').map_or(bytes.len(), |n| self.at + n);
                }
                _ => break,
            }
        }
        self.start = self.at;
        let word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.');
        self.token = match bytes.get(self.at) {
            None => Token::End,
            Some(b'"') => return self.quoted(),
            Some(b'-') if bytes.get(self.at + 1) == Some(&b'>') => {
                self.at += 2;
                Token::Arrow
            }
            Some(b) if word(b) || *b == b'-' => {
                self.at += 1;
                while bytes.get(self.at).is_some_and(word) {
                    self.at += 1;
                }
                Token::Word(&self.text[self.start..self.at])
            }
            Some(b @ (b'(' | b')' | b'{' | b'}' | b'[' | b']' | b',' | b':' | b'=' | b'@')) => {
                self.at += 1;
                Token::Punct(*b as char)
            }
            Some(_) => return Err(self.error("unexpected character")),
        };
        Ok(())
    }

    /// Reads a quoted name that starts at `self.at`.
    fn quoted(&mut self) -> Result<(), Error> {
        let mut s = String::new();
        let mut chars = self.text[self.at + 1..].char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += i + 2;
                    self.token = Token::Quoted(s);
                    return Ok(());
                }
                '\\' => match chars.next() {
                    Some((_, c @ ('"' | '\\'))) => s.push(c),
                    Some((_, 'u')) => {
                        let rest = chars.as_str();
                        let end = rest.find('}').filter(|_| rest.starts_with('{'));
                        let code = end.and_then(|e| u32::from_str_radix(&rest[1..e], 16).ok());
                        match (code.and_then(char::from_u32), end) {
                            (Some(c), Some(end)) => {
                                s.push(c);
                                chars.nth(end);
                            }
                            _ => return Err(self.error("malformed \\u{…} in a name")),
                        }
                    }
                    _ => return Err(self.error("unknown escape in a name")),
                },
                c if c.is_control() => return Err(self.error("control character in a name")),
                c => s.push(c),
            }
        }
        Err(self.error("name without closing quote"))
    }

    /// An error at a byte offset.
    fn error_at(&self, offset: usize, message: impl Into<String>) -> Error {
        let before = &self.text[..offset];
        let line = before.bytes().filter(|&b| b == b'\n').count() as u32 + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) as u32 + 1;
        Error::at_line(line, column, message)
    }

    /// An error at the next token.
    fn error(&self, message: impl Into<String>) -> Error {
        self.error_at(self.start, message)
    }

    fn unexpected(&self, wanted: &str) -> Error {
        let found = match &self.token {
            Token::Word(w) => format!("`{w}`"),
            Token::Quoted(_) => "a quoted name".to_string(),
            Token::Arrow => "`->`".to_string(),
            Token::Punct(c) => format!("`{c}`"),
            Token::End => "the end of the text".to_string(),
        };
        self.error(format!("expected {wanted}, found {found}"))
    }

    fn is(&self, c: char) -> bool {
        self.token == Token::Punct(c)
    }

    fn accept(&mut self, c: char) -> Result<bool, Error> {
        let is = self.is(c);
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    fn expect(&mut self, c: char) -> Result<(), Error> {
        if self.accept(c)? { Ok(()) } else { Err(self.unexpected(&format!("`{c}`"))) }
    }

    fn accept_word(&mut self, word: &str) -> Result<bool, Error> {
        let is = self.token == Token::Word(word);
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    fn expect_word(&mut self, word: &str) -> Result<(), Error> {
        if self.accept_word(word)? { Ok(()) } else { Err(self.unexpected(&format!("`{word}`"))) }
    }

    /// The number of an entity token with that prefix.
    fn peek_entity(&self, prefix: &str) -> Option<u32> {
        match self.token {
            Token::Word(w) => entity_number(w, prefix),
            _ => None,
        }
    }

    fn entity<T: EntityRef>(&mut self, prefix: &str) -> Result<T, Error> {
        match self.peek_entity(prefix) {
            Some(n) => {
                self.advance()?;
                Ok(T::new(n as usize))
            }
            None => Err(self.unexpected(&format!("`{prefix}` with a number"))),
        }
    }

    /// An integer of that many bits, signed or unsigned, decimal or hexadecimal, as its bits.
    fn int(&mut self, bits: u32) -> Result<u128, Error> {
        let Token::Word(w) = self.token else { return Err(self.unexpected("a number")) };
        let (negative, digits) = w.strip_prefix('-').map_or((false, w), |d| (true, d));
        let magnitude = match digits.strip_prefix("0x") {
            Some(hex) => parse_digits(hex, 16),
            None => parse_digits(digits, 10),
        };
        let Some(magnitude) = magnitude else { return Err(self.unexpected("a number")) };
        let mask = u128::MAX >> (128 - bits);
        let max = if negative { 1 << (bits - 1) } else { mask };
        if magnitude > max {
            return Err(self.error(format!("number does not fit into {bits} bits")));
        }
        self.advance()?;
        Ok(if negative { magnitude.wrapping_neg() & mask } else { magnitude })
    }

    /// `key=number`, already seen to start with `key`.
    fn key(&mut self, key: &str, bits: u32) -> Result<u128, Error> {
        self.expect_word(key)?;
        self.expect('=')?;
        self.int(bits)
    }

    // ---- types ----

    fn heap(&mut self) -> Result<HeapType, Error> {
        if self.peek_entity("type").is_some() {
            return Ok(HeapType::Concrete(self.entity("type")?));
        }
        let found = match self.token {
            Token::Word(w) => AbstractHeap::NAMES.iter().find(|(_, name)| *name == w),
            _ => None,
        };
        match found {
            Some(&(heap, _)) => {
                self.advance()?;
                Ok(HeapType::Abstract(heap))
            }
            None => Err(self.unexpected("a heap type")),
        }
    }

    fn ref_type(&mut self) -> Result<RefType, Error> {
        self.expect('(')?;
        self.expect_word("ref")?;
        let nullable = self.accept_word("null")?;
        let heap = self.heap()?;
        self.expect(')')?;
        Ok(RefType { nullable, heap })
    }

    fn ty(&mut self) -> Result<Type, Error> {
        if self.is('(') {
            return Ok(Type::Ref(self.ref_type()?));
        }
        let ty = match self.token {
            Token::Word("i32") => Type::I32,
            Token::Word("i64") => Type::I64,
            Token::Word("f32") => Type::F32,
            Token::Word("f64") => Type::F64,
            Token::Word("v128") => Type::V128,
            _ => return Err(self.unexpected("a type")),
        };
        self.advance()?;
        Ok(ty)
    }

    fn types(&mut self) -> Result<Vec<Type>, Error> {
        self.expect('(')?;
        let mut list = Vec::new();
        if !self.is(')') {
            list.push(self.ty()?);
            while self.accept(',')? {
                list.push(self.ty()?);
            }
        }
        self.expect(')')?;
        Ok(list)
    }

    // ---- functions and blocks ----

    fn function(&mut self) -> Result<Parsed, Error> {
        let mut b = Builder {
            start: self.start,
            values: HashMap::new(),
            blocks: HashMap::new(),
            insts: PrimaryMap::new(),
            layout: Vec::new(),
            pool: ListPool::new(),
            uses: Vec::new(),
            targets: Vec::new(),
        };
        self.expect_word("function")?;
        let id = self.entity("func")?;
        let name = match &mut self.token {
            Token::Quoted(s) => {
                let name = std::mem::take(s);
                self.advance()?;
                Some(name)
            }
            _ => None,
        };
        let params = self.types()?;
        if self.token != Token::Arrow {
            return Err(self.unexpected("`->`"));
        }
        self.advance()?;
        let results = self.types()?;
        self.expect('{')?;
        while !self.is('}') {
            self.block(&mut b)?;
        }
        let end = self.at;
        let function = self.finish(b, id, params, results, end)?;
        self.advance()?;
        Ok(Parsed { function, name })
    }

    /// Everything defined? Then the maps become dense, with gaps filled by dead values and blocks.
    fn finish(
        &self,
        mut b: Builder,
        id: FuncId,
        params: Vec<Type>,
        results: Vec<Type>,
        end: usize,
    ) -> Result<Function, Error> {
        let Some(&entry) = b.layout.first() else { return Err(self.error("function without blocks")) };
        if let Some(&(v, place)) = b.uses.iter().find(|(v, _)| !b.values.contains_key(&v.as_u32())) {
            return Err(self.error_at(place, format!("{v} is used but not defined")));
        }
        if let Some(&(t, place)) = b.targets.iter().find(|(t, _)| !b.blocks.contains_key(&t.as_u32())) {
            return Err(self.error_at(place, format!("there is no {t}")));
        }
        let limit = (end - b.start).saturating_mul(GAP_FACTOR).saturating_add(GAP_BASE);
        let count = |max: Option<&u32>| max.map_or(0, |&n| n as usize + 1);
        let (values, blocks) = (count(b.values.keys().max()), count(b.blocks.keys().max()));
        if values.max(blocks) > limit {
            return Err(self.error("numbers of values or blocks are too large for the length of the text"));
        }

        let hole = b.insts.next_key();
        let mut holes = Vec::new();
        let mut dense_values = PrimaryMap::with_capacity(values);
        for n in 0..values as u32 {
            let data = b.values.remove(&n).unwrap_or_else(|| {
                holes.push(Value::from_u32(n));
                let def = ValueDef::Result(hole, holes.len() as u32 - 1);
                ValueData { ty: Type::I32, def, hint: None }
            });
            dense_values.push(data);
        }
        if !holes.is_empty() {
            let results = EntityList::from_slice(&holes, &mut b.pool);
            b.insts.push(InstData { op: Op::I32Const, imm: Imm::I32(0), args: EntityList::new(), results });
        }
        let mut dense_blocks = PrimaryMap::with_capacity(blocks);
        for n in 0..blocks as u32 {
            dense_blocks.push(b.blocks.remove(&n).unwrap_or(BlockData {
                params: EntityList::new(),
                insts: Vec::new(),
                term: None,
            }));
        }
        Ok(Function {
            id,
            params,
            results,
            values: dense_values,
            insts: b.insts,
            blocks: dense_blocks,
            entry,
            layout: b.layout,
            pool: b.pool,
            origins: Vec::new(),
        })
    }

    fn block(&mut self, b: &mut Builder) -> Result<(), Error> {
        let place = self.start;
        let block: Block = self.entity("b")?;
        if b.blocks.contains_key(&block.as_u32()) {
            return Err(self.error_at(place, format!("{block} is there twice")));
        }
        self.expect('(')?;
        let mut params = Vec::new();
        while !self.is(')') {
            if !params.is_empty() {
                self.expect(',')?;
            }
            let def = ValueDef::Param(block, params.len() as u32);
            params.push(self.definition(b, def)?);
        }
        self.expect(')')?;
        self.expect(':')?;
        let params = EntityList::from_slice(&params, &mut b.pool);
        let mut insts = Vec::new();
        let term = loop {
            match self.statement(b)? {
                Statement::Inst(inst) => insts.push(inst),
                Statement::End(term) => break term,
            }
        };
        b.blocks.insert(block.as_u32(), BlockData { params, insts, term });
        b.layout.push(block);
        Ok(())
    }

    /// `v3: i32 @2`
    fn definition(&mut self, b: &mut Builder, def: ValueDef) -> Result<Value, Error> {
        let place = self.start;
        let v: Value = self.entity("v")?;
        self.expect(':')?;
        let ty = self.ty()?;
        let hint = if self.accept('@')? { Some(self.int(32)? as u32) } else { None };
        if b.values.insert(v.as_u32(), ValueData { ty, def, hint }).is_some() {
            return Err(self.error_at(place, format!("{v} is defined twice")));
        }
        Ok(v)
    }

    fn statement(&mut self, b: &mut Builder) -> Result<Statement, Error> {
        let inst = b.insts.next_key();
        let mut results = Vec::new();
        if self.peek_entity("v").is_some() {
            loop {
                let def = ValueDef::Result(inst, results.len() as u32);
                results.push(self.definition(b, def)?);
                if !self.accept(',')? {
                    break;
                }
            }
            self.expect('=')?;
        } else if let Some(term) = self.terminator(b)? {
            return Ok(Statement::End(term));
        }
        let line = self.line;
        let op = self.op()?;
        let imm = self.imm(op)?;
        let args = if self.line == line && self.peek_entity("v").is_some() {
            self.value_list(b)?
        } else {
            EntityList::new()
        };
        let results = EntityList::from_slice(&results, &mut b.pool);
        b.insts.push(InstData { op, imm, args, results });
        Ok(Statement::Inst(inst))
    }

    fn op(&mut self) -> Result<Op, Error> {
        let found = match self.token {
            Token::Word(w) => Op::from_name(w),
            _ => None,
        };
        let Some(op) = found else { return Err(self.unexpected("an instruction")) };
        self.advance()?;
        Ok(op)
    }

    fn value(&mut self, b: &mut Builder) -> Result<Value, Error> {
        let place = self.start;
        let v = self.entity("v")?;
        b.uses.push((v, place));
        Ok(v)
    }

    /// One value or more, separated by commas.
    fn value_list(&mut self, b: &mut Builder) -> Result<EntityList<Value>, Error> {
        let mut list = vec![self.value(b)?];
        while self.accept(',')? {
            list.push(self.value(b)?);
        }
        Ok(EntityList::from_slice(&list, &mut b.pool))
    }

    /// Values in parentheses, possibly none.
    fn value_tuple(&mut self, b: &mut Builder) -> Result<EntityList<Value>, Error> {
        self.expect('(')?;
        let list = if self.is(')') { EntityList::new() } else { self.value_list(b)? };
        self.expect(')')?;
        Ok(list)
    }

    fn edge(&mut self, b: &mut Builder) -> Result<Edge, Error> {
        let place = self.start;
        let block = self.entity("b")?;
        b.targets.push((block, place));
        Ok(Edge { block, args: self.value_tuple(b)? })
    }

    fn handlers(&mut self, b: &mut Builder) -> Result<Vec<Handler>, Error> {
        let mut list = Vec::new();
        loop {
            let kind = match self.token {
                Token::Word("catch") => {
                    self.advance()?;
                    CatchKind::One(self.entity("tag")?)
                }
                Token::Word("catch_ref") => {
                    self.advance()?;
                    CatchKind::OneRef(self.entity("tag")?)
                }
                Token::Word("catch_all") => {
                    self.advance()?;
                    CatchKind::All
                }
                Token::Word("catch_all_ref") => {
                    self.advance()?;
                    CatchKind::AllRef
                }
                _ => return Ok(list),
            };
            list.push(Handler { kind, edge: self.edge(b)? });
        }
    }

    /// A terminator, if one starts here; the inner `None` is an unfinished block's.
    fn terminator(&mut self, b: &mut Builder) -> Result<Option<Option<Terminator>>, Error> {
        let Token::Word(keyword) = self.token else { return Err(self.unexpected("an instruction")) };
        if !TERMINATORS.contains(&keyword) {
            if self.peek_entity("b").is_some() {
                return Err(self.error("block without terminator"));
            }
            return Ok(None);
        }
        let line = self.line;
        self.advance()?;
        Ok(Some(Some(match keyword {
            "br" => Terminator::Jump(self.edge(b)?),
            "br_if" => {
                let cond = self.value(b)?;
                let (then, els) = self.two_edges(b)?;
                Terminator::Branch { cond, then, els }
            }
            "br_table" => {
                let index = self.value(b)?;
                self.expect('[')?;
                let mut targets = Vec::new();
                while !self.is(']') {
                    if !targets.is_empty() {
                        self.expect(',')?;
                    }
                    targets.push(self.edge(b)?);
                }
                self.expect(']')?;
                self.expect_word("default")?;
                Terminator::Table { index, targets, default: self.edge(b)? }
            }
            "return" if self.line == line && self.peek_entity("v").is_some() => {
                Terminator::Return(self.value_list(b)?)
            }
            "return" => Terminator::Return(EntityList::new()),
            "unreachable" => Terminator::Unreachable,
            "return_call" => {
                let callee = TailCallee::Direct(self.entity("func")?);
                Terminator::TailCall { callee, args: self.value_tuple(b)? }
            }
            "return_call_indirect" => {
                let ty = self.entity("type")?;
                let callee = TailCallee::Indirect(ty, self.entity("table")?);
                Terminator::TailCall { callee, args: self.value_tuple(b)? }
            }
            "return_call_ref" => {
                let callee = TailCallee::Ref(self.entity("type")?);
                Terminator::TailCall { callee, args: self.value_tuple(b)? }
            }
            "br_on_null" => self.br_on(b, BrOnKind::Null)?,
            "br_on_non_null" => self.br_on(b, BrOnKind::NonNull)?,
            "br_on_cast" => {
                let from = self.ref_type()?;
                let to = self.ref_type()?;
                self.br_on(b, BrOnKind::Cast(from, to))?
            }
            "br_on_cast_fail" => {
                let from = self.ref_type()?;
                let to = self.ref_type()?;
                self.br_on(b, BrOnKind::CastFail(from, to))?
            }
            "invoke" => {
                let op = self.op()?;
                let imm = self.imm(op)?;
                let args = self.value_tuple(b)?;
                self.expect_word("normal")?;
                let normal = self.edge(b)?;
                Terminator::Invoke { op, imm, args, normal, handlers: self.handlers(b)? }
            }
            "throw" => {
                let tag = self.entity("tag")?;
                let args = self.value_tuple(b)?;
                Terminator::Throw { tag, args, handlers: self.handlers(b)? }
            }
            "throw_ref" => {
                let arg = self.value(b)?;
                Terminator::ThrowRef { arg, handlers: self.handlers(b)? }
            }
            _ => return Ok(Some(None)),
        })))
    }

    fn br_on(&mut self, b: &mut Builder, kind: BrOnKind) -> Result<Terminator, Error> {
        let arg = self.value(b)?;
        let (taken, els) = self.two_edges(b)?;
        Ok(Terminator::BrOn { kind, arg, taken, els })
    }

    /// `, b1(), b2()`
    fn two_edges(&mut self, b: &mut Builder) -> Result<(Edge, Edge), Error> {
        self.expect(',')?;
        let first = self.edge(b)?;
        self.expect(',')?;
        Ok((first, self.edge(b)?))
    }

    // ---- immediates ----

    fn memarg(&mut self, op: Op) -> Result<MemArg, Error> {
        let memory = self.entity("mem")?;
        let mut arg = MemArg { memory, offset: 0, align: op.natural_align() };
        if self.token == Token::Word("offset") {
            arg.offset = self.key("offset", 64)? as u64;
        }
        if self.token == Token::Word("align") {
            arg.align = self.key("align", 8)? as u8;
        }
        Ok(arg)
    }

    fn shuffle(&mut self) -> Result<[u8; 16], Error> {
        let mut lanes = [0; 16];
        self.expect('[')?;
        for (i, lane) in lanes.iter_mut().enumerate() {
            if i > 0 {
                self.expect(',')?;
            }
            *lane = self.int(8)? as u8;
        }
        self.expect(']')?;
        Ok(lanes)
    }

    /// The immediate that the op table names.
    fn imm(&mut self, op: Op) -> Result<Imm, Error> {
        Ok(match op.info().imm {
            ImmKind::None => Imm::None,
            ImmKind::Fence => Imm::Fence,
            ImmKind::I32 => Imm::I32(self.int(32)? as u32 as i32),
            ImmKind::I64 => Imm::I64(self.int(64)? as u64 as i64),
            ImmKind::F32 => Imm::F32(self.int(32)? as u32),
            ImmKind::F64 => Imm::F64(self.int(64)? as u64),
            ImmKind::V128 => Imm::V128(self.int(128)?),
            ImmKind::Mem => Imm::Mem(self.memarg(op)?),
            ImmKind::MemLane => {
                let mem = self.memarg(op)?;
                Imm::MemLane(mem, self.key("lane", 8)? as u8)
            }
            ImmKind::Lane => Imm::Lane(self.key("lane", 8)? as u8),
            ImmKind::Shuffle => Imm::Shuffle(self.shuffle()?),
            ImmKind::Memory => Imm::Memory(self.entity("mem")?),
            ImmKind::MemCopy => Imm::MemCopy { dst: self.entity("mem")?, src: self.entity("mem")? },
            ImmKind::MemInit => Imm::MemInit { memory: self.entity("mem")?, data: self.entity("data")? },
            ImmKind::Data => Imm::Data(self.entity("data")?),
            ImmKind::Table => Imm::Table(self.entity("table")?),
            ImmKind::TableCopy => Imm::TableCopy { dst: self.entity("table")?, src: self.entity("table")? },
            ImmKind::TableInit => Imm::TableInit { table: self.entity("table")?, elem: self.entity("elem")? },
            ImmKind::Elem => Imm::Elem(self.entity("elem")?),
            ImmKind::Func => Imm::Func(self.entity("func")?),
            ImmKind::Global => Imm::Global(self.entity("global")?),
            ImmKind::CallIndirect => {
                Imm::CallIndirect { ty: self.entity("type")?, table: self.entity("table")? }
            }
            ImmKind::Type => Imm::Type(self.entity("type")?),
            ImmKind::Field => Imm::Field { ty: self.entity("type")?, field: self.key("field", 32)? as u32 },
            ImmKind::ArrayFixed => {
                Imm::ArrayFixed { ty: self.entity("type")?, len: self.key("len", 32)? as u32 }
            }
            ImmKind::ArrayData => Imm::ArrayData { ty: self.entity("type")?, data: self.entity("data")? },
            ImmKind::ArrayElem => Imm::ArrayElem { ty: self.entity("type")?, elem: self.entity("elem")? },
            ImmKind::ArrayCopy => Imm::ArrayCopy { dst: self.entity("type")?, src: self.entity("type")? },
            ImmKind::Heap => Imm::Heap(self.heap()?),
        })
    }
}

enum Statement {
    Inst(Inst),
    /// End of the block; `None` for an unfinished one.
    End(Option<Terminator>),
}

/// First words of terminators; `unfinished` stands for the missing one of a block under construction.
const TERMINATORS: [&str; 16] = [
    "br",
    "br_if",
    "br_table",
    "return",
    "unreachable",
    "return_call",
    "return_call_indirect",
    "return_call_ref",
    "br_on_null",
    "br_on_non_null",
    "br_on_cast",
    "br_on_cast_fail",
    "invoke",
    "throw",
    "throw_ref",
    "unfinished",
];

/// `prefix` and decimal digits below `u32::MAX` (which entities reserve).
fn entity_number(word: &str, prefix: &str) -> Option<u32> {
    let digits = word.strip_prefix(prefix)?;
    parse_digits(digits, 10).filter(|&n| n < u32::MAX as u128).map(|n| n as u32)
}

/// Digits only: no sign, no underscore, at least one.
fn parse_digits(digits: &str, radix: u32) -> Option<u128> {
    if !digits.bytes().all(|b| (b as char).is_digit(radix)) {
        return None;
    }
    u128::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests;
