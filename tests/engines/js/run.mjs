// node run.mjs MANIFEST: the manifest is a JSON list of { file, reshost, entry, inputs }; prints a JSON list with the
// results of each as strings. Supplies what meld leaves to the host: resource intrinsics from reshost.wasm (one handle
// table per resource name); any other import traps when called.
import fs from 'fs';

function instantiate({ file, reshost }) {
  const module = new WebAssembly.Module(fs.readFileSync(file));
  const wanted = WebAssembly.Module.imports(module);
  const resources = [...new Set(wanted.filter(i => i.name.startsWith('[resource-'))
    .map(i => i.name.replace(/^\[resource-\w+\]/, '').replace(/\$\d+$/, '')))].sort();
  let instance, host;
  if (resources.length) {
    const dtor = k => rep => {
      const name = Object.keys(instance.exports).find(e => e.endsWith('[dtor]' + resources[k]));
      if (name) instance.exports[name](rep);
    };
    const bytes = fs.readFileSync(reshost);
    host = new WebAssembly.Instance(new WebAssembly.Module(bytes), { host: { dtor0: dtor(0), dtor1: dtor(1) } });
  }
  const imports = {};
  for (const { module: m, name } of wanted) {
    const op = /^\[resource-(\w+)\](.*?)(\$\d+)?$/.exec(name);
    (imports[m] ??= {})[name] = op
      ? host.exports[`${op[1]}_${resources.indexOf(op[2])}`]
      : () => { throw new Error('host ' + name); };
  }
  instance = new WebAssembly.Instance(module, imports);
  return { instance, host };
}

const out = [];
for (const job of JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))) {
  let results;
  try {
    const { instance, host } = instantiate(job);
    results = job.inputs.map(n => {
      try {
        const r = instance.exports[job.entry](n);
        return typeof r === 'bigint' ? BigInt.asUintN(64, r).toString() : String(r >>> 0);
      } catch (e) {
        return 'trap';
      }
    });
    if (host) results.push('live ' + host.exports.live_0(), 'live ' + host.exports.live_1());
  } catch (e) {
    results = ['failed: ' + e];
  }
  out.push(results);
}
console.log(JSON.stringify(out));
