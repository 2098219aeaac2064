//! Compares the evaluator with wasmi on every scalar operator (and the vector operators it models), one instruction a
//! module, over edge and pseudo-random operands, traps included. `tests/engines` does the same with wasmtime.

#[path = "common/operands.rs"]
mod operands;

use loom_wasm::interp::Const;
use loom_wasm::ir::types::Type;
use operands::{Machine, compare_all};

struct Wasmi {
    store: wasmi::Store<()>,
    function: wasmi::Func,
    memory: wasmi::Memory,
}

impl Machine for Wasmi {
    fn load(text: &str) -> Self {
        let wasm = wat::parse_str(text).expect("a valid module");
        let engine = wasmi::Engine::default();
        let wasm = wasmi::Module::new(&engine, &wasm[..]).expect("a module wasmi accepts");
        let mut store = wasmi::Store::new(&engine, ());
        let instance =
            wasmi::Linker::new(&engine).instantiate_and_start(&mut store, &wasm).expect("instantiation");
        let function = instance.get_func(&store, "f").expect("the function");
        let memory = instance.get_memory(&store, "m").expect("the memory");
        Wasmi { store, function, memory }
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
        let args: Vec<wasmi::Val> = args.iter().map(|a| to_wasmi(*a)).collect();
        let mut out = if result == Type::V128 { vec![] } else { vec![wasmi::Val::I32(0)] };
        self.function.call(&mut self.store, &args, &mut out).ok()?;
        Some(out.first().map(of_wasmi))
    }
}

fn to_wasmi(c: Const) -> wasmi::Val {
    match c {
        Const::I32(v) => wasmi::Val::I32(v as i32),
        Const::I64(v) => wasmi::Val::I64(v as i64),
        Const::F32(v) => wasmi::Val::F32(wasmi::F32::from_bits(v)),
        Const::F64(v) => wasmi::Val::F64(wasmi::F64::from_bits(v)),
        Const::V128(_) => unreachable!("vectors go through memory"),
    }
}

fn of_wasmi(v: &wasmi::Val) -> Const {
    match v {
        wasmi::Val::I32(v) => Const::I32(*v as u32),
        wasmi::Val::I64(v) => Const::I64(*v as u64),
        wasmi::Val::F32(v) => Const::F32(v.to_bits()),
        wasmi::Val::F64(v) => Const::F64(v.to_bits()),
        other => panic!("unexpected result {other:?}"),
    }
}

#[test]
fn every_scalar_operator_agrees_with_wasmi() {
    compare_all::<Wasmi>();
}
