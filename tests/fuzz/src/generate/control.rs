//! Control flow: conditionals, blocks, counted loops, branches that carry values, calls of every kind, tables.

use super::body::{Body, Label, Role};
use super::{SCALARS, scalar};
use wasm_encoder::{BlockType, Instruction as I, ValType};

impl Body<'_> {
    fn result_types(&mut self) -> Vec<ValType> {
        let n = [0, 0, 0, 1, 1, 2, 3][self.rng.below(7)];
        (0..n).map(|_| scalar(self.rng)).collect()
    }

    /// Statements, then a value for each type.
    fn region(&mut self, types: &[ValType], depth: u32) {
        for _ in 0..self.rng.range(1, 3) {
            self.statement(depth);
        }
        for ty in types {
            self.exact(*ty, depth.min(2));
        }
    }

    /// Consumes values of the types from the stack, last first.
    fn sink(&mut self, types: &[ValType]) {
        for ty in types.iter().rev() {
            match self.local(*ty, Role::Plain) {
                Some(x) if self.rng.percent(80) => self.emit(I::LocalSet(x)),
                _ => self.emit(I::Drop),
            }
        }
    }

    /// `if` with or without `else`, results into locals.
    pub fn if_else(&mut self, depth: u32) {
        let types = self.result_types();
        self.exact(ValType::I32, depth.min(3));
        let block = self.block_type(&types);
        self.emit(I::If(block));
        self.labels.push(Label { types: types.clone(), counter: None });
        self.region(&types, depth);
        if !types.is_empty() || self.rng.percent(60) {
            self.emit(I::Else);
            self.region(&types, depth);
        }
        self.labels.pop();
        self.emit(I::End);
        self.sink(&types);
    }

    /// `block`, sometimes with parameters, results into locals.
    pub fn block(&mut self, depth: u32) {
        let types = self.result_types();
        if self.rng.percent(25) {
            // With parameters: they are consumed first thing inside.
            let params: Vec<ValType> = (0..self.rng.range(1, 2)).map(|_| scalar(self.rng)).collect();
            for ty in &params {
                self.exact(*ty, depth.min(2));
            }
            let index = self.types.index(&params, &types);
            self.emit(I::Block(BlockType::FunctionType(index)));
            self.labels.push(Label { types: types.clone(), counter: None });
            self.sink(&params);
        } else {
            let block = self.block_type(&types);
            self.emit(I::Block(block));
            self.labels.push(Label { types: types.clone(), counter: None });
        }
        self.region(&types, depth);
        self.labels.pop();
        self.emit(I::End);
        self.sink(&types);
    }

    /// A loop that runs at most a few times; sometimes with loop parameters.
    pub fn counted_loop(&mut self, depth: u32) {
        let counter = self.new_local(ValType::I32, Role::Counter);
        // A short outermost one now and then runs as often as those that are unrolled.
        let (times, depth, statements) = if self.loops == 0 && self.rng.percent(30) {
            (self.rng.range(8, 11) as i32, depth.min(1), 1)
        } else {
            (self.rng.range(0, 6) as i32, depth, 3)
        };
        self.emit_all([I::I32Const(times), I::LocalSet(counter)]);
        let params: Vec<ValType> = if self.rng.percent(30) {
            (0..self.rng.range(1, 2)).map(|_| scalar(self.rng)).collect()
        } else {
            vec![]
        };
        let results = if self.rng.percent(30) { self.result_types() } else { vec![] };
        for ty in &params {
            self.exact(*ty, depth.min(2));
        }
        let block = if params.is_empty() {
            self.block_type(&results)
        } else {
            BlockType::FunctionType(self.types.index(&params, &results))
        };
        self.loops += 1;
        self.emit(I::Loop(block));
        self.labels.push(Label { types: params.clone(), counter: Some(counter) });
        self.sink(&params);
        for _ in 0..self.rng.range(1, statements) {
            self.statement(depth);
        }
        if self.rng.percent(90) {
            for ty in &params {
                self.exact(*ty, depth.min(1));
            }
            self.step(counter);
            self.emit(I::BrIf(0));
            for _ in &params {
                self.emit(I::Drop);
            }
        }
        for ty in &results {
            self.exact(*ty, depth.min(2));
        }
        self.labels.pop();
        self.loops -= 1;
        self.emit(I::End);
        self.sink(&results);
    }

    /// Pushes whether the loop may go on, and counts down.
    fn step(&mut self, counter: u32) {
        self.emit_all([I::LocalGet(counter), I::I32Const(1), I::I32Sub, I::LocalTee(counter)]);
        self.emit_all([I::I32Const(0), I::I32GtS]);
    }

    fn values(&mut self, types: &[ValType], depth: u32) {
        for ty in types {
            self.exact(*ty, depth.min(2));
        }
    }

    /// `br_if` or `br` to a random label.
    pub fn branch(&mut self, depth: u32) {
        let to = self.rng.below(self.labels.len());
        let label = self.labels[self.labels.len() - 1 - to].clone();
        let to = to as u32;
        self.values(&label.types, depth);
        if let Some(counter) = label.counter {
            self.step(counter);
            if self.rng.percent(50) {
                self.exact(ValType::I32, depth.min(2));
                self.emit(I::I32And);
            }
            self.emit(I::BrIf(to));
        } else if self.rng.percent(25) && !self.code.is_empty() {
            self.exact(ValType::I32, depth.min(2));
            self.open_if();
            // Values do not reach into the `if`: make them again inside.
            self.values(&label.types, depth.min(1));
            self.emit(I::Br(to + 1));
            self.close();
        } else if self.rng.percent(6) {
            // The rest of the block is unreachable; what follows still types.
            self.emit(I::Br(to));
            self.values(&label.types, 0);
        } else {
            self.exact(ValType::I32, depth.min(3));
            self.emit(I::BrIf(to));
        }
        self.sink(&label.types);
    }

    fn open_if(&mut self) {
        self.emit(I::If(BlockType::Empty));
        self.labels.push(Label { types: vec![], counter: None });
    }

    fn close(&mut self) {
        self.labels.pop();
        self.emit(I::End);
    }

    /// `br_table` among labels of one type; a loop among them is only taken while its counter allows.
    pub fn branch_table(&mut self, depth: u32) {
        let n = self.labels.len();
        let exits: Vec<usize> = (0..n).filter(|d| self.labels[n - 1 - d].counter.is_none()).collect();
        if exits.is_empty() {
            return;
        }
        let default = exits[self.rng.below(exits.len())];
        let types = self.labels[n - 1 - default].types.clone();
        let mut targets: Vec<u32> = Vec::new();
        let mut counter = None;
        for _ in 0..self.rng.range(0, 5) {
            let d = self.rng.below(n);
            let label = &self.labels[n - 1 - d];
            if label.types != types {
                continue;
            }
            if let Some(c) = label.counter {
                if counter.is_some_and(|known| known != c) {
                    continue;
                }
                counter = Some(c);
            }
            targets.push(d as u32);
        }
        // Conditional, so that what follows stays reachable.
        self.exact(ValType::I32, depth.min(2));
        self.open_if();
        self.values(&types, depth.min(2));
        self.exact(ValType::I32, depth.min(2));
        if self.rng.percent(70) {
            self.emit_all([I::I32Const(7), I::I32And]);
        }
        if let Some(c) = counter {
            self.emit(I::I32Const(-1));
            self.step(c);
            self.emit(I::Select);
        }
        let targets: Vec<u32> = targets.into_iter().map(|t| t + 1).collect();
        self.emit(I::BrTable(targets.into(), default as u32 + 1));
        self.close();
    }

    /// Return, trap or tail call under a condition.
    pub fn leave(&mut self, depth: u32) {
        self.exact(ValType::I32, depth.min(3));
        if self.rng.percent(70) {
            // Mostly not taken.
            self.emit_all([I::I32Const(13), I::I32Eq]);
        }
        self.open_if();
        let results = self.shape.functions[self.me].results.clone();
        match self.rng.below(4) {
            0 => self.emit(I::Unreachable),
            1 if self.tail_call(&results) => {}
            _ => {
                self.values(&results, depth);
                self.emit(I::Return);
            }
        }
        self.close();
    }

    fn callees(&self, keep: impl Fn(&super::Signature) -> bool) -> Vec<usize> {
        let first = if self.me >= self.shape.first_leaf { self.shape.functions.len() } else { self.me + 1 };
        (0..self.shape.imports)
            .chain(first..self.shape.functions.len())
            .filter(|i| keep(&self.shape.functions[*i]))
            .collect()
    }

    fn arguments(&mut self, callee: usize, depth: u32) {
        let shape = self.shape;
        self.values(&shape.functions[callee].params, depth);
    }

    /// Any call; results into locals or dropped.
    pub fn call_statement(&mut self, depth: u32) {
        let all = self.callees(|_| true);
        if all.is_empty() {
            return;
        }
        let callee = all[self.rng.below(all.len())];
        self.arguments(callee, depth);
        self.emit(I::Call(callee as u32));
        let results = self.shape.functions[callee].results.clone();
        self.sink(&results);
    }

    /// A call that gives one value of the type. False when there is none.
    pub fn call_for(&mut self, ty: ValType, d: u32) -> bool {
        let all = self.callees(|s| s.results.last() == Some(&ty));
        if all.is_empty() {
            return false;
        }
        let callee = all[self.rng.below(all.len())];
        self.arguments(callee, d);
        self.emit(I::Call(callee as u32));
        let results = self.shape.functions[callee].results.clone();
        self.keep_last(&results);
        true
    }

    /// Of the results on the stack only the last stays.
    fn keep_last(&mut self, results: &[ValType]) {
        if results.len() > 1 {
            let ty = results[results.len() - 1];
            let x = self.new_local(ty, Role::Counter);
            self.emit(I::LocalSet(x));
            self.sink(&results[..results.len() - 1]);
            self.emit(I::LocalGet(x));
        }
    }

    /// An indirect call that gives one value of the type.
    pub fn indirect_for(&mut self, ty: ValType, d: u32) -> bool {
        if self.me >= self.shape.first_leaf {
            return false;
        }
        let shape = self.shape;
        let slots: Vec<(usize, usize)> = shape
            .table
            .iter()
            .enumerate()
            .filter_map(|(slot, f)| f.map(|f| (slot, f as usize)))
            .filter(|(_, f)| shape.functions[*f].results.last() == Some(&ty))
            .collect();
        if slots.is_empty() {
            return false;
        }
        let (slot, callee) = slots[self.rng.below(slots.len())];
        self.arguments(callee, d);
        match self.rng.below(10) {
            0 => self.exact(ValType::I32, 1),
            1 => {
                self.exact(ValType::I32, 1);
                self.emit_all([I::I32Const(7), I::I32And]);
            }
            _ => self.emit(I::I32Const(slot as i32)),
        }
        let sig = &shape.functions[callee];
        let type_index = self.types.index(&sig.params, &sig.results);
        self.emit(I::CallIndirect { type_index, table_index: 0 });
        self.keep_last(&sig.results);
        true
    }

    /// A tail call to a function with the same results. False when there is none.
    pub fn tail_call(&mut self, results: &[ValType]) -> bool {
        let all = self.callees(|s| s.results == results);
        if all.is_empty() {
            return false;
        }
        let callee = all[self.rng.below(all.len())];
        self.arguments(callee, 1);
        self.emit(I::ReturnCall(callee as u32));
        true
    }

    /// Writes, copies or fills of the table.
    pub fn table_statement(&mut self) {
        let leaves = self.shape.first_leaf..self.shape.functions.len();
        let slot = self.rng.below(self.shape.table.len() + 1) as i32;
        let slot = if self.rng.percent(95) { slot.min(self.shape.table.len() as i32 - 1) } else { slot };
        match self.rng.below(5) {
            0 | 1 => {
                // Functions in `ref.func` must be declared: those of the element segments are.
                let declared: Vec<u32> = self.shape.table.iter().flatten().copied().collect();
                let Some(f) = (!declared.is_empty()).then(|| declared[self.rng.below(declared.len())]) else {
                    return;
                };
                debug_assert!(leaves.contains(&(f as usize)));
                self.emit_all([I::I32Const(slot), I::RefFunc(f), I::TableSet(0)]);
            }
            2 => self.emit_all([I::I32Const(slot), I::RefNull(wasm_encoder::HeapType::FUNC), I::TableSet(0)]),
            3 => {
                let to = self.rng.below(3) as i32;
                self.emit_all([I::I32Const(slot), I::I32Const(to), I::I32Const(1)]);
                self.emit(I::TableCopy { src_table: 0, dst_table: 0 });
            }
            _ => {
                self.emit_all([I::I32Const(slot), I::TableGet(0), I::RefIsNull]);
                let ty = SCALARS[0];
                match self.local(ty, Role::Plain) {
                    Some(x) => self.emit(I::LocalSet(x)),
                    None => self.emit(I::Drop),
                }
            }
        }
    }
}
