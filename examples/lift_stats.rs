//! Scratch: lifts files and prints counts.
fn main() {
    for p in std::env::args().skip(1) {
        let bytes = std::fs::read(&p).unwrap();
        let t = std::time::Instant::now();
        let d = match loom_wasm::module::decode(&bytes) {
            Ok(d) => d,
            Err(e) => {
                println!("{p}: {e}");
                continue;
            }
        };
        let (mut n, mut raw, mut insts, mut vals) = (0, 0, 0, 0);
        let mut al = Default::default();
        for b in d.bodies {
            match loom_wasm::lift::lift(&d.module, &d.types, b, al) {
                Ok((l, a)) => {
                    al = a;
                    n += 1;
                    match l {
                        loom_wasm::lift::Lifted::Function(f) => {
                            vals += f.values.len();
                            insts += f.layout.iter().map(|&b| f.blocks[b].insts.len()).sum::<usize>()
                        }
                        loom_wasm::lift::Lifted::Raw(r) => {
                            raw += 1;
                            println!("raw {r}")
                        }
                    }
                }
                Err(e) => {
                    println!("{p}: {e}");
                    break;
                }
            }
        }
        println!("{p}: {n} funcs {raw} raw {insts} insts {vals} values {:?}", t.elapsed());
    }
}
