//! Compares the evaluator with wasmtime on the operands on which `tests/evaluator.rs` compares it with wasmi.

#[path = "../../common/operands.rs"]
mod operands;

use loom_wasm::interp::Const;
use loom_wasm::ir::types::Type;
use operands::{Machine, compare_all};
use std::sync::LazyLock;
use wasmtime::{Engine, Func, Instance, Memory, Module, Store, Val};

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::default);

struct Wasmtime {
    store: Store<()>,
    function: Func,
    memory: Memory,
}

impl Machine for Wasmtime {
    fn load(text: &str) -> Self {
        let buffer = wast::parser::ParseBuffer::new(text).expect("text");
        let mut wat: wast::Wat = wast::parser::parse(&buffer).expect("a module as text");
        let wasm = wat.encode().expect("a valid module");
        let module = Module::new(&ENGINE, wasm).expect("a module wasmtime accepts");
        let mut store = Store::new(&ENGINE, ());
        let instance = Instance::new(&mut store, &module, &[]).expect("instantiation");
        let function = instance.get_func(&mut store, "f").expect("the function");
        let memory = instance.get_memory(&mut store, "m").expect("the memory");
        Wasmtime { store, function, memory }
    }

    fn write(&mut self, at: usize, bytes: [u8; 16]) {
        self.memory.write(&mut self.store, at, &bytes).expect("in bounds");
    }

    fn read(&mut self, at: usize) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.memory.read(&self.store, at, &mut bytes).expect("in bounds");
        bytes
    }

    fn call(&mut self, args: &[Const], result: Type) -> Option<Option<Const>> {
        let args: Vec<Val> = args.iter().map(|a| to_wasmtime(*a)).collect();
        let mut out = if result == Type::V128 { vec![] } else { vec![Val::I32(0)] };
        self.function.call(&mut self.store, &args, &mut out).ok()?;
        Some(out.first().map(of_wasmtime))
    }
}

fn to_wasmtime(c: Const) -> Val {
    match c {
        Const::I32(v) => Val::I32(v as i32),
        Const::I64(v) => Val::I64(v as i64),
        Const::F32(v) => Val::F32(v),
        Const::F64(v) => Val::F64(v),
        Const::V128(_) => unreachable!("vectors go through memory"),
    }
}

fn of_wasmtime(v: &Val) -> Const {
    match v {
        Val::I32(v) => Const::I32(*v as u32),
        Val::I64(v) => Const::I64(*v as u64),
        Val::F32(v) => Const::F32(*v),
        Val::F64(v) => Const::F64(*v),
        other => panic!("unexpected result {other:?}"),
    }
}

#[test]
fn every_scalar_operator_agrees_with_wasmtime() {
    compare_all::<Wasmtime>();
}
